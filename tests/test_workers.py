"""Several Ingles on one real broker, and one sentence heard in several rooms: each is answered once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.app import home_link, workers
from ingle.app.bus import Bus, Message
from ingle.app.config import Config, ConfigError, Mqtt, parse
from ingle.app.daemon import Daemon
from ingle.app.events import Asked
from ingle.app.workers import Together, Workers

from .conftest import MOSQUITTO, Mosquitto
from .scripted import Scripted

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
WORKER = """
import asyncio, sys, time
from ingle.app import home_link
from ingle.app.config import Config, Mqtt
from ingle.app.daemon import Daemon
from ingle.engine.interpreter import Intent, Interpretation

home_link.QUIET_S = 0.1

class Stuck:
    def interpret(self, text, *, asked=False):
        print("working", flush=True)
        time.sleep(60)

async def main():
    async with Daemon.open(Config(mqtt=Mqtt(url=sys.argv[1], shared=True), data_dir=sys.argv[2]), understands=Stuck()):
        print("ready", flush=True)
        await asyncio.sleep(120)

asyncio.run(main())
"""


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)


class Listener:
    """Hears every turn's record."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.records = bus, []
        self.records: list[dict[str, Any]] = []

    async def listen(self) -> None:
        async for message in self.bus.messages:
            self.records.append(json.loads(message.payload))

    async def answered(self, n: int) -> None:
        async with asyncio.timeout(30):
            while len(self.records) < n:    # noqa: ASYNC110  # filled by the reader beside
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)            # one too many would come now


async def listener(stack: AsyncExitStack, broker: Mosquitto) -> Listener:
    bus = await stack.enter_async_context(Bus(broker.address))
    await bus.subscribe("ingle/turn")
    found = Listener(bus)
    task = asyncio.create_task(found.listen())
    stack.callback(task.cancel)
    return found


def config_of(broker: Mosquitto, folder: Path, **mqtt: Any) -> Config:
    return Config(mqtt=Mqtt(url=str(broker.address), **mqtt), data_dir=str(folder))


@needs_mosquitto
async def test_each_request_is_answered_by_one_of_several(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INGLE_DATA_DIR")
    models = [Scripted(otherwise="Chat") for _ in range(3)]
    async with AsyncExitStack() as stack:
        for number, model in enumerate(models):
            config = config_of(broker, tmp_path / str(number), shared=True)
            await stack.enter_async_context(Daemon.open(config, understands=model))
        heard = await listener(stack, broker)
        for number in range(20):
            await heard.bus.publish("ingle/ask", json.dumps({"text": f"remark {number}", "id": f"q{number}"}))
        for _ in range(5):
            await heard.bus.publish("ingle/ask", "the same words without an id")
        await heard.answered(25)
    counts = Counter(record["id"] for record in heard.records)
    assert len(heard.records) == 25
    assert set(counts.values()) == {1}
    assert {f"q{number}" for number in range(20)} < set(counts)
    assert sum(len(model.heard) for model in models) == 25
    assert sum(bool(model.heard) for model in models) > 1


@needs_mosquitto
async def test_the_request_of_a_killed_worker_is_answered_by_another(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INGLE_DATA_DIR")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(broker.address), str(tmp_path / "stuck"), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with AsyncExitStack() as stack:
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        config = config_of(broker, tmp_path / "other", shared=True)
        await stack.enter_async_context(Daemon.open(config, understands=Scripted(otherwise="Chat")))
        heard = await listener(stack, broker)
        for number in range(6):         # in turns: some are the other's
            await heard.bus.publish("ingle/ask", json.dumps({"text": "hello", "id": f"q{number}", "session": str(number)}))
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"working\n"
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await heard.answered(6)
    assert Counter(record["id"] for record in heard.records) == {f"q{number}": 1 for number in range(6)}


@needs_mosquitto
async def test_one_sentence_heard_in_three_rooms_is_answered_in_the_loudest(broker: Mosquitto, tmp_path: Path) -> None:
    model = Scripted(otherwise="Chat")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(Daemon.open(config_of(broker, tmp_path, heard_together_ms=300), understands=model))
        heard = await listener(stack, broker)
        for area, level in (("Hall", -40.0), ("Kitchen", -12.0), ("Study", None)):
            ask = {"text": "Good morning!", "area": area, "via": "voice", "level_db": level, "id": area}
            await heard.bus.publish("ingle/ask", json.dumps(ask))
        await heard.answered(3)
    said = {record["id"]: record["reply"] for record in heard.records}
    assert said["Kitchen"]
    assert (said["Hall"], said["Study"]) == ("", "")
    assert len(model.heard) == 1


# the rules, without a broker


class _Work:
    """A task that goes on."""

    cancelled = False

    def done(self) -> bool:
        return False

    def cancel(self) -> None:
        self.cancelled = True

    def add_done_callback(self, told: Any) -> None:
        pass


class Room:
    """Several workers whose claims all see in one order, as a broker gives them."""

    def __init__(self, n: int) -> None:
        self.now = 0.0
        self.works: dict[tuple[int, str], _Work] = {}
        self.claims: list[bytes] = []
        self.alive = set(range(n))
        self.workers = [
            Workers(post=lambda claim: self.claims.append(claim.encode()), begin=self._begin(number), clock=lambda: self.now)
            for number in range(n)
        ]

    def _begin(self, number: int) -> Any:
        def begin(message: Message, id: str) -> Any:
            return self.works.setdefault((number, id), _Work())

        return begin

    def deliver(self) -> None:
        """All claims reach all who live."""
        claims, self.claims = self.claims, []
        for claim in claims:
            for number in self.alive:
                self.workers[number].claimed(claim)

    def ask(self, id: str, to: int) -> None:
        message = Message("ingle/ask", json.dumps({"text": "hello", "id": id}).encode())
        for number in self.alive:
            self.workers[number].heard(message)
        if to in self.alive:
            self.workers[to].assigned(message)
        self.deliver()

    def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += workers.RENEW_S
            for number in self.alive:
                self.workers[number].look()
            self.deliver()


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 5), st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(0, 4))
def test_whoever_dies_each_request_has_one_worker_in_the_end(n: int, to: list[int], dies: int) -> None:
    room = Room(n)
    for place, worker in enumerate(to):
        room.ask(f"q{place}", worker % n)
    room.alive.discard(dies % n)
    room.pass_s(10)
    for place in range(len(to)):
        working = [number for number in room.alive if (number, f"q{place}") in room.works]
        assert len(working) == 1, "one that lives works on it, and no other"
        assert not room.works[working[0], f"q{place}"].cancelled


@given(st.binary(max_size=80))
def test_a_claim_may_be_anything(payload: bytes) -> None:
    Workers(post=lambda claim: None, begin=lambda message, id: None).claimed(payload)


async def test_rooms_that_said_something_else_do_not_matter() -> None:
    together = Together(0.01)
    kitchen = Asked(text="lights on", area="Kitchen", via="voice", level_db=-30.0)
    for each in (kitchen, Asked(text="lights off", area="Hall", via="voice", level_db=-1.0),
                 Asked(text="lights on", area="Study", via="text"), replace(kitchen, area=None)):  # fmt: skip
        together.hear(each)
    assert await together.better_room(kitchen) is None


def test_sharing_needs_a_broker_of_its_own() -> None:
    with pytest.raises(ConfigError, match=r"`mqtt\.shared` needs a broker"):
        parse("mqtt: {shared: true}")
