"""Measures the screen: `python -m tests.screen_soak [--hours 8] [--plot FILE.svg]`.

- start: processor time and wall time from the command to the first page drawn (processes of their own)
- input: from a key to the line that shows it, while 10 events a second come in (p50, p95)
- a long session: all events of so many hours at 10 a second, as fast as they can be drawn; memory after each part

Events are what a house sends: states of 200 devices, turns, timers. They come in as messages of the bus would, without a broker:
what is measured is the screen.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from textual.events import Key
from textual.pilot import Pilot

from ingle.app.bus import Message
from ingle.app.config import BrokerAddress, Config
from ingle.app.home_link import HomeLink
from ingle.app.tui.app import IngleApp
from ingle.app.tui.client import Client, Link
from ingle.app.tui.widgets.ask_bar import AskBar
from ingle.engine.plot import svg

EVENTS_PER_S: Final = 10
DEVICES: Final = 200
PARTS: Final = 32               # of a long session, for the plot
BURST: Final = 250              # events between two looks at the screen
START: Final = "import asyncio, sys; from tests.screen_soak import first_page; asyncio.run(first_page())"


class Unconnected:
    """A bus that goes nowhere: what the screen sends is dropped."""

    address = BrokerAddress()
    connected = True

    def post(self, topic: str, payload: str, **more: Any) -> None: ...

    async def subscribe(self, *topics: str) -> None: ...

    async def unsubscribe(self, *topics: str) -> None: ...


class House:
    """Feeds a client with messages, as its bus would."""

    def __init__(self, client: Client, seed: int = 1) -> None:
        self._client = client
        bus: Any = Unconnected()
        self._link = HomeLink(bus, client.config)
        client.home = self._link.home
        client._bus = bus
        self._random = random.Random(seed)
        self._numbers = itertools.count()

    async def begin(self, devices: int) -> None:
        for number in range(devices):
            config = {"name": f"Lamp {number}", "unique_id": f"l{number}", "schema": "json", "brightness": True,
                      "command_topic": f"l/{number}/set", "state_topic": f"l/{number}",
                      "device": {"identifiers": [f"d{number}"], "suggested_area": f"Room {number // 10}"}}
            await self.send(f"homeassistant/light/l{number}/config", config)
        self._client._set_link(Link(state="online", detail="a house without a broker"))

    async def event(self) -> None:
        """One thing that happens: mostly states, now and then a turn or a timer."""
        number, chance = next(self._numbers), self._random.random()
        if chance < 0.02:
            await self._turn(number)
        elif chance < 0.03:
            timer = {"id": f"t{number % 5}", "kind": "timer", "state": "running", "duration_s": 600, "remaining_s": 300}
            await self.send(f"ingle/timer/t{number % 5}", timer)
        elif chance < 0.05:
            await self.send("ingle/device", {"model": "shipped", "memory_mb": 60 + self._random.random()})
        else:
            state = {"state": "ON", "brightness": self._random.randrange(1, 255)}
            await self.send(f"l/{self._random.randrange(DEVICES)}", state)

    async def _turn(self, number: int) -> None:
        command = {"topic": f"l/{number % DEVICES}/set", "payload": '{"state": "ON"}'}
        record = {"id": f"turn{number}", "text": f"turn on lamp {number % DEVICES}", "route": "local",
                  "reply": "Turned on the lamp.", "commands": [command],
                  "intents": [{"intent": "HassTurnOn", "entities": [f"light.l{number % DEVICES}"]}], "timing_ms": {"total": 40.0}}
        await self.send("ingle/turn", record)

    async def send(self, topic: str, data: Any) -> None:
        message = Message(topic=topic, payload=json.dumps(data).encode(), retain=False)
        if topic.startswith("ingle/"):
            self._client._take(message)
        await self._link.take(message)
        self._client._home_changed(self._link.home)


class Unattended(IngleApp):
    """Whose client never begins: the house is fed in by hand."""

    def set_up(self) -> None: ...


@asynccontextmanager
async def house_on_screen(
    size: tuple[int, int] = (120, 35), devices: int = DEVICES,
) -> AsyncIterator[tuple[Pilot[None], House]]:
    async with Client.open(Config(), set_up_first=True) as client, Unattended(client).run_test(size=size) as pilot:
        house = House(client)
        await house.begin(devices)
        yield pilot, house


async def long_session(hours: float, parts: int = PARTS) -> list[tuple[float, float]]:
    """(hours gone by, MB of this process) after each part."""
    events = round(hours * 3600 * EVENTS_PER_S / parts)
    told = []
    async with house_on_screen() as (pilot, house):
        for part in range(1, parts + 1):
            for done in range(events):
                await house.event()
                if done % BURST == 0:
                    await pilot.pause()
            await pilot.pause(0.2)
            told.append((hours * part / parts, psutil.Process().memory_info().rss / 2**20))
    return told


async def input_latency(seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds from a key to the line that shows it, while events come in as they do: by the clock, and of the processor."""
    took, computed = [], []
    async with house_on_screen() as (pilot, house):
        line = pilot.app.screen.query_one(AskBar)
        happening = asyncio.create_task(_happen(house))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            drawn, before = asyncio.Event(), len(line.value)
            began, used = time.perf_counter(), time.process_time()
            pilot.app.post_message(Key("a", "a"))
            while len(line.value) == before:    # noqa: ASYNC110  # a textual input has no event for it
                await asyncio.sleep(0)
            line.call_after_refresh(drawn.set)
            await drawn.wait()
            took.append((time.perf_counter() - began) * 1000)
            computed.append((time.process_time() - used) * 1000)
            if len(line.value) > 40:
                line.action_clear()
            await asyncio.sleep(0.13)
        happening.cancel()
    return took, computed


async def _happen(house: House) -> None:
    while True:
        await house.event()
        await asyncio.sleep(1 / EVENTS_PER_S)


async def first_page() -> None:
    """Draw the first page, say what it took of the processor, end."""
    async with house_on_screen() as (pilot, _):
        await pilot.pause()
        print(time.process_time())


def start(times: int = 5) -> tuple[float, float]:
    """Seconds from the command to the first page drawn, medians: (wall, processor)."""
    walls, processor = [], []
    for _ in range(times):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
        walls.append(time.perf_counter() - began)
        processor.append(float(done.stdout))
    return statistics.median(walls), statistics.median(processor)


def _percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2]:.1f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the measurement of input latency (default: 20)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="memory over the long session")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        os.environ["INGLE_DATA_DIR"] = data
        wall_s, processor_s = start()
        print(f"start            {wall_s:.2f} s, of the processor {processor_s:.2f} s")
        took, computed = asyncio.run(input_latency(args.seconds))
        print(f"input            {_percentiles(took)}, of the processor {_percentiles(computed)} ({len(took)} keys)")
        began, used = time.perf_counter(), time.process_time()
        points = asyncio.run(long_session(args.hours))
    print(f"long session     {args.hours:g} h of {EVENTS_PER_S} events a second in {time.perf_counter() - began:.0f} s "
          f"({time.process_time() - used:.0f} s of the processor)")
    hours, memory = [hour for hour, _ in points], [mb for _, mb in points]
    print(f"memory           {memory[0]:.1f} MB after {hours[0]:g} h, {memory[-1]:.1f} MB at the end, "
          f"at most {max(memory):.1f} MB")
    if args.plot:
        args.plot.write_text(svg("The screen over a long day", "hours", hours, {"resident memory, MB": memory}), encoding="utf-8")


if __name__ == "__main__":
    main()
