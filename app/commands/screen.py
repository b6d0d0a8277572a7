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
    parser.add_argument("--attach", metavar="URL", help="the broker of an Ingle that runs elsewhere: mqtt://host:1883")
    parser.add_argument("--browser", metavar="PORT", nargs="?", type=int, const=8000,
                        help="show the screen in a web browser on this machine (default port: 8000)")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from ..config import load

    try:
        import textual  # noqa: F401  # an extra: `pip install ingle[tui]`
    except ImportError:
        raise CommandError("the screen needs textual: install ingle[tui], or use `ingle run` and `ingle say`") from None
    if args.browser is not None:
        return _serve(args)
    config = load(args.config)
    if args.attach is not None:
        config = attached(config, args.attach)
    asyncio.run(_show(config, home_file(args.simulate) if args.simulate else None, elsewhere=args.attach is not None))
    return 0


def attached(config: Config, url: str) -> Config:
    """The same household with its broker at `url`. Raises: CommandError."""
    from dataclasses import replace

    try:
        mqtt = replace(config.mqtt, url=url, client_id=None)
        if mqtt.embedded_port is not None or not mqtt.address.host:
            raise ValueError
    except (ValueError, KeyError):
        raise CommandError("--attach needs a broker's address, such as mqtt://host:1883") from None
    return replace(config, mqtt=mqtt)


async def _show(config: Config, simulate: Path | None, *, elsewhere: bool) -> None:
    from ..tui import show

    _log_to_file(config)
    await show(config, config.mqtt_address if elsewhere else None, simulate=simulate)


def _serve(args: argparse.Namespace) -> int:
    """The same screen for a web browser: each that connects gets a process of its own, attached to one Ingle."""
    import shlex
    import sys

    try:
        from textual_serve.server import Server
    except ImportError:
        raise CommandError("the browser needs textual-serve: install ingle[browser]") from None
    options = [("--config", args.config), ("--simulate", args.simulate), ("--attach", args.attach)]
    given = [part for name, value in options if value is not None for part in (name, str(value))]
    command = shlex.join([sys.executable, "-m", "ingle.app.cli", *given])
    Server(command, host="127.0.0.1", port=args.browser, title="Ingle").serve()
    return 0


def _log_to_file(config: Config) -> None:
    """What would be printed over the screen goes to a file."""
    import logging

    config.data_path.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=config.data_path / "ingle.log", level=logging.WARNING, force=True,
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
