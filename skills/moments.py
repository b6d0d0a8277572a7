"""Moments and lengths of time as people say them: "half past six", "at 9 tomorrow", "in an hour and a half".

Only what can be told from the words and the clock is understood. An event ("when the dryer is done", "at sunset")
raises `NotUnderstood`, something that repeats ("every Tuesday") raises `Recurring`: nothing is ever guessed to be now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from .numbers import number_at
from .slots import read_duration_s, spoken_duration

MAX_LENGTH = timedelta(days=366)
MAX_CHARS = 120  # nobody says a longer moment; a longer one is not read

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")
HOLIDAYS = {  # (month, day); longest names first
    "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1), "new years day": (1, 1),
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "boxing day": (12, 26), "new year's": (1, 1), "new year": (1, 1), "halloween": (10, 31),
    "valentine's day": (2, 14), "valentines day": (2, 14),
}
PART_SPANS = {  # what a part of the day takes in
    "morning": (time(0), time(12)), "noon": (time(11, 30), time(13)), "afternoon": (time(12), time(18)),
    "evening": (time(17), time(23, 59, 59)), "night": (time(18), time(23, 59, 59)),
}
PART_TIMES = {"morning": time(8), "noon": time(12), "afternoon": time(15), "evening": time(19), "night": time(21)}


class MomentError(ValueError):
    """These words do not name one moment to come."""


class NotUnderstood(MomentError):
    """An event, or words that are no time: "when the dryer is done"."""


class Recurring(MomentError):
    """More than one moment: "every Tuesday"."""


class Past(MomentError):
    """A moment that is over: "today at 9 AM", said at noon."""


@dataclass(frozen=True)
class Moment:
    """`when` is aware, in the zone of the clock it was read by. `timed`: a time of day was said, not only a day."""

    when: datetime
    timed: bool = True
    elapsed: bool = False        # said as a length of time from now


@dataclass(frozen=True)
class _Clock:
    hour: int                    # 0..23 as said
    minute: int
    half: str | None             # "am", "pm"; None: not said, so 9 may be 21
    end_of_day: bool = False     # midnight belongs to the day it ends


# --- lengths

def read_length(text: str, *, default_unit: str = "") -> timedelta:
    """Read a length of time: "ten minutes", "an hour and a half from now", "twenty-five minutes' time".

    Args:
        default_unit: what a number without a unit counts, e.g. "minutes"; "": such a number is not understood.
    Raises: NotUnderstood: not a length, or none that is above 0 and at most `MAX_LENGTH`.
    """
    bare = re.sub(r"-|['’]s?\b|\b(?:from now|time)\b", " ", text[:MAX_CHARS].lower())
    seconds = read_duration_s(bare)
    if seconds is None and default_unit:
        seconds = read_duration_s(f"{bare} {default_unit}")
    if seconds is None or not 0 < seconds <= MAX_LENGTH.total_seconds():
        raise NotUnderstood(f"not a length of time: {text[:MAX_CHARS]!r}")
    return timedelta(seconds=seconds)


# --- moments

_ORDINALS = {
    word: value
    for value, word in enumerate((
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
        "twentieth"), start=1)
} | {"thirtieth": 30}
DAY_NAMES = "|".join(f"{day[:3]}(?:{day[3:]}|s|rs|urs)?" for day in WEEKDAYS)
_MONTH_NAMES = "|".join(f"{month}|{month[:3]}" for month in MONTHS) + "|sept"
_RECURRING = re.compile(
    rf"\b(every|each|daily|weekly|nightly|weekdays?|weekends|school days|work ?days|(?:{'|'.join(WEEKDAYS)})s)\b"
    rf"|\b({DAY_NAMES}) (to|through|till?) ({DAY_NAMES})\b"
)
_FILLER = re.compile(
    r"\b(at|on|by|around|about|the|for|from|in|please|sharp|exactly|precisely|of|this|my|time|bang|dead|gone|then|ish|say|"
    r"it's|and|a|now)\b|[,;!?]|(?<=\d)ish\b")


def read_moment(
    now: datetime, *, at: str | None = None, in_: str | None = None, day: str | None = None, wake: bool = False
) -> Moment:
    """Read one moment after `now` from the slots `at`, `in` and `date` as said.

    Args:
        now: aware, in the household's zone.
        wake: an hour without AM or PM is one in the morning, as for an alarm clock.
    Raises: NotUnderstood, Recurring, Past.
    """
    said = " ".join(part for part in (day, at) if part)
    if _RECURRING.search(said.lower()) or _RECURRING.search((in_ or "").lower()):
        raise Recurring(f"more than one moment: {said!r}")
    if in_:
        return Moment(after(now, read_length(in_)), elapsed=True)
    if not said or len(said) > MAX_CHARS:
        raise NotUnderstood(f"no moment: {said[:MAX_CHARS]!r}")
    try:
        return Moment(after(now, read_length(re.sub(r"^\s*in\b", "", said.lower()))), elapsed=True)
    except NotUnderstood:
        return _read_point(now, said, wake)


def read_day(now: datetime, said: str) -> date:
    """Read a day: "tomorrow", "next friday", "the 12th", "christmas". Raises: NotUnderstood, Recurring."""
    if _RECURRING.search(said.lower()):
        raise Recurring(f"more than one day: {said!r}")
    day, rest = _take_day(digitised(said[:MAX_CHARS]), now.date())
    if day is None or _FILLER.sub(" ", rest).strip():
        raise NotUnderstood(f"not a day: {said[:MAX_CHARS]!r}")
    return day


def read_time_of_day(now: datetime, said: str, *, wake: bool = False) -> time | None:
    """Read a time of day without a day: "at 7", "evening", "half past six pm"; None when there is none in the words.

    Args: wake: an hour without AM or PM is one in the morning; else 7 to 11 are, as on any other day than today.
    Raises: NotUnderstood: there is more in the words.
    """
    part, rest = _take_part(digitised(said[:MAX_CHARS]))
    clock, rest = _take_clock(rest)
    if _FILLER.sub(" ", rest).strip(" ."):
        raise NotUnderstood(f"not a time of day: {said[:MAX_CHARS]!r}")
    if clock is None:
        return None if part is None else PART_TIMES[part]
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return _at_clock(noon, noon.date() + timedelta(days=1), part, clock, wake).time()


def weekday_of(name: str) -> int:
    """0 for "monday", "mondays", "mon"."""
    return next(i for i, day in enumerate(WEEKDAYS) if day.startswith(name.lower()[:3]))


def local(now: datetime, wall: datetime) -> datetime:
    """The moment at which the clock of the house shows `wall`, in `now`'s zone; one the clocks skip is after the gap."""
    return _local(now, wall.date(), wall.time())


