"""Covers and valves: open, closed and what is between. Positions are 0 shut .. 100 open, whatever the device counts in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import BadPayload, Unsupported, as_number, json_object
from .base import NONE, Platform, reported_number, wanted


class _Mover(Platform):
    """What covers and valves share: state words and the scale of positions."""

    __slots__ = ()

    def check_scale(self) -> None:
        if self.shut() == self.wide():
            raise BadPayload("position_open and position_closed are the same")

    def shut(self) -> float:
        return self.config.number("position_closed", 0)

    def wide(self) -> float:
        return self.config.number("position_open", 100)

    def to_device(self, percent: float) -> int:
        return round(self.shut() + (self.wide() - self.shut()) * percent / 100)

    def to_percent(self, value: float) -> int:
        return max(0, min(100, round((value - self.shut()) * 100 / (self.wide() - self.shut()))))

    def heard_word(self, text: str) -> bool:
        """The state words; "stopped" leaves it to the position whether it is shut."""
        config, entity = self.config, self.entity
        words = {config.word(f"state_{word}", word): word for word in ("open", "opening", "closed", "closing")}
        if text in words:
            entity.state = words[text]
        elif text == config.word("state_stopped", "stopped"):
            entity.state = self.at_rest()
        elif text == NONE:
            entity.state = None
        else:
            return False
        return True

    def at_rest(self) -> str | None:
        position = self.entity.attributes.get("current_position")
        if position is not None:
            return "closed" if position == 0 else "open"
        return {"opening": "open", "closing": "closed"}.get(self.entity.state or "", self.entity.state)

    def heard_place(self, value: float) -> None:
        """The state follows from the position only where no topic of its own tells it."""
        self.set("current_position", self.to_percent(value))
        if not self.config.has("state_topic"):
            self.entity.state = "closed" if self.entity.attributes["current_position"] == 0 else "open"


class Cover(_Mover):
    component = "cover"
    state_topic_keys = ("state_topic", "position_topic", "tilt_status_topic")

    __slots__ = ()

    def set_up(self) -> None:
        self.check_scale()
        config = self.config
        if not any(config.has(key) for key in ("command_topic", "set_position_topic", "tilt_command_topic")):
            raise BadPayload("command_topic is missing")
        if config.has("command_topic") and config.text("payload_stop", "STOP") is not None:
            self.feature("stop")
        if config.has("set_position_topic"):
            self.feature("position")
        if config.has("tilt_command_topic"):
            self.feature("tilt")
        if config.has("command_topic") or config.has("set_position_topic"):
            self.feature("open", "close")
        # the position first: a message with both says "stopped", and where tells whether that is shut
        self.follow("position_topic", "position_template", self.heard_position)
        self.follow("state_topic", "value_template", self.heard_word)
        self.follow("tilt_status_topic", "tilt_status_template", self.heard_tilt)

    def do_open_cover(self, data: Mapping[str, Any]) -> list[Publish]:
        if not self.config.has("command_topic"):
            return self.do_set_cover_position({"position": 100})
        return [self.send("command_topic", self.payload("payload_open", "OPEN"))]

    def do_close_cover(self, data: Mapping[str, Any]) -> list[Publish]:
        if not self.config.has("command_topic"):
            return self.do_set_cover_position({"position": 0})
        return [self.send("command_topic", self.payload("payload_close", "CLOSE"))]

    def do_stop_cover(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.payload("payload_stop", "STOP"))]

    def do_toggle(self, data: Mapping[str, Any]) -> list[Publish]:
        closed = self.entity.state in ("closed", "closing")
        return self.do_open_cover(data) if closed else self.do_close_cover(data)

    def do_set_cover_position(self, data: Mapping[str, Any]) -> list[Publish]:
        percent = float(wanted(data, "position"))
        variables = {"position": round(percent), "position_open": self.wide(), "position_closed": self.shut(),
                     "tilt_min": self.tilt_min(), "tilt_max": self.tilt_max()}
        return [self.send("set_position_topic", self.to_device(percent), "set_position_template", **variables)]

    def do_set_cover_tilt_position(self, data: Mapping[str, Any]) -> list[Publish]:
        percent = float(wanted(data, "tilt_position"))
        value = round(self.tilt_min() + (self.tilt_max() - self.tilt_min()) * percent / 100)
        return self.tilt_to(value, round(percent))

    def do_open_cover_tilt(self, data: Mapping[str, Any]) -> list[Publish]:
        value = self.config.number("tilt_opened_value", 100)
        return self.tilt_to(value, self.tilt_percent(value))

    def do_close_cover_tilt(self, data: Mapping[str, Any]) -> list[Publish]:
        value = self.config.number("tilt_closed_value", 0)
        return self.tilt_to(value, self.tilt_percent(value))

    def do_stop_cover_tilt(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("tilt_command_topic", self.payload("payload_stop_tilt", "STOP"))]

    def tilt_to(self, value: float, percent: int) -> list[Publish]:
        variables = {"tilt_position": percent, "position_open": self.wide(), "position_closed": self.shut(),
                     "tilt_min": self.tilt_min(), "tilt_max": self.tilt_max()}
        return [self.send("tilt_command_topic", value, "tilt_command_template", **variables)]

    def tilt_min(self) -> float:
        return self.config.number("tilt_min", 0)

    def tilt_max(self) -> float:
        return self.config.number("tilt_max", 100)

    def tilt_percent(self, value: float) -> int:
        span = self.tilt_max() - self.tilt_min()
        return max(0, min(100, round((value - self.tilt_min()) * 100 / span))) if span else 0

    def heard_position(self, text: str) -> bool:
        """A number, or JSON with `position` and `tilt_position`."""
        if text == "":
            return False
        both = json_object(text)
        if both is None:
            self.heard_place(reported_number(text))
            return True
        if "tilt_position" in both:
            self.set("current_tilt_position", self.tilt_percent(as_number("tilt_position", both["tilt_position"])))
        if "position" in both:
            self.heard_place(as_number("position", both["position"]))
        return True

    def heard_tilt(self, text: str) -> bool:
        if text == "":
            return False
        self.set("current_tilt_position", self.tilt_percent(reported_number(text)))
        return True


class Valve(_Mover):
    """With `reports_position` numbers go both ways on the same topics as the words."""

    component = "valve"

    __slots__ = ()

    def set_up(self) -> None:
        self.check_scale()
        self.require("command_topic")
        self.feature("open", "close")
        if self.by_number():
            self.feature("position")
        if self.config.has("payload_stop"):
            self.feature("stop")
        self.follow("state_topic", "value_template", self.heard)

    def by_number(self) -> bool:
        return self.config.flag("reports_position")

    def do_open_valve(self, data: Mapping[str, Any]) -> list[Publish]:
        if self.by_number():
            return self.do_set_valve_position({"position": 100})
        return [self.send("command_topic", self.payload("payload_open", "OPEN"), "command_template")]

    def do_close_valve(self, data: Mapping[str, Any]) -> list[Publish]:
        if self.by_number():
            return self.do_set_valve_position({"position": 0})
        return [self.send("command_topic", self.payload("payload_close", "CLOSE"), "command_template")]

    def do_stop_valve(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.payload("payload_stop", None), "command_template")]

    def do_toggle(self, data: Mapping[str, Any]) -> list[Publish]:
        closed = self.entity.state in ("closed", "closing")
        return self.do_open_valve(data) if closed else self.do_close_valve(data)

    def do_set_valve_position(self, data: Mapping[str, Any]) -> list[Publish]:
        if not self.by_number():
            raise Unsupported(f"{self.entity.name} has no positions")
        percent = float(wanted(data, "position"))
        variables = {"position": round(percent), "position_open": self.wide(), "position_closed": self.shut()}
        return [self.send("command_topic", self.to_device(percent), "command_template", **variables)]

    def heard(self, text: str) -> bool:
        if text == "":
            return False
        report = json_object(text)
        if report is None:
            return self.heard_word(text) or self.heard_number(text)
        known = isinstance(report.get("state"), str) and self.heard_word(report["state"])
        if self.by_number() and report.get("position") is not None:
            self.set("current_position", self.to_percent(as_number("position", report["position"])))
            if not known:
                self.entity.state = self.at_rest()
        return True

    def heard_number(self, text: str) -> bool:
        if not self.by_number():
            return False
        self.set("current_position", self.to_percent(reported_number(text)))
        self.entity.state = self.at_rest()
        return True
