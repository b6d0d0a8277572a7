"""Questions about what is: "is the back door locked?", "which lights are on upstairs?", "how many windows are open?".

The catalogue has one intent for all of them. Which devices and which state are in its slots; whether one, all, a count or
the names are wanted is told by the question's own words (`kind_of_question`). Nothing here ever acts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from .api import Done, Turn, Unclear, skill
from .devices.targets import Where
from .home.model import Entity, Home
from .home.questions import bare, plural_of
from .home.resolver import Resolution, Said, heard, resolve
from .slots import spoken_list
from .states import MEASURED, REACH, battery_percent, can_tell, holds, is_known, told, told_in_full
from .wording import DEVICES, KINDS, Noun, listed, noun_of, plain, sentence
from .words import ALL, fold, said_as

LISTED_AT_MOST = 8       # devices named where their names were asked for; the rest is counted
NAMED_AT_MOST = 4        # devices named where a yes or no was asked for; more are only counted
VALUES_AT_MOST = 4       # readings told in one answer
PEOPLE = frozenset({"person", "device_tracker"})
# What a question without a kind is about, by the state it asks for: "is anything open?"
_ABOUT = {
    "open": frozenset({"cover", "valve", "binary_sensor"}), "closed": frozenset({"cover", "valve", "binary_sensor"}),
    "locked": frozenset({"lock", "binary_sensor"}), "unlocked": frozenset({"lock", "binary_sensor"}),
    "home": PEOPLE, "not_home": PEOPLE, "low": frozenset({"sensor", "binary_sensor"}),
    "wet": frozenset({"binary_sensor"}), "playing": frozenset({"media_player"}), "paused": frozenset({"media_player"}),
}
# Where nothing is of a class, the resolver takes its kin; a question about one of these is about no other.
_SAME_CLASS = {
    "garage": frozenset({"garage", "garage_door"}), "garage_door": frozenset({"garage", "garage_door"}),
    "gate": frozenset({"gate"}), "door": frozenset({"door", "opening", "garage", "garage_door", "lock"}),
    "window": frozenset({"window", "opening"}),
}
_TELL_OF_OTHERS = frozenset({"binary_sensor", "lock", "cover"})
_OTHER_REACH = {"unavailable": "online", "offline": "online", "available": "offline", "online": "offline"}
# "Are the doors locked?" wants all of them so; "are the lights on?" any.
_WANTS_ALL = frozenset({"off", "closed", "locked", "clear", "dry", "full", "docked", "available", "online", "armed",
                        "disarmed"})


class Question(Enum):
    WHICH = "which"
    COUNT = "count"
    ANY = "any"
    ALL = "all"


def kind_of_question(text: str, state: str) -> Question:
    """What an answer about several devices must say. "Are the …?" means all or any by what is asked of them."""
    words = fold(text)
    if re.search(r"\bhow many\b|\bnumber of\b|\bcount\b", " ".join(words)):
        return Question.COUNT
    if {"which", "who", "whos", "list", "whats"} & set(words) or words[:1] == ("what",) or "tell me what" in text.lower():
        return Question.WHICH
    if {"all", "every", "everything", "both", "each", "everyone", "everybody"} & set(words):
        return Question.ALL
    if {"any", "anything", "anyone", "anybody", "something", "someone", "somebody", "a", "an"} & set(words):
        return Question.ANY
    return Question.ALL if state in _WANTS_ALL else Question.ANY


@skill
class GetState:
    """Any question about what is. "is the back door locked?" -> "Yes, the back door is locked." """

    intent = "HassGetState"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        state: str | None = None
        if_: str | None = None

        def said(self) -> Said:
            return replace(super().said(), state=self.state)

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.if_ is not None:
            return Done(reply="I can't follow conditions yet.")
        said = heard(_people_known(slots.said(), turn), turn.text)
        if said.domain in PEOPLE or (said.name is None and said.state in ("home", "not_home")):
            return _about_people(said, turn)
        found = meant(said, turn)
        if slots.state is None:
            return _readings(said, found.entities, turn)
        entities = telling(found.entities, slots.state, said, turn.home)
        if _one_by_name(said, entities):
            return _about_one(entities, slots.state)
        return _about_several(said, found, entities, slots.state, turn)


# --- which devices

def meant(said: Said, turn: Turn) -> Resolution:
    """The entities a question is about. Raises: Unclear: none, or no telling which."""
    if said.device_class == "battery" and said.name is not None and not said_as(said.name, ALL):
        return _battery_of(said, turn)
    placed = said.area is not None or said.floor is not None
    kindless = said.domain is None and said.device_class is None and (said.name is None or said_as(said.name, ALL))
    if kindless and not placed and REACH.get(said.state or "") == "offline":
        return Resolution(entities=tuple(each for each in turn.home.entities.values() if each.exposed and not each.category))
    about = _ABOUT.get(said.state or "") if kindless else None
    if about is not None and said.name is None and not placed:
        said = replace(said, name="everything")
    if (kindless and said.plural is None) or (said.name is None and said.state is None and turn.area is None):
        said = replace(said, plural=True)  # "how humid is it?": in every room, where none is said or known
    if turn.chosen or said.domain == "light":
        return turn.resolve(said, domains=about)
    # "Are the doors locked?" is about every lock, whether "door" is in its name or not: the word said narrows nothing.
    found = resolve(turn.home, replace(said, word=None), turn.context, domains=about)
    turn.explain(found)
    same = _SAME_CLASS.get(said.device_class or "") if said.name is None else None
    if same is not None:
        entities = tuple(each for each in found.entities if each.device_class is None or each.device_class in same)
        found = replace(found, entities=entities, question=found.question or (None if entities else _none(said, found)))
    if found.question is not None:
        raise Unclear(_none(said, found) or found.question, choices=_ids(found.choices))
    return found


def _none(said: Said, found: Resolution) -> str | None:
    """"There is no smoke sensor in the kitchen.", which must not sound like "there is no smoke"; None: it was not that."""
    place_unknown = (said.area is not None or said.floor is not None) and found.area is None and found.floor is None
    if found.choices or place_unknown:
        return None
    if said.name is not None and not said_as(said.name, ALL):
        return f"I don't know a {bare(said.name)}{_where(found)}." if found.area or found.floor else None
    if said.device_class is None:
        return None
    kind = KINDS.get(f"cover.{said.device_class}", (f"{said.device_class.replace('_', ' ')} sensor",))[0]
    if said.device_class in MEASURED:
        kind = f"{said.device_class.replace('_', ' ')} sensor"
    return f"There is no {kind}{_where(found)}."


def _where(found: Resolution) -> str:
    if found.area:
        return f" in the {plain(found.area)}"
    if not found.floor:
        return " that I know of"
    return f" {found.floor.lower()}" if found.floor.lower().endswith("stairs") else f" on the {plain(found.floor)}"


def _battery_of(said: Said, turn: Turn) -> Resolution:
    """"How full is the battery of the hall sensor?": its own level, or the battery sensor of the same device."""
    found = turn.resolve(replace(said, domain=None, device_class=None))
    names = {name for entity in found.entities for name in (entity.device_name, entity.name) if name}
    sensors = tuple(
        entity for entity in turn.home.entities.values()
        if entity.device_class == "battery" and (entity in found.entities or entity.device_name in names))
    own = tuple(entity for entity in found.entities if battery_percent(entity) is not None)
    if not sensors and not own:
        raise Unclear(f"I don't know of a battery in {called_together(found.entities).text}.")
    return replace(found, entities=own or sensors)


def telling(entities: Sequence[Entity], state: str, said: Said, home: Home) -> tuple[Entity, ...]:
    """Of several, those that can be in that state at all: the door's contact for "open", its lock for "locked".

    Where none can, what is named after it and can: "Front Door Contact", of the lock "Front Door".
    """
    able = tuple(entity for entity in entities if can_tell(entity, state))
    if able or said.name is None:
        return able or tuple(entities)
    words, areas = set(fold(bare(said.name))), {entity.area for entity in entities}
    named = tuple(
        entity for entity in home.entities.values()
        if entity.exposed and entity.domain in _TELL_OF_OTHERS and can_tell(entity, state) and entity.area in areas
        and words <= set(fold(entity.name))
    )
    return named or tuple(entities)


def _one_by_name(said: Said, entities: Sequence[Entity]) -> bool:
    return len(entities) == 1 and not (said.plural and said.name is None)


# --- answers

def _about_one(entities: Sequence[Entity], state: str) -> Done:
    (entity,) = entities
    noun = called(entity)
    ids = (entity.entity_id,)
    true = holds(entity, state)
    if true is None:
        return Done(reply=_unheard(entity), entities=ids, facts=(entity,))
    if not entity.available and state not in REACH:
        return Done(reply=_unheard(entity), entities=ids, facts=(entity,))
    if state not in REACH and not true and not can_tell(entity, state):
        reply = f"I can't tell whether {noun.text} {noun.be(past=False)} {state.replace('_', ' ')}; it is {told(entity)}."
        return Done(reply=reply, entities=ids, facts=(entity,))
    return Done(reply=f"{'Yes' if true else 'No'}, {noun.text} {noun.be(past=False)} {_put(entity, state)}.", entities=ids,
                facts=(entity,))


def _put(entity: Entity, asked: str) -> str:
    """What it is, in the terms of the question: offline or online, or its state."""
    return REACH[asked if holds(entity, asked) else _OTHER_REACH[asked]] if asked in REACH else told(entity)


def _unheard(entity: Entity) -> str:
    """Honest about what is not known: it never reported, or it is offline and its state is old."""
    noun = called(entity)
    if not is_known(entity):
        offline = f"{noun.text} {noun.be(past=False)} offline."
        return sentence(offline) if not entity.available else f"I haven't heard from {noun.text} yet."
    return sentence(f"{noun.text} {noun.be(past=False)} offline; last I heard, it was {told(entity)}.")


def _about_several(said: Said, found: Resolution, entities: Sequence[Entity], state: str, turn: Turn) -> Done:
    known = [entity for entity in entities if holds(entity, state) is not None and _current(entity, state)]
    true = [entity for entity in known if holds(entity, state)]
    silent = [entity for entity in entities if entity not in known]
    if not known:
        return Done(reply=" ".join(_unheard(entity) for entity in silent[:2]), entities=_ids(entities))
    kind = kind_of_question(turn.text, state)
    answer = _ANSWERS[kind](_Group(said, found, known, true, state))
    about = true if kind is not Question.ALL else [entity for entity in known if entity not in true]
    return Done(reply=answer + _but_silent(silent), entities=_ids(about or known), facts=tuple(known))


def _current(entity: Entity, state: str) -> bool:
    return entity.available or state in REACH


@dataclass(frozen=True)
class _Group:
    """Several devices that were asked about: those heard of, and those of them in the state asked for."""

    said: Said
    found: Resolution
    known: Sequence[Entity]
    true: Sequence[Entity]
    state: str

    @property
    def false(self) -> list[Entity]:
        return [entity for entity in self.known if entity not in self.true]

    @property
    def kind(self) -> tuple[str, str]:
        """(one, several): the word that was said, else that of the kind."""
        if self.said.word:
            return self.said.word, plural_of(self.said.word)
        exact = KINDS.get(f"{self.said.domain}.{self.said.device_class}")
        return exact or KINDS.get(self.said.domain or "", DEVICES)

    @property
    def where(self) -> str:
        return _where(self.found) if self.found.area or self.found.floor else ""

    @property
    def state_said(self) -> str:
        """"open": as these devices put the state asked for; of a reading it is the word that was asked."""
        if self.state in REACH:
            return REACH[self.state]
        words = {told(entity) for entity in self.true if entity.domain != "sensor"}
        return words.pop() if len(words) == 1 else self.state.replace("_", " ")

    def true_said(self) -> str:
        noun = self.named(self.true)
        return f"{noun.text} {noun.be(past=False)} {self.state_said}"

    def named(self, entities: Sequence[Entity]) -> Noun:
        """By name where they are few, else counted: "9 lights in the kitchen"."""
        few = len(entities) <= NAMED_AT_MOST
        return called_together(entities) if few else Noun(f"{len(entities)} {self.kind[1]}{self.where}", plural=True)

    def none_said(self) -> str:
        """"no windows in the kitchen are open"; of a single one, what it is."""
        if len(self.known) == 1:
            noun = called(self.known[0])
            return f"{noun.text} {noun.be(past=False)} {_put(self.known[0], self.state)}"
        return f"no {self.kind[1]}{self.where} are {self.state_said}"


def _which(group: _Group) -> str:
    if not group.true:
        return f"{sentence(group.none_said())}."
    noun = called_together(group.true)
    return sentence(f"{noun.text} {noun.be(past=False)} {group.state_said}.")


def _count(group: _Group) -> str:
    if not group.true:
        return f"None: {group.none_said()}."
    count = len(group.true)
    named = f": {called_together(group.true).text}" if count <= LISTED_AT_MOST else ""
    if count == 1:
        return f"1 {group.kind[0]}{group.where} is {group.state_said}{named}."
    return f"{count} {group.kind[1]}{group.where} are {group.state_said}{named}."


def _any(group: _Group) -> str:
    return f"Yes, {group.true_said()}." if group.true else f"No, {group.none_said()}."


def _all(group: _Group) -> str:
    if not group.false:
        all_of = f"both {group.kind[1]}" if len(group.true) == 2 else f"all {len(group.true)} {group.kind[1]}"
        return f"Yes, {all_of}{group.where} are {group.state_said}." if len(group.true) > 1 else f"Yes, {group.true_said()}."
    states: dict[str, list[Entity]] = {}
    for entity in group.false:
        states.setdefault(_put(entity, group.state), []).append(entity)
    clauses = [f"{group.named(same).text} {group.named(same).be(past=False)} {state}" for state, same in states.items()]
    return f"No, {spoken_list(clauses[:VALUES_AT_MOST])}."


_ANSWERS = {Question.WHICH: _which, Question.COUNT: _count, Question.ANY: _any, Question.ALL: _all}


def _but_silent(entities: Sequence[Entity]) -> str:
    if not entities:
        return ""
    offline = [entity for entity in entities if not entity.available]
    unheard = [entity for entity in entities if entity.available]
    parts = []
    if offline:
        parts.append(f"{called_together(offline).text} {called_together(offline).be(past=False)} offline")
    if unheard:
        parts.append(f"I haven't heard from {called_together(unheard).text} yet")
    return " " + sentence("; ".join(parts)) + "."


# --- what something is at

def _readings(said: Said, entities: Sequence[Entity], turn: Turn) -> Done:
    """"How damp is the bathroom?", "what's the hall lamp doing?": each with its value and what belongs to it."""
    heard_of = [entity for entity in entities if is_known(entity)]
    if not heard_of:
        return Done(reply=" ".join(_unheard(entity) for entity in entities[:2]), entities=_ids(entities))
    told_ones = heard_of[:VALUES_AT_MOST]
    clauses = [_reading(entity) for entity in told_ones]
    more = len(heard_of) - len(told_ones)
    reply = sentence(spoken_list(clauses)) + (f", and {more} more" if more else "") + "."
    return Done(reply=reply, entities=_ids(heard_of), facts=tuple(heard_of))


def _reading(entity: Entity) -> str:
    noun = called(entity)
    stale = "" if entity.available else " when last heard of; it is offline now"
    be = noun.be(past=not entity.available)
    return f"{noun.text} {be} {told_in_full(entity)}{stale}"


# --- people

def _people_known(said: Said, turn: Turn) -> Said:
    """Where this home knows its people by their phones alone, a person is a device_tracker."""
    if said.domain not in PEOPLE:
        return said
    domains = {entity.domain for entity in turn.home.entities.values() if entity.exposed}
    other = next(iter(PEOPLE - {said.domain}))
    return replace(said, domain=other) if said.domain not in domains and other in domains else said


def _about_people(said: Said, turn: Turn) -> Done:
    if said.name is not None and not said_as(said.name, ALL):
        people = turn.resolve(said, domains=PEOPLE).entities
        if said.state is None or len(people) > 1:
            return _whereabouts(people)
        person = people[0]
        if holds(person, said.state) is None:
            return Done(reply=f"I don't know where {_person(person)} is.", entities=_ids(people))
        answer = "Yes" if holds(person, said.state) else "No"
        return Done(reply=f"{answer}, {_person(person)} is {told(person)}.", entities=_ids(people), facts=people)
    exposed = [entity for entity in turn.home.entities.values() if entity.exposed]
    everyone = [entity for entity in exposed if entity.domain == "person"] or [
        entity for entity in exposed if entity.domain == "device_tracker"]
    if not everyone:
        return Done(reply="I don't know who is home: nothing here tells me.")
    if said.state is None:
        return _whereabouts(everyone)
    return _who(everyone, said.state, turn.text)


def _whereabouts(people: Sequence[Entity]) -> Done:
    clauses = [f"{_person(each)} is {told(each)}" if is_known(each) else f"I don't know where {_person(each)} is"
               for each in people]
    return Done(reply=sentence(spoken_list(clauses)) + ".", entities=_ids(people), facts=tuple(people))


def _who(everyone: Sequence[Entity], state: str, text: str) -> Done:
    known = [each for each in everyone if is_known(each)]
    if not known:
        return Done(reply="I don't know who is home: I haven't heard from anyone yet.")
    true = [each for each in known if holds(each, state)]
    others = [each for each in known if each not in true]
    if kind_of_question(text, state) is Question.COUNT:
        count = f"{len(true)} {'person is' if len(true) == 1 else 'people are'} {'home' if state == 'home' else 'out'}"
        named = f": {spoken_list([_person(each) for each in true])}" if true else ""
        return Done(reply=f"{count}{named}.", entities=_ids(true), facts=tuple(known))
    wants_names = bool({"who", "whos", "which"} & set(fold(text)))
    if true and others and not wants_names and kind_of_question(text, state) is Question.ALL:
        reply = f"No, {_people_are(others, 'out' if state == 'home' else 'home')}."
    else:
        said = _people_are(true, "home" if state == "home" else "out", everyone=not others)
        reply = f"{said}." if wants_names else f"{'Yes' if true else 'No'}, {said}."
    return Done(reply=sentence(reply), entities=_ids(true or others), facts=tuple(known))


def _people_are(people: Sequence[Entity], where: str, *, everyone: bool = False) -> str:
    if not people:
        return f"nobody is {where}"
    if everyone and len(people) > 1:
        return f"everyone is {where}"
    return f"{spoken_list([_person(each) for each in people])} {'is' if len(people) == 1 else 'are'} {where}"


def _person(entity: Entity) -> str:
    return entity.name


# --- words

def called(entity: Entity) -> Noun:
    """As in a sentence; a reading that is only called by its kind takes its room: "the bathroom humidity"."""
    if entity.domain in PEOPLE:
        return Noun(entity.name)
    bare = fold(entity.name) in ((entity.device_class,), ("temperature",), ("humidity",), ("battery",), ("motion",))
    if bare and entity.area:
        return Noun(f"the {plain(entity.area)} {plain(entity.name)}")
    return noun_of(entity)


def called_together(entities: Sequence[Entity]) -> Noun:
    """All by name, or the first with a count of the rest."""
    nouns = [called(entity) for entity in entities[:LISTED_AT_MOST]]
    more = len(entities) - len(nouns)
    return listed([*nouns, Noun(f"{more} more", plural=True)]) if more > 0 else listed(nouns)


def _ids(entities: Sequence[Entity]) -> tuple[str, ...]:
    return tuple(entity.entity_id for entity in entities)
