"""The household's routines at work: armed with what sets each off, run as it comes, stopped in a loop or a flood."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from rapidfuzz import fuzz

from ..api import Done, Turn
from ..conditions import Watch, Where, read_clause
from ..later import phrase
from ..moments import NotUnderstood, local, spoken_time
from ..slots import spoken_list
from ..storage import transaction
from ..timers import sleep_until_due
from ..why import Change
from ..words import fold
from .file import MAX_ROUTINES, Routine, RoutineFile, RoutinesError, spoken_phrase
from .making import Making, make
from .triggers import CannotWait, Phrase, Times, Trigger, read_trigger

log = logging.getLogger(__name__)

LATE_S: Final = 10 * 60.0       # a time of day this long ago has passed, when Ingle comes back
RUNS_AT_MOST: Final = 6         # within RUNS_S: what is set off more often is a flood
RUNS_S: Final = 60.0
SUSPENDED_S: Final = 10 * 60.0
LONGEST_CHAIN: Final = 5        # of routines that set off one another
READ_AGAIN_S: Final = 2.0       # how soon a change of the file is noticed
ALIKE: Final = 84               # 0..100: a phrase said with a slip


class Causes(Protocol):
    """As `app.causes.Causes`."""

    def listen(self, heard: Callable[[Change], None]) -> None: ...


Act = Callable[[Routine, str, tuple[str, ...]], Awaitable[None]]
Tell = Callable[[Routine, str], None]


@dataclass
class _Armed:
    """A routine that waits for what sets it off."""

    routine: Routine
    trigger: Trigger
    condition: Watch | None = None
    was: bool | None = None                 # of a Watch: whether it was so when last looked at
    next: datetime | None = None            # of Times: when it runs next
    holding: asyncio.TimerHandle | None = None
    runs: list[float] = field(default_factory=list)     # when it ran lately, in loop time
    suspended_until: float = 0.0


class Routines:
    """The household's routines: read, changed, and set off."""

    def __init__(
        self, path: Path | None, database: sqlite3.Connection, home: Any, *, clock: Callable[[], datetime], causes: Causes,
    ) -> None:
        self.faults: tuple[str, ...] = ()           # of the file, for whoever asks
        self._file = RoutineFile(path)
        self._database = database
        self._home = home
        self._clock = clock
        self._armed: dict[str, _Armed] = {}
        self._routines: tuple[Routine, ...] = ()
        self._version: tuple[int, int] | None = None
        self._changed = asyncio.Event()
        self._acts: set[asyncio.Task[None]] = set()
        self._act: Act | None = None
        self._tell: Tell = lambda routine, said: None
        causes.listen(self._heard)
        self.read_again()

    # what there is

    def all(self) -> tuple[Routine, ...]:
        self.read_again()
        return self._routines

    def read_again(self) -> None:
        """Take in the file if it has changed; what cannot be used is told in the log and in `faults`."""
        version = self._file.version()
        if version == self._version:
            return
        self._version = version
        try:
            found, faults = self._file.read()
        except RoutinesError as error:
            found, faults = None, [str(error)]
        for fault in faults:
            log.warning("%s", fault)
        self.faults = tuple(faults)
        if found is not None:                       # a file that cannot be read at all leaves what was read before
            self._routines = tuple(each.routine for each in found)
            self._arm()

    def save(self, routine: Routine) -> None:
        """Keep it, in place of one of its name. Raises: RoutinesError; CannotWait: there are too many."""
        if len(self.all()) >= MAX_ROUTINES and self.named(routine.name) is None:
            raise CannotWait(f"There are {MAX_ROUTINES} routines already; remove one first.")
        self._file.put(routine)
        self._forget_runs(routine.name)
        self.read_again()

    def remove(self, routine: Routine) -> None:
        self._file.remove(routine.name)
        self._forget_runs(routine.name)
        self.read_again()

    def named(self, name: str) -> Routine | None:
        return next((each for each in self._routines if each.name.casefold() == name.casefold()), None)

    def said(self, text: str) -> Routine | None:
        """The routine whose phrase this is, slips and courtesies apart; a whole sentence, never a part of one."""
        words = _courteous(text)
        best, score = None, 0.0
        for routine in self.all():
            own = routine.phrase if routine.enabled else None
            trigger = self._armed[routine.name].trigger if own is None and routine.name in self._armed else None
            own = own if own is not None else trigger.words if isinstance(trigger, Phrase) else None
            if own is not None and words:
                alike = 100.0 if _courteous(own) == words else fuzz.ratio(" ".join(_courteous(own)), " ".join(words))
                if alike > score and len(_courteous(own)) == len(words):
                    best, score = routine, alike
        return best if score >= ALIKE else None

    def like(self, trigger: str | None, action: str | None) -> list[Routine]:
        """Those that are meant by words of what sets them off or of what they do; all, without words."""
        found = list(self.all())
        if trigger is not None:
            wanted = spoken_phrase(trigger) or trigger
            found = [each for each in found if _alike(wanted, spoken_phrase(each.when) or each.when) or _alike(wanted, each.name)]
        if action is not None:
            found = [each for each in found if _alike(action, each.do)]
        return found

    # setting off

    async def run(self, act: Act, tell: Tell = lambda routine, said: None) -> None:
        """Set routines off as their times and events come; never returns: cancel the task to end it.

        Args:
            act: does what the routine says. Keeps its own errors.
            tell: hears what the household should know: that a routine was stopped.
        """
        self._act, self._tell = act, tell
        self._arm()
        try:
            while True:
                self.read_again()
                now = self._clock()
                for armed in list(self._armed.values()):
                    self._look_at_clock(armed, now)
                times = [armed.next.timestamp() - now.timestamp() for armed in self._armed.values() if armed.next is not None]
                await sleep_until_due(min([READ_AGAIN_S, *times]), self._changed)
        finally:
            self._act = None
            await self._end_acts()

    async def _end_acts(self) -> None:
        for armed in self._armed.values():
            if armed.holding is not None:
                armed.holding.cancel()
        for task in self._acts:
            task.cancel()
        await asyncio.gather(*self._acts, return_exceptions=True)

    def start(self, routine: Routine, because: str, chain: tuple[str, ...] = ()) -> None:
        """Set one off, unless it is in a loop or a flood."""
        armed = self._armed.get(routine.name)
        if armed is None or self._act is None:
            return
        if routine.name in chain or len(chain) >= LONGEST_CHAIN:
            self._stop(armed, f'I stopped the routine "{routine.name}": it set itself off, through {spoken_list(list(chain))}.')
            return
        now_s = asyncio.get_running_loop().time()
        armed.runs = [at for at in armed.runs if now_s - at < RUNS_S]
        if now_s < armed.suspended_until:
            return
        if len(armed.runs) >= RUNS_AT_MOST:
            armed.suspended_until = now_s + SUSPENDED_S
            self._stop(armed, f'The routine "{routine.name}" ran {RUNS_AT_MOST} times within a minute, so I let it rest.')
            return
        if armed.condition is not None and armed.condition.holds(self._clock()) is not True:
            return
        armed.runs.append(now_s)
        if routine.once:
            self.remove(routine)        # off the disk before it acts: at most once
        task = asyncio.create_task(self._do(routine, because, chain))
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    async def _do(self, routine: Routine, because: str, chain: tuple[str, ...]) -> None:
        assert self._act is not None
        try:
            await self._act(routine, because, (*chain, routine.name))
        except Exception:
            log.exception("the routine %r failed", routine.name)

    def _stop(self, armed: _Armed, said: str) -> None:
        log.warning("%s", said)
        self._tell(armed.routine, said)

    def _arm(self) -> None:
        """Wait for what sets each off. What was armed and is unchanged keeps its state."""
        before, self._armed = self._armed, {}
        for routine in self._routines:
            old = before.get(routine.name)
            if old is not None and old.routine == routine:
                self._armed[routine.name] = old
                continue
            if old is not None and old.holding is not None:
                old.holding.cancel()
            if routine.enabled:
                self._arm_one(routine)
        self._changed.set()

    def _arm_one(self, routine: Routine) -> None:
        now, where = self._clock(), Where(speaker=routine.speaker)
        try:
            trigger = read_trigger(routine.when, now, self._home, where)
            condition = Watch(read_clause(routine.if_, now), self._home, where) if routine.if_ else None
        except (CannotWait, NotUnderstood) as error:
            self._waiting_for_home(routine, str(error))
            return
        armed = _Armed(routine, trigger, condition)
        if isinstance(trigger, Times):
            armed.next = self._next(armed, now)
        elif isinstance(trigger, Watch):
            armed.was = trigger.is_so()
        self._armed[routine.name] = armed

    def _waiting_for_home(self, routine: Routine, problem: str) -> None:
        """Its devices may still announce themselves; it is tried again with every change of the home."""
        log.info("the routine %r waits: %s", routine.name, problem)

    def _next(self, armed: _Armed, now: datetime) -> datetime | None:
        """Its next time; one that passed a moment ago, while Ingle was off, still counts if it has not run."""
        assert isinstance(armed.trigger, Times)
        last = self._last_run(armed.routine.name)
        since = max(now.replace(tzinfo=None) - timedelta(seconds=LATE_S), last or datetime.min)
        if last is None:        # just made: its first time is one to come
            since = now.replace(tzinfo=None)
            self._ran(armed.routine.name, since)
        wall = armed.trigger.repeat.after(since)
        return None if wall is None else local(now, wall)

    def _look_at_clock(self, armed: _Armed, now: datetime) -> None:
        if armed.next is None or armed.next.timestamp() > now.timestamp():
            return
        wall = armed.next.replace(tzinfo=None)
        self._ran(armed.routine.name, max(wall, now.replace(tzinfo=None) - timedelta(seconds=LATE_S)))
        late_s = now.timestamp() - armed.next.timestamp()
        armed.next = self._next(armed, now)
        if late_s <= LATE_S:
            assert isinstance(armed.trigger, Times)
            self.start(armed.routine, f"it was {_clock_said(wall.time())}")

    def _heard(self, change: Change) -> None:
        """A device has another state: see whom that sets off."""
        for routine in self._routines:
            if routine.enabled and routine.name not in self._armed:
                self._arm_one(routine)
        for armed in list(self._armed.values()):
            if isinstance(armed.trigger, Watch) and change.entity_id in armed.trigger.watched:
                self._look(armed, armed.trigger, change)

    def _look(self, armed: _Armed, watch: Watch, change: Change) -> None:
        chain = change.cause.chain if change.cause is not None else ()
        if watch.momentary:
            entity = self._home.entities[change.entity_id]
            if entity.domain != "binary_sensor" or entity.state == "on":
                self._happened(armed, watch, chain)
            return
        was, armed.was = armed.was, watch.is_so()
        if armed.was and was is False:
            if watch.for_s:
                loop = asyncio.get_running_loop()
                armed.holding = loop.call_later(watch.for_s, self._happened, armed, watch, chain)
            else:
                self._happened(armed, watch, chain)
        elif not armed.was and armed.holding is not None:
            armed.holding.cancel()
            armed.holding = None

    def _happened(self, armed: _Armed, watch: Watch, chain: tuple[str, ...]) -> None:
        if watch.clause.hours is None or watch.clause.hours.hold(self._clock()):
            self.start(armed.routine, watch.told(), chain)

    # when the clock last set one off

    def _last_run(self, name: str) -> datetime | None:
        row = self._database.execute("SELECT wall FROM routine_runs WHERE name = ?", (name,)).fetchone()
        return None if row is None else datetime.fromisoformat(row["wall"])

    def _ran(self, name: str, wall: datetime) -> None:
        with transaction(self._database):
            self._database.execute("INSERT OR REPLACE INTO routine_runs (name, wall) VALUES (?, ?)", (name, wall.isoformat()))

    def _forget_runs(self, name: str) -> None:
        with transaction(self._database):
            self._database.execute("DELETE FROM routine_runs WHERE name = ?", (name,))

    # made from a command

    async def command_when(self, trigger: str, intent: str, slots: Mapping[str, Any], turn: Turn, *, once: bool) -> Done:
        """"turn off the lamp when the door opens": a routine that runs once, or again and again."""
        action = _without(turn.text, trigger) or phrase(intent, slots)
        return await make(Making(trigger, action, once=once), turn)