def _read_point(now: datetime, said: str, wake: bool) -> Moment:
    """Take day, part of the day and clock time out of the words; what is left must mean nothing."""
    day, rest = _take_day(digitised(said), now.date())
    part, rest = _take_part(rest)
    if re.search(r"\btonight\b|\bthis (?:morning|afternoon|evening)\b", said.lower()):
        day = day or now.date()
    clock, rest = _take_clock(rest)
    if _FILLER.sub(" ", rest).strip() or (day is None and part is None and clock is None):
        raise NotUnderstood(f"not a moment: {said!r}")
    if clock is not None:
        return Moment(_at_clock(now, day, part, clock, wake))
    if part is not None:
        return Moment(_next_at(now, day, [PART_TIMES[part]]))
    assert day is not None
    return Moment(_local(now, day, time(9)), timed=False)


def digitised(said: str) -> str:
    """Lower case, with number words as digits: "twenty five to seven" -> "25 to 7", "the twelfth" -> "the 12th"."""
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", said.lower().replace("’", "'"))  # a date as written keeps its hyphens
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text)
    text = re.sub(r"\bo ?'?clock\b", " ", text)
    words = re.findall(r"\d{4}-\d\d-\d\d|\d+(?:[:.h]\d+)?[a-z]*|[a-z]+(?:'[a-z]+)?|[^\s\w]", text)
    out: list[str] = []
    index = 0
    while index < len(words):
        index = _digitise_one(words, index, out)
    return " ".join(out)


