"""Run Ingle without a screen: devices by MQTT discovery, requests on `ingle/ask`, records on `ingle/turn`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import home_file

if TYPE_CHECKING:
    from ..daemon import Daemon

HELP = "run Ingle on the bus, until it is stopped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--simulate", metavar="HOME", help="simulate the devices of a home file too; `demo` ships with Ingle")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from .. import daemon
    from ..config import load

    config = load(args.config)
    simulate = home_file(args.simulate) if args.simulate else None
    asyncio.run(daemon.run(config, simulate=simulate, on_ready=_tell))
    return 0


def _tell(daemon: Daemon) -> None:
    print(f"Ingle is ready: {len(daemon.home.entities)} entities, broker {daemon.address}", flush=True)
