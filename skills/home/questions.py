"""Questions back, and the answers to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..words import FILLERS, ORDINALS, fold, singular
from .model import Entity, Home
from .names import Names, alike, fits_kind, names_of, stems

NAMED_AT_MOST = 4  # choices a question names


def which_one(choices: Sequence[Entity], said: Sequence[str] = ()) -> str:
    """The question that names what there is to choose from, at most four."""
    named = _ways_to_name(choices, said)
    if len(named) > NAMED_AT_MOST:
        return f"Which one? There are {len(named)}, such as {listed(named[: NAMED_AT_MOST - 1], 'and')}."
    return f"Which one: {listed(named, 'or')}?"


def _ways_to_name(choices: Sequence[Entity], said: Sequence[str]) -> list[str]:
    """By room where only the rooms tell them apart, else by name, with the room where names are alike."""
    areas = [entity.area for entity in choices]
    alike = len({_without_area(entity) for entity in choices}) == 1
    if alike and None not in areas and len(set(areas)) == len(areas) and len(choices) <= NAMED_AT_MOST:
        noun = " ".join([*said[:-1], *(singular(word) for word in said[-1:])]) or "one"
        return [f"the {noun if index == 0 else 'one'} in the {area}" for index, area in enumerate(areas)]
    names = [entity.name for entity in choices]
    return [
        the(entity.name) + (f" in the {entity.area}" if names.count(entity.name) > 1 and entity.area else "")
        for entity in choices
    ]


def _without_area(entity: Entity) -> tuple[str, ...]:
    area = set(stems(fold(entity.area or "")))
    return tuple(word for word in stems(fold(entity.name)) if word not in area)


def the(name: str) -> str:
    return name if fold(name)[:1] in (("the",), ("my",)) else f"the {name}"


def bare(text: str) -> str:
    return re.sub(r"^(the|a|an|my|our)\s+", "", text.strip(), flags=re.IGNORECASE)


def on(floor: str | None) -> str:
    if not floor:
        return ""
    if "floor" in floor.casefold() or "level" in floor.casefold():
        return f"on the {floor}"
    return floor if floor.casefold().endswith("stairs") else f"in the {floor}"


def listed(words: Sequence[str], joint: str) -> str:
    return " ".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def plural_of(noun: str) -> str:
    if noun.endswith(("ch", "sh", "s", "x")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun if noun in ("heating", "hot water", "everything", "music") else f"{noun}s"


# ---------------------------------------------------------------- answers

_NEITHER = frozenset({"neither", "none", "nothing", "no", "nope", "nah", "nevermind", "cancel", "stop"})
_ALL = frozenset({"all", "both", "everything", "every", "each"})
_YES = frozenset(
    {"yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "right", "correct", "exactly", "indeed", "aye"}
)
_BUT = frozenset({"except", "but", "without", "not", "apart"})
_SMALL_TALK = (
    FILLERS
    | _YES
    | frozenset({"i", "meant", "mean", "want", "take", "do", "think", "lets", "say", "um", "uh", "er", "hm"})
)


def choose(home: Home, choices: Sequence[Entity], text: str) -> tuple[Entity, ...]:
    """The entities an answer picks among `choices`: "the left one", "both", "the second", "the one in the kitchen", "yes".

    Returns: () when it declines ("neither") or is no answer to this question.
    """
    words = fold(text)
    if not words or not choices:
        return ()
    kept, spared = _split_at_but(words)
    picked = _pick(home, choices, kept) if kept else tuple(choices)
    if not spared:
        return picked
    less = {entity.entity_id for entity in _pick(home, choices, spared)}
    return tuple(entity for entity in picked or choices if entity.entity_id not in less) if less else ()


def _split_at_but(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """ "all but the lamp" -> ("all",), ("the", "lamp"); "not the left one" -> (), …"""
    for index, word in enumerate(words):
        if word in _BUT:
            return words[:index], tuple(other for other in words[index + 1 :] if other != "for")
    return words, ()


def _pick(home: Home, choices: Sequence[Entity], words: tuple[str, ...]) -> tuple[Entity, ...]:
    if any(word in _NEITHER for word in words):
        return ()
    telling = tuple(word for word in words if word not in _SMALL_TALK and word not in _ALL)
    if not telling:
        agrees = any(word in _ALL for word in words) or (len(choices) == 1 and any(word in _YES for word in words))
        return tuple(choices) if agrees else ()
    return _by_words(names_of(home), choices, telling) or _by_order(choices, telling)


def _by_order(choices: Sequence[Entity], words: tuple[str, ...]) -> tuple[Entity, ...]:
    """ "the second", "the last one", "number two", "the first and the third"."""
    ordered = words if set(words) & set(ORDINALS) or "number" in words else ()
    places = [ORDINALS[word] for word in ordered if word in ORDINALS]
    if not ordered and len(words) == 1 and words[0] in ORDINALS:
        places = [ORDINALS[words[0]]]
    count = len(choices)
    indexes = dict.fromkeys(place if place >= 0 else count + place for place in places)
    return tuple(choices[index] for index in indexes if 0 <= index < count)


def _by_words(names: Names, choices: Sequence[Entity], words: tuple[str, ...]) -> tuple[Entity, ...]:
    """The choices that more of the words tell of than of the others; every word must tell of some choice."""
    said = stems(words)
    told = {entity.entity_id: _told(names, entity, said) for entity in choices}
    telling = [index for index in range(len(said)) if sum(index in words_of for words_of in told.values()) > 0]
    if len(telling) * 2 < len(said):
        return ()
    picking = [index for index in telling if any(index not in words_of for words_of in told.values())]
    if not picking:
        return tuple(choices) if len(choices) == 1 else ()
    fullest = max(sum(index in words_of for index in picking) for words_of in told.values())
    best = [entity for entity in choices if sum(index in told[entity.entity_id] for index in picking) == fullest]
    apart = [entity for entity in choices if any(index in told[entity.entity_id] for index in picking)]
    return tuple(apart if fullest == 1 and len(picking) > 1 and len(apart) > len(best) - 1 else best)


def _told(names: Names, entity: Entity, said: Sequence[str]) -> set[int]:
    """Which of the words stand in an entity's names, room, floor or kind."""
    known = set(names.beside(entity))
    for text in (entity.name, *entity.aliases, entity.device_name or ""):
        known.update(stems(fold(text)))
    return {
        index
        for index, word in enumerate(said)
        if any(alike(word, other) for other in known) or fits_kind((word,), entity)
    }
