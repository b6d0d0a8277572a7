"""What an entity reports once a service call has been carried out: pure checks on its state and attributes.

A call has some checks, or none where no state could tell (a button, the next track). Numbers have tolerances, as devices
round to their own scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import colors
from .model import Entity, ServiceCall

BRIGHTNESS_TOLERANCE = 3        # of 255: a device may count to 100
POSITION_TOLERANCE = 3          # of 100
HUE_TOLERANCE = 12              # degrees
SATURATION_TOLERANCE = 12       # of 100
XY_TOLERANCE = 0.03
MIRED_TOLERANCE = 6


class Check:
    """One thing that must hold."""

    patient = False     # being underway is not enough while there is time left to see the end of it

    def met(self, entity: Entity) -> bool | None:
        """Whether it holds; None when the entity has never reported that."""
        raise NotImplementedError

    def underway(self, entity: Entity) -> bool:
        """Whether the entity is on its way there."""
        return False

    def assume(self, entity: Entity) -> None:
        """Make it hold, for an entity that reports nothing."""


@dataclass(frozen=True)
class State(Check):
    """The state is one of `states`; one of `via` is on the way there."""

    states: tuple[str, ...]
    via: tuple[str, ...] = ()
    patient: bool = False

    def met(self, entity: Entity) -> bool | None:
        return None if entity.state is None else entity.state in self.states

    def underway(self, entity: Entity) -> bool:
        return entity.state in self.via

    def assume(self, entity: Entity) -> None:
        entity.state = self.states[0]


@dataclass(frozen=True)
class NotState(Check):
    """The state is none of `states`; what it is instead, nobody can assume."""

    states: tuple[str, ...]

    def met(self, entity: Entity) -> bool | None:
        return None if entity.state is None else entity.state not in self.states


@dataclass(frozen=True)
class StateNear(Check):
    """The state is a number near `value`."""

    value: float
    tolerance: float

    def met(self, entity: Entity) -> bool | None:
        state = _float(entity.state)
        return None if state is None else abs(state - self.value) <= self.tolerance

    def assume(self, entity: Entity) -> None:
        entity.state = str(int(self.value) if float(self.value).is_integer() else self.value)


@dataclass(frozen=True)
class Near(Check):
    """An attribute is a number near `value`."""

    attribute: str
    value: float
    tolerance: float

    def met(self, entity: Entity) -> bool | None:
        reported = _float(entity.attributes.get(self.attribute))
        return None if reported is None else abs(reported - self.value) <= self.tolerance

    def assume(self, entity: Entity) -> None:
        entity.attributes[self.attribute] = self.value


@dataclass(frozen=True)
class Place(Check):
    """A position, 0 shut .. 100 open; `origin` is where it set out from, if known."""

    attribute: str
    value: float
    origin: float | None

    def met(self, entity: Entity) -> bool | None:
        reported = _float(entity.attributes.get(self.attribute))
        if reported is not None:
            return abs(reported - self.value) <= POSITION_TOLERANCE
        if self.attribute != "current_position" or entity.state is None:
            return None
        return entity.state == ("closed" if self.value <= 0 else "open")

    def underway(self, entity: Entity) -> bool:
        """It says that it moves the right way, or has come nearer."""
        if self.origin is None:
            return entity.state == ("closing" if self.value <= 0 else "opening")
        up = self.value > self.origin
        if entity.state == ("opening" if up else "closing"):
            return True
        reported = _float(entity.attributes.get(self.attribute))
        return reported is not None and abs(reported - self.value) < abs(self.origin - self.value)

    def assume(self, entity: Entity) -> None:
        if self.attribute == "current_position":
            entity.state = "closed" if self.value <= 0 else "open"
        if "position" in entity.features:
            entity.attributes[self.attribute] = self.value


@dataclass(frozen=True)
class Same(Check):
    """An attribute is this value, case aside."""

    attribute: str
    value: Any

    def met(self, entity: Entity) -> bool | None:
        reported = entity.attributes.get(self.attribute)
        return None if reported is None else str(reported).casefold() == str(self.value).casefold()

    def assume(self, entity: Entity) -> None:
        entity.attributes[self.attribute] = self.value


@dataclass(frozen=True)
class Color(Check):
    """A lamp shows this colour, by hue and saturation or by its place in the xy diagram."""

    rgb: colors.Rgb

    def met(self, entity: Entity) -> bool | None:
        hs, xy = entity.attributes.get("hs_color"), entity.attributes.get("xy_color")
        if hs is None and xy is None:
            return None if entity.attributes.get("color_temp_kelvin") is None else False
        return (hs is not None and self._near_hs(*hs)) or (xy is not None and self._near_xy(*xy))

    def _near_hs(self, hue: float, saturation: float) -> bool:
        wanted_hue, wanted_saturation = colors.rgb_to_hs(*self.rgb)
        apart = abs(hue - wanted_hue) % 360
        hue_fits = min(apart, 360 - apart) <= HUE_TOLERANCE or wanted_saturation < SATURATION_TOLERANCE
        return hue_fits and abs(saturation - wanted_saturation) <= SATURATION_TOLERANCE

    def _near_xy(self, x: float, y: float) -> bool:
        wanted_x, wanted_y = colors.rgb_to_xy(*self.rgb)
        return math.hypot(x - wanted_x, y - wanted_y) <= XY_TOLERANCE

    def assume(self, entity: Entity) -> None:
        entity.attributes["rgb_color"] = list(self.rgb)


@dataclass(frozen=True)
class Kelvin(Check):
    """A lamp shows this colour temperature, or the end of its own range that is nearest."""

    kelvin: float

    def met(self, entity: Entity) -> bool | None:
        reported = _float(entity.attributes.get("color_temp_kelvin"))
        if not reported or reported <= 0:
            return None if entity.attributes.get("rgb_color") is None else False
        wanted = min(max(self.kelvin, _float(entity.attributes.get("min_color_temp_kelvin")) or 0),
                     _float(entity.attributes.get("max_color_temp_kelvin")) or math.inf)
        return abs(1e6 / reported - 1e6 / wanted) <= MIRED_TOLERANCE

    def assume(self, entity: Entity) -> None:
        entity.attributes["color_temp_kelvin"] = self.kelvin


Checks = tuple[Check, ...]
ON: Checks = (State(("on",)),)
OFF: Checks = (State(("off",)),)


def expected(call: ServiceCall, entity: Entity) -> Checks:
    """What `entity` (as it is before the call) reports once the call is carried out; empty: no state could tell."""
    by_domain = _BY_DOMAIN.get(entity.domain, {})
    rule = by_domain.get(call.service) or _ANYWHERE.get(call.service)
    try:
        return rule(call.data, entity) if rule else ()
    except (KeyError, TypeError, ValueError):  # the call lacks what it needs; publishing it says so
        return ()


def satisfied(call: ServiceCall, entity: Entity) -> bool:
    """Whether the entity reports all that the call wants."""
    checks = expected(call, entity)
    return bool(checks) and all(check.met(entity) for check in checks)


def concrete(call: ServiceCall, entity: Entity) -> ServiceCall:
    """A toggle as what it comes to now; any other call as it is."""
    if call.service != "toggle":
        return call
    if entity.domain in ("cover", "valve"):
        way = "open" if entity.state in ("closed", "closing") else "close"
        return ServiceCall(entity_id=call.entity_id, service=f"{way}_{entity.domain}", data=call.data)
    off = entity.state != "off" if entity.domain == "media_player" else entity.state == "on"
    return ServiceCall(entity_id=call.entity_id, service="turn_off" if off else "turn_on", data=call.data)


# the rules: (the call's data, the entity) -> checks

Rule = Callable[[Mapping[str, Any], Entity], Checks]


def _state(*states: str, via: tuple[str, ...] = (), patient: bool = False) -> Rule:
    return lambda data, entity: (State(states, via, patient),)


def _not_state(*states: str) -> Rule:
    return lambda data, entity: (NotState(states),)


def _same(attribute: str, key: str | None = None) -> Rule:
    return lambda data, entity: (Same(attribute, data[key or attribute]),)


def _state_is(key: str) -> Rule:
    return lambda data, entity: (State((str(data[key]),)),)


def _light_on(data: Mapping[str, Any], entity: Entity) -> Checks:
    checks: list[Check] = [*ON]
    brightness = data.get("brightness")
    if brightness is None and data.get("brightness_pct") is not None:
        brightness = round(float(data["brightness_pct"]) * 255 / 100)
    if brightness is not None:
        if brightness <= 0:
            return OFF
        checks.append(Near("brightness", float(brightness), BRIGHTNESS_TOLERANCE))
    rgb = _wanted_rgb(data)
    kelvin = data.get("color_temp_kelvin")
    if kelvin is not None and "color_temp" in entity.features:
        checks.append(Kelvin(float(kelvin)))
    elif kelvin is not None:
        checks.append(Color(colors.kelvin_to_rgb(float(kelvin))))
    elif rgb is not None:
        checks.append(Color(rgb))
    if data.get("effect") is not None:
        checks.append(Same("effect", data["effect"]))
    return tuple(checks)


def _wanted_rgb(data: Mapping[str, Any]) -> colors.Rgb | None:
    if data.get("color_name") is not None:
        return colors.named_rgb(str(data["color_name"]))
    if data.get("rgb_color") is not None:
        red, green, blue = data["rgb_color"]
        return int(red), int(green), int(blue)
    if data.get("hs_color") is not None:
        return colors.hs_to_rgb(*data["hs_color"])
    return colors.xy_to_rgb(*data["xy_color"]) if data.get("xy_color") is not None else None


def _fan_on(data: Mapping[str, Any], entity: Entity) -> Checks:
    if data.get("percentage") is not None:
        return (*ON, *_fan_speed(data, entity)) if data["percentage"] > 0 else OFF
    return (*ON, Same("preset_mode", data["preset_mode"])) if data.get("preset_mode") is not None else ON


def _fan_speed(data: Mapping[str, Any], entity: Entity) -> Checks:
    """The device's next speed at or above what was asked for, as the command rounds up."""
    percentage = float(data["percentage"])
    if percentage <= 0:
        return OFF
    step = float(entity.attributes.get("percentage_step") or 1)
    return (Near("percentage", math.ceil(round(percentage / step, 6)) * step, 1.0),)


