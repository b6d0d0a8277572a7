"""Slots as said to values ("half" -> 50, "warm white" -> 2700 kelvin, "an hour and a half" -> 1 h 30 min),
and back for replies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from rapidfuzz import fuzz, process

from .numbers import FRACTIONS, number_at, tidy, tokens_of
from .schema import load_schema
from .words import CSS_COLORS, MORE_COLORS, WHITES, fold

PERCENT = frozenset({"brightness", "position", "tilt", "percentage", "humidity", "volume_level"})
PERCENT_STEPS = frozenset({"brightness_step", "position_step", "percentage_step", "humidity_step", "volume_step"})
SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class Unread:
    """A slot that was said but could not be read as a value; it is left out."""

    slot: str
    said: str
    why: str


class Values(dict[str, Any]):
    """Slots by name, as values; `unread` are those left out, with the reason in words."""

    unread: tuple[Unread, ...] = ()


class CannotRead(ValueError):
    """One slot's words are no value of its kind; the message says why."""


Word = str | int | float
Raw = Word | list[str] | tuple[str, ...]


def normalise(intent: str, raw: Mapping[str, Any]) -> Values:
    """Turn the slots of one intent from words into values, as ARCHITECTURE.md ("Skills and the catalogue") tells.

    Never raises on what people say: a slot that cannot be read is left out and told in `.unread`.
    Args:
        raw: slot -> the words said, a list of them for `many` slots; a number may come as a number.
    Raises: KeyError: the catalogue has no such intent.
    """
    spec = load_schema()
    known = spec["intents"][intent]["slots"]
    values, unread = Values(), []
    for slot, said in raw.items():
        if said is None or said == "" or said == []:
            continue
        try:
            if slot not in known:
                raise CannotRead(f"{intent} has no slot {slot}")
            values.update(_read(slot, said, spec["slots"][slot]))
        except CannotRead as error:
            unread.append(Unread(slot, said if isinstance(said, str) else str(said), str(error)))
    _spread_durations(values, raw, known)
    _settle_colour(intent, values, raw, known)
    _settle_unit(values, raw, known)
    if "Timer" in intent and "name" in values:
        values["name"] = _without_last(values["name"], "timer")
    values.unread = tuple(unread)
    return values


def _read(slot: str, said: Raw, spec: Mapping[str, Any]) -> dict[str, Any]:
    """One slot's value or values."""
    if spec["many"]:
        items = [said] if isinstance(said, str) else list(said) if isinstance(said, list | tuple) else [str(said)]
        return {slot: [" ".join(item.split()) for item in items if item.strip()]}
    word = said[0] if isinstance(said, list | tuple) else said
    readers: dict[str, Callable[[str, Word, Mapping[str, Any]], Any]] = {
        "number": _read_number_slot, "step": _read_step, "enum": _read_enum, "span": _read_span,
    }
    return {slot: readers[spec["kind"]](slot, word, spec)}


def _read_span(slot: str, said: Word, spec: Mapping[str, Any]) -> str:
    return " ".join(str(said).split())


def _read_enum(slot: str, said: Word, spec: Mapping[str, Any]) -> str:
    folded = "_".join(str(said).casefold().split())
    value: str | None = next((value for value in spec["values"] if value.casefold() == folded), None)
    if value is None:
        raise CannotRead(f"'{said}' is no {slot}")
    return value


# ---------------------------------------------------------------- numbers

# What words stand for where a share of 100 is meant. "lowest" must not turn a lamp off: 1.
_LEVELS: dict[str, int] = {
    "max": 100, "maximum": 100, "full": 100, "fully": 100, "highest": 100, "top": 100, "most": 100, "brightest": 100,
    "loudest": 100, "fastest": 100, "strongest": 100, "bright": 100, "open": 100, "completely": 100, "entirely": 100,
    "min": 0, "minimum": 0, "lowest": 0, "least": 0, "dimmest": 1, "darkest": 1, "quietest": 1, "slowest": 1, "off": 0,
    "none": 0, "closed": 0, "shut": 0, "close": 0, "crack": 10, "ajar": 10, "slightly": 10, "dim": 20, "dimmed": 20,
    "quiet": 20, "quietly": 20, "loud": 80, "halfway": 50, "middle": 50, "mid": 50, "half": 50,
}
_LEVELS_OF: dict[str, dict[str, int]] = {
    "brightness": {"min": 1, "minimum": 1, "lowest": 1, "least": 1, "low": 20, "medium": 50, "moderate": 50,
                   "high": 100,
                   "soft": 30, "nightlight": 5, "darker": 20, "on": 100},
    "percentage": {"low": 33, "slow": 33, "gentle": 33, "medium": 66, "moderate": 66, "normal": 66, "high": 100,
                   "fast": 100,
                   "min": 1, "minimum": 1, "lowest": 1, "strong": 100},
    "volume_level": {"low": 20, "medium": 50, "normal": 50, "moderate": 50, "high": 80, "mute": 0, "silent": 0},
    "humidity": {"low": 30, "medium": 50, "normal": 50, "high": 70},
    "position": {"low": 25, "high": 75, "little": 10, "bit": 10},
    "tilt": {"flat": 50, "little": 10, "bit": 10},
}


