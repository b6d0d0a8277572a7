"""Fans: speed, swing, direction, presets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Literal

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..registry import Step
from ..wording import Phrase
from .acting import Act, cannot, carry_out
from .options import best_option
from .power import TURNED_OFF
from .targets import Where, find
from .units import clamp, number, stepped

SPEED_STEP: Final = 20                  # percent, for "faster", where the fan has no coarser steps of its own
SPEED_WORDS: Final = {"low": 33, "slow": 33, "medium": 66, "middle": 66, "high": 100, "fast": 100, "full": 100}
MOST_LEVELS: Final = 10                 # a fan with more speeds is told in percent
FAN: Final = frozenset({"fan"})


@skill
class FanSetSpeed:
    """Speed, swing and direction of a fan. "set the fan to 50 percent" -> "Set the fan to 50%." """

    intent = "HassFanSetSpeed"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        percentage: int | float | None = None
        percentage_step: Step | None = None
        oscillating: Literal["on", "off"] | None = None
        direction: Literal["forward", "reverse"] | None = None
        mode: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        wishes = (slots.percentage, slots.percentage_step, slots.oscillating, slots.direction, slots.mode)
        if all(wish is None for wish in wishes):
            raise Unclear("How fast, from 0 to 100?")
        target = find(turn, slots.said(), FAN, able=lambda fan: _has_speeds(fan) or slots.percentage is None)
        slots = replace(slots, percentage=_level_meant(slots.percentage, turn.text, target.entities))
        return await carry_out(turn, target, [act for entity in target.entities for act in self._acts(entity, slots)])

    def _acts(self, entity: Entity, slots: Slots) -> list[Act]:
        acts = []
        if slots.percentage is not None:
            acts.append(spin(entity, slots.percentage))
        elif slots.percentage_step is not None:
            acts.append(_spin_by(entity, slots.percentage_step))
        if slots.mode is not None:
            acts.append(_spin_as(entity, slots.mode))
        if slots.oscillating is not None:
            acts.append(_swing(entity, slots.oscillating == "on"))
        if slots.direction is not None:
            acts.append(_blow(entity, slots.direction))
        return acts


def _has_speeds(fan: Entity) -> bool:
    return "percentage" in fan.features


def _level_meant(value: float | None, text: str, fans: Sequence[Entity]) -> float | None:
    """ "Fan on three" is the third of its few speeds, not three percent."""
    steps = {number(fan.attributes.get("percentage_step")) or 1 for fan in fans}
    in_percent = not text or re.search(r"%|\bper ?cent\b", text.lower())
    if value is None or value != int(value) or len(steps) != 1 or in_percent:
        return value
    step = steps.pop()
    return min(100.0, value * step) if 0 < value <= round(100 / step) <= MOST_LEVELS else value


def spin(entity: Entity, percentage: float) -> Act:
    """To a speed in percent; nought is off."""
    if percentage == 0:
        return Act(entity=entity, phrase=TURNED_OFF, service="turn_off")
    if "percentage" not in entity.features:
        return cannot(entity, "change its speed")
    what = f"{round(speed_taken(entity, percentage))}%"
    phrase = Phrase(f"set {{}} to {what}", f"run at {what}", f"at {what}", "change its speed")
    return Act(entity=entity, phrase=phrase, service="set_percentage", data={"percentage": round(percentage)})


def speed_taken(entity: Entity, percentage: float) -> float:
    """The fan's own speed at or above, as it takes the command: 50 of three speeds is 67."""
    own_step = number(entity.attributes.get("percentage_step")) or 1
    return min(100.0, ceil(round(percentage / own_step, 6)) * own_step)


def _spin_by(entity: Entity, step: Step) -> Act:
    now = 0.0 if entity.state == "off" else number(entity.attributes.get("percentage"))
    if now is None:
        return cannot(entity, "run faster or slower by a step, as it doesn't report its speed")
    own_step = number(entity.attributes.get("percentage_step")) or 0
    change = stepped(step, max(own_step, SPEED_STEP))
    if change < 0 and now == 0:
        return Act(entity=entity, phrase=TURNED_OFF, status="already")
    return spin(entity, clamp(now + change, max(own_step, 1), 100))


def _spin_as(entity: Entity, mode: str) -> Act:
    """A preset by its name, or a speed by its word."""
    found = best_option(mode, [str(preset) for preset in entity.attributes.get("preset_modes") or ()])
    if found is not None:
        what = found[0].replace("_", " ")
        phrase = Phrase(f"set {{}} to {what}", f"run in {what}", f"on {what}", "do that")
        return Act(entity=entity, phrase=phrase, service="set_preset_mode", data={"preset_mode": found[0]})
    speed = best_option(mode, SPEED_WORDS)
    return spin(entity, SPEED_WORDS[speed[0]]) if speed is not None else cannot(entity, f'do "{mode}"')


def _swing(entity: Entity, on: bool) -> Act:
    if "oscillate" not in entity.features:
        return cannot(entity, "swing")
    phrase = (
        Phrase("set {} swinging", "swing", "swinging", "swing")
        if on
        else Phrase("stopped {} swinging", "stop swinging", "still", "swing")
    )
    return Act(entity=entity, phrase=phrase, service="oscillate", data={"oscillating": on})


def _blow(entity: Entity, direction: str) -> Act:
    if "direction" not in entity.features:
        return cannot(entity, "change direction")
    phrase = Phrase(f"set {{}} to {direction}", f"run {direction}", f"on {direction}", "change direction")
    return Act(entity=entity, phrase=phrase, service="set_direction", data={"direction": direction})
