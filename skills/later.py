"""Commands for later: "turn on the bedroom lights at 9 AM" is kept, and done then; it never acts now.

Service `turn.services["later"]`: a `LaterStore`. The app opens it on the skills' database and runs it as a task:

    store = LaterStore(open_database(path), clock=lambda: datetime.now(zone))
    await store.run(act, missed)

`act(command)` handles `command.intent` with `command.slots` (values, as they were normalised) in a turn whose `area`,
`via`, `speaker` and context (`recent`, `recent_area`: what "it" was) are the command's. What would have to be asked then is
asked now: which device, and a yes to a sensitive act. `missed(command)` is told of one that came due while
Ingle was off: it is too late to be wanted, so it is not done.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from .api import Done, Turn, Unclear, skill
from .home.model import Entity, ServiceCall
from .home.resolver import resolve, said_of
from .moments import NotUnderstood, Past, Recurring, read_moment, spoken_moment
from .schema import load_schema
from .sensitive import act_of, check, policy_of
from .slots import spoken_duration
from .storage import transaction
from .timers import sleep_until_due
from .wording import DEVICES, KINDS, plain

MAX_WAITING = 200
LATE_S = 10 * 60  # a command this long overdue is missed, not done


@dataclass(frozen=True, kw_only=True)
class Command:
    """An intent that waits for its moment."""

    id: str
    intent: str
    slots: Mapping[str, Any]
    due: datetime                    # aware, in the household's zone
    text: str                        # what was said
    elapsed: bool = False            # due after a length of time, whatever the clock is set to meanwhile
    session: str | None = None
    area: str | None = None
    via: str = "text"
    speaker: str | None = None
    recent: tuple[str, ...] = ()     # entity ids that "it" may have meant
    recent_area: str | None = None


class Awaits(Protocol):
    """What waits for other things than a moment (`skills.routines.Routines`)."""

    async def command_when(
        self, trigger: str, intent: str, slots: Mapping[str, Any], turn: Turn, *, once: bool
    ) -> Done: ...


class TooMany(Exception):
    """There are `MAX_WAITING` commands already."""


class LaterStore:
    """Commands that wait, on disk. A command is done at most once: it is marked before it is acted on, and gone afterwards."""

    def __init__(
        self, database: sqlite3.Connection, *, clock: Callable[[], datetime],
        mind_the_clock: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._mind_the_clock = mind_the_clock   # what notices that the clock was set (`TimerStore.mind_the_clock`)
        self._changed = asyncio.Event()

    def add(self, intent: str, meant: Meant, due: datetime, turn: Turn, *, elapsed: bool = False) -> Command:
        """Keep an intent of this turn for `due`. Raises: TooMany."""
        if len(self.all()) >= MAX_WAITING:
            raise TooMany
        slots = meant.slots
        command = Command(
            id=secrets.token_hex(4), intent=intent, slots=slots, due=due, text=turn.text, area=turn.area, via=meant.via,
            speaker=turn.speaker, session=turn.session, recent=meant.recent, recent_area=turn.context.recent_area,
            elapsed=elapsed)
        return self.restore(command)

    def restore(self, command: Command) -> Command:
        """Keep a command as it is, also one that was cancelled."""
        with transaction(self._database):
            self._database.execute(
                "INSERT OR REPLACE INTO later (id, intent, slots, due_at, text, area, via, speaker, recent, recent_area, elapsed,"
                " session, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (command.id, command.intent, json.dumps(dict(command.slots)), command.due.timestamp(), command.text,
                 command.area, command.via, command.speaker, json.dumps(command.recent), command.recent_area,
                 command.elapsed, command.session, self._clock().timestamp()))
        self._changed.set()
        return command

    def newest(self, session: str | None, area: str | None, since: float) -> tuple[float, Command] | None:
        """The one put off last in this conversation, not before `since`, and when (both Unix seconds)."""
        row = self._database.execute(
            "SELECT * FROM later WHERE session IS ? AND area IS ? AND made_at >= ? ORDER BY made_at DESC LIMIT 1",
            (session, area, since)).fetchone()
        return None if row is None else (row["made_at"], self._command(row))

    def all(self) -> list[Command]:
        """Those that wait, soonest first."""
        rows = self._database.execute("SELECT * FROM later WHERE NOT begun ORDER BY due_at, rowid")
        return [self._command(row) for row in rows]

    def cancel(self, command_id: str) -> bool:
        """Forget one; False when it is not there (any more)."""
        with transaction(self._database):
            return self._database.execute("DELETE FROM later WHERE id = ?", (command_id,)).rowcount > 0

    def due(self, now: datetime) -> list[Command]:
        """Those whose moment has come, in order; `begin` each before it is acted on, and `cancel` it afterwards."""
        return [command for command in self.all() if command.due.timestamp() <= now.timestamp()]

    def begin(self, command_id: str) -> bool:
        """Mark it as being done; False when it is not there (any more)."""
        with transaction(self._database):
            return self._database.execute(
                "UPDATE later SET begun = 1 WHERE id = ? AND NOT begun", (command_id,)).rowcount > 0

    def broken_off(self) -> list[Command]:
        """Those that were being done when the process ended: nobody knows whether they were."""
        return [self._command(row) for row in self._database.execute("SELECT * FROM later WHERE begun ORDER BY due_at")]

    async def run(
        self, act: Callable[[Command], Awaitable[None]], missed: Callable[[Command], None] = lambda command: None
    ) -> None:
        """Act on each command at its moment; never returns: cancel the task to end it. `act` keeps its own errors."""
        for command in self.broken_off():
            self.cancel(command.id)
            missed(command)
        while True:
            self._mind_the_clock()
            for command in self.due(self._clock()):
                if not self.begin(command.id):
                    continue
                if self._clock().timestamp() - command.due.timestamp() > LATE_S:
                    missed(command)
                else:
                    await act(command)
                self.cancel(command.id)
            waiting = self.all()
            next_s = waiting[0].due.timestamp() - self._clock().timestamp() if waiting else None
            await sleep_until_due(next_s, self._changed)

    def _command(self, row: sqlite3.Row) -> Command:
        return Command(
            id=row["id"], intent=row["intent"], slots=json.loads(row["slots"]),
            due=datetime.fromtimestamp(row["due_at"], self._clock().tzinfo), text=row["text"], area=row["area"],
            via=row["via"], speaker=row["speaker"], elapsed=bool(row["elapsed"]), session=row["session"],
            recent=tuple(json.loads(row["recent"])),
            recent_area=row["recent_area"])


@skill
class RunLater:
    """Do something later, once. "turn on the bedroom lights at 9 AM" -> "I'll turn on the bedroom lights at 9 AM." """

    intent = "RunLater"

    @dataclass(frozen=True)
    class Slots:
        intent: str | None = None
        at: str | None = None
        in_: str | None = None
        date: str | None = None
        rest: Mapping[str, Any] = field(default_factory=dict)  # the slots of the inner intent

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.intent is None:
            raise Unclear("What should I do then?")
        if set(slots.rest) - set(load_schema()["intents"][slots.intent]["slots"]):
            return Done(reply="I can't do that later yet, so I left it. Tell me when it is time.")
        try:
            moment = read_moment(turn.now, at=slots.at, in_=slots.in_, day=slots.date)
        except (NotUnderstood, Recurring) as error:
            return await self._by_routine(slots, turn, again=isinstance(error, Recurring))
        except Past:
            return Done(reply="That moment has passed. I did nothing.")
        if not moment.timed:
            raise Unclear("At what time?")
        store: LaterStore = turn.services["later"]
        meant = settled(slots.intent, slots.rest, turn)
        try:
            command = store.add(slots.intent, meant, moment.when, turn, elapsed=moment.elapsed)
        except TooMany:
            return Done(reply=f"There are {MAX_WAITING} commands waiting already; I did not add this one.")
        condition = f" if {slots.rest['if']}" if "if" in slots.rest else ""
        told = f"I'll {phrase(slots.intent, slots.rest)} {spoken_wait(moment.when, turn.now)}{condition}."
        return Done(reply=told, facts=(command,))

    async def _by_routine(self, slots: Slots, turn: Turn, *, again: bool) -> Done:
        """What repeats, or waits for something to happen, is a routine's: `turn.services["routines"]`."""
        routines: Awaits | None = turn.services.get("routines")
        if routines is None or slots.intent is None:
            return Done(reply="I can't wait for that yet; give me a time of day or a length of time. I did nothing.")
        trigger = " ".join(said for said in (slots.date, slots.at or slots.in_) if said)
        return await routines.command_when(trigger, slots.intent, slots.rest, turn, once=not again)


