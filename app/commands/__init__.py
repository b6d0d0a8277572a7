"""The subcommands of `ingle`: HELP (one line), `add_arguments(parser)` and `run(args)`, which returns the exit status.

Nothing heavy is imported before `run`: the command line must answer `--help` at once.
"""

from __future__ import annotations

from pathlib import Path


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
