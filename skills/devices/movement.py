"""Covers and valves: positions, tilts, and stopping whatever moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..registry import Step
from ..slots import as_spoken
from ..wording import Phrase
from .acting import Act, cannot, carry_out
from .power import CLOSED, OPENED
from .targets import Target, Where, find, nothing_said, of_domains
from .units import clamp, number, stepped

POSITION_STEP: Final = 20                               # percent, for "a bit further"
POSITIONED: Final[dict[str, tuple[str, str, str]]] = {  # domain -> set, open, close
    "cover": ("set_cover_position", "open_cover", "close_cover"),
    "valve": ("set_valve_position", "open_valve", "close_valve"),
}
STOPS: Final[dict[str, tuple[tuple[str, str], ...]]] = {  # domain -> (feature, service), the first one it has
    "cover": (("stop", "stop_cover"),),
    "valve": (("stop", "stop_valve"),),
    "vacuum": (("stop", "stop"), ("pause", "pause")),
    "lawn_mower": (("pause", "pause"),),
}
MOVING: Final = frozenset({"opening", "closing", "cleaning", "returning", "mowing"})
STOPPED: Final = Phrase("stopped {}", "stop", "still", "be stopped", shows=False)


@skill
class StopMoving:
    """Stop a cover, valve, vacuum or mower where it is. "stop the blinds" -> "Stopped the blinds." """

    intent = "HassStopMoving"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        target = self._meant(slots, turn)
        return await carry_out(turn, target, [self._stop(entity) for entity in target.entities])

    @staticmethod
    def _meant(slots: Slots, turn: Turn) -> Target:
        """ "stop" alone means what moves now: stopping is the safe way to be wrong. Raises: Unclear."""
        domains = frozenset(STOPS)
        if nothing_said(turn, slots.said()):
            moving = tuple(entity for entity in of_domains(turn, domains) if entity.state in MOVING)
            if moving:
                return Target(moving)
            if not turn.context.recent:
                raise Unclear("Nothing moves as far as I can see. Stop what?")
        return find(turn, slots.said(), domains)

    @staticmethod
    def _stop(entity: Entity) -> Act:
        service = next((name for feature, name in STOPS[entity.domain] if feature in entity.features), None)
        if service is None:
            return cannot(entity, STOPPED.cannot)
        return Act(entity=entity, phrase=STOPPED, service=service)


@skill
class SetPosition:
    """How far a cover or valve is open. "set the blinds to half" -> "Set the blinds to 50% open." """

    intent = "HassSetPosition"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        position: int | float | None = None     # 0 shut .. 100 open
        position_step: Step | None = None       # up is more open
        tilt: int | float | None = None         # 0..100

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.position is None and slots.position_step is None and slots.tilt is None:
            raise Unclear("How far, from 0 shut to 100 open?")
        target = find(turn, slots.said(), frozenset(POSITIONED))
        return await carry_out(turn, target, [act for entity in target.entities for act in self._acts(entity, slots)])

    def _acts(self, entity: Entity, slots: Slots) -> list[Act]:
        acts = []
        if slots.position is not None:
            acts.append(move_to(entity, slots.position))
        elif slots.position_step is not None:
            acts.append(self._move_by(entity, stepped(slots.position_step, POSITION_STEP)))
        if slots.tilt is not None:
            acts.append(self._tilt(entity, slots.tilt))
        return acts

    @staticmethod
    def _move_by(entity: Entity, change: float) -> Act:
        now = number(entity.attributes.get("current_position"))
        if now is None:
            return cannot(entity, "be moved by a bit, as it doesn't report its position")
        return move_to(entity, clamp(now + change, 0, 100))

    @staticmethod
    def _tilt(entity: Entity, tilt: float) -> Act:
        if "tilt" not in entity.features:
            return cannot(entity, "be tilted")
        percent = f"{as_spoken(tilt)}%"
        phrase = Phrase(f"tilted {{}} to {percent}", f"tilt to {percent}", f"tilted to {percent}", "be tilted")
        return Act(entity=entity, phrase=phrase, service="set_cover_tilt_position", data={"tilt_position": round(tilt)})


def move_to(entity: Entity, position: float) -> Act:
    """To a position; one that knows only open and shut takes 0 and 100."""
    to_position, to_open, to_shut = POSITIONED[entity.domain]
    if "position" in entity.features:
        return Act(entity=entity, phrase=_at(position), service=to_position, data={"position": round(position)})
    if position in (0, 100):
        phrase, service = (OPENED, to_open) if position else (CLOSED, to_shut)
        return Act(entity=entity, phrase=phrase, service=service)
    return cannot(entity, "be set to a position")


def _at(position: float) -> Phrase:
    if position == 0:
        return CLOSED
    percent = f"{as_spoken(round(position))}% open"
    return Phrase(
        f"set {{}} to {percent}", f"go to {percent}", percent, "be set to a position", going=f"moving {{}} to {percent}"
    )
