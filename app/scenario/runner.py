"""Runs scenarios: a broker, the simulated home, and Ingle as it is, driven over the bus and by nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from ...skills.home.model import Home
from .. import topics
from ..broker import EmbeddedBroker
from ..bus import Bus, BusError
from ..config import Config, ConfigError
from ..config import parse as parse_config
from ..events import Asked, BadEvent, TurnRecord
from ..simulator import HomeFileError, Simulator, bus_publisher
from .cloud import CloudError, answering
from .form import Ask, ExpectEntities, PublishForeign, Restart, Scenario, Step, Unasked, Wait, World, words
from .judge import Seen, differences, judge, unasked

READY_S: Final = 10.0           # from the start of Ingle until it knows the home
READY_EACH_S: Final = 0.2       # more for each device of it
TURN_S: Final = 20.0            # from an ask to its record
HEARD_S: Final = 0.5            # until a command in the record has come by
ENTITIES_S: Final = 3.0         # until entities are known or gone
UNASKED_S: Final = 4.0          # until what Ingle does of itself has come
STATES_S: Final = 1.0           # until devices are as they should be: covers take their way
TIME_SCALE: Final = 0.004       # of the simulated world: a cover's 10 s are 40 ms

# Overrides of config.yaml for every scenario: silence is noticed soon, answers are the same everywhere.
DEFAULTS: Final[Mapping[str, Any]] = {"confirm_s": 0.4, "timezone": "Europe/London"}


class Ingle(Protocol):
    """A running Ingle, as far as a scenario may look inside."""

    @property
    def home(self) -> Home: ...


OpenIngle = Callable[[Config], AbstractAsyncContextManager[Ingle]]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One turn (or step) that went wrong."""

    place: int                  # in `turns`, from 0
    said: str
    problems: tuple[str, ...]
    wrong_devices: tuple[str, ...] = ()     # entities that were told something and should have been left alone


@dataclass(kw_only=True)
class Result:
    """What became of one scenario."""

    scenario: Scenario
    failures: list[Failure] = field(default_factory=list)
    turns: int = 0              # asked
    skipped: str | None = None  # why nothing was run
    elapsed_s: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.failures


async def run(scenario: Scenario, open_ingle: OpenIngle, *, broker_url: str | None = None) -> Result:
    """Play one scenario from its first turn to its last. Failures are in the result; only our own bugs are raised."""
    result = Result(scenario=scenario)
    if broker_url is not None and any(isinstance(step, Restart) and step.restart == "broker" for step in scenario.turns):
        result.skipped = "restarts the broker, which is not ours"
        return result
    started = time.perf_counter()
    place = 0
    try:
        async with Stage.open(scenario, open_ingle, broker_url) as stage:
            for place, step in enumerate(scenario.turns):
                result.turns += isinstance(step, Ask)
                if problems := await stage.play(step):
                    said = step.ask if isinstance(step, Ask) else type(step).__name__
                    strays = stage.strays if isinstance(step, Ask) else ()
                    result.failures.append(Failure(place=place, said=said, problems=tuple(problems), wrong_devices=strays))
            if left := await stage.leftovers():
                result.failures.append(Failure(place=place, said="(after the last turn)", problems=(left,)))
    except (HomeFileError, ConfigError, BusError, StageError, CloudError) as error:
        result.failures.append(Failure(place=place, said="(the scenario itself)", problems=(str(error),)))
    result.elapsed_s = time.perf_counter() - started
    return result


class StageError(Exception):
    """The scenario cannot go on: Ingle or the broker is not there."""


