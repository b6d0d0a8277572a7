"""Units of daily life and numbers for speech: "5 miles in kilometers" -> "5 miles is about 8.05 kilometers."

Factors are exact. Kitchen measures are US customary (a cup is 236.6 ml).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .numbers import number_at

MAX_VALUE = Fraction(10) ** 100  # in size; a larger result is not spoken


class CannotCalculate(ValueError):
    """The words are no sum of ours, or it has no answer; the message is spoken."""


def spoken_number(value: Fraction) -> tuple[str, bool]:
    """The number as people say it, and whether it is exact: (186.67, False), (0.125, True)."""
    if abs(value) >= 10**15:
        digits = f"{Decimal(value.numerator) / Decimal(value.denominator):.2e}"
        mantissa, _, exponent = digits.partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')} times 10 to the {int(exponent)}", False
    exact = decimal(value, 6)
    if Fraction(exact) == value:
        return exact, True
    if abs(value) >= 1:
        return decimal(value, 2), False
    small = 2
    while abs(value) * 10**small < 100 and small < 12:
        small += 1
    return decimal(value, small), False


def decimal(value: Fraction, places: int) -> str:
    """Rounded half away from zero, without trailing zeros."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign = "-" if value < 0 and whole else ""
    digits = f"{whole:0{places + 1}}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Unit:
    """`factor` and `offset` lead to the base unit of its kind: base = said * factor + offset."""

    kind: str
    name: str                        # plural, as spoken
    factor: Fraction
    offset: Fraction = Fraction(0)


def _units() -> dict[str, Unit]:
    rows = (
        ("length", "millimeters", "0.001", "mm millimeter millimetre"),
        ("length", "centimeters", "0.01", "cm centimeter centimetre"),
        ("length", "meters", "1", "m meter metre"),
        ("length", "kilometers", "1000", "km kilometer kilometre k"),
        ("length", "inches", "0.0254", "inch inches in"),
        ("length", "feet", "0.3048", "foot feet ft"),
        ("length", "yards", "0.9144", "yard yd"),
        ("length", "miles", "1609.344", "mile mi"),
        ("mass", "milligrams", "0.001", "mg milligram"),
        ("mass", "grams", "1", "g gram gramme gr"),
        ("mass", "kilograms", "1000", "kg kilogram kilo kilogramme"),
        ("mass", "tonnes", "1000000", "tonne"),
        ("mass", "ounces", "28.349523125", "ounce oz"),
        ("mass", "pounds", "453.59237", "pound lb lbs"),
        ("mass", "stone", "6350.29318", "stone"),
        ("volume", "milliliters", "1", "ml mil milliliter millilitre"),
        ("volume", "centiliters", "10", "cl centiliter centilitre"),
        ("volume", "deciliters", "100", "dl deciliter decilitre"),
        ("volume", "liters", "1000", "l liter litre"),
        ("volume", "teaspoons", "4.92892159375", "teaspoon tsp"),
        ("volume", "tablespoons", "14.78676478125", "tablespoon tbsp"),
        ("volume", "fluid ounces", "29.5735295625", "floz"),
        ("volume", "cups", "236.5882365", "cup"),
        ("volume", "pints", "473.176473", "pint pt"),
        ("volume", "quarts", "946.352946", "quart qt"),
        ("volume", "gallons", "3785.411784", "gallon gal"),
        ("time", "seconds", "1", "second sec"),
        ("time", "minutes", "60", "minute min"),
        ("time", "hours", "3600", "hour hr h"),
        ("time", "days", "86400", "day"),
        ("time", "weeks", "604800", "week"),
        ("speed", "kilometers per hour", "1", "kmh kph"),
        ("speed", "miles per hour", "1.609344", "mph"),
        ("speed", "meters per second", "3.6", "mps"),
        ("speed", "knots", "1.852", "knot"),
    )
    units: dict[str, Unit] = {}
    for kind, name, factor, words in rows:
        unit = Unit(kind, name, Fraction(factor))
        for word in (*words.split(), name):
            units[word] = units[f"{word}s"] = unit
    celsius = Unit("temperature", "degrees Celsius", Fraction(1))
    fahrenheit = Unit("temperature", "degrees Fahrenheit", Fraction(5, 9), Fraction(-160, 9))
    kelvin = Unit("temperature", "kelvin", Fraction(1), Fraction("-273.15"))
    for unit, words in ((celsius, "c celsius celcius centigrade"), (fahrenheit, "f fahrenheit farenheit"), (kelvin, "kelvin")):
        units |= dict.fromkeys(words.split(), unit)
    return units


