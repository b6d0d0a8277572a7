"""Simulate a home's MQTT devices on the configured broker (with `embedded`: that of a running Ingle), until stopped."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import CommandError, home_file

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from ..config import Config

HELP = "simulate a home's devices on the broker"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("home", metavar="HOME.yaml", help="the home file; `demo` is the one that ships with Ingle")
    parser.add_argument("--speed", type=float, default=1.0, metavar="FACTOR", help="how much faster covers and the like move")


def run(args: argparse.Namespace) -> int:
    import asyncio
    from dataclasses import replace

    from ..config import load
    from ._client import broker_address

    if not 0 < args.speed <= 10_000:
        raise CommandError("--speed must be above 0, and 10000 at most")
    path, config = home_file(args.home), load(args.config)
    mqtt = replace(config.mqtt, client_id=None)         # two clients of one id would throw each other out
    if mqtt.embedded_port is not None:
        mqtt = replace(mqtt, url=str(broker_address(config)))
    config = replace(config, mqtt=mqtt)
    asyncio.run(_simulate(config, path, 1 / args.speed))
    return 0


async def _simulate(config: Config, path: Path, time_scale: float) -> None:
    import asyncio
    import signal

    from ..simulator import run as simulated

    ready = asyncio.Event()
    task = asyncio.create_task(simulated(config, path, time_scale=time_scale, ready=ready))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    telling = asyncio.create_task(_tell(ready, f"{path.name} is simulated on {config.mqtt.address}"))
    try:
        await task
    except asyncio.CancelledError:
        return
    finally:
        telling.cancel()


async def _tell(ready: asyncio.Event, news: str) -> None:
    await ready.wait()
    print(news, flush=True)
