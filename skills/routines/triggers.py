"""What sets a routine off: a phrase that is said, a time that repeats, or something that happens at home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..conditions import Watch, Where, read_clause, spoken_clause
from ..moments import NotUnderstood, digitised, read_time_of_day
from ..recurrence import Repeat, read_repeat
from ..words import fold
from .file import spoken_phrase


class CannotWait(Exception):
    """Nothing here could set it off; the message is spoken."""


@dataclass(frozen=True)
class Times:
    repeat: Repeat


@dataclass(frozen=True)
class Phrase:
    words: str


Trigger = Times | Phrase | Watch


def read_trigger(when: str, now: datetime, home: Any, where: Where, *, by_phrase: bool = True) -> Trigger:
    """What sets a routine off. Raises: CannotWait.

    Args: by_phrase: words that are neither a time nor an event are a phrase to be said: "bedtime".
    """
    said = spoken_phrase(when)
    if said is not None:
        return Phrase(said)
    if re.search(r"\b(?:sunset|sunrise|dusk|dawn|sun (?:sets|rises|goes|comes))\b|\bgets? (?:dark|light)\b", when.lower()):
        raise CannotWait("I can't go by the sun; give me a time of day.")
    try:
        return Times(read_repeat(now, at=when).repeat)
    except NotUnderstood:
        pass
    daily = _daily(when, now)
    if daily is not None:
        return Times(daily)
    try:
        clause = read_clause(when, now)
    except NotUnderstood:
        words = fold(when)
        if by_phrase and 0 < len(words) <= 4 and not {"is", "are", "the", "when", "i", "my", "it"} & set(words):
            return Phrase(when.strip(" .!"))
        raise CannotWait(f"I can't tell when that is: {when}.") from None
    if clause.test is None:
        raise CannotWait("I need something that happens, or a time of day.")
    try:
        return Watch(clause, home, where)
    except NotUnderstood:
        raise CannotWait(f'Nothing here tells me when "{when}".') from None


def _daily(when: str, now: datetime) -> Repeat | None:
    """"at 22:30": every day."""
    try:
        clock = read_time_of_day(now, re.sub(r"^it(?: i|')s ", "", when.lower()))
    except NotUnderstood:
        return None
    if clock is None or not re.search(r"\d|noon|midnight|midday", digitised(when)):     # "in the evening" is no time of day
        return None
    start = datetime.combine(now.date(), clock)
    start = start if start > now.replace(tzinfo=None) else start + timedelta(days=1)
    return Repeat(f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:FREQ=DAILY")


def told_trigger(trigger: Trigger, when: str) -> str:
    """As understood, to begin a sentence with: "every weekday at 7 AM", "when the front door opens, between 10 PM and 5 AM"."""
    if isinstance(trigger, Phrase):
        return f'when you say "{trigger.words}"'
    if isinstance(trigger, Times):
        return trigger.repeat.spoken
    return f"when {spoken_clause(trigger.clause)}"
