"""What is settled between the model's parse and the skill: units, places, and how sure it must be."""

from __future__ import annotations

import pytest

from ingle.app.meaning import as_meant, in_the_same_place, meaning, of_a_sensor, of_its_kind, said_once
from ingle.app.router import NOT_SURE, route
from ingle.engine.interpreter import Intent, Interpretation
from ingle.skills.home.resolver import Context, ground, is_called

from .worlds import family_house, home_of, thing

HOUSE = family_house()


@pytest.mark.parametrize(("text", "said", "wanted"), [
    ("decrease timer by half an hour", {"minutes": "half"}, {"minutes": 30}),
    ("timer for half a minute", {"seconds": "half"}, {"seconds": 30}),
    ("set a timer for 10 minutes", {"seconds": "10"}, {"minutes": 10}),
    ("20 sec timer", {"minutes": "20"}, {"seconds": 20}),
    ("cancel the 1 hour timer", {"start_minutes": "1"}, {"start_hours": 1}),
    ("add 5 to the timer", {"minutes": "5"}, {"minutes": 5}),
])  # fmt: skip
def test_a_length_takes_the_unit_said_behind_it(text: str, said: dict[str, str], wanted: dict[str, int]) -> None:
    intent = "HassCancelTimer" if "cancel" in text else "HassIncreaseTimer"
    assert meaning(HOUSE, intent, said, Context(), text) == (wanted, [])


def test_a_kind_without_a_place_is_meant_where_it_just_was() -> None:
    bright = Intent("HassLightSet", {"area": "hayloft", "brightness": "100"}, 0.9)
    lights = Intent("HassTurnOn", {"domain": "light"}, 0.9)
    blinds = Intent("HassTurnOff", {"domain": "cover"}, 0.9)
    lamp = Intent("HassTurnOn", {"name": "desk lamp", "domain": "light"}, 0.9)
    placed = in_the_same_place([bright, lights, blinds])
    assert [intent.slots.get("area") for intent in placed] == ["hayloft", "hayloft", None]
    assert in_the_same_place([bright, lamp])[1].slots == lamp.slots


@pytest.mark.parametrize(("intent", "slots", "wanted"), [
    ("HassSetPosition", {"position": "thirty"}, ("HassSetVolume", {"volume_level": "thirty"})),
    ("HassSetPosition", {"position_step": "down"}, ("HassSetVolumeRelative", {"volume_step": "down"})),
    ("HassStopMoving", {}, ("HassMediaPause", {})),
    ("HassVacuumStart", {}, ("HassTurnOn", {})),
    ("HassSetVolume", {"volume_level": "30"}, ("HassSetVolume", {"volume_level": "30"})),
    ("HassLightSet", {"color": "red"}, ("HassLightSet", {"color": "red"})),
    ("SetValue", {"value": "spotify"}, ("SetValue", {"value": "spotify"})),
])  # fmt: skip
def test_what_is_said_to_a_name_that_tells_nothing_is_what_its_kind_does(
    intent: str, slots: dict[str, str], wanted: tuple[str, dict[str, str]]
) -> None:
    home = home_of(thing("media_player.monitors", "Studio Monitors", "Den"), thing("cover.blind", "Blind", "Den"))
    meant = of_its_kind(home, Intent(intent, {"name": "studio monitors", **slots}, 0.9))
    assert (meant.intent, meant.slots) == (wanted[0], {"name": "studio monitors", **wanted[1]})
    stranger = Intent(intent, {"name": "something", **slots}, 0.9)
    assert of_its_kind(home, stranger) == stranger


