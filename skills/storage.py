"""The skills' own state on disk: one SQLite file in WAL mode, its schema a list of numbered migrations.

What was committed survives `kill -9` and a power cut (`synchronous=FULL`). Writes are few and small, so they are made
on the event loop; nothing here is for other threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Each is run once, in order, and never edited after it has shipped: change the schema by adding one at the end.
MIGRATIONS: tuple[str, ...] = (
    # Timers, alarms and reminders. Times are Unix seconds; `ends_at` is NULL while paused, `remaining_s` unless paused.
    """CREATE TABLE timers (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT, area TEXT, speaker TEXT, state TEXT NOT NULL,
        duration_s REAL NOT NULL, ends_at REAL, remaining_s REAL, rang_at REAL
    ) STRICT""",
    # Commands for later. `slots` and `recent` are JSON.
    """CREATE TABLE later (
        id TEXT PRIMARY KEY, intent TEXT NOT NULL, slots TEXT NOT NULL, due_at REAL NOT NULL, text TEXT NOT NULL,
        area TEXT, via TEXT NOT NULL, speaker TEXT, recent TEXT NOT NULL, recent_area TEXT
    ) STRICT""",
    # Lists and what is on them.
    "CREATE TABLE lists (slug TEXT PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL) STRICT",
    """CREATE TABLE list_items (
        id INTEGER PRIMARY KEY, list TEXT NOT NULL REFERENCES lists (slug) ON DELETE CASCADE,
        summary TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('needs_action', 'completed'))
    ) STRICT""",
    # What follows the clock on the wall: `wall` is its moment there (ISO 8601 without a zone), `repeat` a rule of RFC 5545.
    "ALTER TABLE timers ADD COLUMN wall TEXT",
    "ALTER TABLE timers ADD COLUMN repeat TEXT",
    "ALTER TABLE timers ADD COLUMN snoozed INTEGER NOT NULL DEFAULT 0",
    # How long before its moment it rings; NULL: never, it only stands in the calendar.
    "ALTER TABLE timers ADD COLUMN lead_s REAL DEFAULT 0",
    "ALTER TABLE timers ADD COLUMN uid TEXT",         # of an event that came from an iCalendar file
    "ALTER TABLE timers ADD COLUMN session TEXT",     # the conversation it was set in: the satellite that rings
    "ALTER TABLE timers ADD COLUMN made_at REAL NOT NULL DEFAULT 0",
    "CREATE INDEX timers_by_end ON timers (state, ends_at)",
    # `elapsed`: due after a length of time, not at a time of day.
    "ALTER TABLE later ADD COLUMN elapsed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE later ADD COLUMN session TEXT",
    "ALTER TABLE later ADD COLUMN made_at REAL NOT NULL DEFAULT 0",
    # One row: the clock on the wall beside one that nobody sets, and the zone, when they were last compared.
    "CREATE TABLE anchor (id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT, steady_s REAL, wall_s REAL, zone TEXT) STRICT",
    # States that Ingle's own commands caused. `cause` is JSON (app/causes.py).
    """CREATE TABLE caused (
        id INTEGER PRIMARY KEY, entity_id TEXT NOT NULL, before TEXT, state TEXT, at REAL NOT NULL, cause TEXT NOT NULL
    ) STRICT""",
    # The time of day, as the clock showed it, for which a routine ran last.
    "CREATE TABLE routine_runs (name TEXT PRIMARY KEY, wall TEXT NOT NULL) STRICT",
    # `begun`: it is being done; what is still there after a restart may or may not have been.
    "ALTER TABLE later ADD COLUMN begun INTEGER NOT NULL DEFAULT 0",
    # What people like. `slots` is JSON; of one key the newest counts.
    """CREATE TABLE preferences (
        id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, key TEXT NOT NULL, intent TEXT NOT NULL, slots TEXT NOT NULL
    ) STRICT""",
)


class StorageError(Exception):
    """The file cannot be used: the message names it and the cure."""


def open_database(
    path: Path | str, migrations: Sequence[str] = MIGRATIONS, *, lossy: bool = False
) -> sqlite3.Connection:
    """Open or create the file and bring its schema up to date. `":memory:"` keeps everything in memory.

    Args:
        lossy: a power cut may cost the newest transactions (never the file): for what is written often.
    Raises: StorageError: not writable, not a database, or written by a newer version.
    """
    try:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        # isolation_level None: transactions begin and end where `transaction` says, not where the module guesses
        database = sqlite3.connect(path, isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'NORMAL' if lossy else 'FULL'}")
        database.execute("PRAGMA foreign_keys = ON")
        _migrate(database, migrations, str(path))
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{path} cannot be used: {error}. Move it away to start afresh, or set data_dir.") from error
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of the block is committed, or none of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _migrate(database: sqlite3.Connection, migrations: Sequence[str], path: str) -> None:
    done: int = database.execute("PRAGMA user_version").fetchone()[0]
    if done > len(migrations):
        raise StorageError(f"{path} was written by a newer version of Ingle: update Ingle, or move the file away.")
    for number, statement in enumerate(migrations[done:], start=done + 1):
        with transaction(database):
            database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
