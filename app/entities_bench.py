"""`ingle bench --entities N`: what a large home costs beside a small one, in time to the first command and in memory.

Two daemons run at the same time on brokers of their own and are asked the same things in turns, so that whatever else the machine
does falls on both. The devices are played by this process: the daemons' memory holds no broker and no simulation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import psutil

from . import topics
from .bench import START_S, WARM_UP, ask, daemon_on, machine, percentile, write_settings
from .broker import EmbeddedBroker
from .bus import Bus
from .commands import CommandError
from .config import Config, Mqtt, load

FEW: Final = 40
LEAST: Final = 2 * FEW
ROOMS: Final = ("Kitchen", "Bedroom", "Living Room", "Bathroom", "Study", "Hall", "Garage", "Nursery")
THINGS: Final = (
    ("light", "Ceiling Light"), ("light", "Lamp"), ("switch", "Socket"), ("cover", "Blind"), ("sensor", "Temperature"),
)  # fmt: skip
SENTENCES: Final = (
    "turn on the kitchen lights", "turn off the bedroom lamp", "set the study lamp to 40 percent", "open the living room blind",
    "switch the hall socket on", "turn off the nursery ceiling light", "close the bathroom blind", "garage lights on please",
)  # fmt: skip
STATES: Final = {"light": '{"state": "OFF", "brightness": 100}', "switch": "OFF", "cover": "closed", "sensor": "21.5"}
ECHO: Final = {"OPEN": "open", "CLOSE": "closed"}
KNOWN_S: Final = 120.0          # until a daemon knows its home


@dataclass
class Measured:
    """One daemon with so many entities: milliseconds to the first command, and its resident memory in bytes."""

    entities: int
    command_ms: list[float] = field(default_factory=list)
    resident: int = 0

    def p95_ms(self) -> float:
        return percentile(self.command_ms, 95)


def run(args: argparse.Namespace) -> int:
    """Measure and print. Raises: CommandError."""
    if args.entities < LEAST:
        raise CommandError(f"--entities must be at least {LEAST}: the small home beside it has {FEW}")
    few, many = asyncio.run(measure(load(args.config), args.entities, args.turns))
    figures = compared(few, many)
    if args.json:
        print(json.dumps({**figures, "machine": machine(), "turns": args.turns}))
    else:
        print("\n".join(table(figures, many.entities, args.turns)))
    return 0


def compared(few: Measured, many: Measured) -> dict[str, float]:
    """By the names that other programs read."""
    return {
        "entities": many.entities,
        "few.command.p95_ms": round(few.p95_ms(), 1),
        "many.command.p95_ms": round(many.p95_ms(), 1),
        "command.p95_growth_percent": round((many.p95_ms() / few.p95_ms() - 1) * 100, 1),
        "memory.bytes_per_entity": round((many.resident - few.resident) / (many.entities - few.entities)),
    }


def table(figures: Mapping[str, float], entities: int, turns: int) -> list[str]:
    return [
        f"ask → command, p95        {figures['few.command.p95_ms']:.1f} ms with {FEW} entities, "
        f"{figures['many.command.p95_ms']:.1f} ms with {entities}: {figures['command.p95_growth_percent']:+.0f} %",
        f"memory                    {figures['memory.bytes_per_entity'] / 1000:.1f} KB an entity",
        f"{turns} turns each, {machine()}",
    ]


async def measure(config: Config, entities: int, turns: int) -> tuple[Measured, Measured]:
    """The small home and the large one, asked in turns."""
    async with AsyncExitStack() as stack:
        asked = []
        for n in (FEW, entities):
            process, bus = await stack.enter_async_context(_home_of(config, n))
            asked.append((Measured(n), process, bus))
        for turn in range(WARM_UP + turns):
            sentence = SENTENCES[turn % len(SENTENCES)]
            for measured, _, bus in asked:
                record = await ask(bus, sentence)
                if turn >= WARM_UP and "act" in record.timing_ms:
                    measured.command_ms.append(record.timing_ms["act"])
        for measured, process, _ in asked:
            measured.resident = psutil.Process(process.pid).memory_info().rss
            if not measured.command_ms:
                raise CommandError("not one of the requests led to a command: is this the right model?")
        return asked[0][0], asked[1][0]


@asynccontextmanager
async def _home_of(config: Config, entities: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, Bus]]:
    """A broker with the retained announcements of so many devices, somebody who plays them, and a daemon that knows them."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ingle-bench-")))
        url = await stack.enter_async_context(_broker(folder))
        devices = await stack.enter_async_context(Bus(Mqtt(url=url).address))
        for topic, payload in islice(_announced(), 2 * entities):
            await devices.publish(topic, payload, retain=True)
        await devices.subscribe("bench/+/+/set")
        playing = asyncio.create_task(_play(devices))
        stack.callback(playing.cancel)
        process, bus = await stack.enter_async_context(daemon_on(write_settings(config, folder, url)))
        await bus.subscribe(topics.TURN)
        await _until_known(bus)
        yield process, bus


@asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[str]:
    """A broker's URL: mosquitto where it is installed, as it keeps up with thousands of retained messages, else our own."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    broker = EmbeddedBroker(0)
    if program is None:
        async with broker:
            yield f"mqtt://{broker.address.host}:{broker.address.port}"
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(folder / "mosquitto.conf"), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    try:
        await _until_open(port)
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _until_open(port: int) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def _announced() -> Iterator[tuple[str, str]]:
    """Announcement and state of one device after the other: the rooms of a house first, then rooms by number."""
    rooms = (ROOMS[n] if n < len(ROOMS) else f"Room {n}" for n in count())
    for room in rooms:
        for domain, noun in THINGS:
            key = f"{room} {noun}".lower().replace(" ", "_")
            base = f"bench/{domain}/{key}"
            config: dict[str, Any] = {
                "name": None, "unique_id": key, "state_topic": f"{base}/state",
                "device": {"identifiers": [key], "name": f"{room} {noun}", "suggested_area": room},
            }
            if domain != "sensor":
                config["command_topic"] = f"{base}/set"
            if domain == "light":
                config |= {"schema": "json", "brightness": True, "supported_color_modes": ["brightness"]}
            if domain == "sensor":
                config |= {"device_class": "temperature", "unit_of_measurement": "°C"}
            yield f"homeassistant/{domain}/{key}/config", json.dumps(config)
            yield f"{base}/state", STATES[domain]


async def _play(devices: Bus) -> None:
    """Every device does at once what it is told."""
    async for message in devices.messages:
        told = message.payload.decode()
        state = ECHO.get(told, told)
        await devices.publish(f"{message.topic.removesuffix('/set')}/state", state, retain=True)


async def _until_known(bus: Bus) -> None:
    """Ask until the home's first light follows: then what comes after it is known too, or on its way."""
    async with asyncio.timeout(KNOWN_S):
        while not (await ask(bus, SENTENCES[0])).commands:  # noqa: ASYNC110  # it takes turns, not time
            await asyncio.sleep(0.2)

