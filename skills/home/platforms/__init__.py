"""The components of Home Assistant's MQTT integration, a class each."""

from __future__ import annotations

from typing import Any

from ..payload import BadPayload
from .base import Platform
from .light import SCHEMAS
from .sensors import BinarySensor, DeviceTracker, Event, Sensor
from .switch import Switch

_PLATFORMS: dict[str, type[Platform]] = {
    platform.component: platform for platform in (Switch, Sensor, BinarySensor, DeviceTracker, Event)
}


def platform_of(component: str, raw: dict[str, Any]) -> type[Platform] | None:
    """The class that drives this payload; None for components that are no entity of ours. Raises: BadPayload."""
    if component != "light":
        return _PLATFORMS.get(component)
    schema = raw.get("schema", "basic")
    if not isinstance(schema, str) or schema.lower() not in SCHEMAS:
        raise BadPayload(f"schema: {str(schema)[:40]!r} is not json, template or basic")
    return SCHEMAS[schema.lower()]
