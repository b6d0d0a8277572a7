"""Arming and disarming the alarm panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..home.resolver import Said
from ..sensitive import pin_in, policy_of
from ..wording import Phrase, noun_of
from .acting import Act, cannot, carry_out
from .options import best_option
from .targets import find

PANEL: Final = frozenset({"alarm_control_panel"})
ARM_SERVICES: Final = {  # what is said -> the feature; the service is `alarm_<feature>`
    "away": "arm_away", "home": "arm_home", "night": "arm_night", "vacation": "arm_vacation",
    "holiday": "arm_vacation", "custom": "arm_custom_bypass", "bypass": "arm_custom_bypass",
}  # fmt: skip
DISARMED: Final = Phrase("disarmed {}", "disarm", "disarmed", "be disarmed")


@skill
class ArmAlarm:
    """Arm the alarm panel, away unless said otherwise. "arm the alarm for the night" -> "Armed the alarm, night." """

    intent = "ArmAlarm"

    @dataclass(frozen=True, kw_only=True)
    class Slots:
        name: str | None = None
        mode: str | None = None
        code: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        mode = arm_mode(slots.mode)
        target = find(turn, Said(name=slots.name), PANEL)
        return await carry_out(turn, target, [self._act(entity, mode, slots.code) for entity in target.entities])

    @staticmethod
    def _act(entity: Entity, mode: str, code: str | None) -> Act:
        feature = ARM_SERVICES[mode]
        if feature not in entity.features:
            return cannot(entity, f"be armed for {mode}")
        phrase = Phrase(f"armed {{}}, {mode}", f"arm for {mode}", f"armed, {mode}", f"be armed for {mode}")
        return Act(
            entity=entity, phrase=phrase, service=f"alarm_{feature}",
            data=with_code(entity, code, "code_arm_required"),
        )  # fmt: skip


@skill
class DisarmAlarm:
    """Disarm the alarm panel. "disarm the alarm, code 1234" -> "Disarmed the alarm." """

    intent = "DisarmAlarm"

    @dataclass(frozen=True, kw_only=True)
    class Slots:
        name: str | None = None
        code: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        target = find(turn, Said(name=slots.name), PANEL)
        if slots.code is not None and turn.via not in policy_of(turn).via:
            turn = replace(turn, confidence=1.0)    # however unclear it was: whoever gives the code means it
        acts = [
            Act(
                entity=entity, phrase=DISARMED, service="alarm_disarm",
                data=with_code(entity, slots.code, "code_disarm_required"),
            )
            for entity in target.entities
        ]  # fmt: skip
        return await carry_out(turn, target, acts, code=slots.code)


def arm_mode(said: str | None) -> str:
    """Raises: Unclear: no way of arming is called that."""
    if said is None:
        return "away"
    found = best_option(said, ARM_SERVICES)
    if found is None:
        raise Unclear("Arm it for home, away or night?")
    return found[0]


def with_code(entity: Entity, said: str | None, required: str) -> dict[str, Any]:
    """The panel's code, where it wants one. Raises: Unclear: it wants one and none was said."""
    if "code" not in entity.features:
        return {}
    if said is not None:
        return {"code": pin_in(said) or said}
    if entity.attributes.get(required, True):
        raise Unclear(f"What is the code of {noun_of(entity).text}?")
    return {}