@pytest.mark.parametrize(("entity", "intent", "wanted"), [
    ("switch.pump", "HassVacuumStart", "HassTurnOn"), ("switch.pump", "HassMediaPause", "HassTurnOff"),
    ("cover.it", "HassMediaPause", "HassStopMoving"), ("vacuum.it", "HassVacuumStart", "HassVacuumStart"),
    ("vacuum.it", "HassStopMoving", "HassStopMoving"), ("light.it", "HassTurnOff", "HassTurnOff"),
])  # fmt: skip
def test_a_start_or_a_stop_is_that_of_its_kind(entity: str, intent: str, wanted: str) -> None:
    assert of_its_kind(home_of(thing(entity, "Gadget")), Intent(intent, {"name": "gadget"}, 0.9)).intent == wanted


def test_the_fan_of_a_room_is_not_its_lights() -> None:
    home = home_of(thing("light.ceiling", "Ceiling", "Kitchen"))
    assert ground(home, "HassTurnOn", {"area": "kitchen"}, Context(), "turn on the kitchen fan")["domain"] == "fan"
    assert ground(home, "HassTurnOn", {"area": "kitchen"}, Context(), "turn on the kitchen")["domain"] == "light"


@pytest.mark.parametrize(("confidence", "known", "done"), [
    (0.5, False, True), (0.25, False, False), (0.25, True, True), (0.1, True, False),
])  # fmt: skip
def test_a_name_that_the_home_knows_needs_less_certainty(confidence: float, known: bool, done: bool) -> None:
    intent = Intent("HassTurnOn", {"name": "movie night"}, confidence)
    decision = route(Interpretation((intent,), confidence), lambda _: known)
    assert bool(decision.intents) is done
    assert (decision.reply == NOT_SURE) is not done


def test_is_called_wants_the_very_name() -> None:
    home = home_of(thing("scene.film", "Movie Night", aliases=("film time",)))
    assert is_called(home, "movie night")
    assert is_called(home, "Film Time")
    assert not is_called(home, "movie")
    assert not is_called(home, None)


def test_a_lights_temperature_is_no_brightness() -> None:
    home = home_of(thing("light.reading", "Reading Lamp", "Den"))
    white = Intent("HassLightSet", {"name": "reading lamp", "temperature": "4000"}, 0.9)
    assert of_its_kind(home, white) == white


def test_a_mower_is_sent_out_and_home_as_one() -> None:
    home = home_of(thing("lawn_mower.clippy", "Clippy", "Garden"))
    start, dock = Intent("HassVacuumStart", {"name": "Clippy"}, 0.9), Intent("HassVacuumReturnToBase", {"name": "Clippy"}, 0.9)
    assert [one.intent for one in as_meant(home, (start, dock), "")] == ["HassLawnMowerStartMowing", "HassLawnMowerDock"]


def test_one_deed_on_one_thing_is_done_once_by_the_surer_reading() -> None:
    full = Intent("HassFanSetSpeed", {"name": "fan", "percentage": "full"}, 0.6)
    hundred = Intent("HassFanSetSpeed", {"name": "fan", "percentage": "hundred"}, 0.8)
    other = Intent("HassFanSetSpeed", {"name": "other fan", "percentage": "full"}, 0.5)
    on = Intent("HassTurnOn", {"name": "fan"}, 0.9)
    assert said_once((on, full, hundred, other)) == (on, hundred, other)
    nameless = Intent("HassTurnOn", {"domain": "light"}, 0.9)
    assert said_once((nameless, nameless)) == (nameless, nameless)


@pytest.mark.parametrize(("text", "name"), [
    ("what is the outside temperature", "Outside Temperature"),
    ("tell me the outside temperature, please", "Outside Temperature"),
    ("what is the temperature outside", None), ("how's the weather", None),
])  # fmt: skip
def test_a_sensor_is_asked_where_its_name_is_said(text: str, name: str | None) -> None:
    home = home_of(thing("sensor.outside", "Outside Temperature"), thing("sensor.mileage", "Mileage"))
    asked = Intent("HassGetWeather", {}, 0.7)
    meant = of_a_sensor(home, asked, text)
    assert meant == (Intent("HassGetState", {"name": name}, 0.7) if name else asked)
