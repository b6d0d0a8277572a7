"""Why something is as it is: whose doing the last change of its state was. "why did the hall light turn on?"

Service `turn.services["causes"]`: what remembers (`app.causes.Causes`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from .api import Done, Turn, skill
from .devices.targets import Where
from .home.model import Entity
from .home.resolver import heard, resolve
from .moments import spoken_day, spoken_time
from .states import holds, told
from .wording import noun_of, sentence


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something was commanded."""

    kind: Literal["said", "later", "routine", "undo"]
    turn_id: str
    text: str                           # what was said; of a routine, what it does
    at: datetime                        # when it was said, or set off; aware
    routine: str | None = None          # a routine's name
    trigger: str | None = None          # what set it off, to follow "because": "the front door opened"
    chain: tuple[str, ...] = ()         # the names of the routines that led here, oldest first
    speaker: str | None = None
    area: str | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of an entity's state."""

    entity_id: str
    before: str | None
    state: str | None
    at: datetime
    cause: Cause | None = None          # None: from outside


class Causes(Protocol):
    def of(self, entity_id: str, state: Callable[[str | None], bool] = ...) -> Change | None: ...

    def latest(self) -> Change | None: ...


@skill
class Why:
    """Whose doing a state is. "why did the hall light turn on?" -> "The routine "front door opens" did it at 10:04 PM: …" """

    intent = "Why"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        state: str | None = None
        at: str | None = None
        item: tuple[str, ...] = ()

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        causes: Causes | None = turn.services.get("causes")
        if causes is None:
            return Done(reply="I don't remember why.")
        if slots.item and not slots.name:
            return Done(reply="I don't remember who put that on a list.")
        if slots == self.Slots():
            return _last_deed(causes, turn)
        entities = self._meant(slots, turn)
        changes = [change for entity in entities if (change := causes.of(entity.entity_id, _wanted(entity, slots.state)))]
        if not changes:
            return Done(reply=_nothing_known(entities, turn), entities=tuple(each.entity_id for each in entities))
        newest = max(changes, key=lambda change: (change.cause is not None, change.at))
        entity = turn.home.entities[newest.entity_id]
        return Done(reply=explained(entity, newest, turn.now), entities=(entity.entity_id,), facts=(newest,))

    def _meant(self, slots: Slots, turn: Turn) -> Sequence[Entity]:
        found = resolve(turn.home, heard(slots.said(), turn.text), turn.context)
        return found.entities or found.choices


def _wanted(entity: Entity, state: str | None) -> Callable[[str | None], bool]:
    """Whether a raw state is the one that was asked about: "on" of a cover is "open"."""
    def fits(raw: str | None) -> bool:
        return state is None or bool(holds(replace(entity, state=raw), state))

    return fits


def _last_deed(causes: Causes, turn: Turn) -> Done:
    change = causes.latest()
    entity = turn.home.entities.get(change.entity_id) if change is not None else None
    if change is None or entity is None:
        return Done(reply="I haven't done anything that I remember.")
    return Done(reply=explained(entity, change, turn.now), entities=(entity.entity_id,), facts=(change,))


def explained(entity: Entity, change: Change, now: datetime) -> str:
    """"At 10:04 PM the front door opened, and the routine "front door opens" says: turn on the hall light." """
    when, cause = _when(change.at, now), change.cause
    noun = noun_of(entity)
    became = told(_as_it_was(entity, change))
    if cause is None:
        has = "have" if noun.plural else "has"
        return f"That was not me: {noun.text} {has} been {became} since {when.removeprefix('at ')}, by hand or by another app."
    who = f"{cause.speaker} " if cause.speaker else "you "
    where = f" in the {cause.area}" if cause.area else ""
    if cause.kind == "routine":
        because = f"{_when(cause.at, now)}, because {cause.trigger}" if cause.trigger else _when(cause.at, now)
        return sentence(f'the routine "{cause.routine}" did it {because}: {cause.text}.')
    if cause.kind == "later":
        return sentence(f'{who}had asked for it to be done {when}: "{cause.text}".')
    if cause.kind == "undo":
        return sentence(f"{who}took back what was done before, {when}.")
    return sentence(f'{who}said{where} {_when(cause.at, now)}: "{cause.text}".')


def _as_it_was(entity: Entity, change: Change) -> Entity:
    return replace(entity, state=change.state)


def _when(at: datetime, now: datetime) -> str:
    day = spoken_day(at.date(), now.date())
    yesterday = (now.date() - at.date()).days == 1
    return f"at {spoken_time(at)}" + ("" if day == "today" else " yesterday" if yesterday else f" {day}")


def _nothing_known(entities: Sequence[Entity], turn: Turn) -> str:
    if not entities:
        return "I don't know which device you mean."
    entity = entities[0]
    noun = noun_of(entity)
    state = f" It is {told(entity)}." if entity.state is not None and re.match(r"\w", told(entity)) else ""
    return f"I don't remember a change of {noun.text}: not since I started, and none of mine before that.{state}"
