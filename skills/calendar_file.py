"""iCalendar files (RFC 5545) in and out of the household's calendar: reminders and events of the store of timers.

Events are kept in the household's own time, whatever zone they were written in: a rule that repeats is meant by the clock on its
wall. An event that was taken in before is replaced, by its UID. Needs the package icalendar: the extra `calendar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from .moments import NotUnderstood, local
from .recurrence import Repeat
from .timers import Timer, TimerStore, TooMany

MAX_BYTES: Final = 10_000_000
MAX_TEXT_CHARS: Final = 200
OLDEST: Final = 1900            # a rule that began before would take long to be counted from its beginning
FAR_OFF: Final = "22000101T000000"
KIND: Final = "X-INGLE-KIND"
FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class CalendarError(Exception):
    """A file cannot be used, or the package that reads it is missing: one line with the cure."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One VEVENT, in the household's time."""

    uid: str
    summary: str
    when: datetime | Repeat             # wall time
    lasts_s: float = 0.0
    lead_s: float | None = None         # of its first alarm before it; None: it has none
    kind: str = "event"
    instead_of: datetime | None = None  # the time of a repeating event of that UID that this one is about
    called_off: bool = False


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a file: how many events were taken in, how many are over, and a line for each that cannot be used."""

    added: int
    over: int
    faults: tuple[str, ...] = ()


def take_in(data: bytes, store: TimerStore, now: datetime) -> Taken:
    """Put a file's events into the calendar, in place of those of the same UID. Raises: CalendarError."""
    events, faults = read(data, now.tzinfo)
    uids = {event.uid.partition("#")[0] for event in events}
    for timer in store.all("reminder", "event"):
        if timer.uid is not None and timer.uid.partition("#")[0] in uids:
            store.cancel(timer)
    added = over = 0
    for event in events:
        if _is_over(event, now):
            over += 1
            continue
        try:
            store.schedule(event.when, kind=event.kind, name=event.summary, lead_s=event.lead_s, lasts_s=event.lasts_s,
                           uid=event.uid)
        except TooMany:
            raise CalendarError(f"the calendar is full after {added} of {len(events)} events: take in a smaller file") from None
        added += 1
    return Taken(added=added, over=over, faults=tuple(faults))


def _is_over(event: Event, now: datetime) -> bool:
    wall = now.replace(tzinfo=None)
    if isinstance(event.when, Repeat):
        return event.when.after(wall) is None
    return event.when <= wall


def read(data: bytes, zone: tzinfo | None) -> tuple[list[Event], list[str]]:
    """The events of a file, and a line for each that cannot be used. Raises: CalendarError: it is no calendar."""
    if len(data) > MAX_BYTES:
        raise CalendarError(f"larger than {MAX_BYTES} bytes: split it")
    icalendar = _library()
    try:
        calendars = icalendar.Calendar.from_ical(data, multiple=True)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        # OSError: its time zone is the name of a folder of zones
        raise CalendarError(f"not an iCalendar file: {' '.join(str(error).split())[:200]}") from None
    found: list[Event] = []
    faults = []
    for component in (each for calendar in calendars for each in calendar.walk("VEVENT")):
        try:
            found.append(_event(component, zone))
        except (CalendarError, NotUnderstood, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            name = str(component.get("SUMMARY", "an event"))[:60]
            faults.append(f"{name!r} is left out: {' '.join(str(error).split())[:200]}")
    return list(_with_overrides(found)), faults


def _event(component: Any, zone: tzinfo | None) -> Event:
    start = component.decoded("DTSTART", None)
    if start is None:
        raise CalendarError("it has no DTSTART")
    wall = _wall(start, zone)
    if wall.year < OLDEST:
        raise CalendarError(f"it begins in the year {wall.year}")
    summary = " ".join(str(component.get("SUMMARY", "event")).split())[:MAX_TEXT_CHARS] or "event"
    uid = str(component.get("UID", "") or f"{summary}@{wall.isoformat()}")[:MAX_TEXT_CHARS]
    rule = component.get("RRULE")
    when: datetime | Repeat = wall if rule is None else _repeat(component, wall, rule, zone)
    kind = "reminder" if str(component.get(KIND, "")) == "reminder" else "event"
    lead_s = _lead_s(component)
    original = component.decoded("RECURRENCE-ID", None)
    return Event(uid=uid, summary=summary, when=when, lasts_s=_lasts_s(component, start), kind=kind,
                 lead_s=0.0 if kind == "reminder" and lead_s is None else lead_s,
                 instead_of=None if original is None else _wall(original, zone),
                 called_off=str(component.get("STATUS", "")).upper() == "CANCELLED")


def _wall(moment: date | datetime, zone: tzinfo | None) -> datetime:
    """What the clock on the household's wall shows then; a day is its midnight. Raises: CalendarError: it could not be read."""
    if not isinstance(moment, date):
        raise CalendarError(f"{str(moment)[:60]!r} is not a date")
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(0))
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).replace(tzinfo=None)


