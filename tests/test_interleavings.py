"""Timers, alarms, reminders and commands for later, in any order with kills, set clocks, other zones and time off: nothing is
lost, nothing rings twice. Time is simulated; a kill strikes at any statement to the disk.

60 interleavings in the normal run; `INTERLEAVINGS=1000 pytest tests/test_interleavings.py` (`make test-interleavings`) for more.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingle.skills.later import Command, LaterStore
from ingle.skills.recurrence import Repeat, read_repeat
from ingle.skills.storage import open_database
from ingle.skills.timers import RING_LIMIT_S, Timer, TimerStore

from .memory import MEMORY

EXAMPLES = int(os.environ.get("INTERLEAVINGS", "60"))
ZONES = [ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Apia")]
# around the changes of the clocks in London and New York, and on days without one
STARTS = [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 11, 1, 3, tzinfo=UTC),
          datetime(2026, 6, 10, 12, tzinfo=UTC)]
REPEATS = ["every day at 7", "every weekday at half past six", "every hour", "every tuesday evening", "on sundays at 1 am"]


CLOCKS_APART_S = 20.0       # steps below STEP_S are not noticed one by one


class Killed(BaseException):
    """kill -9."""


class Mortal:
    """A connection that dies with its process, at the statement that was chosen."""

    def __init__(self, path: Path) -> None:
        self.connection = open_database(path)
        self.dies_in: int | None = None

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                raise Killed
        return self.connection.execute(*statement)


@dataclass
class House:
    """The stores of one household, and what was heard of them. `wall` is what the clock shows, `steady_s` what really passed."""

    path: Path
    wall: datetime
    zone: ZoneInfo
    steady_s: float = 0.0
    offset: timedelta = timedelta()                             # how far the clock is off the truth
    heard: Counter[tuple[str, str, datetime | None]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)         # commands, by id
    set_: dict[str, Timer] = field(default_factory=dict)        # one-offs that must ring or be told
    commands: set[str] = field(default_factory=set)
    snoozes: Counter[str] = field(default_factory=Counter)
    stood: set[str] = field(default_factory=set)                # ids of those that rang, or were missed, after a kill
    due_s: dict[str, float] = field(default_factory=dict)       # of countdowns that nobody held: when they must ring
    early: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def clock(self) -> datetime:
        return self.wall.astimezone(self.zone)

    def start(self) -> None:
        self.database = Mortal(self.path)
        self.timers = TimerStore(self.database, clock=self.clock, steady=lambda: ("one boot", self.steady_s))  # type: ignore[arg-type]
        self.timers.on_due = self.rings
        self.later = LaterStore(self.database, clock=self.clock, mind_the_clock=self.timers.mind_the_clock)  # type: ignore[arg-type]
        for command in self.later.broken_off():
            self.later.cancel(command.id)
            self.done[command.id] += 1

    def kill(self) -> None:
        self.database.connection.close()        # what was not committed is not there
        self.start()
        self.stood |= {timer.id for timer in (*self.timers.all(), *self.timers.missed()) if timer.state in ("ringing", "missed")}

    def rings(self, timer: Timer) -> None:
        if self.steady_s < self.due_s.get(timer.id, 0.0) - CLOCKS_APART_S:
            self.early.append(timer.id)
        self.heard[timer.id, f"{timer.state}{self.snoozes[timer.id]}", timer.wall] += 1

    def look(self) -> None:
        """What the stores' loops do when they wake up."""
        self.timers.mind_the_clock()
        self.timers.due(self.clock())
        for command in self.later.due(self.clock()):
            if self.later.begin(command.id):
                self.done[command.id] += 1
                self.later.cancel(command.id)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady_s += seconds


def act(house: House, name: str, value: Any) -> None:
    """One step of an interleaving."""
    store, timers = house.timers, house.timers.all()
    one = timers[value % len(timers)] if timers and isinstance(value, int) else None
    if name == "start":
        timer = store.start(value, name="tea")
        house.due_s[timer.id] = house.steady_s + value
        house.set_[timer.id] = timer
    elif name == "schedule":
        kind, ahead_min = value
        timer = store.schedule(house.clock() + timedelta(minutes=ahead_min), kind=kind, name="call mum")
        house.set_[timer.id] = timer
    elif name == "repeat":
        store.schedule(read_repeat(house.clock(), at=value, wake=True).repeat, kind="alarm")
    elif name == "later":
        due = house.clock() + timedelta(seconds=value)
        house.commands.add(house.later.restore(Command(
            id=f"c{len(house.commands)}", intent="HassTurnOn", slots={}, due=due, text="", elapsed=value % 2 == 0)).id)
    elif name == "pass":
        house.passes(value)
        house.look()
    elif name == "off":
        house.passes(value)
        house.kill()
        house.look()
    elif name == "set clock":
        house.wall += timedelta(seconds=value)
        house.look()
    elif name == "set clock while off":
        house.wall += timedelta(seconds=value)
        house.kill()
        house.look()
    elif name == "move":
        house.zone = ZONES[value]
        house.look()
    elif name == "kill":
        house.database.dies_in = value
        house.look()
        house.database.dies_in = None
    elif one is not None:
        _change(house, name, one)


def _change(house: House, name: str, one: Timer) -> None:
    store = house.timers
    if name == "cancel":
        store.cancel(one)
        house.set_.pop(one.id, None)
    elif name == "stop" and one.state == "ringing":
        store.stop(one)
    elif name == "snooze" and one.state == "ringing":
        house.snoozes[one.id] += 1
        store.snooze(one, 300)
    elif name == "pause" and one.state == "running" and one.wall is None:
        store.pause(one)
        house.due_s.pop(one.id, None)
    elif name == "resume" and one.state == "paused":
        store.resume(one)


