"""Reading one entity's discovery payload: typed values out of untrusted JSON, or one clear line why not."""

from __future__ import annotations

import json
import math
from sys import intern
from typing import Any

from .model import Publish
from .templates import Template, TemplateError, Templates

MAX_TEXT_CHARS = 1_024
MAX_OPTIONS = 512
MAX_TOPIC_BYTES = 512
DEFAULT_QOS = 1                     # Home Assistant's is 0; here a command outlives a lost packet unless its config says 0

# read by discovery itself, or of no use here: not kept with each entity
_NOT_KEPT = frozenset({
    "device", "origin", "name", "icon", "entity_picture", "unique_id", "object_id", "default_entity_id", "availability",
    "availability_topic", "availability_mode", "availability_template", "payload_available", "payload_not_available",
    "json_attributes", "force_update", "state_class", "suggested_display_precision", "enabled_by_default",
    "entity_category", "encoding", "platform", "~", "components", "group", "migrate_discovery",
})


class BadPayload(ValueError):
    """Something on the bus that is not what it must be; the text names the key."""


class Unsupported(Exception):
    """The entity cannot do that; nothing was sent. The text says what it cannot do."""


class WrongCode(Unsupported):
    """The code is missing or not the right one; nothing was sent."""


class Config:
    """One entity's payload, its long keys checked: topics are topics, templates are compiled.

    A key that is present as null reads as None, an absent one as the default: `payload_stop: null` means "cannot stop".
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: dict[str, Any], templates: Templates) -> None:
        self._raw = {intern(key): _checked(key, value, templates) for key, value in raw.items() if key not in _NOT_KEPT}

    def has(self, key: str) -> bool:
        return self._raw.get(key) is not None

    def get(self, key: str) -> Any:
        return self._raw.get(key)

    def text(self, key: str, default: str | None = None) -> str | None:
        value = self._raw.get(key, default)
        return None if value is None else as_text(key, value)

    def word(self, key: str, default: str) -> str:
        """As `text`, null also means the default."""
        return self.text(key, default) or default

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._raw.get(key, default)
        return default if value is None else as_flag(key, value)

    def number(self, key: str, default: float) -> float:
        value = self._raw.get(key)
        return default if value is None else as_number(key, value)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> list[str]:
        value = self._raw.get(key)
        if value is None:
            return list(default)
        values = value if isinstance(value, list) else [value]
        if len(values) > MAX_OPTIONS:
            raise BadPayload(f"{key}: more than {MAX_OPTIONS} entries")
        return [as_text(key, item) for item in values]

    def topic(self, key: str) -> str | None:
        value = self._raw.get(key)
        return value if isinstance(value, str) else None

    def template(self, key: str) -> Template | None:
        value = self._raw.get(key)
        return value if isinstance(value, Template) else None

    def publish(self, topic: str, payload: str) -> Publish:
        return Publish(topic=topic, payload=payload, qos=int(self.number("qos", DEFAULT_QOS)), retain=self.flag("retain"))


def _checked(key: str, value: Any, templates: Templates) -> Any:
    if value is None:
        return None
    if key.endswith("_template"):
        return compile_template(key, value, templates)
    if key.endswith("_topic") or key == "topic":
        return command_topic(key, value) if "command" in key or key.startswith("set_") else state_topic(key, value)
    if key == "qos" and value not in (0, 1, 2):
        raise BadPayload(f"qos: {str(value)[:40]!r} is not 0, 1 or 2")
    return value


def compile_template(key: str, value: Any, templates: Templates) -> Template | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadPayload(f"{key}: not a template but {type(value).__name__}")
    try:
        return templates.compile(value)
    except TemplateError as error:
        raise BadPayload(f"{key}: {error}") from None


def command_topic(key: str, value: Any) -> str:
    """A topic to publish to: no wildcards, not the broker's own `$` topics."""
    topic = _topic(key, value)
    if "+" in topic or "#" in topic:
        raise BadPayload(f"{key}: a wildcard in {topic[:60]!r}")
    return topic


def state_topic(key: str, value: Any) -> str:
    """A topic to follow: `+` may stand for a level but not for the first alone, `#` not at all: it would be the whole bus."""
    topic = _topic(key, value)
    levels = topic.split("/")
    if "#" in topic or any("+" in level and level != "+" for level in levels):
        raise BadPayload(f"{key}: a wildcard in {topic[:60]!r}")
    if all(level == "+" for level in levels):
        raise BadPayload(f"{key}: {topic[:60]!r} is any topic")
    return topic


def _topic(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadPayload(f"{key}: not a topic but {str(value)[:40]!r}")
    if value.startswith("$"):
        raise BadPayload(f"{key}: {value[:60]!r} belongs to the broker")
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in value):
        raise BadPayload(f"{key}: a control character in the topic")
    if len(value.encode()) > MAX_TOPIC_BYTES:
        raise BadPayload(f"{key}: a topic of more than {MAX_TOPIC_BYTES} bytes")
    return intern(value)


def as_text(key: str, value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        raise BadPayload(f"{key}: not a text but {type(value).__name__}")
    text = str(value)
    if len(text) > MAX_TEXT_CHARS:
        raise BadPayload(f"{key}: a text of {len(text)} characters")
    return text


def as_flag(key: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    word = str(value).strip().lower()
    if word in {"1", "true", "yes", "on", "enable"}:
        return True
    if word in {"0", "false", "no", "off", "disable"}:
        return False
    raise BadPayload(f"{key}: {str(value)[:40]!r} is neither true nor false")


def as_number(key: str, value: Any) -> float:
    """A finite number; whole ones come back as int."""
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        raise BadPayload(f"{key}: {str(value)[:40]!r} is not a number") from None
    if isinstance(value, bool) or not math.isfinite(number):
        raise BadPayload(f"{key}: {str(value)[:40]!r} is not a number")
    return int(number) if number.is_integer() else number


def compact_json(value: Any) -> str:
    """As Home Assistant writes it: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def json_object(text: str) -> dict[str, Any] | None:
    """The object in `text`, None when it holds anything else."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
