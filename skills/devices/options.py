"""An option of a device by what people call it: "party mode" -> "Party", "hdmi one" -> "HDMI 1"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz

from ..numbers import read_number
from ..words import fold

GOOD_ENOUGH: Final = 82.0  # rapidfuzz score, 0..100
FILLERS: Final = frozenset({"mode", "preset", "the", "a", "to", "on", "input", "source", "setting", "speed", "effect"})
SAME: Final = (  # words for one thing; an option of a device is any of them
    frozenset({"heat", "heating", "warm", "warming"}),
    frozenset({"cool", "cooling", "cold", "ac"}),
    frozenset({"auto", "automatic", "automatically", "heat cool", "smart"}),
    frozenset({"dry", "drying", "dehumidify"}),
    frozenset({"fan only", "fan", "ventilate", "ventilation", "just fan"}),
    frozenset({"off", "none", "no"}),
    frozenset({"eco", "economy", "economic", "energy saving", "saving"}),
    frozenset({"boost", "turbo", "max", "maximum", "full", "strong"}),
    frozenset({"high", "fast", "highest"}),
    frozenset({"medium", "middle", "mid", "normal"}),
    frozenset({"low", "slow", "lowest", "min", "minimum"}),
    frozenset({"quiet", "silent", "silence"}),
    frozenset({"night", "sleep", "sleeping", "bedtime"}),
    frozenset({"away", "out", "gone"}),
    frozenset({"home", "stay"}),
)


def best_option(said: str, options: Iterable[str]) -> tuple[str, float] | None:
    """The option that was meant and how well it fits (0..100), or None where none fits well enough."""
    scored = [(option, _score(said, option)) for option in options]
    best = max(scored, key=lambda pair: pair[1], default=None)
    return best if best is not None and best[1] >= GOOD_ENOUGH else None


def _score(said: str, option: str) -> float:
    wanted, have = _key(said), _key(option)
    if wanted == have:
        return 100.0
    if any(wanted in same and have in same for same in SAME):
        return 95.0
    return min(94.0, fuzz.token_sort_ratio(wanted, have))


def _key(text: str) -> str:
    words = [_digit(word) for word in fold(text.replace("_", " "))]
    kept = [word for word in words if word not in FILLERS]
    return " ".join(kept or words)


def _digit(word: str) -> str:
    number = read_number(word)
    return word if number is None else str(number)
