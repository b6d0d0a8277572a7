"""Timers: a store that survives restarts, and the skills that set, change and stop them.

Service `turn.services["timers"]`: a `TimerStore`. It also keeps alarms, reminders and the calendar's events (`skills/alarms.py`,
`skills/reminders.py`), which differ by `Timer.kind`. The app opens it on the skills' database, runs `store.run()` as a task,
and mirrors `on_change`:

    store = TimerStore(open_database(path), clock=lambda: datetime.now(zone), on_change=publish, steady=since_boot)

`on_change(timer)` comes after every change, with the timer as it now is. state "ringing": sound it; "missed": its moment went by
unheard; "gone": it was cancelled, stopped or rang itself out, so clear its retained topic. `store.on_due(timer)` comes once for
each that begins to ring or was missed: say it.

What counts seconds (`start`) goes on counting them when the clock is set; what has a time of day (`schedule`) follows the clock.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from rapidfuzz import fuzz

from .api import Done, Turn, Unclear, skill
from .moments import MAX_LENGTH, after, local, spoken_length, spoken_time
from .recurrence import Repeat
from .slots import spoken_list
from .steady import Steady, Steps
from .storage import transaction
from .wording import sentence
from .words import fold, phonetic

MAX_TIMERS = 200            # of all kinds but events
MAX_EVENTS = 5_000
RING_LIMIT_S = 15 * 60      # what nobody stops falls silent after this; what is later than this was missed
MISSED_KEPT_S = 24 * 3600   # what was missed is told to whoever asks, for so long
LONGEST_SLEEP_S = 30.0      # so that a step of the system clock is noticed
NAME_SCORE = 80             # 0..100: names this alike are the same, spelling slips included
HEARD_SCORE = 60            # and so are these, if they sound the same


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A countdown, alarm, reminder or event. Times are aware, in the household's zone, but for `wall`."""

    id: str
    kind: str = "timer"              # "timer", "alarm", "reminder", "event"
    name: str | None = None          # "pasta"; of a reminder, what to remember
    area: str | None = None          # the room it was set in or for
    speaker: str | None = None       # who set it, or whom to remind
    session: str | None = None       # the conversation it was set in, as the satellite named it
    state: str = "running"           # "running", "paused", "ringing", "missed", "gone"
    duration_s: float                # as it was set, lengthening included; of an event, how long it takes
    ends_at: datetime | None = None  # when it rings; None while paused
    paused_s: float | None = None    # what was left when it was paused
    wall: datetime | None = None     # what the clock on the wall shows at its moment, without a zone; None: it counts seconds
    repeat: Repeat | None = None
    snoozed: bool = False            # rings again after a length of time, whatever `wall` says
    lead_s: float | None = 0.0       # how long before its moment it rings; None: never, it only stands in the calendar
    uid: str | None = None           # of an event from an iCalendar file

    def remaining_s(self, now: datetime) -> float:
        """Seconds until it rings, at least 0."""
        if self.ends_at is None:
            return self.paused_s or 0.0
        return max(0.0, self.ends_at.timestamp() - now.timestamp())

    @property
    def moment(self) -> datetime | None:
        """When it is, which is not when it rings if it rings ahead of it."""
        if self.ends_at is None or self.snoozed:
            return self.ends_at
        return self.ends_at if self.wall is None else local(self.ends_at, self.wall)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """What is mirrored, retained, on `ingle/timer/<id>`; of reminders and events on `ingle/reminder/<id>`."""
        data: dict[str, Any] = {
            "id": self.id, "kind": self.kind, "name": self.name, "area": self.area, "state": self.state,
            "duration_s": round(self.duration_s), "remaining_s": round(self.remaining_s(now)),
            "ends_at": self.ends_at.isoformat(timespec="seconds") if self.ends_at else None,
        }
        more = {"speaker": self.speaker, "session": self.session, "repeat": self.repeat.spoken if self.repeat else None}
        return data | {key: value for key, value in more.items() if value is not None}

    @property
    def label(self) -> str:
        """How it is called: "pasta timer", "10 minute timer", "7 AM alarm", "weekday 7 AM alarm"."""
        if self.name:
            return f"{self.name} {self.kind}"
        if self.kind != "timer" and self.ends_at:
            often = f"{_how_often(self.repeat)} " if self.repeat else ""
            return f"{often}{spoken_time(self.wall or self.ends_at)} {self.kind}"
        return f"{_as_adjective(self.duration_s)} {self.kind}"


