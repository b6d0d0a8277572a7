"""Arithmetic and units of daily life, as said: "15 percent of 80", "the square root of two", "3 cups in ml".

Exact rational arithmetic on a small grammar of our own; nothing is ever evaluated as code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial, isqrt

from .api import Done, Turn, Unclear, skill
from .conversion import MAX_VALUE, CannotCalculate, conversion, spoken_number
from .numbers import FRACTIONS, number_at

MAX_CHARS = 200
MAX_DEPTH = 20
MAX_EXPONENT = 400


@skill
class Calculate:
    """Work something out. "what's 15 percent of 80" -> "12." """

    intent = "Calculate"

    @dataclass(frozen=True)
    class Slots:
        expression: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if not slots.expression:
            raise Unclear("What should I work out?")
        try:
            reply = answer(slots.expression)
        except CannotCalculate as error:
            return Done(reply=str(error))
        return Done(reply=reply, facts=(slots.expression, reply))


def answer(said: str) -> str:
    """The answer as it is spoken: "12.", "About 186.67.", "5 miles is about 8.05 kilometers." Raises: CannotCalculate."""
    if len(said) > MAX_CHARS:
        raise CannotCalculate("That is too long for me to work out.")
    converted = conversion(_words(said))
    if converted is not None:
        return converted
    number, exact = spoken_number(evaluate(said))
    return f"{number}." if exact else f"About {number}."


def evaluate(said: str) -> Fraction:
    """The value of a sum in words or signs. Raises: CannotCalculate."""
    words = _words(_rewritten(said.lower()))
    parser = _Parser(words)
    value = parser.expression(0)
    if parser.index != len(words):
        raise CannotCalculate(_UNREADABLE)
    return _bounded(value)


# --- from words to signs

_SIGNS = tuple((re.compile(pattern), sign) for pattern, sign in (
    (r"\b(?:multiplied|multiply|times) by\b|\btimes\b|\bmultiplied\b|[×·]|(?<=[\d )])x(?=[\d (])", " * "),
    (r"\bdivided (?:by|buy)\b|\bover\b|÷|\binto\b", " / "),
    (r"\bplus\b|\badded to\b", " + "),
    (r"\bminus\b|\btake away\b|\bless\b|\bnegative\b|[−–]", " - "),
    (r"\bper ?cent\b|\bpercentage\b", " % "),
    (r"\bto the power (?:of )?|\braised to (?:the )?|\*\*", " ^ "),
    (r"\bfactorial of (\w+)", r" \1 ! "), (r"\bsquared\b|²", " ^ 2 "), (r"\bcubed\b|³", " ^ 3 "), (r"\bfactorial\b", " ! "),
    (r"\b(?:the )?square root (?:of )?", " √ "), (r"\b(?:the )?cube root (?:of )?", " ∛ "),
    (r"\b(?:twice|double)\b", " 2 * "), (r"\btriple\b", " 3 * "),
    (r"\btip (?:on|of|for)\b|\bout of\b", " of "), (r"\bpi\b|π", " 3.14159265358979323846 "),
))
_ORDERS: tuple[tuple[str, Callable[[Sequence[str]], str]], ...] = (
    (r"\b(?:sum|total) of (.+)|\badd (?:up )?(.+)", lambda parts: " + ".join(parts)),
    (r"\bproduct of (.+)|\bmultiply (.+)", lambda parts: " * ".join(parts)),
    (r"\b(?:average|mean) of (.+)", lambda parts: f"({' + '.join(parts)}) / {len(parts)}"),
    (r"\bdifference (?:between|of) (.+)", lambda parts: " - ".join(parts)),
    (r"\bdivide (.+)", lambda parts: " / ".join(parts)),
)
_SWAPPED = re.compile(r"\b(?:subtract|take|deduct) (.+) from (.+)|\bhow many times does (.+) go into (.+)")
_SPLIT = re.compile(r"\b(?:split|share|divide) (.+?) (?:(?:between|among|with) (.+?)(?: people| persons)?|(\S+) ways)$")
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|by|to|with)\s+")
_FILLER = frozenset({
    "what", "what's", "whats", "is", "are", "the", "please", "equal", "equals", "how", "much", "calculate", "compute", "me",
    "tell", "work", "out", "make", "for", "does", "do", "dollar", "dollars", "euro", "euros", "buck", "bucks", "cent",
    "cents", "$", "€", "£", "=", "?", ".", "can", "you", "number", "answer", "to", "if", "i", "there", "result", "it",
})
_WORD = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+|[a-zµ°]+(?:['’]s)?|[½¼¾⅓⅔]|\S")


def _rewritten(text: str) -> str:
    """Orders as sums with signs: "subtract 5 from 9" -> "(9) - (5)", "the sum of 3, 4 and 5" -> "(3) + (4) + (5)"."""
    text = re.sub(r"\b(please|for me)\b|[?!.]\s*$|(?<=[a-z])-(?=[a-z])", " ", text).strip()
    swapped = _SWAPPED.search(text)
    if swapped:
        small, large = [group for group in swapped.groups() if group is not None]
        return f"({large}) {'-' if swapped[1] else '/'} ({small})"
    split = _SPLIT.search(text)
    if split:
        return f"({split[1]}) / ({split[2] or split[3]})"
    for pattern, order in _ORDERS:
        match = re.search(pattern, text)
        if match:
            parts = [part for part in _BETWEEN.split(next(filter(None, match.groups()))) if part.strip()]
            if len(parts) > 1:
                return text[: match.start()] + order([f"({part})" for part in parts])
    return text


def _words(text: str) -> list[str]:
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text.lower())
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return [_plain(word) for word in _WORD.findall(text) if word not in _FILLER]


def _plain(word: str) -> str:
    if word[:1].isdigit() or word[:1] == ".":
        return word.replace(",", "")
    singular = word[:-1] if word.endswith("s") else word
    return singular if singular in FRACTIONS or singular in _MORE_PARTS or singular in _LARGE else word


# --- from signs to a value

_MORE_PARTS = {"sixth": 6, "seventh": 7, "ninth": 9, "hundredth": 100, "thousandth": 1000}
_LARGE = {"million": 10**6, "billion": 10**9, "trillion": 10**12, "mil": 10**6}
_UNREADABLE = "I can't work that out."


class _Parser:
    """Recursive descent; each method reads one level of precedence and leaves `index` behind what it read."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.index = 0

    def expression(self, depth: int) -> Fraction:
        """Sums. "80 plus 15 percent" adds 15 percent of the 80, as a pocket calculator does."""
        if depth > MAX_DEPTH:
            raise CannotCalculate("That is too deep for me to work out.")
        value, _ = self._product(depth)
        while (sign := self._take("+", "-")) is not None:
            term, percent = self._product(depth)
            change = value * term if percent else term
            value = _bounded(value + change if sign == "+" else value - change)
        return value

    def _product(self, depth: int) -> tuple[Fraction, bool]:
        """Products; and whether the whole of it was a bare percentage."""
        value, percent = self._signed(depth)
        while (sign := self._take("*", "/", "of", "on", "by", "off", "x")) is not None:
            factor, _ = self._signed(depth)
            value, percent = _bounded(_combined(value, sign, factor)), False
        return value, percent

    def _signed(self, depth: int) -> tuple[Fraction, bool]:
        sign = -1 if self._take("-") else 1
        value = self._power(depth + 1)
        percent = self._take("%") is not None
        return sign * (value / 100 if percent else value), percent

    def _power(self, depth: int) -> Fraction:
        value = self._operand(depth)
        while (sign := self._take("^", "!")) is not None:
            if sign == "!":
                value = _factorial(value)
            else:
                negative = self._take("-") is not None
                exponent = self._power(depth + 1)
                value = _raised(value, -exponent if negative else exponent)
        return value

    def _operand(self, depth: int) -> Fraction:
        if depth > MAX_DEPTH:
            raise CannotCalculate("That is too deep for me to work out.")
        if self._take("("):
            value = self.expression(depth + 1)
            if not self._take(")"):
                raise CannotCalculate(_UNREADABLE)
            return value
        root = self._take("√", "∛")
        if root is not None:
            return _root(self._power(depth + 1), 2 if root == "√" else 3)
        return self._number()

    def _number(self) -> Fraction:
        """"1 million two hundred", "two thirds", "3.5"; a part of a number is a factor: "one sixth"."""
        total, scale = Fraction(0), 1
        while True:
            found = self._simple_number()
            if found is None:
                raise CannotCalculate(_UNREADABLE)
            scale = 1
            while (large := self._take(*_LARGE)) is not None:
                scale *= _LARGE[large]
            total += found * scale
            if scale == 1 or not self._starts_number():
                break
        part = self._take(*_MORE_PARTS)
        return _bounded(total / _MORE_PARTS[part] if part else total)

    def _simple_number(self) -> Fraction | None:
        if self._peek() in ("a", "an") and self._peek(1)[:1].isdigit():  # "an 18 percent tip"
            self.index += 1
        word = self._peek()
        if word in ("-", "+"):
            return None
        if word[:1].isdigit() and self._peek(1) == "/":  # 2/3 is a division like any other
            self.index += 1
            return Fraction(word)
        if word.startswith("."):
            self.index += 1
            return Fraction(f"0{word}")
        found = number_at(self.words, self.index)
        if found is None:
            if word in ("a", "an", "one") and (self._peek(1) in _LARGE or self._peek(1) in _MORE_PARTS):
                self.index += 1
                return Fraction(1)
            return None
        self.index = found[1]
        return found[0]

    def _starts_number(self) -> bool:
        return self._peek() not in ("-", "+", "") and number_at(self.words, self.index) is not None

    def _peek(self, ahead: int = 0) -> str:
        index = self.index + ahead
        return self.words[index] if index < len(self.words) else ""

    def _take(self, *signs: str) -> str | None:
        word = self._peek()
        if word not in signs:
            return None
        self.index += 1
        return word


