"""What an entity's state means, in the catalogue's words (`holds`) and in a sentence (`told`).

A raw state is a protocol's word: "on" of a window sensor is "open", of a lock's sensor "unlocked". Here each domain and
device class says which of the catalogue's states its raw states are, and how people put them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .home.model import Entity
from .slots import as_spoken

LOW_BATTERY_PERCENT = 20
REACH = {"unavailable": "offline", "offline": "offline", "available": "online", "online": "online"}  # how they are put
UNKNOWN = frozenset({"unknown", "none", "None", ""})

# Binary sensors by device class: how "on" and "off" are put, then which of the catalogue's states each is besides.
_BINARY: Mapping[str | None, tuple[str, str, str, str]] = {
    None: ("on", "off", "detected", "clear"),
    "battery": ("low", "not low", "low", "full"),
    "battery_charging": ("charging", "not charging", "charging", ""),
    "carbon_monoxide": ("detecting carbon monoxide", "clear", "detected problem triggered", "clear"),
    "cold": ("cold", "not cold", "cold", ""),
    "connectivity": ("connected", "disconnected", "online available", "offline unavailable"),
    "door": ("open", "closed", "open", "closed"),
    "garage_door": ("open", "closed", "open", "closed"),
    "gas": ("detecting gas", "clear", "detected problem triggered", "clear"),
    "heat": ("hot", "not hot", "hot heat", ""),
    "light": ("seeing light", "dark", "detected", "clear"),
    "lock": ("unlocked", "locked", "unlocked open", "locked closed"),
    "moisture": ("wet", "dry", "wet detected problem triggered", "dry clear"),
    "motion": ("detecting motion", "clear", "detected", "clear"),
    "moving": ("moving", "still", "detected", "clear"),
    "occupancy": ("occupied", "not occupied", "detected home", "clear"),
    "opening": ("open", "closed", "open", "closed"),
    "plug": ("plugged in", "unplugged", "", ""),
    "power": ("powered", "without power", "", ""),
    "presence": ("home", "away", "home detected", "not_home clear"),
    "problem": ("reporting a problem", "fine", "problem detected triggered", "clear"),
    "running": ("running", "not running", "", ""),
    "safety": ("unsafe", "safe", "problem detected triggered", "clear"),
    "smoke": ("detecting smoke", "clear", "detected problem triggered", "clear"),
    "sound": ("detecting sound", "quiet", "detected", "clear"),
    "tamper": ("reporting tampering", "clear", "detected problem triggered", "clear"),
    "update": ("waiting for an update", "up to date", "", ""),
    "vibration": ("detecting vibration", "still", "detected", "clear"),
    "window": ("open", "closed", "open", "closed"),
}

# Other domains: raw state -> which of the catalogue's states it is. What is not listed is itself.
_MEANS: Mapping[str, Mapping[str, str]] = {
    "cover": {"open": "open on", "closed": "closed off", "opening": "opening open on", "closing": "closing open on"},
    "valve": {"open": "open on", "closed": "closed off", "opening": "opening open on", "closing": "closing open on"},
    "lock": {"locked": "locked on", "unlocked": "unlocked off", "open": "unlocked off", "jammed": "jammed problem",
             "locking": "unlocked off", "unlocking": "unlocked off", "opening": "unlocked off"},
    "media_player": {"playing": "playing on", "paused": "paused on", "idle": "idle on", "off": "off", "standby": "off",
                     "on": "on", "buffering": "playing on"},
    "vacuum": {"cleaning": "cleaning on", "docked": "docked off home", "returning": "returning on",
               "paused": "paused off", "idle": "idle off", "error": "problem off"},
    "lawn_mower": {"mowing": "mowing on", "docked": "docked off home", "returning": "returning on",
                   "paused": "paused off", "error": "problem off"},
    "climate": {"off": "off", "heat": "heat on", "cool": "cool on", "heat_cool": "heat cool on", "auto": "on"},
    "alarm_control_panel": {"disarmed": "disarmed off", "triggered": "triggered armed on problem",
                            "pending": "armed on", "arming": "armed on"},
    "person": {"home": "home", "not_home": "not_home"},
    "device_tracker": {"home": "home", "not_home": "not_home"},
}
_SETTABLE = frozenset({"number", "select", "text"})
# Device classes that a sensor measures, rather than what a thing is: "there is no smoke sensor", not "no smoke".
MEASURED = frozenset({*_BINARY, "temperature", "humidity", "energy", "illuminance", "pressure", "co2", "pm25", "voltage",
                      "current", "water"}) - {None, "door", "garage_door", "lock", "opening", "window", "update", "plug"}


def is_known(entity: Entity) -> bool:
    return entity.state is not None and entity.state not in UNKNOWN and entity.state != "unavailable"


def holds(entity: Entity, state: str) -> bool | None:
    """Whether one of the catalogue's states is true of an entity; None when it has not been heard of."""
    if state in REACH and entity.device_class != "connectivity":
        here = entity.available and entity.state != "unavailable"
        return here == (REACH[state] == "online")
    if not is_known(entity):
        return None
    return state in meanings(entity)


