"""What every simulated device shares: a state in Home Assistant's words, channels on the wire, misbehaviour."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from . import wire
from .home_file import EntitySpec
from .wire import Channel

Sleep = Callable[[float, Callable[[], None]], None]     # (seconds, then do this and report)


class Device:
    """One entity. `state` and `attributes` are the physical truth; `channels` is how the wire sees it."""

    domain: ClassVar[str]
    idle: ClassVar[str | None] = None           # state where HOME.yaml names none
    retains: ClassVar[bool] = True              # what it reports is a state, not a happening

    def __init__(self, spec: EntitySpec, base: str) -> None:
        self.spec = spec
        self.base = base
        self.style = wire.BY_NAME[spec.style]
        self.state = spec.state if spec.state is not None else self.idle
        self.attributes: dict[str, Any] = self.usual_attributes() | spec.attributes
        self._at_first = {**self.attributes, "state": self.state}
        self.online = not spec.offline
        self.later: Sleep | None = None         # set by the world that runs the device
        self.channels = self.make_channels()

    # what a kind is

    def usual_attributes(self) -> dict[str, Any]:
        """Attributes where HOME.yaml names none."""
        return {}

    def make_channels(self) -> list[Channel]:
        raise NotImplementedError

    def details(self) -> dict[str, Any]:
        """Discovery keys beside topics: options, ranges, units."""
        return {}

    def go_astray(self) -> None:
        """For `wrong` devices, after a command was obeyed: end in another state than the one asked for."""
        self.state = {"on": "off", "off": "on"}.get(self.state or "", self.state)

    # what happens to it

    def obey(self, channel: Channel, payload: str) -> None:
        """Do what a command says. Raises: ValueError: the payload is nonsense to this device."""
        assert channel.obey is not None
        before = self.state, dict(self.attributes)
        channel.obey(payload)
        if self.spec.stuck:
            self.state, self.attributes = before
        elif self.spec.wrong:
            self.go_astray()

    def set(self, changes: Mapping[str, Any]) -> None:
        """Somebody moved it by hand: `state` and attributes, in Home Assistant's words."""
        for key, value in changes.items():
            if key == "state":
                self.state = None if value is None else str(value)
            else:
                self.attributes[key] = value

    def restore(self) -> bool:
        """Be again as HOME.yaml has it. Returns: whether anything was otherwise."""
        if {**self.attributes, "state": self.state} == self._at_first:
            return False
        self.attributes.clear()
        self.set(self._at_first)
        return True

    @property
    def tells_state(self) -> bool:
        """Whether `state` can be known from what it reports now."""
        return self.state is not None and self.online

    def can(self, feature: str) -> bool:
        return feature in self.spec.can

    # how it is announced

    def config(self) -> dict[str, Any]:
        """Return the discovery payload, unabbreviated, without the device."""
        spec, style = self.spec, self.style
        payload: dict[str, Any] = style.identity(spec) | {"unique_id": f"sim_{wire.slug(spec.entity_id)}"}
        for channel in self.channels:
            payload |= style.describe(channel, self.base)
        payload |= self.details()
        if spec.device_class:
            payload["device_class"] = spec.device_class
        if spec.category:
            payload["entity_category"] = spec.category
        return payload

    def availability(self) -> dict[str, Any]:
        """Return the discovery keys that tell whether it is there."""
        return self.style.availability(self.base)

    def command_topics(self) -> dict[str, Channel]:
        """Return the topics it listens to. Where several properties share one, the main property comes first."""
        topics: dict[str, Channel] = {}
        for channel in self.channels:
            if channel.obey is not None:
                topics.setdefault(self.style.command_topic(self.base, channel), channel)
        return topics

    # helpers for kinds

    def attribute(self, name: str) -> Callable[[], str | None]:
        return lambda: None if self.attributes.get(name) is None else _text(self.attributes[name])

    def setter(self, name: str, *, options: str | None = None) -> Callable[[str], None]:
        """Return what stores a payload as attribute `name`; `options`: the attribute that lists what is allowed."""

        def store(payload: str) -> None:
            if options is not None and payload not in self.attributes.get(options, ()):
                raise ValueError(f"{payload!r} is none of {self.attributes.get(options)}")
            self.attributes[name] = payload

        return store

    def number_setter(self, name: str, low: str, high: str) -> Callable[[str], None]:
        """Return what stores a number between the attributes `low` and `high`."""

        def store(payload: str) -> None:
            self.attributes[name] = number(payload, float(self.attributes[low]), float(self.attributes[high]))

        return store

    def options(self, *names: str) -> dict[str, Any]:
        """Return those attributes that are set, as discovery keys of the same name."""
        return {name: self.attributes[name] for name in names if self.attributes.get(name) is not None}


def on_off(device: Device) -> tuple[Callable[[], str | None], Callable[[str], None]]:
    """Return how ON and OFF are read from and written to a device's state."""

    def read() -> str | None:
        return {"on": "ON", "off": "OFF"}.get(device.state or "")

    def obey(payload: str) -> None:
        device.state = {"ON": "on", "OFF": "off"}[payload] if payload in ("ON", "OFF") else _refuse(payload)

    return read, obey


def number(payload: str, low: float, high: float) -> float | int:
    """Return the payload as a number within [low, high]. Raises: ValueError."""
    value = float(payload)
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{payload} is not between {low:g} and {high:g}")
    return int(value) if value == int(value) else value


def whole_number(payload: str, low: int, high: int) -> int:
    return round(number(payload, low, high))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refuse(payload: str) -> str:
    raise ValueError(f"{payload!r} is not a command")
