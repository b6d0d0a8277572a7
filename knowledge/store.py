"""The household's knowledge on disk: one SQLite file in WAL mode with documents, passages, their vectors and a word index.

A document comes in, changes and goes in one transaction, with all that belongs to it: whatever kills the process, it is
there as a whole or not at all. What is deleted is overwritten (`secure_delete`) and leaves the log and the word index too.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .errors import StoreError, WrongModel
from .passages import Chunk, DocumentInfo, Kind, Passage, Source

I8 = npt.NDArray[np.int8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

BUSY_TIMEOUT_S: Final = 10.0
PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "cache_size = -2000")
COUNTED: Final = 2_000          # passages with a word: beyond that it is common, and more exact does not matter
MANY: Final = 500               # ids in one query

# Each is run once, in order, and never edited after it has shipped: change the schema by adding one at the end.
MIGRATIONS: Final[tuple[str, ...]] = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    # Times are Unix seconds. `digest` is that of the file's bytes, with which it is known whether it changed.
    """CREATE TABLE documents (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL CHECK (kind IN ('file', 'note')), title TEXT NOT NULL,
        location TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, area TEXT, speaker TEXT, private INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL, modified_at REAL NOT NULL
    ) STRICT""",
    # `context` is what stands above the text (title and headings): it is searched too, but not quoted.
    """CREATE TABLE passages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
        position INTEGER NOT NULL, key TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER, context TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX passages_of_document ON passages (document_id, position)",
    # `bits`: the signs of the vector, all that is held in memory of a large store. Small rows, read at every start.
    """CREATE TABLE codes (
        passage_id INTEGER PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE, bits BLOB NOT NULL
    ) STRICT""",
    # int8, of any length: only their direction counts. `sentences`: one vector after the other, one a line of the text.
    """CREATE TABLE vectors (
        passage_id INTEGER PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE, vector BLOB NOT NULL, sentences BLOB NOT NULL
    ) STRICT""",
    """CREATE VIRTUAL TABLE words USING fts5 (
        context, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER words_of_new AFTER INSERT ON passages BEGIN
        INSERT INTO words (rowid, context, text) VALUES (new.id, new.context, new.text);
    END""",
    """CREATE TRIGGER words_of_gone AFTER DELETE ON passages BEGIN
        INSERT INTO words (words, rowid, context, text) VALUES ('delete', old.id, old.context, old.text);
    END""",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row)",
    # int8, one row a token of context and text: what the reader reads. Made by the reader whose version is in `meta`.
    """CREATE TABLE tokens (
        passage_id INTEGER PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE, states BLOB NOT NULL
    ) STRICT""",
)


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """What is stored of a passage's meaning."""

    bits: bytes                 # the signs of `vector`
    vector: bytes               # int8
    sentences: bytes            # int8, one vector a line of the text
    tokens: bytes               # int8, one row a token of context and text, as `Reader.project` makes them


@dataclass(frozen=True, kw_only=True)
class NewPassage:
    """A passage as it goes in: with vectors, or with the id of the same passage that is there already."""

    chunk: Chunk
    key: str
    context: str
    vectors: Vectors | None = None
    id: int | None = None


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    kind: Kind
    title: str
    location: str
    digest: str
    modified_at: float
    area: str | None = None
    speaker: str | None = None
    private: bool = False


@dataclass(frozen=True)
class Known:
    """A document that is there."""

    id: int
    digest: str
    private: bool
    modified_at: float


@dataclass(frozen=True)
class Codes:
    """All passages' signs, for the index. The same row of each array is the same passage."""

    ids: I64                    # (n,), ascending
    bits: U64                   # (n, n_embd / 64)
    private: npt.NDArray[np.bool_]


class Changed(Exception):
    """Another process changed the document meanwhile; nothing was written: read it again."""


