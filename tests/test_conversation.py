"""The clock, the weather, small talk, and words that mean something only after something else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ingle.skills.api import Unclear
from ingle.skills.home.model import Area, Entity, Floor, Home
from ingle.skills.timers import TimerStore

from .turns import LONDON, World


@pytest.fixture
def world() -> World:
    world = World()
    world.services["timers"] = TimerStore(world.database, clock=world.clock)
    return world


async def reply(world: World, intent: str, text: str = "", *, heard_in: str | None = None, **slots: Any) -> str:
    return (await world.ask(intent, slots, text=text, area=heard_in)).reply


# --- the clock

@pytest.mark.parametrize(("text", "told"), [
    ("what time is it", "It's 2:30 PM."), ("what time is it in new york", "It's 9:30 AM in New York."),
    ("what's the time in tokyo right now", "It's 11:30 PM in Tokyo."),
    ("what time is it in fredericksburg", "Here it's 2:30 PM; I don't know the time there.")])
async def test_the_time(world: World, text: str, told: str) -> None:
    assert await reply(world, "HassGetCurrentTime", text) == told


@pytest.mark.parametrize(("text", "day", "told"), [
    ("what's the date", None, "It's Tuesday, 24 November 2026."), ("what year is it", None, "It's 2026."),
    ("what month is it", None, "It's November."), ("is today monday", None, "No, it's Tuesday, 24 November."),
    ("what's the date tomorrow", "tomorrow", "Tomorrow is Wednesday, 25 November."),
    ("when is christmas", "christmas", "Christmas is on Friday, 25 December, in 31 days."),
    ("how many days until christmas", "christmas", "31 days: Friday, 25 December."),
    ("what date is next friday", "next friday", "That is Friday, 4 December, in 10 days."),
    ("what will the date be in 100 days", "in 100 days", "That is Thursday, 4 March 2027, in 100 days."),
    ("what day is the blue moon", "the blue moon", "I can't tell which day that is. Today is Tuesday, 24 November.")])
async def test_the_date(world: World, text: str, day: str | None, told: str) -> None:
    assert await reply(world, "HassGetCurrentDate", text, date=day) == told


# --- warmth and weather

def warm_house() -> Home:
    home = Home([Floor("Upstairs")], [Area("Kitchen"), Area("Bedroom", floor="Upstairs"), Area("Hall"), Area("Garden")])
    for entity_id, name, area, state, device_class, attributes in (
        ("climate.bedroom", "Bedroom Thermostat", "Bedroom", "heat", None, {"current_temperature": 19.46}),
        ("sensor.bedroom", "Bedroom Temperature", "Bedroom", "23", "temperature", {}),
        ("sensor.kitchen", "Kitchen Temperature", "Kitchen", "21.5", "temperature", {}),
        ("sensor.freezer", "Freezer", None, "-18", "temperature", {}),
        ("sensor.garden", "Garden Temperature", "Garden", "8", "temperature", {}),
        ("light.hall", "Hall Light", "Hall", "on", None, {}),
    ):
        home.add(Entity(entity_id=entity_id, domain=entity_id.split(".")[0], name=name, area=area, state=state,
                        device_class=device_class, unit="°C", attributes=dict(attributes)))
    return home


@pytest.mark.parametrize(("slots", "heard_in", "told"), [
    ({"area": "Kitchen"}, None, "It's 21.5 °C in the kitchen."),
    ({"area": "Bedroom"}, "Kitchen", "It's 19.5 °C in the bedroom."),     # the thermostat, not the sensor beside it
    ({}, "Kitchen", "It's 21.5 °C in the kitchen."), ({"floor": "Upstairs"}, None, "It's 19.5 °C in the bedroom."),
    ({"name": "freezer"}, None, "The freezer is -18 °C."), ({"area": "Garden"}, None, "It's 8 °C in the garden."),
    ({}, None, "It's 19.5 °C in the bedroom."), ({"name": "outside"}, None, "It's 8 °C outside.")])
async def test_how_warm_it_is(slots: dict[str, Any], heard_in: str | None, told: str) -> None:
    world = World(home=warm_house())
    assert await reply(world, "HassClimateGetTemperature", "how warm is it", heard_in=heard_in, **slots) == told


@pytest.mark.parametrize(("area", "question"), [
    ("Hall", "Nothing measures the temperature in the hall."), ("Attic", "I don't know a room called Attic")])
async def test_where_nothing_measures_it_says_so(area: str, question: str) -> None:
    with pytest.raises(Unclear, match=question):
        await reply(World(home=warm_house()), "HassClimateGetTemperature", "how warm is it there", area=area)


async def test_a_thermometer_that_has_not_told() -> None:
    home = warm_house()
    home.entities["sensor.kitchen"].state = None
    assert await reply(World(home=home), "HassClimateGetTemperature", "how warm is the kitchen", area="Kitchen") == (
        "The kitchen temperature has not told me a temperature yet.")


async def test_weather_is_what_is_measured_here(world: World) -> None:
    assert await reply(world, "HassGetWeather", "what's the weather") == "Nothing here measures the weather."
    warm = World(home=warm_house())
    assert await reply(warm, "HassGetWeather", "what's the weather") == "It's 8 °C outside."
    assert await reply(warm, "HassGetWeather", "will it rain tomorrow", date="tomorrow") == (
        "I have no forecast. Now it's 8 °C outside.")
    assert "Paris" in await reply(warm, "HassGetWeather", "weather in paris", name="Paris")


# --- small talk

@pytest.mark.parametrize(("text", "told"), [
    ("hello", "Good afternoon."), ("good night", "Good night."), ("thank you so much", "You're welcome."),
    ("who are you", "I'm Ingle, the assistant of this house."), ("how are you", "All well here, thank you."),
    ("goodbye", "Goodbye."), ("good job", "Thank you."), ("mumble", "I'm here. What can I do?")])
async def test_small_talk(world: World, text: str, told: str) -> None:
    assert await reply(world, "HassRespond", text) == told


async def test_a_greeting_knows_the_time_of_day(world: World) -> None:
    world.clock.now = datetime(2026, 11, 24, 7, 0, tzinfo=LONDON)
    assert await reply(world, "HassRespond", "hi there") == "Good morning."


async def test_it_promises_only_what_is_here(world: World) -> None:
    assert "lights" not in await reply(world, "HassRespond", "what can you do")
    assert "lights" in await reply(World(home=warm_house()), "HassRespond", "what can you do?")


async def test_never_mind_silences_what_rings(world: World) -> None:
    assert await reply(world, "HassNevermind", "never mind") == "Okay."
    world.services["timers"].start(60, name="egg")
    world.services["timers"].due(world.clock.tick(minutes=1))
    assert await reply(world, "HassNevermind", "stop") == "Stopped the egg timer."


@pytest.mark.parametrize("intent", ["Confirm", "Deny", "Repeat"])
async def test_with_nothing_before_it_nothing_is_done(world: World, intent: str) -> None:
    assert await reply(world, intent)
    assert world.acts == []


async def test_a_thermometer_named_after_a_room_nobody_announced() -> None:
    home = Home()
    home.add(Entity(entity_id="sensor.larder", domain="sensor", name="Larder Temperature", device_class="temperature",
                    unit="°C", state="4"))
    assert await reply(World(home=home), "HassClimateGetTemperature", "how warm is the larder", area="larder") == (
        "The larder temperature is 4 °C.")


async def test_a_greeting_is_returned_as_it_was_given() -> None:
    world = World()
    assert await reply(world, "HassRespond", "good morning") == "Good morning."
