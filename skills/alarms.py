"""Alarms to wake by and reminders, once each. They live in the store of the timers (`skills/timers.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rapidfuzz import fuzz

from .api import Done, Turn, Unclear, skill
from .moments import (
    Moment,
    MomentError,
    NotUnderstood,
    Past,
    Recurring,
    read_day,
    read_length,
    read_moment,
    spoken_length,
    spoken_moment,
)
from .slots import spoken_list
from .timers import MAX_TIMERS, NAME_SCORE, Timer, TooMany, alike, plain_name, stop_ringing, store_of
from .wording import sentence

SNOOZE_S = 9 * 60


class _NoMoment(Exception):
    """No alarm can be set for that; the message is spoken."""


def _moment(
    turn: Turn, at: str | None, in_: str | None, day: str | None, *, wake: bool, question: str
) -> Moment:
    """The moment meant. Raises: _NoMoment; Unclear: none was said."""
    if not (at or in_ or day):
        raise Unclear(question)
    try:
        return read_moment(turn.now, at=at, in_=in_, day=day, wake=wake)
    except NotUnderstood as error:
        raise _NoMoment("I can only do that at a time of day or after a length of time. I set nothing.") from error
    except Recurring as error:
        raise _NoMoment("I can't do that again and again yet, only once. I set nothing.") from error
    except Past as error:
        raise _NoMoment("That moment has passed. I set nothing.") from error


def _set(turn: Turn, kind: str, when: datetime, name: str | None, speaker: str | None) -> Timer:
    """Raises: _NoMoment: there are too many already."""
    try:
        length_s = when.timestamp() - turn.now.timestamp()
        return store_of(turn).start(length_s, kind=kind, name=name, area=turn.area, speaker=speaker)
    except TooMany as error:
        raise _NoMoment(f"There are {MAX_TIMERS} already; cancel one first.") from error


def _when(timer: Timer, now: datetime) -> str:
    if timer.state == "ringing" or timer.ends_at is None:
        return "ringing now"
    return spoken_moment(timer.ends_at, now)


def _on(timers: Sequence[Timer], turn: Turn, at: str | None, day: str | None) -> list[Timer]:
    """Those at that time of day (said with AM or PM or without) and on that day; words that are no time choose none."""
    found = list(timers)
    try:
        if at:
            times = [read_moment(turn.now, at=at, wake=wake).when for wake in (True, False)]
            clocks = {(time.hour, time.minute) for time in times}
            found = [timer for timer in found if timer.ends_at and (timer.ends_at.hour, timer.ends_at.minute) in clocks]
        if day:
            wanted = read_day(turn.now, re.sub(r"\b(morning|afternoon|evening|night)\b", "", day))
            found = [timer for timer in found if timer.ends_at and timer.ends_at.date() == wanted]
    except MomentError:
        return []
    return found


# --- alarms

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
        return [timer for timer in _on(timers, turn, self.at, self.date)
                if name is None or (timer.name and alike(name, timer.name))]


@skill
class SetAlarm:
    """Wake at a time, once. "wake me at half past six" -> "Alarm set for 6:30 AM tomorrow." """

    intent = "SetAlarm"

    @dataclass(frozen=True)
    class Slots:
        at: str | None = None
        in_: str | None = None
        date: str | None = None
        name: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        try:
            moment = _moment(turn, slots.at, slots.in_, slots.date, wake=True, question="For what time?")
            if not moment.timed:
                raise Unclear("For what time?")
            alarm = _set(turn, "alarm", moment.when, plain_name(slots.name), turn.speaker)
        except _NoMoment as error:
            return Done(reply=str(error))
        when = re.sub(r"^(at|on) ", "", _when(alarm, turn.now))
        label = f"{alarm.name} alarm" if alarm.name else "alarm"
        return Done(reply=f"{sentence(label)} set for {when}.", facts=(alarm,))


@skill
class CancelAlarm:
    """Cancel an alarm, or stop one that rings. "cancel my alarm" -> "Cancelled the 7 AM alarm." """

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
        for alarm in found:
            store.cancel(alarm)
        what = f"the {found[0].label}" if len(found) == 1 else f"{len(found)} alarms"
        return Done(reply=f"Cancelled {what}.", facts=tuple(found))


@skill
class AlarmStatus:
    """Which alarms are set. "when does my alarm go off?" -> "There is an alarm at 7 AM tomorrow." """

    intent = "AlarmStatus"
    Slots = WhichAlarm

    async def handle(self, slots: WhichAlarm, turn: Turn) -> Done:
        alarms = store_of(turn).all("alarm")
        found = slots.among(alarms, turn)
        if not found:
            any_then = alarms and slots != WhichAlarm()
            return Done(reply="There is no alarm then." if any_then else "There is no alarm set.")
        named = [f"{alarm.name + ' ' if alarm.name else ''}{_when(alarm, turn.now)}" for alarm in found]
        if len(found) == 1:
            return Done(reply=f"There is {_a(found[0])} {_when(found[0], turn.now)}.", facts=tuple(found))
        return Done(reply=f"There are {len(found)} alarms: {spoken_list(named)}.", facts=tuple(found))


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
        again = tuple(store.lengthen(timer, length_s) for timer in ringing)
        return Done(reply=f"I'll ring again in {spoken_length(length_s)}.", facts=again)


# --- reminders

@skill
class SetReminder:
    """Remind of something, once. "remind me at six to feed the cat" -> "I'll remind you at 6 PM: feed the cat." """

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
            moment = _moment(turn, slots.at, slots.in_, slots.date, wake=False, question="When should I remind you?")
            reminder = _set(turn, "reminder", moment.when, message, slots.name or turn.speaker)
        except _NoMoment as error:
            return Done(reply=str(error))
        told = f"I'll remind {slots.name or 'you'} {_when(reminder, turn.now)}: {message}."
        return Done(reply=told, facts=(reminder,))


@skill
class ListReminders:
    """What there is to be reminded of. "what reminders have I got?" -> "Feed the cat, at 6 PM." """

    intent = "ListReminders"

    @dataclass(frozen=True)
    class Slots:
        date: str | None = None
        at: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        reminders = _on(store_of(turn).all("reminder"), turn, slots.at, slots.date)
        if not reminders:
            return Done(reply="There are no reminders then." if slots != self.Slots() else "There are no reminders.")
        told = [f"{reminder.name}, {_when(reminder, turn.now)}" for reminder in reminders]
        return Done(reply=f"{sentence('; '.join(told))}.", facts=tuple(reminders))


@skill
class CancelReminder:
    """Forget a reminder. "cancel the reminder about the cat" -> "Cancelled the reminder: feed the cat." """

    intent = "CancelReminder"

    @dataclass(frozen=True)
    class Slots:
        message: str | None = None
        date: str | None = None
        at: str | None = None
        name: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        store = store_of(turn)
        reminders = store.all("reminder")
        found = [each for each in _on(reminders, turn, slots.at, slots.date) if self._meant(each, slots)]
        if not found:
            return Done(reply="There is no such reminder." if reminders else "There are no reminders.")
        if len(found) > 1 and not re.search(r"\b(all|every|both|reminders|any)\b", turn.text.lower()):
            labels = [str(reminder.name) for reminder in found]
            raise Unclear(f"Which one: {spoken_list(labels, joint='or')}?",
                          choices=[f"timer.{reminder.id}" for reminder in found], labels=labels)
        for reminder in found:
            store.cancel(reminder)
        what = f"the reminder: {found[0].name}" if len(found) == 1 else f"{len(found)} reminders"
        return Done(reply=f"Cancelled {what}.", facts=tuple(found))

    def _meant(self, reminder: Timer, slots: Slots) -> bool:
        if slots.name is not None and slots.name.startswith("timer."):
            return slots.name == f"timer.{reminder.id}"
        if slots.name is not None and not (reminder.speaker and alike(slots.name, reminder.speaker)):
            return False
        if slots.message is None:
            return True
        return fuzz.token_set_ratio(slots.message.lower(), str(reminder.name).lower()) >= NAME_SCORE