def _read_number_slot(slot: str, said: Word, spec: Mapping[str, Any]) -> int | float:
    if isinstance(said, int | float):
        return _checked(slot, Fraction(str(said)))
    if slot in SECONDS or slot.removeprefix("start_") in SECONDS:
        unit = SECONDS[slot.removeprefix("start_")]
        total = _duration(said, unit)
        if total is None:
            raise CannotRead(f"'{said}' is no length of time")
        return tidy(total / unit)
    if slot == "temperature" and (kelvin := _white(said)) is not None:
        return kelvin
    return _checked(slot, _share(slot, said) if slot in PERCENT else _number_in(said))


def _checked(slot: str, value: Fraction | None) -> int | float:
    if value is None:
        raise CannotRead("no number was heard")
    if slot in PERCENT and not 0 <= value <= 100:
        raise CannotRead(f"{slot} goes from 0 to 100, not to {as_spoken(tidy(value))}")
    return tidy(value)


def _number_in(text: str) -> Fraction | None:
    """The first number anywhere in `text`."""
    tokens = tokens_of(text)
    for start in range(len(tokens)):
        found = number_at(tokens, start)
        if found is not None:
            return found[0]
    return None


def _share(slot: str, text: str) -> Fraction | None:
    """0..100 of words: "40 percent", "half", "a quarter of the way", "max", "three out of ten"."""
    tokens = tokens_of(text)
    for start in range(len(tokens)):
        found = number_at(tokens, start)
        if found is not None:
            return _as_percent(found[0], tokens, start, found[1])
    levels = {**_LEVELS, **_LEVELS_OF.get(slot, {})}
    for token in tokens:
        if token in levels:
            return Fraction(levels[token])
    if "all" in tokens and "way" in tokens:
        return Fraction(0 if "down" in tokens else 100)
    return None


def _as_percent(value: Fraction, tokens: Sequence[str], start: int, behind: int) -> Fraction:
    said = tokens[start:behind]
    if list(tokens[behind:behind + 2]) == ["out", "of"]:
        whole = number_at(tokens, behind + 2)
        return value * 100 / whole[0] if whole and whole[0] else value
    is_share = value < 1 and any(token in FRACTIONS or token == "/" for token in said)
    percent_said = any(token in ("%", "percent", "per") for token in tokens[behind:behind + 1])
    return Fraction(round(value * 100)) if is_share and not percent_said else value


# ---------------------------------------------------------------- steps

_UP = frozenset({"up", "+", "more", "higher", "brighter", "louder", "warmer", "hotter", "faster", "increase", "raise",
                 "plus"})
_DOWN = frozenset({"down", "-", "−", "–", "less", "lower", "dimmer", "darker", "quieter", "softer", "cooler",
                   "colder", "slower",
                   "decrease", "reduce", "minus"})


def _read_step(slot: str, said: Word, spec: Mapping[str, Any]) -> str | int | float:
    """"up" or "down", or how far with its sign: "down two degrees" -> -2, "up a bit" -> "up"."""
    if isinstance(said, int | float):
        return tidy(said)
    tokens = tokens_of(said)
    direction = next((token for token in tokens if token in _UP | _DOWN), None)
    rest = [token for token in tokens if token not in _UP | _DOWN]
    amount = _step_amount(slot, " ".join(rest))
    if direction is None:
        raise CannotRead(f"'{said}' is neither up nor down")
    if amount is None or amount == 0:
        return "up" if direction in _UP else "down"
    return tidy(amount if direction in _UP else -amount)


def _step_amount(slot: str, text: str) -> Fraction | None:
    return _share(slot, text) if slot in PERCENT_STEPS and _number_in(text) is not None else _number_in(text)


# ---------------------------------------------------------------- lengths of time

_UNIT_TOKENS = {
    604800: "week weeks", 86400: "d day days", 3600: "h hr hrs hour hours horu huor",
    60: "m min mins minute minutes mintue mintues minuets minuite", 1: "s sec secs second seconds secound secounds",
}
_UNIT_OF_TOKEN = {token: seconds for seconds, tokens in _UNIT_TOKENS.items() for token in tokens.split()}
_BETWEEN = frozenset({"of", "a", "an", "and", "about", "around", "another", "for", "-", "more", "the", "just", "in",
                      "roughly"})


