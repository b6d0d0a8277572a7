"""Switches: on and off."""

from __future__ import annotations

from .base import OnOff


class Switch(OnOff):
    component = "switch"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.feature("turn_on", "turn_off")
        self.follow_on_off()
