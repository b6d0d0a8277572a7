"""Conversions between what people say and what devices speak: all of them stand here."""

from __future__ import annotations

from typing import Any, Final

from ..home.model import Entity

DEFAULT_KELVIN: Final = (2000, 6500)    # Home Assistant's range for a lamp that does not tell its own
CELSIUS: Final = "°C"
FAHRENHEIT: Final = "°F"
SPOKEN_UNITS: Final = {"celsius": CELSIUS, "fahrenheit": FAHRENHEIT}


def number(value: Any) -> float | None:
    """A number of an attribute, or None."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def stepped(step: str | float, amount: float) -> float:
    """A step as a signed number: "up" -> +amount, "down" -> -amount, a number as it is."""
    if isinstance(step, str):
        return amount if step == "up" else -amount
    return float(step)


def brightness_percent(entity: Entity) -> float | None:
    """A lamp's brightness in percent, 0 when it is off; None where it does not tell."""
    if entity.state == "off":
        return 0.0
    level = number(entity.attributes.get("brightness"))
    return None if level is None else level / 255 * 100


def kelvin_range(entity: Entity) -> tuple[int, int]:
    low = number(entity.attributes.get("min_color_temp_kelvin"))
    high = number(entity.attributes.get("max_color_temp_kelvin"))
    return (int(low or DEFAULT_KELVIN[0]), int(high or DEFAULT_KELVIN[1]))


def temperature_unit(entity: Entity) -> str:
    """"°C" or "°F": what the device counts in."""
    unit = entity.unit or entity.attributes.get("temperature_unit") or CELSIUS
    return FAHRENHEIT if str(unit).strip().upper().endswith("F") else CELSIUS


def convert_temperature(value: float, source: str, target: str) -> float:
    """A temperature from one unit into another, both "°C" or "°F"."""
    if source == target:
        return value
    return value * 9 / 5 + 32 if target == FAHRENHEIT else (value - 32) * 5 / 9


def convert_difference(value: float, source: str, target: str) -> float:
    """A difference of temperatures: two degrees Celsius are 3.6 degrees Fahrenheit."""
    if source == target:
        return value
    return value * 9 / 5 if target == FAHRENHEIT else value * 5 / 9


def to_step(value: float, step: float | None) -> float:
    """The nearest value that a device with this step takes."""
    return value if not step or step <= 0 else round(round(value / step) * step, 6)