def _combined(value: Fraction, sign: str, factor: Fraction) -> Fraction:
    """"off" takes a share off: 0.3 off 235."""
    if sign == "/":
        if factor == 0:
            raise CannotCalculate("Nothing can be divided by zero.")
        return value / factor
    return factor * (1 - value) if sign == "off" else value * factor


def _bounded(value: Fraction) -> Fraction:
    if abs(value) > MAX_VALUE:
        raise CannotCalculate("That is too large a number for me.")
    if value.denominator > MAX_VALUE**2:  # digits nobody hears; keeps every step cheap
        return value.limit_denominator(10**60)
    return value


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or value < 0:
        raise CannotCalculate("Only whole numbers have a factorial.")
    if value > 69:
        raise CannotCalculate("That is too large a number for me.")
    return Fraction(factorial(int(value)))


def _raised(base: Fraction, exponent: Fraction) -> Fraction:
    if abs(exponent) > MAX_EXPONENT:
        raise CannotCalculate("That is too large a number for me.")
    if base == 0 and exponent < 0:
        raise CannotCalculate("Nothing can be divided by zero.")
    if exponent.denominator == 1:
        if abs(exponent) * max(base.numerator.bit_length(), base.denominator.bit_length()) > 2000:
            raise CannotCalculate("That is too large a number for me.")
        return _bounded(base ** int(exponent))
    if base < 0:
        raise CannotCalculate("That has no answer among the real numbers.")
    with localcontext() as context:
        context.prec = 50
        return Fraction(_as_decimal(base) ** _as_decimal(exponent)) if base else Fraction(0)


def _root(value: Fraction, degree: int) -> Fraction:
    """Exact where the root is rational, else to 50 digits."""
    if value < 0 and degree == 2:
        raise CannotCalculate("A negative number has no square root.")
    size = abs(value)
    sign = -1 if value < 0 else 1
    numerator, denominator = (isqrt(part) if degree == 2 else round(part ** (1 / 3))
                              for part in (size.numerator, size.denominator))
    root = Fraction(numerator, denominator)
    return sign * (root if root**degree == size else _raised(size, Fraction(1, degree)))


def _as_decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
