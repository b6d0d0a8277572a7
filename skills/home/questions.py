"""Questions back, and the answers to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..words import fold, singular
from .model import Entity
from .names import stems

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
