"""Reads the hand-written patterns: `patterns/*.txt` (form in patterns/README.md) and the seed in `voices/*.jsonl`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .canonical import Frame
from .forms import Pattern

HERE = Path(__file__).parent
PLACEHOLDER = re.compile(r"\{([a-z_]+)(\d*)(?::([a-z_|]+))?\}")
# What the voices' authors called a sentence without a command, in the catalogue's terms.
_NOTES = {"not for us": "NotForUs", "chat": "Chat", "cloud": "Cloud", "ambiguous": "Unclear"}


class PatternError(ValueError):
    """A pattern file that cannot be read; the message names file, line and cure."""


def read_patterns(directory: Path = HERE) -> list[Pattern]:
    """All hand-written patterns, in the order of their files."""
    found: list[Pattern] = []
    for path in sorted((directory / "patterns").glob("*.txt")):
        found += _read_text(path)
    for path in sorted((directory / "voices").glob("*.jsonl")):
        found += _read_voices(path)
    return found


def _read_text(path: Path) -> Iterator[Pattern]:
    frames: tuple[Frame, ...] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            try:
                frames = parse_head(line[2:])
            except ValueError as error:
                raise PatternError(f"{path.name}:{number}: {error}") from error
        elif frames is None:
            raise PatternError(f"{path.name}:{number}: a pattern before the first '= ' line")
        else:
            yield Pattern(line, frames, source=path.stem)


def parse_head(head: str) -> tuple[Frame, ...]:
    """`HassTurnOff name={name:light} + …  @Area` -> frames. Raises: ValueError."""
    head = re.sub(r"\s@[\w' -]+$", "", head.strip())
    if head.startswith("none:"):
        kind, *slots = head[5:].split()
        return (Frame(kind, tuple(_pair(slot) for slot in slots)),)
    return tuple(_frame(part) for part in re.split(r"\s\+\s", head))


def _frame(part: str) -> Frame:
    intent, *slots = _split(part.strip())
    return Frame(intent, tuple(_pair(slot) for slot in slots))


def _split(part: str) -> list[str]:
    """Split at spaces outside quotes; a value may carry an apostrophe (name=mum's)."""
    lexer = shlex.shlex(part, posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.commenters, lexer.escape = True, '"', "", ""
    return list(lexer)


def _pair(text: str) -> tuple[str, str]:
    slot, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is no slot=value")
    return slot, value


def _read_voices(path: Path) -> Iterator[Pattern]:
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        frames = _voice_frames(entry)
        if frames is not None:
            kinds = {name: [str(value) for value in values] for name, values in (entry.get("kinds") or {}).items()}
            yield Pattern(entry["pattern"], frames, kinds, source=f"voice_{path.stem}")


def _voice_frames(entry: dict[str, Any]) -> tuple[Frame, ...] | None:
    if entry["intents"]:
        return tuple(Frame(intent["intent"], tuple(_voice_slots(intent))) for intent in entry["intents"])
    kind = _NOTES.get(entry.get("note", ""))
    return None if kind is None else (Frame(kind),)


def _voice_slots(intent: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for slot, value in intent["slots"].items():
        if slot == "query" and intent["intent"] in ("Remember", "Forget"):
            slot = "message"
        for one in value if isinstance(value, list) else [value]:
            yield slot, f"{one:+d}" if slot.endswith("_step") and isinstance(one, int) else str(one)
