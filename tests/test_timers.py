"""Timers, alarms, reminders and commands for later: what is kept, when it is due, and how moments are read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.api import Done, NeedsConfirmation, Unclear
from ingle.skills.home.model import Area, Entity
from ingle.skills.later import Command, LaterStore
from ingle.skills.moments import (
    MAX_LENGTH,
    MomentError,
    NotUnderstood,
    Past,
    Recurring,
    read_day,
    read_length,
    read_moment,
    spoken_length,
    spoken_moment,
    spoken_time,
)
from ingle.skills.storage import StorageError, open_database
from ingle.skills.timers import RING_LIMIT_S, Timer, TimerStore

from .turns import LONDON, TUESDAY, Clock, World


@pytest.fixture
def world() -> World:
    world = World()
    world.services["changes"] = changes = []
    world.services["timers"] = TimerStore(world.database, clock=world.clock, on_change=changes.append)
    return world


def timers(world: World) -> TimerStore:
    store: TimerStore = world.services["timers"]
    return store


async def reply(world: World, intent: str, slots: dict[str, Any] | None = None, **turn: Any) -> str:
    done: Done = await world.ask(intent, slots, **turn)
    return done.reply


# --- setting, finding, changing

async def test_a_named_timer_is_set_and_told(world: World) -> None:
    slots = {"minutes": 10, "name": "the pasta timer"}
    assert await reply(world, "HassStartTimer", slots) == "Pasta timer set for 10 minutes."
    world.clock.tick(minutes=6)
    assert await reply(world, "HassTimerStatus") == "The pasta timer has 4 minutes left."


async def test_no_length_asks_for_one(world: World) -> None:
    with pytest.raises(Unclear, match="How long"):
        await world.ask("HassStartTimer")
    assert timers(world).all() == []


async def test_with_several_timers_it_asks_which_and_the_choice_answers(world: World) -> None:
    await world.ask("HassStartTimer", {"minutes": 10, "name": "pasta"})
    await world.ask("HassStartTimer", {"minutes": 3})
    with pytest.raises(Unclear, match=r"Which timer: the 3 minute timer or the pasta timer\?") as asked:
        await world.ask("HassCancelTimer")
    assert asked.value.labels == ("3 minute timer", "pasta timer")
    choice = asked.value.choices[1]
    assert await reply(world, "HassCancelTimer", {"name": choice}) == "Pasta timer cancelled."
    assert [timer.label for timer in timers(world).all()] == ["3 minute timer"]


@pytest.mark.parametrize(
    ("slots", "label"),
    [({"name": "past"}, "pasta timer"), ({"area": "Kitchen"}, "tea timer"), ({"name": "kitchen"}, "tea timer"),
     ({"start_minutes": 25}, "25 minute timer"), ({"name": "tee"}, "tea timer")])
async def test_timers_are_found_by_name_area_or_start_length(world: World, slots: dict[str, Any], label: str) -> None:
    await world.ask("HassStartTimer", {"minutes": 10, "name": "pasta"}, area="Lounge")
    await world.ask("HassStartTimer", {"minutes": 4, "name": "tea", "area": "Kitchen"})
    await world.ask("HassStartTimer", {"minutes": 25})
    assert await reply(world, "HassCancelTimer", slots) == f"{label[0].upper()}{label[1:]} cancelled."


async def test_the_room_decides_between_timers_when_nothing_else_is_said(world: World) -> None:
    await world.ask("HassStartTimer", {"minutes": 10}, area="Kitchen")
    await world.ask("HassStartTimer", {"minutes": 20}, area="Lounge")
    assert await reply(world, "HassPauseTimer", area="Lounge") == "Paused the 20 minute timer with 20 minutes left."


async def test_what_is_not_there_is_said(world: World) -> None:
    assert await reply(world, "HassCancelTimer") == "There is no timer set."
    await world.ask("HassStartTimer", {"minutes": 10})
    assert await reply(world, "HassTimerStatus", {"name": "rice"}) == "There is no rice timer."
    assert await reply(world, "HassCancelTimer", {"start_minutes": 7}) == "There is no 7 minute timer."
    assert len(timers(world).all()) == 1


async def test_lengthen_shorten_pause_and_resume(world: World) -> None:
    await world.ask("HassStartTimer", {"minutes": 10})
    assert await reply(world, "HassIncreaseTimer", {"minutes": 5}) == "10 minute timer: 15 minutes left."
    assert await reply(world, "HassDecreaseTimer", {"minutes": 3}) == "15 minute timer: 12 minutes left."
    assert "only 12 minutes left" in await reply(world, "HassDecreaseTimer", {"hours": 1})
    await world.ask("HassPauseTimer")
    world.clock.tick(hours=2)
    assert await reply(world, "HassUnpauseTimer") == "12 minute timer: 12 minutes left."
    assert timers(world).due(world.clock.tick(minutes=11)) == []
    assert len(timers(world).due(world.clock.tick(minutes=1))) == 1


async def test_cancel_all_but_one(world: World) -> None:
    for name in ("pasta", "tea", "rice"):
        await world.ask("HassStartTimer", {"minutes": 10, "name": name})
    assert await reply(world, "HassCancelAllTimers", {"except_name": ["the tea"]}) == "Cancelled 2 timers."
    assert [timer.name for timer in timers(world).all()] == ["tea"]
    assert await reply(world, "HassCancelAllTimers", {"area": "Loft"}) == "There is no timer in the Loft to cancel."


async def test_a_ringing_timer_is_stopped_by_cancel_though_others_run(world: World) -> None:
    await world.ask("HassStartTimer", {"minutes": 1, "name": "egg"})
    await world.ask("HassStartTimer", {"minutes": 30})
    timers(world).due(world.clock.tick(minutes=1))
    assert await reply(world, "HassTimerStatus", {"name": "egg"}) == "The egg timer is ringing."
    assert await reply(world, "HassCancelTimer", {"name": "it"}) == "Stopped the egg timer."
    assert [timer.state for timer in timers(world).all()] == ["running"]


# --- alarms and reminders

async def test_an_alarm_is_set_found_and_cancelled(world: World) -> None:
    assert await reply(world, "SetAlarm", {"at": "half past six"}) == "Alarm set for 6:30 AM tomorrow."
    assert await reply(world, "SetAlarm", {"at": "8", "date": "on friday", "name": "gym"}) == (
        "Gym alarm set for Friday at 8 AM.")
    assert await reply(world, "AlarmStatus") == "There are 2 alarms: at 6:30 AM tomorrow and gym on Friday at 8 AM."
    assert await reply(world, "AlarmStatus", {"date": "tomorrow morning"}) == "There is an alarm at 6:30 AM tomorrow."
    assert await reply(world, "CancelAlarm", {"at": "6:30"}) == "Cancelled the 6:30 AM alarm."
    assert await reply(world, "CancelAlarm", {"name": "the gym"}) == "Cancelled the gym alarm."
    assert await reply(world, "AlarmStatus") == "There is no alarm set."


@pytest.mark.parametrize(("at", "told"), [
    ("three to check the cow", "3 AM"), ("quarter to five to feed the calves", "4:45 AM"), ("five thirty for yoga", "5:30 AM"),
])  # fmt: skip
async def test_what_an_alarm_is_for_may_stand_behind_its_time(at: str, told: str, world: World) -> None:
    assert told in await reply(world, "SetAlarm", {"at": at})


async def test_a_ringing_alarm_snoozes_and_stops(world: World) -> None:
    await world.ask("SetAlarm", {"in": "an hour"})
    timers(world).due(world.clock.tick(hours=1))
    assert await reply(world, "Snooze", {"in": "ten"}) == "I'll ring again in 10 minutes."
    assert [timer.state for timer in timers(world).all()] == ["running"]
    timers(world).due(world.clock.tick(minutes=10))
    assert (await reply(world, "CancelAlarm")).startswith("Stopped the ")
    assert await reply(world, "Snooze") == "Nothing is ringing."


async def test_reminders(world: World) -> None:
    with pytest.raises(Unclear, match="When"):
        await world.ask("SetReminder", {"message": "feed the cat"})
    slots = {"message": "to feed the cat", "at": "six"}
    assert await reply(world, "SetReminder", slots) == "I'll remind you at 6 PM: feed the cat."
    assert await reply(world, "SetReminder", {"message": "the dentist", "date": "on thursday"}) == (
        "I'll remind you on Thursday at 9 AM: the dentist.")
    assert await reply(world, "ListReminders") == "Feed the cat, at 6 PM; the dentist, on Thursday at 9 AM."
    assert await reply(world, "CancelReminder", {"message": "the cat"}) == "Cancelled the reminder: feed the cat."
    assert await reply(world, "ListReminders", {"date": "today"}) == "There is nothing on then."


async def test_what_repeats_is_set_and_what_hangs_on_an_event_is_refused(world: World) -> None:
    assert await reply(world, "SetAlarm", {"at": "7", "date": "every weekday"}) == "Alarm set for every weekday at 7 AM."
    for at in ("when the dryer is done", "at sunset", "twice a day"):
        assert (await reply(world, "SetAlarm", {"at": at})).endswith("I set nothing.")
        assert (await reply(world, "SetReminder", {"message": "tea", "at": at})).endswith("I set nothing.")
    assert [timer.kind for timer in timers(world).all()] == ["alarm"]


# --- commands for later

@pytest.fixture
def later(world: World) -> LaterStore:
    store = world.services["later"] = LaterStore(world.database, clock=world.clock)
    world.home.areas |= {name: Area(name) for name in ("Bedroom", "Hall")}
    for entity_id, name, area, device_class in (
        ("light.ceiling", "Ceiling Light", "Bedroom", None), ("light.desk", "Desk Lamp", "Bedroom", None),
        ("light.hall", "Hall Lamp", "Hall", None), ("switch.heater", "Heater", "Hall", None), ("fan.fan", "Fan", "Hall", None),
        ("cover.left", "Left Blind", "Bedroom", "blind"), ("lock.front", "Front Door", "Hall", None),
    ):
        world.home.add(Entity(entity_id=entity_id, domain=entity_id.split(".")[0], name=name, area=area,
                              device_class=device_class, state="off"))
    return store


@pytest.mark.parametrize(("slots", "told"), [
    ({"intent": "HassTurnOn", "area": "Bedroom", "domain": "light", "at": "9 AM"},
     "I'll turn on the bedroom lights at 9 AM tomorrow."),
    ({"intent": "HassTurnOff", "name": "heater", "in": "ten minutes"}, "I'll turn off the heater at 2:40 PM."),
    ({"intent": "HassTurnOff", "name": "Hall Lamp", "in": "25 seconds"}, "I'll turn off the hall lamp in 25 seconds."),
    ({"intent": "HassLightSet", "name": "hall lamp", "brightness": 40, "at": "half past six pm"},
     "I'll set the hall lamp to 40% at 6:30 PM."),
    ({"intent": "HassTurnOff", "domain": "cover", "device_class": "blind", "at": "sunday at noon"},
     "I'll close all the blinds on Sunday at noon."),
    ({"intent": "HassTurnOff", "name": "it", "in": "an hour"}, "I'll turn it off at 3:30 PM.")])
async def test_a_command_for_later_waits(world: World, later: LaterStore, slots: dict[str, Any], told: str) -> None:
    assert await reply(world, "RunLater", slots, text="as said", area="Hall", recent=("light.desk",)) == told
    assert world.acts == []
    (command,) = later.all()
    assert command.slots == {slot: value for slot, value in slots.items() if slot not in ("intent", "at", "in")}
    assert (command.text, command.area, command.recent) == ("as said", "Hall", ("light.desk",))


async def test_what_would_have_to_be_asked_then_is_asked_now(world: World, later: LaterStore) -> None:
    slots: dict[str, Any] = {"intent": "HassTurnOn", "name": "lamp", "at": "9"}
    with pytest.raises(Unclear) as asked:
        await world.ask("RunLater", slots, text="turn on the lamp at 9")
    assert set(asked.value.choices) == {"light.desk", "light.hall"}
    with pytest.raises(Unclear, match="attic"):
        await world.ask("RunLater", {**slots, "name": "attic lights"}, text="turn on the attic lights at 9")
    assert later.all() == []
    await world.ask("RunLater", slots, text="turn on the lamp at 9", chosen=("light.desk",))
    assert [(dict(command.slots), command.recent) for command in later.all()] == [({"name": "it"}, ("light.desk",))]


async def test_a_sensitive_act_for_later_wants_its_yes_now(world: World, later: LaterStore) -> None:
    slots = {"intent": "HassTurnOff", "name": "front door", "domain": "lock", "in": "five minutes"}
    with pytest.raises(NeedsConfirmation):
        await world.ask("RunLater", slots, text="unlock the front door in five minutes", via="voice")
    assert later.all() == []
    await world.ask("RunLater", slots, text="unlock the front door in five minutes", via="voice", confirmed=True)
    assert [command.via for command in later.all()] == ["text"]  # which asks no second time


@pytest.mark.parametrize("at", ["when the dryer is done", "sunset", "every day at nine", "today at noon"])
async def test_a_moment_that_cannot_be_told_never_acts_now(world: World, later: LaterStore, at: str) -> None:
    told = await reply(world, "RunLater", {"intent": "HassTurnOn", "name": "fan", "at": at})
    assert told.endswith("I did nothing.")
    assert world.acts == []
    assert later.all() == []


async def test_commands_are_done_once_in_time_and_the_missed_are_told(world: World, later: LaterStore) -> None:
    for minutes in (1, 30, 60):
        await world.ask("RunLater", {"intent": "HassTurnOn", "name": "fan", "in": f"{minutes} minutes"})
    world.clock.tick(minutes=31)  # the process was off till now
    done: list[Command] = []
    missed: list[Command] = []

    async def act(command: Command) -> None:
        done.append(command)

    loop = asyncio.create_task(later.run(act, missed.append))
    await asyncio.sleep(0.02)
    loop.cancel()
    assert [command.due.minute for command in missed] == [31]
    assert [(command.due.hour, command.due.minute) for command in done] == [(15, 0)]
    assert len(later.all()) == 1


# --- the store

def test_every_change_is_told(world: World) -> None:
    store, told = timers(world), world.services["changes"]
    timer = store.start(60, name="tea", area="Kitchen")
    store.due(world.clock.tick(seconds=60))
    store.cancel(store.all()[0])
    assert [(each.id, each.state) for each in told] == [(timer.id, state) for state in ("running", "ringing", "gone")]
    assert told[0].as_json(TUESDAY) == {
        "id": timer.id, "kind": "timer", "name": "tea", "area": "Kitchen", "state": "running", "duration_s": 60,
        "remaining_s": 60, "ends_at": "2026-11-24T14:31:00+00:00"}


def test_timers_outlive_the_process_and_the_missed_ones_ring(tmp_path: Path) -> None:
    clock = Clock()
    before = TimerStore(open_database(tmp_path / "skills.sqlite"), clock=clock)
    missed, late, running, paused = (
        before.start(60), before.start(20 * 60), before.start(7200, name="roast"), before.start(300))
    before.pause(paused)
    clock.tick(minutes=30)  # the process was killed: nothing was closed
    after = TimerStore(open_database(tmp_path / "skills.sqlite"), clock=clock)
    told: list[Timer] = []
    after.on_due = told.append
    assert [timer.id for timer in after.due(clock())] == [late.id]  # ten minutes late still rings
    assert {timer.id: timer.state for timer in told} == {missed.id: "missed", late.id: "ringing"}
    assert {timer.id: timer.remaining_s(clock()) for timer in after.all()} == {
        late.id: 0, running.id: 5400, paused.id: 300}
    assert [timer.id for timer in after.missed()] == [missed.id]


def test_a_timer_nobody_stops_falls_silent(world: World) -> None:
    timers(world).start(60)
    timers(world).due(world.clock.tick(seconds=60))
    timers(world).due(world.clock.tick(seconds=RING_LIMIT_S - 1))
    assert [timer.state for timer in timers(world).all()] == ["ringing"]
    timers(world).due(world.clock.tick(seconds=1))
    assert timers(world).all() == []


async def test_the_loop_rings_in_time_and_notices_new_timers() -> None:
    rung: asyncio.Queue[Timer] = asyncio.Queue()
    store = TimerStore(open_database(":memory:"), clock=lambda: datetime.now(UTC),
                       on_change=lambda timer: rung.put_nowait(timer) if timer.state == "ringing" else None)
    store.start(3600)
    loop = asyncio.create_task(store.run())
    await asyncio.sleep(0.02)
    sooner = store.start(0.05)
    try:
        assert (await asyncio.wait_for(rung.get(), 2)).id == sooner.id
    finally:
        loop.cancel()


def test_an_hour_over_a_clock_change_is_an_hour() -> None:
    clock = Clock(datetime(2026, 10, 25, 0, 30, tzinfo=LONDON))  # clocks go back at 2:00
    store = TimerStore(open_database(":memory:"), clock=clock)
    timer = store.start(3 * 3600)
    assert timer.ends_at is not None
    assert spoken_time(timer.ends_at) == "2:30 AM"
    assert store.due(clock.tick(hours=2, minutes=59)) == []
    assert len(store.due(clock.tick(minutes=1))) == 1


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "skills.sqlite").write_text("not a database, but long enough to look like one" * 40)
    with pytest.raises(StorageError, match=r"skills\.sqlite cannot be used"):
        open_database(tmp_path / "skills.sqlite")


# --- moments

@pytest.mark.parametrize(("said", "spoken"), [
    ("9", "at 9 PM"), ("9 AM", "at 9 AM tomorrow"), ("half past six", "at 6:30 PM"), ("half past six pm", "at 6:30 PM"),
    ("at half six", "at 6:30 PM"), ("quarter to seven", "at 6:45 PM"), ("twenty five to seven", "at 6:35 PM"),
    ("six thirty", "at 6:30 PM"), ("six oh five", "at 6:05 PM"), ("noon", "at noon tomorrow"),
    ("midnight", "at midnight"),
    ("tonight", "at 9 PM"), ("at 10 tonight", "at 10 PM"), ("7 in the morning", "at 7 AM tomorrow"),
    ("tomorrow at 3", "at 3 PM tomorrow"), ("tomorrow morning", "at 8 AM tomorrow"), ("18:30", "at 6:30 PM"),
    ("06:15", "at 6:15 AM tomorrow"), ("615am", "at 6:15 AM tomorrow"), ("friday at 10", "on Friday at 10 AM"),
    ("next friday at 10", "on 4 December at 10 AM"), ("on the twelfth at noon", "on 12 December at noon"),
    ("may 12th at 5 p.m.", "on 12 May at 5 PM"), ("in ten minutes", "at 2:40 PM"), ("an hour from now", "at 3:30 PM"),
    ("12 at night", "at midnight"), ("2 at night", "at 2 AM tomorrow"), ("christmas at noon", "on 25 December at noon"),
    ("nine o'clock in the evening", "at 9 PM"), ("10 to 8 pm", "at 7:50 PM"),
    ("day after tomorrow at 8", "on Thursday at 8 AM")])
def test_moments_on_a_tuesday_at_half_past_two(said: str, spoken: str) -> None:
    assert spoken_moment(read_moment(TUESDAY, at=said).when, TUESDAY) == spoken


@pytest.mark.parametrize(("said", "error"), [
    ("when the dryer is done", NotUnderstood), ("sunset", NotUnderstood), ("an hour before sunset", NotUnderstood),
    ("after lunch", NotUnderstood), ("25:70", NotUnderstood), ("", NotUnderstood), ("every tuesday at 9", Recurring),
    ("9 on weekdays", Recurring), ("monday to friday", Recurring), ("today at 9 am", Past)])
def test_what_is_no_single_moment_to_come_is_never_guessed(said: str, error: type[MomentError]) -> None:
    with pytest.raises(error):
        read_moment(TUESDAY, at=said)


def test_an_alarm_means_the_morning() -> None:
    assert spoken_moment(read_moment(TUESDAY, at="half past six", wake=True).when, TUESDAY) == "at 6:30 AM tomorrow"


def test_a_day_alone_is_not_a_time() -> None:
    assert not read_moment(TUESDAY, day="on friday").timed
    assert read_day(TUESDAY, "christmas").isoformat() == "2026-12-25"


moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC).astimezone(LONDON))


@settings(deadline=None)
@given(now=moments, ahead_min=st.integers(1, 60 * 24 * 6))
def test_a_moment_as_spoken_is_read_as_the_same_moment(now: datetime, ahead_min: int) -> None:
    when = (now.astimezone(UTC) + timedelta(minutes=ahead_min)).astimezone(LONDON)
    when = when.replace(second=0, microsecond=0, fold=0)
    if when.astimezone(UTC).astimezone(LONDON) != when or when <= now:
        return  # a wall time that the clocks skip
    read = read_moment(now, at=spoken_moment(when, now)).when
    assert (read.date(), read.hour, read.minute) == (when.date(), when.hour, when.minute)


WORDS = [
    "at", "on", "in", "the", "half", "quarter", "past", "to", "6", "seven", "12", "30", "am", "pm", "noon", "midnight",
    "tonight", "tomorrow", "friday", "next", "morning", "evening", "minutes", "hours", "ten", "of", "may", "3rd",
    "christmas", ":", "o'clock"]


@settings(deadline=None)
@given(now=moments, said=st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join))
def test_whatever_is_said_gives_a_moment_to_come_or_an_error(now: datetime, said: str) -> None:
    try:
        moment = read_moment(now, at=said)
    except MomentError:
        return
    assert moment.when.astimezone(UTC) > now.astimezone(UTC) or not moment.timed


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(said: str) -> None:
    for read in (lambda: read_moment(TUESDAY, at=said), lambda: read_length(said), lambda: read_day(TUESDAY, said)):
        try:
            read()
        except MomentError:
            continue


@settings(deadline=None)
@given(st.integers(1, int(MAX_LENGTH.total_seconds())))
def test_a_length_as_spoken_is_read_as_the_same_length(seconds: int) -> None:
    assert spoken_length(read_length(spoken_length(seconds)).total_seconds()) == spoken_length(seconds)