class Stage:
    """The broker, the simulated home and Ingle, for the length of one scenario."""

    def __init__(self, scenario: Scenario, open_ingle: OpenIngle, broker_url: str | None, data_dir: Path) -> None:
        self.scenario = scenario
        self._open_ingle = open_ingle
        self._broker_url = broker_url
        self._broker = EmbeddedBroker(0)
        self._data_dir = data_dir
        self._records: dict[str, asyncio.Future[TurnRecord]] = {}
        self._online = asyncio.Event()
        self.strays: tuple[str, ...] = ()   # entities that the last ask commanded, and should not have
        self._foreign: list[str] = []       # topics of `publish` steps: not Ingle's doing
        self._announced: list[str] = []     # what Ingle said unasked, since the last look
        self._leftovers: set[str] = set()   # retained topics of Ingle, for a broker that stays

    @classmethod
    @asynccontextmanager
    async def open(cls, scenario: Scenario, open_ingle: OpenIngle, broker_url: str | None) -> AsyncIterator[Stage]:
        with tempfile.TemporaryDirectory(prefix="ingle-scenario-") as folder, _data_dir(folder):
            stage = cls(scenario, open_ingle, broker_url, Path(folder))
            async with AsyncExitStack() as stack:
                await stage._set_up(stack)
                yield stage

    async def _set_up(self, stack: AsyncExitStack) -> None:
        """Broker, bus, home, Ingle: each is taken down in reverse."""
        if self._broker_url is None:
            await self._broker.__aenter__()
            stack.push_async_callback(lambda: self._broker.__aexit__(None, None, None))
        cloud = await stack.enter_async_context(answering(self.scenario.cloud)) if self.scenario.cloud is not None else None
        self.config = self._make_config(cloud)
        self._bus = await stack.enter_async_context(Bus(self.config.mqtt.address))
        publish, prefix = bus_publisher(self._bus), self.config.mqtt.discovery_prefix
        self.simulator = Simulator(self.scenario.home, publish, prefix=prefix, time_scale=TIME_SCALE)
        await self._bus.subscribe("#")
        listening = asyncio.create_task(self._listen())
        stack.push_async_callback(lambda: _cancel(listening))
        if self._broker_url is not None:
            stack.push_async_callback(self._clean_up)
        await self.simulator.start()
        stack.push_async_callback(self.simulator.close)
        await self._start_ingle()
        stack.push_async_callback(self._stop_ingle)

    def _make_config(self, cloud: str | None) -> Config:
        address = self._broker.address
        url = self._broker_url or f"mqtt://{address.host}:{address.port}"
        data: dict[str, Any] = {**DEFAULTS, **self.scenario.home.config(), "mqtt": {"url": url}}
        if cloud is not None:
            data["cloud"] = {"url": cloud, "model": "scenario"}
        text = yaml.safe_dump(_merged(data, self.scenario.config))
        return parse_config(text, self._data_dir / "config.yaml")

    async def _start_ingle(self) -> None:
        self._online.clear()
        self._ingle_context = self._open_ingle(self.config)
        self._ingle = await self._ingle_context.__aenter__()
        expected = set(self.simulator.devices)
        limit_s = READY_S + READY_EACH_S * len(expected)
        known = self._until(lambda: expected <= set(self._ingle.home.entities) and self._states_are_known(), limit_s)
        if not await known:
            missing = sorted(expected - set(self._ingle.home.entities)) or sorted(self._unknown_states())
            raise StageError(f"Ingle does not know {', '.join(missing)} {limit_s:g} s after its start")
        await asyncio.wait_for(self._online.wait(), READY_S)

    async def _stop_ingle(self) -> None:
        await self._ingle_context.__aexit__(None, None, None)

    def _states_are_known(self) -> bool:
        return not self._unknown_states()

    def _unknown_states(self) -> set[str]:
        """Entities whose device has a state and has said so, but of which Ingle knows none."""
        known = self._ingle.home.entities
        devices = self.simulator.devices.items()
        return {entity_id for entity_id, device in devices if device.tells_state and known[entity_id].state is None}

    # playing

    async def play(self, step: Step) -> list[str]:
        """Do one step; return what is wrong afterwards."""
        match step:
            case Ask():
                return await self._ask(step)
            case World():
                await self._change(step)
            case PublishForeign():
                await self._publish(step)
            case Restart():
                await self._restart(step)
            case Wait():
                await asyncio.sleep(step.wait_s)
            case Unasked():
                return await self._check_unasked(step)
            case ExpectEntities():
                return await self._check_entities(step)
        return []

    async def _ask(self, step: Ask) -> list[str]:
        asked = Asked(text=step.ask, area=step.area, session=step.session, via=step.via, speaker=step.speaker)
        if self.scenario.independent:
            await self.simulator.restore()
            asked = replace(asked, session=asked.id)
        self.strays = ()
        answer: asyncio.Future[TurnRecord] = asyncio.get_running_loop().create_future()
        self._records[asked.id] = answer
        await self._bus.publish(topics.ASK, asked.payload())
        try:
            record = await asyncio.wait_for(answer, TURN_S)
        except TimeoutError:
            return [f"no turn record came within {TURN_S:g} s"]
        finally:
            del self._records[asked.id]
        await self._until(lambda: len(self.simulator.commands) >= len(record.commands), HEARD_S)
        await self._until(lambda: not differences(step.expect.states, self._states()), STATES_S)
        refused, self.simulator.refused = self.simulator.refused, []
        seen = Seen(record=record, commands=self._take_commands(), refused=refused, states=self._states())
        self.strays = self._strays(step, seen)
        problems = judge(step.expect, seen)
        return [*problems, f"reply: {record.reply!r}; {record.reason}"] if problems else []

    def _strays(self, step: Ask, seen: Seen) -> tuple[str, ...]:
        """Entities that obey a command which came, and none that should have."""
        meant, told = ({self.simulator.listens(command.topic) for command in commands}
                       for commands in (step.expect.commands, seen.commands))
        return tuple(sorted(entity_id for entity_id in told - meant if entity_id is not None))

    def _states(self) -> dict[str, dict[str, Any]]:
        """How the simulated devices are, physically."""
        devices = self.simulator.devices.items()
        return {entity_id: {"state": device.state, **device.attributes} for entity_id, device in devices}

    async def _change(self, step: World) -> None:
        for entity_id, changes in step.world.set.items():
            await self.simulator.set(entity_id, changes)
        for entity_id in words(step.world.offline):
            await self.simulator.set_online(entity_id, False)
        for entity_id in words(step.world.online):
            await self.simulator.set_online(entity_id, True)
        for entity_id in words(step.world.remove):
            await self.simulator.remove(entity_id)

    async def _publish(self, step: PublishForeign) -> None:
        message = step.publish
        payload = message.payload if isinstance(message.payload, str) else json.dumps(message.payload)
        self._foreign.append(message.topic)
        await self._bus.publish(message.topic, payload, retain=message.retain)

    async def _restart(self, step: Restart) -> None:
        if step.restart == "ingle":
            await self._stop_ingle()
            await self._start_ingle()
            return
        port = self._broker.address.port
        await self._broker.__aexit__(None, None, None)
        await self._until(lambda: not self._bus.connected, READY_S)
        self._online.clear()
        self._broker = EmbeddedBroker(port)
        await self._broker.__aenter__()
        try:
            await asyncio.wait_for(self._bus.wait_connected(), READY_S)
            await asyncio.wait_for(self._online.wait(), READY_S)
        except TimeoutError:
            raise StageError(f"Ingle was not back {READY_S:g} s after the broker") from None

    async def _check_entities(self, step: ExpectEntities) -> list[str]:
        wanted = step.expect_entities

        def faults() -> list[str]:
            known = self._ingle.home.entities
            missing = [f"{entity_id} is not known" for entity_id in wanted.present if entity_id not in known]
            return missing + [f"{entity_id} is still known" for entity_id in wanted.absent if entity_id in known]

        await self._until(lambda: not faults(), ENTITIES_S)
        await asyncio.sleep(0.05)  # what should stay away must stay away
        return faults()

    async def _check_unasked(self, step: Unasked) -> list[str]:
        wanted = step.unasked
        await self._until(lambda: len(self.simulator.commands) >= len(wanted.commands)
                          and len(self._announced) >= len(wanted.announced), UNASKED_S)
        await asyncio.sleep(0.05)       # one more is one too many
        said, self._announced = tuple(self._announced), []
        problems = unasked(wanted.commands, self._take_commands())
        return [*problems, f"announced: expected {wanted.announced}, came {said}"] if said != wanted.announced else problems

    async def leftovers(self) -> str | None:
        """Commands that come after the last turn."""
        await asyncio.sleep(0.05)
        late = self._take_commands()
        return f"commands: sent after the last turn: {late}" if late else None

    # the bus

    async def _listen(self) -> None:
        async for message in self._bus.messages:
            payload = message.payload.decode("utf-8", "replace")
            if message.topic == topics.TURN:
                self._take_record(payload)
            elif message.topic == topics.ANNOUNCE:
                self._announced.append(str(json.loads(payload).get("text")))
            elif message.topic == topics.STATUS and payload == "online":
                self._online.set()
            if not message.retain and self._may_be_left(message.topic):
                self._leftovers.add(message.topic)
            await self.simulator.handle(message.topic, payload, retain=message.retain)

    def _may_be_left(self, topic: str) -> bool:
        """Whether Ingle, or a `publish` step, may have left this topic retained; those of the devices are known."""
        passing = topic in (topics.ASK, topics.TURN) or topic.startswith(f"{topics.REPLY}/")
        return not passing and topic.startswith(("ingle/", f"{self.config.mqtt.discovery_prefix}/"))

    def _take_record(self, payload: str) -> None:
        try:
            record = TurnRecord.from_dict(json.loads(payload))
        except (ValueError, BadEvent):
            return  # whoever waits for it will say that none came
        answer = self._records.get(record.id)
        if answer is not None and not answer.done():
            answer.set_result(record)

    def _take_commands(self) -> list[Any]:
        """Commands since the last look, without those a `publish` step sent."""
        commands = self.simulator.take_commands()
        for topic in tuple(self._foreign):
            ours = next((command for command in commands if command.topic == topic), None)
            if ours is not None:
                commands.remove(ours)
                self._foreign.remove(topic)
        return commands

    async def _clean_up(self) -> None:
        """Leave a broker that is not ours as it was."""
        await self.simulator.withdraw()
        for topic in self._leftovers:
            await self._bus.publish(topic, "", retain=True)

    async def _until(self, done: Callable[[], bool], limit_s: float) -> bool:
        """Wait until `done()`, at most `limit_s`; return whether it is."""
        deadline = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merged key by key; everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


@contextlib.contextmanager
def _data_dir(folder: str) -> Iterator[None]:
    """State of this scenario goes here; the environment's word would win over the configuration's."""
    before = os.environ.get("INGLE_DATA_DIR")
    os.environ["INGLE_DATA_DIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["INGLE_DATA_DIR"]
        else:
            os.environ["INGLE_DATA_DIR"] = before


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
