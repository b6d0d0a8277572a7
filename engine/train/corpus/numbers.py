"""Numbers as people say them, both ways, as far as the corpus needs them."""

from __future__ import annotations

import re

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
         "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = frozenset(
    ("percent", "%", "°", "degree", "degrees", "kelvin", "k", "celsius", "fahrenheit", "c", "f", "per", "cent", "pct")
)


def spoken(number: int) -> str:
    """0..9999 in words: 45 -> "forty five", 2700 -> "twenty seven hundred", 105 -> "one hundred and five"."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" and {spoken(rest)}" if rest else "")
    if number % 1000 and not number % 100:
        return f"{spoken(number // 100)} hundred"
    thousands, rest = divmod(number, 1000)
    return f"{spoken(thousands)} thousand" + (f" {spoken(rest)}" if rest else "")


_VALUES = {spoken(number): number for number in range(10_000)}
_VALUES |= {words.replace(" and ", " "): number for words, number in _VALUES.items()}
_VALUES |= {"a hundred": 100, "a thousand": 1000}


def digits_of(words: str) -> str | None:
    """"forty five" -> "45", "21.5" -> "21.5", "twenty point five" -> "20.5"; None when it is no plain number."""
    words = words.strip().lower()
    if re.fullmatch(r"-?\s?\d+(\.\d+)?", words):
        return words.replace(" ", "")
    if words.startswith(("minus ", "- ")):
        inner = digits_of(words.split(" ", 1)[1])
        return None if inner is None else f"-{inner}"
    whole, point, fraction = words.partition(" point ")
    if point and whole in _VALUES and all(part in _ONES[:10] for part in fraction.split()):
        return f"{_VALUES[whole]}." + "".join(str(_ONES.index(part)) for part in fraction.split())
    return str(_VALUES[words]) if words in _VALUES else None


def strip_unit(words: list[str]) -> list[str]:
    """Without the unit behind it: ["forty", "percent"] -> ["forty"]."""
    while len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    return words
