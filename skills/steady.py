"""Noticing that somebody set the clock: the time of day beside a clock that nobody can set.

A countdown counts seconds, an alarm follows the clock on the wall. So when that clock is put forward by an hour (a board without
a battery has just asked the network, somebody mended the time), what counts seconds moves with it and alarms stay. Both clocks
are kept on disk as a pair, so that a step is noticed after a restart too, as long as the machine itself was not restarted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from .moments import local
from .storage import transaction

STEP_S: Final = 2.0             # the clocks may drift this far apart before it counts as a step
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

Steady = Callable[[], tuple[str, float]]    # (which run of the machine, seconds since some moment in it)


def since_boot() -> tuple[str, float]:
    """Linux: seconds since the machine started, sleep included. Elsewhere: a clock of this process alone."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return _boot(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return _boot(), time.monotonic()


@cache
def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"process {time.time_ns()}"


@dataclass(frozen=True)
class Steps:
    """Moves what is on disk when the clock was set or the house has another time zone; all or nothing."""

    database: sqlite3.Connection
    steady: Steady | None           # None: there is nothing to compare with; only the zone is watched

    def take(self, now: datetime) -> bool:
        """Compare the clocks; True when something was moved."""
        boot, steady_s = self.steady() if self.steady is not None else ("", now.timestamp())
        wall_s, zone = now.timestamp(), str(now.tzinfo)
        row = self.database.execute("SELECT boot, steady_s, wall_s, zone FROM anchor").fetchone()
        same_boot = row is not None and row["boot"] == boot
        step_s = (wall_s - row["wall_s"]) - (steady_s - row["steady_s"]) if same_boot else 0.0
        moved = row is not None and (abs(step_s) > STEP_S or row["zone"] != zone)
        if same_boot and not moved:
            return False
        with transaction(self.database):
            if abs(step_s) > STEP_S:
                self._step(step_s)
            if row is not None and row["zone"] != zone:
                self._rezone(now, row["zone"])
            self.database.execute("INSERT OR REPLACE INTO anchor (id, boot, steady_s, wall_s, zone) VALUES (1, ?, ?, ?, ?)",
                                  (boot, steady_s, wall_s, zone))
        return moved

    def _step(self, step_s: float) -> None:
        """What counts seconds counts on."""
        self.database.execute("UPDATE timers SET ends_at = ends_at + ? WHERE wall IS NULL OR snoozed", (step_s,))
        self.database.execute("UPDATE timers SET rang_at = rang_at + ? WHERE rang_at IS NOT NULL", (step_s,))
        self.database.execute("UPDATE later SET due_at = due_at + ? WHERE elapsed", (step_s,))

    def _rezone(self, now: datetime, old: str) -> None:
        """Seven o'clock is seven o'clock here."""
        rows = self.database.execute(
            "SELECT id, wall, lead_s FROM timers WHERE wall IS NOT NULL AND NOT snoozed AND state = 'running'").fetchall()
        for row in rows:
            moment = local(now, datetime.fromisoformat(row["wall"])).timestamp() - (row["lead_s"] or 0.0)
            self.database.execute("UPDATE timers SET ends_at = ? WHERE id = ?", (moment, row["id"]))
        if (was := _zone(old)) is None:
            return
        for row in self.database.execute("SELECT id, due_at FROM later WHERE NOT elapsed").fetchall():
            moment = local(now, datetime.fromtimestamp(row["due_at"], was).replace(tzinfo=None)).timestamp()
            self.database.execute("UPDATE later SET due_at = ? WHERE id = ?", (moment, row["id"]))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):      # a mere offset has no name to find it by
        return None
