"""Stretches of time that are over, as people say them: "this morning", "yesterday evening", "in the last two hours"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from .moments import MONTHS, WEEKDAYS, MomentError, NotUnderstood, read_length, read_moment, spoken_time

# Parts of a day as (from, to) in hours; a night belongs to the day whose evening it follows.
PARTS: Final = {"morning": (4, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (20, 30)}

_LENGTH = re.compile(r"\b(?:last|past|previous)\s+((?:(?:half an|an|a|\w+|\d+)\s+)??(?:second|minute|hour|day|week|month)s?)\b")
_WEEKDAY = re.compile(rf"\b(?:on |last )?({'|'.join(WEEKDAYS)})\b(?:\s+(morning|afternoon|evening|night))?")
_SINCE = re.compile(r"\b(?:since|after|from)\s+(.+)$")


@dataclass(frozen=True)
class Window:
    """From `since` to `until`, both aware; `said`: as it is put in a reply ("this morning")."""

    since: datetime
    until: datetime
    said: str


def past_window(text: str, now: datetime) -> Window | None:
    """The stretch of time named in `text`, the earliest reading that is over or under way; None: none is named."""
    said = " ".join(re.findall(r"[\w':]+", text.lower().replace("’", "'")))
    return _length(said, now) or _named_day(said, now) or _weekday(said, now) or _since(said, now)


def _length(said: str, now: datetime) -> Window | None:
    """ "the last two hours" """
    found = _LENGTH.search(said)
    if found is None:
        return None
    words = found[1] if " " in found[1] else f"1 {found[1]}"
    try:
        return Window(now - read_length(words), now, f"in the last {found[1]}")
    except NotUnderstood:
        return None


def _named_day(said: str, now: datetime) -> Window | None:
    today = now.date()
    for phrase, (day, part) in _DAYS.items():
        if re.search(rf"\b{phrase}\b", said):
            return _of(today - timedelta(days=day), part, now, phrase)
    if re.search(r"\bthis week\b", said):
        return _between(today - timedelta(days=today.weekday()), 0, 24 * 7, now, "this week")
    if re.search(r"\blast week\b", said):
        return _between(today - timedelta(days=today.weekday() + 7), 0, 24 * 7, now, "last week")
    if re.search(r"\bthis month\b", said):
        return _between(today.replace(day=1), 0, 24 * 31, now, "this month")
    found = re.search(r"\b(?:in|during) the (morning|afternoon|evening|night)\b", said)
    return _of(today, found[1], now, f"in the {found[1]}") if found else None


_DAYS: Final[dict[str, tuple[int, str | None]]] = {     # phrase: (days ago, part of the day); the longest first
    "day before yesterday": (2, None),
    "yesterday morning": (1, "morning"), "yesterday afternoon": (1, "afternoon"), "yesterday evening": (1, "evening"),
    "last night": (1, "night"), "overnight": (1, "night"), "during the night": (1, "night"), "yesterday": (1, None),
    "this morning": (0, "morning"), "this afternoon": (0, "afternoon"), "this evening": (0, "evening"),
    "tonight": (0, "evening"), "earlier today": (0, None), "today": (0, None),
}  # fmt: skip


def _weekday(said: str, now: datetime) -> Window | None:
    """ "on Monday": the last one that has begun, a week ago where it is today's name. """
    found = _WEEKDAY.search(said)
    if found is None:
        return None
    ago = (now.weekday() - WEEKDAYS.index(found[1])) % 7 or 7
    part = f" {found[2]}" if found[2] else ""
    return _of(now.date() - timedelta(days=ago), found[2], now, f"on {found[1].capitalize()}{part}")


def _since(said: str, now: datetime) -> Window | None:
    """ "since noon", "after 9": the last such time before now. """
    found = _SINCE.search(said)
    if found is None:
        return None
    yesterday = now - timedelta(days=1)
    try:
        moment = read_moment(yesterday, at=found[1])
    except MomentError:
        return None
    return Window(moment.when, now, f"since {spoken_time(moment.when)}") if moment.when < now else None


def _of(day: date, part: str | None, now: datetime, said: str) -> Window | None:
    first, last = PARTS[part] if part else (0, 24)
    return _between(day, first, last, now, said)


def _between(day: date, first: int, last: int, now: datetime, said: str) -> Window | None:
    """From the hour `first` of `day` to `last` hours after its midnight; None while it has not begun."""
    midnight = datetime.combine(day, time(), tzinfo=now.tzinfo)
    since = _wall(midnight, first)
    return Window(since, min(now, _wall(midnight, last)), said) if since < now else None


def _wall(midnight: datetime, hours: int) -> datetime:
    """By the clock on the wall: on the day of a clock change, too, the morning begins at four."""
    day = midnight.date() + timedelta(days=hours // 24)
    return datetime.combine(day, time(hours % 24), tzinfo=midnight.tzinfo)


def spoken_past(when: datetime, now: datetime) -> str:
    """ "at 9 AM", "yesterday at 9 AM", "on Friday at 9 AM", "on 3 May at 9 AM"; today goes without saying. """
    clock = f"at {spoken_time(when)}"
    ago = (now.date() - when.date()).days
    if ago <= 0:
        return clock
    if ago == 1:
        return f"yesterday {clock}"
    if ago < 7:
        return f"on {WEEKDAYS[when.weekday()].capitalize()} {clock}"
    year = "" if when.year == now.year or ago < 300 else f" {when.year}"
    return f"on {when.day} {MONTHS[when.month - 1].capitalize()}{year} {clock}"
