"""What is set to a value or only pressed: number, select, text, button, scene; and siren and update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import BadPayload, Unsupported, compact_json, json_object
from .base import NONE, OnOff, Platform, reported_number, wanted


class Number(Platform):
    component = "number"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        low, high = self.config.number("min", 1), self.config.number("max", 100)
        if low > high:
            raise BadPayload(f"min {low} is more than max {high}")
        self.option("min", low)
        self.option("max", high)
        self.option("step", self.config.number("step", 1))
        self.follow("state_topic", "value_template", self.heard)

    def do_set_value(self, data: Mapping[str, Any]) -> list[Publish]:
        value = float(wanted(data, "value"))
        low, high = self.entity.attributes["min"], self.entity.attributes["max"]
        if not low <= value <= high:
            raise Unsupported(f"{self.entity.name} goes from {low} to {high}")
        return [self.send("command_topic", int(value) if value.is_integer() else value, "command_template")]

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        if text == self.config.text("payload_reset", NONE):
            self.entity.state = None
        else:
            self.entity.state = str(reported_number(text))
        return True


class Select(Platform):
    component = "select"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.option("options", self.config.texts("options"))
        self.follow("state_topic", "value_template", self.heard)

    def do_select_option(self, data: Mapping[str, Any]) -> list[Publish]:
        option = str(wanted(data, "option"))
        if option not in self.entity.attributes.get("options", ()):
            raise Unsupported(f"{self.entity.name} has no option {option}")
        return [self.send("command_topic", option, "command_template")]

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        if text.lower() == "none":
            self.entity.state = None
        elif text in self.entity.attributes.get("options", ()):
            self.entity.state = text
        else:
            raise BadPayload(f"not one of the options: {text[:40]!r}")
        return True


class Text(Platform):
    component = "text"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.option("min", self.config.number("min", 0))
        self.option("max", self.config.number("max", 255))
        self.option("mode", self.config.text("mode", "text"))
        self.follow("state_topic", "value_template", self.heard)

    def do_set_value(self, data: Mapping[str, Any]) -> list[Publish]:
        value = str(wanted(data, "value"))
        if not self.entity.attributes["min"] <= len(value) <= self.entity.attributes["max"]:
            raise Unsupported(f"{self.entity.name} takes {self.entity.attributes['min']} to "
                              f"{self.entity.attributes['max']} characters")
        return [self.send("command_topic", value, "command_template")]

    def heard(self, text: str) -> bool:
        self.entity.state = text
        return True


class Button(Platform):
    component = "button"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")

    def do_press(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_press", "PRESS"), "command_template")]


class Scene(Platform):
    component = "scene"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_on", "ON"))]


class Siren(OnOff):
    """Without a template the command is JSON with the state and its parameters, even for a bare ON."""

    component = "siren"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.feature("turn_on", "turn_off")
        self.option("available_tones", self.config.texts("available_tones"))
        if self.config.has("available_tones"):
            self.feature("tones")
        if self.config.flag("support_duration", True):
            self.feature("duration")
        if self.config.flag("support_volume_set", True):
            self.feature("volume_set")
        self.follow("state_topic", "state_value_template", self.heard)

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        parameters = {key: data[key] for key in ("tone", "duration", "volume_level") if data.get(key) is not None}
        return [self.command(self.config.word("payload_on", "ON"), "command_template", parameters)]

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        key = "command_off_template" if self.config.has("command_off_template") else "command_template"
        return [self.command(self.config.word("payload_off", "OFF"), key, {})]

    def command(self, state: str, template_key: str, parameters: dict[str, Any]) -> Publish:
        if self.config.template(template_key) is None:
            return self.send("command_topic", compact_json({"state": state, **parameters}))
        return self.send("command_topic", state, template_key, state=state, **parameters)

    def heard(self, text: str) -> bool:
        report = json_object(text)
        if report is None:
            return text != "" and self.heard_on_off(text)
        for key in ("tone", "duration", "volume_level"):
            if key in report:
                self.set(key, report[key])
        return self.heard_on_off(str(report["state"])) if "state" in report else True


class Update(Platform):
    """State "on": a newer version is there; attributes installed_version, latest_version, in_progress, title."""

    component = "update"
    state_topic_keys = ("state_topic", "latest_version_topic")

    __slots__ = ()

    def set_up(self) -> None:
        self.option("title", self.config.text("title"))
        if self.config.has("command_topic"):
            self.feature("install")
        self.follow("state_topic", "value_template", self.heard)
        self.follow("latest_version_topic", "latest_version_template", self.heard_latest)

    def do_install(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.payload("payload_install", None))]

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        report = json_object(text) or {"installed_version": text}
        for key in ("installed_version", "latest_version", "title", "in_progress", "update_percentage"):
            if report.get(key) is not None:
                self.set(key, report[key])
        self.compare()
        return True

    def heard_latest(self, text: str) -> bool:
        if text == "":
            return False
        self.set("latest_version", text)
        self.compare()
        return True

    def compare(self) -> None:
        installed = self.entity.attributes.get("installed_version")
        latest = self.entity.attributes.get("latest_version")
        if installed is None or latest is None:
            self.entity.state = None
        else:
            self.entity.state = "off" if str(installed) == str(latest) else "on"