def can_tell(entity: Entity, state: str) -> bool:
    """Whether such an entity is ever in that state: a lock never tells "open", a window sensor never "locked"."""
    if state in REACH:
        return True
    if entity.domain == "binary_sensor":
        _, _, on, off = _binary(entity)
        return state in ("on", "off", *on.split(), *off.split())
    if state in ("low", "full"):
        return battery_percent(entity) is not None
    table = _MEANS.get(entity.domain)
    if table is None:
        return state in ("on", "off") if entity.domain not in ("sensor", *_SETTABLE) else state == entity.state
    return any(state in words.split() for words in table.values())


def meanings(entity: Entity) -> frozenset[str]:
    """The catalogue's states that are true of an entity now."""
    raw = (entity.state or "").lower()
    if entity.domain == "binary_sensor":
        _, _, on, off = _binary(entity)
        return frozenset({raw, *(on if raw == "on" else off).split()})
    percent = battery_percent(entity)
    battery = frozenset() if percent is None else _battery_words(percent)
    if entity.domain == "alarm_control_panel" and raw.startswith("armed"):
        return frozenset({"armed", "on"})
    if entity.domain in ("person", "device_tracker") and raw not in ("home", "not_home"):
        return frozenset({"not_home"})
    table = _MEANS.get(entity.domain, {})
    words = frozenset({raw, *table[raw].split()}) if raw in table else _other(entity, raw)
    action = entity.attributes.get("hvac_action")
    return words | battery | ({"heat"} if action == "heating" else {"cool"} if action == "cooling" else frozenset())


def _other(entity: Entity, raw: str) -> frozenset[str]:
    on_by_mode = entity.domain in ("climate", "water_heater") and raw != "off"
    return frozenset({raw, "on"} if on_by_mode else {raw})


def _battery_words(percent: float) -> frozenset[str]:
    return frozenset({"low"} if percent <= LOW_BATTERY_PERCENT else {"full"} if percent >= 99 else ())


def battery_percent(entity: Entity) -> float | None:
    """What a battery sensor, or a device that knows its own battery, says."""
    value = entity.state if entity.domain == "sensor" and entity.device_class == "battery" else (
        entity.attributes.get("battery_level"))
    return number(value)


def number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _binary(entity: Entity) -> tuple[str, str, str, str]:
    return _BINARY.get(entity.device_class, _BINARY[None])


# --- in a sentence

def told(entity: Entity) -> str:
    """The state in short, to follow "is": "locked", "open", "at home", "21.5 °C"."""
    raw = entity.state or ""
    if entity.domain == "binary_sensor":
        on, off, _, _ = _binary(entity)
        return on if raw.lower() == "on" else off
    if entity.domain in ("person", "device_tracker"):
        return {"home": "at home", "not_home": "out"}.get(raw, f"at {raw}")
    if entity.domain == "alarm_control_panel" and raw.startswith("armed_"):
        return f"armed ({raw.removeprefix('armed_').replace('_', ' ')})"
    if entity.domain == "update":
        return "waiting for an update" if raw == "on" else "up to date"
    if entity.domain == "climate":
        return _climate(entity)
    if entity.domain in ("vacuum", "lawn_mower") and raw == "returning":
        return "on its way back"
    if raw == "error":
        return "in trouble"
    moment = _moment(raw)
    if moment is not None:
        return moment
    return as_spoken(raw, entity.unit)


def _climate(entity: Entity) -> str:
    modes = {"heat": "heating", "cool": "cooling", "heat_cool": "in auto mode", "auto": "in auto mode", "off": "off",
             "dry": "drying", "fan_only": "on, fan only"}
    return modes.get(entity.state or "", as_spoken(entity.state))


