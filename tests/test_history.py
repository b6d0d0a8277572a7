"""What happened is remembered, within bounds, and told when asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.skills.api import Unclear
from ingle.skills.history import MIGRATIONS, Ask, HistoryStore
from ingle.skills.past import past_window, spoken_past
from ingle.skills.recall import asked_before, refers_back
from ingle.skills.storage import open_database

from .turns import LONDON, TUESDAY, Clock, World
from .worlds import home_of, thing


def store_of(clock: Clock, path: Path | str = ":memory:", **bounds: float) -> HistoryStore:
    return HistoryStore(open_database(path, MIGRATIONS, lossy=True), clock=clock, **bounds)  # type: ignore[arg-type]


class House(World):
    """A house with a history: `set` is a report of a device."""

    def __init__(self) -> None:
        super().__init__(home=home_of(
            thing("binary_sensor.front_door", "Front Door", "Hall", device_class="door", state="off"),
            thing("binary_sensor.back_door", "Back Door", "Kitchen", device_class="door", state="off"),
            thing("lock.front_door_lock", "Front Door Lock", "Hall", state="locked"),
            thing("switch.washing_machine", "Washing Machine", "Utility Room", state="off"),
            thing("light.hall", "Hall Light", "Hall", state="off"),
            thing("climate.heating", "Heating", "Living Room", state="off"),
            thing("sensor.bedroom", "Bedroom Temperature", "Bedroom", device_class="temperature", unit="°C", state="20"),
            thing("device_tracker.anna", "Anna's Phone", state="home"),
        ))
        self.store = store_of(self.clock)
        self.services["history"] = self.store
        for entity in self.home.entities.values():
            self.store.changed(entity)

    def set(self, entity_id: str, state: str, **ago: float) -> None:
        """The device reports a state, then so much time goes by."""
        entity = self.home.entities[entity_id]
        entity.state = state
        self.store.changed(entity)
        self.clock.tick(**ago)

    def say(self, text: str, *intents: tuple[str, dict[str, object]], **facts: str) -> None:
        """Something was asked."""
        made = tuple({"intent": intent, "slots": slots, "entities": []} for intent, slots in intents)
        self.store.asked(Ask(at=self.clock().timestamp(), text=text, intents=made, **facts))

    async def was(self, text: str, **slots: object) -> str:
        return (await self.ask("AskHistory", dict(slots), text=text)).reply


@pytest.fixture
def house() -> House:
    return House()


# --- when, how long, how often

async def test_when_a_door_was_last_opened(house: House) -> None:
    house.clock.tick(hours=1)
    house.set("binary_sensor.front_door", "on", minutes=2)
    house.set("binary_sensor.front_door", "off", minutes=23)
    reply = await house.was("when was the front door last opened?", name="front door", state="open")
    assert reply == "The front door was last opened at 3:30 PM, 25 minutes ago."


async def test_when_needs_no_state_slot(house: House) -> None:
    house.set("climate.heating", "heat", hours=1)
    house.set("climate.heating", "off", minutes=10)
    reply = await house.was("when did I turn off the heating", domain="climate")
    assert reply == "The heating was last turned off at 3:30 PM, 10 minutes ago."


async def test_how_long_it_has_been_running(house: House) -> None:
    house.set("switch.washing_machine", "on", minutes=65)
    reply = await house.was("how long has the washing machine been running?", name="washing machine", state="on")
    assert reply == "The washing machine has been running for 1 hour 5 minutes, since 2:30 PM."


async def test_how_long_it_has_been_not_running(house: House) -> None:
    house.set("switch.washing_machine", "on", minutes=40)
    house.set("switch.washing_machine", "off", minutes=5)
    reply = await house.was("how long has the washing machine been running?", name="washing machine", state="on")
    assert reply == "The washing machine is not running now; last at 2:30 PM for 40 minutes."


async def test_how_long_within_a_day(house: House) -> None:
    for minutes in (10, 20):
        house.set("light.hall", "on", minutes=minutes)
        house.set("light.hall", "off", minutes=30)
    reply = await house.was("how long was the hall light on today", name="hall light", state="on", date="today")
    assert reply == "The hall light was on for 30 minutes today."


async def test_what_was_so_at_the_start_is_not_said_to_have_begun_then(house: House) -> None:
    house.clock.tick(hours=3)
    reply = await house.was("how long has the front door lock been locked", name="front door lock", state="locked")
    assert reply == "The front door lock has been locked for at least 3 hours, since 2:30 PM."
    reply = await house.was("when was the front door lock locked", name="front door lock", state="locked")
    assert reply == "The front door lock has been locked since before I began to watch, at 2:30 PM."


async def test_how_often(house: House) -> None:
    for _ in range(3):
        house.set("binary_sensor.back_door", "on", minutes=1)
        house.set("binary_sensor.back_door", "off", minutes=9)
    reply = await house.was("how often was the back door opened today", name="back door", state="open", date="today")
    assert reply == "The back door was opened 3 times today, last at 2:50 PM."
    reply = await house.was("how often was the back door opened yesterday", name="back door", state="open", date="yesterday")
    assert reply == "The back door was not opened yesterday."


async def test_whether(house: House) -> None:
    house.set("binary_sensor.back_door", "on", minutes=1)
    house.set("binary_sensor.back_door", "off", minutes=9)
    asked = {"name": "back door", "state": "open", "date": "this afternoon"}
    assert await house.was("was the back door opened this afternoon", **asked) == "Yes, the back door was opened at 2:30 PM."
    asked["name"] = "front door"
    assert await house.was("was the front door opened this afternoon", **asked) == (
        "No, the front door was not opened this afternoon.")


async def test_a_reading_is_told_as_a_range(house: House) -> None:
    house.clock.tick(minutes=10)
    for degrees in ("19.5", "22", "21"):
        house.set("sensor.bedroom", degrees, minutes=10)
    reply = await house.was("how warm was it in the bedroom today", area="Bedroom", device_class="temperature", date="today")
    assert reply == "The bedroom temperature was between 19.5 °C and 22 °C today."


async def test_what_cannot_be_told_is_said_so(house: House) -> None:
    with pytest.raises(Unclear, match="I can't tell when the hall light was locked"):
        await house.was("when was the hall light locked", name="hall light", state="locked")


async def test_without_a_store_nothing_is_made_up() -> None:
    done = await World(home=House().home).ask("AskHistory", {"name": "hall light", "state": "on"})
    assert done.reply == "I keep no history."


# --- what changed

async def test_what_changed_while_out(house: House) -> None:
    house.set("light.hall", "on", minutes=5)
    house.set("device_tracker.anna", "not_home", minutes=30)
    house.set("binary_sensor.back_door", "on", minutes=1)
    house.set("sensor.bedroom", "25", minutes=1)
    house.set("device_tracker.anna", "home", minutes=1)
    reply = await house.was("what changed while I was out")
    assert reply.startswith("From 2:35 PM to 3:07 PM: ")
    assert "the back door was open at 3:05 PM" in reply
    assert "hall light" not in reply
    assert "temperature" not in reply


async def test_what_changed_today(house: House) -> None:
    assert await house.was("what happened today", date="today") == "Nothing changed today."
    house.set("light.hall", "on", minutes=5)
    assert await house.was("what happened today", date="today") == "Today: the hall light was on at 2:30 PM."


# --- what was asked

async def test_what_was_asked_this_morning(house: House) -> None:
    house.clock.now = datetime(2026, 11, 24, 8, 0, tzinfo=LONDON)
    house.say("turn on the hall light", ("HassTurnOn", {"name": "hall light"}))
    house.clock.tick(minutes=30)
    house.say("is the front door locked", ("HassGetState", {"name": "front door"}))
    house.clock.tick(hours=6)
    house.say("turn off the hall light", ("HassTurnOff", {"name": "hall light"}))
    reply = await house.was("what did I ask you to do this morning?", date="this morning")
    assert reply == "This morning, you asked: “turn on the hall light” at 8 AM."
    assert await house.was("what was the last thing I asked") == "You asked: “turn off the hall light” at 2:30 PM."
    assert await house.was("what did I ask you yesterday", date="yesterday") == "You asked for nothing yesterday."


async def test_what_one_person_asked_is_not_told_to_another(house: House) -> None:
    house.say("add a present for Ben to my list", ("HassListAddItem", {"item": ["present"]}), speaker="Anna")
    assert "present" not in await house.was("what did I ask you today")


def test_the_song_of_this_morning_is_found_after_200_turns(house: House) -> None:
    house.clock.now = datetime(2026, 11, 24, 7, 0, tzinfo=LONDON)
    clocks = {"search_query": "clocks by coldplay", "media_class": "track"}
    house.say("play clocks by coldplay", ("HassMediaSearchAndPlay", clocks))
    for _ in range(220):
        house.clock.tick(minutes=2)
        house.say("turn on the hall light", ("HassTurnOn", {"name": "hall light"}))
    house.say("play some jazz", ("HassMediaSearchAndPlay", {"search_query": "jazz"}))
    turn = house.turn("play the song I asked for this morning")
    assert refers_back(turn.text)
    found = asked_before(turn, "HassMediaSearchAndPlay", "search_query")
    assert found is not None
    assert found["search_query"] == "clocks by coldplay"
    latest = asked_before(house.turn("play that song again"), "HassMediaSearchAndPlay", "search_query")
    assert latest is not None
    assert latest["search_query"] == "jazz"


@pytest.mark.parametrize("text", [
    "play some jazz", "play this morning's news", "play all I wanted by paramore", "play I heard it through the grapevine",
])
def test_a_song_by_its_name_does_not_refer_back(text: str) -> None:
    assert not refers_back(text)


# --- bounds

def test_only_changes_are_kept_and_readings_seldom() -> None:
    clock = Clock()
    store = store_of(clock)
    sensor = thing("sensor.power", "Power", state="1")
    for second in range(600):
        sensor.state = str(second)
        store.changed(sensor)
        clock.tick(seconds=1)
    assert 2 <= len(store.changes(["sensor.power"])) <= 3
    light = thing("light.hall", "Hall", state="on")
    for _ in range(10):
        store.changed(light)
    assert len(store.changes(["light.hall"])) == 1


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    clock = Clock()
    store = store_of(clock, tmp_path / "history.db")
    light = thing("light.hall", "Hall", state="on")
    store.changed(light)
    store.write()
    clock.tick(hours=1)
    again = store_of(clock, tmp_path / "history.db")
    again.changed(light)
    light.state = "off"
    again.changed(light)
    assert [(one.state, one.seen) for one in again.changes(["light.hall"])] == [("on", True), ("off", False)]


def test_the_oldest_goes_first() -> None:
    clock = Clock()
    store = store_of(clock, days=1, max_bytes=40_000)
    light = thing("light.hall", "Hall", state="on")
    for n in range(4000):
        light.state = str(n)
        store.changed(light)
        clock.tick(seconds=1)
    store.prune()
    kept = store.changes(["light.hall"])
    assert store.size_bytes <= 40_000
    assert kept[-1].state == "3999"
    clock.tick(days=2)
    store.prune()
    assert store.changes(["light.hall"]) == []


# --- stretches of time

@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("today", (24, 0), (24, 14.5)), ("this morning", (24, 4), (24, 12)), ("yesterday", (23, 0), (24, 0)),
        ("last night", (23, 20), (24, 6)), ("yesterday evening", (23, 17), (24, 0)), ("on sunday", (22, 0), (23, 0)),
        ("in the last two hours", (24, 12.5), (24, 14.5)), ("in the past hour", (24, 13.5), (24, 14.5)),
        ("since noon", (24, 12), (24, 14.5)), ("this week", (23, 0), (24, 14.5)), ("last tuesday", (17, 0), (18, 0)),
    ],
)  # fmt: skip
def test_stretches_of_time(said: str, since: tuple[int, float], until: tuple[int, float]) -> None:
    window = past_window(said, TUESDAY)
    assert window is not None

    def at(day: int, hours: float) -> datetime:
        return datetime(2026, 11, day, tzinfo=LONDON) + timedelta(hours=hours)

    assert (window.since, window.until) == (at(*since), at(*until))


@pytest.mark.parametrize("said", ["", "the front door", "tomorrow", "this evening", "how long is the hall", "last"])
def test_no_stretch_of_time(said: str) -> None:
    assert past_window(said, TUESDAY) is None


@given(st.text(max_size=60))
def test_any_text_is_a_stretch_or_none(text: str) -> None:
    window = past_window(text, TUESDAY)
    assert window is None or window.since < window.until <= TUESDAY


def test_past_moments_in_words() -> None:
    assert spoken_past(TUESDAY - timedelta(hours=1), TUESDAY) == "at 1:30 PM"
    assert spoken_past(TUESDAY - timedelta(days=1), TUESDAY) == "yesterday at 2:30 PM"
    assert spoken_past(TUESDAY - timedelta(days=3), TUESDAY) == "on Saturday at 2:30 PM"
    assert spoken_past(TUESDAY - timedelta(days=30), TUESDAY) == "on 25 October at 2:30 PM"