def spoken_wait(when: datetime, now: datetime) -> str:
    """"at 9 AM tomorrow"; what is due within the minute has no time of day to tell: "in 25 seconds"."""
    wait_s = when.timestamp() - now.timestamp()
    return f"in {spoken_duration(wait_s)}" if wait_s < 60 else spoken_moment(when, now)


# --- what can be settled now, as nobody may be there to ask then

@dataclass(frozen=True, kw_only=True)
class Meant:
    """An intent's slots as they are kept, what "it" is in them, and by whose leave it will be done."""

    slots: Mapping[str, Any]
    recent: tuple[str, ...]
    via: str


_WHERE = ("name", "area", "floor", "domain", "device_class", "except_name", "except_area")
_SERVICES = {  # the acts that may want a yes: intent and domain -> service
    ("HassTurnOn", "cover"): "open_cover", ("HassSetPosition", "cover"): "open_cover", ("HassTurnOn", "valve"): "open_valve",
    ("HassTurnOff", "lock"): "unlock", ("HassTurnOn", "siren"): "turn_on", ("HassTurnOff", "siren"): "turn_off",
    ("DisarmAlarm", "alarm_control_panel"): "alarm_disarm",
}


def settled(intent: str, slots: Mapping[str, Any], turn: Turn) -> Meant:
    """Ask now what would have to be asked then.

    Raises: Unclear: a room or device nobody knows, or one of several. NeedsConfirmation: a sensitive act was heard.
    """
    if "floor" not in load_schema()["intents"][intent]["slots"] and intent != "DisarmAlarm":
        return Meant(slots=slots, recent=turn.context.recent, via=turn.via)
    entities = _entities_meant(slots, turn)
    calls = [(entity, ServiceCall(entity_id=entity.entity_id, service=_SERVICES[intent, entity.domain]))
             for entity in entities if (intent, entity.domain) in _SERVICES]
    check(turn, calls, code=slots.get("code"))
    via = _via_with_leave(turn) if any(act_of(*call) for call in calls) else turn.via
    if not turn.chosen:
        return Meant(slots=slots, recent=turn.context.recent, via=via)
    rest = {slot: value for slot, value in slots.items() if slot not in _WHERE}
    pronoun = "it" if len(turn.chosen) == 1 else "them"
    return Meant(slots={"name": pronoun, **rest}, recent=turn.chosen, via=via)


