"""Routines: read from the file people edit, set off by phrases, times, events; stopped in loops and floods; conditions; why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.app.causes import Causes
from ingle.skills.api import NeedsConfirmation
from ingle.skills.conditions import Watch, read_clause
from ingle.skills.home.model import Home
from ingle.skills.moments import MomentError, NotUnderstood
from ingle.skills.recurrence import read_repeat
from ingle.skills.routines import CannotWait, Deed, Routine, RoutineFile, Routines, RoutinesError, spoken_phrase
from ingle.skills.routines.running import RUNS_AT_MOST
from ingle.skills.why import Cause

from .turns import TUESDAY, World
from .worlds import family_house, home_of, thing

# --- what repeats

REPEATING = ("every", "each", "on", "at", "other", "2", "3rd", "first", "last", "tuesday", "mondays", "weekday", "weekends",
             "day", "week", "month", "year", "hour", "of", "the", "and", "to", "7", "seven", "pm", "noon", "evening",
             "morning", "daily",
             "nightly", "may", "christmas")



@pytest.mark.parametrize(("said", "spoken"), [
    ("every weekday at seven", "every weekday at 7 AM"), ("on weekdays at half past six", "every weekday at 6:30 PM"),
    ("every tuesday evening", "every Tuesday at 7 PM"), ("every day at noon", "every day at noon"),
    ("on mondays and thursdays at 8", "every Monday and Thursday at 8 AM"), ("nightly at eleven", "every day at 11 PM"),
    ("monday to friday at 6 am", "every weekday at 6 AM"), ("every other friday at 5", "every other Friday at 5 PM"),
    ("at weekends at nine", "every Saturday and Sunday at 9 AM"), ("every two hours", "every 2 hours"),
    ("the last friday of the month at 10", "on the last Friday of every month at 10 AM"),
    ("on the 3rd of every month", "on day 3 of every month at 9 AM"), ("every half hour", "every 30 minutes"),
    ("every year on the 3rd of may", "every year on 3 May at 9 AM"),
    ("every morning at quarter to seven", "every day at 6:45 AM")])
def test_what_repeats_is_read(said: str, spoken: str) -> None:
    assert read_repeat(TUESDAY, at=said).repeat.spoken == spoken


@pytest.mark.parametrize("said", [
    "tomorrow", "at sunset", "twice a day", "every evening at sunset", "on fridays after school", ""])
def test_what_does_not_repeat_or_cannot_be_told_is_refused(said: str) -> None:
    with pytest.raises(NotUnderstood):
        read_repeat(TUESDAY, at=said)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(REPEATING), max_size=8))
def test_any_words_give_a_time_to_come_or_an_error(words: list[str]) -> None:
    try:
        found = read_repeat(TUESDAY, at=" ".join(words))
    except MomentError:
        return
    following = found.repeat.after(TUESDAY)
    assert following is not None
    assert following > TUESDAY.replace(tzinfo=None)
    assert found.repeat.spoken


# --- conditions

def _set(home: Home, **states: str) -> Home:
    for name, state in states.items():
        entity = next(entity for entity in home.entities.values() if entity.entity_id.partition(".")[2] == name)
        entity.state = state
    return home


@pytest.mark.parametrize(("said", "so"), [
    ("the office window is open", True), ("a window is open", True), ("every window is open", False),
    ("no window is open", False),
    ("the bathroom window isn't open", True), ("the front door is locked", False), ("the front door isn't locked", True),
    ("the porch light is on", True), ("all the lights are off", False), ("it's after ten", False), ("it's a weekday", True),
    ("the office is over 20", True), ("the temperature in the office drops below 20", False),
    ("the bathroom humidity is above 60", True), ("there's motion in the hallway", True),
    ("there is no motion in the hallway", False)])
def test_conditions_hold_or_not(said: str, so: bool) -> None:
    home = _set(family_house(), office_window="on", bathroom_window="off", porch="on", office_temperature="21.5",
                bathroom_humidity="70", hall_motion="on")
    home.entities["lock.front_door"].state = "unlocked"
    assert Watch(read_clause(said, TUESDAY), home).holds(TUESDAY) is so


@pytest.mark.parametrize("said", [
    "it's a full moon", "the moat is open", "the cellar window is open", "the bath is on", "i fall asleep", "it rains", ""])
def test_what_nothing_here_tells_is_never_taken_for_true(said: str) -> None:
    with pytest.raises(NotUnderstood):
        Watch(read_clause(said, TUESDAY), family_house())


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_conditions(said: str) -> None:
    try:
        Watch(read_clause(said, TUESDAY), family_house()).holds(TUESDAY)
    except NotUnderstood:
        return


# --- the file

TEXT = """\
# mine
- name: movie time      # for Fridays
  when: I say movie time
  do: close the blinds

