"""Times that come again and again, as people say them: "every Tuesday evening", "at 7 on weekdays", "on the first of the month".

A `Repeat` is a rule of RFC 5545 (iCalendar) in the household's own time: seven o'clock stays seven o'clock when the clocks
change and when the house moves to another time zone. python-dateutil computes the dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final

from dateutil.rrule import rrulebase, rrulestr

from .moments import (
    DAY_NAMES,
    MAX_CHARS,
    MONTHS,
    WEEKDAYS,
    NotUnderstood,
    digitised,
    read_day,
    read_time_of_day,
    spoken_time,
    weekday_of,
)
from .slots import spoken_list

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WORKDAYS: Final = "MO,TU,WE,TH,FR"
WEEKEND: Final = "SA,SU"
UNTIMED: Final = time(9)            # of what comes on a day without a time of day
MOST_AT_ONCE: Final = 1_000         # occurrences told of one span of time


@dataclass(frozen=True)
class Repeat:
    """A recurrence rule with its start, in wall time: "DTSTART:20261124T190000\\nRRULE:FREQ=WEEKLY;BYDAY=TU".

    Raises: NotUnderstood: the text is no such rule.
    """

    rule: str

    def __post_init__(self) -> None:
        try:
            self._rule.after(datetime(1970, 1, 1))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise NotUnderstood(f"not a recurrence rule: {self.rule[:MAX_CHARS]!r}: {error}") from None

    @cached_property
    def _rule(self) -> rrulebase:
        return rrulestr(self.rule, ignoretz=True)

    def after(self, wall: datetime) -> datetime | None:
        """The first occurrence after this wall time; None when there is none any more."""
        return self._rule.after(wall.replace(tzinfo=None))

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """The occurrences from `start` (included) to `end` (not), at most `MOST_AT_ONCE`."""
        found: list[datetime] = []
        moment = self._rule.after(start.replace(tzinfo=None), inc=True)
        while moment is not None and moment < end.replace(tzinfo=None) and len(found) < MOST_AT_ONCE:
            found.append(moment)
            moment = self._rule.after(moment)
        return found

    @property
    def starts(self) -> datetime:
        start: datetime = self._rule[0]
        return start

    @property
    def parts(self) -> dict[str, str]:
        """The rule's own words: {"FREQ": "WEEKLY", "BYDAY": "TU"}."""
        line = next((line for line in self.rule.splitlines() if "FREQ=" in line), "")
        return dict(part.split("=", 1) for part in line.removeprefix("RRULE:").split(";") if "=" in part)

    @property
    def spoken(self) -> str:
        """"every Tuesday at 7 PM", "every weekday at 6:30 AM"; what has no short way of saying is "again and again"."""
        parts = self.parts
        tell = _SPOKEN.get(parts.get("FREQ", ""))
        every = "again and again" if tell is None else tell(parts, self.starts)
        if parts.get("FREQ") in ("HOURLY", "MINUTELY"):
            return every
        return f"{every} at {spoken_time(self.starts)}"


@dataclass(frozen=True)
class Recurrence:
    """What was understood: the rule, and whether a time of day was said."""

    repeat: Repeat
    timed: bool


def read_repeat(now: datetime, *, at: str | None = None, day: str | None = None, wake: bool = False) -> Recurrence:
    """Read what repeats from the slots `at` and `date` as said, counted from `now` on.

    Args: wake: an hour without AM or PM is one in the morning.
    Raises: NotUnderstood: nothing in it repeats, or there is more in it than a recurrence and a time.
    """
    said = " ".join(part for part in (day, at) if part)
    if not said or len(said) > MAX_CHARS:
        raise NotUnderstood(f"nothing that repeats: {said[:MAX_CHARS]!r}")
    text = digitised(said)
    for reader in _READERS:
        found = reader(text)
        if found is not None:
            rule, rest = found
            return _timed(now, rule, rest, wake)
    raise NotUnderstood(f"nothing that repeats: {said!r}")


def repeats(said: str) -> bool:
    """Whether the words speak of more than one moment."""
    text = digitised(said[:MAX_CHARS])
    return any(reader(text) is not None for reader in _READERS)


def _timed(now: datetime, rule: str, rest: str, wake: bool) -> Recurrence:
    wall = now.replace(tzinfo=None, second=0, microsecond=0)
    if rule.startswith(("FREQ=HOURLY", "FREQ=MINUTELY")):
        if rest.strip(" ,.") not in ("", "on", "the"):
            raise NotUnderstood(f"more than a recurrence: {rest!r}")
        step = re.search(r"INTERVAL=(\d+)", rule)
        length = int(step[1]) if step else 1
        start = wall + (timedelta(hours=length) if "HOURLY" in rule else timedelta(minutes=length))
        return Recurrence(_repeat(start, rule), timed=True)
    clock = read_time_of_day(now, rest, wake=wake)
    start = datetime.combine(wall.date(), clock or UNTIMED)
    # "every other Tuesday" begins with the next one, whichever week that is
    first = _repeat(start, re.sub(r";INTERVAL=\d+", "", rule)).after(wall)
    if first is None:
        raise NotUnderstood(f"never: {rule!r}")
    return Recurrence(_repeat(first, rule), timed=clock is not None)


