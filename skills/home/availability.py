"""Whether an entity's device can be reached, from the topics its discovery payload names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .model import Entity
from .payload import BadPayload, as_text, compile_template, state_topic
from .platforms.base import Follower
from .templates import Template, Templates

MAX_TOPICS = 16


class Availability:
    """Several topics under a mode: all, any, or the latest message of any of them.

    An entity counts as available until its device says otherwise: only an announced absence is one.
    """

    __slots__ = ("_mode", "_said", "_sources", "now")

    def __init__(self, mode: str, sources: list[tuple[str, Template | None, str, str]]) -> None:
        self._mode = mode
        self._sources = sources
        self._said: list[bool | None] = [None] * len(sources)
        self.now = True                 # the verdict of what was said so far

    @classmethod
    def read(cls, raw: Mapping[str, Any], templates: Templates) -> Availability | None:
        """From a payload with long keys. Raises: BadPayload."""
        mode = raw.get("availability_mode", "latest")
        if mode not in ("all", "any", "latest"):
            raise BadPayload(f"availability_mode: {str(mode)[:40]!r} is not all, any or latest")
        sources = [_source(item, templates) for item in _items(raw)]
        return cls(mode, sources) if sources else None

    @property
    def topics(self) -> list[str]:
        return [source[0] for source in self._sources]

    def followers(self, entity: Entity) -> Iterable[Follower]:
        for index, (topic, template, available, not_available) in enumerate(self._sources):
            yield Follower(topic, template, self._hears(entity, index, available, not_available))

    def _hears(self, entity: Entity, index: int, available: str, not_available: str) -> Any:
        def heard(text: str) -> bool:
            if text not in (available, not_available):
                return False
            self._said[index] = text == available
            before = entity.available
            self.now = entity.available = self._verdict(index)
            return before != entity.available

        return heard

    def _verdict(self, latest: int) -> bool:
        if self._mode == "latest":
            return self._said[latest] is not False
        if self._mode == "all":
            return False not in self._said
        return True in self._said or None in self._said


def _items(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = raw.get("availability")
    if listed is not None:
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise BadPayload("availability: not a list of objects")
        if len(listed) > MAX_TOPICS:
            raise BadPayload(f"availability: more than {MAX_TOPICS} topics")
        return listed
    if raw.get("availability_topic") is None:
        return []
    return [{
        "topic": raw["availability_topic"], "value_template": raw.get("availability_template"),
        "payload_available": raw.get("payload_available"), "payload_not_available": raw.get("payload_not_available"),
    }]


def _source(item: Mapping[str, Any], templates: Templates) -> tuple[str, Template | None, str, str]:
    return (
        state_topic("availability topic", item.get("topic")),
        compile_template("availability value_template", item.get("value_template"), templates),
        _payload(item, "payload_available", "online"),
        _payload(item, "payload_not_available", "offline"),
    )


def _payload(item: Mapping[str, Any], key: str, default: str) -> str:
    value = item.get(key)
    return default if value is None else as_text(key, value)
