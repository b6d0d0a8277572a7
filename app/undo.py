"""Putting back what an act changed: the state before it, as service calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..skills.home.model import Entity, Home, Outcome, ServiceCall

MAX_ACTS: Final = 10            # that a session can take back


@dataclass(frozen=True, kw_only=True)
class Before:
    """How one entity was before an act."""

    entity_id: str
    state: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Act:
    """What one `perform` changed."""

    turn_id: str
    before: tuple[Before, ...]


class UndoLog:
    """The acts of one conversation, newest last. `turn.services["undo"]`."""

    def __init__(self) -> None:
        self._acts: list[Act] = []

    def record(self, turn_id: str, before: Sequence[Before], outcomes: Sequence[Outcome]) -> None:
        """Remember what the outcomes changed; what was so already, or cannot be done, changed nothing.

        An act that changed nothing is remembered as such: "undo" after it must not reach for an older one.
        """
        changed = {one.call.entity_id for one in outcomes if one.status not in ("already", "unsupported")}
        act = Act(turn_id=turn_id, before=tuple(one for one in before if one.entity_id in changed))
        self._acts = [*self._acts[-MAX_ACTS + 1 :], act]

    def take(self) -> tuple[Before, ...]:
        """What the newest turn that acted has changed, and forget it; () when nothing."""
        if not self._acts:
            return ()
        newest = self._acts[-1].turn_id
        taken = [act for act in self._acts if act.turn_id == newest]
        self._acts = [act for act in self._acts if act.turn_id != newest]
        first = {one.entity_id: one for act in reversed(taken) for one in act.before}
        return tuple(first.values())


def before(home: Home, calls: Sequence[ServiceCall]) -> tuple[Before, ...]:
    """How the entities of the calls are now."""
    ids = dict.fromkeys(call.entity_id for call in calls)
    entities = [home.entities[entity_id] for entity_id in ids if entity_id in home.entities]
    return tuple(Before(entity_id=one.entity_id, state=one.state, attributes=dict(one.attributes)) for one in entities)


def restoring(entity: Entity, was: Before) -> list[ServiceCall]:
    """The calls that bring the entity back to how it was; [] where that cannot be done (a scene, a button, a siren)."""
    way = _WAYS.get(entity.domain)
    calls = way(was.state or "", was.attributes, entity) if way is not None else []
    return [ServiceCall(entity_id=entity.entity_id, service=service, data=data) for service, data in calls]


_Calls = list[tuple[str, dict[str, Any]]]
_Way = Callable[[str, Mapping[str, Any], Entity], _Calls]


def _on_off(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    return [(f"turn_{state}", {})] if state in ("on", "off") else []


def _light(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    if state != "on":
        return _on_off(state, was, entity)
    data: dict[str, Any] = {}
    if was.get("brightness") is not None:
        data["brightness_pct"] = was["brightness"] / 255 * 100      # unrounded: it comes back to the very step
    color = next((key for key in _colors(was.get("color_mode")) if was.get(key) is not None), None)
    if color is not None:
        data[color] = was[color]
    return [("turn_on", data)]


def _colors(mode: Any) -> tuple[str, ...]:
    """The attributes that may say the colour, the telling one first."""
    told = {"color_temp": "color_temp_kelvin", "hs": "hs_color", "xy": "xy_color", "rgb": "rgb_color"}.get(str(mode))
    return (told,) if told is not None else ("color_temp_kelvin", "rgb_color", "hs_color", "xy_color")


def _fan(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    if state == "on" and was.get("preset_mode") is not None:
        return [("set_preset_mode", {"preset_mode": was["preset_mode"]})]
    if state == "on" and was.get("percentage") is not None:
        return [("set_percentage", {"percentage": was["percentage"]})]
    return _on_off(state, was, entity)


def _opening(kind: str) -> _Way:
    def way(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
        if "position" in entity.features and was.get("current_position") is not None:
            return [(f"set_{kind}_position", {"position": was["current_position"]})]
        service = {"open": f"open_{kind}", "closed": f"close_{kind}"}.get(state)
        return [(service, {})] if service else []

    return way


def _lock(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    service = {"locked": "lock", "unlocked": "unlock"}.get(state)
    return [(service, {})] if service else []


def _climate(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    service, key = ("set_operation_mode", "operation_mode") if entity.domain == "water_heater" else ("set_hvac_mode", "hvac_mode")
    calls: _Calls = [(service, {key: state})] if state and state != entity.state else []
    return calls + _changed(was, entity, set_temperature="temperature", set_fan_mode="fan_mode", set_preset_mode="preset_mode")


def _humidifier(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    return _on_off(state, was, entity) + _changed(was, entity, set_humidity="humidity", set_mode="mode")


def _media_player(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    calls = _changed(was, entity, volume_set="volume_level", volume_mute="is_volume_muted", select_source="source")
    services = {"playing": "media_play", "paused": "media_pause", "idle": "media_stop", "off": "turn_off", "on": "turn_on"}
    if state != entity.state and state in services:
        calls.append((services[state], {}))
    return calls


def _changed(was: Mapping[str, Any], entity: Entity, **attribute_by_service: str) -> _Calls:
    """The services that set back the attributes that differ now."""
    now = entity.attributes
    differs = {service: key for service, key in attribute_by_service.items() if was.get(key) not in (None, now.get(key))}
    return [(service, {key: was[key]}) for service, key in differs.items()]


def _value(service: str, key: str) -> _Way:
    return lambda state, was, entity: [(service, {key: state})] if state else []


_WAYS: Final[Mapping[str, _Way]] = {
    "light": _light, "switch": _on_off, "fan": _fan, "cover": _opening("cover"), "valve": _opening("valve"), "lock": _lock,
    "climate": _climate, "water_heater": _climate, "humidifier": _humidifier, "media_player": _media_player,
    "number": _value("set_value", "value"), "text": _value("set_value", "value"), "select": _value("select_option", "option"),
}
