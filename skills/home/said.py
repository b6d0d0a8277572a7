"""The types of the resolver: what was said, what it was said about, and which devices are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..words import EVERYWHERE, MASS, QUANTITY_ALL, fold, is_plural, kinds_of, singular
from .model import Entity


@dataclass(frozen=True, kw_only=True)
class Said:
    """The slots that say which devices are meant, as said; `heard` adds what only the sentence tells."""

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
    which: str | None = None  # the word before it: "ceiling" of "all the ceiling lights"


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


# ---------------------------------------------------------------- what only the sentence tells

_CLAUSE = frozenset({"and", "then", "but", "plus", "also"})
_HERE = (("in", "here"), ("this", "room"), ("over", "here"))
_NOT_ALL = (
    ("all", "the", "way"),
    ("at", "all"),
    ("after", "all"),
    ("all", "right"),
    ("thats", "all"),
    ("once", "and", "for", "all"),
)


def said_of(slots: Mapping[str, Any], text: str | None = None) -> Said:
    """The part of an intent's slots that says which devices are meant, and what the sentence adds to it."""
    names = {item.name for item in fields(Said)}
    chosen = {slot: value for slot, value in slots.items() if slot in names and value not in (None, "", [])}
    for slot in ("except_name", "except_area"):
        value = chosen.get(slot, ())
        chosen[slot] = (value,) if isinstance(value, str) else tuple(value)
    said = Said(**chosen)
    return said if text is None else heard(said, text)


def heard(said: Said, text: str) -> Said:
    """`said` with what the slots do not hold: one or several, the kind's very word, the whole house, this room.

    What is already known of these is kept.
    """
    sentence = fold(text.replace(",", " and "))
    words = _clause_of(sentence, said)
    kinds = _kind_words_said(words, said)
    which = words[kinds[0] - 1] if len(kinds) == 1 and kinds[0] > 0 and said.name is None else None
    spoken = {singular(words[index]) for index in kinds}
    placed = said.area is not None or said.floor is not None
    several = _one_or_several(words, kinds) if said.name is None else _all_of_name(sentence, fold(said.name))
    return replace(
        said,
        plural=several if said.plural is None else said.plural,
        word=said.word or (spoken.pop() if len(spoken) == 1 else None),
        which=said.which or which,
        everywhere=said.everywhere or (not placed and _means_everywhere(sentence)),
        area="here" if not placed and said.name is None and any(_has(sentence, run) for run in _HERE) else said.area,
    )


def _clause_of(sentence: tuple[str, ...], said: Said) -> tuple[str, ...]:
    """The part of the sentence that is about the room said: another part may have another kind and number."""
    place = fold(said.area or said.floor or "")
    clauses: list[tuple[str, ...]] = [()]
    for word in sentence:
        if word in _CLAUSE:
            clauses.append(())
        else:
            clauses[-1] = (*clauses[-1], word)
    about = [clause for clause in clauses if place and _has(clause, place) and _kind_words_said(clause, said)]
    return about[0] if len(about) == 1 else sentence


def _kind_words_said(words: Sequence[str], said: Said) -> list[int]:
    """Where a word for the kind stands: "lamps" for the domain light."""
    if said.domain is None and said.device_class is None:
        return []
    return [
        index
        for index, word in enumerate(words)
        if any(
            (said.domain in (None, kind.domain) or (said.domain == "binary_sensor" and kind.domain == "cover"))
            and (said.device_class is None or said.device_class in kind.device_classes)
            for kind in kinds_of((word,))
        )
    ]


def _one_or_several(words: Sequence[str], kinds: Sequence[int]) -> bool | None:
    quantities = _quantities(words)
    if not kinds:
        return True if quantities else None
    if any(is_plural(words[index]) or words[index] in MASS for index in kinds):
        return True
    return any(_counted(words, index, quantities) for index in kinds)


def _quantities(words: Sequence[str]) -> set[int]:
    """Where "all", "every" and the like stand, but for "all the way" and the like."""
    idle = {
        start + offset
        for run in _NOT_ALL
        for start in range(len(words) - len(run) + 1)
        if tuple(words[start : start + len(run)]) == run
        for offset in range(len(run))
    }
    return {index for index, word in enumerate(words) if word in QUANTITY_ALL and index not in idle}


def _all_of_name(words: tuple[str, ...], name: tuple[str, ...]) -> bool | None:
    """Whether all that bear the name are meant: "both bedside lamps"."""
    starts = (start for start in range(len(words) - len(name) + 1) if name and words[start : start + len(name)] == name)
    return True if any(set(words[max(0, start - 2) : start]) & QUANTITY_ALL for start in starts) else None


def _counted(words: Sequence[str], index: int, quantities: set[int]) -> bool:
    """Whether a quantity stands before the word in its clause: "every single kitchen light"."""
    for before in range(index - 1, -1, -1):
        if words[before] in _CLAUSE:
            return False
        if before in quantities:
            return True
    return False


def _means_everywhere(words: Sequence[str]) -> bool:
    return any(
        _has(words, tuple(place.split()))
        for place in EVERYWHERE
        if place not in ("home", "place", "building", "anywhere")
    )


def _has(words: Sequence[str], run: Sequence[str]) -> bool:
    return any(tuple(words[start : start + len(run)]) == tuple(run) for start in range(len(words) - len(run) + 1))