def _repeat(component: Any, wall: datetime, rule: Any, zone: tzinfo | None) -> Repeat:
    if isinstance(rule, list):
        raise CalendarError("it has several rules")
    parts = {str(key).upper(): value for key, value in rule.items()}
    if str((parts.get("FREQ") or [""])[0]).upper() not in FREQUENCIES:
        raise CalendarError("it comes more often than once a day")
    until = (parts.pop("UNTIL", None) or [None])[0]
    told = [f"{key}={','.join(str(value) for value in values)}" for key, values in parts.items()]
    if until is not None:
        last = _wall(until, zone) if isinstance(until, datetime) else datetime.combine(until, time(23, 59, 59))
        told.append(f"UNTIL={last:%Y%m%dT%H%M%S}")
    elif "COUNT" not in parts:
        told.append(f"UNTIL={FAR_OFF}")     # a day that never comes would be looked for without end
    lines = [f"DTSTART:{wall:%Y%m%dT%H%M%S}", f"RRULE:{';'.join(told)}"]
    for name in ("EXDATE", "RDATE"):
        lines += [f"{name}:{moment:%Y%m%dT%H%M%S}" for moment in _dates(component.get(name), wall, zone)]
    return Repeat("\n".join(lines))


def _dates(given: Any, wall: datetime, zone: tzinfo | None) -> Iterator[datetime]:
    for each in given if isinstance(given, list) else [] if given is None else [given]:
        for moment in each.dts:
            value = moment.dt
            if isinstance(value, datetime):
                yield _wall(value, zone)
            elif isinstance(value, date):
                yield datetime.combine(value, wall.time())


def _lasts_s(component: Any, start: date | datetime) -> float:
    end, length = component.decoded("DTEND", None), component.decoded("DURATION", None)
    if isinstance(length, timedelta):
        return max(0.0, length.total_seconds())
    if end is not None and isinstance(end, datetime) == isinstance(start, datetime):
        return float(max(0.0, (end - start).total_seconds()))
    return 0.0 if isinstance(start, datetime) else 86_400.0


def _lead_s(component: Any) -> float | None:
    leads = [-trigger.total_seconds() for alarm in component.walk("VALARM")
             if isinstance(trigger := alarm.decoded("TRIGGER", None), timedelta) and trigger <= timedelta(0)]
    return min(leads, default=None)


def _with_overrides(found: Sequence[Event]) -> Iterator[Event]:
    """One time of an event that repeats may have been moved or called off."""
    moved: dict[str, list[datetime]] = {}
    for event in found:
        if event.instead_of is not None:
            moved.setdefault(event.uid, []).append(event.instead_of)
    for event in found:
        if event.called_off:
            continue
        if event.instead_of is None:
            yield _less(event, moved.get(event.uid, []))
        elif isinstance(event.when, datetime):
            yield replace(event, uid=f"{event.uid}#{event.when:%Y%m%dT%H%M}")


def _less(event: Event, moved: Iterable[datetime]) -> Event:
    if not isinstance(event.when, Repeat):
        return event
    rule = "\n".join([event.when.rule, *(f"EXDATE:{moment:%Y%m%dT%H%M%S}" for moment in moved)])
    return replace(event, when=Repeat(rule))


# --- out

def write(timers: Iterable[Timer], now: datetime) -> bytes:
    """Reminders and events as an iCalendar file. Raises: CalendarError: the package is missing."""
    icalendar = _library()
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//Ingle//household//EN")
    calendar.add("VERSION", "2.0")
    for timer in timers:
        if timer.moment is not None:
            calendar.add_component(_component(icalendar, timer, now))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _component(icalendar: Any, timer: Timer, now: datetime) -> Any:
    event = icalendar.Event()
    event.add("UID", timer.uid or f"{timer.id}@ingle")
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("SUMMARY", timer.name or timer.label)
    start = local(now, timer.repeat.starts) if timer.repeat is not None else timer.moment
    event.add("DTSTART", start)
    if timer.kind == "event" and timer.duration_s:
        event.add("DURATION", timedelta(seconds=timer.duration_s))
    for line in (timer.repeat.rule.splitlines() if timer.repeat is not None else []):
        _add_rule_line(icalendar, event, line, now)
    event.add(KIND, timer.kind)
    if timer.lead_s is not None:
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", timer.name or timer.label)
        alarm.add("TRIGGER", timedelta(seconds=-timer.lead_s))
        event.add_component(alarm)
    return event


def _add_rule_line(icalendar: Any, event: Any, line: str, now: datetime) -> None:
    name, _, value = line.partition(":")
    if name == "RRULE":
        event.add("RRULE", icalendar.vRecur.from_ical(re.sub(rf";?UNTIL={FAR_OFF}", "", value)))
    elif name in ("EXDATE", "RDATE"):
        event.add(name, local(now, datetime.strptime(value, "%Y%m%dT%H%M%S")))


def _library() -> Any:
    try:
        import icalendar
    except ImportError:
        raise CalendarError("iCalendar files need the package icalendar: pip install 'ingle[calendar]'") from None
    return icalendar