def read_duration_s(text: str) -> float | int | None:
    """A length of time as said, in seconds: "an hour and a half", "1h30", "quarter of an hour"; None when it is none.

    A number without a unit is no length here: "ten" -> None.
    """
    total = _duration(text, None)
    return None if total is None else tidy(total)


def _duration(text: str, unit: int | None) -> Fraction | None:
    """Seconds; `unit` (in seconds) is what a number without a unit counts."""
    tokens = tokens_of(text)
    total, last_unit, seen, index = Fraction(0), None, False, 0
    while index < len(tokens):
        found = None if tokens[index] in _UNIT_OF_TOKEN else _share_of_last(tokens, index, last_unit)
        if found is not None and last_unit is not None:
            total, index = total + found[0] * last_unit, found[1]
            continue
        number = number_at(tokens, index)
        if number is None and tokens[index] in _UNIT_OF_TOKEN:
            number = (Fraction(1), index)                        # "an hour", "hour and a half"
        if number is None:
            if tokens[index] not in _BETWEEN:
                return None
            index += 1
            continue
        value, index = number
        this_unit, index = _unit_behind(tokens, index, last_unit, unit)
        if this_unit is None:
            return None
        total, last_unit, seen = total + value * this_unit, this_unit, True
    if not seen and unit is not None and tokens and set(tokens) <= {"a", "an", "one", "another"}:
        return Fraction(unit)                                    # "an", said of an hour
    return total if seen else None


def _share_of_last(tokens: Sequence[str], index: int, last_unit: int | None) -> tuple[Fraction, int] | None:
    """The "and a half" of "an hour and a half", when no unit of its own follows."""
    if last_unit is None:
        return None
    start = index + (tokens[index] == "and")
    found = number_at(tokens, start)
    if found is None or not 0 < found[0] < 1 or _next_unit(tokens, found[1]):
        return None
    return found


def _next_unit(tokens: Sequence[str], index: int) -> int | None:
    while index < len(tokens) and tokens[index] in ("of", "a", "an", "-", "more"):
        index += 1
    return _UNIT_OF_TOKEN.get(tokens[index]) if index < len(tokens) else None


def _unit_behind(tokens: Sequence[str], index: int, last: int | None, default: int | None) -> tuple[int | None, int]:
    ahead = index
    while ahead < len(tokens) and tokens[ahead] in ("of", "a", "an", "-", "more"):
        ahead += 1
    if ahead < len(tokens) and tokens[ahead] in _UNIT_OF_TOKEN:
        return _UNIT_OF_TOKEN[tokens[ahead]], ahead + 1
    if last is not None and last >= 60:
        return last // 60, index                                 # "1h30": thirty of the next smaller unit
    return default, index


_LENGTH_SLOTS = tuple(prefix + unit for prefix in ("", "start_") for unit in SECONDS)


