"""The components of Home Assistant's MQTT integration, a class each."""

from __future__ import annotations

from typing import Any

from ..payload import BadPayload
from .base import Platform
from .climate import Climate, Humidifier, WaterHeater
from .cover import Cover, Valve
from .fan import Fan
from .light import SCHEMAS
from .lock import AlarmControlPanel, Lock
from .media_player import MediaPlayer
from .robots import LawnMower, Vacuum
from .sensors import BinarySensor, DeviceTracker, Event, Sensor
from .switch import Switch
from .values import Button, Number, Scene, Select, Siren, Text, Update

_PLATFORMS: dict[str, type[Platform]] = {
    platform.component: platform
    for platform in (
        AlarmControlPanel, BinarySensor, Button, Climate, Cover, DeviceTracker, Event, Fan, Humidifier, LawnMower, Lock,
        MediaPlayer, Number, Scene, Select, Sensor, Siren, Switch, Text, Update, Vacuum, Valve, WaterHeater,
    )
}  # fmt: skip


def platform_of(component: str, raw: dict[str, Any]) -> type[Platform] | None:
    """The class that drives this payload; None for components that are no entity of ours. Raises: BadPayload."""
    if component != "light":
        return _PLATFORMS.get(component)
    schema = raw.get("schema", "basic")
    if not isinstance(schema, str) or schema.lower() not in SCHEMAS:
        raise BadPayload(f"schema: {str(schema)[:40]!r} is not json, template or basic")
    return SCHEMAS[schema.lower()]
