"""Talk with Ingle line by line. `--plain`: no colours, no redrawing, whole sentences: for screen readers, logs and pipes.

Ends with Ctrl-D, or at the end of what is piped in.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import home_file

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Config

HELP = "talk with Ingle line by line, also for screen readers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plain", action="store_true", help="no colours, and a reply only when it is whole")
    parser.add_argument("--area", help="the room you are in")
    parser.add_argument("--simulate", metavar="HOME", help="simulate the devices of a home file too; `demo` ships with Ingle")
    parser.add_argument("--attach", metavar="URL", help="the broker of an Ingle that runs elsewhere: mqtt://host:1883")


def run(args: argparse.Namespace) -> int:
    import asyncio
    import sys

    from ..config import load
    from .screen import attached

    config = load(args.config)
    if args.attach is not None:
        config = attached(config, args.attach)
    plain = args.plain or not sys.stdout.isatty()
    asyncio.run(_talk(config, plain=plain, area=args.area, elsewhere=args.attach is not None,
                      simulate=home_file(args.simulate) if args.simulate else None))
    return 0


async def _talk(config: Config, *, plain: bool, area: str | None, elsewhere: bool, simulate: Path | None) -> None:
    from ..tui.chat import Talk
    from ..tui.client import Client

    async with Client.open(config, address=config.mqtt_address if elsewhere else None, simulate=simulate) as client:
        await Talk(client, plain=plain, area=area).run()
