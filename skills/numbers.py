"""Numbers as people say them, both ways: "two hundred and five", "point five", "an hour and a half", 21.5."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
UNITS: dict[str, int] = {word: value for value, word in enumerate(_SMALL.split())}
TENS: dict[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}
_SPELLINGS = {"fourty": "forty", "ninty": "ninety", "twenny": "twenty", "nil": "zero", "nought": "zero",
              "naught": "zero",
              "fiveteen": "fifteen", "eigth": "eight", "twelv": "twelve", "thrity": "thirty", "fity": "fifty",
              "sevnty": "seventy", "twnety": "twenty", "tweny": "twenty", "fiffty": "fifty", "sixy": "sixty"}
SCALES = {"hundred": 100, "thousand": 1000, "k": 1000, "dozen": 12, "score": 20}
FRACTIONS: dict[str, Fraction] = {
    "half": Fraction(1, 2), "halve": Fraction(1, 2), "halfway": Fraction(1, 2), "quarter": Fraction(1, 4),
    "third": Fraction(1, 3), "fifth": Fraction(1, 5), "tenth": Fraction(1, 10), "eighth": Fraction(1, 8),
    "½": Fraction(1, 2), "¼": Fraction(1, 4), "¾": Fraction(3, 4), "⅓": Fraction(1, 3), "⅔": Fraction(2, 3),
}
_GLYPHS = frozenset("½¼¾⅓⅔")
_AMOUNTS = {"couple": 2, "pair": 2, "few": 3}
_ARTICLES = frozenset({"a", "an"})

_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[½¼¾⅓⅔]|[^\W\d_]+|[-−–+/%°]", re.UNICODE)


def tokens_of(text: str) -> list[str]:
    """Words, digits and signs of `text`, lower case: "1h30" -> ["1", "h", "30"], "-5°C" -> ["-", "5", "°", "c"]."""
    text = re.sub(r"(?<=\d)[,  ](?=\d{3}\b)", "", text.casefold())  # 2,700 is one number
    tokens = [token.replace(",", ".") for token in _TOKEN.findall(text)]
    return [_singular_fraction(token) for token in tokens]


def _singular_fraction(token: str) -> str:
    if token == "halves":
        return "half"
    return token[:-1] if token.endswith("s") and token[:-1] in (*FRACTIONS, *SCALES, *TENS) else token


def read_number(text: str) -> float | int | None:
    """The number that the whole of `text` says, or None. Words around it ("about",
                                                                           "percent") are not looked at here."""
    tokens = tokens_of(text)
    found = number_at(tokens, 0)
    if found is None or found[1] != len(tokens):
        return None
    return tidy(found[0])


def tidy(value: Fraction | float) -> float | int:
    """An int when it is whole, else a float without noise."""
    number = round(float(value), 6)
    return int(number) if number == int(number) else number


def number_at(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    """The longest number that begins at `start`: (value, index behind it), or None."""
    if start < len(tokens) and tokens[start] in ("-", "−", "–", "minus", "negative"):
        found = _unsigned(tokens, start + 1)
        return (-found[0], found[1]) if found else None
    return _unsigned(tokens, start)


def _unsigned(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    found = _amount(tokens, start) or _fraction(tokens, start) or _whole(tokens, start)
    if found is None:
        return None
    return _and_fraction(tokens, *_decimals(tokens, *found))


def _word(tokens: Sequence[str], index: int) -> str:
    return tokens[index] if index < len(tokens) else ""


def _amount(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    """"a couple of", "a few"."""
    index = start + (_word(tokens, start) in _ARTICLES)
    value = _AMOUNTS.get(_word(tokens, index))
    if value is None:
        return None
    return Fraction(value), index + 1 + (_word(tokens, index + 1) == "of")


def _fraction(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    """"half", "a quarter", "three quarters", "two thirds", "1/2"."""
    index = start
    count = _small(_word(tokens, index))
    if count is not None and _word(tokens, index + 1) == "/":
        below = _small(_word(tokens, index + 2))
        return (Fraction(count, below), index + 3) if below else None
    if _word(tokens, index) in _ARTICLES:
        index, count = index + 1, 1
    elif count is not None and _word(tokens, index + 1) in FRACTIONS and _word(tokens, index + 1) not in _GLYPHS:
        index += 1
    else:
        count = 1
    share = FRACTIONS.get(_word(tokens, index))
    if share is None:
        return None
    if _word(tokens, index + 1) in _ARTICLES and _word(tokens, index + 2) in SCALES:
        return count * share * SCALES[tokens[index + 2]], index + 3  # "half a dozen"
    return count * share, index + 1


def _small(token: str) -> int | None:
    return int(token) if token.isdecimal() else UNITS.get(_spelled(token))


def _whole(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    """Digits, number words up to the thousands, "a hundred", "one oh five", "point five"."""
    if re.fullmatch(r"\d+(\.\d+)?", _word(tokens, start)):
        return _scaled(tokens, Fraction(tokens[start]), start + 1)
    if _word(tokens, start) == "point":
        return (Fraction(0), start) if _digit(_word(tokens, start + 1)) is not None else None
    if _word(tokens, start) in _ARTICLES and _word(tokens, start + 1) in SCALES:
        return _words(tokens, start + 1)
    return _words(tokens, start)


def _scaled(tokens: Sequence[str], value: Fraction, index: int) -> tuple[Fraction, int]:
    """"2 thousand", "3k", "2 dozen"; but the k of "2700K" is kelvin."""
    word = _word(tokens, index)
    scale = SCALES.get(word) if word != "k" or value < 100 else None
    return (value * scale, index + 1) if scale else (value, index)


def _words(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    spoken = _digits_spoken(tokens, start)
    if spoken is not None:
        return spoken
    total, part, last, index = 0, 0, "", start
    while index < len(tokens):
        token = _spelled(tokens[index])
        if token in UNITS and _may_follow(token, last):
            part, last = part + UNITS[token], "unit"
        elif token in TENS and last in ("", "scale", "and"):
            part, last = part + TENS[token], "ten"
        elif token in TENS and last == "unit" and index == start + 1:
            part, last = part * 100 + TENS[token], "ten"            # "two fifty", "nineteen eighty"
        elif token in SCALES and last != "and":
            part, last = max(part, 1) * SCALES[token], "scale"
            if SCALES[token] == 1000:
                total, part = total + part, 0
        elif token == "and" and last == "scale" and _is_counted(tokens, index + 1):
            last = "and"
        else:
            break
        index += 1
    return (Fraction(total + part), index) if index > start else None


def _spelled(token: str) -> str:
    """`token` in its right spelling; "for" and "to" are numbers only by mishearing and stay what they are."""
    return _SPELLINGS.get(token, token)


def _is_counted(tokens: Sequence[str], index: int) -> bool:
    token = _spelled(_word(tokens, index))
    return (token in UNITS or token in TENS) and _word(tokens, index + 1) not in FRACTIONS


def _may_follow(unit: str, last: str) -> bool:
    return last in ("", "scale", "and") or (last == "ten" and 0 < UNITS[unit] < 10)


def _digits_spoken(tokens: Sequence[str], start: int) -> tuple[Fraction, int] | None:
    """"one oh five" is 105, "two seven zero zero" 2700, "oh five" 5: digits said one by one."""
    index, digits = start, ""
    while not _word(tokens, index).isdecimal() and (digit := _digit(_word(tokens, index))) is not None:
        digits, index = digits + str(digit), index + 1
    if len(digits) < 2 or _word(tokens, index) in SCALES:
        return None
    return Fraction(digits), index


def _digit(token: str) -> int | None:
    value = UNITS.get("zero" if token in ("oh", "o") else _spelled(token))
    if value is None and len(token) == 1 and token.isdecimal():
        value = int(token)
    return value if value is not None and value < 10 else None


def _decimals(tokens: Sequence[str], value: Fraction, index: int) -> tuple[Fraction, int]:
    """"twenty point five"."""
    if _word(tokens, index) != "point":
        return value, index
    digits, behind = "", index + 1
    while (digit := _digit(_word(tokens, behind))) is not None:
        digits, behind = digits + str(digit), behind + 1
    if not digits and _word(tokens, behind).isdecimal():
        digits, behind = tokens[behind], behind + 1
    return (value + Fraction(int(digits), 10 ** len(digits)), behind) if digits else (value, index)


def _and_fraction(tokens: Sequence[str], value: Fraction, index: int) -> tuple[Fraction, int]:
    """"five and a half", "two and three quarters", "5½"."""
    if value.denominator != 1:
        return value, index
    behind = index + 1 if _word(tokens, index) == "and" else index
    if behind == index and _word(tokens, index) not in _GLYPHS:
        return value, index
    found = _fraction(tokens, behind)
    if found is None or found[0] >= 1:
        return value, index
    return value + found[0], found[1]


# ---------------------------------------------------------------- the other way


def spell_number(value: int) -> str:
    """English words for a whole number below a million: 105 -> "one hundred and five"."""
    if value < 0:
        return f"minus {spell_number(-value)}"
    if value < 20:
        return list(UNITS)[value]
    if value < 100:
        ten, unit = divmod(value, 10)
        return list(TENS)[ten - 2] + (f" {list(UNITS)[unit]}" if unit else "")
    if value < 1000:
        hundred, rest = divmod(value, 100)
        return f"{list(UNITS)[hundred]} hundred" + (f" and {spell_number(rest)}" if rest else "")
    thousand, rest = divmod(value, 1000)
    joint = "" if not rest else " and " if rest < 100 else " "
    return f"{spell_number(thousand)} thousand" + (f"{joint}{spell_number(rest)}" if rest else "")
