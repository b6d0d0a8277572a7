"""Routines: "when I say movie time, dim the living room to 20 and close the blinds", "every weekday at seven open the blinds",
"if the front door opens after ten, turn on the hall light". Kept as words in `data_dir/routines.yaml`, which people may edit.

Service `turn.services["routines"]`: a `Routines`. The app gives it the home, the causes and what does the words:

    routines = Routines(path, database, home, clock=clock, causes=causes)
    await routines.run(act)             # act(routine, because, chain): does `routine.do`, whose cause is this routine
    routines.said("movie time")         # the routine with that phrase, asked before the model is

What a routine does is understood by the model when it is saved, read back, and confirmed, and again each time it runs. One that
sets itself off, through others or not, is stopped; so is one that runs too often.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import yaml
from rapidfuzz import fuzz

from .api import Done, NeedsConfirmation, Turn, Unclear, skill
from .conditions import Watch, Where, read_clause, spoken_clause
from .later import phrase, settled
from .moments import NotUnderstood, digitised, local, read_time_of_day, spoken_time
from .recurrence import Repeat, read_repeat
from .slots import spoken_list
from .storage import transaction
from .timers import sleep_until_due
from .why import Change
from .wording import sentence
from .words import fold

log = logging.getLogger(__name__)

MAX_ROUTINES: Final = 200
MAX_BYTES: Final = 200_000
LATE_S: Final = 10 * 60.0       # a time of day this long ago has passed, when Ingle comes back
RUNS_AT_MOST: Final = 6         # within RUNS_S: what is set off more often is a flood
RUNS_S: Final = 60.0
SUSPENDED_S: Final = 10 * 60.0
LONGEST_CHAIN: Final = 5        # of routines that set off one another
READ_AGAIN_S: Final = 2.0       # how soon a change of the file is noticed
ALIKE: Final = 84               # 0..100: a phrase said with a slip

HEAD: Final = """\
# Routines. What is changed here is read again within seconds; Ingle writes here too, when one is made or removed by voice.
# - name: movie time                   # what it is called
#   when: I say movie time             # or: every weekday at seven; the front door opens after ten; it gets colder than 5 outside
#   do: dim the living room to 20 and close the blinds
#   if: somebody is home               # may be left out, as what follows
#   enabled: true
#   area: Living Room                  # where it is as if said: "turn on the lights" means the lights there
"""


class RoutinesError(Exception):
    """Something in the file that its owner can mend: one line with the file, the line and the cure."""


class CannotWait(Exception):
    """Nothing here could set it off; the message is spoken."""


@dataclass(frozen=True, kw_only=True)
class Routine:
    """As it stands in the file."""

    name: str
    when: str
    do: str
    if_: str | None = None
    enabled: bool = True
    area: str | None = None
    speaker: str | None = None      # who made it: "I" in its words
    once: bool = False              # gone after it ran

    @property
    def phrase(self) -> str | None:
        """What has to be said, if it is a phrase that sets it off."""
        return spoken_phrase(self.when)


def spoken_phrase(when: str) -> str | None:
    """"I say movie time", "someone says 'movie time'" -> "movie time"; None: it is no phrase."""
    match = re.fullmatch(r"\s*(?:when(?:ever)?\s+)?(?:(?:i|we|you|someone|somebody|anyone) (?:hear me say|say|says|said|tell you)"
                         r"|you hear)\b\s*[:,]?\s*(?P<phrase>.+?)\s*", when, re.IGNORECASE)
    return match["phrase"].strip(" \"'“”") if match else None


# --- what sets one off

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


# --- the file

@dataclass(frozen=True)
class _Lines:
    """A routine and where it stands: the lines [first, last) of the file."""

    routine: Routine
    first: int
    last: int


class RoutineFile:
    """`routines.yaml`: read with places for messages, changed a block at a time, so that comments stay."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._kept = ""             # without a path, all there is

    def read(self) -> tuple[list[_Lines], list[str]]:
        """The routines, and a line for each that cannot be used. Raises: RoutinesError: the file as a whole cannot be read."""
        text = self._text()
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or "cannot be read"
            raise RoutinesError(f"{self.path}{where}: not valid YAML: {problem}") from None
        if root is None:
            return [], []
        if not isinstance(root, yaml.SequenceNode):
            raise RoutinesError(f"{self.path}: must be a list of routines: begin each with `- name: …`")
        found: list[_Lines] = []
        faults: list[str] = []
        for node in root.value[:MAX_ROUTINES]:
            try:
                routine = self._routine(node)
                if any(other.routine.name.casefold() == routine.name.casefold() for other in found):
                    raise RoutinesError(f"{self._at(node)}: the name {routine.name!r} is there twice: change one")
                found.append(_Lines(routine, node.start_mark.line, _last_line(node)))
            except RoutinesError as error:
                faults.append(str(error))
        return found, faults

    def put(self, routine: Routine) -> None:
        """Write a routine over the one of its name, or at the end."""
        block = yaml.safe_dump([_plain(routine)], allow_unicode=True, sort_keys=False, width=1000)
        lines = self._text().splitlines(keepends=True) or HEAD.splitlines(keepends=True)
        place = self._place(routine.name)
        if place is None:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            self._write("".join(lines) + block)
        else:
            self._write("".join([*lines[: place.first], block, *lines[place.last :]]))

    def remove(self, name: str) -> None:
        place = self._place(name)
        if place is not None:
            lines = self._text().splitlines(keepends=True)
            self._write("".join([*lines[: place.first], *lines[place.last :]]))

    def version(self) -> tuple[int, int]:
        """Changes whenever the file does."""
        if self.path is None:
            return hash(self._kept), len(self._kept)
        try:
            status = self.path.stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_size

    def _place(self, name: str) -> _Lines | None:
        found, _ = self.read()
        return next((each for each in found if each.routine.name.casefold() == name.casefold()), None)

    def _text(self) -> str:
        if self.path is None:
            return self._kept
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise RoutinesError(f"{self.path}: larger than {MAX_BYTES} bytes: this is no file of routines")
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise RoutinesError(f"{self.path}: cannot be read: {error}") from None

    def _write(self, text: str) -> None:
        """All of the new file, or the old one: also after a power cut."""
        if self.path is None:
            self._kept = text
            return
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def _at(self, node: yaml.Node) -> str:
        return f"{self.path or 'routines'}:{node.start_mark.line + 1}"

    def _routine(self, node: yaml.Node) -> Routine:
        """Raises: RoutinesError."""
        if not isinstance(node, yaml.MappingNode):
            raise RoutinesError(f"{self._at(node)}: must have `name`, `when` and `do`")
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in _KEYS:
                raise RoutinesError(f"{self._at(key)}: `{name}` is not a known key (known: {', '.join(_KEYS)})")
            values[_KEYS[name]] = self._value(name, value)
        if missing := [name for name in ("when", "do") if not values.get(name)]:
            raise RoutinesError(f"{self._at(node)}: `{missing[0]}` is missing")
        return Routine(**{"name": spoken_phrase(values["when"]) or values["when"], **values})

    def _value(self, name: str, node: yaml.Node) -> Any:
        kind = bool if name in ("enabled", "once") else str
        if not isinstance(node, yaml.ScalarNode):
            raise RoutinesError(f"{self._at(node)}: `{name}` must be {'true or false' if kind is bool else 'words'}")
        if kind is str:
            return str(node.value)      # as written: a time like 7:30 stays words
        if node.value.lower() not in ("true", "false", "yes", "no", "on", "off"):
            raise RoutinesError(f"{self._at(node)}: `{name}` must be true or false, not {node.value!r}")
        return node.value.lower() in ("true", "yes", "on")


