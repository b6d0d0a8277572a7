"""What happened in the home and what was asked of Ingle, on disk, bounded in time and size.

Service `turn.services["history"]`: a `HistoryStore`. The app opens it on a file of its own, tells it of every report of a state
(`changed`) and of every request (`asked`), and keeps `run` running. Changes are written together every few seconds: a power cut
costs the newest of them, never the file. What was asked is written at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .home.model import Entity
from .states import UNKNOWN, number
from .storage import transaction

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 5.0
PRUNE_EVERY_S: Final = 3600.0
READING_EVERY_S: Final = 300.0          # a sensor's readings are kept this far apart
MAX_WAITING: Final = 2_000              # changes not yet written; then they are written at once
MAX_STATE_CHARS: Final = 255            # Home Assistant's own limit
MAX_READ: Final = 5_000                 # changes that one question reads
MAX_ASKS: Final = 20_000

MIGRATIONS: Final = (
    # `at`: Unix seconds. `seen`: it was found so when Ingle began to listen; when it came to be so is not known.
    """CREATE TABLE changes (
        entity_id TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX changes_by_entity ON changes (entity_id, at)",
    "CREATE INDEX changes_by_time ON changes (at)",
    # `intents` is JSON: [{"intent", "slots", "entities"}].
    """CREATE TABLE asks (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, session TEXT, speaker TEXT, area TEXT, text TEXT NOT NULL, intents TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX asks_by_time ON asks (at)",
)


@dataclass(frozen=True)
class Change:
    """An entity came to be in `state`, or (`seen`) was found in it."""

    entity_id: str
    at: float                           # Unix seconds
    state: str
    seen: bool = False


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Something that was asked and understood."""

    at: float                           # Unix seconds
    text: str
    session: str | None = None
    speaker: str | None = None
    area: str | None = None
    intents: tuple[Mapping[str, Any], ...] = field(default=())      # {"intent", "slots", "entities"}


class HistoryStore:
    """Changes of states and what was asked.

    Args:
        database: opened with this module's `MIGRATIONS`.
        clock: aware, in the household's zone.
        days: what is older is deleted.
        max_bytes: of the file; beyond it the oldest goes first.
    """

    def __init__(
        self, database: sqlite3.Connection, *, clock: Callable[[], datetime], days: float = 30, max_bytes: int = 64_000_000
    ) -> None:
        self._database = database
        self._clock = clock
        self._days = days
        self._max_bytes = max_bytes
        self._waiting: list[Change] = []
        self._last: dict[str, tuple[str, float]] = {}       # of each entity: the newest state, and when it was kept

    # what comes in

    def changed(self, entity: Entity) -> None:
        """An entity reported a state; kept where it is another than before."""
        state = (entity.state or "")[:MAX_STATE_CHARS]
        if state in UNKNOWN or not entity.exposed:
            return
        now = self._clock().timestamp()
        seen = entity.entity_id not in self._last
        before, kept_at = self._last.get(entity.entity_id) or self._newest(entity.entity_id)
        if state == before or (_is_reading(entity) and now - kept_at < READING_EVERY_S):
            self._last.setdefault(entity.entity_id, (before, kept_at))
            return
        self._last[entity.entity_id] = (state, now)
        self._waiting.append(Change(entity.entity_id, now, state, seen))
        if len(self._waiting) >= MAX_WAITING:
            self.write()

    def asked(self, ask: Ask) -> None:
        """Something was asked."""
        with transaction(self._database) as database:
            database.execute(
                "INSERT INTO asks (at, session, speaker, area, text, intents) VALUES (?, ?, ?, ?, ?, ?)",
                (ask.at, ask.session, ask.speaker, ask.area, ask.text, json.dumps(ask.intents, ensure_ascii=False)))
            database.execute("DELETE FROM asks WHERE id <= (SELECT max(id) FROM asks) - ?", (MAX_ASKS,))

    # questions

    def changes(self, entity_ids: Iterable[str], *, since: float = 0.0, until: float | None = None) -> list[Change]:
        """Of these entities, oldest first, at most `MAX_READ`: the newest."""
        self.write()
        ids = list(entity_ids)
        marks = ", ".join("?" * len(ids))
        rows = self._database.execute(
            f"SELECT entity_id, at, state, seen FROM changes WHERE entity_id IN ({marks}) AND at >= ? AND at < ?"
            " ORDER BY at DESC, rowid DESC LIMIT ?", (*ids, since, _or_ever(until), MAX_READ))
        return _changes(rows)

    def all_changes(self, *, since: float, until: float | None = None) -> list[Change]:
        """Of all entities, oldest first, at most `MAX_READ`: the newest."""
        self.write()
        rows = self._database.execute(
            "SELECT entity_id, at, state, seen FROM changes WHERE at >= ? AND at < ? ORDER BY at DESC, rowid DESC LIMIT ?",
            (since, _or_ever(until), MAX_READ))
        return _changes(rows)

    def state_at(self, entity_id: str, at: float) -> str | None:
        """What it was in at that moment; None: not known."""
        self.write()
        row = self._database.execute(
            "SELECT state FROM changes WHERE entity_id = ? AND at <= ? ORDER BY at DESC, rowid DESC LIMIT 1", (entity_id, at)
        ).fetchone()
        return None if row is None else str(row["state"])

    def asks(
        self, *, speaker: str | None = None, since: float = 0.0, until: float | None = None, limit: int = 200
    ) -> list[Ask]:
        """What this speaker asked (None: what was asked by nobody known), newest first."""
        rows = self._database.execute(
            "SELECT * FROM asks WHERE speaker IS ? AND at >= ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?",
            (speaker, since, _or_ever(until), limit))
        return [
            Ask(at=row["at"], text=row["text"], session=row["session"], speaker=row["speaker"], area=row["area"],
                intents=tuple(json.loads(row["intents"])))
            for row in rows
        ]

    # its keeping

    async def run(self) -> None:
        """Write and delete at intervals; never returns: cancel the task to end it."""
        pruned_at = float("-inf")
        while True:
            self.write()
            now = self._clock().timestamp()
            if abs(now - pruned_at) > PRUNE_EVERY_S:
                self.prune()
                pruned_at = now
            await asyncio.sleep(WRITE_EVERY_S)

    def write(self) -> None:
        """Put what is waiting on disk; a full disk is logged, and what was waiting is lost."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            with transaction(self._database) as database:
                database.executemany(
                    "INSERT INTO changes (entity_id, at, state, seen) VALUES (?, ?, ?, ?)",
                    [(one.entity_id, one.at, one.state, int(one.seen)) for one in waiting])
        except sqlite3.Error as error:
            log.error("%d changes of states are not kept: %s", len(waiting), error)

    def prune(self) -> None:
        """Delete what is too old, and the oldest while the file is too large."""
        oldest = self._clock().timestamp() - self._days * 86400
        with transaction(self._database) as database:
            database.execute("DELETE FROM changes WHERE at < ?", (oldest,))
            database.execute("DELETE FROM asks WHERE at < ?", (oldest,))
        while self.size_bytes > self._max_bytes and self._thin():
            pass

    @property
    def size_bytes(self) -> int:
        """What is in use of the file; freed pages are used again."""
        pages, free, size = (self._pragma(name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def _thin(self) -> bool:
        """Delete the oldest tenth of the changes; False: there is nothing left to delete."""
        with transaction(self._database) as database:
            gone = database.execute(
                "DELETE FROM changes WHERE rowid IN (SELECT rowid FROM changes ORDER BY at"
                " LIMIT (SELECT max(1, count(*) / 10) FROM changes))").rowcount
        return gone > 0

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def _newest(self, entity_id: str) -> tuple[str, float]:
        row = self._database.execute(
            "SELECT state, at FROM changes WHERE entity_id = ? ORDER BY at DESC, rowid DESC LIMIT 1", (entity_id,)).fetchone()
        return ("", float("-inf")) if row is None else (str(row["state"]), float(row["at"]))


def _is_reading(entity: Entity) -> bool:
    return entity.domain == "sensor" and number(entity.state) is not None


def _or_ever(until: float | None) -> float:
    return float("inf") if until is None else until


def _changes(rows: Iterable[sqlite3.Row]) -> list[Change]:
    newest_first: Sequence[Change] = [
        Change(str(row["entity_id"]), float(row["at"]), str(row["state"]), bool(row["seen"])) for row in rows
    ]
    return list(reversed(newest_first))
