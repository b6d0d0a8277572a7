"""From what was said to the entities of this home: names, areas, floors, kinds, "it", "all", "except"."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Entity, Home


@dataclass(frozen=True, kw_only=True)
class Said:
    """The slots that say which devices are meant, as said."""

    name: str | None = None
    area: str | None = None
    floor: str | None = None
    domain: str | None = None
    device_class: str | None = None
    except_name: tuple[str, ...] = ()
    except_area: tuple[str, ...] = ()
    state: str | None = None
    plural: bool | None = None      # "lights", "all": several are fine; None: cannot tell


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the conversation is about."""

    area: str | None = None                     # the room it was heard in
    recent: tuple[str, ...] = ()                # entity ids of the last acts and answers, newest turn first
    recent_area: str | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    entity_id: str
    score: float                                # 0..1
    why: str                                    # "name 'desk lamp' ~ 'Desk Lamp' 0.97, area heard in"


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The entities meant, or a question back, and the reasons for both."""

    entities: tuple[Entity, ...] = ()
    question: str | None = None                 # spoken as it stands
    choices: tuple[Entity, ...] = ()            # what the question is about
    candidates: tuple[Candidate, ...] = ()
    area: str | None = None                     # the area or floor meant, by its own name
    floor: str | None = None
    reason: str = ""
    extra: dict[str, str] = field(default_factory=dict)


def resolve(home: Home, said: Said, context: Context, *, domains: frozenset[str] | None = None) -> Resolution:
    """Ground `said` in `home`. `domains`: what the intent can act on."""
    raise NotImplementedError
