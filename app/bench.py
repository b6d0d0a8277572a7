"""`ingle bench`: what a household would feel, measured on a daemon of its own with the simulated demo home.

Printed are medians and 95th percentiles over many requests, from being asked to the first command on the bus, and the
daemon's resident memory. Times come from the turn records, so a slow client cannot blur them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import psutil
import yaml

from . import topics
from .bus import BrokerUnreachable, Bus
from .commands import CommandError
from .config import Config, Mqtt, load
from .daemon import model_path
from .events import Asked, TurnRecord

START_S: Final = 60.0           # a cold start on a slow board; beyond that something is wrong
ANSWER_S: Final = 30.0
WARM_UP: Final = 5              # the first turns read the model from disk
SENTENCES: Final = (
    "turn on the kitchen lights", "turn off the kitchen lights", "dim the living room to 40 percent",
    "switch the desk lamp on please", "could you close the bedroom curtains", "lock the front door",
    "set the downstairs heating to 21 degrees", "put the hall light on", "turn everything off in the study",
    "pause the kitchen speaker", "make the reading lamp warm white", "is the front door locked",
    "which lights are on upstairs", "turn on the bathroom fan and the bathroom light", "start the vacuum",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each turn that sent a command, and of each turn as a whole; the daemon's memory in bytes."""

    command_ms: list[float]
    interpret_ms: list[float]
    total_ms: list[float]
    resident: int
    start_s: float

    def figures(self) -> dict[str, float]:
        """By the names that other programs read."""
        return {
            "command.p50_ms": round(statistics.median(self.command_ms), 1),
            "command.p95_ms": round(percentile(self.command_ms, 95), 1),
            "interpret.p50_ms": round(statistics.median(self.interpret_ms), 1),
            "interpret.p95_ms": round(percentile(self.interpret_ms, 95), 1),
            "turn.p50_ms": round(statistics.median(self.total_ms), 1),
            "memory.resident_mb": round(self.resident / 1e6, 1),
            "start_s": round(self.start_s, 2),
        }


def run(args: argparse.Namespace) -> int:
    """Measure and print. Raises: CommandError."""
    measured = asyncio.run(measure(load(args.config), args.turns))
    if args.json:
        print(json.dumps({**measured.figures(), "machine": machine(), "turns": args.turns}))
    else:
        print("\n".join(table(measured.figures(), args.turns)))
    return 0


def table(figures: dict[str, float], turns: int) -> list[str]:
    """The figures for people, as they stand in the README."""
    return [
        f"ask → command published   p50 {figures['command.p50_ms']:.1f} ms   p95 {figures['command.p95_ms']:.1f} ms",
        f"of which understanding    p50 {figures['interpret.p50_ms']:.1f} ms   p95 {figures['interpret.p95_ms']:.1f} ms",
        f"ask → reply complete      p50 {figures['turn.p50_ms']:.1f} ms   (devices' confirmations included)",
        f"daemon resident memory    {figures['memory.resident_mb']:.0f} MB, ready {figures['start_s']:.1f} s after the start",
        f"{turns} turns, {machine()}, {date.today().isoformat()}",
    ]


def machine() -> str:
    """What it was measured on: processor, cores, memory, Python."""
    gigabytes = psutil.virtual_memory().total / 2**30
    return (f"{_processor()}, {psutil.cpu_count()} cores, {gigabytes:.0f} GB, Python {platform.python_version()}, "
            f"{platform.system()} {platform.machine()}")  # fmt: skip


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent of the others do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share / 100 * (len(ordered) - 1)))]


async def measure(config: Config, turns: int) -> Measured:
    """Start a daemon, ask it `turns` things one after the other, stop it."""
    with tempfile.TemporaryDirectory(prefix="ingle-bench-") as folder:
        settings = write_settings(config, Path(folder), "embedded:0")
        began = asyncio.get_running_loop().time()
        async with daemon_on(settings, "--simulate", "demo") as (process, bus):
            started = asyncio.get_running_loop().time() - began
            await bus.subscribe(topics.TURN)
            for n in range(WARM_UP):
                await ask(bus, SENTENCES[n % len(SENTENCES)])
            records = [await ask(bus, SENTENCES[n % len(SENTENCES)]) for n in range(turns)]
            resident = psutil.Process(process.pid).memory_info().rss
    commands = [record.timing_ms["act"] for record in records if "act" in record.timing_ms]
    if not commands:
        raise CommandError("not one of the requests led to a command: is this the right model?")
    return Measured(
        command_ms=commands, interpret_ms=[record.timing_ms["interpret"] for record in records],
        total_ms=[record.timing_ms["total"] for record in records], resident=resident, start_s=started,
    )  # fmt: skip


def write_settings(config: Config, folder: Path, url: str) -> Path:
    """A configuration beside the household's: another broker, its own data, the same model."""
    path = folder / "config.yaml"
    data: dict[str, Any] = {"mqtt": {"url": url}, "data_dir": str(folder / "data"), "model": str(model_path(config))}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


@asynccontextmanager
async def daemon_on(settings: Path, *more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Bus]]:
    """A daemon process and a connection to its broker; `more`: arguments of `ingle run`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingle.app.cli", "run", "--config", str(settings), *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        url = await _ready(process)
        async with Bus(Mqtt(url=url).address) as bus:
            yield process, bus
    except BrokerUnreachable as error:
        raise CommandError(str(error)) from None
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> str:
    """The broker's URL, out of the line that the daemon prints when it is ready."""
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
    except TimeoutError:
        raise CommandError(f"the daemon was not ready within {START_S:g} s") from None
    if not line:
        why = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        raise CommandError(f"the daemon did not start: {why[-1] if why else 'no reason given'}")
    return line.decode().split()[-1]


async def ask(bus: Bus, text: str) -> TurnRecord:
    """One request and its record. The bus must be subscribed to `topics.TURN`."""
    asked = Asked(text=text, session="bench")
    await bus.publish(topics.ASK, asked.payload())
    async with asyncio.timeout(ANSWER_S):
        async for message in bus.messages:
            if message.topic == topics.TURN:
                record = TurnRecord.from_dict(json.loads(message.payload))
                if record.id == asked.id:
                    return record
    raise CommandError("the bus was closed before an answer came")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()
