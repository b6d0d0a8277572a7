"""For the tests of skills: a home of a few things and a turn in it, without devices and without a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .api import Turn
from .home.model import Area, Entity, Home, Outcome, ServiceCall
from .home.resolver import Context


def home_of(*entities: Entity) -> Home:
    """A home of these things; the rooms they name are its rooms."""
    home = Home(areas=[Area(name) for name in dict.fromkeys(entity.area for entity in entities if entity.area)])
    for entity in entities:
        home.add(entity)
    return home


def turn(
    home: Home, text: str = "", *, area: str | None = None, via: str = "text", now: datetime | None = None,
    services: Mapping[str, Any] | None = None, acts: list[ServiceCall] | None = None, status: str = "confirmed",
) -> Turn:
    """A turn in that home.

    Args:
        area: the room it was heard in.
        acts: gets every call that the skill makes.
        status: what becomes of each (`Outcome.status`).
    """
    made = [] if acts is None else acts

    async def perform(calls: Sequence[ServiceCall]) -> list[Outcome]:
        made.extend(calls)
        return [Outcome(call=call, status=status, before=None, after=None) for call in calls]

    return Turn(id="test", text=text, area=area, via=via, speaker=None, now=now or datetime.now(UTC), home=home,
                context=Context(area=area), perform=perform, services=services or {})
