"""Text as it is read out: every number, unit, time and date in words; a reply as sentences."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.voice.reading_aloud import MAX_SENTENCE, read_aloud, sentences


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # units
        ("The kitchen is 21.5 °C.", "The kitchen is twenty-one point five degrees Celsius."),
        ("-5°C outside", "minus five degrees Celsius outside"),
        ("70 °F", "seventy degrees Fahrenheit"),
        ("it is 1 ° C", "it is one degree Celsius"),
        ("20 %, then 100%", "twenty percent, then one hundred percent"),
        ("3 kWh today, 1 kWh before", "three kilowatt hours today, one kilowatt hour before"),
        ("0.5 kWh", "zero point five kilowatt hours"),
        ("450 lx", "four hundred and fifty lux"),
        ("CO₂ is 812 ppm", "CO2 is eight hundred and twelve parts per million"),
        ("12 µg/m³ or 12 ug/m3", "twelve micrograms per cubic metre or twelve micrograms per cubic metre"),
        ("50 km/h, 12 m/s, 3 L/min", "fifty kilometres per hour, twelve metres per second, three litres per minute"),
        ("1,013 hPa", "one thousand and thirteen hectopascals"),
        ("230 V at 10 A is 2300 W", "two hundred and thirty volts at ten amps is two thousand three hundred watts"),
        ("2700 K", "two thousand seven hundred kelvin"),
        ("30 m² and 6 ft", "thirty square metres and six feet"),
        ("18–22 °C", "eighteen to twenty-two degrees Celsius"),
        ("1 h 30 min", "one hour thirty minutes"),
        ("3 in the kitchen", "three in the kitchen"),          # no inches
        # times
        ("at 18:30", "at six thirty PM"),
        ("at 07:05", "at seven oh five AM"),
        ("at 6:30 PM", "at six thirty PM"),
        ("at 9 AM or 6 p.m. today", "at nine AM or six PM today"),
        ("8:00", "eight o'clock"),
        ("00:00 and 12:00", "midnight and noon"),
        ("00:15", "twelve fifteen AM"),
        ("13:00:05", "one PM and five seconds"),
        # dates
        ("on 25 November 2026", "on the twenty-fifth of November twenty twenty-six"),
        ("Nov 25", "the twenty-fifth of November"),
        ("Sat. 5 Dec.", "Saturday the fifth of December"),
        ("the 3rd of May", "the third of May"),
        ("2026-11-25T18:30", "the twenty-fifth of November twenty twenty-six at six thirty PM"),
        ("25.11.2026", "the twenty-fifth of November twenty twenty-six"),
        ("in 1998 and in 2005", "in nineteen ninety-eight and in two thousand and five"),
        # numbers
        ("0.75", "zero point seven five"),
        ("1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
        ("the 21st, 2nd and 12th", "the twenty-first, second and twelfth"),
        ("2-3 eggs", "two to three eggs"),
        ("a 10-minute timer", "a ten-minute timer"),
        ("1/2 cup, ¼ spoon", "a half cup, a quarter spoon"),
        ("code 0042", "code zero zero four two"),
        ("+442071234567", "plus four four two zero seven one two three four five six seven"),
        ("B12 and Zone3", "B12 and Zone3"),                     # names
        ("£3.50, $1,200 and 20 €", "three pounds fifty, one thousand two hundred dollars and twenty euros"),
        # abbreviations and marks
        ("e.g. Dr. Smith & co, approx. 5 min", "for example Doctor Smith and co, about five minutes"),
        ("**bold** and [a link](http://x.y)", "bold and a link"),
        ("see https://www.example.com/a?b=c", "see example dot com"),
        ("## Title", "Title"),
        ("room #3", "room number three"),
        ("😀", ""),
        ("", ""),
    ],
)
def test_it_reads(written: str, read: str) -> None:
    assert read_aloud(written) == read


@given(st.text(max_size=120))
def test_any_text_becomes_words_once(text: str) -> None:
    read = read_aloud(text)
    assert not re.search(r"[%°£$€<>=*_`|\n]", read)
    assert len(read) < 60 * len(text) + 10


@given(st.integers(0, 10**15))
def test_no_digit_is_left_of_a_number(number: int) -> None:
    assert not re.search(r"\d", read_aloud(f"There are {number} and {number / 100:.2f} of them."))


async def _cut(pieces: list[str]) -> list[str]:
    async def come() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    return [sentence async for sentence in sentences(come())]


@pytest.mark.parametrize(
    ("pieces", "cut"),
    [
        (["Turned", " off", " the lamp.", " It", " was", " on."], ["Turned off the lamp.", "It was on."]),
        (["It is 21.", "5 degrees. Nice."], ["It is 21.5 degrees.", "Nice."]),
        (["Ask Dr. Smith, e.g. at 6 p.m. today! Yes?"], ["Ask Dr. Smith, e.g. at 6 p.m. today!", "Yes?"]),
        (["One\nTwo", "\n"], ["One", "Two"]),
        (['He said "go." Then', " went"], ['He said "go."', "Then went"]),
        ([""], []),
    ],
)
async def test_a_reply_is_cut_into_sentences(pieces: list[str], cut: list[str]) -> None:
    assert await _cut(pieces) == cut


async def test_a_sentence_does_not_wait_for_the_next_one() -> None:
    async def come() -> AsyncIterator[str]:
        yield "Done."
        raise AssertionError("more was asked for before the first sentence was given")

    async for sentence in sentences(come()):
        assert sentence == "Done."
        break


@given(st.lists(st.text(max_size=80), max_size=12))
async def test_nothing_of_a_reply_is_lost(pieces: list[str]) -> None:
    cut = await _cut(pieces)
    assert "".join("".join(cut).split()) == "".join("".join(pieces).split())
    assert all(len(sentence) <= MAX_SENTENCE + 80 for sentence in cut)
