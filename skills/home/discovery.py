"""MQTT discovery and states: every message of the bus comes in through `Discovery.handle`, the home changes accordingly.

No I/O: what to subscribe to is asked with `subscriptions()`, what to send with `publishes(call)`. Everything on the bus is
untrusted: what is malformed or hostile is logged once per topic and skipped.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import abbreviations
from .availability import Availability
from .deadlines import Deadlines, delays_of
from .describe import Override, describe, object_id_of
from .model import Entity, Home, Publish, ServiceCall
from .payload import BadPayload, Config, Unsupported, WrongCode, json_object
from .platforms import platform_of
from .platforms.base import Follower, Platform
from .templates import TemplateError, Templates

__all__ = ["BadPayload", "Discovery", "Unsupported", "WrongCode"]

log = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 65_536
MAX_ENTITIES = 4_096
MAX_DEVICE_COMPONENTS = 256
MAX_WILDCARD_FILTERS = 256
MAX_REPLAY_CHARS = 8_192            # a state longer than this is not kept for entities that come later
MAX_LOGGED_TOPICS = 4_096
MAX_JSON_ATTRIBUTES = 64

_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
# what a device announces for all its components
_SHARED = ("availability", "availability_mode", "availability_template", "availability_topic", "command_topic", "encoding",
           "payload_available", "payload_not_available", "qos", "state_topic")
# attributes with a meaning and a scale of Home Assistant's own: a device's raw JSON must not overwrite them
_OWNED_ATTRIBUTES = frozenset({
    "brightness", "color", "color_mode", "color_temp", "color_temp_kelvin", "hs_color", "rgb_color", "xy_color", "effect",
    "effect_list", "supported_color_modes", "min_color_temp_kelvin", "max_color_temp_kelvin", "current_position",
    "current_tilt_position", "percentage", "percentage_step", "preset_mode", "preset_modes", "oscillating", "direction",
    "temperature", "target_temp_high", "target_temp_low", "current_temperature", "humidity", "current_humidity",
    "hvac_mode", "hvac_modes", "hvac_action", "fan_mode", "fan_modes", "swing_mode", "swing_modes", "mode",
    "available_modes", "operation_mode", "operation_list", "min_temp", "max_temp", "target_temp_step", "min_humidity",
    "max_humidity", "min", "max", "step", "options", "volume_level", "is_volume_muted", "source", "source_list",
    "fan_speed", "fan_speed_list", "available_tones", "event_type", "event_types", "code_format", "code_arm_required",
    "state",
})  # fmt: skip


@dataclass(slots=True, eq=False)
class _Tracked:
    """One discovered entity and all that listens for it."""

    platform: Platform
    entity: Entity
    unique: tuple[str, str] | None
    availability: Availability | None
    followers: list[Follower]
    options: frozenset[str]          # attributes the config gave: those that go when a new config lacks them
    delays: dict[str, float] = field(default_factory=dict)     # seconds: off_delay, expire_after
    expired: bool = False            # its last report is older than expire_after


@dataclass(slots=True, eq=False)
class _Source:
    """What one discovery topic has announced: a component key to its entity (entity discovery has one, the key "")."""

    digest: int
    entities: dict[str, _Tracked] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Route:
    """Who follows one topic, and the last message on it for those who come later."""

    followers: list[tuple[_Tracked, Follower]] = field(default_factory=list)
    last: str | None = None


@dataclass(frozen=True, slots=True)
class _Announcement:
    """One entity as announced."""

    topic: str
    key: str
    component: str
    object_id: str
    raw: dict[str, Any]


class Discovery:
    """Keeps `home` as the bus describes it.

    `overrides` maps entity ids to what the household says of them: {"light.desk": {"area": "Study", "aliases": ["lamp"],
    "name": …, "hidden": …}}. `temperature_unit` ("celsius", "fahrenheit") is what thermostats count in that do not say, as in
    Home Assistant. `changed` is set whenever `subscriptions()` has changed; who reads it clears it.
    `tick` wants to be called now and then: what has grown old is told from it.
    """

    def __init__(
        self, home: Home, prefix: str = "homeassistant", overrides: Mapping[str, Override] | None = None,
        temperature_unit: str | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.home = home
        self.prefix = prefix.strip("/")
        self.changed = asyncio.Event()
        self._overrides = dict(overrides or {})
        self._unit = temperature_unit
        self._deadlines = Deadlines(clock)
        self._templates = Templates()
        self._sources: dict[str, _Source] = {}
        self._tracked: dict[str, _Tracked] = {}                      # by entity id
        self._unique: dict[tuple[str, str], str] = {}                # (component, unique_id) -> discovery topic
        self._routes: dict[str, _Route] = {}
        self._wild: dict[str, _Route] = {}                           # filters with "+"
        self._logged: set[str] = set()

    # what the bus needs to know

    def subscriptions(self) -> frozenset[str]:
        """The topic filters wanted now."""
        discovery = (f"{self.prefix}/+/+/config", f"{self.prefix}/+/+/+/config")
        return frozenset((*discovery, *self._routes, *self._wild))

    def publishes(self, call: ServiceCall) -> tuple[Publish, ...]:
        """The messages that do what `call` says, as Home Assistant would send them. Raises: Unsupported."""
        tracked = self._tracked.get(call.entity_id)
        if tracked is None:
            raise Unsupported(f"there is no {call.entity_id}")
        try:
            return tuple(tracked.platform.messages(call.service, call.data))
        except (BadPayload, ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
            raise Unsupported(f"{call.service} of {call.entity_id}: {error}") from None

    def handle(self, topic: str, payload: bytes | bytearray | str, retain: bool = False) -> None:
        """Take in one message. Never raises: what cannot be used is logged once per topic and skipped."""
        try:
            self._handle(topic, payload)
        except (BadPayload, TemplateError) as error:
            self._log_once(topic, str(error))
        except Exception:  # our bug; the home goes on
            if topic not in self._logged:
                self._logged.add(topic)
                log.exception("%s: could not be handled", topic)

    def _handle(self, topic: str, payload: bytes | bytearray | str) -> None:
        announced = self._discovery_parts(topic)
        routes = self._routes_for(topic)
        if announced is None and not routes:
            return
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise BadPayload(f"a message of {len(payload)} bytes, {MAX_PAYLOAD_BYTES} are allowed")
        text = payload if isinstance(payload, str) else _decoded(payload)
        if announced is not None:
            self._announced(topic, announced, text)
        for route in routes:
            self._reported(topic, route, text)

    def tick(self) -> None:
        """Let time pass: a motion sensor with `off_delay` is off again, a reading past `expire_after` is not to be trusted."""
        for entity_id, key in self._deadlines.past():
            tracked = self._tracked.get(entity_id)
            if tracked is None:
                continue
            entity, before = tracked.entity, tracked.entity.state
            if key == "off_delay":
                entity.state = "off"
            else:
                tracked.expired, entity.available = True, False
            self.home.report(entity, before)

    # discovery

    def _discovery_parts(self, topic: str) -> tuple[str, str] | None:
        """(component, object_id) of a discovery topic, None for any other. Raises: BadPayload: neither one nor the other."""
        if not topic.startswith(self.prefix + "/") or not topic.endswith("/config"):
            return None
        parts = topic[len(self.prefix) + 1 :].split("/")
        if len(parts) not in (3, 4):
            return None
        if not all(_ID.fullmatch(part) for part in parts):
            raise BadPayload("a discovery topic has only letters, digits, _ and - between its slashes")
        return parts[0], parts[-2]

    def _announced(self, topic: str, parts: tuple[str, str], text: str) -> None:
        if not text.strip():
            self._forget(topic)
            return
        source = self._sources.get(topic)
        if source is not None and source.digest == hash(text):
            return
        payload = _object(text)
        if _is_migration(payload):
            self._release(topic)
            return
        announcements = list(self._announcements(topic, *parts, payload))
        source = self._sources.setdefault(topic, _Source(0))
        source.digest = hash(text)
        try:
            self._apply(source, announcements)
        finally:
            if not source.entities:
                del self._sources[topic]

    def _announcements(
        self, topic: str, component: str, object_id: str, payload: dict[str, Any]
    ) -> Iterable[_Announcement]:
        raw = abbreviations.expand(payload)
        base = raw.pop("~", None)
        if component != "device":
            _with_base(raw, base)
            yield _Announcement(topic, "", component, object_id_of(component, raw, object_id), raw)
            return
        components = raw.get("components")
        if not isinstance(components, dict):
            raise BadPayload("components is missing")
        if len(components) > MAX_DEVICE_COMPONENTS:
            raise BadPayload(f"{len(components)} components, {MAX_DEVICE_COMPONENTS} are allowed")
        shared = {key: raw[key] for key in _SHARED if key in raw}
        for key, part in components.items():
            announcement = self._component(topic, key, part, shared, raw.get("device"), base)
            if announcement is not None:
                yield announcement

    def _component(
        self, topic: str, key: str, part: Any, shared: dict[str, Any], device: Any, base: Any
    ) -> _Announcement | None:
        """One component of a device; None when it says only its platform: then it is gone."""
        if not isinstance(part, dict):
            raise BadPayload(f"components.{key[:40]}: not an object")
        own = abbreviations.expand(part)
        platform = own.pop("platform", None)
        if not isinstance(platform, str):
            raise BadPayload(f"components.{key[:40]}: platform is missing")
        if not own:
            return None
        raw = {**_copied(shared), **own, "device": device}
        _with_base(raw, own.pop("~", None) or base)
        raw.pop("~", None)
        fallback = re.sub(r"[^a-zA-Z0-9_-]+", "_", key) or "entity"
        return _Announcement(topic, key, platform, object_id_of(platform, raw, fallback), raw)

    def _apply(self, source: _Source, announcements: list[_Announcement]) -> None:
        """Add, update and remove so that the source's entities are those announced. One bad entity leaves the others."""
        announced = {announcement.key: announcement for announcement in announcements}
        for key in [key for key in source.entities if key not in announced]:
            self._drop(source, key)
        for announcement in announcements:
            try:
                self._place(source, announcement)
            except BadPayload as error:
                self._log_once(f"{announcement.topic} {announcement.key}".rstrip(), str(error))

    def _place(self, source: _Source, announcement: _Announcement) -> None:
        """Add or update one entity. Raises: BadPayload: then what was there before stays as it was."""
        platform_class = platform_of(announcement.component, announcement.raw)
        if platform_class is None:
            log.debug("%s: no entity is made of %s", announcement.topic, announcement.component)
            return
        known = source.entities.get(announcement.key)
        unique = self._claim(announcement)
        entity_id = self._entity_id(announcement, known)
        if known is None and len(self._tracked) >= MAX_ENTITIES:
            raise BadPayload(f"there are {MAX_ENTITIES} entities already")
        override = self._overrides.get(entity_id, {})
        object_id = entity_id.partition(".")[2]
        entity = describe(announcement.component, object_id, announcement.raw, override, self.home)
        availability = Availability.read(announcement.raw, self._templates)
        raw = self._with_household_unit(announcement)
        platform = platform_class(Config(raw, self._templates), entity)
        self._check_filters(platform, availability)
        options = frozenset(entity.attributes)
        if known is not None:
            entity = self._update(known, platform, entity)
            self._detach(known)
            if known.unique is not None and known.unique != unique:
                self._unique.pop(known.unique, None)
        delays = delays_of(announcement.component, announcement.raw)
        tracked = _Tracked(platform, entity, unique, availability, [], options, delays)
        tracked.followers = [*platform.followers, *self._own_followers(tracked)]
        source.entities[announcement.key] = tracked
        self._tracked[entity.entity_id] = tracked
        if unique is not None:
            self._unique[unique] = announcement.topic
        self.home.add(entity)
        self._attach(tracked)

    def _with_household_unit(self, announcement: _Announcement) -> dict[str, Any]:
        if announcement.component not in ("climate", "water_heater") or self._unit is None:
            return announcement.raw
        return {"temperature_unit": "F" if self._unit == "fahrenheit" else "C", **announcement.raw}

    def _claim(self, announcement: _Announcement) -> tuple[str, str] | None:
        """The unique id, if no other discovery topic holds it. Raises: BadPayload."""
        unique_id = announcement.raw.get("unique_id")
        if unique_id is None:
            return None
        unique = (announcement.component, str(unique_id)[:256])
        holder = self._unique.get(unique)
        if holder is not None and holder != announcement.topic:
            raise BadPayload(f"unique_id {unique[1]!r} belongs to {holder}")
        return unique

    def _entity_id(self, announcement: _Announcement, known: _Tracked | None) -> str:
        """`<component>.<object_id>`; a second one of that name gets _2, as in Home Assistant. An update keeps its id."""
        if known is not None and known.entity.domain == announcement.component:
            return known.entity.entity_id
        wanted = f"{announcement.component}.{announcement.object_id}"
        entity_id, number = wanted, 1
        while entity_id in self._tracked:
            number += 1
            entity_id = f"{wanted}_{number}"
        return entity_id

    def _update(self, known: _Tracked, platform: Platform, fresh: Entity) -> Entity:
        """Carry the new description over to the entity that others hold, and keep its state."""
        entity = known.entity
        if entity.domain != fresh.domain:
            del self._tracked[entity.entity_id]
            self.home.remove(entity.entity_id)
            return fresh
        kept = {key: value for key, value in entity.attributes.items() if key not in known.options}
        fresh.attributes = {**kept, **fresh.attributes}
        fresh.state, fresh.available = entity.state, entity.available
        entity.__dict__.update(fresh.__dict__)
        platform.entity = entity
        return entity

    def _forget(self, topic: str) -> None:
        source = self._sources.pop(topic, None)
        for key in list(source.entities) if source else ():
            self._drop(source, key)  # type: ignore[arg-type]

    def _drop(self, source: _Source, key: str) -> None:
        tracked = source.entities.pop(key)
        self._detach(tracked)
        if tracked.unique is not None:
            self._unique.pop(tracked.unique, None)
        self._tracked.pop(tracked.entity.entity_id, None)
        self._deadlines.drop(tracked.entity.entity_id)
        self.home.remove(tracked.entity.entity_id)

    def _release(self, topic: str) -> None:
        """`migrate_discovery`: this topic's entities will be announced anew elsewhere."""
        self._forget(topic)

    # following topics

    def _check_filters(self, platform: Platform, availability: Availability | None) -> None:
        topics = [follower.topic for follower in platform.followers]
        topics += availability.topics if availability else []
        new = {topic for topic in topics if "+" in topic and topic not in self._wild}
        if len(self._wild) + len(new) > MAX_WILDCARD_FILTERS:
            raise BadPayload(f"there are {MAX_WILDCARD_FILTERS} wildcard topics already")

    def _own_followers(self, tracked: _Tracked) -> Iterable[Follower]:
        if tracked.availability is not None:
            yield from tracked.availability.followers(tracked.entity)
        config = tracked.platform.config
        topic = config.topic("json_attributes_topic")
        if topic is not None:
            yield Follower(topic, config.template("json_attributes_template"), _json_attributes(tracked.entity))

    def _attach(self, tracked: _Tracked) -> None:
        fresh: list[tuple[str, Follower]] = []
        for follower in tracked.followers:
            routes = self._wild if "+" in follower.topic else self._routes
            route = routes.get(follower.topic)
            if route is None:
                route = routes[follower.topic] = _Route()
                self.changed.set()
            route.followers.append((tracked, follower))
            if route.last is not None:
                fresh.append((route.last, follower))
        before = tracked.entity.state
        heard = [self._heard(tracked, follower, text) for text, follower in fresh]
        if any(heard):
            self.home.report(tracked.entity, before)

    def _detach(self, tracked: _Tracked) -> None:
        for topic in {follower.topic for follower in tracked.followers}:
            routes = self._wild if "+" in topic else self._routes
            route = routes.get(topic)
            if route is None:
                continue
            route.followers = [pair for pair in route.followers if pair[0] is not tracked]
            if not route.followers:
                del routes[topic]
                self.changed.set()

    def _routes_for(self, topic: str) -> list[_Route]:
        route = self._routes.get(topic)
        found = [route] if route is not None else []
        if self._wild:
            found += [route for pattern, route in self._wild.items() if _matches(pattern, topic)]
        return found

    def _reported(self, topic: str, route: _Route, text: str) -> None:
        """Give the message to all who follow the topic; each entity that took something of it is reported once."""
        route.last = text if len(text) <= MAX_REPLAY_CHARS else None
        reports: dict[str, tuple[Entity, str | None]] = {}
        for tracked, follower in tuple(route.followers):
            before = tracked.entity.state
            if self._heard(tracked, follower, text):
                reports.setdefault(tracked.entity.entity_id, (tracked.entity, before))
        for entity, before in reports.values():
            self.home.report(entity, before)

    def _heard(self, tracked: _Tracked, follower: Follower, text: str) -> bool:
        entity = tracked.entity
        try:
            if follower.template is not None:
                text = follower.template.render(text, _this(entity) if follower.template.wants_entity else None)
            taken = follower.heard(text) is not False
            if tracked.delays:
                self._time(tracked, follower, taken)
            return taken
        except (BadPayload, TemplateError) as error:
            self._log_once(f"{follower.topic} ({entity.entity_id})", str(error))
            return False

    def _time(self, tracked: _Tracked, follower: Follower, taken: bool) -> None:
        """A state that came in starts its delays anew; one that has expired stays so, whatever else is said of the device."""
        entity = tracked.entity
        if taken and follower.topic == tracked.platform.config.topic("state_topic"):
            if tracked.expired:
                tracked.expired, entity.available = False, tracked.availability is None or tracked.availability.now
            self._deadlines.drop(entity.entity_id)
            for key, seconds in tracked.delays.items():
                if key != "off_delay" or entity.state == "on":
                    self._deadlines.set(entity.entity_id, key, seconds)
        elif tracked.expired:
            entity.available = False

    def _log_once(self, topic: str, reason: str) -> None:
        if topic in self._logged or len(self._logged) >= MAX_LOGGED_TOPICS:
            return
        self._logged.add(topic)
        log.warning("%s: skipped: %s", _printable(topic), _printable(reason))


