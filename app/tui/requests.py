"""What to say so that a device does the obvious next thing: "turn off Desk Lamp". Said like any other request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ...skills.home.model import Entity
from ...skills.sensitive import way_in
from .safe_text import fit


@dataclass(frozen=True)
class Request:
    text: str
    at_once: bool = True        # False: put into the input line, to be completed or confirmed with Enter


def request_for(entity: Entity) -> Request | None:
    """The request that acting on this device means; None for what can only be read.

    What opens the house is never said at once: a slip of the mouse is not a request.
    """
    make = _BY_DOMAIN.get(entity.domain)
    name = fit(entity.name)
    return make(entity, name) if make is not None and name else None


def _power(entity: Entity, name: str) -> Request:
    return Request(f"turn {'off' if entity.state == 'on' else 'on'} {name}")


def _siren(entity: Entity, name: str) -> Request:
    return Request(f"turn {'off' if entity.state == 'on' else 'on'} {name}", at_once=entity.state == "on")


def _player(entity: Entity, name: str) -> Request:
    words = {"playing": f"pause {name}", "paused": f"resume {name}", "idle": f"turn off {name}", "on": f"turn off {name}"}
    return Request(words.get(entity.state or "", f"turn on {name}"))


def _lock(entity: Entity, name: str) -> Request:
    return Request(f"unlock {name}", at_once=False) if entity.state == "locked" else Request(f"lock {name}")


def _cover(entity: Entity, name: str) -> Request:
    if entity.state in ("opening", "closing"):
        return Request(f"stop {name}")
    if entity.state == "open":
        return Request(f"close {name}")
    return Request(f"open {name}", at_once=way_in(entity) is None)


def _valve(entity: Entity, name: str) -> Request:
    return Request(f"close {name}") if entity.state == "open" else Request(f"open {name}", at_once=False)


def _robot(entity: Entity, name: str) -> Request:
    at_work = entity.state in ("cleaning", "mowing", "returning")
    return Request(f"send {name} home" if at_work else f"start {name}")


def _set(entity: Entity, name: str) -> Request:
    return Request(f"set {name} to ", at_once=False)


def _alarm(entity: Entity, name: str) -> Request:
    armed = (entity.state or "").startswith(("armed", "arming", "triggered", "pending"))
    return Request(f"disarm {name} with code " if armed else f"arm {name} away", at_once=False)


_BY_DOMAIN: Final[Mapping[str, Callable[[Entity, str], Request]]] = {
    "light": _power, "switch": _power, "fan": _power, "humidifier": _power, "siren": _siren, "media_player": _player,
    "lock": _lock, "cover": _cover, "valve": _valve, "vacuum": _robot, "lawn_mower": _robot, "climate": _set,
    "water_heater": _set, "number": _set, "select": _set, "text": _set, "alarm_control_panel": _alarm,
    "scene": lambda entity, name: Request(f"activate {name}"),
    "button": lambda entity, name: Request(f"press {name}"),
}
