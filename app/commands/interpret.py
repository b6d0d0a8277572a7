"""Understand sentences without doing anything: JSON lines {"text", "context"?} in, {"text", "intents"} out."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import CommandError

if TYPE_CHECKING:
    from ...skills.home.model import Home
    from ...skills.sentences import OwnSentences
    from ..assistant import Understands

HELP = "understand the sentences of a file, doing nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.jsonl", help="a JSON object with `text` a line; - reads standard input")
    parser.add_argument("--home", metavar="HOME.yaml", type=Path, help="a home whose names the slots are grounded in")


def run(args: argparse.Namespace) -> int:
    import json

    from ...skills.sentences import OwnSentences
    from ..config import load
    from ..custom import household_skills
    from ..daemon import open_model

    config, home = load(args.config), home_of(args.home)
    model, own = open_model(config), OwnSentences(household_skills(config).sentences)
    for line in lines(args.file):
        print(json.dumps(interpreted(model, home, line, own), ensure_ascii=False), flush=True)
    return 0


def interpreted(model: Understands, home: Home, line: dict[str, Any], own: OwnSentences) -> dict[str, Any]:
    """One sentence's intents with slots as they are meant in `home`; those that want no deed are left out."""
    from ...skills.home.resolver import Context
    from ...skills.schema import load_schema
    from ..custom import understood_as_own
    from ..meaning import as_meant, meaning
    from ..router import WITHOUT_ACT
    from ..typed import plain

    text, context = line["text"], Context(area=(line.get("context") or {}).get("area"))
    intents = []
    understood = understood_as_own(own, text, home, context.area) or model.interpret(text)
    for one in as_meant(home, understood.intents, text):
        if one.intent not in load_schema()["intents"]:
            intents.append({"intent": one.intent, "slots": plain(one.slots), "confidence": one.confidence})
        elif one.intent not in WITHOUT_ACT:
            meant, _ = meaning(home, one.intent, one.slots, context, text)
            intent, slots = delayed_command(text, one.slots, meant) if one.intent == "RunLater" else (one.intent, meant)
            intents.append({"intent": intent, "slots": plain(slots), "confidence": round(one.confidence, 4)})
    return {"text": text, "intents": intents}


def delayed_command(text: str, said: Mapping[str, Any], slots: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A command "in ten minutes" as Home Assistant calls it: a timer with a `conversation_command`.

    Only where the delay is a length that can be read; all else stays RunLater, which it has no name for.
    """
    from ...skills.slots import read_duration_s

    delay = said.get("in")
    seconds = read_duration_s(delay) if isinstance(delay, str) else None
    if not seconds:
        return "RunLater", slots
    phrase = rf"[\s,]*(?:\b(?:in|after)\s+)?{re.escape(str(delay))}(?:\s+(?:from now|time))?\b[\s,]*"
    command = re.sub(phrase, " ", text, count=1, flags=re.IGNORECASE).strip(" ,.")
    lengths = {"hours": seconds // 3600, "minutes": seconds % 3600 // 60, "seconds": seconds % 60}
    return "HassStartTimer", {**{unit: n for unit, n in lengths.items() if n}, "conversation_command": command}


def home_of(path: Path | None) -> Home:
    """The home in a file; None: one without anything. Raises: CommandError."""
    import yaml

    from ...skills.home.model import Home, load_home

    if path is None:
        return Home()
    try:
        return load_home(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path}: not a home file: {' '.join(str(error).split())}") from None


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The objects in a file of JSON lines, each with a `text`; "-" is standard input. Raises: CommandError."""
    import json

    try:
        with (sys.stdin if name == "-" else Path(name).open(encoding="utf-8")) as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield _checked(json.loads(text), f"{name}:{number}")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{name}:{number}: not JSON: {error}") from None


def _checked(line: Any, where: str) -> dict[str, Any]:
    if not isinstance(line, dict) or not isinstance(line.get("text"), str) or not isinstance(line.get("context") or {}, dict):
        raise CommandError(f'{where}: a line must be like {{"text": "turn it on"}}')
    return line
