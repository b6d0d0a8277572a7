"""`ingle run`: the assistant on the bus. Requests come in on `ingle/ask`, devices are told, records go out.

`assembled` puts the parts together (broker, bus, home, model, stores); `Daemon` speaks for them on Ingle's own topics.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from ..engine.interpreter import Interpreter
from ..skills.home.model import Home
from ..skills.lists import HouseList
from ..skills.registry import Registry
from ..skills.schema import load_schema
from ..skills.sensitive import pin_in
from ..skills.sentences import OwnSentences
from ..skills.timers import Timer
from . import topics
from .answers import HIDDEN
from .assistant import Assistant, Understands
from .broker import EmbeddedBroker
from .bus import Bus, BusError, Message, Will
from .config import Config, load, with_plan_of
from .custom import household_skills
from .daemon_file import remove_run_file, write_run_file
from .events import Announced, Asked, BadAsk, TurnRecord, new_id, parse_ask
from .home_link import HomeLink
from .inside import vitals
from .model_link import ModelLink, active_path, open_choice
from .outside import Outside
from .services import Services, clock_of
from .telemetry_link import TelemetryLink
from .update.slots import Choice
from .voice.mute import Mute, microphone_payload
from .workers import Together, Workers

if TYPE_CHECKING:
    from .voice.wyoming.link import WyomingLink

log = logging.getLogger(__name__)

MAX_TURNS: Final = 100          # at once; what is asked beyond is refused, not queued without end
STOP_S: Final = 10.0            # for turns under way, when asked to stop

BUSY: Final = "Too much is being asked at once."


@dataclass
class Parts:
    """Ingle's parts, running."""

    config: Config
    bus: Bus
    link: HomeLink
    services: Services
    outside: Outside
    assistant: Assistant
    background: list[asyncio.Task[None]]
    telemetry: TelemetryLink
    model: ModelLink | None                     # None: another model than the household's own was given
    mute: Mute
    wyoming: WyomingLink | None                 # None: nobody is to be spoken with
    on_message: Callable[[Message], None] = lambda message: None    # hears of every message on the bus


@asynccontextmanager
async def assembled(
    config: Config | str | Path | None = None, *, understands: Understands | None = None, patient: bool = False,
    simulate: Path | None = None,
) -> AsyncIterator[Parts]:
    """All parts, with the home as it is known to the broker.

    Args:
        patient: wait for a broker that is not there yet, instead of raising.
        simulate: a home file whose devices are simulated on this broker.
    Raises: ConfigError, BusError, ModelFileError, SkillError, SentencesError, HomeFileError.
    """
    async with AsyncExitStack() as stack:
        config = config if isinstance(config, Config) else load(config)
        config = with_plan_of(config, simulate)
        registry, clock = household_skills(config), clock_of(config)
        model = None
        if understands is None and config.model is None:
            understands = model = await asyncio.to_thread(ModelLink, config, lambda choice: _open_choice(config, choice))
            stack.push(model.ended)
        elif understands is None:
            understands = await asyncio.to_thread(open_model, config)
        address = config.mqtt_address
        if config.mqtt.embedded_port is not None:
            broker = await stack.enter_async_context(EmbeddedBroker(config.mqtt.embedded_port))
            address = replace(broker.address, client_id=config.mqtt.client_id)
        services = Services.open(config, clock)
        stack.callback(services.close)
        will = Will(topic=topics.STATUS, payload="offline")
        bus = await stack.enter_async_context(Bus(address, will=will, patient=patient))
        link = HomeLink(bus, config)
        link.home.listen(lambda entity, before: services.history.changed(entity))
        outside = Outside.open(config, link.home, services.knowledge, clock)
        stack.callback(outside.close)
        assistant = Assistant(
            config, understands=understands, registry=registry, home=link.home, perform=link.perform, services=services,
            outside=outside, clock=clock, publish=link.publish,
        )
        parts = Parts(
            config=config, bus=bus, link=link, services=services, outside=outside, assistant=assistant, background=[],
            telemetry=TelemetryLink(config, bus.post_kept, lambda: model.version if model else model_path(config).stem),
            model=model, mute=Mute(config.data_path), wyoming=_wyoming(config, link.home, understands, registry, assistant),
        )
        if simulate is not None:
            await _simulate(stack, parts, simulate)
        home_known = asyncio.Event()
        kept = services.run(
            assistant.act_later, assistant.missed, assistant.run_routine, assistant.routine_stopped, home_known)
        cared_for = [model.run()] if model else []
        for work in (_pump(parts), link.run(), kept, outside.run(assistant.ask_waiting), parts.telemetry.run(), *cared_for):
            parts.background.append(_start(stack, work))
        await bus.subscribe(*outside.topics)
        await bus.wait_connected()
        await link.settled()
        home_known.set()
        yield parts