def _this(entity: Entity) -> dict[str, Any]:
    """What Home Assistant's templates may know of their entity."""
    this = {"entity_id": entity.entity_id, "state": entity.state or "unknown", "attributes": dict(entity.attributes)}
    return {"entity_id": entity.entity_id, "name": entity.name, "this": this}


def _json_attributes(entity: Entity) -> Any:
    def heard(text: str) -> bool:
        values = json_object(text)
        if values is None:
            return False
        for key, value in list(values.items())[:MAX_JSON_ATTRIBUTES]:
            if key not in _OWNED_ATTRIBUTES and len(key) <= 64 and len(str(value)) <= 256:
                entity.attributes[key] = value
        return True

    return heard


def _decoded(payload: bytes | bytearray) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise BadPayload("not a text in UTF-8") from None


def _object(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise BadPayload(f"not JSON: {text[:60]!r}") from None
    if not isinstance(payload, dict):
        raise BadPayload("not a JSON object")
    return payload


def _is_migration(payload: dict[str, Any]) -> bool:
    return len(payload) == 1 and bool(payload.get("migrate_discovery") or payload.get("migr_discvry"))


def _with_base(raw: dict[str, Any], base: Any) -> None:
    if base is None:
        return
    if not isinstance(base, str):
        raise BadPayload(f"~: not a topic but {str(base)[:40]!r}")
    abbreviations.expand_base(raw, base)


def _copied(shared: dict[str, Any]) -> dict[str, Any]:
    """The shared options, their nested availability too, so that a component's base topic changes only its own."""
    availability = shared.get("availability")
    if not isinstance(availability, list):
        return dict(shared)
    return {**shared, "availability": [dict(item) if isinstance(item, dict) else item for item in availability]}


def _matches(pattern: str, topic: str) -> bool:
    wanted, levels = pattern.split("/"), topic.split("/")
    return len(wanted) == len(levels) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:300])
