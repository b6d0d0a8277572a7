"""What the screen knows of Ingle: one more client of the bus. It starts a daemon of its own where none runs.

`async with Client.open(config) as client:` then `client.ask(…)` and `async for news in client.news():`. No part of the
screen is imported here: the daemon is on its way before the first character is drawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ...skills.home.model import Home
from .. import topics
from ..broker import speaks_mqtt
from ..bus import Bus, BusError, Message
from ..commands import CommandError
from ..commands._client import broker_address, connected, require_ingle, running_url
from ..config import BrokerAddress, Config, with_plan_of
from ..events import Announced, Asked, BadEvent, ReplyToken, TurnRecord, new_id
from ..home_link import HomeLink, empty_home
from ..inside import TurnTrace, Vitals
from .daemon_process import DaemonProcess
from .running import PREFIXES, HouseStores

TICK_S: Final = 0.2             # how soon a lost broker shows
POLL_S: Final = 0.1             # for the broker of a daemon that is starting
WAIT_S: Final = 60.0            # a request that could not be sent for so long is not sent: the moment has passed
ANSWER_S: Final = 30.0
MAX_WAITING: Final = 20
REMEMBERED: Final = 120         # turns and readings, for who looks inside

_KINDS: Final[Mapping[str, type[Announced] | type[TurnTrace] | type[Vitals]]] = {
    topics.ANNOUNCE: Announced, topics.INSIDE_TURN: TurnTrace, topics.INSIDE_NOW: Vitals,
}

State = Literal["connecting", "starting", "online", "away", "lost", "failed"]


@dataclass(frozen=True, kw_only=True)
class Link:
    """How we stand with Ingle.

    state: "connecting"  looking for the broker          "starting"  the daemon we started is not ready yet
           "online"      Ingle answers                   "away"      the broker is there, Ingle is not
           "lost"        the broker is gone              "failed"    it will not get better by waiting
    """

    state: State
    detail: str = ""


@dataclass(frozen=True)
class HomeChanged:
    """Something in the home is not as it was: an entity, a state, an availability."""

    home: Home


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What Ingle says of itself."""

    model: str = ""
    memory_mb: float | None = None


@dataclass(frozen=True)
class StoresChanged:
    """A timer, reminder or list is not as it was: `Client.stores`."""


@dataclass(frozen=True)
class Unanswered:
    """A request of ours to which no answer will come."""

    id: str
    why: str


@dataclass(frozen=True)
class Notice:
    """Something the person should know, once."""

    text: str


News = (Link | HomeChanged | StoresChanged | Readings | ReplyToken | TurnRecord | Announced | TurnTrace | Vitals | Unanswered
        | Notice)


@dataclass(frozen=True)
class _Waiting:
    asked: Asked
    since: float = field(default_factory=time.monotonic)


