"""The types of the resolver: what was said, what it was said about, and which devices are meant."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Entity


@dataclass(frozen=True, kw_only=True)
class Said:
    """The slots that say which devices are meant, as said. `said_of` makes one of slots and the sentence."""

    name: str | None = None
    area: str | None = None
    floor: str | None = None
    domain: str | None = None
    device_class: str | None = None
    except_name: tuple[str, ...] = ()
    except_area: tuple[str, ...] = ()
    state: str | None = None
    plural: bool | None = None  # "lights", "all": several are fine; None: cannot tell
    everywhere: bool = False  # "in the whole house": the room it was heard in does not limit
    word: str | None = None  # the kind as said, in the singular: "lamp" where domain is light


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the conversation is about."""

    area: str | None = None  # the room it was heard in
    recent: tuple[str, ...] = ()  # entity ids of the last acts and answers, newest turn first
    recent_area: str | None = None
    last: tuple[str, ...] = ()  # those of the newest turn alone: what "them" means; empty: unknown
    offered: tuple[str, ...] = ()  # what the last question or answer chose from: "the other one"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    entity_id: str
    score: float  # 0..1
    why: str  # "name 'desk lamp' ~ 'Desk Lamp' 0.97, area heard in"


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The entities meant, or a question back, and the reasons for both."""

    entities: tuple[Entity, ...] = ()
    question: str | None = None  # spoken as it stands
    choices: tuple[Entity, ...] = ()  # what the question is about
    candidates: tuple[Candidate, ...] = ()
    area: str | None = None  # the area or floor meant, by its own name
    floor: str | None = None
    reason: str = ""
    extra: dict[str, str] = field(default_factory=dict)
