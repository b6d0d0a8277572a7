"""Temperatures and fan modes of thermostats and water heaters, and the humidity of humidifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..registry import Step
from ..slots import as_spoken, spoken_list
from ..wording import Phrase
from .acting import Act, cannot, carry_out
from .options import best_option
from .targets import Player, Where, find
from .units import (
    CELSIUS,
    SPOKEN_UNITS,
    clamp,
    convert_difference,
    convert_temperature,
    number,
    stepped,
    temperature_unit,
    to_step,
)

TEMPERATURE_STEP_C: Final = 1.0         # "warmer"
HUMIDITY_STEP: Final = 5                # percent, for "drier"
HEATED: Final = frozenset({"climate", "water_heater"})


@skill
class SetTemperature:
    """The target of a thermostat or water heater. "set the heating to 21" -> "Set the thermostat to 21 °C." """

    intent = "HassClimateSetTemperature"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        temperature: int | float | None = None
        temperature_step: Step | None = None
        temperature_unit: Literal["celsius", "fahrenheit", "kelvin"] | None = None  # None: the device's

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.temperature is None and slots.temperature_step is None:
            raise Unclear("To what temperature?")
        if slots.temperature_unit == "kelvin":
            raise Unclear("In degrees Celsius or Fahrenheit, please: to what temperature?")
        target = find(turn, slots.said(), self._domains(slots))
        return await carry_out(turn, target, [self._act(entity, slots) for entity in target.entities])

    @staticmethod
    def _domains(slots: Slots) -> frozenset[str]:
        """A room's temperature is its thermostat's; a water heater is meant by its name or kind."""
        named = slots.name is not None or slots.domain == "water_heater"
        return HEATED if named else frozenset({"climate"})

    @staticmethod
    def _act(entity: Entity, slots: Slots) -> Act:
        unit = temperature_unit(entity)
        said_in = SPOKEN_UNITS.get(slots.temperature_unit or "", unit)
        if slots.temperature is not None:
            return heat_to(entity, convert_temperature(slots.temperature, said_in, unit))
        now = number(entity.attributes.get("temperature"))
        if now is None:
            return cannot(entity, "go up or down, as it reports no target")
        one = convert_difference(TEMPERATURE_STEP_C, CELSIUS, unit) if slots.temperature_unit else TEMPERATURE_STEP_C
        step = slots.temperature_step or 0
        change = stepped(step, one) if isinstance(step, str) else convert_difference(float(step), said_in, unit)
        return heat_to(entity, now + change)


def heat_to(entity: Entity, wanted: float) -> Act:
    """To a target in the device's unit. Raises: Unclear: outside of what it takes."""
    if "target_temperature" not in entity.features:
        return cannot(entity, "be set to a temperature")
    unit = temperature_unit(entity)
    _bounded(entity, wanted, "min_temp", "max_temp", f" {unit}")
    own_step = number(entity.attributes.get("target_temp_step"))
    target = to_step(wanted, own_step) if own_step else round(wanted, 1)
    what = as_spoken(target, unit)
    phrase = Phrase(f"set {{}} to {what}", f"go to {what}", f"set to {what}", "be set to a temperature")
    return Act(entity=entity, phrase=phrase, service="set_temperature", data={"temperature": _whole(target)})


@skill
class ClimateSetFanMode:
    """The fan of a thermostat. "set the air con's fan to low" -> "Set the air con's fan to low." """

    intent = "HassClimateSetFanMode"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Player):
        fan_mode: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.fan_mode is None:
            raise Unclear("To which fan mode?")
        target = find(turn, slots.said(), frozenset({"climate"}))
        return await carry_out(turn, target, [self._act(entity, slots.fan_mode) for entity in target.entities])

    @staticmethod
    def _act(entity: Entity, said: str) -> Act:
        modes = [str(mode) for mode in entity.attributes.get("fan_modes") or ()]
        if not modes:
            return cannot(entity, "change its fan")
        found = best_option(said, modes)
        if found is None:
            return cannot(entity, f'set its fan to "{said}", only to {spoken_list(modes, joint="or")}')
        what = found[0].replace("_", " ")
        phrase = Phrase(f"set the fan of {{}} to {what}", f"set its fan to {what}", f"at fan {what}", "change its fan")
        return Act(entity=entity, phrase=phrase, service="set_fan_mode", data={"fan_mode": found[0]})


@skill
class HumidifierSetpoint:
    """The target of a humidifier. "set the humidifier to 50 percent" -> "Set the humidifier to 50%." """

    intent = "HassHumidifierSetpoint"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Player):
        humidity: int | float | None = None
        humidity_step: Step | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.humidity is None and slots.humidity_step is None:
            raise Unclear("To how much, in percent?")
        target = find(turn, slots.said(), frozenset({"humidifier"}))
        return await carry_out(turn, target, [self._act(entity, slots) for entity in target.entities])

    @staticmethod
    def _act(entity: Entity, slots: Slots) -> Act:
        if slots.humidity is not None:
            return moisten_to(entity, slots.humidity)
        now = number(entity.attributes.get("humidity"))
        if now is None:
            return cannot(entity, "go up or down, as it reports no target")
        low, high = _limits(entity, "min_humidity", "max_humidity")
        wanted = now + stepped(slots.humidity_step or 0, HUMIDITY_STEP)
        return moisten_to(entity, clamp(wanted, 0 if low is None else low, 100 if high is None else high))


def moisten_to(entity: Entity, wanted: float) -> Act:
    """To a target in percent. Raises: Unclear: outside of what it takes."""
    if "target_humidity" not in entity.features:
        return cannot(entity, "be set to a humidity")
    _bounded(entity, wanted, "min_humidity", "max_humidity", "%")
    what = f"{as_spoken(round(wanted))}%"
    phrase = Phrase(f"set {{}} to {what}", f"go to {what}", f"set to {what}", "be set to a humidity")
    return Act(entity=entity, phrase=phrase, service="set_humidity", data={"humidity": round(wanted)})


def _limits(entity: Entity, low: str, high: str) -> tuple[float | None, float | None]:
    return number(entity.attributes.get(low)), number(entity.attributes.get(high))


def _bounded(entity: Entity, wanted: float, low_key: str, high_key: str, unit: str) -> None:
    """Raises: Unclear: outside of what the device takes; it names the bounds."""
    low, high = _limits(entity, low_key, high_key)
    if (low is None or wanted >= low) and (high is None or wanted <= high):
        return
    bounds = (
        f"from {as_spoken(low)} to {as_spoken(high)}{unit}"
        if low is not None and high is not None
        else f"down to {as_spoken(low)}{unit}"
        if low is not None
        else f"up to {as_spoken(high)}{unit}"
    )
    raise Unclear(f"{entity.name} goes {bounds}, not to {as_spoken(wanted)}. To what shall it go?")


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