def _wyoming(
    config: Config, home: Home, understands: Understands, registry: Registry, assistant: Assistant,
) -> WyomingLink | None:
    """Raises: VoiceError: the package is not installed."""
    if config.voice.wyoming.listen is None and not config.voice.wyoming.satellites:
        return None
    from .voice.audio import needed

    needed("wyoming")
    from .voice.live import open_wake_word
    from .voice.wyoming.link import WyomingLink

    return WyomingLink(
        config, home, understands, OwnSentences(registry.sentences),
        lambda asked, on_token: assistant.answer(asked, on_token=on_token), lambda: open_wake_word(config))


def open_model(config: Config) -> Interpreter:
    """The configured language model, or the one that ships with Ingle. Raises: ModelFileError."""
    return Interpreter.open(model_path(config), schema=load_schema())


def model_path(config: Config) -> Path:
    """The configured model's file, else that of the release in use, else the one that ships with Ingle."""
    return config.resolved(config.model) if config.model else active_path(config)


def _open_choice(config: Config, choice: Choice) -> Understands:
    return open_model(config) if choice.slot == "recovery" else open_choice(config, choice)


class Daemon:
    """Ingle on the bus. `async with Daemon.open(config) as daemon:` is ready when entered."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._bus = parts.bus
        self.on_mute: Callable[[bool], None] = lambda muted: None       # hears what the household's switch says
        self._turns: set[asyncio.Task[None]] = set()
        self._workers: Workers | None = None
        self._together = Together(parts.config.mqtt.heard_together_ms / 1000)
        self._ending = False
        self._last = TurnRecord(id="", text="")
        self._n_turns = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: Config | str | Path | None = None, *, understands: Understands | None = None,
        simulate: Path | None = None,
    ) -> AsyncIterator[Daemon]:
        """Raises: as `assembled`."""
        async with (
            assembled(config, understands=understands, patient=True, simulate=simulate) as parts, AsyncExitStack() as stack,
        ):
            daemon = cls(parts)
            if parts.config.mqtt.shared:
                await daemon._join_others(stack)
            await daemon._begin()
            if parts.wyoming is not None:
                parts.background.append(_start(stack, parts.wyoming.run()))
            try:
                yield daemon
            finally:
                await daemon._end()

    @property
    def home(self) -> Home:
        return self._parts.link.home

    @property
    def assistant(self) -> Assistant:
        return self._parts.assistant

    @property
    def muted(self) -> bool:
        return self._parts.mute.on

    @property
    def address(self) -> str:
        """As a URL without credentials."""
        return str(self._bus.address)

    async def failed(self) -> None:
        """Return never, unless a part of ours breaks: then raise what broke it."""
        done, _ = await asyncio.wait(self._parts.background, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def _begin(self) -> None:
        self._parts.assistant.on_turn = self._turn_ended
        self._parts.on_message = self._take
        self._parts.assistant.on_announced = self._announce
        self._parts.services.mirror.timer = self._timer_changed
        self._parts.services.timers.on_due = self._parts.assistant.timer_due
        self._parts.services.mirror.list = self._list_changed
        for timer in self._parts.services.timers.all():
            self._timer_changed(timer)
        for each in self._parts.services.lists.all():
            self._list_changed(each)
        announced = [topics.MODEL] if self._parts.config.updates.automatic else []
        await self._bus.subscribe(topics.ASK, topics.INSIDE_GET, topics.MUTE_SET, *announced)
        own_topic = topics.announcement_topic(self._parts.config.mqtt.discovery_prefix)
        self._keep(own_topic, json.dumps(_announcement()))
        self._tell_mute()
        self._report("idle")
        await self._bus.keep(topics.STATUS, "online")
        write_run_file(self._parts.config, self.address)

    async def _end(self) -> None:
        self._ending = True
        with contextlib.suppress(TimeoutError):
            await self._bus.unsubscribe(topics.ASK)
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(*self._turns, return_exceptions=True)
        for task in self._turns:
            task.cancel()
        await self._bus.keep(topics.STATUS, "offline")
        remove_run_file(self._parts.config)

    # requests

    def _take(self, message: Message) -> None:
        if message.topic == topics.MODEL and self._parts.model is not None:
            self._parts.model.announce()
        if message.topic == topics.INSIDE_GET and not message.retain:
            self._tell_inside(message.payload)
        if message.topic == topics.MUTE_SET:
            self._set_mute(message.payload)
        if self._workers is not None:
            self._hear_others(self._workers, message)
        if message.topic != topics.ASK or message.retain:   # a retained request would be done again at every start
            return
        with contextlib.suppress(BadAsk):
            self._together.hear(parse_ask(message.payload))
        if self._workers is None:
            self._start_answering(message)
        else:
            self._workers.heard(message)

    def _start_answering(self, message: Message, id: str | None = None) -> asyncio.Task[None] | None:
        """Returns: the task that answers; None: it was refused. Args: id: of the turn, unless the request has one."""
        try:
            asked = parse_ask(message.payload, id=id)
        except BadAsk as bad:
            self._refuse(bad, message)
            return None
        if len(self._turns) >= MAX_TURNS:
            self._refuse(BadAsk(BUSY, id=asked.id, reply_to=asked.reply_to, text=self._told(asked.text)), message)
            return None
        task = asyncio.create_task(self._answer(asked, message))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return task

    async def _answer(self, asked: Asked, message: Message) -> None:
        if (room := await self._together.better_room(asked)) is not None:
            record = TurnRecord(id=asked.id, text=self._told(asked.text), area=asked.area, reason=f"heard better in {room}")
            self._turn_ended(record)
            self._reply(record, asked.reply_to, message)
            return
        self._report("busy")
        topic = topics.reply_topic(asked.id)
        record = await self.assistant.answer(asked, on_token=lambda token: self._post(topic, token.payload()))
        self._reply(record, asked.reply_to, message)

    # several Ingles on one broker

    async def _join_others(self, stack: AsyncExitStack) -> None:
        """A connection of its own gets what the broker gives to us; on the first we see all that is asked."""
        address = replace(self._parts.config.mqtt_address, client_id=None)
        shared = await stack.enter_async_context(Bus(address, patient=True))
        self._workers = workers = Workers(post=lambda claim: self._post(topics.CLAIM, claim), begin=self._start_answering)
        await self._bus.subscribe(topics.CLAIM, topics.TURN, topics.STATUS)
        await shared.subscribe(topics.SHARED_ASK)
        for work in (_take_assigned(shared, workers), workers.run()):
            self._parts.background.append(_start(stack, work))

    def _hear_others(self, workers: Workers, message: Message) -> None:
        if message.topic == topics.CLAIM:
            workers.claimed(message.payload)
        elif message.topic == topics.TURN:
            workers.answered(_id_in(message.payload))
        elif message.topic == topics.STATUS and message.payload == b"offline" and not self._ending:
            self._keep(topics.STATUS, "online")     # another is gone, we are not

    def _told(self, text: str) -> str:
        """Of what nobody answered: without anything that may be a PIN."""
        return HIDDEN if len(pin_in(text)) >= 3 and self._parts.config.sensitive.pin is not None else text

    def _refuse(self, bad: BadAsk, message: Message) -> None:
        log.warning("a request on %s is refused: %s", topics.ASK, bad)
        if bad.id is None and bad.reply_to is None and message.response_topic is None:
            return
        record = TurnRecord(id=bad.id or new_id(), text=bad.text, route="none", reason="not a valid request", reply=str(bad))
        self._turn_ended(record)
        self._reply(record, bad.reply_to, message)

    def _reply(self, record: TurnRecord, reply_to: str | None, message: Message) -> None:
        """To whoever asked: the request's `reply_to`, and MQTT 5's response topic."""
        payload, response = record.payload(), message.response_topic
        if response is not None and response != topics.ASK and topics.fault_in_topic(response) is None:
            self._post(response, payload, correlation=message.correlation)
        if reply_to is not None and reply_to != response:
            self._post(reply_to, payload)

    def _tell_inside(self, payload: bytes) -> None:
        """A turn's story, or how Ingle is doing; what was asked wrongly, or is long forgotten, is not answered."""
        try:
            asked = json.loads(payload)
        except (ValueError, RecursionError):
            return
        turn = asked.get("turn") if isinstance(asked, dict) else None
        if isinstance(turn, str) and (trace := self.assistant.traces.get(turn)) is not None:
            self._post(topics.INSIDE_TURN, trace.payload())
        elif isinstance(asked, dict) and turn is None:
            now = vitals(self._parts.outside, model=self._parts.telemetry.model(), memory_mb=_memory_mb(), turns=self._n_turns)
            self._post(topics.INSIDE_NOW, now.payload())

    # what goes out

    def _turn_ended(self, record: TurnRecord) -> None:
        self._last = record
        self._n_turns += 1
        self._parts.telemetry.turn_ended(record)
        if self._parts.model is not None:
            self._parts.model.turn_ended(record)
        self._post(topics.TURN, record.payload())
        self._report("idle")

    def _timer_changed(self, timer: Timer) -> None:
        """Timers and alarms, reminders; an event of the calendar only while it is announced."""
        topic = f"{topics.TIMER if timer.kind in ('timer', 'alarm') else topics.REMINDER}/{timer.id}"
        if timer.kind == "event" and timer.state not in ("ringing", "gone"):
            return
        gone = timer.state == "gone"
        self._keep(topic, "" if gone else json.dumps(timer.as_json(clock_of(self._parts.config)())))

    def _announce(self, said: Announced) -> None:
        self._post(topics.ANNOUNCE, said.payload())
        if self._parts.wyoming is not None:
            self._parts.wyoming.tell(said)

    def _set_mute(self, payload: bytes) -> None:
        try:
            if not self._parts.mute.take(payload):
                log.warning("%s takes ON or OFF", topics.MUTE_SET)
        except OSError as error:
            log.error("whether Ingle is muted is not kept over a restart: %s", error)
        self._tell_mute()

    def _tell_mute(self) -> None:
        """To whoever has a microphone: it is closed, or may be opened."""
        self._keep(topics.MUTE, self._parts.mute.payload)
        self.on_mute(self._parts.mute.on)
        if self._parts.wyoming is not None:
            self._parts.wyoming.mute(self._parts.mute.on)

    def tell_microphone(self, is_open: bool) -> None:
        """Reflect a device of this process."""
        self._keep(topics.MICROPHONE, microphone_payload(is_open))

    def _list_changed(self, house_list: HouseList) -> None:
        payload = json.dumps(house_list.as_json(), ensure_ascii=False)
        self._keep(f"{topics.LIST}/{house_list.slug}", payload)

    def _report(self, state: str) -> None:
        """Ingle's own readings, as its discovery announces them."""
        self._keep(topics.DEVICE, json.dumps({
            "state": state,
            "last_reply": self._last.reply[:255],       # Home Assistant takes no longer state
            "latency_ms": round(self._last.timing_ms.get("total", 0.0)),
            "memory_mb": _memory_mb(),
            "model": self._parts.telemetry.model(),
        }, ensure_ascii=False))


    def _post(self, topic: str, payload: str, *, correlation: bytes | None = None) -> None:
        """What we tell must not break what we do: a full bus is logged."""
        try:
            self._bus.post(topic, payload, correlation=correlation)
        except BusError as error:
            log.error("%s is not told: %s", topic, error)

    def _keep(self, topic: str, payload: str) -> None:
        try:
            self._bus.post_kept(topic, payload)
        except BusError as error:       # it is sent with the next connection
            log.error("%s is not told yet: %s", topic, error)