class Client:
    """Asks, hears, and follows the home.

    Args:
        address: the broker of an Ingle that runs; None: find it, or start one.
        simulate: a home file; a daemon that we start simulates its devices.
    """

    def __init__(self, config: Config, *, address: BrokerAddress | None = None, simulate: Path | None = None) -> None:
        self._address = address
        self._simulate = simulate
        self._configured = asyncio.Event()
        self._use(config)
        self.stores = HouseStores()
        self.records: deque[TurnRecord] = deque(maxlen=REMEMBERED)
        self.memory_mb: deque[float] = deque(maxlen=REMEMBERED)      # of the daemon, as it said
        self.link = Link(state="connecting")
        self._reported: dict[str, float] = {}           # entity id: when it last reported, monotonic
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._home_news_waits = self._stores_news_waits = False
        self._session = f"screen-{new_id()}"
        self._status = ""
        self._own_daemon_starts = False
        self._was_connected = False
        self._bus: Bus | None = None
        self._waiting: list[_Waiting] = []              # not sent yet
        self._open: dict[str, float] = {}               # sent and not answered: id, when

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: Config, *, address: BrokerAddress | None = None, simulate: Path | None = None, set_up_first: bool = False,
    ) -> AsyncIterator[Client]:
        """A client at work; a daemon it started is stopped on the way out.

        Args: set_up_first: nothing is done before `configure`.
        """
        client = cls(config, address=address, simulate=simulate)
        if not set_up_first:
            client._configured.set()
        running = asyncio.create_task(client._run())
        try:
            yield client
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    # for the screen

    @property
    def config(self) -> Config:
        return self._config

    @property
    def waits_for_set_up(self) -> bool:
        return not self._configured.is_set()

    def configure(self, config: Config) -> None:
        """The household has been set up: begin. Once only, and only where `set_up_first` was given."""
        self._use(config)
        self._configured.set()

    def _use(self, config: Config) -> None:
        self._config = with_plan_of(config, self._simulate)
        self.home = empty_home(self._config.home)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the Ingle that answers keeps its data on another machine, or in another place than our configuration says."""
        return self.link.state == "online" and running_url(self._config) is None

    def look_inside(self, turn_id: str | None = None) -> None:
        """Ask for a turn's story (a `TurnTrace` comes, if it is remembered), or for Ingle's `Vitals`."""
        if self._bus is not None and self.link.state == "online":
            with contextlib.suppress(BusError):     # who looks on must not disturb
                self._bus.post(topics.INSIDE_GET, json.dumps({"turn": turn_id} if turn_id else {}))

    async def news(self) -> AsyncIterator[News]:
        """Everything that happens, in order. One reader at a time."""
        while True:
            news = await self._news.get()
            if isinstance(news, HomeChanged):
                self._home_news_waits = False
            elif isinstance(news, StoresChanged):
                self._stores_news_waits = False
            yield news

    def ask(self, text: str, *, area: str | None = None) -> str:
        """Say something; returns the turn's id. While Ingle is not there it waits, but not so long that it surprises."""
        asked = Asked(text=text, area=area, session=self._session)
        if self.link.state == "online":
            self._send(asked)
        elif self.link.state == "failed" or len(self._waiting) >= MAX_WAITING:
            self._tell(Unanswered(asked.id, "not sent: Ingle is not there"))
        else:
            self._waiting.append(_Waiting(asked))
        return asked.id

    def reported_since(self, entity_id: str, since: float) -> bool:
        """Whether the device has reported anything since then (monotonic seconds)."""
        return self._reported.get(entity_id, float("-inf")) >= since

    # the connection

    async def _run(self) -> None:
        await self._configured.wait()
        try:
            async with AsyncExitStack() as stack:
                address = self._address or await self._found()
                if address is None:
                    address = await self._started(stack)
                await self._serve(address)
        except* (BusError, CommandError, OSError) as group:
            self._fail(str(_first(group)))

    async def _found(self) -> BrokerAddress | None:
        """The broker on which an Ingle is online. Raises: BrokerRefused."""
        try:
            async with connected(self._config) as bus:
                await require_ingle(bus)
        except CommandError:
            return None
        if self._simulate is not None:
            self._tell(Notice(f"Ingle runs already, on {bus.address}: the home {self._simulate.stem!r} was not started."))
        return bus.address

    async def _started(self, stack: AsyncExitStack) -> BrokerAddress:
        """Start a daemon; returns when there is a broker to talk to."""
        self._own_daemon_starts = True
        self._set_link(Link(state="starting", detail="loading the model"))
        daemon = await stack.enter_async_context(DaemonProcess(self._config, self._simulate))
        watching = asyncio.create_task(self._fail_when_ended(daemon))
        stack.callback(watching.cancel)
        address = broker_address(self._config)
        if self._config.mqtt.embedded_port is not None:
            while not await speaks_mqtt(address.host, address.port):
                await asyncio.sleep(POLL_S)
                address = broker_address(self._config)
        return address

    async def _fail_when_ended(self, daemon: DaemonProcess) -> None:
        self._fail(await daemon.ended())

    async def _serve(self, address: BrokerAddress) -> None:
        async with Bus(address, patient=True) as bus:
            self._bus = bus
            link = HomeLink(bus, self._config)
            self.home = link.home
            link.home.listen(lambda entity, before: self._reported.update({entity.entity_id: time.monotonic()}))
            await bus.subscribe(topics.STATUS, topics.TURN, topics.DEVICE, topics.ANNOUNCE, topics.INSIDE_TURN, topics.INSIDE_NOW,
                                *(f"{topic}/+" for topic in (topics.REPLY, *PREFIXES)))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(bus, link))
                tasks.create_task(self._watch(bus))
                tasks.create_task(link.run())

    async def _listen(self, bus: Bus, link: HomeLink) -> None:
        async for message in bus.messages:
            if message.topic.startswith("ingle/"):
                self._take(message)
            await link.take(message)
            self._home_changed(link.home)

    async def _watch(self, bus: Bus) -> None:
        while True:
            self._look(bus)
            self._give_up_on_old()
            await asyncio.sleep(TICK_S)

    def _look(self, bus: Bus) -> None:
        if not bus.connected:
            self._status = ""           # said again, retained, when we are back
        self._was_connected |= bus.connected
        state = self._state(bus)
        self._own_daemon_starts &= state != "online"
        details = {"starting": "meeting the devices" if bus.connected else "waiting for the broker",
                   "away": "Ingle is not running", "lost": "the broker is gone, trying again"}
        self._set_link(Link(state=state, detail=details.get(state, str(bus.address))))
        if state == "online":
            for waiting in self._waiting:
                self._send(waiting.asked)
            self._waiting.clear()

    def _state(self, bus: Bus) -> State:
        if bus.connected and self._status == "online":
            return "online"
        if self._own_daemon_starts:
            return "starting"
        if bus.connected:
            return "away"
        return "lost" if self._was_connected else "connecting"

    # messages

    def _take(self, message: Message) -> None:
        """One message of Ingle's own; what is malformed is somebody else's and ignored."""
        if message.topic == topics.STATUS:
            self._status = message.payload.decode("utf-8", "replace")
            if self._bus is not None:
                self._look(self._bus)
            return
        if message.topic.startswith(PREFIXES):
            if self.stores.take(message.topic, message.payload):
                self._stores_changed()
            return
        try:
            data = json.loads(message.payload)
            if message.topic == topics.TURN:
                record = TurnRecord.from_dict(data)
                self._open.pop(record.id, None)
                self.records.append(record)
                self._tell(record)
            elif message.topic.startswith(f"{topics.REPLY}/"):
                token = ReplyToken.from_dict(data)
                if token.id in self._open:
                    self._open[token.id] = time.monotonic()     # a long answer is on its way
                self._tell(token)
            elif message.topic == topics.DEVICE:
                readings = _readings(data)
                if readings.memory_mb is not None:
                    self.memory_mb.append(readings.memory_mb)
                self._tell(readings)
            elif (kind := _KINDS.get(message.topic)) is not None:
                self._tell(kind.from_dict(data))
        except (BadEvent, ValueError, RecursionError):
            return

    def _send(self, asked: Asked) -> None:
        assert self._bus is not None
        try:
            self._bus.post(topics.ASK, asked.payload())
        except BusError as error:
            self._tell(Unanswered(asked.id, f"not sent: {error}"))
        else:
            self._open[asked.id] = time.monotonic()

    def _give_up_on_old(self) -> None:
        now = time.monotonic()
        for waiting in [one for one in self._waiting if now - one.since > WAIT_S]:
            self._waiting.remove(waiting)
            self._tell(Unanswered(waiting.asked.id, f"not sent: Ingle did not come within {WAIT_S:.0f} s"))
        for id in [id for id, since in self._open.items() if now - since > ANSWER_S]:
            del self._open[id]
            self._tell(Unanswered(id, f"no answer within {ANSWER_S:.0f} s"))

    # news

    def _tell(self, news: News) -> None:
        self._news.put_nowait(news)

    def _home_changed(self, home: Home) -> None:
        if not self._home_news_waits:
            self._home_news_waits = True
            self._tell(HomeChanged(home))

    def _stores_changed(self) -> None:
        if not self._stores_news_waits:
            self._stores_news_waits = True
            self._tell(StoresChanged())

    def _set_link(self, link: Link) -> None:
        if link != self.link and self.link.state != "failed":
            self.link = link
            self._tell(link)

    def _fail(self, why: str) -> None:
        self._set_link(Link(state="failed", detail=why))
        for waiting in self._waiting:
            self._tell(Unanswered(waiting.asked.id, "not sent: Ingle is not there"))
        self._waiting.clear()


def _readings(data: Any) -> Readings:
    """Raises: ValueError: not what the daemon says of itself."""
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    memory = data.get("memory_mb")
    return Readings(model=str(data.get("model") or ""), memory_mb=memory if isinstance(memory, int | float) else None)


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
