"""What happens in the app, as frozen dataclasses that travel the bus as JSON.

The base class does the JSON once; every kind says whether an interruption ("stop", a new wake word) drops it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal, Self

from .topics import ASK, fault_in_topic
from .typed import Mismatch, build, plain

MAX_ASK_BYTES: Final = 16_384
MAX_TEXT_CHARS: Final = 1_000
MAX_NAME_CHARS: Final = 200     # ids, areas, sessions, speakers
MAX_UNDERSTOOD: Final = 8       # intents of one sentence, as the grammar has it

AnnouncedKind = Literal["reminder", "missed", "later", "routine", "broadcast"]
Route = Literal["local", "knowledge", "cloud", "none"]


def new_id() -> str:
    """A turn's id: short enough to be read out of a log, long enough not to come twice."""
    return secrets.token_hex(8)


class BadEvent(Exception):
    """A payload that is not the event it should be; one line that can be shown to whoever sent it."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened. Subclasses are known by their name, the `type` in JSON."""

    dropped_by_interruption: ClassVar[bool] = False
    kinds: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Event.kinds[cls.__name__] = cls

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without `type`: what goes to a topic of a single kind."""
        return dict(plain(self))

    def payload(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_json(self) -> str:
        """JSON with `type`: what goes where several kinds of event meet."""
        return json.dumps({"type": type(self).__name__, **self.to_dict()}, ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The reverse of `to_dict`; keys of later versions are ignored. Raises: BadEvent."""
        try:
            return build(cls, data, ignore_unknown=True)
        except Mismatch as mismatch:
            raise BadEvent(f"{cls.__name__}: {mismatch}") from None

    @staticmethod
    def from_json(text: str | bytes) -> Event:
        """The reverse of `to_json`. Raises: BadEvent."""
        data = _json_object(text)
        kind = Event.kinds.get(str(data.get("type")))
        if kind is None:
            raise BadEvent(f"no event is of the type {data.get('type')!r}")
        return kind.from_dict(data)


@dataclass(frozen=True, kw_only=True)
class Asked(Event):
    """Something was said or typed; one `TurnRecord` with the same `id` answers it."""

    text: str                                   # as heard: not trimmed, not lower-cased
    id: str = field(default_factory=new_id)
    area: str | None = None                     # the room it was heard in; None when unknown
    session: str | None = None                  # turns with the same value are one conversation
    speaker: str | None = None
    via: Literal["text", "voice"] = "text"
    reply_to: str | None = None                 # the topic that gets the record, beside `ingle/turn`
    level_db: float | None = None               # how loud it was heard, in dBFS: of several rooms the loudest answers
    understood: tuple[IntentRecord, ...] = ()   # what a board has understood of it (app/bridge.py); none: it is ours to do


@dataclass(frozen=True, kw_only=True)
class ReplyToken(Event):
    """A piece of a reply, in order; they joined are the reply. The last one is empty and has `last`."""

    dropped_by_interruption: ClassVar[bool] = True

    id: str                                     # the turn's
    index: int
    token: str
    last: bool = False


@dataclass(frozen=True, kw_only=True)
class IntentRecord:
    """One intent of a turn as it was understood and grounded."""

    intent: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    entities: tuple[str, ...] = ()              # entity ids it acted on or answered about
    confidence: float = 1.0                     # 0..1


@dataclass(frozen=True, kw_only=True)
class CommandRecord:
    """One MQTT message a turn sent to a device."""

    topic: str
    payload: str


@dataclass(frozen=True, kw_only=True)
class TurnRecord(Event):
    """All that became of one `Asked`. The contract with other programs: see README.md."""

    id: str
    text: str
    area: str | None = None
    route: Route = "none"
    reason: str = ""                            # why this route, and how names became entities
    intents: tuple[IntentRecord, ...] = ()
    commands: tuple[CommandRecord, ...] = ()
    reply: str = ""
    sources: tuple[str, ...] = ()
    timing_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Announced(Event):
    """Something Ingle says unasked, on `ingle/announce`: whoever stands for the room or the session speaks it."""

    dropped_by_interruption: ClassVar[bool] = True

    id: str
    text: str
    kind: AnnouncedKind
    area: str | None = None                     # the room it is for; None: every room
    floor: str | None = None
    session: str | None = None                  # the conversation it belongs to: the satellite it was asked on
    speaker: str | None = None                  # whom it is for


