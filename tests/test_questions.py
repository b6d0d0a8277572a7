"""Questions about a small house: every answer is true of the states it was given, and nothing is ever done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.api import Unclear
from ingle.skills.home.model import Area, Entity, Floor, Home
from ingle.skills.questions import Question, kind_of_question
from ingle.skills.states import can_tell, holds, told, told_in_full

from .turns import World


def entity(entity_id: str, name: str, area: str | None, state: str | None, device_class: str | None = None, *,
           unit: str | None = None, available: bool = True, device: str | None = None, **attributes: Any) -> Entity:
    return Entity(entity_id=entity_id, domain=entity_id.split(".")[0], name=name, area=area, state=state,
                  device_class=device_class, unit=unit, available=available, device_name=device, attributes=attributes)


def house() -> Home:
    home = Home(
        [Floor("Upstairs"), Floor("Downstairs")],
        [Area("Kitchen", floor="Downstairs"), Area("Hall", floor="Downstairs"), Area("Bedroom", floor="Upstairs"),
         Area("Bathroom", floor="Upstairs"), Area("Lounge", floor="Downstairs"), Area("Garden")])
    for each in (
        entity("light.kitchen", "Kitchen Light", "Kitchen", "on", brightness=102),
        entity("light.counter", "Counter Lamp", "Kitchen", "off"),
        entity("light.bedside", "Bedside Lamp", "Bedroom", "on", hs_color=[240, 90], brightness=255),
        entity("light.mirror", "Mirror Light", "Bathroom", "off"),
        entity("lock.back_door", "Back Door", "Kitchen", "unlocked"),
        entity("lock.front_door", "Front Door", "Hall", "locked"),
        entity("binary_sensor.front_door", "Front Door", "Hall", "off", "door"),
        entity("lock.shed", "Shed Lock", "Garden", "locked", available=False),
        entity("lock.gate", "Gate Lock", "Garden", None),
        entity("binary_sensor.kitchen_window", "Kitchen Window", "Kitchen", "on", "window"),
        entity("binary_sensor.bedroom_window", "Bedroom Window", "Bedroom", "off", "window"),
        entity("cover.skylight", "Skylight", "Bathroom", "open", "window", current_position=60),
        entity("cover.blind", "Bedroom Blind", "Bedroom", "closed", "blind", current_position=0),
        entity("sensor.bathroom_humidity", "Humidity", "Bathroom", "56.2", "humidity", unit="%"),
        entity("sensor.door_battery", "Front Door Battery", "Hall", "12", "battery", unit="%", device="Front Door"),
        entity("sensor.window_battery", "Kitchen Window Battery", "Kitchen", "87", "battery", unit="%"),
        entity("binary_sensor.leak", "Leak Sensor", "Bathroom", "off", "moisture"),
        entity("person.anna", "Anna", None, "home"),
        entity("person.ben", "Ben", None, "Work"),
        entity("media_player.lounge", "Lounge Speaker", "Lounge", "playing", "speaker", media_title="Clocks",
               media_artist="Coldplay", volume_level=0.3),
        entity("fan.lounge", "Lounge Fan", "Lounge", "on", percentage=50, oscillating=True),
        entity("vacuum.rosie", "Rosie", "Hall", "docked", battery_level=80),
        entity("climate.lounge", "Lounge Thermostat", "Lounge", "heat", unit="°C", temperature=21.0,
               current_temperature=19.4),
        entity("alarm_control_panel.home", "Alarm", None, "armed_away"),
        entity("update.hub", "Hub Firmware", None, "on"),
    ):
        home.add(each)
    return home


@pytest.fixture
def world() -> Iterator[World]:
    world = World(home=house())
    yield world
    assert world.acts == []  # a question never becomes a command


async def reply(world: World, text: str, **slots: Any) -> str:
    return (await world.ask("HassGetState", slots, text=text)).reply


LIGHT: dict[str, Any] = {"domain": "light"}
WINDOW: dict[str, Any] = {"domain": "cover", "device_class": "window"}


@pytest.mark.parametrize(("text", "slots", "told"), [
    ("is the back door locked?", {"name": "back door", "domain": "lock", "state": "locked"},
     "No, the back door is unlocked."),
    ("is the front door locked", {"name": "front door", "state": "locked"}, "Yes, the front door is locked."),
    ("is the front door open", {"name": "front door", "state": "open"}, "No, the front door is closed."),
    ("did i leave the kitchen light on", {"name": "kitchen light", "state": "on"}, "Yes, the kitchen light is on."),
    ("is the counter lamp off", {"name": "counter lamp", "state": "off"}, "Yes, the counter lamp is off."),
    ("is the kitchen window open", {"name": "kitchen window", **WINDOW, "state": "open"},
     "Yes, the kitchen window is open."),
    ("is the back door open", {"name": "back door", "state": "open"},
     "I can't tell whether the back door is open; it is unlocked."),
    ("is the leak sensor wet", {"name": "leak sensor", "state": "wet"}, "No, the leak sensor is dry."),
    ("is the alarm armed", {"name": "alarm", "state": "armed"}, "Yes, the alarm is armed (away)."),
    ("is rosie docked", {"name": "Rosie", "domain": "vacuum", "state": "docked"}, "Yes, Rosie is docked.")])
async def test_yes_or_no(world: World, text: str, slots: dict[str, Any], told: str) -> None:
    assert await reply(world, text, **slots) == told


@pytest.mark.parametrize(("text", "slots", "told"), [
    ("which lights are on", {**LIGHT, "state": "on"}, "The kitchen light and the bedside lamp are on."),
    ("which lights are on upstairs", {**LIGHT, "floor": "Upstairs", "state": "on"}, "The bedside lamp is on."),
    ("are any lights on in the bathroom", {**LIGHT, "area": "Bathroom", "state": "on"},
     "No, the mirror light is off."),
    ("are all the lights off", {**LIGHT, "state": "off"}, "No, the kitchen light and the bedside lamp are on."),
    ("how many windows are open", {**WINDOW, "state": "open"},
     "2 windows are open: the skylight and the kitchen window."),
    ("are all the windows closed", {**WINDOW, "state": "closed"}, "No, the skylight and the kitchen window are open."),
    ("is the window open in the kitchen", {**WINDOW, "area": "Kitchen", "state": "open"},
     "Yes, the kitchen window is open."),
    ("are the doors locked", {"domain": "lock", "state": "locked"},
     "No, the back door is unlocked. The shed lock is offline; I haven't heard from the gate lock yet."),
    ("what's on in the lounge", {"area": "Lounge", "state": "on"}, "The lounge speaker and the lounge fan are on."),
    ("is anything open", {"name": "all", "state": "open"}, "Yes, the kitchen window and the skylight are open."),
    ("which batteries are low", {"domain": "sensor", "device_class": "battery", "state": "low"},
     "The front door battery is low.")])
async def test_which_how_many_any_and_all(world: World, text: str, slots: dict[str, Any], told: str) -> None:
    assert await reply(world, text, **slots) == told


@pytest.mark.parametrize(("text", "slots", "told"), [
    ("how damp is the bathroom", {"area": "Bathroom", "device_class": "humidity"}, "The bathroom humidity is 56.2%."),
    ("how bright is the kitchen light", {"name": "kitchen light"}, "The kitchen light is on at 40%."),
    ("what colour is the bedside lamp", {"name": "bedside lamp"}, "The bedside lamp is on at 100%, blue."),
    ("how far open is the skylight", {"name": "skylight", "domain": "cover"}, "The skylight is 60% open."),
    ("what's playing in the lounge", {"area": "Lounge", "domain": "media_player"},
     "The lounge speaker is playing Clocks by Coldplay, volume 30%."),
    ("how fast is the lounge fan going", {"name": "lounge fan"}, "The lounge fan is on at 50%, oscillating."),
    ("what's rosie doing", {"name": "Rosie", "domain": "vacuum"}, "Rosie is docked, battery 80%."),
    ("what's the lounge thermostat set to", {"name": "lounge thermostat"},
     "The lounge thermostat is heating, set to 21 °C, now 19.4 °C."),
    ("how full is the front door battery", {"name": "front door", "device_class": "battery"},
     "The front door battery is 12%."),
    ("is the hub firmware up to date", {"name": "hub firmware"}, "The hub firmware is waiting for an update.")])
async def test_readings(world: World, text: str, slots: dict[str, Any], told: str) -> None:
    assert await reply(world, text, **slots) == told


@pytest.mark.parametrize(("text", "slots", "told"), [
    ("where is ben", {"name": "Ben", "domain": "person"}, "Ben is at Work."),
    ("is anna home", {"name": "Anna", "domain": "person", "state": "home"}, "Yes, Anna is at home."),
    ("is ben home", {"name": "Ben", "state": "home"}, "No, Ben is at Work."),
    ("who's home", {"domain": "person", "state": "home"}, "Anna is home."),
    ("is anyone in", {"domain": "person", "state": "home"}, "Yes, Anna is home."),
    ("is everyone home", {"domain": "person", "state": "home"}, "No, Ben is out."),
    ("how many people are home", {"domain": "person", "state": "home"}, "1 person is home: Anna."),
    ("who is out", {"domain": "person", "state": "not_home"}, "Ben is out.")])
async def test_people(world: World, text: str, slots: dict[str, Any], told: str) -> None:
    assert await reply(world, text, **slots) == told


async def test_what_is_not_known_is_said(world: World) -> None:
    assert await reply(world, "is the shed lock locked", name="shed lock", state="locked") == (
        "The shed lock is offline; last I heard, it was locked.")
    assert await reply(world, "is the gate lock locked", name="gate lock", state="locked") == (
        "I haven't heard from the gate lock yet.")
    assert await reply(world, "is the shed lock online", name="shed lock", state="online") == (
        "No, the shed lock is offline.")


@pytest.mark.parametrize(("text", "slots", "told"), [
    ("is there smoke in the kitchen", {"area": "Kitchen", "domain": "binary_sensor", "device_class": "smoke",
                                       "state": "detected"}, "There is no smoke sensor in the kitchen."),
    ("is the garage open", {"domain": "cover", "device_class": "garage", "state": "open"},
     "There is no garage door that I know of."),
    ("are the windows open in the hall", {**WINDOW, "area": "Hall", "state": "open"}, "There is no window in the hall.")])
async def test_having_no_sensor_is_not_an_all_clear(world: World, text: str, slots: dict[str, Any], told: str) -> None:
    with pytest.raises(Unclear) as asked:
        await reply(world, text, **slots)
    assert asked.value.question == told


async def test_what_is_offline(world: World) -> None:
    assert await reply(world, "is anything offline", name="all", state="offline") == "Yes, the shed lock is offline."


@pytest.mark.parametrize("slots", [
    {**WINDOW, "area": "Hall", "state": "open"}, {**LIGHT, "area": "Attic", "state": "on"}, {"name": "sauna", "state": "on"}])
async def test_what_is_not_there_is_asked_about(world: World, slots: dict[str, Any]) -> None:
    with pytest.raises(Unclear):
        await reply(world, "is it open", **slots)


async def test_people_known_by_their_phones_alone() -> None:
    world = World()
    world.home.add(entity("device_tracker.anna", "Anna's Phone", None, "not_home"))
    assert await reply(world, "is anyone home", domain="person", state="home") == "No, nobody is home."


@pytest.mark.parametrize(("text", "state", "kind"), [
    ("which lights are on", "on", Question.WHICH), ("how many windows are open", "open", Question.COUNT),
    ("are all the doors locked", "locked", Question.ALL), ("are the doors locked", "locked", Question.ALL),
    ("are the lights on", "on", Question.ANY), ("is a window open", "open", Question.ANY),
    ("is everything off", "off", Question.ALL), ("what's open", "open", Question.WHICH)])
def test_the_kind_of_a_question(text: str, state: str, kind: Question) -> None:
    assert kind_of_question(text, state) is kind


STATES = ["on", "off", "open", "closed", "locked", "unlocked", "home", "playing", "low", "wet", "detected", "online", "armed"]


@settings(deadline=None)
@given(st.sampled_from(sorted(house().entities)), st.none() | st.text(max_size=20) | st.sampled_from(STATES),
       st.sampled_from(STATES))
def test_any_state_can_be_told(entity_id: str, raw: str | None, asked: str) -> None:
    """Whatever a device reports: a sentence, and a truth value only when something was reported."""
    each = house().entities[entity_id]
    each.state = raw
    assert isinstance(told(each), str)
    assert isinstance(told_in_full(each), str)
    assert isinstance(can_tell(each, asked), bool)
    assert holds(each, asked) in ((None, True, False) if raw is None else (True, False, None))


async def test_windows_told_by_sensors_are_called_windows() -> None:
    slots = {"domain": "binary_sensor", "device_class": "window", "state": "on"}
    home = Home([], [Area("Kitchen")])
    home.add(entity("binary_sensor.w1", "Kitchen Window", "Kitchen", "on", "window"))
    reply = (await World(home=home).ask("HassGetState", slots, text="how many windows are open")).reply
    assert reply == "1 window is open: the kitchen window."
    home.add(entity("binary_sensor.w2", "Side Window", "Kitchen", "on", "window"))
    reply = (await World(home=home).ask("HassGetState", slots, text="how many windows are open")).reply
    assert reply == "2 windows are open: the kitchen window and the side window."
