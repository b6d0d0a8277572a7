"""Temperatures and fan modes of thermostats and water heaters, and the humidity of humidifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..registry import Step
from ..slots import as_spoken, spoken_list
from ..wording import Phrase, noun_of, sentence
from ..words import fold
from .acting import Act, cannot, carry_out
from .options import best_option
from .targets import Player, Where, find, nothing_said
from .units import (
    SPOKEN_UNITS,
    clamp,
    convert_difference,
    convert_temperature,
    number,
    stepped,
    temperature_unit,
    to_step,
)

TEMPERATURE_STEP: Final = 1.0           # degrees of the unit people speak in, for "warmer"
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
        temperature_unit: Literal["celsius", "fahrenheit", "kelvin"] | None = None  # None: the household's

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.temperature is None and slots.temperature_step is None:
            raise Unclear("To what temperature?")
        if slots.temperature_unit == "kelvin":
            raise Unclear("In degrees Celsius or Fahrenheit, please: to what temperature?")
        said = replace(slots.said(), name="it") if is_about_it(slots, turn) else slots.said()
        target = find(turn, said, self._domains(slots))
        household = turn.services.get("temperature_unit")
        return await carry_out(turn, target, [self._act(entity, slots, household) for entity in target.entities])

    @staticmethod
    def _domains(slots: Slots) -> frozenset[str]:
        """A room's temperature is its thermostat's; a water heater is meant by its name or kind."""
        named = slots.name is not None or slots.domain == "water_heater"
        return HEATED if named else frozenset({"climate"})

    @staticmethod
    def _act(entity: Entity, slots: Slots, household: str | None) -> Act:
        own = temperature_unit(entity)
        if slots.temperature is not None:
            unit = unit_meant(entity, slots.temperature, slots.temperature_unit, household)
            return heat_to(entity, convert_temperature(slots.temperature, unit, own), told_in=unit)
        unit = SPOKEN_UNITS.get(slots.temperature_unit or household or "", own)
        now = number(entity.attributes.get("temperature"))
        if now is None:
            return cannot(entity, "go up or down, as it reports no target")
        change = convert_difference(stepped(slots.temperature_step or 0, TEMPERATURE_STEP), unit, own)
        return heat_to(entity, now + change, told_in=unit)


def is_about_it(slots: SetTemperature.Slots, turn: Turn) -> bool:
    """ "Make it 20" with nothing of degrees is about what was talked about last: maybe a lamp, not the heating then."""
    words = set(fold(turn.text))
    bare = slots.temperature is not None and slots.temperature_unit is None and nothing_said(turn, slots.said())
    return bare and "it" in words and not words & {"degrees", "degree", "here", "temperature"} and bool(turn.context.last)


def unit_meant(entity: Entity, value: float, said: str | None, household: str | None) -> str:
    """The unit of a number: as said, else the household's, else the device's where only that is within its bounds."""
    own = temperature_unit(entity)
    if said is not None:
        return SPOKEN_UNITS[said]
    units = (SPOKEN_UNITS.get(household or "", own), own)
    fitting = (unit for unit in units if _within(entity, convert_temperature(value, unit, own), "min_temp", "max_temp"))
    return next(fitting, units[0])


def heat_to(entity: Entity, wanted: float, *, told_in: str) -> Act:
    """To a target in the device's unit, told in another. Raises: Unclear: outside of what it takes."""
    if "target_temperature" not in entity.features:
        return cannot(entity, "be set to a temperature")
    own = temperature_unit(entity)

    def spoken(value: float) -> str:
        return as_spoken(round(convert_temperature(value, own, told_in), 1))

    _bounded(entity, wanted, ("min_temp", "max_temp"), spoken, f" {told_in}")
    own_step = number(entity.attributes.get("target_temp_step"))
    target = to_step(wanted, own_step) if own_step else round(wanted, 1)
    what = f"{spoken(target)} {told_in}"
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
    _bounded(entity, wanted, ("min_humidity", "max_humidity"), as_spoken, "%")
    what = f"{as_spoken(round(wanted))}%"
    phrase = Phrase(f"set {{}} to {what}", f"go to {what}", f"set to {what}", "be set to a humidity")
    return Act(entity=entity, phrase=phrase, service="set_humidity", data={"humidity": round(wanted)})


def _limits(entity: Entity, low: str, high: str) -> tuple[float | None, float | None]:
    return number(entity.attributes.get(low)), number(entity.attributes.get(high))


def _within(entity: Entity, value: float, low_key: str, high_key: str) -> bool:
    low, high = _limits(entity, low_key, high_key)
    return (low is None or value >= low) and (high is None or value <= high)


def _bounded(
    entity: Entity, wanted: float, keys: tuple[str, str], spoken: Callable[[float], str], unit: str
) -> None:
    """Raises: Unclear: outside of what the device takes; it names the bounds."""
    if _within(entity, wanted, *keys):
        return
    low, high = _limits(entity, *keys)
    if low is None or high is None:
        bounds = f"up to {spoken(high)}{unit}" if high is not None else f"down to {spoken(low or 0)}{unit}"
    else:
        bounds = f"from {spoken(low)} to {spoken(high)}{unit}"
    what = sentence(noun_of(entity).text)
    raise Unclear(f"{what} goes {bounds}, not to {spoken(wanted)}. To what shall it go?")


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
