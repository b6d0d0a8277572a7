"""Putting back what an act changed: of devices the state before it, as service calls; of the stores what stood in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from ..skills.home.model import Entity, Home, Outcome, ServiceCall
from ..skills.later import Command as LaterCommand
from ..skills.later import LaterStore
from ..skills.lists import HouseList, ListStore
from ..skills.slots import spoken_list
from ..skills.timers import Timer, TimerStore

MAX_ACTS: Final = 10            # that a session can take back


@dataclass(frozen=True, kw_only=True)
class Before:
    """How one entity was before an act."""

    entity_id: str
    state: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)


PutBack = Callable[[], str]     # puts back what stood in a store; what to say about it


@dataclass(frozen=True, kw_only=True)
class Act:
    """What one `perform`, or one skill's work on its store, changed."""

    turn_id: str
    at: float                   # time.monotonic()
    before: tuple[Before, ...] = ()
    put_back: PutBack | None = None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """All that one turn changed: of each device the state before the turn, and what puts back the stores, newest first."""

    before: tuple[Before, ...] = ()
    put_back: tuple[PutBack, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.before or self.put_back)


class UndoLog:
    """The acts of one conversation, newest last. `turn.services["undo"]`.

    Args: lasts_s: what was done longer ago is not put back.
    """

    def __init__(self, lasts_s: float = float("inf")) -> None:
        self._acts: list[Act] = []
        self._lasts_s = lasts_s

    def record(self, turn_id: str, before: Sequence[Before], outcomes: Sequence[Outcome]) -> None:
        """Remember what the outcomes changed; what was so already, or cannot be done, changed nothing.

        An act that changed nothing is remembered as such: "undo" after it must not reach for an older one.
        """
        changed = {one.call.entity_id for one in outcomes if one.status not in ("already", "unsupported")}
        self._keep(Act(turn_id=turn_id, at=time.monotonic(), before=tuple(one for one in before if one.entity_id in changed)))

    def record_put_back(self, turn_id: str, put_back: PutBack) -> None:
        """Remember what puts back a store that a skill has changed."""
        self._keep(Act(turn_id=turn_id, at=time.monotonic(), put_back=put_back))

    def take(self, meant: Callable[[str], bool] = lambda entity_id: True) -> Taken:
        """What the newest turn that acted has changed, and forget it; empty when nothing.

        Args: meant: of which devices; by it, the newest turn that changed one of them is found.
        """
        begin = time.monotonic() - self._lasts_s
        self._acts = [act for act in self._acts if act.at >= begin]
        every = meant("")           # nothing was named
        touching = [act for act in self._acts if every or any(meant(one.entity_id) for one in act.before)]
        if not touching:
            return Taken()
        newest = touching[-1].turn_id
        taken = [act for act in self._acts if act.turn_id == newest]
        self._acts = [act for act in self._acts if act.turn_id != newest]
        first = {one.entity_id: one for act in reversed(taken) for one in act.before if meant(one.entity_id)}
        stores = tuple(act.put_back for act in reversed(taken) if act.put_back is not None and every)
        return Taken(before=tuple(first.values()), put_back=stores)

    def _keep(self, act: Act) -> None:
        self._acts = [*self._acts[-MAX_ACTS + 1 :], act]


@dataclass(frozen=True)
class Stored:
    """What stood in the stores of lists, timers and commands for later."""

    lists: tuple[HouseList, ...]
    timers: tuple[Timer, ...]
    later: tuple[LaterCommand, ...]


_STORING: Final = ("List", "Timer", "Alarm", "Reminder", "RunLater", "Snooze")