_KEYS: Final[Mapping[str, str]] = {
    "name": "name", "when": "when", "do": "do", "if": "if_", "enabled": "enabled", "area": "area", "speaker": "speaker",
    "once": "once",
}


def _last_line(node: yaml.Node) -> int:
    """The line after the block; the mark of its end may stand on the next block's first line."""
    inner = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else [node]
    return max(each.end_mark.line + (1 if each.end_mark.column > 0 else 0) for each in inner)


def _plain(routine: Routine) -> dict[str, Any]:
    data: dict[str, Any] = {"name": routine.name, "when": routine.when, "do": routine.do}
    more = {"if": routine.if_, "area": routine.area, "speaker": routine.speaker}
    data |= {key: value for key, value in more.items() if value is not None}
    return data | ({} if routine.enabled else {"enabled": False}) | ({"once": True} if routine.once else {})


# --- running

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


# --- understanding what it shall do

@dataclass(frozen=True)
class Deed:
    """One intent of an action as it was understood, with its values in this home's words."""

    intent: str
    slots: Mapping[str, Any]


class Understands(Protocol):
    """`turn.services["interpret"]`: a clause to what it would have done, without doing it; () when it is not understood."""

    async def __call__(self, text: str, turn: Turn) -> Sequence[Deed]: ...