def _repeat(start: datetime, rule: str) -> Repeat:
    return Repeat(f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}")


# --- readers: (the rule without its start, what is left of the words) or None

_Found = tuple[str, str] | None
_EVERY: Final = r"(?:every|each|all)"
_ORDINAL_DAYS: Final = {"1st": 1, "2nd": 2, "2th": 2, "3rd": 3, "3th": 3, "4th": 4, "1th": 1, "last": -1}


def _found(pattern: str, text: str, rule: Callable[[re.Match[str]], str | None]) -> _Found:
    match = re.search(pattern, text)
    made = rule(match) if match else None
    if match is None or made is None:
        return None
    return made, f"{text[: match.start()]} {text[match.end() :]}"


def _of_hours(text: str) -> _Found:
    half = _found(rf"\b{_EVERY} half(?: an)? hour\b", text, lambda match: "FREQ=MINUTELY;INTERVAL=30")
    if half:
        return half
    names = {"hour": "HOURLY", "minute": "MINUTELY"}
    return _found(rf"\b{_EVERY} (?:(\d{{1,3}}) )?(hour|minute)s?\b", text,
                  lambda match: f"FREQ={names[match[2]]};INTERVAL={_count(match[1])}"
                  ) or _found(r"\bhourly\b", text, lambda match: "FREQ=HOURLY;INTERVAL=1")


def _count(said: str | None) -> int:
    return max(1, int(said)) if said else 1


def _of_month(text: str) -> _Found:
    """"on the last friday of the month", "on the 1st of every month", "every month on the 3rd"."""
    nth_weekday = _found(
        rf"\b(?:on )?(?:the )?({'|'.join(_ORDINAL_DAYS)}) ({DAY_NAMES})s? (?:of|in) (?:the|{_EVERY}) month\b", text,
        lambda match: f"FREQ=MONTHLY;BYDAY={_ORDINAL_DAYS[match[1]]}{DAYS[weekday_of(match[2])]}")
    if nth_weekday:
        return nth_weekday
    last = _found(rf"\b(?:on )?(?:the )?last day of (?:the|{_EVERY}) month\b", text,
                  lambda match: "FREQ=MONTHLY;BYMONTHDAY=-1")
    numbered = rf"\b(?:on )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)? (?:day )?of (?:the|{_EVERY}) month\b"
    return last or _found(numbered, text, _day_of_month) or _found(
        rf"\b(?:{_EVERY} month|monthly)(?: on)? the (\d{{1,2}})(?:st|nd|rd|th)\b", text, _day_of_month)


def _day_of_month(match: re.Match[str]) -> str | None:
    return f"FREQ=MONTHLY;BYMONTHDAY={int(match[1])}" if 1 <= int(match[1]) <= 31 else None


def _of_weekdays(text: str) -> _Found:
    span = _found(rf"\b(?:{_EVERY} |on |from )?({DAY_NAMES})s? (?:to|through|till?|-) ({DAY_NAMES})s?\b", text, _day_span)
    if span:
        return span
    workdays = rf"\b(?:on )?(?:{_EVERY} )?(?:weekdays?|(?:school|work) ?(?:days?|mornings?)|workdays?)\b"
    found = _found(workdays, text, lambda match: f"FREQ=WEEKLY;BYDAY={WORKDAYS}") or _found(
        rf"\b(?:on |at )?(?:the )?(?:{_EVERY} )?weekends?\b", text,
        lambda match: None if re.search(r"\b(?:this|the|next) weekend\b", match[0]) else f"FREQ=WEEKLY;BYDAY={WEEKEND}")
    return found or _named_days(text)