class Store:
    """One open file. Not for several threads at once: `Knowledge` sees to that."""

    def __init__(self, path: Path | str, *, model: str, n_embd: int, reader: str) -> None:
        """Open or create. What another version of the reader made is dropped: `without_vectors` names it.

        Raises: StoreError; WrongModel: its vectors were made by another encoder than `model`.
        """
        self.path = str(path)
        self.n_embd = n_embd
        self._sql = _opened(self.path)
        try:
            self._check_model(model)
            self._check_reader(reader)
        except BaseException:
            self._sql.close()
            raise

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block is committed, or none of it. Raises: StoreError: disk full, locked, damaged."""
        try:
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with contextlib.suppress(sqlite3.Error):    # the error that led here is the one to tell
                    self._sql.execute("ROLLBACK")
                raise
            self._sql.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} was not changed: {error}") from None

    def _check_model(self, model: str) -> None:
        known = self.meta("model")
        if known is None:
            with self.transaction():
                self._sql.execute("INSERT OR IGNORE INTO meta VALUES ('model', ?)", (model,))
        elif known != model:
            raise WrongModel(f"{self.path} was embedded by {known}, the encoder here is {model}: "
                             "use that one, or run `ingle knowledge reindex`")

    def _check_reader(self, version: str) -> None:
        if self.meta("reader") == version:
            return
        with self.transaction():
            self._sql.execute("DELETE FROM tokens")
            self._sql.execute("INSERT OR REPLACE INTO meta VALUES ('reader', ?)", (version,))

    def meta(self, key: str) -> str | None:
        row = self._sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    @property
    def version(self) -> tuple[int, int]:
        """Differs from what it was whenever anything was changed, here or by another process."""
        return self._sql.execute("PRAGMA data_version").fetchone()[0], self._sql.total_changes

    # documents

    def documents(self, *, kind: Kind | None = None) -> list[DocumentInfo]:
        """Newest first; notes with their text."""
        rows = self._sql.execute(
            """SELECT d.*, count(p.id) AS n,
                      CASE d.kind WHEN 'note' THEN group_concat(p.text, char(10)) ELSE '' END AS text
               FROM documents d LEFT JOIN passages p ON p.document_id = d.id
               WHERE ?1 IS NULL OR d.kind = ?1 GROUP BY d.id ORDER BY d.added_at DESC, d.id DESC""", (kind,))
        return [DocumentInfo(
            id=row["id"], kind=row["kind"], title=row["title"], location=row["location"], passages=row["n"],
            added_at=row["added_at"], modified_at=row["modified_at"], area=row["area"], speaker=row["speaker"],
            private=bool(row["private"]), text=row["text"] or "",
        ) for row in rows]

    def known(self, location: str) -> Known | None:
        """What was taken in from there."""
        sql = "SELECT id, digest, private, modified_at FROM documents WHERE location = ?"
        row = self._sql.execute(sql, (location,)).fetchone()
        return None if row is None else Known(row["id"], row["digest"], bool(row["private"]), row["modified_at"])

    def keys(self, document_id: int) -> dict[str, list[int]]:
        """The passages of a document by their key."""
        found: dict[str, list[int]] = {}
        for row in self._sql.execute("SELECT id, key FROM passages WHERE document_id = ? ORDER BY position", (document_id,)):
            found.setdefault(row["key"], []).append(row["id"])
        return found

    def put(self, document: NewDocument, passages: Sequence[NewPassage], *, was: str | None, now: float) -> int:
        """Take a document in, or its new state, as a whole. Returns: its id.

        Args: was: the digest that was there when its passages were compared; None: it was not there.
        Raises: Changed, StoreError.
        """
        with self.transaction():
            known = self.known(document.location)
            if (None if known is None else known.digest) != was:
                raise Changed
            row = (document.kind, document.title, document.digest, document.area, document.speaker, document.private,
                   document.modified_at, document.location)
            if known is None:
                made = self._sql.execute(
                    """INSERT INTO documents (kind, title, digest, area, speaker, private, modified_at, location, added_at)
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""", (*row, now))
                document_id = int(made.lastrowid or 0)
            else:
                document_id = known.id
                self._sql.execute("""UPDATE documents SET kind = ?, title = ?, digest = ?, area = ?, speaker = ?, private = ?,
                                     modified_at = ? WHERE location = ?""", row)
            self._put_passages(document_id, passages)
        return document_id

    def _put_passages(self, document_id: int, passages: Sequence[NewPassage]) -> None:
        kept = {passage.id for passage in passages if passage.id is not None}
        there = {row["id"] for row in self._sql.execute("SELECT id FROM passages WHERE document_id = ?", (document_id,))}
        if kept - there:
            raise Changed
        self._sql.executemany("DELETE FROM passages WHERE id = ?", [(gone,) for gone in there - kept])
        for position, passage in enumerate(passages):
            if passage.id is not None:
                self._sql.execute("UPDATE passages SET position = ? WHERE id = ?", (position, passage.id))
                continue
            chunk = passage.chunk
            made = self._sql.execute(
                """INSERT INTO passages (document_id, position, key, heading, page, context, text)
                   VALUES (?, ?, ?, ?, ?, ?, ?)""",
                (document_id, position, passage.key, chunk.heading, chunk.page, passage.context, chunk.text))
            if passage.vectors is not None:
                self._put_vectors(int(made.lastrowid or 0), passage.vectors)

    def _put_vectors(self, passage_id: int, vectors: Vectors) -> None:
        self._sql.execute("INSERT OR REPLACE INTO codes VALUES (?, ?)", (passage_id, vectors.bits))
        self._sql.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", (passage_id, vectors.vector, vectors.sentences))
        self._sql.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?)", (passage_id, vectors.tokens))

    def remove(self, document_ids: Iterable[int]) -> int:
        """Delete documents with all that is known of them, for good. Returns: how many there were."""
        with self.transaction():
            removed = sum(self._sql.execute("DELETE FROM documents WHERE id = ?", (each,)).rowcount for each in document_ids)
        if removed:
            self._forget_traces()
        return removed

    def _forget_traces(self) -> None:
        """Rewrite the word index, in which deleted words may linger, and empty the log."""
        with self.transaction():
            self._sql.execute("INSERT INTO words (words) VALUES ('optimize')")
        with contextlib.suppress(sqlite3.OperationalError):     # another process reads just now: its checkpoint does it
            self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def set_private(self, document_id: int, private: bool) -> None:
        with self.transaction():
            self._sql.execute("UPDATE documents SET private = ? WHERE id = ?", (private, document_id))

    # what the index and the answers read

    def codes(self) -> Codes:
        """The signs of all vectors; a row of a wrong size counts as missing."""
        n_bytes = self.n_embd // 8
        rows = self._sql.execute(
            """SELECT c.passage_id, c.bits, d.private FROM codes c JOIN passages p ON p.id = c.passage_id
               JOIN documents d ON d.id = p.document_id WHERE length(c.bits) = ? ORDER BY c.passage_id""", (n_bytes,))
        ids: list[int] = []
        bits = bytearray()
        private: list[int] = []
        for passage_id, code, is_private in rows:
            ids.append(passage_id)
            bits += code
            private.append(is_private)
        return Codes(np.array(ids, np.int64), np.frombuffer(bytes(bits), np.uint64).reshape(-1, n_bytes // 8),
                     np.array(private, np.bool_))

    def vectors(self, ids: Sequence[int]) -> I8:
        """(len(ids), n_embd); zeros for an id without one."""
        found = np.zeros((len(ids), self.n_embd), np.int8)
        place = {passage_id: row for row, passage_id in enumerate(ids)}
        for passage_id, blob in self._select("SELECT passage_id, vector FROM vectors WHERE passage_id", ids):
            if len(blob) == self.n_embd:
                found[place[passage_id]] = np.frombuffer(blob, np.int8)
        return found

    def sentence_vectors(self, ids: Sequence[int]) -> dict[int, I8]:
        """(n_sentences, n_embd) for each passage."""
        rows = self._select("SELECT passage_id, sentences FROM vectors WHERE passage_id", ids)
        return {passage_id: np.frombuffer(blob[: len(blob) // self.n_embd * self.n_embd], np.int8).reshape(-1, self.n_embd)
                for passage_id, blob in rows}

    def tokens(self, ids: Sequence[int], width: int) -> dict[int, I8]:
        """(n_tokens, width) for each passage."""
        rows = self._select("SELECT passage_id, states FROM tokens WHERE passage_id", ids)
        return {passage_id: np.frombuffer(blob[: len(blob) // width * width], np.int8).reshape(-1, width)
                for passage_id, blob in rows}

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Passages with their sources, by id."""
        columns = "p.id, p.heading, p.page, p.text, p.document_id, d.kind, d.title, d.location, d.area, d.speaker, d.private, " \
                  "d.added_at, d.modified_at"
        rows = self._select(f"SELECT {columns} FROM passages p JOIN documents d ON d.id = p.document_id WHERE p.id", ids)
        return {row["id"]: Passage(id=row["id"], text=row["text"], source=_source(row)) for row in rows}

    def passages_of(self, document_id: int) -> list[Chunk]:
        rows = self._sql.execute(
            "SELECT heading, page, text FROM passages WHERE document_id = ? ORDER BY position", (document_id,))
        return [Chunk(text=row["text"], heading=row["heading"], page=row["page"]) for row in rows]

    def by_words(self, query: str, k: int, *, with_private: bool) -> list[tuple[int, float]]:
        """(passage id, BM25, higher is better) of an FTS5 query, best first; an empty one finds nothing."""
        if not query:
            return []
        if with_private:
            sql = "SELECT rowid, bm25(words, 1.0, 1.0) FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
        else:
            sql = """SELECT w.rowid, bm25(words, 1.0, 1.0) FROM words w JOIN passages p ON p.id = w.rowid
                     JOIN documents d ON d.id = p.document_id WHERE words MATCH ? AND NOT d.private ORDER BY w.rank LIMIT ?"""
        return [(row[0], -row[1]) for row in self._sql.execute(sql, (query, k))]

    def count(self, word: str) -> int:
        """In how many passages a word stands, in any of its forms; not counted beyond `COUNTED`."""
        return self._matching(f'"{word}"')

    def count_phrase(self, *parts: str) -> int:
        """In how many passages words stand one after the other."""
        return self._matching('"' + " ".join(parts) + '"')

    def _matching(self, query: str) -> int:
        sql = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
        return int(self._sql.execute(sql, (query, COUNTED)).fetchone()[0])

    def terms(self, prefix: str, least: int, most: int) -> list[tuple[str, int]]:
        """(stem, passages) of the stems that begin like this, with a length from `least` to `most`."""
        rows = self._sql.execute("SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ?",
                                 (prefix, prefix + "\U0010ffff", least, most))
        return [(row[0], row[1]) for row in rows]

    @property
    def n_passages(self) -> int:
        return int(self._sql.execute("SELECT count(*) FROM passages").fetchone()[0])

    def _select(self, sql: str, ids: Sequence[int]) -> Iterator[sqlite3.Row]:
        for first in range(0, len(ids), MANY):
            part = [int(each) for each in ids[first : first + MANY]]
            yield from self._sql.execute(f"{sql} IN ({','.join('?' * len(part))})", part)

    # care

    def damage(self) -> list[str]:
        """What is wrong with the file; empty: nothing. Reads all of it."""
        try:
            found = [str(row[0]) for row in self._sql.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        except sqlite3.DatabaseError as error:
            return [str(error)]
        try:
            with self.transaction():
                self._sql.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        except StoreError:
            found.append("the word index does not match the passages")
        return found

    def without_vectors(self) -> list[tuple[int, str, str]]:
        """(id, context, text) of passages whose vectors are missing or broken."""
        rows = self._sql.execute(
            """SELECT p.id, p.context, p.text FROM passages p LEFT JOIN codes c ON c.passage_id = p.id
               LEFT JOIN vectors v ON v.passage_id = p.id LEFT JOIN tokens t ON t.passage_id = p.id
               WHERE c.bits IS NULL OR length(c.bits) != ?1 / 8 OR v.vector IS NULL OR length(v.vector) != ?1
                  OR t.states IS NULL""", (self.n_embd,))
        return [(row[0], row[1], row[2]) for row in rows]

    def rebuild_words(self) -> None:
        with self.transaction():
            self._sql.execute("INSERT INTO words (words) VALUES ('rebuild')")

    def put_vectors(self, vectors: Mapping[int, Vectors]) -> None:
        """For passages that are there; those gone meanwhile are passed over."""
        with self.transaction():
            there = {row["id"] for row in self._select("SELECT id FROM passages WHERE id", list(vectors))}
            for passage_id in there:
                self._put_vectors(passage_id, vectors[passage_id])


def drop_vectors(path: Path | str) -> None:
    """Forget which encoder made the vectors, and the vectors: the next start makes them again. Raises: StoreError."""
    sql = _opened(str(path))
    try:
        sql.execute("BEGIN IMMEDIATE")
        for table in ("vectors", "codes", "tokens", "meta"):
            sql.execute(f"DELETE FROM {table}")
        sql.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"{path} was not changed: {error}") from None
    finally:
        sql.close()


