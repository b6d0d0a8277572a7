"""The people of the house: who speaks, what is theirs, and what they may do. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..skills.home.model import Entity, Home, ServiceCall
from ..skills.schema import load_schema
from ..skills.sensitive import VERBS, act_of
from ..skills.wording import noun_of
from ..skills.words import fold

EVERYTHING: Final = "everything"
CHILDREN_MAY_NOT: Final = ("unlock", "open_door", "open_garage", "open_gate", "open_valve", "disarm", "siren")
GUEST: Final = "A guest"

Role = Literal["adult", "child", "guest"]


@dataclass(frozen=True, kw_only=True)
class PersonConfig:
    """One of the household. A right is an act ("unlock", "disarm"), a kind ("climate"), a device's id, a room, an intent, or
    "everything"; `may` names exceptions from `may_not`."""

    name: str                           # as the request's `speaker` says it
    aliases: tuple[str, ...] = ()
    area: str | None = None             # the room that "my room" is
    role: Role = "adult"                # a child may not open the house, whatever `may_not` says; `may` can allow it
    may: tuple[str, ...] = ()
    may_not: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GuestsConfig:
    """Who speaks without being known. What is typed without a speaker is the household's own client, and no guest's."""

    may: tuple[str, ...] = ()
    may_not: tuple[str, ...] = ()


class People:
    """The household's people by the name under which they speak."""

    def __init__(self, people: Sequence[PersonConfig], guests: GuestsConfig) -> None:
        self._by_name = {_key(name): person for person in people for name in (person.name, *person.aliases)}
        self._guest = PersonConfig(name=GUEST, role="guest", may=guests.may, may_not=guests.may_not)

    def known(self, speaker: str | None) -> PersonConfig | None:
        return self._by_name.get(_key(speaker)) if speaker else None

    def of(self, speaker: str | None, via: str) -> PersonConfig | None:
        """Whose rights count: a known person's, a guest's, or (None) the household's."""
        person = self.known(speaker)
        if person is not None:
            return person
        return self._guest if speaker or via == "voice" else None

    def at_home(self, slots: Mapping[str, Any], speaker: str | None, text: str) -> dict[str, Any]:
        """The slots with "my room" as the room it is, where the speaker has one."""
        person = self.known(speaker)
        if person is None or person.area is None:
            return dict(slots)
        room = set(fold(person.area))
        return {
            slot: person.area if slot in ("area", "name") and isinstance(value, str) and _is_own(value, text, room) else value
            for slot, value in slots.items()
        }


def _is_own(span: str, text: str, room: set[str]) -> bool:
    """ "my room", or "my bedroom" of somebody whose room is one; the model may have left out the "my". """
    words = [word for word in fold(span) if word not in ("my", "own")]
    mine = "my" in fold(span) or " ".join(("my", *words)) in " ".join(fold(text))
    return mine and (words == ["room"] or (len(words) == 1 and words[0] in room))


def forbidden(
    person: PersonConfig | None, calls: Iterable[ServiceCall], home: Home
) -> tuple[Entity, ServiceCall] | None:
    """The first call that this person may not have done; None: all may be."""
    if person is None:
        return None
    for call in calls:
        entity = home.entities.get(call.entity_id)
        if entity is not None and not _allowed(person, _names_of(entity, call)):
            return entity, call
    return None


def may_ask(person: PersonConfig | None, intent: str) -> bool:
    """Whether this person may ask for that intent at all: an own intent may do more than call devices."""
    if person is None:
        return True
    names = {intent} if intent in load_schema()["intents"] else {intent, EVERYTHING}
    return _allowed(person, names, every=intent not in load_schema()["intents"])


def refusal(person: PersonConfig, entity: Entity, call: ServiceCall) -> str:
    """ "Mia may not unlock the front door." """
    act = act_of(entity, call)
    verb = VERBS.get(act or "", "change")
    return f"{person.name} may not {verb if act != 'siren' else 'use'} {noun_of(entity).text}."


def _names_of(entity: Entity, call: ServiceCall) -> set[str]:
    """Under which names a right may speak of the call."""
    act = act_of(entity, call)
    return {entity.entity_id, entity.domain, *({_key(entity.area)} if entity.area else ()), *({act} if act else ())}


def _allowed(person: PersonConfig, names: set[str], *, every: bool = True) -> bool:
    may_not = {_key(one) for one in (*person.may_not, *(CHILDREN_MAY_NOT if person.role == "child" else ()))}
    names = {_key(name) for name in names}
    is_forbidden = bool(may_not & names) or (every and EVERYTHING in may_not)
    return not is_forbidden or bool({_key(one) for one in person.may} & names)


def _key(name: str | None) -> str:
    return " ".join((name or "").casefold().split())


def person_problems(people: Sequence[PersonConfig]) -> Iterable[tuple[str, str]]:
    """(key, problem) for the configuration."""
    names: dict[str, int] = {}
    for place, person in enumerate(people):
        if not person.name.strip():
            yield f"people[{place}].name", "is empty: write the name under which they speak."
        for name in (person.name, *person.aliases):
            if names.setdefault(_key(name), place) != place:
                yield f"people[{place}]", f"has the name {name!r} that another has: give one of them another."

