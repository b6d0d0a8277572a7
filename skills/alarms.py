"""Alarms to wake by, once or again and again. They live in the store of the timers (`skills/timers.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from .api import Done, Turn, Unclear, skill
from .moments import (
    MomentError,
    NotUnderstood,
    Past,
    Recurring,
    read_day,
    read_length,
    read_moment,
    spoken_day,
    spoken_length,
    spoken_moment,
)
from .recurrence import Repeat, read_repeat
from .slots import spoken_list
from .timers import MAX_TIMERS, Timer, TimerStore, TooMany, alike, plain_name, stop_ringing, store_of, told_missed
from .wording import sentence

SNOOZE_S = 9 * 60


class NoMoment(Exception):
    """Nothing can be set for that; the message is spoken."""


@dataclass(frozen=True)
class When:
    """A moment or a recurrence that was said. `elapsed_s`: it was said as a length of time."""

    at: datetime | Repeat
    timed: bool = True
    elapsed_s: float | None = None


def when_said(turn: Turn, at: str | None, in_: str | None, day: str | None, *, wake: bool, question: str) -> When:
    """What was meant. Raises: NoMoment; Unclear: nothing was said."""
    if not (at or in_ or day):
        raise Unclear(question)
    try:
        moment = read_moment(turn.now, at=at, in_=in_, day=day, wake=wake)
    except Recurring:
        return _recurring(turn, at, in_, day, wake, "I can't tell how often that is. I set nothing.")
    except NotUnderstood:
        if (shorter := _without_purpose(at)) is not None:
            return when_said(turn, shorter, in_, day, wake=wake, question=question)
        otherwise = "I can only do that at a time of day or after a length of time. I set nothing."
        return _recurring(turn, at, in_, day, wake, otherwise)
    except Past as error:
        raise NoMoment("That moment has passed. I set nothing.") from error
    length_s = moment.when.timestamp() - turn.now.timestamp()
    return When(moment.when, moment.timed, length_s if moment.elapsed else None)


def _without_purpose(at: str | None) -> str | None:
    """ "three to check the cow" -> "three"; None where nothing can be left out."""
    found = re.match(r"(.+)\s(?:to|for|so|because)\s", at or "", re.IGNORECASE)
    return None if found is None else found[1]


def _recurring(turn: Turn, at: str | None, in_: str | None, day: str | None, wake: bool, otherwise: str) -> When:
    try:
        found = read_repeat(turn.now, at=at or in_, day=day, wake=wake)
    except NotUnderstood as error:
        raise NoMoment(otherwise) from error
    return When(found.repeat, found.timed)


def set_for(turn: Turn, kind: str, when: When, name: str | None, speaker: str | None) -> Timer:
    """Raises: NoMoment: there are too many already."""
    store = store_of(turn)
    try:
        if when.elapsed_s is not None:
            return store.start(when.elapsed_s, kind=kind, name=name, area=turn.area, speaker=speaker, session=turn.session)
        return store.schedule(when.at, kind=kind, name=name, area=turn.area, speaker=speaker, session=turn.session)
    except TooMany as error:
        raise NoMoment(f"There are {MAX_TIMERS} already; cancel one first.") from error


def spoken_when(timer: Timer, now: datetime) -> str:
    """"at 7 AM tomorrow", "every weekday at 6:30 AM", "ringing now"."""
    if timer.state == "ringing" or timer.moment is None:
        return "ringing now"
    if timer.repeat is not None and not timer.snoozed:
        return timer.repeat.spoken
    return spoken_moment(timer.moment, now)


def at_that_time(timers: Sequence[Timer], turn: Turn, at: str | None, day: str | None) -> list[Timer]:
    """Those at that time of day (said with AM or PM or without) and on that day; words that are no time choose none."""
    found = list(timers)
    try:
        if at:
            clocks = {(clock.hour, clock.minute) for wake in (True, False) for clock in _clocks(turn, at, wake)}
            found = [timer for timer in found if timer.moment and (timer.moment.hour, timer.moment.minute) in clocks]
        if day:
            found = [timer for timer in found if _is_on(timer, turn, day)]
    except MomentError:
        return []
    return found


def _clocks(turn: Turn, at: str, wake: bool) -> list[datetime]:
    try:
        return [read_moment(turn.now, at=at, wake=wake).when]
    except Recurring:
        starts = read_repeat(turn.now, at=at, wake=wake).repeat.starts
        return [starts.replace(tzinfo=turn.now.tzinfo)]


def _is_on(timer: Timer, turn: Turn, day: str) -> bool:
    """Whether it is on a day, or, of "the weekday alarm", repeats in that way."""
    bare = re.sub(r"\b(?:the|my)\b|'s\b", " ", re.sub(r"\b(morning|afternoon|evening|night)\b", "", day))
    try:
        wanted = read_day(turn.now, bare)
    except Recurring:
        said = read_repeat(turn.now, day=bare).repeat.parts
        return timer.repeat is not None and timer.repeat.parts.get("BYDAY") == said.get("BYDAY")
    if timer.repeat is not None and timer.moment and timer.moment.date() < wanted:
        midnight = datetime.combine(wanted, datetime.min.time())
        return bool(timer.repeat.between(midnight, midnight.replace(hour=23, minute=59, second=59)))
    return timer.moment is not None and timer.moment.date() == wanted


# --- the skills

@dataclass(frozen=True)
class WhichAlarm:
    """The slots that say which alarm is meant."""

    at: str | None = None
    date: str | None = None
    name: str | None = None

    def among(self, timers: Sequence[Timer], turn: Turn) -> list[Timer]:
        picked = [timer for timer in timers if self.name == f"timer.{timer.id}"]
        if picked:
            return picked
        name = plain_name(self.name)
        return [timer for timer in at_that_time(timers, turn, self.at, self.date)
                if name is None or (timer.name and alike(name, timer.name))]


@skill
class SetAlarm:
    """Wake at a time, once or again and again. "wake me at 6:30 on weekdays" -> "Alarm set for every weekday at 6:30 AM." """

    intent = "SetAlarm"

    @dataclass(frozen=True)
    class Slots:
        at: str | None = None
        in_: str | None = None
        date: str | None = None
        name: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        try:
            when = when_said(turn, slots.at, slots.in_, slots.date, wake=True, question="For what time?")
            if not when.timed:
                raise Unclear("For what time?")
            alarm = set_for(turn, "alarm", when, plain_name(slots.name), turn.speaker)
        except NoMoment as error:
            return Done(reply=str(error))
        told = re.sub(r"^(at|on) ", "", spoken_when(alarm, turn.now))
        label = f"{alarm.name} alarm" if alarm.name else "alarm"
        return Done(reply=f"{sentence(label)} set for {told}.", facts=(alarm,))


@skill
class CancelAlarm:
    """Cancel an alarm, skip one of its days, or stop one that rings. "cancel my alarm" -> "Cancelled the 7 AM alarm." """

    intent = "CancelAlarm"
    Slots = WhichAlarm

    async def handle(self, slots: WhichAlarm, turn: Turn) -> Done:
        store = store_of(turn)
        alarms = store.all("alarm")
        if slots == WhichAlarm() and any(alarm.state == "ringing" for alarm in alarms):
            return stop_ringing(store) or Done(reply="Nothing is ringing.")
        found = slots.among(alarms, turn)
        if not found:
            return Done(reply="There is no such alarm." if alarms else "There is no alarm set.")
        if len(found) > 1 and not re.search(r"\b(all|every|both|alarms|any)\b", turn.text.lower()):
            labels = [alarm.label for alarm in found]
            named = spoken_list([f"the {label}" for label in labels], joint="or")
            raise Unclear(f"Which alarm: {named}?", choices=[f"timer.{alarm.id}" for alarm in found], labels=labels)
        day = one_day_of(found, slots.date, turn)
        if day is not None:
            return Done(reply=skipped(store, found[0], day, turn), facts=tuple(found))
        for alarm in found:
            store.cancel(alarm)
        what = f"the {found[0].label}" if len(found) == 1 else f"{len(found)} alarms"
        return Done(reply=f"Cancelled {what}.", facts=tuple(found))


def one_day_of(found: Sequence[Timer], day: str | None, turn: Turn) -> date | None:
    """The day, where what is cancelled is only one time of one that repeats: "skip tomorrow's alarm"; None: all of it is."""
    if len(found) != 1 or found[0].repeat is None or found[0].moment is None:
        return None
    try:
        if day is not None:
            return read_day(turn.now, re.sub(r"'s\b", "", day))
    except MomentError:
        return None
    return found[0].moment.date() if re.search(r"\bskip\b", turn.text.lower()) else None


def skipped(store: TimerStore, timer: Timer, day: date, turn: Turn) -> str:
    """Leave out that day, and tell when it is next."""
    label, following = timer.label, store.skip(timer, day)
    left_out = spoken_day(day, turn.now.date())
    if following.state == "gone" or following.moment is None:
        return f"Skipped the {label} {left_out}; that was its last time."
    return f"Skipped the {label} {left_out}. The next is {spoken_moment(following.moment, turn.now)}."


@skill
class AlarmStatus:
    """Which alarms are set. "when does my alarm go off?" -> "There is an alarm at 7 AM tomorrow." """

    intent = "AlarmStatus"
    Slots = WhichAlarm

    async def handle(self, slots: WhichAlarm, turn: Turn) -> Done:
        store = store_of(turn)
        alarms = store.all("alarm")
        found, missed = slots.among(alarms, turn), told_missed(store, "alarm")
        if not found:
            any_then = alarms and slots != WhichAlarm()
            return Done(reply=missed or ("There is no alarm then." if any_then else "There is no alarm set."))
        named = [f"{alarm.name + ' ' if alarm.name else ''}{spoken_when(alarm, turn.now)}" for alarm in found]
        told = f"There is {_a(found[0])} {spoken_when(found[0], turn.now)}." if len(found) == 1 else (
            f"There are {len(found)} alarms: {spoken_list(named)}.")
        return Done(reply=" ".join(filter(None, [told, missed])), facts=tuple(found))


def _a(alarm: Timer) -> str:
    noun = f"{alarm.name} alarm" if alarm.name else "alarm"
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


@skill
class Snooze:
    """Let what rings ring again later. "snooze" -> "I'll ring again in 9 minutes." """

    intent = "Snooze"

    @dataclass(frozen=True)
    class Slots:
        in_: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        store = store_of(turn)
        ringing = [timer for timer in store.all() if timer.state == "ringing"]
        if not ringing:
            return Done(reply="Nothing is ringing.")
        try:
            length_s = read_length(slots.in_, default_unit="minutes").total_seconds() if slots.in_ else SNOOZE_S
        except NotUnderstood as error:
            raise Unclear("For how long?") from error
        again = tuple(store.snooze(timer, length_s) for timer in ringing)
        return Done(reply=f"I'll ring again in {spoken_length(length_s)}.", facts=again)