def _entities_meant(slots: Mapping[str, Any], turn: Turn) -> tuple[Entity, ...]:
    """The devices as they are known now. Raises: Unclear: none, or several of one kind with nothing to choose by."""
    if turn.chosen:
        return tuple(turn.home.entities[chosen] for chosen in turn.chosen if chosen in turn.home.entities)
    if not {"name", "area", "floor", "domain"} & set(slots):
        return ()
    found = resolve(turn.home, said_of(slots, turn.text), turn.context)
    turn.explain(found)
    kinds = {entity.domain for entity in found.choices}
    if found.question is not None and len(kinds) <= 1:  # of several kinds, the skill will know which it acts on
        raise Unclear(found.question, choices=[entity.entity_id for entity in found.choices])
    return found.entities


def _via_with_leave(turn: Turn) -> str:
    """A sensitive act that was confirmed, or wants no yes, is done then without asking again."""
    asked = policy_of(turn).via
    return next((via for via in ("text", "voice") if turn.confirmed and via not in asked), turn.via)


# --- how a command is told before it is done

_VERBS = {  # by intent, then by domain where that says more
    "HassTurnOn": {"": "turn on {}", "cover": "open {}", "valve": "open {}", "lock": "lock {}", "scene": "set {}",
                   "script": "run {}", "button": "press {}"},
    "HassTurnOff": {"": "turn off {}", "cover": "close {}", "valve": "close {}", "lock": "unlock {}"},
    "HassToggle": {"": "toggle {}"},
    "HassLightSet": {"": "set {}"},
    "HassSetPosition": {"": "set {}"},
    "HassFanSetSpeed": {"": "set {}"},
    "HassClimateSetTemperature": {"": "set {}"},
    "HassVacuumStart": {"": "start {}"},
    "HassVacuumReturnToBase": {"": "send {} back"},
    "HassLawnMowerStartMowing": {"": "start {}"},
    "HassLawnMowerDock": {"": "send {} back"},
    "HassMediaPause": {"": "pause {}"},
    "HassMediaUnpause": {"": "resume {}"},
    "HassSetVolume": {"": "set {}"},
}
_KIND_OF = {
    "HassLightSet": "light", "HassVacuumStart": "vacuum", "HassVacuumReturnToBase": "vacuum", "HassFanSetSpeed": "fan",
    "HassLawnMowerStartMowing": "lawn_mower", "HassLawnMowerDock": "lawn_mower", "HassMediaPause": "media_player",
    "HassMediaUnpause": "media_player", "HassSetVolume": "media_player", "HassSetPosition": "cover",
    "HassClimateSetTemperature": "climate",
}
_VALUES = (("brightness", "to {:g}%"), ("position", "to {:g}%"), ("percentage", "to {:g}%"),
           ("volume_level", "to {:g}%"), ("temperature", "to {:g}"), ("color", "to {}"))


