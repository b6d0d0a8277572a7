"""A turn for tests of skills: a home, a clock that only moves when told, and the real stores in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ingle.skills.api import Done, Turn
from ingle.skills.home.model import Home, Outcome, ServiceCall
from ingle.skills.home.resolver import Context
from ingle.skills.storage import open_database

LONDON = ZoneInfo("Europe/London")
TUESDAY = datetime(2026, 11, 24, 14, 30, tzinfo=LONDON)  # a Tuesday afternoon


@dataclass
class Clock:
    now: datetime = TUESDAY

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **passed: float) -> datetime:
        """Let time pass; real time, whatever the wall clock does meanwhile."""
        self.now = (self.now.astimezone(UTC) + timedelta(**passed)).astimezone(self.now.tzinfo)
        return self.now


@dataclass
class World:
    """What the skills under test live in. `acts` are the calls they performed: most must perform none."""

    home: Home = field(default_factory=Home)
    clock: Clock = field(default_factory=Clock)
    database: sqlite3.Connection = field(default_factory=lambda: open_database(":memory:"))
    services: dict[str, Any] = field(default_factory=dict)
    acts: list[ServiceCall] = field(default_factory=list)

    def turn(self, text: str = "", *, area: str | None = None, via: str = "text", confirmed: bool = False,
             recent: tuple[str, ...] = (), chosen: tuple[str, ...] = ()) -> Turn:
        return Turn(id="t", text=text, area=area, via=via, speaker=None, now=self.clock(), home=self.home,
                    context=Context(area=area, recent=recent), perform=self._perform, confirmed=confirmed, chosen=chosen,
                    services=self.services)

    async def _perform(self, calls: Sequence[ServiceCall]) -> list[Outcome]:
        self.acts.extend(calls)
        return [Outcome(call=call, status="confirmed", before=None, after=None) for call in calls]

    async def ask(self, intent: str, slots: dict[str, Any] | None = None, **turn: Any) -> Done:
        """Handle one intent as the assistant would, with slots as values."""
        from ingle.skills.registry import load_skills

        return await load_skills(points()).handle(intent, slots or {}, self.turn(**turn))


def points() -> list[Any]:
    """The skills that are no device acts, as the entry points of pyproject.toml name them."""
    from importlib.metadata import EntryPoint

    names = ("questions", "ask_history", "weather", "conversation", "clock", "timers", "later", "alarms", "reminders",
             "routines", "why", "lists", "calculate")
    return [EntryPoint(name=name, value=f"ingle.skills.{name}", group="ingle.skills") for name in names]
