"""Arithmetic and units as said."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.calculate import answer, evaluate
from ingle.skills.conversion import CannotCalculate, spoken_number
from ingle.skills.numbers import spell_number

from .turns import World


@pytest.mark.parametrize(("said", "told"), [
    ("15 percent of 80", "12."), ("twelve plus twelve", "24."), ("560 divided by 3", "About 186.67."),
    ("add twelve and thirty", "42."), ("subtract 85 from 997", "912."), ("the sum of 3, 7, 9 and 24", "43."),
    ("30% off 235", "164.5."), ("an 18 percent tip on 20 dollars", "3.6."), ("100 minus 15 percent", "85."),
    ("the square root of 144", "12."), ("square root of 2", "About 1.41."), ("3 squared plus 4 squared", "25."),
    ("(2+3)*4", "20."), ("2 plus 3 times 4", "14."), ("half of 90", "45."), ("2/3 x 1/9", "About 0.0741."),
    ("three quarters of one sixth", "0.125."), ("0.1 + 0.2", "0.3."), ("minus five plus three", "-2."),
    ("split 90 three ways", "30."), ("how many times does 8 go into 2000", "250."), ("8 factorial", "40320."),
    ("1 million twelve hundred divided by 400 thousand", "2.503."), ("13 by 74", "962.")])
def test_sums_as_said(said: str, told: str) -> None:
    assert answer(said) == told


@pytest.mark.parametrize(("said", "told"), [
    ("5 miles in kilometers", "5 miles is about 8.05 kilometers."), ("2 cups in ml", "2 cups is about 473.2 milliliters."),
    ("how many ml in 2 cups", "2 cups is about 473.2 milliliters."),
    ("how many ounces in a quart", "1 quart is 32 fluid ounces."),
    ("350 degrees fahrenheit to celsius", "350 degrees Fahrenheit is about 176.7 degrees Celsius."),
    ("minus 5 celsius in fahrenheit", "-5 degrees Celsius is 23 degrees Fahrenheit."),
    ("five feet ten inches in cm", "5 feet 10 inches is 177.8 centimeters."),
    ("5 foot 10 in cm", "5 feet 10 inches is 177.8 centimeters."),
    ("150 pounds in kg", "150 pounds is about 68.04 kilograms."), ("how many minutes in a day", "1 day is 1440 minutes.")])
def test_units_of_daily_life(said: str, told: str) -> None:
    assert answer(said) == told


@pytest.mark.parametrize("said", [
    "10 divided by 0", "9^9^9^9", "2 to the power of 9999999", "9999 factorial", "((((((", "import os", "", "5 miles in liters",
    "(" * 99 + "1" + ")" * 99, "9" * 190, "square root of -4", "what", "0 to the power of -1"])
def test_what_has_no_answer_says_so_at_once(said: str) -> None:
    with pytest.raises(CannotCalculate):
        answer(said)


async def test_the_skill_never_fails(world: World) -> None:
    assert (await world.ask("Calculate", {"expression": "15 percent of 80"})).reply == "12."
    assert (await world.ask("Calculate", {"expression": "the meaning of life"})).reply == "I can't work that out."


@pytest.fixture
def world() -> World:
    return World()


numbers = st.integers(0, 99_999)
signs = st.sampled_from([("plus", "+"), ("minus", "-"), ("times", "*")])


@settings(deadline=None)
@given(numbers, signs, numbers, signs, numbers)
def test_words_and_signs_agree_with_exact_arithmetic(
    a: int, first: tuple[str, str], b: int, second: tuple[str, str], c: int
) -> None:
    words = f"{spell_number(a)} {first[0]} {spell_number(b)} {second[0]} {spell_number(c)}"
    expected = Fraction(eval(f"{a} {first[1]} {b} {second[1]} {c}"))
    assert evaluate(words) == evaluate(f"{a}{first[1]}{b} {second[1]} {c}") == expected


@settings(deadline=None)
@given(st.fractions(-10**6, 10**6))
def test_a_number_as_spoken_is_near_and_exact_only_when_it_is(value: Fraction) -> None:
    said, exact = spoken_number(value)
    assert (Fraction(said) == value) == exact
    assert abs(Fraction(said) - value) <= max(abs(value) / 100, Fraction(1, 10**10))


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789.,+-*/^%!()√x abcdefghilmnoprstuvy½"), max_size=60) | st.text(max_size=80))
def test_no_text_breaks_the_parser(said: str) -> None:
    try:
        answer(said)
    except CannotCalculate:
        return
