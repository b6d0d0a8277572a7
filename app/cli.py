"""The command `ingle`. Each subcommand is a module of `app/commands`, with light imports until it is run."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

COMMANDS: Final = (
    "run", "say", "chat", "hear", "voice", "satellite", "bridge", "simulate", "scenario", "devices", "interpret", "bench",
    "doctor",
    "knowledge", "calendar", "skill", "train", "eval", "route", "audit", "serve", "model",
)

# What its owner can mend, by where it is defined: told in one line. Named here so that nothing is imported for it.
_EXPECTED: Final = frozenset({
    ("ingle.app.commands", "CommandError"), ("ingle.app.config", "ConfigError"), ("ingle.app.bus", "BusError"),
    ("ingle.app.audit", "AuditError"), ("ingle.app.update.errors", "UpdateError"),
    ("ingle.app.simulator.home_file", "HomeFileError"), ("ingle.app.scenario.form", "ScenarioError"),
    ("ingle.engine.gguf", "ModelFileError"), ("ingle.skills.registry", "SkillError"),
    ("ingle.skills.sentences", "SentencesError"), ("ingle.knowledge.errors", "KnowledgeError"),
    ("ingle.app.voice.types", "VoiceError"),
})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 after an error, 2 for a wrong command line, 130 after Ctrl-C."""
    args = parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return int(import_module(args.module, "ingle.app").run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:                     # `ingle devices | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if args.verbose or not _is_expected(error):
            raise
        print(f"ingle: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    about = "A voice and text assistant for one house. Without a command: the screen."
    top = argparse.ArgumentParser(prog="ingle", description=about)
    top.add_argument("--version", action="version", version=f"ingle {version('ingle')}")
    _common(top)
    screen = import_module(".commands.screen", "ingle.app")
    screen.add_arguments(top)
    top.set_defaults(module=".commands.screen")
    commands = top.add_subparsers(metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f".commands.{name}", "ingle.app")
        each = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        _common(each)
        module.add_arguments(each)
        each.set_defaults(module=f".commands.{name}")
    each = commands.add_parser("version", help="print the version")
    _common(each)
    each.set_defaults(module=".commands.version")
    return top


def _common(each: argparse.ArgumentParser) -> None:
    # SUPPRESS: a subcommand's default must not overwrite what was given before it
    top = each.prog == "ingle"
    each.add_argument("--config", metavar="FILE", default=None if top else argparse.SUPPRESS,
                      help="the configuration (default: ./config.yaml, else the user's own)")
    each.add_argument("--verbose", action="store_true", default=False if top else argparse.SUPPRESS, help="log what happens")


def _is_expected(error: BaseException) -> bool:
    return any((cls.__module__, cls.__qualname__) in _EXPECTED for cls in type(error).__mro__)


if __name__ == "__main__":
    sys.exit(main())
