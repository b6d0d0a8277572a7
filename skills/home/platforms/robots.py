"""Vacuums and lawn mowers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import BadPayload, Unsupported, as_number, compact_json, json_object
from .base import NONE, Platform, wanted

_VACUUM_STATES = frozenset({"cleaning", "docked", "paused", "idle", "returning", "error"})
_VACUUM_DEFAULT = ("start", "stop", "return_home", "clean_spot")
_OUR_NAMES = {"return_home": "return_to_base"}      # MQTT's name of the feature: the service's
_MOWER_STATES = frozenset({"mowing", "paused", "docked", "returning", "error"})


class Vacuum(Platform):
    component = "vacuum"

    __slots__ = ()

    def set_up(self) -> None:
        listed = self.config.texts("supported_features", _VACUUM_DEFAULT)
        features = {_OUR_NAMES.get(feature, feature) for feature in listed}
        topics = {"fan_speed": "set_fan_speed_topic", "send_command": "send_command_topic"}
        self.feature(*(name for name in features - {"status", "battery", "turn_on", "turn_off"}
                       if self.config.has(topics.get(name, "command_topic"))))
        if "fan_speed" in self.entity.features:
            self.option("fan_speed_list", self.config.texts("fan_speed_list"))
        self.set_up_segments()
        self.follow("state_topic", None, self.heard)

    def set_up_segments(self) -> None:
        """Rooms the robot knows: "3.Kitchen" is its number and its name."""
        segments = dict(reversed(text.partition(".")[::2]) for text in self.config.texts("segments"))
        if segments and self.config.has("clean_segments_command_topic"):
            self.feature("clean_area")
            self.option("segments", segments)

    def messages(self, service: str, data: Mapping[str, Any]) -> list[Publish]:
        feature = {"set_fan_speed": "fan_speed"}.get(service, service)
        if feature not in self.entity.features:
            raise Unsupported(f"{self.entity.name} has no {service.replace('_', ' ')}")
        return super().messages(service, data)

    def do_start(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_start", "start"))]

    def do_stop(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_stop", "stop"))]

    def do_pause(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_pause", "pause"))]

    def do_return_to_base(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_return_to_base", "return_to_base"))]

    def do_locate(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_locate", "locate"))]

    def do_clean_spot(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_clean_spot", "clean_spot"))]

    def do_set_fan_speed(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("set_fan_speed_topic", wanted(data, "fan_speed"))]

    def do_send_command(self, data: Mapping[str, Any]) -> list[Publish]:
        command, params = str(wanted(data, "command")), data.get("params")
        return [self.send("send_command_topic", compact_json({"command": command, **params}) if params else command)]

    def do_clean_area(self, data: Mapping[str, Any]) -> list[Publish]:
        segments = [str(segment) for segment in wanted(data, "segments")]
        return [self.send("clean_segments_command_topic", compact_json(segments), "clean_segments_command_template")]

    def heard(self, text: str) -> bool:
        report = json_object(text)
        if report is None:
            raise BadPayload(f"not a JSON object: {text[:60]!r}")
        state = report.get("state")
        if "state" in report and (state is None or state in _VACUUM_STATES):
            self.entity.state = state
        if report.get("battery_level") is not None:
            self.set("battery_level", as_number("battery_level", report["battery_level"]))
        if isinstance(report.get("fan_speed"), str):
            self.set("fan_speed", report["fan_speed"])
        return True


class LawnMower(Platform):
    component = "lawn_mower"
    state_topic_keys = ("activity_state_topic",)

    __slots__ = ()

    def set_up(self) -> None:
        for feature, service in (("start", "start_mowing"), ("pause", "pause"), ("dock", "dock")):
            if self.config.has(f"{service}_command_topic"):
                self.feature(feature)
                if feature == "dock":
                    self.feature("return_to_base")
        self.follow("activity_state_topic", "activity_value_template", self.heard)

    def do_start_mowing(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.operate("start_mowing")]

    def do_pause(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.operate("pause")]

    def do_dock(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.operate("dock")]

    def operate(self, what: str) -> Publish:
        return self.send(f"{what}_command_topic", what, f"{what}_command_template")

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        if text != NONE and text not in _MOWER_STATES:
            raise BadPayload(f"not an activity of a mower: {text[:40]!r}")
        self.entity.state = None if text == NONE else text
        return True
