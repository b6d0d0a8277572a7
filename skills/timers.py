"""Timers: a store that survives restarts, and the skills that set, change and stop them.

Service `turn.services["timers"]`: a `TimerStore`. It also keeps alarms and reminders (`skills/alarms.py`), which differ
by `Timer.kind`. The app opens it on the skills' database, runs `store.run()` as a task, and mirrors `on_change`:

    store = TimerStore(open_database(path), clock=lambda: datetime.now(zone), on_change=publish)

`on_change(timer)` comes after every change, with the timer as it now is. state "ringing": sound it; state "gone": it
was cancelled, stopped or rang itself out, so clear its retained topic.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from rapidfuzz import fuzz

from .api import Done, Turn, Unclear, skill
from .moments import MAX_LENGTH, after, spoken_length, spoken_time
from .slots import spoken_list
from .storage import transaction
from .wording import sentence
from .words import fold, phonetic

MAX_TIMERS = 200            # of all kinds
RING_LIMIT_S = 15 * 60      # a timer that nobody stops falls silent after this
LONGEST_SLEEP_S = 30.0      # so that a step of the system clock is noticed
NAME_SCORE = 80             # 0..100: names this alike are the same, spelling slips included
HEARD_SCORE = 60            # and so are these, if they sound the same


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A countdown, alarm or reminder. Times are aware, in the household's zone."""

    id: str
    kind: str = "timer"              # "timer", "alarm", "reminder"
    name: str | None = None          # "pasta"; of a reminder, what to remember
    area: str | None = None          # the room it was set in or for
    speaker: str | None = None       # who set it, or whom to remind
    state: str = "running"           # "running", "paused", "ringing", "gone"
    duration_s: float                # as it was set, lengthening included
    ends_at: datetime | None = None  # None while paused
    paused_s: float | None = None    # what was left when it was paused

    def remaining_s(self, now: datetime) -> float:
        """Seconds until it rings, at least 0."""
        if self.ends_at is None:
            return self.paused_s or 0.0
        return max(0.0, self.ends_at.timestamp() - now.timestamp())

    def as_json(self, now: datetime) -> dict[str, Any]:
        """What is mirrored, retained, on `ingle/timer/<id>`."""
        return {
            "id": self.id, "kind": self.kind, "name": self.name, "area": self.area, "state": self.state,
            "duration_s": round(self.duration_s), "remaining_s": round(self.remaining_s(now)),
            "ends_at": self.ends_at.isoformat(timespec="seconds") if self.ends_at else None,
        }

    @property
    def label(self) -> str:
        """How it is called: "pasta timer", "10 minute timer", "7 AM alarm"."""
        if self.name:
            return f"{self.name} {self.kind}"
        if self.kind != "timer" and self.ends_at:
            return f"{spoken_time(self.ends_at)} {self.kind}"
        return f"{_as_adjective(self.duration_s)} {self.kind}"


def _as_adjective(seconds: float) -> str:
    """"10 minute", as in "10 minute timer"."""
    return re.sub(r"s\b", "", spoken_length(seconds))


class TooMany(Exception):
    """There are `MAX_TIMERS` timers already."""