def _digitise_one(words: list[str], index: int, out: list[str]) -> int:
    word, follower = words[index], words[index + 1] if index + 1 < len(words) else ""
    if word in ("twenty", "thirty") and follower in _ORDINALS and _ORDINALS[follower] < 10:
        out.append(f"{(20 if word == 'twenty' else 30) + _ORDINALS[follower]}th")
        return index + 2
    if word in _ORDINALS:
        out.append(f"{_ORDINALS[word]}th")
        return index + 1
    number = number_at(words, index) if word.isalpha() and word not in ("a", "an", "half", "quarter", "minus") else None
    if number is None or number[0].denominator != 1:
        out.append(word)
        return index + 1
    out.append(str(number[0]))
    return number[1]


def _take(pattern: str, text: str) -> tuple[re.Match[str] | None, str]:
    match = re.search(pattern, text)
    return (match, text[: match.start()] + " " + text[match.end() :]) if match else (None, text)


def _take_day(text: str, today: date) -> tuple[date | None, str]:
    for take in (_iso_day, _holiday, _relative_day, _calendar_day, _weekday, _day_of_month):
        day, rest = take(text, today)
        if day is not None:
            return day, rest
    return None, text


def _iso_day(text: str, today: date) -> tuple[date | None, str]:
    match, rest = _take(r"\b(\d{4})-(\d\d)-(\d\d)\b", text)
    if match is None:
        return None, text
    return _valid_day(*map(int, match.groups())), rest


def _holiday(text: str, today: date) -> tuple[date | None, str]:
    for name, (month, day) in HOLIDAYS.items():
        match, rest = _take(rf"\b{name}\b", text)
        if match:
            return _next_yearly(today, month, day), rest
    return None, text


def _relative_day(text: str, today: date) -> tuple[date | None, str]:
    match, rest = _take(r"\b(?:the )?day after tomorrow\b", text)
    if match:
        return today + timedelta(days=2), rest
    match, rest = _take(r"\b(tomorrow|tmrw|tomorow|today)(?:'s)?\b", text)
    if match:
        return today + timedelta(days=match[1] != "today"), rest
    match, rest = _take(r"\b(?:in )?(\d+|a) (day|week|fortnight)s?(?:'s)?(?: from (?:now|today)| time| today)?\b", text)
    if match:
        days = {"day": 1, "week": 7, "fortnight": 14}[match[2]] * (1 if match[1] == "a" else int(match[1][:5]))
        return (today + timedelta(days=days), rest) if days <= 36525 else (None, text)
    match, rest = _take(r"\bnext week\b", text)
    if match and not re.search(rf"\b({DAY_NAMES})\b", rest):
        return today + timedelta(days=7), rest
    match, rest = _take(r"\b(?:the|this|at the) weekend\b", text)
    return (_coming(today, 5), rest) if match else (None, text)


def _calendar_day(text: str, today: date) -> tuple[date | None, str]:
    """"12 may", "the 12th of may 2027", "may 12th"."""
    match, rest = _take(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH_NAMES})\b,?(?: (\d{{4}})\b)?", text)
    if match:
        return _dated(today, match[2], int(match[1]), match[3]), rest
    match, rest = _take(rf"\b({_MONTH_NAMES})(?: the)? (\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]),?(?: (\d{{4}})\b)?", text)
    return (_dated(today, match[1], int(match[2]), match[3]), rest) if match else (None, text)


def _weekday(text: str, today: date) -> tuple[date | None, str]:
    match, rest = _take(rf"\b(?:(next|this|coming) )?({DAY_NAMES})\b( next week| week)?", text)
    if match is None:
        return None, text
    weekday = weekday_of(match[2])
    day = _coming(today, weekday)
    if match[1] == "next" or match[3] == " next week":  # the one of the next calendar week
        monday = today + timedelta(days=7 - today.weekday())
        day = monday + timedelta(days=weekday)
    elif match[3] == " week":
        day += timedelta(days=7)
    return day, rest


def _day_of_month(text: str, today: date) -> tuple[date | None, str]:
    match, rest = _take(r"\b(?:the )?(\d{1,2})(?:st|nd|rd|th)\b", text)
    if match is None:
        return None, text
    for months in range(1, 14):
        year, month = divmod(today.year * 12 + today.month + months - 2, 12)
        day = _valid_day(year, month + 1, int(match[1]))
        if day is not None and day >= today:
            return day, rest
    return None, text


def _dated(today: date, month_name: str, day: int, year: str | None) -> date | None:
    month = next(i for i, name in enumerate(MONTHS, start=1) if name.startswith(month_name[:3]))
    return _valid_day(int(year), month, day) if year else _next_yearly(today, month, day)


