"""How a device looks on the board: its state in a few words, their tone, and a bar where there is a level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ...skills.home.model import Entity
from ...skills.states import is_known, number, told
from .safe_text import fit

Tone = Literal["on", "off", "good", "alert", "warm", "cool", "plain", "gone"]

ALARMING: Final = frozenset({"smoke", "gas", "carbon_monoxide", "moisture", "problem", "safety", "tamper"})
OPENINGS: Final = frozenset({"door", "window", "garage_door", "opening", "lock"})
TRIGGERS: Final = frozenset({"scene", "button"})


@dataclass(frozen=True)
class Shown:
    words: str
    tone: Tone = "plain"
    level: float | None = None      # 0..1, for a bar


def shown(entity: Entity) -> Shown:
    """An entity as it is now. Never raises: attributes come from the bus and may be anything."""
    if not entity.available or entity.state == "unavailable":
        return Shown("offline", "gone")
    if entity.domain in TRIGGERS:
        return Shown("▸ run" if entity.domain == "scene" else "▸ press")
    if not is_known(entity):
        return Shown("–" if entity.domain == "event" else "?", "off")
    return _BY_DOMAIN.get(entity.domain, _plain)(entity)


def _plain(entity: Entity) -> Shown:
    words = fit(told(entity))
    return Shown(words, "on" if entity.state == "on" else "off" if entity.state in ("off", "idle", "docked") else "plain")


def _light(entity: Entity) -> Shown:
    if entity.state != "on":
        return _plain(entity)
    brightness = _attribute(entity, "brightness")
    if brightness is None:
        return Shown("on", "on")
    level = min(1.0, max(0.0, brightness / 255))
    return Shown(f"{max(1, round(level * 100))}%", "on", level)


def _fan(entity: Entity) -> Shown:
    percentage = _attribute(entity, "percentage")
    if entity.state != "on" or percentage is None:
        return _plain(entity)
    return Shown(f"{round(percentage)}%", "on", min(1.0, max(0.0, percentage / 100)))


def _cover(entity: Entity) -> Shown:
    position = _attribute(entity, "current_position")
    tone: Tone = "good" if entity.state == "closed" else "on"
    if position is None:
        return Shown(fit(told(entity)), tone)
    level = min(1.0, max(0.0, position / 100))
    words = f"{round(position)}% open" if entity.state == "open" and 0 < level < 1 else fit(told(entity))
    return Shown(words, tone, level)


def _lock(entity: Entity) -> Shown:
    return Shown(fit(told(entity)), "good" if entity.state == "locked" else "alert")


def _climate(entity: Entity) -> Shown:
    now, target = _attribute(entity, "current_temperature"), _attribute(entity, "temperature")
    parts = [f"{now:g}°"] if now is not None else []
    if entity.state != "off" and target is not None:
        parts.append(f"→ {target:g}°")
    elif entity.state == "off":
        parts.append("off")
    action = entity.attributes.get("hvac_action")
    tone: Tone = "warm" if action == "heating" else "cool" if action == "cooling" else _climate_tone(entity.state)
    return Shown(" ".join(parts) or fit(told(entity)), tone)


def _climate_tone(state: str | None) -> Tone:
    return "off" if state == "off" else "cool" if state == "cool" else "warm" if state == "heat" else "plain"


def _humidifier(entity: Entity) -> Shown:
    target = _attribute(entity, "humidity")
    if entity.state != "on" or target is None:
        return _plain(entity)
    return Shown(f"on → {target:g}%", "on")


def _player(entity: Entity) -> Shown:
    volume = _attribute(entity, "volume_level")
    active = entity.state in ("playing", "on", "buffering")
    level = min(1.0, max(0.0, volume)) if volume is not None and active else None
    return Shown(fit(told(entity)), "on" if active else "off", level)


def _binary(entity: Entity) -> Shown:
    kind = entity.device_class
    if entity.state != "on":
        return Shown(fit(told(entity)), "good" if kind in OPENINGS else "off")
    return Shown(fit(told(entity)), "alert" if kind in ALARMING | OPENINGS else "on")


def _alarm(entity: Entity) -> Shown:
    state = entity.state or ""
    tone: Tone = "alert" if state in ("triggered", "pending") else "good" if state.startswith("arm") else "off"
    return Shown(fit(told(entity)), tone)


def _sensor(entity: Entity) -> Shown:
    value = number(entity.state)
    unit = f" {entity.unit}" if entity.unit else ""
    if value is None:
        return Shown(fit(told(entity)))
    low = entity.device_class == "battery" and value <= 20
    return Shown(fit(f"{value:g}{unit}"), "alert" if low else "plain")


def _event(entity: Entity) -> Shown:
    kind = entity.attributes.get("event_type")
    moment = (entity.state or "")[11:16]
    return Shown(fit(f"{kind} {moment}" if kind else moment or "quiet"))


def _update(entity: Entity) -> Shown:
    return Shown("update", "warm") if entity.state == "on" else Shown("up to date", "off")


def _attribute(entity: Entity, name: str) -> float | None:
    value = number(entity.attributes.get(name))
    return value if value is not None and value == value and abs(value) < 1e9 else None


_BY_DOMAIN: Final[Mapping[str, Callable[[Entity], Shown]]] = {
    "light": _light, "fan": _fan, "cover": _cover, "valve": _cover, "lock": _lock, "climate": _climate,
    "water_heater": _climate, "humidifier": _humidifier, "media_player": _player, "binary_sensor": _binary,
    "alarm_control_panel": _alarm, "sensor": _sensor, "number": _sensor, "event": _event, "update": _update,
}
