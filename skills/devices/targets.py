"""Which devices an intent is about, and what they are called together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ..api import Turn, Unclear
from ..home.model import Entity
from ..home.resolver import Resolution, Said, which_one
from ..sensitive import without_ways_in
from ..wording import Noun, everything_in, kind_in, kind_of
from ..words import ALL, said_as

ASKED_AT_MOST: Final = 4                # devices named in a question; the room is asked for above
WHERE_UNKNOWN: Final = "In which room?"


@dataclass(frozen=True, kw_only=True)
class Player:
    """The slots name, area and floor, as said."""

    name: str | None = None
    area: str | None = None
    floor: str | None = None

    def said(self) -> Said:
        return Said(name=self.name, area=self.area, floor=self.floor, plural=_plural(self.name))


@dataclass(frozen=True, kw_only=True)
class Where(Player):
    """The catalogue's group `where`: what is meant, as said."""

    domain: str | None = None
    device_class: str | None = None
    except_name: tuple[str, ...] = ()
    except_area: tuple[str, ...] = ()

    def said(self) -> Said:
        return Said(
            name=self.name,
            area=self.area,
            floor=self.floor,
            domain=self.domain,
            device_class=self.device_class,
            except_name=self.except_name,
            except_area=self.except_area,
            plural=_plural(self.name),
        )


@dataclass(frozen=True)
class Target:
    """The devices meant; `whole` is what they are called together, where a kind was meant ("the kitchen lights")."""

    entities: tuple[Entity, ...]
    whole: Noun | None = None


def find(turn: Turn, said: Said, domains: frozenset[str], *, able: Callable[[Entity], bool] | None = None) -> Target:
    """The devices of `domains` that were meant.

    Args:
        able: whether a device can do what is wanted; of several that may be meant, the only one that can is.
    Raises: Unclear: none, or one of several with nothing to choose by.
    """
    try:
        return _find(turn, said, domains)
    except Unclear as unclear:
        can = [turn.home.entities[one] for one in unclear.choices if able is not None and able(turn.home.entities[one])]
        if len(can) != 1 or len(unclear.choices) < 2:
            raise
        return Target((can[0],))


def _find(turn: Turn, said: Said, domains: frozenset[str]) -> Target:
    if nothing_said(turn, said) and not has_context(turn):
        return Target((_only_one(turn, domains),))
    said = _of_one_kind(said, domains)
    resolution = turn.resolve(said, domains=domains)
    entities = resolution.entities
    if names_a_kind(said) and said.device_class is None:
        entities = without_ways_in(entities)
    return Target(entities, _whole(turn, said, resolution, entities))


def nothing_said(turn: Turn, said: Said) -> bool:
    """Nothing picks a device, neither the sentence ("off", "dim to 40") nor the answer to a question."""
    slots = (said.name, said.area, said.floor, said.domain, said.device_class)
    return not (any(slot is not None for slot in slots) or said.except_name or said.except_area or turn.chosen)


def has_context(turn: Turn) -> bool:
    return bool(turn.area or turn.context.area or turn.context.recent)


def names_a_kind(said: Said) -> bool:
    """A kind was meant, of a place or of the house ("the kitchen lights", "everything"), not a device by its name."""
    return said.name is None or says_all(said.name)


def says_all(name: str | None) -> bool:
    return name is not None and said_as(name, ALL)


def of_domains(turn: Turn, domains: frozenset[str]) -> tuple[Entity, ...]:
    """Every device of these domains that a person would mean."""
    entities = turn.home.entities.values()
    return tuple(entity for entity in entities if entity.domain in domains and entity.exposed and not entity.category)


def in_area(turn: Turn, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
    """Those in the room it was heard in."""
    here = turn.area or turn.context.area
    return tuple(entity for entity in entities if here is not None and entity.area == here)


def _only_one(turn: Turn, domains: frozenset[str]) -> Entity:
    """Without any hint there must be one device only: never the whole house. Raises: Unclear."""
    candidates = of_domains(turn, domains)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise Unclear("There is nothing here that does that.")
    if len(candidates) > ASKED_AT_MOST:
        raise Unclear(WHERE_UNKNOWN, choices=[entity.entity_id for entity in candidates])
    question = which_one(candidates, (kind_of(candidates)[0],))
    raise Unclear(question, choices=[entity.entity_id for entity in candidates])


def _of_one_kind(said: Said, domains: frozenset[str]) -> Said:
    """Where an intent is about one kind of device, that kind was said; a place alone means all of it there."""
    if said.domain is not None or said.device_class is not None or len(domains) != 1:
        return said
    placed = said.name is None and (said.area is not None or said.floor is not None)
    return replace(said, domain=next(iter(domains)), plural=said.plural or (True if placed else None))


def _plural(name: str | None) -> bool | None:
    return True if says_all(name) else None


def _whole(turn: Turn, said: Said, resolution: Resolution, entities: tuple[Entity, ...]) -> Noun | None:
    """What they are called together, if they are all of their kind in that place."""
    if len(entities) < 2 or said.except_name or said.except_area:
        return None
    place = resolution.area or resolution.floor
    if said.domain is None and said.device_class is None and says_all(said.name):
        return everything_in(place)
    if place is None and not names_a_kind(said):
        return None
    kind = kind_of(entities)
    meant = {entity.entity_id for entity in entities}
    others = (entity for entity in of_domains(turn, frozenset(entity.domain for entity in entities)))
    there = (entity for entity in others if place is None or place in (entity.area, turn.home.floor_of(entity)))
    if any(entity.entity_id not in meant and kind_of([entity]) == kind for entity in there):
        return None
    return kind_in(place, kind)