def _next_yearly(today: date, month: int, day: int) -> date | None:
    days = (_valid_day(today.year + years, month, day) for years in range(9))  # 29 February may be 8 years off
    return next((found for found in days if found is not None and found >= today), None)


def _valid_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _coming(today: date, weekday: int) -> date:
    """The next such weekday after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _take_part(text: str) -> tuple[str | None, str]:
    match, rest = _take(r"\b(?:(?:in|during|at) )?(?:the )?(morning|afternoon|evening|night|tonight)\b", text)
    return ("night" if match[1] == "tonight" else match[1], rest) if match else (None, text)


def _take_clock(text: str) -> tuple[_Clock | None, str]:
    half_match, rest = _take(r"(?:(?<=\d)|\b)([ap]m)\b", text)
    half = half_match[1] if half_match else None
    for take in (_named_hour, _past_or_to, _half_past, _hour_and_minute, _hour):
        clock, after = take(rest, half)
        if clock is not None:
            return clock, after
    return None, text


def _named_hour(text: str, half: str | None) -> tuple[_Clock | None, str]:
    match, rest = _take(r"(?<!past )(?<!to )\b(noon|midday|midnight)\b", text)
    if match is None:
        return None, text
    if match[1] == "midnight":
        return _Clock(0, 0, "am", end_of_day=True), rest.replace("12", " ", 1)
    return _Clock(12, 0, "pm"), rest.replace("12", " ", 1)


def _past_or_to(text: str, half: str | None) -> tuple[_Clock | None, str]:
    match, rest = _take(
        r"\b(?:a )?(\d{1,2}|quarter|half)(?: minutes?)? (past|after|to|before|of|till?) "
        r"(\d{1,2}|noon|midday|midnight)\b", text)
    if match is None:
        return None, text
    minutes = {"quarter": 15, "half": 30}.get(match[1]) or int(match[1])
    hour = {"noon": 12, "midday": 12, "midnight": 24}.get(match[3]) or int(match[3])
    if match[3] in ("noon", "midday"):
        half = "pm" if match[2] in ("past", "after") else "am"
    total = hour * 60 + (minutes if match[2] in ("past", "after") else -minutes)
    if match[3] in ("noon", "midday", "midnight"):
        total %= 1440
        return _Clock(total // 60, total % 60, "am" if total < 720 else "pm"), rest
    if minutes >= 60 or not 0 <= hour <= 24:
        return None, text
    if half and hour <= 12:  # "ten to twelve pm" is 11:50 PM: the half belongs to the moment, not to the hour named
        total = total % 720 or 720
    return _clock(total // 60 % 24, total % 60, half), rest


def _half_past(text: str, half: str | None) -> tuple[_Clock | None, str]:
    """"half six" is half past six, as in Britain."""
    match, rest = _take(r"\bhalf (\d{1,2})\b", text)
    return (_clock(int(match[1]), 30, half), rest) if match else (None, text)


def _hour_and_minute(text: str, half: str | None) -> tuple[_Clock | None, str]:
    match, rest = _take(r"(?<![\d:.])(\d{1,2}) ?[:.h ] ?(\d{2})(?![\d:.])(?: hours)?", text)
    if match is None:
        match, rest = _take(r"(?<![\d:.])(\d{1,2})(\d{2})(?![\d:.])(?: hours)?", text)
    if match is None:
        return None, text
    return _clock(int(match[1]), int(match[2]), half, written=match[1]), rest


def _hour(text: str, half: str | None) -> tuple[_Clock | None, str]:
    match, rest = _take(r"(?<![\d:.])(\d{1,2})(?![\d:.])(?: (?:hours|o))?", text)
    return (_clock(int(match[1]), 0, half, written=match[1]), rest) if match else (None, text)


def _clock(hour: int, minute: int, half: str | None, *, written: str = "") -> _Clock | None:
    if hour > 24 or minute > 59 or (half and hour > 12 and half == "am"):
        return None
    if hour in (0, 24):
        return _Clock(0, minute, "am")
    if hour > 12:
        return _Clock(hour, minute, "pm")
    if half is None and len(written) == 2 and written.startswith("0"):  # 06:30 is written by the 24 hour clock
        half = "am"
    if half is not None:
        return _Clock(hour % 12 + (12 if half == "pm" else 0), minute, half)
    return _Clock(hour, minute, None)


def _at_clock(now: datetime, day: date | None, part: str | None, clock: _Clock, wake: bool) -> datetime:
    if clock.half is None and part is not None:
        return _in_part(now, day, part, clock)
    if clock.end_of_day:
        return _next_at(now, None if day is None else day + timedelta(days=1), [time(0)])
    if clock.half is not None:
        return _next_at(now, day, [time(clock.hour, clock.minute)])
    early, late = time(clock.hour % 12, clock.minute), time(clock.hour % 12 + 12, clock.minute)
    if wake and clock.hour != 12:
        return _next_at(now, day, [early])
    if day is not None and day != now.date():
        # on another day people mean the waking hours: 7 to 11 in the morning, noon, 1 to 6 in the afternoon
        return _next_at(now, day, [early if 7 <= clock.hour <= 11 else late])
    return _next_at(now, day, [early, late])


def _in_part(now: datetime, day: date | None, part: str, clock: _Clock) -> datetime:
    """"12 at night" is midnight, "2 at night" early the next day, "8 in the morning" AM, the rest PM."""
    hour = clock.hour % 12
    early = part == "morning" or (part == "night" and hour < 5)
    if part == "night" and early and day is not None:
        day += timedelta(days=1)
    return _next_at(now, day, [time(hour if early else hour + 12, clock.minute)])


def _next_at(now: datetime, day: date | None, times: list[time]) -> datetime:
    """The first of these times of day after now: on `day`, or within the next two days. Raises: Past."""
    days = [day] if day else [now.date() + timedelta(days=offset) for offset in range(3)]
    for candidate in (at for each in days for clock in sorted(times) for at in _both_times(now, each, clock)):
        if candidate.astimezone(UTC) > now.astimezone(UTC):
            return candidate
    raise Past("that moment is over")


def _both_times(now: datetime, day: date, clock: time) -> list[datetime]:
    """Once, or twice where the clocks are put back and show it again."""
    first, second = _local(now, day, clock), _local(now, day, clock.replace(fold=1))
    return [first, second] if second.astimezone(UTC) > first.astimezone(UTC) else [first]


def _local(now: datetime, day: date, clock: time) -> datetime:
    """Wall time in the household's zone; a time that a clock change skips moves past the gap."""
    wall = datetime.combine(day, clock, tzinfo=now.tzinfo)
    return wall.astimezone(UTC).astimezone(now.tzinfo)


