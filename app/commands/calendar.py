"""The household's calendar: what is on, and iCalendar files in and out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import CommandError, add_action

if TYPE_CHECKING:
    from datetime import datetime

    from ...skills.timers import Timer, TimerStore

HELP = "what is on, and iCalendar files in and out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    load = add_action(commands, "import", _import, "take in the events of iCalendar files, in place of those of the same UID")
    load.add_argument("file", nargs="+", metavar="FILE.ics", help="- for standard input")
    save = add_action(commands, "export", _export, "write reminders and events as an iCalendar file")
    save.add_argument("file", metavar="FILE.ics", help="- for standard output")
    add_action(commands, "list", _list, "reminders and events, soonest first")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def _import(args: argparse.Namespace) -> int:
    from ...skills.calendar_file import CalendarError, take_in

    store, now = _store(args)
    for name in args.file:
        try:
            taken = take_in(_read(name), store, now)
        except CalendarError as error:
            raise CommandError(f"{name}: {error}") from None
        if args.json:
            print(json.dumps({"file": name, "added": taken.added, "over": taken.over, "faults": list(taken.faults)}))
        else:
            over = f", {taken.over} are over" if taken.over else ""
            print(f"{name}: {taken.added} events taken in{over}")
            for fault in taken.faults:
                print(f"  {fault}")
    return 0


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {(error.strerror or 'cannot be read').lower()}") from None


def _export(args: argparse.Namespace) -> int:
    from ...skills.calendar_file import CalendarError, write

    store, now = _store(args)
    timers = store.all("reminder", "event")
    try:
        data = write(timers, now)
        if args.file == "-":
            sys.stdout.buffer.write(data)
            return 0
        Path(args.file).write_bytes(data)
    except CalendarError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{args.file}: {(error.strerror or 'cannot be written').lower()}") from None
    print(json.dumps({"file": args.file, "events": len(timers)}) if args.json else f"{args.file}: {len(timers)} events")
    return 0


def _list(args: argparse.Namespace) -> int:
    from ...skills.alarms import spoken_when

    store, now = _store(args)
    for timer in store.all("reminder", "event"):
        print(json.dumps(_plain(timer), ensure_ascii=False) if args.json else f"{spoken_when(timer, now)}: {timer.name}")
    return 0


def _plain(timer: Timer) -> dict[str, Any]:
    return {"id": timer.id, "kind": timer.kind, "name": timer.name, "for": timer.speaker, "uid": timer.uid,
            "at": timer.moment.isoformat() if timer.moment else None, "repeat": timer.repeat.rule if timer.repeat else None}


def _store(args: argparse.Namespace) -> tuple[TimerStore, datetime]:
    """The household's, as a running Ingle has it: it notices what is changed within half a minute. Raises: ConfigError."""
    from ...skills.storage import StorageError, open_database
    from ...skills.timers import TimerStore
    from ..config import ConfigError, load
    from ..services import DATABASE, clock_of

    config = load(args.config)
    clock = clock_of(config)
    try:
        config.data_path.mkdir(parents=True, exist_ok=True)
        return TimerStore(open_database(config.data_path / DATABASE), clock=clock), clock()
    except (OSError, StorageError) as error:
        raise ConfigError(f"`data_dir` {config.data_path}: {error}") from None
