"""Simulated covers and valves: they take their time and can be stopped on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .device import Device, whole_number
from .wire import Channel

STEPS = 4       # reports on the way from one end to the other


class Mover(Device):
    """State open/closed/opening/closing; attribute current_position 0 shut .. 100 open."""

    idle = "closed"

    def usual_attributes(self) -> dict[str, Any]:
        usual: dict[str, Any] = {"current_position": 100 if self.state == "open" else 0}
        if self.can("tilt"):
            usual["current_tilt_position"] = 0
        return usual

    def set(self, changes: Any) -> None:
        super().set(changes)
        if "state" in changes and "current_position" not in changes:
            self.attributes["current_position"] = {"open": 100, "closed": 0}.get(self.state or "", 50)
        self._target: int | None = None

    def move_to(self, target: int) -> None:
        """Set out for `target`; `later` brings it there in steps."""
        if self.spec.stuck:
            return
        self._target = 50 if self.spec.wrong else target
        self._step()

    def stop(self) -> None:
        self._target = None
        self.settle()

    def settle(self) -> None:
        self.state = "open" if self.attributes["current_position"] > 0 else "closed"

    def obey(self, channel: Channel, payload: str) -> None:
        assert channel.obey is not None
        channel.obey(payload)  # `stuck` and `wrong` are a matter of where it gets to: see move_to

    def obey_word(self, words: dict[str, Callable[[], None]]) -> Callable[[str], None]:
        def obey(payload: str) -> None:
            if payload not in words:
                raise ValueError(f"{payload!r} is none of {', '.join(words)}")
            words[payload]()

        return obey

    def obey_position(self, payload: str) -> None:
        self.move_to(whole_number(payload, 0, 100))

    def _step(self) -> None:
        position, target = self.attributes["current_position"], self._target
        if target is None or position == target:
            self.settle()
            return
        self.state = "opening" if target > position else "closing"
        assert self.later is not None
        self.later(self.spec.travel_s / STEPS, lambda: self._arrive(target))

    def _arrive(self, target: int) -> None:
        if self._target != target:  # stopped or sent elsewhere meanwhile
            return
        stride, position = 100 // STEPS, self.attributes["current_position"]
        left = target - position
        self.attributes["current_position"] = position + max(-stride, min(stride, left))
        self._step()

    _target: int | None = None


class Cover(Mover):
    """OPEN, CLOSE, STOP; a position and a tilt where it can."""

    domain = "cover"

    def make_channels(self) -> list[Channel]:
        words = {"OPEN": lambda: self.move_to(100), "CLOSE": lambda: self.move_to(0)}
        if self.can("stop"):
            words["STOP"] = self.stop
        channels = [Channel(name="state", obey=self.obey_word(words), read=lambda: self.state, command="command_topic",
                            report="state_topic", template="value_template")]
        if self.can("position"):
            channels.append(Channel(name="position", obey=self.obey_position, read=self.attribute("current_position"),
                                    command="set_position_topic", report="position_topic", number=True,
                                    template="position_template", command_template="set_position_template",
                                    variable="position"))
        if self.can("tilt"):
            channels.append(Channel(name="tilt", obey=self._obey_tilt, read=self.attribute("current_tilt_position"),
                                    command="tilt_command_topic", report="tilt_status_topic", number=True,
                                    template="tilt_status_template"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        return {} if self.can("stop") else {"payload_stop": None}

    def _obey_tilt(self, payload: str) -> None:
        self.attributes["current_tilt_position"] = whole_number(payload, 0, 100)


class Valve(Mover):
    """OPEN, CLOSE (and STOP); with a position, numbers both ways."""

    domain = "valve"

    def make_channels(self) -> list[Channel]:
        words = {"OPEN": lambda: self.move_to(100), "CLOSE": lambda: self.move_to(0)}
        if self.can("stop"):
            words["STOP"] = self.stop
        obey_word = self.obey_word(words)
        if not self.can("position"):
            return [Channel(name="state", obey=obey_word, read=lambda: self.state, command="command_topic",
                            report="state_topic", template="value_template")]  # fmt: skip

        def obey(payload: str) -> None:
            if payload == "STOP":
                obey_word(payload)
            else:
                self.obey_position(payload)

        return [Channel(name="state", obey=obey, read=self._report, command="command_topic", report="state_topic")]

    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = {"payload_stop": "STOP"} if self.can("stop") else {}
        return details | ({"reports_position": True} if self.can("position") else {})

    def _report(self) -> str:
        return json.dumps({"state": self.state, "position": self.attributes["current_position"]})