def after(now: datetime, length: timedelta) -> datetime:
    """Elapsed time, not wall time: an hour over a clock change is still an hour."""
    return (now.astimezone(UTC) + length).astimezone(now.tzinfo)


# --- spoken

def spoken_length(seconds: float) -> str:
    """"1 hour 5 minutes", to the second below an hour, to the minute from there on."""
    return spoken_duration(round(seconds / 60) * 60 if seconds >= 3600 else max(0.0, seconds))


def spoken_time(when: datetime) -> str:
    """"9 AM", "6:30 PM", "noon", "midnight"."""
    if when.minute == 0 and when.hour in (0, 12):
        return "noon" if when.hour else "midnight"
    minutes = f":{when.minute:02}" if when.minute else ""
    return f"{when.hour % 12 or 12}{minutes} {'PM' if when.hour >= 12 else 'AM'}"


def spoken_day(day: date, today: date) -> str:
    """"today", "tomorrow", "on Friday", "on 12 May", "on 12 May 2028"."""
    ahead = (day - today).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    if 1 < ahead < 7:
        return f"on {WEEKDAYS[day.weekday()].capitalize()}"
    year = f" {day.year}" if ahead > 300 or ahead < 0 else ""
    return f"on {day.day} {MONTHS[day.month - 1].capitalize()}{year}"


def spoken_moment(when: datetime, now: datetime) -> str:
    """"at 9 AM", "at 9 AM tomorrow", "on Friday at 9 AM"; today goes without saying."""
    clock = f"at {spoken_time(when)}"
    evening = when - timedelta(minutes=1) if spoken_time(when) == "midnight" else when  # midnight ends a day
    day = spoken_day(evening.date(), now.date())
    if day == "today":
        return clock
    return f"{clock} {day}" if day == "tomorrow" else f"{day} {clock}"
