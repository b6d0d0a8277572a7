"""Locks and alarm panels: what a code may guard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import BadPayload, Unsupported, WrongCode
from .base import NONE, Platform

_STATES = ("locked", "unlocked", "locking", "unlocking", "jammed", "open", "opening")


class Lock(Platform):
    component = "lock"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.feature("lock", "unlock")
        if self.config.has("payload_open"):
            self.feature("open")
        if self.config.has("code_format"):
            self.feature("code")
            self.option("code_format", self.config.text("code_format"))
        self.follow("state_topic", "value_template", self.heard)

    def do_lock(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.command("payload_lock", "LOCK", data)]

    def do_unlock(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.command("payload_unlock", "UNLOCK", data)]

    def do_open(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.command("payload_open", None, data)]

    def command(self, key: str, default: str | None, data: Mapping[str, Any]) -> Publish:
        payload, code = self.payload(key, default), data.get("code")
        pattern = self.config.text("code_format")
        if pattern and not _fits(pattern, code):
            raise WrongCode(f"{self.entity.name} wants a code")
        return self.send("command_topic", payload, "command_template", code=code)

    def heard(self, text: str) -> bool:
        if text == self.config.text("payload_reset", NONE):
            self.entity.state = None
            return True
        for state in _STATES:
            if text == self.config.word(f"state_{state}", state.upper()):
                self.entity.state = state
                return True
        return False


_ARMS = {  # service: (payload key, its default)
    "arm_home": ("payload_arm_home", "ARM_HOME"),
    "arm_away": ("payload_arm_away", "ARM_AWAY"),
    "arm_night": ("payload_arm_night", "ARM_NIGHT"),
    "arm_vacation": ("payload_arm_vacation", "ARM_VACATION"),
    "arm_custom_bypass": ("payload_arm_custom_bypass", "ARM_CUSTOM_BYPASS"),
    "trigger": ("payload_trigger", "TRIGGER"),
}
_PANEL_STATES = frozenset((
    "disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass", "pending", "arming",
    "disarming", "triggered",
))  # fmt: skip
_REMOTE_CODES = ("REMOTE_CODE", "REMOTE_CODE_TEXT")     # the panel itself checks the code


class AlarmControlPanel(Platform):
    component = "alarm_control_panel"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.require("state_topic")
        self.feature("disarm", *(set(self.config.texts("supported_features", tuple(_ARMS))) & set(_ARMS)))
        if self.config.has("code"):
            self.feature("code")
            numeric = self.config.text("code") == "REMOTE_CODE" or str(self.config.get("code")).isdigit()
            self.option("code_format", "number" if numeric else "text")
            self.option("code_arm_required", self.config.flag("code_arm_required", True))
            self.option("code_disarm_required", self.config.flag("code_disarm_required", True))
        self.follow("state_topic", "value_template", self.heard)

    def do_alarm_disarm(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.command(self.config.word("payload_disarm", "DISARM"), "code_disarm_required", data)]

    def do_alarm_arm_home(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("arm_home", data)

    def do_alarm_arm_away(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("arm_away", data)

    def do_alarm_arm_night(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("arm_night", data)

    def do_alarm_arm_vacation(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("arm_vacation", data)

    def do_alarm_arm_custom_bypass(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("arm_custom_bypass", data)

    def do_alarm_trigger(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.arm("trigger", data)

    def arm(self, how: str, data: Mapping[str, Any]) -> list[Publish]:
        if how not in self.entity.features:
            raise Unsupported(f"{self.entity.name} cannot {how.replace('_', ' ')}")
        key, default = _ARMS[how]
        required = "code_trigger_required" if how == "trigger" else "code_arm_required"
        return [self.command(self.config.word(key, default), required, data)]

    def command(self, action: str, required: str, data: Mapping[str, Any]) -> Publish:
        """The template gets `action` and `code`; without one the action alone is sent. Raises: WrongCode."""
        code = data.get("code")
        self.check_code(required, code)
        return self.send("command_topic", action, "command_template", action=action, code=code)

    def check_code(self, required: str, code: Any) -> None:
        own = self.config.text("code")
        if own is None or not self.config.flag(required, True):
            return
        if code is None or (own not in _REMOTE_CODES and str(code) != own):
            raise WrongCode(f"{self.entity.name} wants " + ("a code" if code is None else "another code"))

    def heard(self, text: str) -> bool:
        if text == NONE:
            self.entity.state = None
        elif text in _PANEL_STATES:
            self.entity.state = text
        else:
            raise BadPayload(f"not a state of an alarm panel: {text[:40]!r}")
        return True


def _fits(pattern: str, code: Any) -> bool:
    """Whether the code has the device's form. A form that cannot be judged safely only asks for some code."""
    from ..bounded_regex import compiled

    if code is None:
        return False
    try:
        return compiled(pattern, str(code)).match(str(code)) is not None
    except (ValueError, re.error):
        return True
