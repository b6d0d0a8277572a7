"""Fans: a speed in percent over the device's own range, presets, oscillation, direction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import BadPayload, Unsupported
from .base import NONE, OnOff, reported_number, wanted


class Fan(OnOff):
    component = "fan"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.feature("turn_on", "turn_off")
        low, high = self.speed_range()
        if not 0 <= low < high:
            raise BadPayload(f"speed_range: {low} to {high}")
        if self.config.has("percentage_command_topic"):
            self.feature("percentage")
            self.option("percentage_step", 100 / (high - low + 1))
        if self.config.has("preset_mode_command_topic"):
            self.feature("preset_mode")
            self.option("preset_modes", self.config.texts("preset_modes"))
        if self.config.has("oscillation_command_topic"):
            self.feature("oscillate")
        if self.config.has("direction_command_topic"):
            self.feature("direction")
        self.follow_on_off("state_value_template")
        self.follow("percentage_state_topic", "percentage_value_template", self.heard_percentage)
        self.follow("preset_mode_state_topic", "preset_mode_value_template", self.heard_preset)
        self.follow("oscillation_state_topic", "oscillation_value_template", self.heard_oscillation)
        self.follow("direction_state_topic", "direction_value_template", self.text_attribute("direction"))

    def speed_range(self) -> tuple[int, int]:
        """The device's slowest and fastest speed; off is beneath the slowest."""
        return int(self.config.number("speed_range_min", 1)), int(self.config.number("speed_range_max", 100))

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        if data.get("percentage") == 0:
            return self.do_turn_off(data)
        sent = super().do_turn_on(data)
        if data.get("percentage") is not None:
            sent += self.do_set_percentage(data)
        if data.get("preset_mode") is not None:
            sent += self.do_set_preset_mode(data)
        return sent

    def do_set_percentage(self, data: Mapping[str, Any]) -> list[Publish]:
        percentage = float(wanted(data, "percentage"))
        if percentage <= 0:
            return self.do_turn_off(data)
        low, high = self.speed_range()
        speed = math.ceil(percentage * (high - low + 1) / 100 + low - 1)
        return [self.send("percentage_command_topic", speed, "percentage_command_template")]

    def do_set_preset_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("preset_mode_command_topic", wanted(data, "preset_mode"), "preset_mode_command_template")]

    def do_oscillate(self, data: Mapping[str, Any]) -> list[Publish]:
        if wanted(data, "oscillating"):
            payload = self.config.word("payload_oscillation_on", "oscillate_on")
        else:
            payload = self.config.word("payload_oscillation_off", "oscillate_off")
        return [self.send("oscillation_command_topic", payload, "oscillation_command_template")]

    def do_set_direction(self, data: Mapping[str, Any]) -> list[Publish]:
        direction = str(wanted(data, "direction"))
        if direction not in ("forward", "reverse"):
            raise Unsupported(f"{self.entity.name} has no direction {direction}")
        return [self.send("direction_command_topic", direction, "direction_command_template")]

    def heard_percentage(self, text: str) -> bool:
        if text == "":
            return False
        if text == self.config.text("payload_reset_percentage", NONE):
            self.set("percentage", None)
            return True
        low, high = self.speed_range()
        percentage = int((reported_number(text) - low + 1) * 100 // (high - low + 1))
        if not 0 <= percentage <= 100:
            raise BadPayload(f"a speed of {text[:20]}, beyond {low} to {high}")
        self.set("percentage", percentage)
        return True

    def heard_preset(self, text: str) -> bool:
        if text == "":
            return False
        reset = text == self.config.text("payload_reset_preset_mode", NONE)
        self.set("preset_mode", None if reset else text)
        return True

    def heard_oscillation(self, text: str) -> bool:
        if text == self.config.word("payload_oscillation_on", "oscillate_on"):
            self.set("oscillating", True)
        elif text == self.config.word("payload_oscillation_off", "oscillate_off"):
            self.set("oscillating", False)
        else:
            return False
        return True
