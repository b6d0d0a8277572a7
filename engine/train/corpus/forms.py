"""The corpus's forms: a pattern as written by hand, an example as the model learns it, and the row of pieces it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...text import PUNCTUATION, prepare
from . import DoesNotFit
from .canonical import Frame, canonical
from .lexicon import words_of
from .numbers import digits_of, strip_unit

Schema = dict[str, Any]  # skills.schema.load_schema(), handed in: the engine imports no other room


@dataclass(frozen=True)
class Pattern:
    """One way of saying something; `{sort}`, `{sort:kind}` placeholders may stand in text and slots."""

    text: str
    frames: tuple[Frame, ...]
    kinds: dict[str, list[str]] = field(default_factory=dict)  # values proposed for a placeholder by its author
    source: str = ""


@dataclass
class Value:
    """A slot's value in an example: words [first, last] of the sentence, and/or fixed pieces before or instead of them."""

    pieces: tuple[str, ...] = ()            # "<V:light>", "<up>"; or digits spelled out, when `digits`
    first: int = -1
    last: int = -1
    digits: str = ""


@dataclass
class Example:
    """A sentence as prepared words and what the model shall answer. Noise edits `words` in place; spans are by position."""

    words: list[str]
    intents: list[tuple[str, list[tuple[str, Value]]]]
    source: str
    acts: bool = True
    asked: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def target(self) -> str:
        """What the model writes after the sentence, pieces and words apart by spaces."""
        out: list[str] = []
        for intent, slots in self.intents:
            out.append(f"<I:{intent}>")
            for slot, value in slots:
                out += [f"<S:{slot}>", *value.pieces]
                if value.digits:
                    out.append(value.digits)
                if value.first >= 0:
                    out += self.words[value.first : value.last + 1]
        return " ".join([*out, "<end>"])


def build(text: str, frames: tuple[Frame, ...], schema: Schema, source: str) -> Example:
    """Turn a filled pattern into an example. Raises: DoesNotFit."""
    frames = canonical(text, frames)
    words = prepare(text).split()
    if not words:
        raise DoesNotFit("empty sentence")
    intents = [(frame.intent, _slots(words, frame, schema)) for frame in frames]
    acts = all(schema["intents"][frame.intent]["act"] for frame in frames)
    return Example(words=words, intents=intents, source=source, acts=acts)


def _slots(words: list[str], frame: Frame, schema: Schema) -> list[tuple[str, Value]]:
    if frame.intent not in schema["intents"]:
        raise DoesNotFit(f"unknown intent {frame.intent}")
    allowed = schema["intents"][frame.intent]["slots"]
    for slot, _ in frame.slots:
        if slot not in allowed:
            raise DoesNotFit(f"{frame.intent} has no slot {slot}")
    slots = [_white(words, slot, value) if "color" in allowed else (slot, value) for slot, value in frame.slots]
    ordered = sorted(slots, key=lambda pair: allowed.index(pair[0]))  # stable: repeated slots keep their order
    return [(slot, _value(words, slot, value, schema["slots"][slot])) for slot, value in ordered]


def _white(words: list[str], slot: str, value: str) -> tuple[str, str]:
    """A light's temperature said in words ("warm white") is written as a colour: `skills.slots` knows its kelvin."""
    if slot != "temperature":
        return slot, value
    if digits_of(" ".join(strip_unit(prepare(value).split()))) is None:
        return "color", value
    if find(words, strip_unit(prepare(value).split())) is None:
        for white in sorted(words_of("white"), key=len, reverse=True):
            if find(words, prepare(white).split()):
                return "color", white
    return slot, value


def _value(words: list[str], slot: str, value: str, spec: dict[str, Any]) -> Value:
    kind = spec["kind"]
    if value in spec["values"] or value in spec["also"]:
        return Value(pieces=(f"<V:{value}>",))
    if kind == "enum":
        raise DoesNotFit(f"{slot} has no value {value!r}")
    if kind == "step":
        return _step(words, slot, value)
    if kind == "number":
        return _number(words, slot, value)
    found = find(words, prepare(value).split())
    if found is None:
        raise DoesNotFit(f"{slot}: {value!r} does not stand in the sentence")
    return Value(first=found[0], last=found[1])


def _step(words: list[str], slot: str, value: str) -> Value:
    direction, _, amount = value.strip().partition(" ")
    if direction not in ("up", "down"):
        sign = value.strip().lstrip("+")
        direction, amount = ("down", sign[1:]) if sign.startswith("-") else ("up", sign)
    if not amount:
        return Value(pieces=(f"<{direction}>",))
    number = _number(words, slot, amount)
    number.pieces = (f"<{direction}>",)
    return number


def _number(words: list[str], slot: str, value: str) -> Value:
    """The number as it stands in the sentence, without its unit; else, where it is only implied, in digits."""
    wanted = strip_unit(prepare(value).split())
    found = find(words, wanted)
    if found is not None:
        return Value(first=found[0], last=found[1])
    digits = digits_of(" ".join(wanted))
    if digits is None:
        raise DoesNotFit(f"{slot}: {value!r} is no number and does not stand in the sentence")
    for first in range(len(words)):
        for last in range(min(len(words), first + 6) - 1, first - 1, -1):
            if digits_of(" ".join(words[first : last + 1])) == digits:
                return Value(first=first, last=last)
    return Value(digits=digits)


def find(words: list[str], wanted: list[str]) -> tuple[int, int] | None:
    """The first place where `wanted` stands in `words` (its own punctuation at the ends aside)."""
    while wanted and wanted[-1] in PUNCTUATION:
        wanted = wanted[:-1]
    if not wanted:
        return None
    for first in range(len(words) - len(wanted) + 1):
        if words[first : first + len(wanted)] == wanted:
            return first, first + len(wanted) - 1
    return None