def _position(value: float | None = None) -> Rule:
    def rule(data: Mapping[str, Any], entity: Entity) -> Checks:
        target = float(data["position"]) if value is None else value
        origin = _float(entity.attributes.get("current_position"))
        if origin is None and value is not None:
            return (State(("open",), ("opening",)) if value else State(("closed",), ("closing",)),)
        return (Place("current_position", target, origin),)

    return rule


def _tilt(value: float | None = None) -> Rule:
    def rule(data: Mapping[str, Any], entity: Entity) -> Checks:
        target = float(data["tilt_position"]) if value is None else value
        return (Place("current_tilt_position", target, _float(entity.attributes.get("current_tilt_position"))),)

    return rule


def _temperature(data: Mapping[str, Any], entity: Entity) -> Checks:
    tolerance = max(0.06, float(entity.attributes.get("target_temp_step") or 0.1) / 2 - 0.01)
    checks: list[Check] = [Near(name, float(data[name]), tolerance)
                           for name in ("temperature", "target_temp_low", "target_temp_high") if data.get(name) is not None]
    mode = data.get("hvac_mode") or data.get("operation_mode")
    return (*checks, State((str(mode),))) if mode is not None else tuple(checks)


def _number(data: Mapping[str, Any], entity: Entity) -> Checks:
    step = float(entity.attributes.get("step") or 0)
    return (StateNear(float(data["value"]), max(1e-6, step / 2 - 1e-6)),)