async def run(config: Config, *, simulate: Path | None = None, on_ready: Callable[[Daemon], None]) -> None:
    """Run until SIGTERM or SIGINT. Raises: as `assembled`, before it is ready; whatever breaks it, after."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await _until_stopped(stop, _serve(config, simulate, on_ready))


async def _serve(config: Config, simulate: Path | None, on_ready: Callable[[Daemon], None]) -> None:
    async with Daemon.open(config, simulate=simulate) as daemon:
        on_ready(daemon)
        await daemon.failed()


async def _until_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _take_assigned(shared: Bus, workers: Workers) -> None:
    async for message in shared.messages:
        if not message.retain:
            workers.assigned(message)


def _id_in(record: bytes) -> str:
    try:
        return str(json.loads(record)["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


async def _pump(parts: Parts) -> None:
    """Every message of the bus goes to the home and to whoever listens."""
    async for message in parts.bus.messages:
        parts.on_message(message)
        parts.outside.hear(message.topic, message.payload)
        await parts.link.take(message)


def _start(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_tell_if_broken)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    return task


def _tell_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a part of Ingle broke", exc_info=error)


# simulated devices

async def _simulate(stack: AsyncExitStack, parts: Parts, home: Path) -> None:
    from .simulator import run as run_simulator

    ready = asyncio.Event()
    mqtt = replace(parts.config.mqtt, client_id=None)       # two clients of one id would throw each other out
    if mqtt.embedded_port is not None:
        mqtt = replace(mqtt, url=str(parts.bus.address))
    there = replace(parts.config, mqtt=mqtt)
    task = _start(stack, run_simulator(there, home, ready=ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    parts.background.append(task)


# Ingle as a device

def _memory_mb() -> float:
    return round(psutil.Process().memory_info().rss / 2**20, 1)


def _announcement() -> dict[str, Any]:
    """Ingle in the form in which any device announces itself to Home Assistant."""
    number = version("ingle")
    return {
        "device": {"identifiers": ["ingle"], "name": "Ingle", "manufacturer": "Ingle", "sw_version": number},
        "origin": {"name": "Ingle", "sw_version": number},
        "availability_topic": topics.STATUS,
        "state_topic": topics.DEVICE,
        "components": {
            "ingle_state": _reading("State", "state"),
            "ingle_last_reply": _reading("Last reply", "last_reply"),
            "ingle_latency": _reading("Latency", "latency_ms", unit="ms", device_class="duration"),
            "ingle_memory": _reading("Memory", "memory_mb", unit="MB", device_class="data_size"),
            "ingle_model": _reading("Model", "model"),
            "ingle_mute": {
                "platform": "switch", "name": "Mute", "unique_id": "ingle_mute", "entity_category": "config",
                "icon": "mdi:microphone-off", "state_topic": topics.MUTE, "command_topic": topics.MUTE_SET,
            },
            "ingle_microphone": {
                "platform": "binary_sensor", "name": "Microphone", "unique_id": "ingle_microphone",
                "entity_category": "diagnostic", "icon": "mdi:microphone", "state_topic": topics.MICROPHONE,
                "payload_on": "open", "payload_off": "closed",
            },
        },
    }


def _reading(name: str, key: str, *, unit: str | None = None, device_class: str | None = None) -> dict[str, Any]:
    reading: dict[str, Any] = {
        "platform": "sensor", "name": name, "unique_id": f"ingle_{key}", "entity_category": "diagnostic",
        "value_template": f"{{{{ value_json.{key} }}}}",
    }
    if unit is not None:
        reading |= {"unit_of_measurement": unit, "device_class": device_class, "state_class": "measurement"}
    return reading