@dataclass(frozen=True, kw_only=True)
class DeviceChanged(Event):
    """An entity reported a state, appeared or became (un)available."""

    entity_id: str
    state: str | None
    before: str | None = None
    name: str | None = None
    area: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    available: bool = True


@dataclass(frozen=True, kw_only=True)
class ListItem:
    summary: str
    status: Literal["needs_action", "completed"] = "needs_action"


@dataclass(frozen=True, kw_only=True)
class ListChanged(Event):
    """A list as it is now; mirrored retained on `ingle/list/<slug>`."""

    slug: str
    name: str
    items: tuple[ListItem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimerChanged(Event):
    """A timer as it is now; mirrored retained on `ingle/timer/<id>`, cleared when it is gone."""

    id: str
    state: Literal["running", "paused", "ringing", "missed", "gone"]
    kind: Literal["timer", "alarm", "reminder", "event"] = "timer"
    name: str | None = None
    area: str | None = None
    duration_s: float = 0.0
    remaining_s: float = 0.0
    ends_at: str | None = None                  # ISO 8601 with offset; None while paused


class BadAsk(BadEvent):
    """A payload on `ingle/ask` that cannot be asked, with what is known about who waits for an answer."""

    def __init__(self, problem: str, *, id: str | None = None, reply_to: str | None = None, text: str = "") -> None:
        super().__init__(problem)
        self.id = id
        self.reply_to = reply_to
        self.text = text


def parse_ask(payload: bytes, *, id: str | None = None) -> Asked:
    """Return what a message on `ingle/ask` asks: a JSON object (`Asked`'s fields), or the text itself.

    Args: id: where the request has none; None: a new one.
    Raises: BadAsk: too large, not UTF-8, not JSON though it begins like it, or a field of the wrong kind.
    """
    if len(payload) > MAX_ASK_BYTES:
        raise BadAsk(f"The request is larger than {MAX_ASK_BYTES} bytes.")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise BadAsk("The request is not UTF-8 text.") from None
    data = _ask_data(text)
    if id is not None and data.get("id") is None:
        data = {**data, "id": id}
    id, reply_to = _short(data.get("id")), _topic(data.get("reply_to"))
    said = data["text"] if isinstance(data.get("text"), str) else ""
    try:
        return _checked(Asked.from_dict({key: value for key, value in data.items() if value is not None}))
    except BadEvent as bad:
        problem = str(bad).removeprefix("Asked: ")
        raise BadAsk(f"The request is not valid: {problem}.", id=id, reply_to=reply_to,
                     text=said[:MAX_TEXT_CHARS]) from None


def _ask_data(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith(("{", '"')):
        return {"text": text}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip().startswith('"'):       # a sentence that merely begins with a quotation
            return {"text": text}
        raise BadAsk("The request is not valid JSON.") from None
    return data if isinstance(data, dict) else {"text": data}


def _checked(asked: Asked) -> Asked:
    if not asked.text.strip():
        raise BadEvent("text is empty")
    if asked.area is not None:
        asked = replace(asked, area=asked.area.strip() or None)     # a satellite that knows no room sends ""
    if len(asked.text) > MAX_TEXT_CHARS:
        raise BadEvent(f"text is longer than {MAX_TEXT_CHARS} characters")
    for name in ("id", "area", "session", "speaker"):
        value = getattr(asked, name)
        if value is not None and not 0 < len(value) <= MAX_NAME_CHARS:
            raise BadEvent(f"{name} must have 1 to {MAX_NAME_CHARS} characters")
    if len(asked.understood) > MAX_UNDERSTOOD:
        raise BadEvent(f"understood holds more than {MAX_UNDERSTOOD} intents")
    if not _encodable(asked.to_dict()):
        raise BadEvent("half a surrogate pair is not text")
    if asked.reply_to is not None:
        fault = "is where requests come in" if asked.reply_to == ASK else fault_in_topic(asked.reply_to)
        if fault:
            raise BadEvent(f"reply_to {fault}")
    return asked


def _encodable(data: dict[str, Any]) -> bool:
    try:
        return bool(json.dumps(data, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS else None


def _topic(value: Any) -> str | None:
    good = isinstance(value, str) and value != ASK and fault_in_topic(value) is None
    return value if good else None


def _json_object(text: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise BadEvent("not valid JSON") from None
    if not isinstance(data, dict):
        raise BadEvent("not a JSON object")
    return data
