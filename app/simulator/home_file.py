"""HOME.yaml: the rooms and devices of a home to simulate. The shape is documented in `app/homes/demo.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from ..typed import Mismatch, build

Style = Literal["plain", "zigbee2mqtt", "tasmota", "esphome", "template"]

# Domains that Home Assistant's MQTT integration does not have: a home may list them, no MQTT device can be one.
NOT_MQTT = frozenset({"person", "weather", "todo", "script", "automation", "camera", "calendar", "sun", "zone"})

# What a device of a domain can do where its `can` is not written.
USUAL: dict[str, tuple[str, ...]] = {
    "light": ("brightness", "color_temp"),
    "fan": ("percentage",),
    "cover": ("position", "stop"),
    "valve": (),
    "climate": ("target_temperature", "hvac_modes"),
    "water_heater": ("target_temperature", "modes"),
    "humidifier": ("target_humidity", "modes"),
    "vacuum": ("start", "pause", "stop", "return_to_base", "locate", "fan_speed"),
    "lawn_mower": ("start", "pause", "dock"),
    "media_player": ("play", "pause", "stop", "next", "previous", "volume_set", "volume_mute", "play_media",
                     "turn_on", "turn_off"),
    "siren": (),
    "alarm_control_panel": ("arm_home", "arm_away", "arm_night"),
}  # fmt: skip


class HomeFileError(Exception):
    """HOME.yaml cannot be simulated: names the file, the entry and the cure."""


@dataclass(frozen=True, kw_only=True)
class EntitySpec:
    """One entity of HOME.yaml. Words and scales are Home Assistant's."""

    entity_id: str
    name: str                           # friendly name: as people say it
    aliases: tuple[str, ...] = ()
    area: str | None = None
    device: str | None = None           # entities with the same value are one physical device of that name
    device_class: str | None = None
    state: str | None = None            # None: the usual idle state of its kind
    attributes: dict[str, Any] = field(default_factory=dict)
    can: tuple[str, ...] = ()
    style: Style = "plain"
    topic: str | None = None            # base topic; None: made from the style
    category: str | None = None         # entity_category
    exposed: bool = True
    retain: bool = True                 # states are retained
    code: str | None = None             # PIN of a lock or an alarm panel
    travel_s: float = 10.0              # a cover's or valve's way from shut to open
    slow_s: float = 0.0                 # answers that much later
    offline: bool = False               # announced as unavailable; obeys nothing
    deaf: bool = False                  # online, but does not react
    stuck: bool = False                 # answers every command with its old state
    wrong: bool = False                 # does and reports something else than asked

    @property
    def domain(self) -> str:
        return self.entity_id.partition(".")[0]

    @property
    def object_id(self) -> str:
        return self.entity_id.partition(".")[2]


@dataclass(frozen=True, kw_only=True)
class HomeFile:
    """A home to simulate."""

    name: str
    floors: tuple[dict[str, Any], ...] = ()
    areas: tuple[dict[str, Any], ...] = ()
    entities: tuple[EntitySpec, ...] = ()
    skipped: tuple[str, ...] = ()       # entity ids that no MQTT device can have
    lists: tuple[str, ...] = ()

    def config(self) -> dict[str, Any]:
        """Return what a household with this home writes in config.yaml: what discovery cannot say."""
        devices = [entry for entity in self.entities if (entry := _override(entity))]
        config: dict[str, Any] = {
            "home": {"floors": list(self.floors), "areas": list(self.areas), "devices": devices},
        }
        if self.lists:
            config["lists"] = list(self.lists)
        return config


def load_home(path: Path) -> HomeFile:
    """Read HOME.yaml. Raises: HomeFileError."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HomeFileError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HomeFileError(f"{path}: not YAML: {error}") from error
    return parse_home(data, name=str(path))


def parse_home(data: object, *, name: str) -> HomeFile:
    """Check a home that was read as YAML; `name` is for messages. Raises: HomeFileError."""
    if not isinstance(data, Mapping) or not isinstance(data.get("entities"), list):
        raise HomeFileError(f"{name}: a home needs a list `entities:` (and `home: {{floors, areas}}`)")
    rooms = data.get("home") or {}
    listed = [_entry(raw, name) for raw in data["entities"]]
    skipped = tuple(str(raw["entity"]) for raw in listed if str(raw["entity"]).partition(".")[0] in NOT_MQTT)
    entities = tuple(_spec(raw, name) for raw in listed if str(raw["entity"]) not in skipped)
    _refuse_twins(entities, name)
    return HomeFile(
        name=name,
        floors=tuple(rooms.get("floors") or ()),
        areas=tuple(rooms.get("areas") or ()),
        entities=entities,
        skipped=skipped,
        lists=tuple(str(item) for item in data.get("lists") or ()),
    )


def _entry(raw: object, name: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping) or "." not in str(raw.get("entity", "")):
        raise HomeFileError(f"{name}: every entry of `entities` needs `entity: <domain>.<object_id>`, not {raw!r}")
    return raw


# Keys that other writers of such files use.
_IGNORED = frozenset({"entity", "domain", "via", "source", "state_text", "unit", "alternative_of"})


def _spec(raw: Mapping[str, Any], name: str) -> EntitySpec:
    entity_id = str(raw["entity"])
    domain, _, object_id = entity_id.partition(".")
    if isinstance(raw.get("state"), bool):
        raise HomeFileError(f'{name}: {entity_id}: write the state in quotes ("on"): a bare on is a YAML boolean')
    values = {key: value for key, value in raw.items() if key not in _IGNORED}
    values["entity_id"] = entity_id
    values["name"] = str(raw.get("name") or object_id.replace("_", " ").title())
    values["attributes"] = _attributes(raw)
    values.setdefault("can", USUAL.get(domain, ()))
    for text in ("state", "code"):
        if values.get(text) is not None:
            values[text] = str(values[text])
    try:
        return build(EntitySpec, values, entity_id)
    except Mismatch as mismatch:
        raise HomeFileError(f"{name}: {mismatch}") from mismatch


def _attributes(raw: Mapping[str, Any]) -> dict[str, Any]:
    attributes = dict(raw.get("attributes") or {})
    if "unit" in raw:
        attributes["unit_of_measurement"] = raw["unit"]
    if "position" in attributes:  # the short word of templates; Home Assistant's attribute is current_position
        attributes["current_position"] = int(attributes.pop("position"))
    return attributes


def _refuse_twins(entities: tuple[EntitySpec, ...], name: str) -> None:
    seen: set[str] = set()
    for entity in entities:
        if entity.entity_id in seen:
            raise HomeFileError(f"{name}: {entity.entity_id} is listed twice")
        seen.add(entity.entity_id)


def _override(entity: EntitySpec) -> dict[str, Any] | None:
    entry: dict[str, Any] = {}
    if entity.aliases:
        entry["aliases"] = list(entity.aliases)
    if not entity.exposed:
        entry["hidden"] = True
    return {"entity": entity.entity_id, **entry} if entry else None
