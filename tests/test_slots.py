"""Slots as said to values, and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.skills.numbers import read_number, spell_number
from ingle.skills.schema import load_schema
from ingle.skills.slots import as_spoken, color_name, normalise, read_duration_s, spoken_duration, spoken_list


@given(st.integers(-999_999, 999_999))
def test_number_words_round_trip(value: int) -> None:
    assert read_number(spell_number(value)) == value


@given(st.integers(0, 999), st.integers(0, 99))
def test_decimals_are_read_as_words_and_as_digits(whole: int, hundredths: int) -> None:
    digits = " ".join(spell_number(int(digit)) for digit in f"{hundredths:02d}")
    assert read_number(f"{spell_number(whole)} point {digits}") == pytest.approx(whole + hundredths / 100)
    assert read_number(f"{whole}.{hundredths:02d}") == pytest.approx(whole + hundredths / 100)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("oh five", 5), ("one oh five", 105), ("two fifty", 250), ("two seven zero zero", 2700), ("2,700", 2700),
        ("a hundred", 100), ("a dozen", 12), ("half a dozen", 6), ("a couple of", 2), ("minus five", -5), ("point five", 0.5),
        ("two and a half", 2.5), ("5½", 5.5), ("three quarters", 0.75), ("two hundred and a half", 200.5),
        ("twenty seven hundred", 2700), ("fourty", 40),
    ],
)  # fmt: skip
def test_number_as_people_say_it(said: str, value: float) -> None:
    assert read_number(said) == value


@pytest.mark.parametrize("said", ["", "lamp", "for", "to", "too", "a", "and", "five lamps", "-", "point"])
def test_no_number(said: str) -> None:
    assert read_number(said) is None


@given(st.text(max_size=40))
def test_nothing_said_breaks_the_reading(said: str) -> None:
    read_number(said)
    read_duration_s(said)
    color_name(said)


@given(st.sampled_from(sorted(load_schema()["intents"])), st.dictionaries(
    st.sampled_from(sorted(load_schema()["slots"])), st.text(max_size=20) | st.lists(st.text(max_size=9), max_size=3)))
def test_normalise_never_raises_and_tells_what_it_left_out(intent: str, raw: dict[str, Any]) -> None:
    values = normalise(intent, raw)
    known = load_schema()["intents"][intent]["slots"]
    assert set(values) <= set(known)
    assert {note.slot for note in values.unread} <= set(raw)


@pytest.mark.parametrize(
    ("intent", "raw", "values"),
    [
        ("HassLightSet", {"brightness": "fifty five percent"}, {"brightness": 55}),
        ("HassLightSet", {"brightness": "half"}, {"brightness": 50}),
        ("HassLightSet", {"brightness": "a third"}, {"brightness": 33}),
        ("HassLightSet", {"brightness": "the lowest"}, {"brightness": 1}),
        ("HassLightSet", {"brightness": "full"}, {"brightness": 100}),
        ("HassLightSet", {"brightness_step": "up a bit"}, {"brightness_step": "up"}),
        ("HassLightSet", {"brightness_step": "down 10"}, {"brightness_step": -10}),
        ("HassLightSet", {"color": "warm white"}, {"temperature": 2700}),
        ("HassLightSet", {"color": "daylight"}, {"temperature": 6500}),
        ("HassLightSet", {"temperature": "candle light"}, {"temperature": 1900}),
        ("HassLightSet", {"temperature": "2700K"}, {"temperature": 2700}),
        ("HassLightSet", {"color": "warmer"}, {"temperature_step": "down"}),
        ("HassLightSet", {"color": "white"}, {"color": "white"}),
        ("HassClimateSetTemperature", {"temperature": "20.5 degrees"}, {"temperature": 20.5}),
        ("HassClimateSetTemperature", {"temperature": "sixty eight fahrenheit"},
         {"temperature": 68, "temperature_unit": "fahrenheit"}),
        ("HassClimateSetTemperature", {"temperature_step": "down half a degree"}, {"temperature_step": -0.5}),
        ("HassClimateSetTemperature", {"temperature_step": "up two degrees"}, {"temperature_step": 2}),
        ("HassSetPosition", {"position": "three quarters"}, {"position": 75}),
        ("HassFanSetSpeed", {"percentage": "medium"}, {"percentage": 66}),
        ("HassSetVolume", {"volume_level": "seven out of ten"}, {"volume_level": 70}),
        ("HassSetVolumeRelative", {"volume_step": "down"}, {"volume_step": "down"}),
        ("HassTurnOff", {"domain": "light", "except_name": "the lamp"}, {"domain": "light", "except_name": ["the lamp"]}),
        ("HassListAddItem", {"item": ["milk", " oat  bread "]}, {"item": ["milk", "oat bread"]}),
    ],
)  # fmt: skip
def test_values(intent: str, raw: dict[str, Any], values: dict[str, Any]) -> None:
    assert normalise(intent, raw) == values


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ({"hours": "an hour and a half"}, {"hours": 1, "minutes": 30}),
        ({"hours": "one and a half"}, {"hours": 1, "minutes": 30}),
        ({"hours": "1h30"}, {"hours": 1, "minutes": 30}),
        ({"hours": "half"}, {"minutes": 30}),
        ({"hours": "three quarters of an hour"}, {"minutes": 45}),
        ({"hours": "an", "minutes": "a quarter"}, {"hours": 1, "minutes": 15}),
        ({"minutes": "two and a half"}, {"minutes": 2, "seconds": 30}),
        ({"minutes": "ninety"}, {"minutes": 90}),
        ({"minutes": "a couple of"}, {"minutes": 2}),
        ({"minutes": "10", "name": "the egg timer"}, {"minutes": 10, "name": "the egg"}),
    ],
)
def test_lengths_of_timers(raw: dict[str, Any], values: dict[str, Any]) -> None:
    assert normalise("HassStartTimer", raw) == values


def test_what_cannot_be_read_is_left_out_with_the_reason() -> None:
    values = normalise("HassLightSet", {"brightness": "150", "name": "lamp", "domain": "lump"})
    assert values == {"name": "lamp"}
    assert [(note.slot, note.said) for note in values.unread] == [("brightness", "150"), ("domain", "lump")]
    assert "100" in values.unread[0].why


@pytest.mark.parametrize(
    ("said", "name"),
    [("light blue", "lightblue"), ("a nice burgundy", "maroon"), ("purpel", "purple"), ("teal", "teal"), ("lilac", "plum"),
     ("dark green", "darkgreen"), ("red", "red"), ("flurb", None)],
)  # fmt: skip
def test_colours(said: str, name: str | None) -> None:
    assert color_name(said) == name


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("ten minutes", 600), ("an hour and a half", 5400), ("1h30", 5400), ("90s", 90), ("an hour and 20 minutes", 4800),
     ("half an hour", 1800), ("hour and a half", 5400), ("1 hour 5 minutes 30 seconds", 3930), ("ten", None), ("soon", None)],
)  # fmt: skip
def test_length_of_time(said: str, seconds: float | None) -> None:
    assert read_duration_s(said) == seconds


@given(st.integers(1, 10 * 86400))
def test_spoken_length_is_read_back(seconds: int) -> None:
    assert read_duration_s(spoken_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("value", "unit", "spoken"),
    [(21.46, "°C", "21.5 °C"), ("40.0", "%", "40%"), (5400, "s", "1 hour 30 minutes"), (0.128, "kWh", "0.13 kWh"),
     (1013.25, "hPa", "1013 hPa"), ("not_home", None, "not home"), (True, None, "on"), (float("nan"), None, "unknown")],
)  # fmt: skip
def test_as_spoken(value: object, unit: str | None, spoken: str) -> None:
    assert as_spoken(value, unit) == spoken


def test_spoken_list() -> None:
    assert [spoken_list(["a", "b", "c"][:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
