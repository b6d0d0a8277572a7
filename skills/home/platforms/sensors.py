"""What only reports: sensor, binary_sensor, device_tracker, event."""

from __future__ import annotations

from datetime import UTC, datetime

from ..payload import json_object
from .base import NONE, OnOff, Platform


class Sensor(Platform):
    component = "sensor"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("state_topic")
        self.option("options", self.config.texts("options"))
        self.follow("state_topic", "value_template", self.heard)

    def heard(self, text: str) -> bool:
        """An empty text is what a template makes of a message about something else."""
        if text == "":
            return False
        self.entity.state = None if text == NONE else text
        return True


class BinarySensor(OnOff):
    component = "binary_sensor"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("state_topic")
        self.follow_on_off()


class DeviceTracker(Platform):
    component = "device_tracker"
    state_topic_keys = ("state_topic", "json_attributes_topic")

    __slots__ = ()

    def set_up(self) -> None:
        self.option("source_type", self.config.text("source_type", "gps"))
        self.follow("state_topic", "value_template", self.heard)

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        if text in (NONE, self.config.text("payload_reset", NONE)):
            self.entity.state = None
        elif text == self.config.word("payload_home", "home"):
            self.entity.state = "home"
        elif text == self.config.word("payload_not_home", "not_home"):
            self.entity.state = "not_home"
        else:
            self.entity.state = text  # a zone's name
        return True


class Event(Platform):
    """Its state is when it last happened (ISO 8601), what happened is in `event_type`."""

    component = "event"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("state_topic")
        self.option("event_types", self.config.texts("event_types"))
        self.follow("state_topic", "value_template", self.heard)

    def heard(self, text: str) -> bool:
        event = json_object(text)
        kind = event.get("event_type") if event else None
        if not isinstance(kind, str) or kind not in self.entity.attributes.get("event_types", ()):
            return False
        self.set("event_type", kind)
        self.entity.state = datetime.now(UTC).isoformat(timespec="milliseconds")
        return True