def in_units_said(raw: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Lengths under the unit that stands behind them in the sentence: "half" of "half an hour" is of an hour."""
    moved = dict(raw)
    for slot in _LENGTH_SLOTS:
        said = raw.get(slot)
        if not isinstance(said, str):
            continue
        prefix = "start_" if slot.startswith("start_") else ""
        behind = re.search(rf"\b{re.escape(said)}\s*-?\s*(?:an?\s+)?(hour|minute|min|second|sec)s?\b", text, re.IGNORECASE)
        if behind is None:
            continue
        unit = {"min": "minute", "sec": "second"}.get(behind[1].lower(), behind[1].lower())
        right = f"{prefix}{unit}s"
        if right != slot and right not in raw:
            del moved[slot]
            moved[right] = said
    return moved


def _spread_durations(values: Values, raw: Mapping[str, Any], known: Iterable[str]) -> None:
    """1.5 hours become 1 hour 30 minutes; "half" beside a larger unit is half of that unit ("an hour and a half")."""
    for prefix in ("", "start_"):
        slots = [prefix + unit for unit in SECONDS if prefix + unit in known]
        for larger, smaller in pairwise(slots):
            if larger in values and _is_bare_share(raw.get(smaller)):
                values[smaller] = tidy(Fraction(str(values[smaller])) * 60)
        if any(isinstance(values.get(slot), float) for slot in slots):
            total = sum(
                (Fraction(str(values.get(slot, 0))) * SECONDS[slot.removeprefix(prefix)] for slot in slots),
                Fraction(0))
            _write_duration(values, slots, total)


def _is_bare_share(said: object) -> bool:
    return isinstance(said, str) and _number_in(said) in (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)) \
        and not any(token in _UNIT_OF_TOKEN for token in tokens_of(said))


def _write_duration(values: Values, slots: Sequence[str], total: Fraction) -> None:
    for slot in slots:
        unit = SECONDS[slot.removeprefix("start_")]
        count = total // unit if slot != slots[-1] else total / unit
        values.pop(slot, None)
        if count:
            values[slot] = tidy(Fraction(count))
        total -= count * unit


# ---------------------------------------------------------------- colours

_COLOUR_FILLERS = frozenset({"a", "an", "the", "color", "colour", "nice", "to", "in", "of", "some", "shade", "bit",
                             "tone", "really"})


def _white(text: str) -> int | None:
    """Kelvin of a kind of white, or None."""
    words = [word for word in fold(text) if word not in _COLOUR_FILLERS]
    return WHITES.get(" ".join(words), WHITES.get(" ".join(words).removesuffix(" light")))


def color_name(text: str) -> str | None:
    """The CSS colour that is meant: "light blue" -> "lightblue", "burgundy" -> "maroon",
    "purpel" -> "purple"; else None."""
    words = [word for word in fold(text) if word not in _COLOUR_FILLERS]
    for phrase in ("".join(words), "".join(words).removesuffix("light"), *reversed(words[1:] and words)):
        if phrase in CSS_COLORS:
            return phrase
        if phrase in MORE_COLORS:
            return MORE_COLORS[phrase]
    slip = process.extractOne("".join(words), [*CSS_COLORS, *MORE_COLORS], scorer=fuzz.ratio, score_cutoff=80)
    return MORE_COLORS.get(slip[0], slip[0]) if slip else None


def _settle_colour(intent: str, values: Values, raw: Mapping[str, Any], known: Iterable[str]) -> None:
    """A kind of white is a temperature; "warmer" is a step of it; other colours get their CSS names."""
    if "color" not in values:
        return
    said = str(values["color"])
    step = {"warmer": "down", "cooler": "up", "colder": "up", "whiter": "up"}.get(said.casefold())
    if (kelvin := _white(said)) is not None and "temperature" in known and step is None:
        del values["color"]
        values.setdefault("temperature", kelvin)
    elif step is not None and "temperature_step" in known:
        del values["color"]
        values.setdefault("temperature_step", step)
    else:
        values["color"] = color_name(said) or said


_UNIT_WORDS = {"celsius": "celsius", "centigrade": "celsius", "c": "celsius", "fahrenheit": "fahrenheit",
               "f": "fahrenheit",
               "farenheit": "fahrenheit", "celcius": "celsius"}


def _settle_unit(values: Values, raw: Mapping[str, Any], known: Iterable[str]) -> None:
    """"20 degrees celsius" said in the temperature itself gives the unit."""
    said = raw.get("temperature")
    if "temperature_unit" in known and "temperature" in values and isinstance(said, str):
        unit = next((_UNIT_WORDS[token] for token in tokens_of(said) if token in _UNIT_WORDS), None)
        if unit is not None:
            values.setdefault("temperature_unit", unit)


def _without_last(text: str, word: str) -> str:
    shorter = re.sub(rf"\s+{word}s?$", "", text, flags=re.IGNORECASE)
    return shorter if fold(shorter) not in ((), ("the",)) else text


# ---------------------------------------------------------------- for replies

_SPOKEN_UNITS = {"%": "%", "°C": " °C", "°F": " °F", "K": " K", "s": "duration"}


def as_spoken(value: object, unit: str | None = None) -> str:
    """A value in the words of a reply: 21.46 °C -> "21.5 °C", 40.0 % -> "40%", 5400 s -> "1 hour 30 minutes".

    A number is rounded to what a person would say: whole from 100 up, else one decimal, two below 1.
    """
    if isinstance(value, str):
        number = _plain_number(value)
        if number is None:
            return value.replace("_", " ")
        value = number
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        if unit in ("s", "seconds"):
            return spoken_duration(value)
        return f"{_rounded(value)}{_SPOKEN_UNITS.get(unit, f' {unit}') if unit else ''}"
    if isinstance(value, Sequence | set | frozenset):
        return spoken_list([as_spoken(item, unit) for item in value])
    return str(value)


def _plain_number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?", text.strip()) else None


def _rounded(value: float) -> str:
    if not math.isfinite(value):
        return "unknown"
    decimals = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 1 else 2
    return format(round(value, decimals) + 0.0, ".10g")


def spoken_duration(seconds: float) -> str:
    """5400 -> "1 hour 30 minutes"; to the second, "0 seconds" for less."""
    left, parts = round(abs(seconds)), []
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def spoken_list(words: Sequence[str], *, joint: str = "and") -> str:
    """"a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