def _moment(raw: str) -> str | None:
    """A button's or event's state is when it last happened."""
    try:
        when = datetime.fromisoformat(raw) if len(raw) >= 19 else None
    except ValueError:
        return None
    if when is None:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return when.strftime("last used %Y-%m-%d %H:%M")


def told_in_full(entity: Entity) -> str:
    """The state with what belongs to it: "on at 40%", "60% open", "docked, battery 80%", "playing Clocks by Coldplay"."""
    base = told(entity)
    details = _DETAILS[entity.domain](entity) if entity.domain in _DETAILS and entity.state != "off" else []
    percent = battery_percent(entity) if entity.domain != "sensor" else None
    if percent is not None:
        details = [*details, f"battery {as_spoken(percent, '%')}"]
    position = entity.attributes.get("current_position")
    if entity.domain in ("cover", "valve") and entity.state == "open" and isinstance(position, int | float):
        base = "open" if position >= 100 else f"{as_spoken(position, '%')} open"
    return ", ".join([base, *details]).replace("on, at", "on at").replace("playing, ", "playing ")


def _light(entity: Entity) -> list[str]:
    brightness, kelvin = entity.attributes.get("brightness"), entity.attributes.get("color_temp_kelvin")
    hue = entity.attributes.get("hs_color")
    told = []
    if isinstance(brightness, int | float):
        told.append(f"at {as_spoken(max(1, round(brightness / 2.55)), '%')}")
    if isinstance(kelvin, int | float):
        told.append(f"{round(kelvin)} kelvin")
    elif isinstance(hue, list | tuple) and len(hue) == 2:
        told.append(hue_name(float(hue[0]), float(hue[1])))
    if effect := entity.attributes.get("effect"):
        told.append(f"effect {effect}")
    return told


def hue_name(hue: float, saturation: float) -> str:
    """The plain name of a colour. hue: degrees, saturation: percent."""
    if saturation < 15:
        return "white"
    edges = ((15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (290, "purple"),
             (345, "pink"), (361, "red"))
    return next(name for edge, name in edges if hue % 360 < edge)


def _fan(entity: Entity) -> list[str]:
    told = []
    percentage = entity.attributes.get("percentage")
    if isinstance(percentage, int | float):
        told.append(f"at {as_spoken(percentage, '%')}")
    if preset := entity.attributes.get("preset_mode"):
        told.append(f"mode {preset}")
    if entity.attributes.get("oscillating") is True:
        told.append("oscillating")
    if entity.attributes.get("direction") == "reverse":
        told.append("in reverse")
    return told


def _heating(entity: Entity) -> list[str]:
    told = []
    if (target := number(entity.attributes.get("temperature"))) is not None:
        told.append(f"set to {degrees(target, entity)}")
    if (now := number(entity.attributes.get("current_temperature"))) is not None:
        told.append(f"now {degrees(now, entity)}")
    if preset := entity.attributes.get("preset_mode"):
        told.append(f"mode {preset}")
    return told


def _humidifier(entity: Entity) -> list[str]:
    target = number(entity.attributes.get("humidity"))
    return [] if target is None else [f"set to {as_spoken(target, '%')}"]


def _player(entity: Entity) -> list[str]:
    told = []
    title, artist = entity.attributes.get("media_title"), entity.attributes.get("media_artist")
    if title and entity.state in ("playing", "paused"):
        told.append(f"{title} by {artist}" if artist else str(title))
    if source := entity.attributes.get("source"):
        told.append(f"source {source}")
    volume = number(entity.attributes.get("volume_level"))
    if entity.attributes.get("is_volume_muted") is True:
        told.append("muted")
    elif volume is not None:
        told.append(f"volume {round(volume * 100)}%")
    return told


_DETAILS = {"light": _light, "fan": _fan, "climate": _heating, "water_heater": _heating, "humidifier": _humidifier,
            "media_player": _player}


def degrees(value: float, entity: Entity) -> str:
    """A temperature in the unit of its entity; "degrees" where it has none."""
    unit: Any = entity.unit
    if unit and "°" in str(unit):
        return as_spoken(value, str(unit))
    said = as_spoken(value)
    return f"{said} degree{'' if said == '1' else 's'}"