def _clock_said(clock: time) -> str:
    return spoken_time(datetime.combine(datetime(2000, 1, 1), clock))


_COURTESIES: Final = frozenset({"please", "now", "ok", "okay", "hey", "ingle", "its", "it", "is", "s", "so", "well", "right"})


def _courteous(text: str) -> tuple[str, ...]:
    """The words without courtesies, unless they are all there is."""
    words = tuple(fold(text))
    return tuple(word for word in words if word not in _COURTESIES) or words


def _alike(said: str, own: str) -> bool:
    a, b = " ".join(fold(re.sub(r"^(?:when(?:ever)?|if|to|at) ", "", said.lower()))), " ".join(fold(own))
    return fuzz.token_set_ratio(a, b) >= 80 or fuzz.partial_ratio(a, b) >= 85


def _without(text: str, trigger: str) -> str:
    """The sentence less the words of the trigger and what joined them."""
    place = text.lower().find(trigger.lower())
    if place < 0:
        return ""
    before, behind = text[:place], text[place + len(trigger) :]
    before = re.sub(r"\s*\b(?:when(?:ever)?|if|once|as soon as|at|every time|until|after)\s*$", "", before, flags=re.IGNORECASE)
    return f"{before.strip(' ,')} {behind.strip(' ,.')}".strip(" ,.")