class TimerStore:
    """Timers of all kinds, on disk. The clock is handed in: aware, in the household's zone."""

    def __init__(
        self, database: sqlite3.Connection, *, clock: Callable[[], datetime],
        on_change: Callable[[Timer], None] = lambda timer: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_change = on_change
        self._changed = asyncio.Event()

    def start(
        self, duration_s: float, *, kind: str = "timer", name: str | None = None, area: str | None = None,
        speaker: str | None = None,
    ) -> Timer:
        """Start one that rings `duration_s` seconds from now. Raises: TooMany."""
        if self._database.execute("SELECT count(*) FROM timers").fetchone()[0] >= MAX_TIMERS:
            raise TooMany
        ends_at = after(self._clock(), timedelta(seconds=duration_s))
        timer = Timer(id=secrets.token_hex(4), kind=kind, name=name, area=area, speaker=speaker,
                      duration_s=duration_s, ends_at=ends_at)
        return self._save(timer)

    def all(self, kind: str | None = None) -> list[Timer]:
        """Those that are not gone, ringing first, then soonest first, paused last; of one kind, or of every kind."""
        rows = self._database.execute(
            "SELECT * FROM timers WHERE kind = coalesce(?, kind)"
            " ORDER BY state != 'ringing', ends_at IS NULL, ends_at, rowid", (kind,))
        return [self._timer(row) for row in rows]

    def cancel(self, timer: Timer) -> Timer:
        """Remove it; a ringing one falls silent."""
        with transaction(self._database):
            self._database.execute("DELETE FROM timers WHERE id = ?", (timer.id,))
        return self._tell(replace(timer, state="gone"))

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

    def due(self, now: datetime) -> list[Timer]:
        """Let those ring whose moment has come, silence those that rang too long; returns those that begin to ring."""
        begun = []
        for timer in self.all():
            if timer.state == "running" and timer.remaining_s(now) <= 0:
                begun.append(self._save(replace(timer, state="ringing"), rang_at=now))
            elif timer.state == "ringing" and self._rung_s(timer, now) >= RING_LIMIT_S:
                self.cancel(timer)
        return begun

    async def run(self) -> None:
        """Ring every timer at its moment, those missed while off at once; never returns: cancel the task to end it."""
        for timer in self.all():
            self._tell(timer)  # the mirror may be older than the disk
        while True:
            now = self._clock()
            self.due(now)
            await sleep_until_due(self._next_event_s(now), self._changed)

    def _next_event_s(self, now: datetime) -> float | None:
        waits = [timer.remaining_s(now) if timer.state == "running" else RING_LIMIT_S - self._rung_s(timer, now)
                 for timer in self.all() if timer.state != "paused"]
        return min(waits, default=None)

    def _rung_s(self, timer: Timer, now: datetime) -> float:
        row = self._database.execute("SELECT rang_at FROM timers WHERE id = ?", (timer.id,)).fetchone()
        return now.timestamp() - row["rang_at"] if row and row["rang_at"] else 0.0

    def _save(self, timer: Timer, *, rang_at: datetime | None = None) -> Timer:
        with transaction(self._database):
            self._database.execute(
                "INSERT OR REPLACE INTO timers"
                " (id, kind, name, area, speaker, state, duration_s, ends_at, remaining_s, rang_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (timer.id, timer.kind, timer.name, timer.area, timer.speaker, timer.state, timer.duration_s,
                 timer.ends_at.timestamp() if timer.ends_at else None, timer.paused_s,
                 rang_at.timestamp() if rang_at else None))
        return self._tell(timer)

    def _tell(self, timer: Timer) -> Timer:
        self._changed.set()
        self._on_change(timer)
        return timer

    def _timer(self, row: sqlite3.Row) -> Timer:
        ends_at = None if row["ends_at"] is None else datetime.fromtimestamp(row["ends_at"], self._clock().tzinfo)
        return Timer(id=row["id"], kind=row["kind"], name=row["name"], area=row["area"], speaker=row["speaker"],
                     state=row["state"], duration_s=row["duration_s"], ends_at=ends_at, paused_s=row["remaining_s"])


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
            timer = store_of(turn).start(duration_s, name=name, area=slots.area or turn.area, speaker=turn.speaker)
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
        store.cancel(timer)
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
        if not found:
            return Done(reply=_none_such(slots, "timer", bool(timers)))
        said = [_standing(timer, turn.now) for timer in found]
        return Done(reply=sentence(spoken_list(said)) + ".", facts=tuple(found))


def _standing(timer: Timer, now: datetime) -> str:
    if timer.state == "ringing":
        return f"the {timer.label} is ringing"
    paused = ", paused" if timer.state == "paused" else ""
    return f"the {timer.label} has {spoken_length(timer.remaining_s(now))} left{paused}"


def stop_ringing(store: TimerStore) -> Done | None:
    """Silence everything that rings; None when nothing does."""
    ringing = [timer for timer in store.all() if timer.state == "ringing"]
    for timer in ringing:
        store.cancel(timer)
    if not ringing:
        return None
    labels = spoken_list([f"the {timer.label}" for timer in ringing])
    return Done(reply=f"Stopped {labels}.", facts=tuple(ringing))


def store_of(turn: Turn) -> TimerStore:
    store: TimerStore = turn.services["timers"]
    return store
