"""Making a routine: what it would do is understood now, read back, and saved after a yes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..api import Done, NeedsConfirmation, Turn
from ..conditions import Where
from ..later import phrase, settled
from ..moments import NotUnderstood
from ..recurrence import Repeat, read_repeat
from ..slots import spoken_list
from ..wording import sentence
from .file import Routine, RoutinesError
from .triggers import CannotWait, Phrase, Times, Trigger, read_trigger, told_trigger

if TYPE_CHECKING:
    from .running import Routines


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