steps = st.one_of(
    st.tuples(st.just("start"), st.integers(1, 4 * 3600)),
    st.tuples(st.just("schedule"), st.tuples(st.sampled_from(["alarm", "reminder"]), st.integers(1, 36 * 60))),
    st.tuples(st.just("repeat"), st.sampled_from(REPEATS)),
    st.tuples(st.just("later"), st.integers(1, 5 * 3600)),
    st.tuples(st.just("pass"), st.integers(1, 3 * 3600)),
    st.tuples(st.just("pass"), st.integers(1, 60)),
    st.tuples(st.just("off"), st.integers(1, 10 * 3600)),
    st.tuples(st.just("set clock"), st.integers(-2 * 3600, 2 * 3600)),
    st.tuples(st.just("set clock while off"), st.integers(-2 * 3600, 2 * 3600)),
    st.tuples(st.just("move"), st.integers(0, 3)),
    st.tuples(st.just("kill"), st.integers(0, 12)),
    st.tuples(st.sampled_from(["cancel", "stop", "stop", "snooze", "pause", "resume"]), st.integers(0, 9)),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(start=st.sampled_from(STARTS), zone=st.sampled_from(ZONES), interleaving=st.lists(steps, min_size=5, max_size=40))
def test_nothing_is_lost_and_nothing_rings_twice(start: datetime, zone: ZoneInfo, interleaving: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        house = House(Path(folder) / "ingle.db", start, zone)
        for name, value in interleaving:
            try:
                act(house, name, value)
            except Killed:
                house.kill()
            _nothing_twice(house)
        _run_out(house)
        _nothing_twice(house)
        _nothing_lost(house)
        house.database.connection.close()


def _nothing_twice(house: House) -> None:
    twice = [key for key, count in house.heard.items() if count > 1]
    assert not twice, f"heard twice: {twice}"
    assert not [command for command, count in house.done.items() if count > 1]
    assert not house.early, "a countdown rang before its time"


def _run_out(house: House) -> None:
    """All that waits gets its time: paused ones go on, and two days pass."""
    for timer in house.timers.all("timer"):
        if timer.state == "paused":
            house.timers.resume(timer)
    for _ in range(60 * 4):
        house.passes(RING_LIMIT_S)
        house.look()


def _nothing_lost(house: House) -> None:
    """Each was heard; where a kill came between the ring and its being told, it stood there ringing afterwards."""
    lost = set(house.set_) - {timer_id for timer_id, _, _ in house.heard} - house.stood
    assert not lost, f"lost: {lost}"
    assert house.commands <= set(house.done)
    left = [timer for timer in house.timers.all() if timer.repeat is None]
    assert not left, f"still there after two days: {left}"


def test_a_countdown_is_not_moved_by_the_clock_and_an_alarm_follows_it(tmp_path: Path) -> None:
    house = House(tmp_path / "ingle.db", datetime(2026, 6, 10, 12, tzinfo=UTC), ZONES[0])
    tea, alarm = house.timers.start(600), house.timers.schedule(datetime(2026, 6, 10, 15), kind="alarm")  # 13:00 in London
    act(house, "set clock", 3600)
    assert {timer.id: round(timer.remaining_s(house.clock())) for timer in house.timers.all()} == {tea.id: 600, alarm.id: 3600}
    act(house, "set clock while off", -3600)
    assert {timer.id: round(timer.remaining_s(house.clock())) for timer in house.timers.all()} == {tea.id: 600, alarm.id: 7200}


def test_seven_in_the_morning_is_seven_wherever_the_house_is(tmp_path: Path) -> None:
    house = House(tmp_path / "ingle.db", datetime(2026, 10, 24, 12, tzinfo=UTC), ZONES[0])
    house.timers.schedule(read_repeat(house.clock(), at="every day at 7", wake=True).repeat, kind="alarm")
    rung = []
    house.timers.on_due = lambda timer: rung.append(house.clock().isoformat())
    for _ in range(3):                      # the first night is that of the change of the clocks
        for _ in range(24 * 4):
            house.passes(900)
            house.look()
            for timer in house.timers.all("alarm"):
                if timer.state == "ringing":
                    house.timers.stop(timer)
        house.zone = ZONES[1]
    assert rung == ["2026-10-25T07:00:00+00:00", "2026-10-26T07:00:00-04:00", "2026-10-27T07:00:00-04:00"]


def test_a_clock_that_is_put_back_rings_no_alarm_again(tmp_path: Path) -> None:
    house = House(tmp_path / "ingle.db", datetime(2026, 6, 10, 5, 59, tzinfo=UTC), ZONES[0])   # 6:59
    house.timers.schedule(read_repeat(house.clock(), at="every day at 7", wake=True).repeat, kind="alarm")
    act(house, "pass", 120)
    house.timers.stop(house.timers.all()[0])
    act(house, "set clock", -600)
    act(house, "pass", 600)
    assert [timer.wall for timer in house.timers.all()] == [datetime(2026, 6, 11, 7)]
    assert sum(house.heard.values()) == 1


def test_a_rule_survives_as_it_is(tmp_path: Path) -> None:
    house = House(tmp_path / "ingle.db", datetime(2026, 6, 10, 12, tzinfo=UTC), ZONES[0])
    repeat = Repeat("DTSTART:20260610T190000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=2")
    house.timers.schedule(repeat, kind="reminder", name="bins")
    house.kill()
    assert house.timers.all()[0].repeat == repeat