# the hall, at night
- when: the front door opens after ten
  do: turn on the hall light
  enabled: false
"""


def test_the_file_is_changed_a_block_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "routines.yaml"
    path.write_text(TEXT)
    file = RoutineFile(path)
    found, faults = file.read()
    assert faults == []
    assert [each.routine for each in found] == [
        Routine(name="movie time", when="I say movie time", do="close the blinds"),
        Routine(name="the front door opens after ten", when="the front door opens after ten", do="turn on the hall light",
                enabled=False)]
    file.put(Routine(name="tea", when="every day at 16:00", do="turn on the kettle", area="Kitchen"))
    file.put(Routine(name="movie time", when="I say movie time", do="dim the lights"))
    file.remove("the front door opens after ten")
    text = path.read_text()
    assert "# mine" in text
    assert "# the hall, at night" in text
    assert [each.routine.do for each in file.read()[0]] == ["dim the lights", "turn on the kettle"]


@pytest.mark.parametrize(("text", "told"), [
    ("- name: a\n  when: I say a\n  doo: b\n", ":3: `doo` is not a known key"),
    ("- name: a\n  when: I say a\n", ":1: `do` is missing"),
    ("- {name: a, when: I say a, do: b, enabled: perhaps}\n", "must be true or false"),
    ("- just words\n", ":1: must have `name`"),
    ("- {name: a, when: I say a, do: b}\n- {name: A, when: I say c, do: b}\n", ":2: the name 'A' is there twice"),
    ("- {name: a, when: [1, 2], do: b}\n", "`when` must be words")])
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "routines.yaml"
    path.write_text(text)
    _, faults = RoutineFile(path).read()
    assert len(faults) == 1
    assert told in faults[0]


@pytest.mark.parametrize("text", ["name: a\n", "- [", "a: b: c"])
def test_a_file_that_is_no_list_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "routines.yaml"
    path.write_text(text)
    with pytest.raises(RoutinesError, match=r"routines\.yaml"):
        RoutineFile(path).read()


characters = st.characters(exclude_categories=["Cs", "Cc"])
words = st.text(characters, min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.builds(Routine, name=words, when=words, do=words, if_=words | st.none(), enabled=st.booleans()),
                max_size=4, unique_by=lambda routine: routine.name.casefold()))
def test_what_is_written_is_read_again(routines: list[Routine]) -> None:
    file = RoutineFile(None)
    for routine in routines:
        file.put(routine)
    assert [each.routine for each in file.read()[0]] == routines


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=80))
def test_no_file_breaks_the_reader(text: str) -> None:
    file = RoutineFile(None)
    file._kept = TEXT + text
    try:
        file.read()
    except RoutinesError as error:
        assert "\n" not in str(error)  # noqa: PT017  # it may as well be read


def test_phrases() -> None:
    said = ("I say movie time", 'when i say "good night"', "the door opens", "someone says help")
    assert [spoken_phrase(when) for when in said] == [
        "movie time", "good night", None, "help"]


# --- set off

class House(World):
    """A home with routines, and what they did."""

    def __init__(self) -> None:
        super().__init__()
        self.home = home_of(thing("light.hall", "Hall Light", "Hall"), thing("light.desk", "Desk Lamp", "Study"),
                            thing("binary_sensor.door", "Front Door", "Hall", device_class="door"))
        for entity in self.home.entities.values():
            entity.state = "off"
        self.causes = Causes(self.home, self.database, self.clock)
        self.routines = Routines(None, self.database, self.home, clock=self.clock, causes=self.causes)
        self.did: list[tuple[str, str]] = []
        self.told: list[str] = []
        self.services |= {"routines": self.routines, "causes": self.causes, "interpret": self.understand}

    async def understand(self, text: str, turn: Any) -> list[Deed]:
        on = "HassTurnOn" if " on " in f" {text} " else "HassTurnOff"
        return [Deed(on, {"name": text.split()[-2] + " " + text.split()[-1]})] if "turn" in text else []

    async def act(self, routine: Routine, because: str, chain: tuple[str, ...]) -> None:
        """"light.desk on": that entity gets that state."""
        self.did.append((routine.name, because))
        entity_id, _, state = routine.do.partition(" ")
        cause = Cause(kind="routine", turn_id="t", text=routine.do, at=self.clock(), routine=routine.name, trigger=because,
                      chain=chain)
        with self.causes.acting(cause):
            self.causes.sent([entity_id])
            self.set(entity_id, state)

    def set(self, entity_id: str, state: str) -> None:
        entity = self.home.entities[entity_id]
        before, entity.state = entity.state, state
        self.home.report(entity, before)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    running = asyncio.create_task(house.routines.run(house.act, lambda routine, said: house.told.append(said)))
    await asyncio.sleep(0)
    yield house
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_an_event_sets_it_off_once_and_why_tells(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens", do="light.hall on"))
    house.set("binary_sensor.door", "on")
    house.set("binary_sensor.door", "on")
    await _settle()
    assert house.did == [("door", "the front door opened")]
    told = (await house.ask("Why", {"name": "hall light", "state": "on"})).reply
    assert told == 'The routine "door" did it at 2:30 PM, because the front door opened: light.hall on.'
    house.set("light.hall", "off")
    assert (await house.ask("Why", {"name": "hall light"})).reply.startswith("That was not me")


async def test_the_hours_count(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens after ten", do="light.hall on"))
    house.set("binary_sensor.door", "on")
    await _settle()
    assert house.did == []
    house.clock.tick(hours=8)
    house.set("binary_sensor.door", "off")
    house.set("binary_sensor.door", "on")
    await _settle()
    assert len(house.did) == 1


async def test_a_condition_is_looked_at_then(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens", do="light.hall on", if_="the desk lamp is on"))
    house.set("binary_sensor.door", "on")
    await _settle()
    assert house.did == []
    house.set("light.desk", "on")
    house.set("binary_sensor.door", "off")
    house.set("binary_sensor.door", "on")
    await _settle()
    assert len(house.did) == 1


async def test_a_loop_is_stopped_and_told(house: House) -> None:
    house.routines.save(Routine(name="a", when="the hall light turns on", do="light.desk on"))
    house.routines.save(Routine(name="b", when="the desk lamp turns on", do="light.hall off"))
    house.routines.save(Routine(name="c", when="the hall light turns off", do="light.hall on"))
    house.set("light.hall", "on")
    await _settle()
    assert [name for name, _ in house.did] == ["a", "b", "c"]
    assert house.told == ['I stopped the routine "a": it set itself off, through a, b and c.']


async def test_a_flood_is_stopped_and_told_once(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens", do="light.hall on"))
    for _ in range(RUNS_AT_MOST + 5):
        house.set("binary_sensor.door", "on")
        house.set("binary_sensor.door", "off")
    await _settle()
    assert len(house.did) == RUNS_AT_MOST
    assert len(house.told) == 1


async def test_a_time_sets_it_off_once_also_after_a_restart(house: House) -> None:
    house.routines.save(Routine(name="blinds", when="every day at 3 pm", do="light.hall on"))
    house.clock.tick(minutes=31)
    house.routines._changed.set()
    await _settle()
    assert house.did == [("blinds", "it was 3 PM")]
    house.clock.tick(minutes=-10)                       # the clock is put back over it
    again = Routines(None, house.database, house.home, clock=house.clock, causes=house.causes)
    again._file._kept = house.routines._file._kept      # and the process starts anew
    again._version = None
    running = asyncio.create_task(again.run(house.act))
    await _settle()
    house.clock.tick(minutes=11)
    again._changed.set()
    await _settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(house.did) == 1


async def test_what_is_done_once_is_gone_before_it_acts(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens", do="light.hall on", once=True))
    house.set("binary_sensor.door", "on")
    assert house.routines.all() == ()
    await _settle()
    assert len(house.did) == 1


async def test_a_phrase_is_the_whole_sentence(house: House) -> None:
    house.routines.save(Routine(name="movie time", when="I say movie time", do="light.hall off"))
    said = {text: house.routines.said(text) is not None for text in (
        "movie time", "Movie time!", "it's movie time please", "movy time", "what is movie time", "turn on movie time", "time",
        "bedtime")}
    assert [text for text, heard in said.items() if heard] == ["movie time", "Movie time!", "it's movie time please", "movy time"]


async def test_the_file_is_read_again_and_a_fault_is_told(house: House) -> None:
    house.routines._file._kept = "- {name: a, when: I say a, do: turn on the hall light}\n- {name: b, doo: c}\n"
    assert [routine.name for routine in house.routines.all()] == ["a"]
    assert "`doo` is not a known key" in (await house.ask("ListRoutines")).reply
    house.routines._file._kept = "- ["
    assert [routine.name for routine in house.routines.all()] == ["a"]      # what was read before stays


# --- made by voice

async def test_it_is_read_back_and_saved_after_a_yes(house: House) -> None:
    slots = {"trigger": "the front door opens after ten", "action": "turn on the hall light"}
    read_back = r"^When the front door opens, between 10 PM and 5 AM, I'll turn on the hall light\. Shall"
    with pytest.raises(NeedsConfirmation, match=read_back):
        await house.ask("CreateRoutine", slots)
    assert house.routines.all() == ()
    await house.ask("CreateRoutine", slots, confirmed=True)
    assert [routine.do for routine in house.routines.all()] == ["turn on the hall light"]


async def test_trigger_and_action_may_come_the_other_way_round(house: House) -> None:
    await house.ask("CreateRoutine", {"trigger": "turn on the hall light", "action": "the front door opens"}, confirmed=True)
    (routine,) = house.routines.all()
    assert (routine.when, routine.do) == ("the front door opens", "turn on the hall light")


@pytest.mark.parametrize(("trigger", "action"), [
    ("at sunset", "turn on the hall light"), ("the moat opens", "turn on the hall light"), ("the front door opens", "sing")])
async def test_what_cannot_be_is_not_saved(house: House, trigger: str, action: str) -> None:
    done = await house.ask("CreateRoutine", {"trigger": trigger, "action": action}, confirmed=True)
    assert done.reply.endswith("I saved nothing.")
    assert house.routines.all() == ()


async def test_switched_off_and_on_and_removed(house: House) -> None:
    house.routines.save(Routine(name="door", when="the front door opens", do="turn on the hall light"))
    assert (await house.ask("RemoveRoutine", {"trigger": "front door"}, text="disable the front door routine")).reply == (
        'Switched off the routine "door".')
    house.set("binary_sensor.door", "on")
    await _settle()
    assert house.did == []
    assert "(switched off)" in (await house.ask("ListRoutines")).reply
    await house.ask("RemoveRoutine", {"action": "turn on the hall light"}, text="delete it")
    assert house.routines.all() == ()


async def test_there_are_only_so_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingle.skills.routines.running.MAX_ROUTINES", 1)
    house.routines.save(Routine(name="a", when="I say a", do="x"))
    with pytest.raises(CannotWait):
        house.routines.save(Routine(name="b", when="I say b", do="x"))


async def test_causes_outlive_the_process(house: House) -> None:
    with house.causes.acting(Cause(kind="said", turn_id="t", text="turn on the hall light", at=house.clock(), area="Hall")):
        house.causes.sent(["light.hall"])
        house.set("light.hall", "on")
    after = Causes(house.home, house.database, house.clock)
    change = after.of("light.hall")
    assert change is not None
    assert change.cause is not None
    assert (change.cause.text, change.state) == ("turn on the hall light", "on")
    assert change.at - datetime.now(TUESDAY.tzinfo) < timedelta(days=3650)
