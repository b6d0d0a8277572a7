"""What an entity is called, where it is and what kind it is, out of its discovery payload and the household's overrides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import Area, Entity, Home
from .payload import as_flag, as_text

MAX_AREAS = 256

Override = Mapping[str, Any]        # as in config.yaml: name, area, aliases, hidden


def describe(component: str, object_id: str, raw: Mapping[str, Any], override: Override, home: Home) -> Entity:
    """The entity of a payload (long keys), without state, features or options. Raises: BadPayload."""
    device = raw.get("device")
    device = device if isinstance(device, dict) else {}
    device_name = _text(device, "name")
    category = _text(raw, "entity_category")
    exposed = as_flag("enabled_by_default", raw.get("enabled_by_default", True))
    return Entity(
        entity_id=f"{component}.{object_id}",
        domain=component,
        name=override.get("name") or friendly_name(component, object_id, raw, device_name),
        aliases=tuple(str(alias) for alias in override.get("aliases") or ()),
        area=place(override.get("area") or _text(device, "suggested_area"), home),
        device_class=_text(raw, "device_class"),
        device_name=device_name,
        unit=_text(raw, "unit_of_measurement") or _text(raw, "temperature_unit"),
        category=category if category in ("config", "diagnostic") else None,
        exposed=exposed and not override.get("hidden"),
    )


def friendly_name(component: str, object_id: str, raw: Mapping[str, Any], device_name: str | None) -> str:
    """As Home Assistant shows it: device and entity name together; `"name": null` bears the device's alone."""
    own = _text(raw, "name")
    if own is None and "name" not in raw and device_name and component in ("sensor", "binary_sensor"):
        own = (_text(raw, "device_class") or "").replace("_", " ").capitalize() or None
    if own is None:
        return device_name or re.sub(r"[_-]+", " ", object_id).strip().title() or component
    if device_name is None or own.lower().startswith(device_name.lower()):
        return own
    return f"{device_name} {own}"


def place(name: str | None, home: Home) -> str | None:
    """The home's own spelling of an area (its name or an alias, case aside); an unknown one becomes an area."""
    if not name or not name.strip():
        return None
    name = " ".join(name.split())
    folded = name.casefold()
    for area in home.areas.values():
        if folded == area.name.casefold() or any(folded == alias.casefold() for alias in area.aliases):
            return area.name
    if len(home.areas) >= MAX_AREAS:
        return None
    home.areas[name] = Area(name=name)
    return name


def object_id_of(component: str, raw: Mapping[str, Any], fallback: str) -> str:
    """The payload's `default_entity_id` or `object_id`, else what the topic says."""
    wanted = _text(raw, "default_entity_id") or _text(raw, "object_id")
    if not wanted:
        return fallback
    wanted = wanted.partition(".")[2] or wanted
    return re.sub(r"[^a-z0-9_]+", "_", wanted.lower()).strip("_") or fallback


def _text(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    return as_text(key, value) if value is not None and value != "" else None