def _opened(path: str) -> sqlite3.Connection:
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        # isolation_level None: transactions begin and end where `transaction` says, not where the module guesses
        sql = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        sql.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            sql.execute(f"PRAGMA {pragma}")
        _migrate(sql, path)
        # newer SQLites can overwrite deleted words in the word index at once (3.42); `_forget_traces` is for the others
        with contextlib.suppress(sqlite3.OperationalError):
            sql.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path} cannot be used: {error}. Move it away to start afresh, or set data_dir.") from None
    return sql


def _migrate(sql: sqlite3.Connection, path: str) -> None:
    done: int = sql.execute("PRAGMA user_version").fetchone()[0]
    if done > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a newer version of Ingle: update Ingle, or move the file away.")
    if done == len(MIGRATIONS):
        return
    sql.execute("BEGIN IMMEDIATE")
    done = sql.execute("PRAGMA user_version").fetchone()[0]     # another process may have been quicker
    for number, statement in enumerate(MIGRATIONS[done:], start=done + 1):
        sql.execute(statement)
        sql.execute(f"PRAGMA user_version = {number}")
    sql.execute("COMMIT")


def _source(row: sqlite3.Row) -> Source:
    return Source(
        document_id=row["document_id"], kind=row["kind"], title=row["title"], location=row["location"], heading=row["heading"],
        page=row["page"], area=row["area"], speaker=row["speaker"], added_at=row["added_at"], modified_at=row["modified_at"],
        private=bool(row["private"]),
    )