def _day_span(match: re.Match[str]) -> str:
    first, last = weekday_of(match[1]), weekday_of(match[2])
    days = [DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    return f"FREQ=WEEKLY;BYDAY={','.join(days)}"


def _named_days(text: str) -> _Found:
    """"every tuesday", "on mondays and thursdays", "every other friday"."""
    more = rf"(?:(?:,| and|, and) (?:on )?(?:{_EVERY} )?(?:{DAY_NAMES})s?\b)*"
    every = rf"\b(?:on )?{_EVERY} (?:(other|2nd|2th|\d{{1,2}}(?:rd|th)) )?((?:{DAY_NAMES})s?\b{more})"
    found = _found(every, text, lambda match: _weekly(match[2], match[1]))
    plural = rf"\b(?:on )?((?:{'|'.join(WEEKDAYS)})s\b{more})"
    return found or _found(plural, text, lambda match: _weekly(match[1], None))


def _weekly(names: str, step: str | None) -> str:
    days = sorted({weekday_of(name) for name in re.findall(rf"\b({DAY_NAMES})s?\b", names)})
    interval = 1 if step is None else 2 if step in ("other", "2nd", "2th") else int(re.sub(r"\D", "", step))
    every = f";INTERVAL={interval}" if interval > 1 else ""
    return f"FREQ=WEEKLY{every};BYDAY={','.join(DAYS[day] for day in days)}"


def _of_units(text: str) -> _Found:
    """"every day", "every two weeks", "daily", "every other day", "every year on the 3rd of may"."""
    frequency = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
    dated = _yearly(text)
    if dated:
        return dated
    stepped = _found(
        rf"\b{_EVERY} (?:single )?(?:(other|2nd|2th|\d{{1,2}}) )?(day|week|month|year)s?\b", text,
        lambda match: _stepped(frequency[match[2]], match[1]))
    adverb = _found(r"\b(daily|weekly|monthly|yearly|annually)\b", text,
                    lambda match: f"FREQ={'YEARLY' if match[1] == 'annually' else match[1].upper()}")
    return stepped or adverb


def _stepped(frequency: str, step: str | None) -> str:
    interval = 1 if step is None else 2 if not step.isdigit() else int(step)
    return f"FREQ={frequency}" + (f";INTERVAL={interval}" if interval > 1 else "")


def _yearly(text: str) -> _Found:
    match = re.search(rf"\b(?:{_EVERY} year|yearly|annually|{_EVERY})\b(?: on)?(?P<day>.*)", text)
    if match is None:
        return None
    words = match["day"].split()
    for length in range(min(len(words), 6), 0, -1):
        day = _day_in_year(" ".join(words[:length]))
        if day is not None:
            rest = f"{text[: match.start()]} {' '.join(words[length:])}"
            return f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={day.day}", rest
    return None


def _day_in_year(said: str) -> date | None:
    """A day that comes once a year: "christmas", "12 may"; not a weekday, not "tomorrow"."""
    if not re.search(rf"{'|'.join(MONTHS)}|christmas|xmas|new year|halloween|valentine|boxing", said):
        return None
    try:
        return read_day(datetime(2024, 1, 1), said)     # a leap year, so that its 29th of February is a day
    except NotUnderstood:
        return None


def _of_parts(text: str) -> _Found:
    """"every morning": daily, and the words say when; they stay to be read as the time of day."""
    match = re.search(rf"\b{_EVERY} (morning|afternoon|evening|night)\b|\b(nightly)\b", text)
    if match is None:
        return None
    part = match[1] or "night"
    return "FREQ=DAILY", f"{text[: match.start()]} {part} {text[match.end() :]}"


_READERS: Final[tuple[Callable[[str], _Found], ...]] = (_of_hours, _of_month, _of_weekdays, _of_units, _of_parts)


# --- spoken

def _interval(parts: dict[str, str], unit: str) -> str:
    count = int(parts.get("INTERVAL", "1"))
    if count == 2 and unit not in ("hour", "minute"):
        return f"every other {unit}"
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def _spoken_weekly(parts: dict[str, str], start: datetime) -> str:
    days = parts.get("BYDAY", DAYS[start.weekday()])
    if parts.get("INTERVAL", "1") == "1" and days in (WORKDAYS, WEEKEND):
        return "every weekday" if days == WORKDAYS else "every Saturday and Sunday"
    names = [WEEKDAYS[DAYS.index(day)].capitalize() for day in days.split(",") if day in DAYS]
    return _interval(parts, spoken_list(names) or "week")


def _spoken_monthly(parts: dict[str, str], start: datetime) -> str:
    by_day = re.fullmatch(r"(-?\d)([A-Z]{2})", parts.get("BYDAY", ""))
    every = _interval(parts, "month")
    if by_day:
        nth = {"1": "first", "2": "second", "3": "third", "4": "fourth", "-1": "last"}.get(by_day[1], by_day[1])
        return f"on the {nth} {WEEKDAYS[DAYS.index(by_day[2])].capitalize()} of {every}"
    day = parts.get("BYMONTHDAY", str(start.day))
    return f"on the last day of {every}" if day == "-1" else f"on day {day} of {every}"


def _spoken_yearly(parts: dict[str, str], start: datetime) -> str:
    month = int(parts.get("BYMONTH", start.month))
    return f"{_interval(parts, 'year')} on {parts.get('BYMONTHDAY', start.day)} {MONTHS[month - 1].capitalize()}"


_SPOKEN: Final[dict[str, Callable[[dict[str, str], datetime], str]]] = {
    "HOURLY": lambda parts, start: _interval(parts, "hour"),
    "MINUTELY": lambda parts, start: _interval(parts, "minute"),
    "DAILY": lambda parts, start: _interval(parts, "day"),
    "WEEKLY": _spoken_weekly, "MONTHLY": _spoken_monthly, "YEARLY": _spoken_yearly,
}
