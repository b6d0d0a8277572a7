"""Reminders, and what is on: reminders, calendar events, alarms and commands that wait, by day. See `skills/timers.py`.

A reminder has its moment, a message, and for whom it is; an event stands in the calendar and may announce itself ahead of time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rapidfuzz import fuzz

from .alarms import NoMoment, one_day_of, set_for, skipped, spoken_when, when_said
from .api import Done, Turn, Unclear, skill
from .later import Command, LaterStore, phrase
from .moments import PART_SPANS, MomentError, Recurring, read_day, read_moment, spoken_moment, spoken_time
from .slots import spoken_list
from .timers import NAME_SCORE, Timer, alike, store_of, told_missed
from .wording import sentence

KINDS = ("reminder", "event")
TOLD_AT_ONCE = 8


@skill
class SetReminder:
    """Remind. "remind me every Tuesday evening to take the bins out" -> "I'll remind you every Tuesday at 7 PM…" """

    intent = "SetReminder"

    @dataclass(frozen=True)
    class Slots:
        message: str | None = None
        at: str | None = None
        in_: str | None = None
        date: str | None = None
        name: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        message = re.sub(r"^(?:to|about|that|of)\s+", "", (slots.message or "").strip())
        if not message:
            raise Unclear("What should I remind you of?")
        try:
            when = when_said(turn, slots.at, slots.in_, slots.date, wake=False, question="When should I remind you?")
            reminder = set_for(turn, "reminder", when, message, slots.name or turn.speaker)
        except NoMoment as error:
            return Done(reply=str(error))
        told = f"I'll remind {slots.name or 'you'} {spoken_when(reminder, turn.now)}: {message}."
        return Done(reply=told, facts=(reminder,))


# --- what is on

@dataclass(frozen=True)
class Entry:
    """One thing that is on: when, and in words."""

    when: datetime
    said: str
    what: Timer | Command


@dataclass(frozen=True)
class Span:
    """A day or part of one; `words` as they were said."""

    start: datetime
    end: datetime


@skill
class ListReminders:
    """What there is to be reminded of, or what is on. "what's on today?" -> "Today: dentist at 3 PM." """

    intent = "ListReminders"

    @dataclass(frozen=True)
    class Slots:
        date: str | None = None
        at: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        missed = told_missed(store_of(turn), *KINDS)
        try:
            span = span_said(turn.now, slots.date, slots.at)
        except MomentError:
            return Done(reply="I can't tell which day that is.")
        entries = sorted(coming(turn) if span is None else within(turn, span), key=lambda entry: entry.when)
        told = _told(entries, span, turn)
        return Done(reply=" ".join(filter(None, [told, missed])), facts=tuple(entry.what for entry in entries))


def _told(entries: Sequence[Entry], span: Span | None, turn: Turn) -> str:
    if not entries:
        return "There is nothing on then." if span is not None else "There are no reminders."
    said = [f"{entry.said}, {_time_of(entry, span, turn)}" for entry in entries[:TOLD_AT_ONCE]]
    more = len(entries) - TOLD_AT_ONCE
    return f"{sentence('; '.join(said))}{f'; and {more} more' if more > 0 else ''}."


def _time_of(entry: Entry, span: Span | None, turn: Turn) -> str:
    """On a day that was asked about, the time alone; else how often it comes, or its day."""
    if span is not None and span.end - span.start <= timedelta(days=1):
        midnight = entry.when.time() == time(0) and isinstance(entry.what, Timer) and entry.what.kind == "event"
        return "all day" if midnight else f"at {spoken_time(entry.when)}"
    if span is None and isinstance(entry.what, Timer):
        return spoken_when(entry.what, turn.now)
    return spoken_moment(entry.when, turn.now)


def coming(turn: Turn) -> list[Entry]:
    """Reminders, the events of the next week, and commands that wait."""
    week = Span(turn.now, turn.now + timedelta(days=7))
    reminders = [Entry(timer.moment, _said(timer), timer) for timer in store_of(turn).all("reminder") if timer.moment]
    return [*reminders, *_of_timers(turn, week, "event"), *_of_commands(turn, None)]


def within(turn: Turn, span: Span) -> list[Entry]:
    """All that is in a span of time, each time of what repeats."""
    return [*_of_timers(turn, span, "reminder", "event", "alarm"), *_of_commands(turn, span)]


def _of_timers(turn: Turn, span: Span, *kinds: str) -> list[Entry]:
    return [Entry(moment, _said(timer), timer)
            for timer in store_of(turn).all(*kinds) for moment in _moments(timer, span)]


def _moments(timer: Timer, span: Span) -> list[datetime]:
    zone = span.start.tzinfo
    if timer.moment is None:
        return []
    own = [timer.moment] if span.start <= timer.moment < span.end else []
    if timer.repeat is None:
        return own
    after_this = max(span.start.replace(tzinfo=None), timer.moment.replace(tzinfo=None) + timedelta(seconds=1))
    return own + [wall.replace(tzinfo=zone) for wall in timer.repeat.between(after_this, span.end)]


def _said(timer: Timer) -> str:
    if timer.kind == "alarm":
        return timer.label if timer.name else "alarm"
    return str(timer.name)


def _of_commands(turn: Turn, span: Span | None) -> list[Entry]:
    later: LaterStore | None = turn.services.get("later")
    waiting = later.all() if later is not None else []
    return [Entry(command.due, f"I'll {phrase(command.intent, command.slots, command.text)}", command)
            for command in waiting if span is None or span.start <= command.due < span.end]


def span_said(now: datetime, day: str | None, at: str | None) -> Span | None:
    """The span of time asked about: "today", "tomorrow morning", "this week", "next friday". Raises: MomentError."""
    said = " ".join(part for part in (day, at) if part).lower()
    if not said or re.fullmatch(r"(?:coming up|next|soon|later|upcoming)", said):
        return None
    week = re.search(r"\b(this|next|the|coming) (week|weekend|month)\b", said)
    if week:
        return _longer_span(now, week[1], week[2])
    part = re.search(r"\b(?:this |tomorrow )?(morning|afternoon|evening|night|tonight)\b", said)
    bare = re.sub(r"\b(morning|afternoon|evening|night)\b|'s\b|\bfor\b", " ", said).replace("tonight", "today")
    wanted = now.date() if re.fullmatch(r"\s*(?:this|in the|the)?\s*(?:later )?(?:today)?\s*", bare) else _day(now, bare)
    first, last = PART_SPANS["night" if part[1] == "tonight" else part[1]] if part else (time(0), time(23, 59, 59))
    start = datetime.combine(wanted, first, tzinfo=now.tzinfo)
    end = datetime.combine(wanted, last, tzinfo=now.tzinfo)
    return Span(max(start, now) if wanted == now.date() else start, end)


def _day(now: datetime, said: str) -> date:
    try:
        return read_day(now, said)
    except Recurring:
        raise
    except MomentError:
        return read_moment(now, at=said).when.date()


def _longer_span(now: datetime, which: str, unit: str) -> Span:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=now.weekday())
    if unit == "weekend":
        saturday = monday + timedelta(days=5 + (7 if which == "next" else 0))
        return Span(max(saturday, now), saturday + timedelta(days=2))
    if unit == "month":
        first = midnight.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        return Span(following, (following + timedelta(days=32)).replace(day=1)) if which == "next" else Span(now, following)
    if which == "next":
        return Span(monday + timedelta(days=7), monday + timedelta(days=14))
    return Span(now, monday + timedelta(days=7))


# --- cancelling

@skill
class CancelReminder:
    """Forget a reminder, an event or a command that waits. "cancel the reminder about the cat" -> "Cancelled the reminder: …" """

    intent = "CancelReminder"

    @dataclass(frozen=True)
    class Slots:
        message: str | None = None
        date: str | None = None
        at: str | None = None
        name: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        entries = self._all(turn)
        try:
            found = [entry for entry in entries if self._meant(entry, slots, turn)]
        except MomentError:
            found = []
        if not found:
            return Done(reply="There is no such reminder." if entries else "There are no reminders.")
        if len(found) > 1 and not _says_all(turn.text):
            labels = [_label(entry.what) for entry in found]
            raise Unclear(f"Which one: {spoken_list(labels, joint='or')}?",
                          choices=[f"timer.{entry.what.id}" for entry in found], labels=labels)
        timers = [entry.what for entry in found if isinstance(entry.what, Timer)]
        day = one_day_of(timers, slots.date, turn) if len(found) == 1 else None
        if day is not None:
            return Done(reply=skipped(store_of(turn), timers[0], day, turn), facts=tuple(timers))
        for entry in found:
            _forget(entry.what, turn)
        what = _cancelled(found[0].what) if len(found) == 1 else f"{len(found)} of them"
        return Done(reply=f"Cancelled {what}.", facts=tuple(entry.what for entry in found))

    def _all(self, turn: Turn) -> list[Entry]:
        timers = [Entry(timer.moment or turn.now, _said(timer), timer) for timer in store_of(turn).all(*KINDS)]
        return [*timers, *_of_commands(turn, None)]

    def _meant(self, entry: Entry, slots: Slots, turn: Turn) -> bool:
        if slots.name is not None and slots.name.startswith("timer."):
            return slots.name == f"timer.{entry.what.id}"
        if slots.name is not None and not (entry.what.speaker and alike(slots.name, entry.what.speaker)):
            return False
        if (slots.date or slots.at) and not self._is_then(entry, slots, turn):
            return False
        if slots.message is None:
            return isinstance(entry.what, Timer)
        return fuzz.token_set_ratio(slots.message.lower(), _label(entry.what).lower()) >= NAME_SCORE

    def _is_then(self, entry: Entry, slots: Slots, turn: Turn) -> bool:
        try:
            span = span_said(turn.now, slots.date, slots.at)
        except Recurring:
            return isinstance(entry.what, Timer) and entry.what.repeat is not None
        if span is None:
            return True
        moments = _moments(entry.what, span) if isinstance(entry.what, Timer) else [entry.when]
        return any(span.start <= moment < span.end for moment in moments)


def _says_all(text: str) -> bool:
    several = r"\b(all|every|everything|both|reminders|any|clear|empty|appointments|meetings|events)\b"
    return re.search(several, text.lower()) is not None


def _label(what: Timer | Command) -> str:
    return str(what.name) if isinstance(what, Timer) else f"{phrase(what.intent, what.slots, what.text)}"


def _cancelled(what: Timer | Command) -> str:
    if isinstance(what, Command):
        return f"that: I won't {_label(what)}"
    return f"the {what.kind}: {what.name}"


def _forget(what: Timer | Command, turn: Turn) -> None:
    if isinstance(what, Timer):
        store_of(turn).cancel(what)
    else:
        turn.services["later"].cancel(what.id)
