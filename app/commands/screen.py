"""The screen: conversation and devices. Talks to a running Ingle, or starts one beside it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import CommandError, home_file

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--simulate", metavar="HOME", help="simulate the devices of a home file too; `demo` ships with Ingle")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from ..config import load

    try:
        import textual  # noqa: F401  # an extra: `pip install ingle[tui]`
    except ImportError:
        raise CommandError("the screen needs textual: install ingle[tui], or use `ingle run` and `ingle say`") from None
    asyncio.run(_show(load(args.config), home_file(args.simulate) if args.simulate else None))
    return 0


async def _show(config: Config, simulate: Path | None) -> None:
    from ..tui import show

    _log_to_file(config)
    await show(config, simulate=simulate)


def _log_to_file(config: Config) -> None:
    """What would be printed over the screen goes to a file."""
    import logging

    config.data_path.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=config.data_path / "ingle.log", level=logging.WARNING, force=True,
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
