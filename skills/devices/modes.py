"""An option of a device by its name, and the value of a number or text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..numbers import read_number
from ..slots import as_spoken, spoken_list
from ..wording import Phrase
from ..words import fold
from .acting import Act, cannot, carry_out
from .options import best_option
from .targets import Target, Where, find, nothing_said, of_domains
from .units import number, to_step


@dataclass(frozen=True)
class Dial:
    """One thing that can be set to an option: where the options stand, and what sets it."""

    options: str                        # the attribute with the options
    service: str
    key: str                            # the service's field


DIALS: Final[dict[str, tuple[Dial, ...]]] = {
    "climate": (
        Dial("hvac_modes", "set_hvac_mode", "hvac_mode"),
        Dial("preset_modes", "set_preset_mode", "preset_mode"),
        Dial("fan_modes", "set_fan_mode", "fan_mode"),
        Dial("swing_modes", "set_swing_mode", "swing_mode"),
    ),
    "water_heater": (Dial("operation_list", "set_operation_mode", "operation_mode"),),
    "humidifier": (Dial("available_modes", "set_mode", "mode"),),
    "fan": (Dial("preset_modes", "set_preset_mode", "preset_mode"),),
    "select": (Dial("options", "select_option", "option"),),
    "media_player": (Dial("source_list", "select_source", "source"),),
    "light": (Dial("effect_list", "turn_on", "effect"),),
    "vacuum": (Dial("fan_speed_list", "set_fan_speed", "fan_speed"),),
    "siren": (Dial("available_tones", "turn_on", "tone"),),
}


WRITTEN: Final = frozenset({"text", "number"})  # "set the door sign to closed" sounds like a mode


@skill
class SetMode:
    """A mode, preset, source or option by its name. "set the heating to eco" -> "Set the thermostat to eco." """

    intent = "SetMode"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        mode: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.mode is None:
            raise Unclear("To which mode?")
        target = self._meant(slots, slots.mode, turn)
        return await carry_out(turn, target, [set_mode(entity, slots.mode) for entity in target.entities])

    @staticmethod
    def _meant(slots: Slots, mode: str, turn: Turn) -> Target:
        """Without a name, those that have the option: "eco mode" is not a lamp's. Raises: Unclear."""
        if nothing_said(turn, slots.said()):
            having = having_option(of_domains(turn, frozenset(DIALS)), mode)
            here = [entity for entity in having if entity.area is not None and entity.area == turn.area]
            if len(here or having) == 1:
                return Target(tuple(here or having))
        target = find(turn, slots.said(), frozenset(DIALS) | WRITTEN)
        able = having_option(target.entities, mode)
        if not able and slots.name is not None:
            parts = [entity for entity in having_option(of_domains(turn, frozenset(DIALS)), mode) if _is_part(entity, slots.name)]
            return Target((parts[0],)) if len(parts) == 1 else target
        return target if slots.name is not None or not able else replace(target, entities=tuple(able))


def _is_part(entity: Entity, name: str) -> bool:
    """ "Projector Input" is a part of what is called projector."""
    return set(fold(name)) < set(fold(entity.name))


def having_option(entities: Iterable[Entity], said: str) -> list[Entity]:
    return [entity for entity in entities if _dial(entity, said) is not None]


def set_mode(entity: Entity, said: str) -> Act:
    """Turn the dial that has this option best; what takes a text or number is set to it."""
    if entity.domain in WRITTEN:
        return set_value(entity, said)
    found = _dial(entity, said)
    if found is None:
        return cannot(entity, _has_no(entity, said))
    dial, option = found
    what = option.replace("_", " ")
    phrase = Phrase(f"set {{}} to {what}", f"go to {what}", f"set to {what}", f"be set to {what}")
    return Act(entity=entity, phrase=phrase, service=dial.service, data={dial.key: option})


def _dial(entity: Entity, said: str) -> tuple[Dial, str] | None:
    """The dial and option that fit best; of equals the first, as modes stand before presets and fans."""
    best: tuple[float, Dial, str] | None = None
    for dial in DIALS.get(entity.domain, ()):
        found = best_option(said, _options(entity, dial))
        if found is not None and (best is None or found[1] > best[0]):
            best = (found[1], dial, found[0])
    return None if best is None else best[1:]


def _options(entity: Entity, dial: Dial) -> list[str]:
    return [str(option) for option in entity.attributes.get(dial.options) or ()]


def _has_no(entity: Entity, said: str) -> str:
    options = [option for dial in DIALS.get(entity.domain, ()) for option in _options(entity, dial) if option != "none"]
    known = spoken_list([option.replace("_", " ") for option in options[:8]], joint="or")
    return f'be set to "{said}"' + (f", only to {known}" if options else "")


VALUES: Final = frozenset({"number", "text", "select"})


@skill
class SetValue:
    """The value of a number or text. "set the sprinkler minutes to 15" -> "Set the sprinkler minutes to 15." """

    intent = "SetValue"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        value: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.value is None:
            raise Unclear("To which value?")
        target = find(turn, slots.said(), VALUES)
        return await carry_out(turn, target, [set_value(entity, slots.value) for entity in target.entities])


def set_value(entity: Entity, said: str) -> Act:
    """Raises: Unclear: no number where one is wanted, or one outside of what it takes."""
    if entity.domain == "select":
        return set_mode(entity, said)
    if entity.domain == "text":
        return _set(entity, _fitting(entity, said), said)
    value = _number_in_bounds(entity, said)
    return _set(entity, value, as_spoken(value, entity.unit))


def _set(entity: Entity, value: float | str, what: str) -> Act:
    phrase = Phrase(f"set {{}} to {what}", f"go to {what}", f"set to {what}", f"be set to {what}")
    return Act(entity=entity, phrase=phrase, service="set_value", data={"value": value})


def _number_in_bounds(entity: Entity, said: str) -> int | float:
    value = read_number(said.removesuffix("%").removesuffix(" percent"))
    if value is None:
        raise Unclear(f"{entity.name} takes a number. Which one?")
    low, high = number(entity.attributes.get("min")), number(entity.attributes.get("max"))
    if (low is not None and value < low) or (high is not None and value > high):
        raise Unclear(f"{entity.name} goes from {as_spoken(low)} to {as_spoken(high)}. Which value?")
    stepped_value = to_step(value, number(entity.attributes.get("step")))
    return int(stepped_value) if stepped_value == int(stepped_value) else stepped_value


def _fitting(entity: Entity, text: str) -> str:
    low, high = number(entity.attributes.get("min")), number(entity.attributes.get("max"))
    if (low is not None and len(text) < low) or (high is not None and len(text) > high):
        raise Unclear(f"{entity.name} takes {as_spoken(low or 0)} to {as_spoken(high)} letters. What shall it say?")
    return text