def _how_often(repeat: Repeat) -> str:
    """"weekday", "Tuesday", "daily"."""
    every = repeat.spoken.partition(" at ")[0].removeprefix("every ")
    return {"day": "daily", "week": "weekly", "month": "monthly"}.get(every, every)


def _as_adjective(seconds: float) -> str:
    """"10 minute", as in "10 minute timer"."""
    return re.sub(r"s\b", "", spoken_length(seconds))


class TooMany(Exception):
    """There are `MAX_TIMERS` timers already."""


class TimerStore:
    """Timers of all kinds, on disk. The clock is handed in: aware, in the household's zone.

    Args: steady: a clock that nobody sets, to notice that the other one was set (`steady.since_boot`); None: nothing is noticed.
    """

    def __init__(
        self, database: sqlite3.Connection, *, clock: Callable[[], datetime],
        on_change: Callable[[Timer], None] = lambda timer: None, steady: Steady | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_change = on_change
        self._steps = Steps(database, steady)
        self.on_due: Callable[[Timer], None] = lambda timer: None   # hears once of each that rings, or was missed
        self._changed = asyncio.Event()
        self.mind_the_clock()

    # setting

    def start(
        self, duration_s: float, *, kind: str = "timer", name: str | None = None, area: str | None = None,
        speaker: str | None = None, session: str | None = None,
    ) -> Timer:
        """Start one that rings `duration_s` seconds from now. Raises: TooMany."""
        ends_at = after(self._clock(), timedelta(seconds=duration_s))
        return self._add(Timer(id=secrets.token_hex(4), kind=kind, name=name, area=area, speaker=speaker, session=session,
                               duration_s=duration_s, ends_at=ends_at))

    def schedule(
        self, when: datetime | Repeat, *, kind: str, name: str | None = None, area: str | None = None,
        speaker: str | None = None, session: str | None = None, lead_s: float | None = 0.0, lasts_s: float = 0.0,
        uid: str | None = None,
    ) -> Timer:
        """Set one for a time of day: of one day, or again and again.

        Raises: TooMany; ValueError: the rule has no time to come.
        """
        now = self._clock()
        wall = when.after(now) if isinstance(when, Repeat) else when.replace(tzinfo=None)
        if wall is None:
            raise ValueError("the rule has no time to come")
        timer = Timer(id=secrets.token_hex(4), kind=kind, name=name, area=area, speaker=speaker, session=session, wall=wall,
                      repeat=when if isinstance(when, Repeat) else None, lead_s=lead_s, uid=uid, duration_s=lasts_s,
                      ends_at=self._rings_at(wall, lead_s))
        if not lasts_s and kind != "event":
            timer = replace(timer, duration_s=timer.remaining_s(now))
        return self._add(timer)

    def _add(self, timer: Timer) -> Timer:
        events, most = timer.kind == "event", MAX_EVENTS if timer.kind == "event" else MAX_TIMERS
        if self._database.execute("SELECT count(*) FROM timers WHERE (kind = 'event') = ?", (events,)).fetchone()[0] >= most:
            raise TooMany
        return self._save(timer)

    def _rings_at(self, wall: datetime, lead_s: float | None) -> datetime:
        return after(local(self._clock(), wall), timedelta(seconds=-(lead_s or 0.0)))

    # finding

    def all(self, *kinds: str) -> list[Timer]:
        """Those that are not gone, ringing first, then soonest first, paused last; of some kinds, or of every kind."""
        wanted = f"kind IN ({', '.join('?' * len(kinds))}) AND " if kinds else ""
        rows = self._database.execute(
            f"SELECT * FROM timers WHERE {wanted} state != 'missed'"
            " ORDER BY state != 'ringing', ends_at IS NULL, ends_at, rowid", kinds)
        return [self._timer(row) for row in rows]

    def missed(self, *kinds: str) -> list[Timer]:
        """Those whose moment went by unheard, oldest first."""
        rows = self._database.execute("SELECT * FROM timers WHERE state = 'missed' ORDER BY ends_at").fetchall()
        return [self._timer(row) for row in rows if not kinds or row["kind"] in kinds]

    @property
    def rings(self) -> bool:
        """Whether anything rings now."""
        return self._database.execute("SELECT 1 FROM timers WHERE state = 'ringing' LIMIT 1").fetchone() is not None

    def newest(self, session: str | None, area: str | None, since: float) -> tuple[float, Timer] | None:
        """The one set last in this conversation, not before `since`, and when (both Unix seconds)."""
        row = self._database.execute(
            "SELECT * FROM timers WHERE session IS ? AND area IS ? AND state IN ('running', 'ringing') AND made_at >= ?"
            " ORDER BY made_at DESC LIMIT 1", (session, area, since)).fetchone()
        return None if row is None else (row["made_at"], self._timer(row))

    # changing

    def cancel(self, timer: Timer) -> Timer:
        """Remove it, with all its repetitions; a ringing one falls silent."""
        with transaction(self._database):
            self._database.execute("DELETE FROM timers WHERE id = ?", (timer.id,))
        return self._tell(replace(timer, state="gone"))

    def restore(self, timer: Timer) -> Timer:
        """Put back one that was cancelled or changed, as it was. One whose moment has passed meanwhile rings, or was missed."""
        return self._save(timer)

    def stop(self, timer: Timer) -> Timer:
        """Silence it: one that repeats waits for its next time, any other is gone."""
        following = self._next_of(timer)
        return self.cancel(timer) if following is None else self._save(following)

    def skip(self, timer: Timer, day: date) -> Timer:
        """Leave out a day of one that repeats."""
        if timer.repeat is None or (timer.wall is not None and timer.wall.date() == day):
            return self.stop(timer)
        midnight = datetime.combine(day, time(0))
        left_out = timer.repeat.between(midnight, midnight + timedelta(days=1))
        rule = "\n".join([timer.repeat.rule, *(f"EXDATE:{moment:%Y%m%dT%H%M%S}" for moment in left_out)])
        return self._save(replace(timer, repeat=Repeat(rule)))

    def _next_of(self, timer: Timer) -> Timer | None:
        """The same at its next time; never one that has been, even if the clock was put back."""
        if timer.repeat is None:
            return None
        reached = self._clock().replace(tzinfo=None)
        wall = timer.repeat.after(max(reached, timer.wall) if timer.wall else reached)
        if wall is None:
            return None
        return replace(timer, state="running", wall=wall, snoozed=False, ends_at=self._rings_at(wall, timer.lead_s))

    def pause(self, timer: Timer) -> Timer:
        return self._save(replace(timer, state="paused", ends_at=None, paused_s=timer.remaining_s(self._clock())))

    def resume(self, timer: Timer) -> Timer:
        now = self._clock()
        ends_at = after(now, timedelta(seconds=timer.remaining_s(now)))
        return self._save(replace(timer, state="running", ends_at=ends_at, paused_s=None))

    def lengthen(self, timer: Timer, seconds: float) -> Timer:
        """Let it run `seconds` longer (shorter when negative, at least 0 left); a ringing one runs again that long."""
        now = self._clock()
        left_s = max(0.0, timer.remaining_s(now) + seconds)
        duration_s = max(1.0, timer.duration_s + seconds)
        if timer.state == "paused":
            return self._save(replace(timer, duration_s=duration_s, paused_s=left_s))
        ends_at = after(now, timedelta(seconds=left_s))
        return self._save(replace(timer, state="running", duration_s=duration_s, ends_at=ends_at))

    def snooze(self, timer: Timer, seconds: float) -> Timer:
        """Let what rings ring again after so long; the next of its regular times is not moved by that."""
        ends_at = after(self._clock(), timedelta(seconds=seconds))
        return self._save(replace(timer, state="running", ends_at=ends_at, snoozed=timer.wall is not None))

    # time passes

    def due(self, now: datetime) -> list[Timer]:
        """Let those ring whose moment has come, silence those that rang too long; returns those that begin to ring."""
        begun = []
        for timer in self._reached(now):
            if timer.lead_s is None:
                self.stop(timer)
            elif self._is_missed(timer, now):
                self._miss(timer)
            else:
                begun.append(self._save(replace(timer, state="ringing"), rang_at=now))
                self.on_due(begun[-1])
        for timer in self._rung_out(now):
            self._fall_silent(timer)
        for timer in self.missed():
            if timer.ends_at is not None and now.timestamp() - timer.ends_at.timestamp() > MISSED_KEPT_S:
                self.cancel(timer)
        return begun

    def _reached(self, now: datetime) -> list[Timer]:
        rows = self._database.execute(
            "SELECT * FROM timers WHERE state = 'running' AND ends_at <= ? ORDER BY ends_at, rowid",
            (now.timestamp(),)).fetchall()
        return [self._timer(row) for row in rows]

    def _rung_out(self, now: datetime) -> list[Timer]:
        rows = self._database.execute(
            "SELECT * FROM timers WHERE state = 'ringing' AND rang_at <= ?", (now.timestamp() - RING_LIMIT_S,)).fetchall()
        return [self._timer(row) for row in rows]

    def _is_missed(self, timer: Timer, now: datetime) -> bool:
        """A reminder is worth hearing late; an alarm or a countdown rings for nobody by then."""
        late_s = now.timestamp() - timer.ends_at.timestamp() if timer.ends_at else 0.0
        return late_s > RING_LIMIT_S and timer.kind != "reminder"

    def _miss(self, timer: Timer) -> None:
        following = self._next_of(timer)
        missed = replace(timer, state="missed")
        self._save(missed if following is None else following)
        self.on_due(missed)

    def _fall_silent(self, timer: Timer) -> None:
        """Nobody came. What had to be remembered is kept for whoever asks."""
        if timer.kind == "reminder" and timer.repeat is None:
            self._save(replace(timer, state="missed"))
        else:
            self.stop(timer)

    def mind_the_clock(self) -> None:
        """If the clock was set, or the zone is another one, what is on disk is moved accordingly, and told."""
        if self._steps.take(self._clock()):
            for timer in self.all():
                self._tell(timer)

    async def run(self) -> None:
        """Ring every timer at its moment, those missed while off at once; never returns: cancel the task to end it."""
        version = -1
        while True:
            self.mind_the_clock()
            now = self._clock()
            if version != (version := self._others_changes()):
                for timer in self.all():
                    self._tell(timer)  # the mirror may be older than the disk
            self.due(now)
            await sleep_until_due(self._next_event_s(now), self._changed)

    def _others_changes(self) -> int:
        """Another number whenever another process has changed the file: `ingle calendar import`."""
        return int(self._database.execute("PRAGMA data_version").fetchone()[0])

    def _next_event_s(self, now: datetime) -> float | None:
        row = self._database.execute(
            "SELECT min(CASE state WHEN 'ringing' THEN rang_at + ? ELSE ends_at END) FROM timers"
            " WHERE state IN ('running', 'ringing')", (RING_LIMIT_S,)).fetchone()
        return None if row[0] is None else float(row[0]) - now.timestamp()

    def _save(self, timer: Timer, *, rang_at: datetime | None = None) -> Timer:
        with transaction(self._database):
            self._database.execute(
                "INSERT INTO timers (id, kind, name, area, speaker, session, state, duration_s, ends_at, remaining_s, rang_at,"
                " wall, repeat, snoozed, lead_s, uid, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET state = excluded.state, duration_s = excluded.duration_s,"
                " name = excluded.name, ends_at = excluded.ends_at, remaining_s = excluded.remaining_s,"
                " rang_at = excluded.rang_at, wall = excluded.wall, repeat = excluded.repeat, snoozed = excluded.snoozed,"
                " lead_s = excluded.lead_s",
                (timer.id, timer.kind, timer.name, timer.area, timer.speaker, timer.session, timer.state, timer.duration_s,
                 timer.ends_at.timestamp() if timer.ends_at else None, timer.paused_s,
                 rang_at.timestamp() if rang_at else None, timer.wall.isoformat() if timer.wall else None,
                 timer.repeat.rule if timer.repeat else None, timer.snoozed, timer.lead_s, timer.uid,
                 self._clock().timestamp()))
        return self._tell(timer)

    def _tell(self, timer: Timer) -> Timer:
        self._changed.set()
        self._on_change(timer)
        return timer

    def _timer(self, row: sqlite3.Row) -> Timer:
        ends_at = None if row["ends_at"] is None else datetime.fromtimestamp(row["ends_at"], self._clock().tzinfo)
        return Timer(id=row["id"], kind=row["kind"], name=row["name"], area=row["area"], speaker=row["speaker"],
                     session=row["session"], state=row["state"], duration_s=row["duration_s"], ends_at=ends_at,
                     paused_s=row["remaining_s"], wall=datetime.fromisoformat(row["wall"]) if row["wall"] else None,
                     repeat=Repeat(row["repeat"]) if row["repeat"] else None, snoozed=bool(row["snoozed"]),
                     lead_s=row["lead_s"], uid=row["uid"])


async def sleep_until_due(seconds: float | None, changed: asyncio.Event) -> None:
    """Sleep for `seconds` (None: nothing is due), less when `changed` is set; never past `LONGEST_SLEEP_S`."""
    wait_s = LONGEST_SLEEP_S if seconds is None else min(max(seconds, 0.0), LONGEST_SLEEP_S)
    changed.clear()
    try:
        async with asyncio.timeout(wait_s):
            await changed.wait()
    except TimeoutError:
        return


# --- which timer is meant

@dataclass(frozen=True)
class WhichTimer:
    """The slots that say which timer is meant."""

    name: str | None = None
    area: str | None = None
    start_hours: int | float | None = None
    start_minutes: int | float | None = None
    start_seconds: int | float | None = None

    @property
    def start_s(self) -> float:
        return seconds_of(self.start_hours, self.start_minutes, self.start_seconds)


class NoSuchTimer(LookupError):
    """No timer is meant by that; the message is spoken."""


def seconds_of(hours: float | None, minutes: float | None, seconds: float | None) -> float:
    return (hours or 0) * 3600 + (minutes or 0) * 60 + (seconds or 0)


_NO_NAME = frozenset({"", "it", "that", "this", "that one", "this one", "one", "them", "current", "all", "egg timer"})
_FRAME = re.compile(r"\b(?:the|my|a|an|our|that|timers?|alarms?|countdowns?|for|called|named)\b|[^\w\s]")


def plain_name(said: str | None) -> str | None:
    """The name without what stands around it: "the pasta timer" -> "pasta"; None when nothing is left."""
    name = " ".join(_FRAME.sub(" ", (said or "").lower()).split())
    return None if name in _NO_NAME else name


def alike(one: str, other: str) -> bool:
    """Whether two names are the same but for spelling or hearing ("tee" and "tea"), or one is part of the other."""
    a, b = fold(one), fold(other)
    score = fuzz.ratio(" ".join(a), " ".join(b))
    sound_alike = score >= HEARD_SCORE and [phonetic(word) for word in a] == [phonetic(word) for word in b]
    return score >= NAME_SCORE or sound_alike or set(a) <= set(b) or set(b) <= set(a)


def matching(timers: Sequence[Timer], which: WhichTimer, *, heard_in: str | None) -> list[Timer]:
    """Those that `which` can mean. With nothing said, the room it was heard in decides between several."""
    for timer in timers:
        if which.name in (timer.id, f"timer.{timer.id}"):  # the answer to "which one?"
            return [timer]
    found, name = list(timers), plain_name(which.name)
    if name is not None:
        found = [timer for timer in found if any(alike(name, own) for own in (timer.name, timer.area) if own)]
    if which.area is not None:
        area = which.area
        found = [timer for timer in found if any(alike(area, own) for own in (timer.area, timer.name) if own)]
    if which.start_s:
        found = [timer for timer in found if round(timer.duration_s) == round(which.start_s)]
    if len(found) > 1 and name is None and which.area is None and not which.start_s:
        here = [timer for timer in found if heard_in and timer.area == heard_in]
        found = here or found
    return found


def choose(timers: Sequence[Timer], which: WhichTimer, turn: Turn, *, kind: str = "timer") -> Timer:
    """The one timer that is meant. Raises: NoSuchTimer; Unclear: several are, the choices are `timer.<id>`."""
    found = matching(timers, which, heard_in=turn.area)
    if not found:
        raise NoSuchTimer(_none_such(which, kind, bool(timers)))
    if len(found) > 1:
        labels = [timer.label for timer in found]
        named = spoken_list([f"the {label}" for label in labels], joint="or")
        raise Unclear(f"Which {kind}: {named}?", choices=[f"timer.{timer.id}" for timer in found], labels=labels)
    return found[0]


def _none_such(which: WhichTimer, kind: str, any_at_all: bool) -> str:
    name = plain_name(which.name)
    if not any_at_all:
        return f"There is no {kind} set."
    if name:
        return f"There is no {name} {kind}."
    if which.start_s:
        return f"There is no {_as_adjective(which.start_s)} {kind}."
    return f"There is no {kind} in the {which.area}."


# --- skills

@skill
class StartTimer:
    """Start a countdown. "set a ten minute pasta timer" -> "Pasta timer set for 10 minutes." """

    intent = "HassStartTimer"

    @dataclass(frozen=True)
    class Slots:
        hours: int | float | None = None
        minutes: int | float | None = None
        seconds: int | float | None = None
        name: str | None = None
        area: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        duration_s = seconds_of(slots.hours, slots.minutes, slots.seconds)
        if duration_s <= 0:
            raise Unclear("How long should the timer run?")
        if duration_s > MAX_LENGTH.total_seconds():
            return Done(reply="That is longer than a year; I won't keep a timer for that.")
        name = plain_name(slots.name)
        try:
            timer = store_of(turn).start(
                duration_s, name=name, area=slots.area or turn.area, speaker=turn.speaker, session=turn.session)
        except TooMany:
            return Done(reply=f"There are {MAX_TIMERS} timers already; cancel one first.")
        label = sentence(f"{name} timer" if name else "timer")
        where = f" in the {slots.area}" if slots.area else ""
        return Done(reply=f"{label} set for {spoken_length(duration_s)}{where}.", facts=(timer,))


class _OnOneTimer:
    """What the skills share that act on one timer: find it, then `act`."""

    Slots: ClassVar[type] = WhichTimer

    async def handle(self, slots: Any, turn: Turn) -> Done:
        store = store_of(turn)
        try:
            timer = choose(store.all("timer"), slots, turn)
        except NoSuchTimer as error:
            return Done(reply=str(error))
        return self.act(store, timer, slots, turn)

    def act(self, store: TimerStore, timer: Timer, slots: Any, turn: Turn) -> Done:
        raise NotImplementedError


@skill
class CancelTimer(_OnOneTimer):
    """Cancel a timer, or stop one that rings. "stop the timer" -> "Stopped the pasta timer." """

    intent = "HassCancelTimer"

    async def handle(self, slots: Any, turn: Turn) -> Done:
        if plain_name(slots.name) is None and slots == WhichTimer(name=slots.name):
            stopped = stop_ringing(store_of(turn))  # with something ringing there is nothing to ask
            if stopped is not None:
                return stopped
        return await super().handle(slots, turn)

    def act(self, store: TimerStore, timer: Timer, slots: Any, turn: Turn) -> Done:
        store.stop(timer)
        if timer.state == "ringing":
            return Done(reply=f"Stopped the {timer.label}.", facts=(timer,))
        return Done(reply=f"{sentence(timer.label)} cancelled.", facts=(timer,))


@skill
class CancelAllTimers:
    """Cancel every timer, or those of a room, but for those named. "cancel all timers" -> "Cancelled 3 timers." """

    intent = "HassCancelAllTimers"

    @dataclass(frozen=True)
    class Slots:
        area: str | None = None
        except_name: tuple[str, ...] = ()

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        store = store_of(turn)
        timers = matching(store.all("timer"), WhichTimer(area=slots.area), heard_in=None)
        kept = [timer for said in slots.except_name for timer in matching(timers, WhichTimer(name=said), heard_in=None)]
        if slots.except_name and not kept:
            return Done(reply=f"There is no {spoken_list(slots.except_name, joint='or')} timer, so I cancelled none.")
        cancelled = [store.cancel(timer) for timer in timers if timer not in kept]
        return Done(reply=_cancelled(cancelled, slots.area), facts=tuple(cancelled))


def _cancelled(timers: Sequence[Timer], area: str | None) -> str:
    where = f" in the {area}" if area else ""
    if not timers:
        return f"There is no timer{where} to cancel."
    if len(timers) == 1:
        return f"Cancelled the {timers[0].label}."
    return f"Cancelled {len(timers)} timers{where}."


@dataclass(frozen=True)
class ChangeTimer(WhichTimer):
    """Which timer, and by how much."""

    hours: int | float | None = None
    minutes: int | float | None = None
    seconds: int | float | None = None

    @property
    def change_s(self) -> float:
        return seconds_of(self.hours, self.minutes, self.seconds)


@skill
class IncreaseTimer(_OnOneTimer):
    """Let a timer run longer. "add five minutes to the pasta timer" -> "Pasta timer: 12 minutes left." """

    intent = "HassIncreaseTimer"
    Slots = ChangeTimer

    def act(self, store: TimerStore, timer: Timer, slots: ChangeTimer, turn: Turn) -> Done:
        if slots.change_s <= 0:
            raise Unclear("How much longer?")
        if timer.remaining_s(turn.now) + slots.change_s > MAX_LENGTH.total_seconds():
            return Done(reply="That is longer than a year; I left the timer as it was.")
        return _left(store.lengthen(timer, slots.change_s), timer.label, turn)


@skill
class DecreaseTimer(_OnOneTimer):
    """Let a timer ring sooner. "take two minutes off the timer" -> "10 minute timer: 5 minutes left." """

    intent = "HassDecreaseTimer"
    Slots = ChangeTimer

    def act(self, store: TimerStore, timer: Timer, slots: ChangeTimer, turn: Turn) -> Done:
        if slots.change_s <= 0:
            raise Unclear("How much shorter?")
        left_s = timer.remaining_s(turn.now)
        if slots.change_s >= left_s:
            return Done(reply=f"The {timer.label} has only {spoken_length(left_s)} left; I left it as it was.")
        return _left(store.lengthen(timer, -slots.change_s), timer.label, turn)


def _left(timer: Timer, label: str, turn: Turn) -> Done:
    paused = ", paused" if timer.state == "paused" else ""
    return Done(reply=f"{sentence(label)}: {spoken_length(timer.remaining_s(turn.now))} left{paused}.", facts=(timer,))


@skill
class PauseTimer(_OnOneTimer):
    """Hold a timer. "pause the timer" -> "Paused the pasta timer with 4 minutes left." """

    intent = "HassPauseTimer"

    def act(self, store: TimerStore, timer: Timer, slots: Any, turn: Turn) -> Done:
        if timer.state != "running":
            state = "is ringing" if timer.state == "ringing" else "was already paused"
            return Done(reply=f"The {timer.label} {state}.", facts=(timer,))
        paused = store.pause(timer)
        left = spoken_length(paused.remaining_s(turn.now))
        return Done(reply=f"Paused the {timer.label} with {left} left.", facts=(paused,))


@skill
class UnpauseTimer(_OnOneTimer):
    """Let a paused timer run on. "resume the timer" -> "Pasta timer: 4 minutes left." """

    intent = "HassUnpauseTimer"

    async def handle(self, slots: Any, turn: Turn) -> Done:
        paused = [timer for timer in store_of(turn).all("timer") if timer.state == "paused"]
        if len(paused) == 1 and paused == matching(paused, slots, heard_in=turn.area):
            return self.act(store_of(turn), paused[0], slots, turn)
        return await super().handle(slots, turn)

    def act(self, store: TimerStore, timer: Timer, slots: Any, turn: Turn) -> Done:
        if timer.state != "paused":
            return Done(reply=f"The {timer.label} is {timer.state}.", facts=(timer,))
        return _left(store.resume(timer), timer.label, turn)


@skill
class TimerStatus:
    """How long is left, of each timer when none is named. "how long?" -> "The pasta timer has 4 minutes left." """

    intent = "HassTimerStatus"
    Slots = WhichTimer

    async def handle(self, slots: WhichTimer, turn: Turn) -> Done:
        timers = store_of(turn).all("timer")
        found = matching(timers, slots, heard_in=None)
        missed = told_missed(store_of(turn), "timer")
        if not found:
            return Done(reply=missed or _none_such(slots, "timer", bool(timers)))
        said = [_standing(timer, turn.now) for timer in found]
        return Done(reply=" ".join(filter(None, [sentence(spoken_list(said)) + ".", missed])), facts=tuple(found))


def _standing(timer: Timer, now: datetime) -> str:
    if timer.state == "ringing":
        return f"the {timer.label} is ringing"
    paused = ", paused" if timer.state == "paused" else ""
    return f"the {timer.label} has {spoken_length(timer.remaining_s(now))} left{paused}"


def told_missed(store: TimerStore, *kinds: str) -> str:
    """What was missed, told once: "The pasta timer ended at 3 PM, while I was off."; "" when nothing was."""
    told = []
    for timer in store.missed(*kinds):
        told.append(missed_said(timer))
        store.cancel(timer)
    return " ".join(told)


def missed_said(timer: Timer) -> str:
    """One that went by unheard, in a sentence."""
    when = spoken_time(timer.ends_at) if timer.ends_at else "some time"
    if timer.kind == "reminder":
        return f"You were to be reminded at {when}: {timer.name}."
    if timer.kind == "event":
        return f"{sentence(str(timer.name))} was at {spoken_time(timer.moment) if timer.moment else when}."
    ended = "ended" if timer.kind == "timer" else "was to ring"
    return f"The {timer.label} {ended} at {when}, while I was off."


def stop_ringing(store: TimerStore) -> Done | None:
    """Silence everything that rings; None when nothing does."""
    ringing = [timer for timer in store.all() if timer.state == "ringing"]
    for timer in ringing:
        store.stop(timer)
    if not ringing:
        return None
    labels = spoken_list([f"the {timer.label}" for timer in ringing])
    return Done(reply=f"Stopped {labels}.", facts=tuple(ringing))


def store_of(turn: Turn) -> TimerStore:
    store: TimerStore = turn.services["timers"]
    return store
