"""Slots as said to slots as meant in this home: values first, then the home's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..skills.home.model import Home
from ..skills.home.resolver import Context, ground
from ..skills.slots import normalise

_WHEN: Final = ("intent", "at", "in", "date")      # RunLater's own slots; the others are those of the intent it puts off


def meaning(
    home: Home, intent: str, said: Mapping[str, Any], context: Context, text: str
) -> tuple[dict[str, Any], list[str]]:
    """The slots, and a line for each that was said and could not be read. Raises: KeyError: no such intent."""
    values = normalise(intent, said)
    unread = [f"{one.slot} {one.said!r}: {one.why}" for one in values.unread]
    if intent != "RunLater" or "intent" not in values:
        return ground(home, intent, values, context, text), unread
    own = {slot: value for slot, value in values.items() if slot in _WHEN}
    rest = {slot: value for slot, value in values.items() if slot not in _WHEN}
    return {**ground(home, str(values["intent"]), rest, context, text), **own}, unread