_ANYWHERE: dict[str, Rule] = {
    "turn_on": _state("on"),
    "turn_off": _state("off"),
    "set_preset_mode": _same("preset_mode"),
    "set_humidity": lambda data, entity: (Near("humidity", float(data["humidity"]), 1.0),),
}
_BY_DOMAIN: dict[str, dict[str, Rule]] = {
    "light": {"turn_on": _light_on},
    "fan": {"turn_on": _fan_on, "set_percentage": _fan_speed, "oscillate": _same("oscillating"),
            "set_direction": _same("direction")},
    "cover": {
        "open_cover": _position(100), "close_cover": _position(0), "set_cover_position": _position(),
        "stop_cover": _not_state("opening", "closing"), "set_cover_tilt_position": _tilt(),
        "open_cover_tilt": _tilt(100), "close_cover_tilt": _tilt(0),
    },
    "valve": {
        "open_valve": _position(100), "close_valve": _position(0), "set_valve_position": _position(),
        "stop_valve": _not_state("opening", "closing"),
    },
    "lock": {
        # a bolt may jam on its way: only its end is the truth
        "lock": _state("locked", via=("locking",), patient=True),
        "unlock": _state("unlocked", "open", via=("unlocking", "opening"), patient=True),
        "open": _state("open", "unlocked", via=("opening", "unlocking"), patient=True),
    },
    "climate": {
        "turn_on": _not_state("off"), "set_temperature": _temperature, "set_hvac_mode": _state_is("hvac_mode"),
        "set_fan_mode": _same("fan_mode"), "set_swing_mode": _same("swing_mode"),
        "set_swing_horizontal_mode": _same("swing_horizontal_mode"),
    },
    "water_heater": {
        "turn_on": _not_state("off"), "set_temperature": _temperature, "set_operation_mode": _state_is("operation_mode"),
    },
    "humidifier": {"set_mode": _same("mode")},
    "vacuum": {
        "start": _state("cleaning"), "clean_spot": _state("cleaning"), "clean_area": _state("cleaning"),
        "pause": _state("paused", "idle"), "stop": _state("idle", "paused", "docked"),
        "return_to_base": _state("docked", via=("returning",)), "set_fan_speed": _same("fan_speed"),
    },
    "lawn_mower": {
        "start_mowing": _state("mowing"), "pause": _state("paused"), "dock": _state("docked", via=("returning",)),
    },
    "media_player": {
        "turn_on": _not_state("off", "standby"), "turn_off": _state("off", "standby"),
        "media_play": _state("playing", via=("buffering",)), "media_pause": _state("paused", "idle"),
        "media_stop": _state("idle", "off", "standby"), "select_source": _same("source"),
        "volume_set": lambda data, entity: (Near("volume_level", float(data["volume_level"]), 0.011),),
        "volume_mute": _same("is_volume_muted"),
    },
    "number": {"set_value": _number},
    "text": {"set_value": _state_is("value")},
    "select": {"select_option": _state_is("option")},
    "scene": {"turn_on": lambda data, entity: ()},
    "alarm_control_panel": {
        **{f"alarm_arm_{how}": _state(f"armed_{how}", via=("arming", "pending"))
           for how in ("home", "away", "night", "vacation", "custom_bypass")},
        "alarm_disarm": _state("disarmed", via=("disarming",)), "alarm_trigger": _state("triggered", via=("pending",)),
    },
}  # fmt: skip


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
