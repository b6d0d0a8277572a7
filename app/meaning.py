"""Slots as said to slots as meant in this home: values first, then the home's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..engine.interpreter import Intent
from ..skills.home.model import Home
from ..skills.home.resolver import Context, ground
from ..skills.slots import in_units_said, normalise

_WHEN: Final = ("intent", "at", "in", "date")      # RunLater's own slots; the others are those of the intent it puts off


_PLACES: Final = ("area", "floor")


def meaning(
    home: Home, intent: str, said: Mapping[str, Any], context: Context, text: str
) -> tuple[dict[str, Any], list[str]]:
    """The slots, and a line for each that was said and could not be read. Raises: KeyError: no such intent."""
    values = normalise(intent, in_units_said(said, text))
    unread = [f"{one.slot} {one.said!r}: {one.why}" for one in values.unread]
    if intent != "RunLater" or "intent" not in values:
        return ground(home, intent, values, context, text), unread
    own = {slot: value for slot, value in values.items() if slot in _WHEN}
    rest = {slot: value for slot, value in values.items() if slot not in _WHEN}
    return {**ground(home, str(values["intent"]), rest, context, text), **own}, unread


def in_the_same_place(intents: Sequence[Intent]) -> tuple[Intent, ...]:
    """Several intents of one sentence: a kind without a place is meant where the same kind was just meant.

    "make it bright in the hayloft, turn the lights on": the lights of the hayloft, not of the whole house.
    """
    placed: list[Intent] = []
    for intent in intents:
        last = placed[-1] if placed else None
        if last and _kind(intent) == _kind(last) and not any(intent.slots.get(slot) for slot in (*_PLACES, "name")):
            place = {slot: value for slot, value in last.slots.items() if slot in _PLACES}
            intent = replace(intent, slots={**place, **intent.slots})
        placed.append(intent)
    return tuple(placed)


def _kind(intent: Intent) -> object:
    return intent.slots.get("domain") or ("light" if intent.intent == "HassLightSet" else None) or intent
