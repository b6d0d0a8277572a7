"""One resolution, step by step: from what was said to the entities meant, or to a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..words import (
    ALL,
    EVERYWHERE,
    FILLERS,
    HERE,
    IT,
    MASS,
    OTHER,
    QUANTITY_ALL,
    THEM,
    THERE,
    Kind,
    content,
    fold,
    is_plural,
    kind_of,
    kinds_of,
    said_as,
    singular,
    stems,
    synonyms,
)
from .kinds import (
    ASKING,
    BROAD_WORDS,
    ENTRANCES,
    EVERYTHING,
    MAIN_FIRST,
    MEASURED_BY,
    MOBILE,
    ON_A_PLUG,
    STANDS_FOR,
    STATE_OF,
    STATE_TELLS,
    TOLD_APART,
    TOLD_BY,
    entity_kinds,
    fits_kind,
    has_class,
    has_kind,
    is_entrance,
    is_kind,
    is_way_in_called,
    near_classes,
)
from .model import Entity, Home
from .names import Match, PlaceMatch, names_of
from .questions import NAMED_AT_MOST, bare, listed, on, plural_of, the, which_one
from .said import Candidate, Context, Resolution, Said

SURE = 0.72  # a name scored from here on is acted on
NEAR = 0.5  # from here on it is asked about: "did you mean …?"
MARGIN = 0.06  # names within this of the best are as good
# Said behind the name of what is asked about: "water tank level", "house battery status".
_READINGS = frozenset({"level", "status", "reading", "state", "value", "percentage", "charge"})


class _Ask(Exception):
    """The way out of a step that cannot go on without an answer."""

    def __init__(self, question: str, choices: Iterable[Entity] = (), reason: str = "") -> None:
        super().__init__(question)
        self.question, self.choices, self.reason = question, tuple(choices), reason


@dataclass(frozen=True)
class _Place:
    """Where to look."""

    areas: frozenset[str] | None = None  # None: anywhere
    name: str | None = None  # as the home spells it
    floor: str | None = None
    said: bool = False  # it was said, not merely heard there
    why: str = ""
    ids: frozenset[str] = frozenset()  # entities that are there by their name alone

    @property
    def by_name_only(self) -> bool:
        """No room of the home, but a word in the names of some devices ("ceiling", "bed")."""
        return not self.areas and bool(self.ids)

    def holds(self, entity: Entity) -> bool:
        return self.areas is None or entity.area in self.areas or entity.entity_id in self.ids


@dataclass(frozen=True)
class _Group:
    """A name read as a kind of thing somewhere."""

    place: _Place
    kind: Kind | None = None
    words: tuple[str, ...] = ()  # the kind as said, in the singular
    plural: bool = True


def resolve(home: Home, said: Said, context: Context, *, domains: frozenset[str] | None = None) -> Resolution:
    """Ground `said` in `home`; never raises: what cannot be settled comes back as a question.

    Args:
        domains: what the intent can act on; None: any.
    """
    search = _Search(home, said, context, domains)
    try:
        entities, reason = search.run()
    except _Ask as ask:
        return Resolution(
            question=ask.question,
            choices=ask.choices,
            candidates=search.candidates(),
            reason=ask.reason,
            area=search.place.name,
            floor=search.place.floor,
        )
    return Resolution(
        entities=tuple(entities),
        candidates=search.candidates(),
        area=search.place.name,
        floor=search.place.floor,
        reason=reason,
    )


class _Search:
    """One resolution, step by step; what it finds on the way is kept for the explanation."""

    def __init__(self, home: Home, said: Said, context: Context, domains: frozenset[str] | None) -> None:
        self.home, self.said, self.context, self.domains = home, said, context, domains
        self.names = names_of(home)
        self.place = _Place()
        self.asking = domains is None or bool(domains & ASKING)
        self.matches: dict[str, Candidate] = {}

    def run(self) -> tuple[list[Entity], str]:
        """The entities meant and why. Raises: _Ask."""
        said = self.said
        if said.name is not None and (pointed := self._pointed_at(said.name)) is not None:
            return self._less_exceptions(pointed[0]), pointed[1]
        self.place, name = self._settle_place(said.name)
        if name is None or said_as(name, ALL):
            if name is not None:
                self.said = replace(said, plural=True)
            found, reason = self._by_kind(everything=name is not None or not (said.domain or said.device_class))
        else:
            found, reason = self._by_name(name)
        return self._less_exceptions(found), reason

    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(sorted(self.matches.values(), key=lambda found: -found.score)[:12])

    # ------------------------------------------------------------ "it", "them", "the other one"

    def _pointed_at(self, name: str) -> tuple[list[Entity], str] | None:
        """What a pronoun points at, or None when `name` is none."""
        if said_as(name, OTHER):
            return self._the_other(), "the other one"
        if not said_as(name, IT | THEM) or (said_as(name, ALL) and not self.context.recent):
            return None
        last = self.context.last or (self.context.recent if said_as(name, THEM) else self.context.recent[:1])
        for ids in (last, *((entity_id,) for entity_id in self.context.recent)):
            found = [entity for entity in self._entities(ids) if self._acts_on(entity) and self._may_be_it(entity)]
            if found:
                for entity in found:
                    self._note(entity, 1.0, f"'{name}': what was talked about last")
                return found, f"'{name}' is what was talked about last"
        raise _Ask("Which device do you mean?", reason=f"'{name}', but nothing was talked about")

    def _may_be_it(self, entity: Entity) -> bool:
        """ "Lock it", "open it": a television is neither locked nor opened."""
        return self.asking or self.said.domain not in ("lock", "cover") or entity.domain in ("lock", "cover", "valve", "switch")

    def _the_other(self) -> list[Entity]:
        """The one of those offered last, or of the same kind in the same room, that was not taken."""
        taken = set(self.context.last or self.context.recent[:1])
        offered = [entity for entity in self._entities(self.context.offered) if entity.entity_id not in taken]
        if not offered:
            first = next(iter(self._entities(self.context.recent)), None)
            offered = (
                []
                if first is None
                else [
                    entity
                    for entity in self._pool()
                    if entity.domain == first.domain
                    and entity.area == first.area
                    and entity.device_class == first.device_class
                    and entity.entity_id not in taken
                ]
            )
        if len(offered) == 1 or (offered and self.said.plural):
            return offered
        raise _Ask(which_one(offered) if offered else "Which one do you mean?", offered, "'the other one'")

    def _area(self, entity: Entity) -> str | None:
        return self.names.area_of(entity)

    def _entities(self, ids: Iterable[str]) -> list[Entity]:
        return [self.home.entities[entity_id] for entity_id in ids if entity_id in self.home.entities]

    # ------------------------------------------------------------ where

    def _settle_place(self, name: str | None) -> tuple[_Place, str | None]:
        """Where to look, and the name to look for there; a room that nobody announced may be part of names."""
        said = self.said
        if said.area is None or said_as(said.area, HERE | THERE | EVERYWHERE) or self.names.places(said.area):
            return self._place_said(), name
        there = self.names.called_after(
            fold(said.area), lambda other: self._acts_on(other) and self._of_kind_said(other)
        )
        if not there:
            return self._place_said(), name
        why = f"'{said.area}' is in their names"
        return _Place(frozenset(), said.area, said=True, why=why, ids=there), name

    def _place_said(self) -> _Place:
        said = self.said
        if said.area is not None:
            place = self._place_of(said.area, "room")
            return self._on_floor(place, said.floor) if said.floor else place
        if said.floor is not None:
            return self._place_of(said.floor, "floor")
        return self._heard()

    def _heard(self) -> _Place:
        if self.said.everywhere:
            return _Place(why="everywhere")
        return _Place(why="no room said")

    def _on_floor(self, place: _Place, floor: str) -> _Place:
        """An area and its floor, both said: the area, where it is on that floor."""
        other = self._place_of(floor, "floor")
        both = place.areas & other.areas if place.areas is not None and other.areas is not None else place.areas
        return replace(place, areas=both or place.areas)

    def _place_of(self, text: str, noun: str) -> _Place:
        if said_as(text, EVERYWHERE):
            return _Place(why=f"'{text}'", said=True)
        if said_as(text, HERE):
            return self._known_room(self.context.area, text)
        if said_as(text, THERE):
            return self._known_room(self.context.recent_area or self.context.area, text)
        if said_as(text, {"this floor", "floor", "this level"}):
            area = self.home.areas.get(self.context.area or "")
            return self._as_place(
                [PlaceMatch(area.floor, True, 1.0, "heard on this floor")] if area and area.floor else [], text
            )
        matches = self.names.places(text, floors_first=noun == "floor")
        if not matches and (parts := _parts(text)):
            return self._several_places(parts, noun)
        if not matches:
            self._ask_unknown_place(text, noun)
        return self._as_place(self._nearest_places(matches), text)

    def _known_room(self, area: str | None, text: str) -> _Place:
        if area is None:
            raise _Ask("Which room?", reason=f"'{text}', but the room is not known")
        matches = self.names.places(area)
        return (
            replace(self._as_place(matches, text), why=f"'{text}'")
            if matches
            else _Place(frozenset({area}), area, said=True)
        )

    def _several_places(self, parts: Sequence[str], noun: str) -> _Place:
        """ "kitchen and hall"."""
        places = [self._place_of(part, noun) for part in parts]
        areas = frozenset[str]().union(*(place.areas or () for place in places))
        return _Place(
            areas, " and ".join(place.name or part for place, part in zip(places, parts, strict=True)), said=True
        )

    def _nearest_places(self, matches: list[PlaceMatch]) -> list[PlaceMatch]:
        """Of several areas that fit, the room it was heard in."""
        here = [match for match in matches if match.name in (self.context.area, self.context.recent_area)]
        return here[:1] if len(matches) > 1 and here else matches

    def _as_place(self, matches: list[PlaceMatch], text: str) -> _Place:
        if not matches:
            self._ask_unknown_place(text, "floor")
        if len(matches) > 1:
            areas = frozenset(area for match in matches for area in self._areas_of(match))
            fitting = {
                self._area(entity)
                for entity in self._pool()
                if self._area(entity) in areas and self._of_kind_said(entity)
            }
            matches = [match for match in matches if set(self._areas_of(match)) & fitting] or matches
        if len(matches) > 1:
            asks_of_all = self.asking and self.said.plural is True  # "which bedroom windows are open"
            if is_plural(fold(text)[-1]) or _says_all(fold(text)) or asks_of_all:  # "the bedrooms"
                return _Place(
                    frozenset(area for match in matches for area in self._areas_of(match)),
                    text,
                    said=True,
                    why="; ".join(match.why for match in matches),
                )
            choices = [
                entity
                for match in matches
                for entity in self._pool()
                if self._area(entity) in self._areas_of(match) and self._of_kind_said(entity)
            ]
            raise _Ask(
                f"Which one: {listed([f'the {match.name}' for match in matches], 'or')}?",
                choices,
                f"'{text}' may be {listed([match.name for match in matches], 'or')}",
            )
        match = matches[0]
        areas = frozenset(self._areas_of(match))
        return _Place(
            areas,
            None if match.is_floor else match.name,
            match.name if match.is_floor else None,
            said=True,
            why=match.why,
            ids=frozenset(entity_id for entity_id, area in self.names.area_by_name.items() if area in areas),
        )

    def _areas_of(self, match: PlaceMatch) -> list[str]:
        if not match.is_floor:
            return [match.name]
        return [area for area, floor in self.names.floor_of_area.items() if floor == match.name]

    def _ask_unknown_place(self, text: str, noun: str) -> None:
        near = self.names.nearest_place(text)
        hint = f" Did you mean the {near}?" if near else ""
        choices = [
            entity for entity in self._pool() if near and self._area(entity) == near and self._of_kind_said(entity)
        ]
        raise _Ask(f"I don't know a {noun} called {bare(text)}.{hint}", choices, f"'{text}' is no {noun} of this home")

    def _of_kind_said(self, entity: Entity) -> bool:
        said = self.said
        if said.name is not None and not said_as(said.name, ALL):
            return bool(self.names.search(fold(said.name), lambda other: other is entity)) or fits_kind(
                content(fold(said.name)), entity
            )
        if said.domain is None and said.device_class is None:
            return entity.domain in self._everything()
        if is_kind(entity, said.domain, said.device_class):
            return True
        family = near_classes(said.device_class, asking=self.asking) if said.device_class else frozenset()
        return said.domain in (None, entity.domain) and entity.device_class in family

    # ------------------------------------------------------------ what may be meant at all

    def _acts_on(self, entity: Entity) -> bool:
        return entity.exposed and (self.domains is None or entity.domain in self.domains)

    def _pool(self) -> list[Entity]:
        """What "all" may mean: not what is hidden, nor settings and diagnostics of a device."""
        return [entity for entity in self.names.entities.values() if self._acts_on(entity) and entity.category is None]

    # ------------------------------------------------------------ by name

    def _by_name(self, name: str) -> tuple[list[Entity], str]:
        words = self.names.repaired(fold(name))
        for fits in self._hints():
            exact = self.names.exact(words, fits)
            if (
                exact
                and not (exact[0].stems_only and is_plural(words[-1]))
                and not self._kind_of_this_room(words, exact)
            ):
                return self._settle(exact, name)
            group = self._as_group(words)
            if group is not None:
                return self._in_group(group)
            if exact:
                return self._settle(exact, name)
            found = [match for match in self.names.search(words, fits) if match.score >= SURE]
            if found:
                return self._settle(self._note_all(found), name)
        if self.asking and len(words) > 1 and words[-1] in _READINGS:
            return self._by_name(" ".join(words[:-1]))
        return self._plain_one(words) or self._not_found(name)

    def _plain_one(self, words: tuple[str, ...]) -> tuple[list[Entity], str] | None:
        """ "The ceiling fan in the bedroom": the one fan there, where its own name says no more than that."""
        if not self.place.said or len(words) < 2 or not kinds_of(words[-1:]):
            return None
        found = [entity for entity in self._pool() if self.place.holds(entity) and fits_kind(words[-1:], entity)]
        if len(found) != 1 or not self.names.is_plain(found[0]):
            return None
        self._note_entities(found, f"the only {words[-1]} there")
        return found, f"the only {words[-1]} there"

    def _kind_of_this_room(self, words: tuple[str, ...], exact: list[Match]) -> bool:
        """ "The lamp" is a lamp of this room, though those of other rooms are called just that."""
        kind_said, heard = content(words), self._heard_area()
        if not kinds_of(kind_said) or self.place.said or self.said.everywhere or heard is None:
            return False
        if any(self.home.entities[match.entity_id].area == heard for match in exact):
            return False
        return any(
            self._area(entity) == heard
            and fits_kind(kind_said, entity)
            and set(stems(kind_said)) <= set(stems(fold(entity.name)))
            for entity in self._pool()
        )

    def _hints(self) -> list[Callable[[Entity], bool]]:
        """Which entities to look at, the likeliest first: those of the domain said in the place said, and so on."""
        domain, device_class = self.said.domain, self.said.device_class
        if domain is None and self.said.state in STATE_TELLS:
            domain = STATE_TELLS[self.said.state]
        near = STANDS_FOR.get(domain or "", frozenset())
        if self.asking:
            near |= TOLD_BY.get(domain or "", frozenset())

        def here(entity: Entity) -> bool:
            return self._acts_on(entity) and (self.place.holds(entity) or entity.area is None)

        hints: list[Callable[[Entity], bool]] = []
        if device_class is not None:
            hints.append(
                lambda entity: here(entity) and domain in (None, entity.domain) and has_class(entity, device_class)
            )
        if domain is not None:
            hints.append(lambda entity: here(entity) and entity.domain == domain)
            hints.append(lambda entity: here(entity) and entity.domain in near)
        if domain is None or self.said.domain is None:
            hints.append(here)
        return hints

    def _as_group(self, words: tuple[str, ...]) -> _Group | None:
        """A name that is really a place and a kind, or a kind alone: "kitchen lights", "blinds upstairs", "the lamp"."""
        kind_said = content(words)
        if kinds_of(kind_said):
            return self._group(self.place, kind_said, words)
        for match, rest in self.names.split_place(words):
            left = tuple(word for word in rest if word not in QUANTITY_ALL and not _is_filler(word))
            if left and (further := [more for floor, more in self.names.split_place(left) if floor.is_floor]):
                left = content(further[0])  # "bedroom blinds upstairs"
            if not left:
                return _Group(self._as_place([match], match.name))
            if kinds_of(left):
                return self._group(self._as_place([match], match.name), left, words)
        near = self.names.split_near_place(words)
        if near is None:
            return None
        matches, rest = near
        said = " ".join(word for word in words if word not in rest)
        return self._group(self._as_place(self._nearest_places(matches), said), content(rest), words)

    def _group(self, place: _Place, kind_said: tuple[str, ...], words: tuple[str, ...]) -> _Group:
        plural = is_plural(kind_said[-1]) or _says_all(words)
        return _Group(place, self._kind_meant(kind_said), stems(kind_said), plural)

    def _kind_meant(self, words: Sequence[str]) -> Kind:
        """The reading of a kind word that fits the domain said, else one this home and intent have, else the first."""
        kinds = kinds_of(words)
        said = [kind for kind in kinds if kind.domain == self.said.domain]
        here = [
            kind
            for kind in kinds
            if any(kind in entity_kinds(entity) and self.place.holds(entity) for entity in self._pool())
        ]
        return (said or here or list(kinds))[0]

    def _in_group(self, group: _Group) -> tuple[list[Entity], str]:
        if group.place.said:
            self.place = group.place
        self.said = replace(
            self.said,
            name=None,
            domain=group.kind.domain if group.kind else self.said.domain or "light",
            device_class=(group.kind.device_classes or (None,))[0] if group.kind else self.said.device_class,
            word=" ".join(group.words) or None,
            plural=group.plural or self.said.plural is True or bool(MASS & set(group.words)),
        )
        return self._by_kind(everything=False)

    def _settle(self, matches: list[Match], name: str) -> tuple[list[Entity], str]:
        """From matches to the entities meant: the best ones, narrowed by room, talk and kind; else a question."""
        self._note_all(matches)
        best = [match for match in matches if match.score >= matches[0].score - (0.0 if matches[0].exact else MARGIN)]
        entities = [self.home.entities[match.entity_id] for match in best]
        reason = best[0].why
        for narrower in (
            self._of_state,
            self._main_category,
            self._placed_first,
            self._heard_here,
            self._recent_first,
            self._main_thing,
        ):
            entities = narrower(entities)
        if len(entities) > 1 and not (self.said.plural or self._is_plural_name(name)) and not self._one_thing(entities):
            raise _Ask(which_one(entities, content(fold(name))), entities, f"several fit '{name}'")
        return entities, reason

    def _is_plural_name(self, name: str) -> bool:
        words = fold(name)
        return _says_all(words) or is_plural(words[-1])

    def _of_state(self, entities: list[Entity]) -> list[Entity]:
        """What can be in the state asked about: a door is open, its lock is not."""
        domains = STATE_OF.get(self.said.state or "")
        return [entity for entity in entities if domains and entity.domain in domains] or entities

    def _main_category(self, entities: list[Entity]) -> list[Entity]:
        return [entity for entity in entities if entity.category is None] or entities

    def _placed_first(self, entities: list[Entity]) -> list[Entity]:
        """In the room said, rather than in none."""
        if not self.place.said or self.place.areas is None:
            return entities
        return [entity for entity in entities if self.place.holds(entity)] or entities

    def _heard_here(self, entities: list[Entity]) -> list[Entity]:
        if self.place.said or self.said.everywhere or self.context.area is None:
            return entities
        return [entity for entity in entities if self._area(entity) == self._heard_area()] or entities

    def _heard_area(self) -> str | None:
        matches = self.names.places(self.context.area) if self.context.area else []
        return matches[0].name if len(matches) == 1 and matches[0].score >= 0.8 else self.context.area

    def _recent_first(self, entities: list[Entity]) -> list[Entity]:
        if len(entities) < 2 or self.said.plural:
            return entities
        return (
            [entity for entity in entities if entity.entity_id in self.context.last]
            or [entity for entity in entities if entity.entity_id in self.context.recent[:1]]
            or entities
        )

    def _main_thing(self, entities: list[Entity]) -> list[Entity]:
        """Of entities that bear one name in one room, the thing itself, not its parts; a question wants them all."""
        if len({(entity.area, stems(fold(entity.name))) for entity in entities}) != 1 or len(entities) < 2:
            return entities
        if self.asking:
            return entities
        first = min(
            entities, key=lambda entity: MAIN_FIRST.index(entity.domain) if entity.domain in MAIN_FIRST else 99
        )
        return [entity for entity in entities if entity.domain == first.domain]

    def _one_thing(self, entities: list[Entity]) -> bool:
        """A question about one thing that has several entities ("phone": battery, charging) may take them all."""
        return self.asking and len({(entity.area, stems(fold(entity.name))) for entity in entities}) == 1

    def _not_found(self, name: str) -> tuple[list[Entity], str]:
        """Raises: _Ask: what is near, elsewhere, or nothing at all."""
        words, where = fold(name), f" in the {self.place.name}" if self.place.name else f" {on(self.place.floor)}"
        elsewhere = [match for match in self.names.search(words, self._acts_on) if match.score >= SURE]
        if self.place.said and elsewhere:
            entity = self.home.entities[elsewhere[0].entity_id]
            room = f" is in the {entity.area}" if entity.area else " is the only one I know"
            raise _Ask(
                f"I don't know a {bare(name)}{where.rstrip()}. {entity.name}{room}.",
                [entity],
                f"'{name}' is elsewhere",
            )
        near = [match for match in self.names.search(words, self._acts_on) if match.score >= NEAR][:NAMED_AT_MOST]
        choices = [self.home.entities[match.entity_id] for match in self._note_all(near)]
        hint = f" Did you mean {listed([the(entity.name) for entity in choices], 'or')}?" if choices else ""
        raise _Ask(
            f"I don't know anything called {bare(name)}{where.rstrip()}.{hint}", choices, f"nothing is called '{name}'"
        )

    # ------------------------------------------------------------ by kind

    def _by_kind(self, *, everything: bool) -> tuple[list[Entity], str]:
        """All of a kind in the place said, else in the room it was heard in, else in the home if several were meant."""
        kind = (
            "device"
            if everything and not self.said.domain
            else kind_of(self.said.domain, self.said.device_class) or "device"
        )
        if self.place.said:
            found = self._members(everything, self.place.holds)
            if not found and self.domains is not None and self.domains <= MOBILE:
                return self._in_whole_home(kind, everything, None)
            if not found:
                self._ask_none_here(kind, everything)
            if self.place.by_name_only:
                found = [entity for entity in found if self._area(entity) == self._heard_area()] or found
            return self._one_or_all(found, kind, f"{kind}: {self.place.why}")
        heard = self._heard_area()
        if heard is not None and not self.said.everywhere and not self._asks_whole_home():
            found = self._members(everything, lambda entity: self._area(entity) == heard)
            if found:
                self.place = _Place(frozenset({heard}), heard, why="the room it was heard in")
                return self._one_or_all(found, kind, f"{kind} in the room it was heard in")
        return self._in_whole_home(kind, everything, heard)

    def _asks_whole_home(self) -> bool:
        """ "Are any windows open?" is about the home, "is the light on?" about this room."""
        return self.asking and self.said.plural is True

    def _in_whole_home(self, kind: str, everything: bool, heard: str | None) -> tuple[list[Entity], str]:
        found = self._members(everything, lambda entity: True)
        if not found:
            raise _Ask(
                f"I don't know any {plural_of(kind)}." if not everything else "There is nothing I can do that with.",
                reason=f"no {kind} in this home",
            )
        playing = [entity for entity in found if entity.domain == "media_player" and entity.state == "playing"]
        if len(found) > 1 and len(playing) == 1 and not self.said.plural:
            return playing, "the one that plays"
        if len(found) > 1 and not self.said.plural and not self.said.everywhere:
            found = self._recent_first(
                [entity for entity in found if self._area(entity) is None] if self._has_central(found) else found
            )
        sure = self.said.everywhere or (
            heard is None and (self.said.plural or (self.said.plural is None and self._is_broad()))
        )
        if len(found) == 1 or sure or self._asks_whole_home() or (self.asking and self.said.plural is None):
            self._note_entities(found, f"{kind} of the home")
            return found, f"{kind} of the whole home"
        if heard is not None and heard not in {*self.names.areas, *self.home.areas}:
            raise _Ask(f"I don't know a room called {bare(heard)}. Which room?", found, "heard in an unknown room")
        if heard is not None and self.said.plural:
            raise _Ask(
                f"There are no {plural_of(kind)} in the {heard}. Which room?", found, f"no {kind} where it was heard"
            )
        raise _Ask(which_one(found, (self.said.word or kind,)), found, f"several {plural_of(kind)}, no room known")

    def _has_central(self, found: list[Entity]) -> bool:
        """One thermostat for the house, and others in rooms."""
        return (
            self.said.domain in ("climate", "water_heater") and sum(self._area(entity) is None for entity in found) == 1
        )

    def _is_broad(self) -> bool:
        return self.said.domain == "light"

    def _members(self, everything: bool, here: Callable[[Entity], bool]) -> list[Entity]:
        pool = [entity for entity in self._pool() if here(entity)]
        if everything and self.said.domain is None and self.said.device_class is None:
            return [entity for entity in pool if entity.domain in self._everything()]
        found = self._so_described(self._of_kind(pool, self.said.domain, self.said.device_class))
        called = [entity for entity in found if self._is_called(entity) or self._is_of_class_said(entity)]
        return called or found

    def _so_described(self, found: list[Entity]) -> list[Entity]:
        """ "The ceiling lights": those with that word in their names, where it is no place's and some have it."""
        word = singular(self.said.which or "")
        if not word or word in FILLERS or self.names.is_of_place(word):
            return found
        return [entity for entity in found if any(word in stems(fold(name)) for name in (entity.name, *entity.aliases))] or found

    def _is_of_class_said(self, entity: Entity) -> bool:
        """A speaker by its device class is one of "the speakers", whatever it is called."""
        kinds = kinds_of((self.said.word or "",))
        return any(kind.device_classes and is_kind(entity, kind.domain, kind.device_classes[0]) for kind in kinds)

    def _is_called(self, entity: Entity) -> bool:
        """Whether the very word said for its kind, or another for the same, is in its name: a lamp among lights."""
        word = self.said.word
        if word is None or word in BROAD_WORDS or entity.domain not in TOLD_APART:
            return False
        names = [stems(fold(name)) for name in (entity.name, *entity.aliases)]
        same = {word} if word == "lamp" else synonyms(word) - {"light"}
        compound = word.replace(" ", "")
        return any(
            f" {other} " in f" {' '.join(name)} " or (len(compound) > 6 and compound in "".join(name))
            for other in same
            for name in names
        )

    def _everything(self) -> frozenset[str]:
        """The domains that "everything" means for this intent."""
        if self.domains is None:
            return EVERYTHING
        return self.domains & EVERYTHING if len(self.domains & EVERYTHING) > 1 else self.domains

    def _of_kind(self, pool: list[Entity], domain: str | None, device_class: str | None) -> list[Entity]:
        """Those of a kind; where there is none, what people call by the same word."""
        near = TOLD_BY.get(domain or "", frozenset()) if self.asking else frozenset[str]()
        if device_class is None:
            found = [
                entity
                for entity in pool
                if entity.domain == domain and not (domain == "cover" and not self.asking and is_entrance(entity))
            ]
            return found or [
                entity
                for entity in pool
                if entity.domain == "switch"
                and domain in ON_A_PLUG
                and any(kind.domain == domain for kind in entity_kinds(entity))
            ]
        own = [entity for entity in pool if is_kind(entity, domain, device_class)]
        told = [entity for entity in pool if entity.domain in near and has_class(entity, device_class)]
        if own or told:
            return own + told
        if (
            self.asking
            and device_class in MEASURED_BY
            and (measuring := [entity for entity in pool if MEASURED_BY[device_class] in entity.attributes])
        ):
            return measuring
        family = near_classes(device_class, asking=self.asking)
        found = (
            [entity for entity in pool if domain in (None, entity.domain) and entity.device_class in family]
            or [entity for entity in pool if is_way_in_called(device_class, entity)]
            or [entity for entity in pool if entity.domain in near and entity.device_class in family]
            or [entity for entity in pool if entity.domain == "switch" and has_kind(entity, domain, device_class)]
        )
        if found or device_class in ENTRANCES:  # where there is no garage, nothing else is one
            return found
        return [
            entity
            for entity in pool
            if domain == entity.domain and entity.device_class is None and not is_entrance(entity)
        ]

    def _one_or_all(self, found: list[Entity], kind: str, reason: str) -> tuple[list[Entity], str]:
        """All of a room's kind, unless one was said: then the one talked about, or a question. Lights go together."""
        if len(found) > 1 and self.said.plural is False and not self.asking and not self._go_together(found):
            found = self._recent_first(found)
            if len(found) > 1:
                raise _Ask(which_one(found, (self.said.word or kind,)), found, f"several {plural_of(kind)} here")
        self._note_entities(found, reason)
        return found, reason

    def _go_together(self, found: list[Entity]) -> bool:
        """ "the kitchen light" is the light of the kitchen, however many lamps it has; "the lamp" is one."""
        if self.place.by_name_only:
            return False
        return self.said.domain == "light" and self.said.word in (None, "light", "lighting")

    def _ask_none_here(self, kind: str, everything: bool) -> None:
        where = f"in the {self.place.name}" if self.place.name else on(self.place.floor) or "there"
        what = "nothing I can do that with" if everything else f"no {kind}"
        raise _Ask(f"There is {what} {where}.", reason=f"no {kind} {where}")

    # ------------------------------------------------------------ "except"

    def _less_exceptions(self, found: list[Entity]) -> list[Entity]:
        spared: set[str] = set()
        for area in self.said.except_area:
            place = self._place_of(area, "room")
            spared |= {entity.entity_id for entity in found if place.areas is not None and place.holds(entity)}
        for name in self.said.except_name:
            spared |= self._spared(name, found)
        left = [entity for entity in found if entity.entity_id not in spared]
        if spared and not left:
            raise _Ask("That leaves nothing.", reason="everything was excepted")
        for entity_id in spared:
            self.matches.pop(entity_id, None)
        return left

    def _spared(self, name: str, found: list[Entity]) -> set[str]:
        """What an exception names, among what was found; a place's name spares what is there."""
        among = {entity.entity_id for entity in found}
        words = fold(name)
        exact = self.names.exact(words, lambda entity: entity.entity_id in among)
        if exact:
            return {match.entity_id for match in exact}
        group = self._as_group(words)
        if group is not None:
            kind = group.words
            return {
                entity.entity_id
                for entity in found
                if (not group.place.said or group.place.holds(entity)) and (not kind or fits_kind(kind, entity))
            }
        matches = [match for match in self.names.search(words, self._acts_on) if match.score >= SURE]
        if matches:
            return {match.entity_id for match in matches if match.score >= matches[0].score - MARGIN} & among
        if self.names.search(words, lambda entity: True):
            return set()  # it is known, and not touched anyway
        raise _Ask(
            f"I don't know anything called {bare(name)}, so I left everything as it is.", reason=f"exception '{name}'"
        )

    # ------------------------------------------------------------ for the explanation

    def _note(self, entity: Entity, score: float, why: str) -> None:
        self.matches[entity.entity_id] = Candidate(entity_id=entity.entity_id, score=score, why=why)

    def _note_all(self, matches: list[Match]) -> list[Match]:
        for match in matches:
            self._note(self.home.entities[match.entity_id], match.score, match.why)
        return matches

    def _note_entities(self, entities: list[Entity], why: str) -> None:
        for entity in entities:
            self._note(entity, 1.0, why)


# ---------------------------------------------------------------- words


def _says_all(words: Iterable[str]) -> bool:
    return any(word in QUANTITY_ALL for word in words)


def _is_filler(word: str) -> bool:
    return content((word, "x")) == ("x",)


def _parts(text: str) -> list[str]:
    """ "kitchen and hall" -> ["kitchen", "hall"]; [] when there is one part."""
    parts = [part.strip() for part in re.split(r",|\band\b|&|\bplus\b", text) if part.strip()]
    return parts if len(parts) > 1 else []