class Stores:
    """The stores whose changes can be put back."""

    def __init__(self, lists: ListStore, timers: TimerStore, later: LaterStore) -> None:
        self._lists, self._timers, self._later = lists, timers, later

    def stored(self, intent: str) -> Stored | None:
        """What stands in them now, for an intent that may change it; None: it changes none."""
        if not any(word in intent for word in _STORING):
            return None
        return Stored(tuple(self._lists.all()), tuple(self._timers.all()), tuple(self._later.all()))

    def put_back(self, was: Stored | None) -> PutBack | None:
        """What would make them as they were, now that something may have changed; None: nothing has."""
        now = self.stored(_STORING[0]) if was is not None else None
        if was is None or now is None or was == now:
            return None
        lists = [one for one in was.lists if one not in now.lists]
        gone = {one.slug for one in now.lists} - {one.slug for one in was.lists}
        new = [one for one in now.lists if one.slug in gone]
        timers, later = _differing(was.timers, now.timers), _differing(was.later, now.later)
        if not (lists or new or timers or later):
            return None
        return lambda: self._restore(lists, new, timers, later)

    def _restore(
        self, lists: Sequence[HouseList], new_lists: Sequence[HouseList], timers: _Differing[Timer],
        later: _Differing[LaterCommand],
    ) -> str:
        told = [self._lists.put_back(one).label for one in lists]
        told += [self._lists.put_back(HouseList(one.slug, one.name)).label for one in new_lists]
        for timer in timers.added:
            self._timers.cancel(timer)
            told.append(f"the {timer.label}")
        for timer in timers.before:
            told.append(f"the {self._timers.restore(timer).label}")
        for command in later.added:
            self._later.cancel(command.id)
        for command in later.before:
            self._later.restore(command)
        told += ["what was put off"] if later.added or later.before else []
        return f"Put back {spoken_list(list(dict.fromkeys(told)))}."


T = TypeVar("T", Timer, LaterCommand)


@dataclass(frozen=True)
class _Differing(Generic[T]):
    """What an act added, and what was there before that it removed or changed."""

    added: tuple[T, ...]
    before: tuple[T, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.before)


def _differing(was: Sequence[T], now: Sequence[T]) -> _Differing[T]:
    ids = {one.id for one in was}
    return _Differing(tuple(one for one in now if one.id not in ids), tuple(one for one in was if one not in now))


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
    if "effect" in entity.features and was.get("effect") not in (None, entity.attributes.get("effect")):
        data["effect"] = was["effect"]
    return [("turn_on", data)]


def _colors(mode: Any) -> tuple[str, ...]:
    """The attributes that may say the colour, the telling one first."""
    told = {"color_temp": "color_temp_kelvin", "hs": "hs_color", "xy": "xy_color", "rgb": "rgb_color"}.get(str(mode))
    return (told,) if told is not None else ("color_temp_kelvin", "rgb_color", "hs_color", "xy_color")


def _fan(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    turned = _changed(was, entity, oscillate="oscillating", set_direction="direction") if state == "on" else []
    if state == "on" and was.get("preset_mode") is not None:
        return [("set_preset_mode", {"preset_mode": was["preset_mode"]}), *turned]
    if state == "on" and was.get("percentage") is not None:
        return [("set_percentage", {"percentage": was["percentage"]}), *turned]
    return _on_off(state, was, entity) + turned


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


def _machine(working: str, start: str, back: str) -> _Way:
    """A vacuum or mower: sent back, or out again."""
    services = {working: start, "docked": back, "returning": back, "paused": "pause", "idle": "stop"}

    def way(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
        return [(services[state], {})] if state in services and state != entity.state else []

    return way


def _alarm(state: str, was: Mapping[str, Any], entity: Entity) -> _Calls:
    service = {"disarmed": "alarm_disarm", **{f"armed_{mode}": f"alarm_arm_{mode}" for mode in ("home", "away", "night")}}
    return [(service[state], {})] if state in service and state != entity.state else []


def _value(service: str, key: str) -> _Way:
    return lambda state, was, entity: [(service, {key: state})] if state else []


_WAYS: Final[Mapping[str, _Way]] = {
    "light": _light, "switch": _on_off, "fan": _fan, "cover": _opening("cover"), "valve": _opening("valve"), "lock": _lock,
    "climate": _climate, "water_heater": _climate, "humidifier": _humidifier, "media_player": _media_player,
    "vacuum": _machine("cleaning", "start", "return_to_base"), "lawn_mower": _machine("mowing", "start_mowing", "dock"),
    "alarm_control_panel": _alarm, "siren": _on_off, "number": _value("set_value", "value"),
    "text": _value("set_value", "value"), "select": _value("select_option", "option"),
}
