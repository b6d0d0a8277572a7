"""Time and date, from the turn's own clock; a place elsewhere by the time zones this machine knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from .api import Done, Turn, skill
from .moments import HOLIDAYS, MONTHS, WEEKDAYS, MomentError, read_day, spoken_time
from .words import fold


@skill
class CurrentTime:
    """What time it is. "what's the time?" -> "It's 3:42 PM." """

    intent = "HassGetCurrentTime"

    @dataclass(frozen=True)
    class Slots:
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        place = _place_asked(turn.text)
        if place is None:
            return Done(reply=f"It's {spoken_time(turn.now)}.", facts=(turn.now,))
        zone = _zones().get("_".join(fold(place)))
        if zone is None:
            return Done(reply=f"Here it's {spoken_time(turn.now)}; I don't know the time there.", facts=(turn.now,))
        there = turn.now.astimezone(ZoneInfo(zone))
        return Done(reply=f"It's {spoken_time(there)}{_other_day(there, turn.now)} in {_titled(place)}.", facts=(there,))


def _place_asked(text: str) -> str | None:
    """"what time is it in New York?" -> "new york"; None when the time here is meant."""
    match = re.search(r"\bin (?!the (?:morning|afternoon|evening)\b|here\b|this\b|words\b)((?:the )?[a-z .'-]+?)"
                      r"(?: right now| now| at the moment| please)*\s*[?.!]*$", text.lower())
    return match[1].strip() if match and re.search(r"\b(time|clock|hour|late)\b", text.lower()) else None


def _titled(place: str) -> str:
    return " ".join(word.capitalize() for word in place.split())


def _other_day(there: datetime, here: datetime) -> str:
    ahead = (there.date() - here.date()).days
    return {1: " tomorrow", -1: " yesterday"}.get(ahead, "")


@cache
def _zones() -> dict[str, str]:
    """City -> zone: "new_york" -> "America/New_York"."""
    return {"_".join(fold(zone.rpartition("/")[2].replace("_", " "))): zone
            for zone in sorted(available_timezones()) if "/" in zone and not zone.startswith("Etc/")}


@skill
class CurrentDate:
    """What day it is, or how far off one is. "what's the date?" -> "It's Tuesday, 24 November 2026." """

    intent = "HassGetCurrentDate"

    @dataclass(frozen=True)
    class Slots:
        date: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        today, text = turn.now.date(), turn.text.lower()
        if slots.date is None or slots.date.lower() in ("today", "today's", "now"):
            return Done(reply=_today(today, text), facts=(today,))
        weekday = re.search(rf"\b(?:is|isn't) (?:it|today) (?:a )?({'|'.join(WEEKDAYS)})\b", text)
        if weekday:
            return Done(reply=_is_it(today, weekday[1]), facts=(today,))
        try:
            day = read_day(turn.now, slots.date)
        except MomentError:
            return Done(reply=f"I can't tell which day that is. Today is {_spelled(today, today)}.", facts=(today,))
        return Done(reply=_other(day, today, slots.date, text), facts=(day,))


def _today(today: date, text: str) -> str:
    """The part of the date that was asked for."""
    weekday = re.search(rf"\b(?:is|isn't) (?:it|today) (?:a )?({'|'.join(WEEKDAYS)})\b", text)
    if weekday:
        return _is_it(today, weekday[1])
    if re.search(r"\byear\b", text) and not re.search(r"\b(month|day|date)\b", text):
        return f"It's {today.year}."
    if re.search(r"\bmonth\b", text) and not re.search(r"\b(day|date)\b", text):
        return f"It's {MONTHS[today.month - 1].capitalize()}."
    if re.search(r"\bweek\b", text) and not re.search(r"\b(day|date)\b", text):
        return f"It's week {today.isocalendar().week}."
    return f"It's {_spelled(today, today)} {today.year}."


def _is_it(today: date, asked: str) -> str:
    yes = WEEKDAYS[today.weekday()] == asked
    return f"{'Yes' if yes else 'No'}, it's {_spelled(today, today)}."


def _other(day: date, today: date, said: str, text: str) -> str:
    """Another day: how far off when that was asked, else what day it is."""
    off = (day - today).days
    count = {0: "It is today", 1: "1 day"}.get(off, f"{off} days")
    name = _name_of(said)
    if re.search(r"\bhow (?:many (?:days|sleeps)|long|far|soon)\b|\bdays (?:un)?till?\b", text):
        return f"{count}: {_spelled(day, today)}."
    if name is not None:
        return f"{name} is on {_spelled(day, today)}{f', in {count}' if off > 1 else ''}."
    if off == 1:
        return f"Tomorrow is {_spelled(day, today)}."
    return f"That is {_spelled(day, today)}, in {count}." if off > 1 else f"It's {_spelled(day, today)}."


def _name_of(said: str) -> str | None:
    """A holiday's name with its capitals: "Christmas"."""
    for name in HOLIDAYS:
        if name in said.lower():
            return " ".join(word.capitalize() for word in name.split())
    return None


def _spelled(day: date, today: date) -> str:
    """"Tuesday, 24 November", with the year where it is another."""
    year = f" {day.year}" if day.year != today.year else ""
    return f"{WEEKDAYS[day.weekday()].capitalize()}, {day.day} {MONTHS[day.month - 1].capitalize()}{year}"