NEVER: Final = frozenset({"CreateRoutine", "RemoveRoutine", "Confirm", "Deny", "Undo", "Repeat", "HassNevermind", "HassRespond"})
TELLING: Final = re.compile(
    r"^(?:please )?(?:(?:tell|warn|notify|alert|ping|message) (?:me|us|everyone|everybody)(?: on my phone)?|let (?:me|us) know|"
    r"send me a message|say|announce)(?:,? (?:that )?(?P<what>.+))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Making:
    """A routine that is being made: what was said."""

    trigger: str
    action: str
    once: bool = False


async def make(making: Making, turn: Turn) -> Done:
    """Read it back, and save it after a yes. Raises: Unclear; NeedsConfirmation."""
    routines: Routines | None = turn.services.get("routines")
    if routines is None:
        return Done(reply="I can't keep routines here.")
    try:
        trigger, when, action, condition = await _settled(making, turn)
        told = await _told_action(action, turn)
    except CannotWait as error:
        return Done(reply=f"{error} I saved nothing.")
    name = trigger.words if isinstance(trigger, Phrase) else re.sub(r"^(?:when(?:ever)?|if)\s+", "", when.strip())[:60]
    routine = Routine(name=name, when=_kept(trigger, when), do=action, if_=condition, area=turn.area, speaker=turn.speaker,
                      once=making.once)
    old = routines.named(name)
    if not turn.confirmed:
        again = "Once only, " if making.once else ""
        only = f", only if {condition}" if condition else ""
        instead = f' That replaces "{old.do}".' if old is not None else ""
        read_back = f"{sentence(again + told_trigger(trigger, when))}, I'll {told}{only}.{instead}"
        raise NeedsConfirmation(f"{read_back} Shall I save that?")
    try:
        routines.save(routine)
    except (CannotWait, RoutinesError) as error:
        return Done(reply=f"{error}")
    return Done(reply=f"Saved: {told_trigger(trigger, when)}, I'll {told}.", facts=(routine,))


async def _settled(making: Making, turn: Turn) -> tuple[Trigger, str, str, str | None]:
    """What sets it off and what it does; the two may have been taken for one another. Raises: CannotWait."""
    action, condition = _take_condition(making.action)
    where = Where(turn.context, speaker=turn.speaker)
    try:
        trigger = read_trigger(making.trigger, turn.now, turn.home, where)
    except CannotWait as error:
        try:
            trigger = read_trigger(making.action, turn.now, turn.home, where, by_phrase=False)
        except CannotWait:
            raise error from None
        return trigger, making.action, making.trigger, None
    return trigger, making.trigger, action, condition


def _take_condition(action: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(?P<do>.+?),? (?:but )?only (?:if|when) (?P<if>.+)", action)
    return (match["do"], match["if"]) if match else (action, None)


def _kept(trigger: Trigger, when: str) -> str:
    """As it is written in the file."""
    if isinstance(trigger, Phrase):
        return f"I say {trigger.words}"
    return trigger.repeat.spoken if isinstance(trigger, Times) and _reads_same(trigger.repeat) else when.strip()


def _reads_same(repeat: Repeat) -> bool:
    """Whether the rule as spoken is read as the same rule: "every weekday at 7 AM"."""
    try:
        return read_repeat(repeat.starts - timedelta(minutes=1), at=repeat.spoken).repeat.parts == repeat.parts
    except NotUnderstood:
        return False


async def _told_action(action: str, turn: Turn) -> str:
    """What it would do, as understood. Raises: CannotWait: it is nothing to do; Unclear: which device is meant must be said."""
    telling = TELLING.match(action.strip())
    if telling is not None:
        return f'tell you "{telling["what"]}"' if telling["what"] else "tell you"
    understand: Understands = turn.services["interpret"]
    deeds = await understand(action, turn)
    if not deeds or any(deed.intent in NEVER for deed in deeds):
        raise CannotWait(f'I don\'t understand "{action}" as something to do.')
    for deed in deeds:
        if deed.intent != "RunLater":
            settled(deed.intent, deed.slots, replace(turn, text=action))     # asks now what could not be asked then
    parts = [phrase(deed.intent, deed.slots) for deed in deeds]
    return spoken_list(parts) if "do that" not in parts else action


# --- the skills

@dataclass(frozen=True)
class RoutineSlots:
    trigger: str | None = None
    action: str | None = None


@skill
class CreateRoutine:
    """Save a routine, after a yes. "every day at seven open the blinds" -> "Every day at 7 AM, I'll … Shall I save that?" """

    intent = "CreateRoutine"
    Slots = RoutineSlots

    async def handle(self, slots: RoutineSlots, turn: Turn) -> Done:
        if slots.trigger is None:
            raise Unclear("When should I do that?")
        if slots.action is None:
            raise Unclear("What should I do then?")
        return await make(Making(slots.trigger, slots.action), turn)


@skill
class ListRoutines:
    """Which routines there are, or what happens when. "list my routines" -> "Every weekday at 7 AM, open the blinds." """

    intent = "ListRoutines"
    Slots = RoutineSlots

    async def handle(self, slots: RoutineSlots, turn: Turn) -> Done:
        routines: Routines | None = turn.services.get("routines")
        found = routines.like(slots.trigger, slots.action) if routines is not None else []
        wrong = f" {routines.faults[0]}." if routines is not None and routines.faults else ""
        if not found:
            return Done(reply=("Nothing happens then." if slots != RoutineSlots() else "There are no routines.") + wrong)
        told = [f"{sentence(_when_said(each))}, {each.do}{'' if each.enabled else ' (switched off)'}." for each in found[:8]]
        more = f" And {len(found) - 8} more." if len(found) > 8 else ""
        return Done(reply=" ".join(told) + more + wrong, facts=tuple(found))


def _when_said(routine: Routine) -> str:
    said = routine.phrase
    if said is not None:
        return f'when you say "{said}"'
    return routine.when if re.match(r"(?:every|each|on|at|daily|when)\b", routine.when.lower()) else f"when {routine.when}"


@skill
class RemoveRoutine:
    """Remove a routine, or switch it off and on. "delete the movie time routine" -> "Removed the routine "movie time"." """

    intent = "RemoveRoutine"
    Slots = RoutineSlots

    async def handle(self, slots: RoutineSlots, turn: Turn) -> Done:
        routines: Routines | None = turn.services.get("routines")
        everything = routines.all() if routines is not None else ()
        if routines is None or not everything:
            return Done(reply="There are no routines.")
        if slots == RoutineSlots() and len(everything) > 1 and not _says_all(turn.text):
            raise Unclear(f"Which routine: {spoken_list([each.name for each in everything[:6]], joint='or')}?")
        exact = routines.named(slots.trigger) if slots.trigger else None
        found = [exact] if exact is not None else routines.like(slots.trigger, slots.action)
        if not found:
            return Done(reply="There is no such routine.")
        if len(found) > 1 and not _says_all(turn.text):
            raise Unclear(f"Which routine: {spoken_list([each.name for each in found[:6]], joint='or')}?")
        switch = switched(turn.text)
        for routine in found:
            if switch is None:
                routines.remove(routine)
            else:
                routines.save(replace(routine, enabled=switch))
        verb = "Removed" if switch is None else "Switched on" if switch else "Switched off"
        what = f'the routine "{found[0].name}"' if len(found) == 1 else f"{len(found)} routines"
        return Done(reply=f"{verb} {what}.", facts=tuple(found))


def _says_all(text: str) -> bool:
    return re.search(r"\b(all|every|both|routines|rules|automations)\b", text.lower()) is not None


def switched(text: str) -> bool | None:
    """Whether a routine shall be switched on or off; None: neither."""
    words = text.lower()
    if re.search(r"\b(?:disable|deactivate|pause|suspend)\b|\b(?:turn|switch)(?:ed)?\b.*\boff\b", words):
        return False
    if re.search(r"\b(?:enable|activate|resume)\b|\b(?:turn|switch)(?:ed)?\b.*\bon\b", words):
        return True
    return None

