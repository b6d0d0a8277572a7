"""What is running in the house as the bus mirrors it: timers, alarms, reminders, lists. No textual in it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from .. import topics
from ..events import BadEvent, ListChanged, TimerChanged
from .safe_text import fit

MAX_KEPT: Final = 500           # of each: whoever floods the bus does not fill our memory
PREFIXES: Final = (topics.TIMER, topics.REMINDER, topics.LIST)


@dataclass(frozen=True)
class Running:
    """A timer, alarm or reminder, and when we heard of it."""

    key: str                    # of its topic: what it calls itself may be anything
    timer: TimerChanged
    heard_at: float = field(default_factory=time.monotonic)

    @property
    def rings(self) -> bool:
        return self.timer.state == "ringing"

    def remaining_s(self) -> float:
        """Seconds until it rings, at least 0."""
        if self.timer.state != "running":
            return max(0.0, self.timer.remaining_s)
        moment = self.moment
        if moment is not None:
            return max(0.0, (moment - datetime.now(UTC)).total_seconds())
        return max(0.0, self.timer.remaining_s - (time.monotonic() - self.heard_at))

    @property
    def moment(self) -> datetime | None:
        """When it rings, aware; None: it is paused, or what it said is no time."""
        try:
            moment = datetime.fromisoformat(self.timer.ends_at or "")
        except ValueError:
            return None
        return moment if moment.tzinfo is not None else None

    @property
    def share_left(self) -> float:
        """0..1 of its length."""
        return min(1.0, self.remaining_s() / self.timer.duration_s) if self.timer.duration_s > 0 else 0.0

    @property
    def name(self) -> str:
        """"pasta", "timer", "feed the cat"."""
        return fit(self.timer.name or self.timer.kind)


class HouseStores:
    """Kept up to date by `take`."""

    def __init__(self) -> None:
        self.timers: dict[str, Running] = {}
        self.lists: dict[str, ListChanged] = {}

    def take(self, topic: str, payload: bytes) -> bool:
        """One message of ours. Returns: whether something is otherwise than before; what is malformed is not."""
        prefix, _, key = topic.rpartition("/")
        if prefix == topics.LIST:
            return self._take_list(key, payload)
        return prefix in PREFIXES and self._take_timer(key, payload)

    def soonest(self) -> list[Running]:
        """What rings first, first; what rings now before all."""
        return sorted(self.timers.values(), key=lambda each: (not each.rings, each.timer.state != "running", each.remaining_s()))

    def _take_timer(self, key: str, payload: bytes) -> bool:
        if not payload:
            return self.timers.pop(key, None) is not None
        try:
            timer = TimerChanged.from_dict(json.loads(payload))
        except (BadEvent, ValueError, RecursionError):
            return False
        if timer.state in ("gone", "missed"):
            return self.timers.pop(key, None) is not None
        if key in self.timers or len(self.timers) < MAX_KEPT:
            self.timers[key] = Running(key, timer)
        return True

    def _take_list(self, key: str, payload: bytes) -> bool:
        if not payload:
            return self.lists.pop(key, None) is not None
        try:
            data = json.loads(payload)
            changed = ListChanged.from_dict({"slug": key, **data} if isinstance(data, dict) else data)
        except (BadEvent, ValueError, RecursionError):
            return False
        if key in self.lists or len(self.lists) < MAX_KEPT:
            self.lists[key] = replace(changed, items=changed.items[:MAX_KEPT])
        return True