def phrase(intent: str, slots: Mapping[str, Any], text: str | None = None) -> str:
    """What shall be done, to follow "I'll": "turn on the bedroom lights", "set the lamp to 40%".

    Args: text: what was said, told where there is no other way to put it; None: "do that".
    """
    verbs = _VERBS.get(intent)
    domain = slots.get("domain") or _KIND_OF.get(intent)
    if verbs is None:
        return "do that" if text is None else f'do as told: "{text}"'
    done = verbs.get(domain or "", verbs[""]).format(_target(slots, domain))
    done = re.sub(r"^turn (on|off) (it|them|that|this|those)\b", r"turn \2 \1", done)
    values = [form.format(slots[slot]) for slot, form in _VALUES if slot in slots]
    return " ".join([done, *values])


def _target(slots: Mapping[str, Any], domain: str | None) -> str:
    name, place = slots.get("name"), plain(slots.get("area") or slots.get("floor") or "")
    if name in ("it", "them", "that", "this", "that one", "this one", "those"):
        return str(name)
    kinds = KINDS.get(f"{domain}.{slots.get('device_class')}", KINDS.get(domain or "", DEVICES))[1]
    if name == "all" or (name is None and not place):
        return f"all the {kinds}" if domain else "everything"
    if name is not None:
        owned = "'s" in name or name.casefold().startswith(("the ", "my ", "our "))
        return plain(str(name)) if owned else f"the {plain(str(name))}" + (f" in the {place}" if place else "")
    return f"the {place} {kinds}" if domain else f"everything in the {place}"
