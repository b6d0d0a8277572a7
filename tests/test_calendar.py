"""iCalendar files in and out: events in the household's time, rules, moved and called off times, and files that are none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.app.cli import main
from ingle.skills.calendar_file import CalendarError, read, take_in, write
from ingle.skills.storage import open_database
from ingle.skills.timers import TimerStore

from .turns import LONDON, Clock, World

pytest.importorskip("icalendar")

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//someone//calendar//EN
BEGIN:VEVENT
UID:dentist@example.org
DTSTART:20261124T153000Z
DTEND:20261124T160000Z
SUMMARY:Dentist\\, upper left
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:choir@example.org
DTSTART;TZID=America/New_York:20261103T140000
RRULE:FREQ=WEEKLY;BYDAY=TU
EXDATE;TZID=America/New_York:20261201T140000
SUMMARY:Choir
END:VEVENT
BEGIN:VEVENT
UID:choir@example.org
RECURRENCE-ID;TZID=America/New_York:20261208T140000
DTSTART;TZID=America/New_York:20261209T150000
SUMMARY:Choir, on a Wednesday
END:VEVENT
BEGIN:VEVENT
UID:birthday@example.org
DTSTART;VALUE=DATE:19801125
RRULE:FREQ=YEARLY
SUMMARY:Anna's birthday
END:VEVENT
BEGIN:VEVENT
UID:past@example.org
DTSTART:20200101T100000Z
SUMMARY:Long ago
END:VEVENT
BEGIN:VEVENT
UID:ticks@example.org
DTSTART:20260101T100000Z
RRULE:FREQ=SECONDLY
SUMMARY:Too often
END:VEVENT
BEGIN:VEVENT
UID:broken@example.org
SUMMARY:Without a time
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


@pytest.fixture
def world() -> World:
    world = World()
    world.services["timers"] = TimerStore(world.database, clock=world.clock)
    return world


async def test_events_are_taken_in_and_asked_about(world: World) -> None:
    store: TimerStore = world.services["timers"]
    taken = take_in(CALENDAR, store, world.clock())
    assert (taken.added, taken.over, len(taken.faults)) == (4, 1, 2)
    told = (await world.ask("ListReminders", {"date": "today"})).reply
    assert told == "Dentist, upper left, at 3:30 PM; Choir, at 7 PM."
    assert (await world.ask("ListReminders", {"date": "tomorrow"})).reply == "Anna's birthday, all day."
    assert (await world.ask("ListReminders", {"date": "next tuesday"})).reply == "There is nothing on then."    # called off
    assert (await world.ask("ListReminders", {"date": "the 9th of december"})).reply == "Choir, on a Wednesday, at 8 PM."


def test_an_alarm_of_an_event_rings_ahead_of_it(world: World) -> None:
    store: TimerStore = world.services["timers"]
    take_in(CALENDAR, store, world.clock())
    begun = store.due(world.clock.tick(minutes=45))        # 15:15
    assert [(timer.name, timer.moment) for timer in begun] == [
        ("Dentist, upper left", datetime(2026, 11, 24, 15, 30, tzinfo=LONDON))]
    assert store.due(world.clock.tick(hours=6)) == []      # the choir has no alarm; it moves on to its next time
    assert next(timer.wall for timer in store.all("event") if timer.name == "Choir") == datetime(2026, 12, 15, 19)


def test_what_is_taken_in_again_replaces_itself(world: World) -> None:
    store: TimerStore = world.services["timers"]
    for _ in range(2):
        take_in(CALENDAR, store, world.clock())
    assert len(store.all("event")) == 4


async def test_what_goes_out_comes_in_the_same(world: World) -> None:
    await world.ask("SetReminder", {"message": "take the bins out", "date": "every tuesday evening"})
    await world.ask("SetReminder", {"message": "the dentist", "date": "on thursday", "at": "3"})
    store: TimerStore = world.services["timers"]
    take_in(CALENDAR, store, world.clock())
    other = TimerStore(open_database(":memory:"), clock=world.clock)
    take_in(write(store.all("reminder", "event"), world.clock()), other, world.clock())

    def told(each: TimerStore) -> list[object]:
        return [(timer.kind, timer.name, timer.moment, timer.repeat and timer.repeat.spoken, timer.lead_s)
                for timer in each.all("reminder", "event")]

    assert told(other) == told(store)


@pytest.mark.parametrize("data", [b"", b"hello", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT", b"\xff\xfe", b"BEGIN:VCALENDAR" * 1000])
def test_what_is_no_calendar_is_refused_or_empty(data: bytes) -> None:
    try:
        assert read(data, LONDON)[0] == []
    except CalendarError as error:
        assert "\n" not in str(error)  # noqa: PT017  # it may as well be read


def test_a_change_of_no_date_is_left_out_and_the_rest_is_read() -> None:
    plain = CALENDAR.replace(b"END:VCALENDAR", b"""BEGIN:VEVENT
UID:odd
DTSTART:20260310T090000
SUMMARY:Odd
RECURRENCE-ID:soon
END:VEVENT
END:VCALENDAR""")
    events, faults = read(plain, LONDON)
    assert events == read(CALENDAR, LONDON)[0]
    assert any(fault.startswith("'Odd' is left out") for fault in faults)


def test_a_zone_that_is_a_folder_of_zones_is_told_in_a_line() -> None:
    with pytest.raises(CalendarError, match="not an iCalendar file"):
        read(CALENDAR.replace(b"TZID=America/New_York", b"TZID=America"), LONDON)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_spoiled_file_breaks_nothing(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(CALENDAR) - 1))
    spoiled = CALENDAR[:place] + data.draw(st.binary(max_size=6)) + CALENDAR[place + data.draw(st.integers(0, 8)) :]
    store = TimerStore(open_database(":memory:"), clock=Clock())
    try:
        take_in(spoiled, store, Clock()())
    except CalendarError as error:
        assert "\n" not in str(error)  # noqa: PT017  # it may as well be read


def test_the_command_takes_in_lists_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "in.ics").write_bytes(CALENDAR.replace(b"2026", b"2096"))
    assert main(["calendar", "import", str(tmp_path / "in.ics")]) == 0
    assert "events taken in" in capsys.readouterr().out
    assert main(["calendar", "list"]) == 0
    assert "Choir" in capsys.readouterr().out
    assert main(["calendar", "export", str(tmp_path / "out.ics")]) == 0
    assert b"SUMMARY:Choir" in (tmp_path / "out.ics").read_bytes()
    assert main(["calendar", "import", str(tmp_path / "missing.ics")]) == 1
