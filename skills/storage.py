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
)


class StorageError(Exception):
    """The file cannot be used: the message names it and the cure."""


def open_database(path: Path | str) -> sqlite3.Connection:
    """Open or create the file and bring its schema up to date. `":memory:"` keeps everything in memory.

    Raises: StorageError: not writable, not a database, or written by a newer version.
    """
    try:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        # isolation_level None: transactions begin and end where `transaction` says, not where the module guesses
        database = sqlite3.connect(path, isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        _migrate(database, MIGRATIONS, str(path))
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
