"""Questions back, and the answers to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..words import FILLERS, ORDINALS, fold, singular, stems
from .kinds import fits_kind
from .model import Entity, Home
from .names import Names, alike, names_of

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
    if noun == "tv":
        return "TVs"
    return noun if noun in ("heating", "hot water", "everything", "music") else f"{noun}s"


# ---------------------------------------------------------------- answers

_NEITHER = frozenset({"neither", "none", "nothing", "no", "nope", "nah", "nevermind", "cancel", "stop"})
_ALL = frozenset({"all", "both", "everything", "every", "each"})
_YES = frozenset(
    {"yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "right", "correct", "exactly", "indeed", "aye"}
)
_BUT = frozenset({"except", "but", "without", "not", "apart"})
_BETWEEN = frozenset({"and", "plus", "also"})
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
_NAME_ENDS = frozenset({"a", "i", "one"})  # "Dorm A", "Hall I", "Light 1": words that mean nothing elsewhere
_SMALL_TALK = FILLERS | frozenset(
    {"i", "meant", "mean", "want", "take", "do", "think", "lets", "say", "um", "uh", "er", "hm", "them", "number"}
)


def choose(home: Home, choices: Sequence[Entity], text: str) -> tuple[Entity, ...]:
    """The entities an answer picks among `choices`: "the left one", "both", "the second", "the one in the kitchen", "yes".

    Returns: () when it declines ("neither") or is no answer to this question.
    """
    words = fold(text.replace(",", " and "))
    if not words or not choices:
        return ()
    names = names_of(home)
    kept, spared = _split_at_but(words)
    picked = _pick(names, choices, kept) if kept else tuple(choices)
    if not spared:
        return picked
    less = {entity.entity_id for entity in _pick(names, choices, spared)}
    return tuple(entity for entity in picked or choices if entity.entity_id not in less) if less else ()


def _split_at_but(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """ "all but the lamp" -> ("all",), ("the", "lamp"); "not the left one" -> (), …"""
    for index, word in enumerate(words):
        if word in _BUT:
            return words[:index], tuple(other for other in words[index + 1 :] if other != "for")
    return words, ()


def _pick(names: Names, choices: Sequence[Entity], words: tuple[str, ...]) -> tuple[Entity, ...]:
    """ "the office and the hallway" picks what each part picks, in the order of the choices."""
    if any(word in _NEITHER for word in words):
        return ()
    parts = [_pick_one(names, choices, part) for part in _parts(words)]
    if not all(parts):
        return _pick_one(names, choices, words)
    picked = {entity.entity_id for part in parts for entity in part}
    return tuple(entity for entity in choices if entity.entity_id in picked)


def _parts(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    parts: list[tuple[str, ...]] = [()]
    for word in words:
        if word in _BETWEEN:
            parts.append(())
        else:
            parts[-1] = (*parts[-1], word)
    return [part for part in parts if part]


def _pick_one(names: Names, choices: Sequence[Entity], words: tuple[str, ...]) -> tuple[Entity, ...]:
    told = _told_of_each(names, choices, words)
    telling = [
        index
        for index, word in enumerate(words)
        if _is_letter_of_one(words, index, told)
        or (word not in _SMALL_TALK | _ALL and (word not in _YES or any(index in mine for mine in told.values())))
    ]
    if not telling:
        agrees = any(word in _ALL for word in words) or (len(choices) == 1 and any(word in _YES for word in words))
        return tuple(choices) if agrees else ()
    return _by_order(choices, [words[index] for index in telling]) or _by_words(choices, told, telling)


def _is_letter_of_one(words: Sequence[str], index: int, told: Mapping[str, set[int]]) -> bool:
    """ "in dorm a", "light one": a small word that ends what is said, and is in the name of one choice and not of all."""
    ends = all(word in ("one", "please") for word in words[index + 1 :])
    return words[index] in _NAME_ENDS and ends and 0 < sum(index in mine for mine in told.values()) < len(told)


def _by_order(choices: Sequence[Entity], words: Sequence[str]) -> tuple[Entity, ...]:
    """ "the second", "the last one", "number two"."""
    if len(words) != 1 or words[0] not in ORDINALS:
        return ()
    place = ORDINALS[words[0]]
    return (choices[place],) if -len(choices) <= place < len(choices) else ()


def _by_words(choices: Sequence[Entity], told: Mapping[str, set[int]], telling: Sequence[int]) -> tuple[Entity, ...]:
    """The choices that the most words tell of; at least half of the words must tell of some choice."""
    known = [index for index in telling if any(index in mine for mine in told.values())]
    if not known or len(known) * 2 < len(telling):
        return ()
    picking = [index for index in known if any(index not in mine for mine in told.values())]
    if not picking:
        return tuple(choices) if len(choices) == 1 else ()
    most = max(sum(index in mine for index in picking) for mine in told.values())
    return tuple(entity for entity in choices if sum(index in told[entity.entity_id] for index in picking) == most)


def _told_of_each(
    names: Names, choices: Sequence[Entity], words: tuple[str, ...]
) -> dict[str, set[int]]:
    """Which of the words tell of which choice. A word that is in the name of one is not a slip for that of another:
    with a Left Light and a Right Light, "right" is no "light"."""
    likeness = {entity.entity_id: _likeness(names, entity, words) for entity in choices}
    best = [max(mine[index] for mine in likeness.values()) for index in range(len(words))]
    return {
        entity_id: {index for index, like in enumerate(mine) if like and (like == 1.0 or best[index] < 1.0)}
        for entity_id, mine in likeness.items()
    }


def _likeness(names: Names, entity: Entity, said: Sequence[str]) -> list[float]:
    """For each word how like it is to one of the entity's names, room or floor; its kind counts a little less."""
    known = set(names.beside(entity))
    for text in (entity.name, *entity.aliases, entity.device_name or ""):
        known.update(stems(fold(text)))
    return [
        max(
            0.9 if fits_kind((word,), entity) else 0.0,
            1.0 if _NUMBERS.get(word) in known else 0.0,
            *(alike(word, other) for other in known),
        )
        for word in stems(said)
    ]
