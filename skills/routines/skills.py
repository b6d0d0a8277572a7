"""The skills: make a routine, tell which there are, remove one or switch it off and on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..api import Done, Turn, Unclear, skill
from ..slots import spoken_list
from ..wording import sentence
from .file import Routine
from .making import Making, make
from .running import Routines


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
