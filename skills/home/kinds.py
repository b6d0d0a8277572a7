"""Kinds of things: which entity a kind word can mean, and what stands for, tells of or is part of what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ..words import KINDS, Kind, class_family, fold, kinds_of, stems
from .model import Entity

# What "everything" means: switching these off harms nobody. Not covers, locks, valves, heating or the alarm.
EVERYTHING = frozenset({"light", "switch", "fan", "media_player"})
# Never part of "all covers": they let people in.
ENTRANCES = frozenset({"garage", "garage_door", "gate", "door"})
_GARAGES = frozenset({"garage", "garage_door"})
# An intent that can be about these asks; the others act.
ASKING = frozenset({"sensor", "binary_sensor"})
# A thing said to be of one domain may be driven by an entity of another: a lamp by a switch.
STANDS_FOR: dict[str, frozenset[str]] = {
    "light": frozenset({"switch"}),
    "fan": frozenset({"switch", "climate", "humidifier"}),
    "switch": frozenset({"light", "fan", "media_player", "humidifier", "valve", "siren", "climate", "water_heater"}),
    "climate": frozenset({"water_heater", "switch", "fan", "humidifier"}),
    "water_heater": frozenset({"climate", "switch"}),
    "humidifier": frozenset({"switch", "fan", "climate"}),
    "media_player": frozenset({"switch"}),
    "siren": frozenset({"switch"}),
    "scene": frozenset({"script", "button", "automation"}),
    "script": frozenset({"scene", "button", "automation"}),
    "button": frozenset({"script", "scene", "switch"}),
    "automation": frozenset({"script", "switch"}),
    "valve": frozenset({"switch"}),
    "select": frozenset({"climate", "fan", "humidifier", "water_heater", "media_player", "light"}),
    "number": frozenset({"climate", "water_heater"}),
    "person": frozenset({"device_tracker"}),
    "device_tracker": frozenset({"person"}),
}
# What tells the state of a thing of that domain, when a question is asked.
TOLD_BY = {
    "cover": frozenset({"binary_sensor"}),
    "lock": frozenset({"binary_sensor"}),
    "valve": frozenset({"binary_sensor"}),
    "binary_sensor": frozenset({"cover", "lock", "sensor"}),
    "sensor": frozenset({"binary_sensor", "climate"}),
}
# Of several entities that bear one name, the first domain here is the thing itself, the others are parts of it.
MAIN_FIRST = (
    "lock", "cover", "light", "climate", "fan", "media_player", "vacuum", "lawn_mower", "water_heater",
    "humidifier", "valve", "alarm_control_panel", "siren", "switch", "scene", "script", "button", "automation",
    "person", "device_tracker", "camera", "binary_sensor", "sensor", "weather", "select", "number", "text", "event",
    "update",
)
# The domain that a state names.
STATE_TELLS = {
    "locked": "lock", "unlocked": "lock", "jammed": "lock", "playing": "media_player", "paused": "media_player",
    "cleaning": "vacuum", "mowing": "lawn_mower", "home": "person", "not_home": "person",
    "armed": "alarm_control_panel", "disarmed": "alarm_control_panel", "heat": "climate", "cool": "climate",
    "opening": "cover", "closing": "cover",
}
# What a state can be a state of, where several things bear one name.
STATE_OF = {
    "open": frozenset({"cover", "valve", "binary_sensor"}),
    "closed": frozenset({"cover", "valve", "binary_sensor"}),
    "on": frozenset({"light", "switch", "fan", "media_player", "climate", "humidifier", "siren", "binary_sensor"}),
    "off": frozenset({"light", "switch", "fan", "media_player", "climate", "humidifier", "siren", "binary_sensor"}),
    "low": frozenset({"sensor", "binary_sensor"}),
    "full": frozenset({"sensor", "binary_sensor"}),
}
# Domains whose things people tell apart by the word for their kind, and the words that mean any of them.
TOLD_APART = frozenset({"light", "switch", "climate", "media_player"})
BROAD_WORDS = frozenset({
    "light", "lighting", "lite", "switch", "plug", "socket", "outlet", "thermostat", "climate", "heat", "music",
    "player",
})
# What hangs on a plain switch that bears its name.
ON_A_PLUG = frozenset({"light", "fan", "media_player"})
# These move about: an area said with them is where to work, not where they are.
MOBILE = frozenset({"vacuum", "lawn_mower"})
# Where there is no sensor, something else may measure it.
MEASURED_BY = {"temperature": "current_temperature", "humidity": "current_humidity"}


def entity_kinds(entity: Entity) -> tuple[Kind, ...]:
    """The kinds an entity belongs to: by domain and device class, and where its class is not known, by its name."""
    return _kinds_by_facts(entity.domain, entity.device_class, entity.name)


@lru_cache(maxsize=20_000)
def _kinds_by_facts(domain: str, device_class: str | None, name: str) -> tuple[Kind, ...]:
    found = [
        kind
        for kind in KINDS
        if kind.domain == domain and (not kind.device_classes or device_class in kind.device_classes)
    ]
    words = stems(fold(name))
    if device_class is None:
        found += [
            kind
            for kind in KINDS
            if kind.domain == domain and kind not in found and any(_has_phrase(words, phrase) for phrase in kind.words)
        ]
    if domain == "switch":  # a plug called "floor lamp" is a lamp to those who live there
        found += [
            kind
            for kind in KINDS
            if kind.domain in ON_A_PLUG and any(_has_phrase(words, phrase) for phrase in kind.words)
        ]
    return tuple(found)


def _has_phrase(words: tuple[str, ...], phrase: str) -> bool:
    return f" {phrase} " in f" {' '.join(words)} "


def fits_kind(words: Sequence[str], entity: Entity) -> bool:
    """Whether a kind word can mean this entity: "lamp" a light, "plug" a switch, "blind" a shutter too."""
    return any(kind in entity_kinds(entity) or is_near(kind, entity) for kind in kinds_of(words))


def near_classes(device_class: str, *, asking: bool = False) -> frozenset[str]:
    """Device classes that people mean by the word for this one. A way in is never another: no gate for a garage.

    A question about doors takes in garage doors and gates.
    """
    family = class_family(device_class)
    if device_class not in ENTRANCES or (asking and device_class == "door"):
        return family
    return family & _GARAGES if device_class in _GARAGES else frozenset({device_class})


def is_near(kind: Kind, entity: Entity) -> bool:
    """Of the domain, and of a class that people call by the same word or of none."""
    if kind.domain != entity.domain or entity.domain not in ("switch", "cover", "media_player"):
        return False
    if entity.device_class is None:
        return entity.domain != "cover" or not set(kind.device_classes) & {"garage", "gate", "door", "window"}
    return any(entity.device_class in near_classes(device_class) for device_class in kind.device_classes)


def is_switched(kind_said: Sequence[str], entity: Entity) -> bool:
    """Whether a plain switch may drive what is said: lights and fans often hang on one."""
    return entity.domain == "switch" and any(kind.domain in ("light", "fan") for kind in kinds_of(kind_said))


def is_kind(entity: Entity, domain: str | None, device_class: str | None) -> bool:
    if domain is not None and entity.domain != domain:
        return False
    return device_class is None or has_class(entity, device_class)


def has_kind(entity: Entity, domain: str | None, device_class: str) -> bool:
    """Whether it is called so, whatever drives it: a plug called "Television"."""
    return any(kind.domain == domain and device_class in kind.device_classes for kind in entity_kinds(entity))


def has_class(entity: Entity, device_class: str) -> bool:
    return entity.device_class == device_class or any(
        device_class in kind.device_classes for kind in entity_kinds(entity)
    )


def is_entrance(entity: Entity) -> bool:
    """A door or gate by its class, or by its name where it has no class."""
    if entity.device_class is not None:
        return entity.device_class in ENTRANCES
    return bool({"door", "gate", "garage"} & set(stems(fold(entity.name))))


def is_way_in_called(device_class: str, entity: Entity) -> bool:
    """A way in of another class, or of none, that bears this one's word in its name: a door called "Garage Door"."""
    word = device_class.removesuffix("_door")
    return is_entrance(entity) and entity.domain == "cover" and word in ENTRANCES and word in stems(fold(entity.name))
