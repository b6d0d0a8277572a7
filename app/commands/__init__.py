"""The subcommands of `ingle`: HELP (one line), `add_arguments(parser)` and `run(args)`, which returns the exit status.

Nothing heavy is imported before `run`: the command line must answer `--help` at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


class CommandError(Exception):
    """A command cannot do what was asked; one line that says why and what to do."""


def home_file(name: str) -> Path:
    """A simulated home by its file, or the one that ships with Ingle by the name `demo`. Raises: CommandError."""
    path = Path(name)
    if not path.exists() and name == "demo":
        path = Path(__file__).parent.parent / "homes" / "demo.yaml"
    if not path.is_file():
        raise CommandError(f"{name}: there is no such home file; `demo` is the one that ships with Ingle")
    return path


def add_action(commands: Any, name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
    """A part of a command, such as `ingle calendar list`, which `args.action` does. Args: commands: of `add_subparsers`."""
    each: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    each.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="the configuration")
    each.add_argument("--json", action="store_true", help="print JSON")
    each.set_defaults(action=run)
    return each
