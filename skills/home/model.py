"""The home as it is known now: floors, areas, devices' entities and their states. Words are Home Assistant's.

Everything here is plain state without I/O: `discovery` turns MQTT messages into changes of it, the resolver reads it,
`act.Actuator` sends commands and watches it for confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Floor:
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Area:
    name: str
    aliases: tuple[str, ...] = ()
    floor: str | None = None        # a Floor's name


@dataclass(kw_only=True)
class Entity:
    """One thing that has a state or takes commands. The id is `<component>.<object_id>`."""

    entity_id: str
    domain: str
    name: str                                   # as people say it: Home Assistant's friendly name
    aliases: tuple[str, ...] = ()
    area: str | None = None                     # an Area's name
    device_class: str | None = None
    device_name: str | None = None
    unit: str | None = None
    state: str | None = None                    # raw state ("on", "21.5", "locked"); None: not heard of yet
    attributes: dict[str, Any] = field(default_factory=dict)  # Home Assistant's names: brightness is 0..255, …
    features: frozenset[str] = frozenset()      # what it can: "brightness", "color", "color_temp", "position", "stop", …
    available: bool = True
    assumed: bool = False                       # no state topic: commands cannot be confirmed
    category: str | None = None                 # entity_category "config" or "diagnostic": not for "all lights"
    exposed: bool = True                        # config may hide it


@dataclass(frozen=True, kw_only=True)
class ServiceCall:
    """What shall happen to one entity, in Home Assistant's words: ("light.desk", "turn_on", {"brightness_pct": 40})."""

    entity_id: str
    service: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Publish:
    """One MQTT message to send."""

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a ServiceCall, as observed.

    status: "confirmed"  the device reported the state asked for
            "already"    it was in that state before; the command was sent all the same
            "sent"       it has no state topic, or a state that cannot tell: sent, not confirmed
            "silent"     it did not report within its time
            "offline"    it was announced as unavailable; the command was sent all the same
            "unsupported" it cannot do that; nothing was sent
    """

    call: ServiceCall
    status: str
    before: str | None
    after: str | None
    messages: tuple[Publish, ...] = ()
    detail: str = ""


Listener = Callable[[Entity, str | None], None]  # (entity, the state before)


class Home:
    """Floors, areas and entities; tells listeners of every state change."""

    def __init__(self, floors: Iterable[Floor] = (), areas: Iterable[Area] = ()) -> None:
        self.floors: dict[str, Floor] = {floor.name: floor for floor in floors}
        self.areas: dict[str, Area] = {area.name: area for area in areas}
        self.entities: dict[str, Entity] = {}
        self.version = 0                        # counts changes of what there is, for what is built from it
        self._listeners: list[Listener] = []

    def add(self, entity: Entity) -> None:
        self.entities[entity.entity_id] = entity
        self.version += 1

    def remove(self, entity_id: str) -> None:
        self.entities.pop(entity_id, None)
        self.version += 1

    def changed(self) -> None:
        """Tell that a name, area or alias of something was changed in place."""
        self.version += 1

    def floor_of(self, entity: Entity) -> str | None:
        area = self.areas.get(entity.area) if entity.area else None
        return area.floor if area else None

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every report of a state; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def report(self, entity: Entity, before: str | None) -> None:
        for listener in tuple(self._listeners):
            listener(entity, before)


def load_home(data: Mapping[str, Any]) -> Home:
    """A home from plain data, as tests and files write it.

    Args:
        data: {"home": {"floors", "areas"}, "entities": [{"entity", "domain", "name", "aliases", "area", …}]}
    Raises: KeyError, TypeError: the data has another form.
    """
    plan = data.get("home") or {}
    home = Home(
        [Floor(str(floor["name"]), tuple(floor.get("aliases") or ())) for floor in plan.get("floors") or ()],
        [
            Area(str(area["name"]), tuple(area.get("aliases") or ()), area.get("floor"))
            for area in plan.get("areas") or ()
        ],
    )
    for facts in data.get("entities") or ():
        home.add(_load_entity(facts))
    return home


def _load_entity(facts: Mapping[str, Any]) -> Entity:
    entity_id = str(facts["entity"])
    attributes = dict(facts.get("attributes") or {})
    return Entity(
        entity_id=entity_id,
        domain=str(facts.get("domain") or entity_id.partition(".")[0]),
        name=str(facts["name"]),
        aliases=tuple(facts.get("aliases") or ()),
        area=facts.get("area"),
        device_class=facts.get("device_class"),
        device_name=facts.get("device_name"),
        unit=attributes.get("unit_of_measurement"),
        state=None if facts.get("state") is None else str(facts["state"]),
        attributes=attributes,
        features=frozenset(facts.get("features") or ()),
        exposed=bool(facts.get("exposed", True)),
    )