UNITS = _units()
_FLUID_OUNCES = UNITS["floz"]
_FILLER = frozenset({"convert", "degree", "degrees", "°", "many", "from", "of", "would", "be", "about", "approximately"})


def conversion(words: Sequence[str]) -> str | None:
    """"5 miles in kilometers", "how many ml in 2 cups": the answer, or None when the words are no such question."""
    joined = re.sub(r"\bfluid (?:ounces?|oz)|\bfl oz", "floz", " ".join(words))
    joined = re.sub(r"\b(?:kilometer|kilometre|km|k)s? (?:per|an|/) ?(?:hour|h)\b", "kmh", joined)
    joined = re.sub(r"\bmiles? (?:per|an) hour\b", "mph", joined)
    joined = re.sub(r"\bmet(?:er|re)s? per second\b", "mps", joined)
    tokens = [word for word in joined.split() if word not in _FILLER]
    if len(tokens) < 2:
        return None
    if tokens[0] in UNITS and (tokens[1] in ("in", "per", "a", "an") or number_at(tokens, 1)):  # "ml in 2 cups"
        target, quantity = tokens[0], tokens[2:] if tokens[1] in ("in", "per") else tokens[1:]
    else:
        target, quantity = tokens[-1], tokens[:-1]
        while quantity and quantity[-1] in ("in", "into", "as", "/") and len(quantity) > 2:
            quantity = quantity[:-1]
    amount = _quantity(quantity)
    if amount is None or target not in UNITS:
        return None
    return _converted(*amount, UNITS[target])


def _quantity(tokens: Sequence[str]) -> tuple[list[tuple[Fraction, Unit]], Unit] | None:
    """"5 feet 10 inches", "a cup", "six foot two" (inches): the amounts, and the unit of the first."""
    amounts: list[tuple[Fraction, Unit]] = []
    index = 0
    while index < len(tokens):
        sign = 1
        if tokens[index] == "-":
            sign, index = -1, index + 1
        if tokens[index : index + 1] == ["and"]:
            index += 1
            continue
        found = number_at(tokens, index)
        value, after = found if found else (Fraction(1), index + (tokens[index : index + 1] in (["a"], ["an"])))
        if after < len(tokens) and tokens[after] in UNITS:
            amounts.append((sign * value, UNITS[tokens[after]]))
            index = after + 1
        elif found and after == len(tokens) and amounts and amounts[-1][1].name == "feet":
            amounts.append((value, UNITS["inch"]))
            index = after
        else:
            return None
    kinds = {unit.kind for _, unit in amounts}
    return (amounts, amounts[0][1]) if len(kinds) == 1 else None


def _converted(amounts: Sequence[tuple[Fraction, Unit]], first: Unit, target: Unit) -> str | None:
    if target.name == "ounces" and first.kind == "volume":
        target = _FLUID_OUNCES
    if first.name == "ounces" and target.kind == "volume":
        amounts, first = [(value, _FLUID_OUNCES) for value, _ in amounts], _FLUID_OUNCES
    if first.kind != target.kind:
        raise CannotCalculate(f"{first.name[0].upper()}{first.name[1:]} can't be turned into {target.name}.")
    base = sum((value * unit.factor + unit.offset for value, unit in amounts), Fraction(0))
    result = (base - target.offset) / target.factor
    if abs(result) > MAX_VALUE:
        raise CannotCalculate("That is too large a number for me.")
    said, exact = _measured(result, target)
    asked = " ".join(f"{spoken_number(value)[0]} {_counted(unit, value)}" for value, unit in amounts)
    return f"{asked} is {'' if exact else 'about '}{said} {_counted(target, result)}."


def _measured(value: Fraction, unit: Unit) -> tuple[str, bool]:
    """As exact as anyone measures: a degree to the tenth, else three figures or so."""
    places = 1 if unit.kind == "temperature" or abs(value) >= 100 else 2
    if 0 < abs(value) < Fraction(1, 10):
        return spoken_number(value)
    said = decimal(value, places)
    return said, Fraction(said) == value


def _counted(unit: Unit, value: Fraction) -> str:
    if abs(value) != 1:
        return unit.name
    odd = {"feet": "foot", "inches": "inch"}
    return odd.get(unit.name, re.sub(r"(?<=[a-z])s\b", "", unit.name, count=1))
