"""The record of what was decided and of what left the house: JSON lines, each bound to the one before by a hash.

    audit = Audit(data_dir / "audit")
    audit.write("sent", turn="4f…", body="…", url="…")      # on disk when it returns
    for entry in audit.entries(): ...
    audit.verify()

Only ever appended to; a file that is full is set aside and the next goes on with its chain. A line that a power cut or
`kill -9` left unfinished was never promised: it is cut off at the next start, and the record says so. Several processes may
write: each appends under a lock. Nothing secret belongs in here; whoever writes sees to that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ACTIVE: Final = "audit.jsonl"
HEAD: Final = "audit.head"              # number and hash of the last entry: a record cut short at its end is noticed
FULL_BYTES: Final = 1 << 20             # of a file
FILES_KEPT: Final = 20                  # full ones; the oldest goes
GENESIS: Final = "0" * 64
TAIL_BYTES: Final = 1 << 18             # no entry is longer: see `MAX_ENTRY_BYTES`
MAX_ENTRY_BYTES: Final = 1 << 17


class AuditError(Exception):
    """The record cannot be kept, or is not what was written: one line that says where."""


@dataclass(frozen=True)
class Entry:
    """One line. `facts` are what was written, without the chain's own fields."""

    number: int
    at: str                             # ISO 8601, UTC
    kind: str                           # decision, sent, received, failed, limit, recovered
    facts: dict[str, Any]
    hash: str


def _utc() -> datetime:
    return datetime.now(UTC)


class Audit:
    """The record in one folder. Raises: AuditError: it cannot be read or written there."""

    def __init__(
        self, folder: Path, *, full_bytes: int = FULL_BYTES, files_kept: int = FILES_KEPT,
        clock: Callable[[], datetime] = _utc,
    ) -> None:
        self._folder = folder
        self._full_bytes, self._files_kept, self._clock = full_bytes, files_kept, clock
        self._lock = threading.Lock()
        self._seen: tuple[int, int] = (-1, -1)      # inode and size of the file as we left it
        self._number, self._hash = 0, GENESIS
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise AuditError(f"{folder}: {error.strerror}: the record of what leaves cannot be kept") from None

    # writing

    def write(self, kind: str, *, durable: bool = True, **facts: Any) -> int:
        """Append an entry. Returns: its number.

        Args: durable: a power cut cannot take it any more when this returns; else only a crash of ours cannot.
        Raises: AuditError: it was not written: what it tells of must not happen.
        """
        with self._lock:
            try:
                return self._append(kind, durable, facts)
            except OSError as error:
                raise AuditError(f"{self._folder / ACTIVE}: {error.strerror}") from None

    def _append(self, kind: str, durable: bool, facts: dict[str, Any]) -> int:
        with self._opened() as file:
            self._catch_up(file)
            if os.fstat(file).st_size >= self._full_bytes:
                self._rotate(file)
                return self._append_anew(kind, durable, facts)
            return self._put(file, kind, durable, facts)

    def _append_anew(self, kind: str, durable: bool, facts: dict[str, Any]) -> int:
        with self._opened() as file:
            return self._put(file, kind, durable, facts)

    def _put(self, file: int, kind: str, durable: bool, facts: dict[str, Any]) -> int:
        number = self._number + 1
        entry = {"n": number, "at": self._clock().isoformat(timespec="milliseconds"), "kind": kind, **facts, "prev": self._hash}
        digest = _digest(entry)
        line = json.dumps({**entry, "hash": digest}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        if len(line) > MAX_ENTRY_BYTES:
            raise AuditError(f"an entry of {len(line)} bytes is too long for the record")
        written = os.write(file, line)
        if written != len(line):        # the disk is full: take the piece away again
            os.ftruncate(file, os.fstat(file).st_size - written)
            raise AuditError(f"{self._folder / ACTIVE}: no room left")
        self._number, self._hash = number, digest
        if durable:
            os.fsync(file)
            self._note_head()           # never before what it speaks of is on disk
        self._remember(file)
        return number

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The active file, locked against other processes where the system has such locks."""
        while True:
            file = os.open(self._folder / ACTIVE, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _lock(file)
                if _is_still(self._folder / ACTIVE, file):      # not set aside by another while we waited
                    yield file
                    return
            finally:
                os.close(file)

    def _catch_up(self, file: int) -> None:
        """Know the chain's end: ours as we left it, or what another process or life made of it."""
        status = os.fstat(file)
        if self._seen == (status.st_ino, status.st_size):
            return
        torn = self._cut_torn_tail(file)
        last = _last_line(file) or self._last_of_full_files()
        self._number, self._hash = (last["n"], last["hash"]) if last is not None else (0, GENESIS)
        if torn:
            self._put(file, "recovered", True, {"dropped_bytes": torn})

    def _cut_torn_tail(self, file: int) -> int:
        size = os.fstat(file).st_size
        tail = os.pread(file, TAIL_BYTES, max(0, size - TAIL_BYTES))
        torn = len(tail) - (tail.rfind(b"\n") + 1)
        if torn:
            os.ftruncate(file, size - torn)
        return torn

    def _last_of_full_files(self) -> dict[str, Any] | None:
        for path in reversed(self._full_files()):
            with path.open("rb") as file:
                if (last := _last_line(file.fileno())) is not None:
                    return last
        return None

    def _rotate(self, file: int) -> None:
        """Set the full file aside under the number of its last entry, and let the oldest go."""
        os.fsync(file)
        os.rename(self._folder / ACTIVE, self._folder / f"audit-{self._number:012d}.jsonl")
        for path in self._full_files()[: -self._files_kept]:
            path.unlink()

    def _note_head(self) -> None:
        """A hint, replaced whole; it may lag behind the record after a crash, never lead it."""
        new = self._folder / f"{HEAD}.{os.getpid()}"
        new.write_text(f"{self._number} {self._hash}\n", encoding="ascii")
        os.replace(new, self._folder / HEAD)

    def _remember(self, file: int) -> None:
        status = os.fstat(file)
        self._seen = (status.st_ino, status.st_size)

    # reading

    def entries(self) -> Iterator[Entry]:
        """All of them, oldest first; an unfinished last line is passed over. Raises: AuditError: one that is no entry."""
        for path, number, line in self._lines():
            yield _entry(line, f"{path.name}:{number}")

    def verify(self) -> int:
        """Check the whole chain. Returns: how many entries. Raises: AuditError: the first place that is not as written."""
        count, before = 0, None
        for path, number, line in self._lines():
            where = f"{path.name}:{number}"
            entry, data = _entry(line, where), _parsed(line, where)
            if _digest({key: value for key, value in data.items() if key != "hash"}) != entry.hash:
                raise AuditError(f"{where}: entry {entry.number} was changed after it was written")
            first = before is None and self._has_lost_files(entry)
            if before is None and not first and (entry.number, data["prev"]) != (1, GENESIS):
                raise AuditError(f"{where}: the record begins with entry {entry.number}; what was before is missing")
            if before is not None and (entry.number, data["prev"]) != (before.number + 1, before.hash):
                raise AuditError(f"{where}: entry {entry.number} does not follow entry {before.number}")
            count, before = count + 1, entry
        self._verify_head(before)
        return count

    def _has_lost_files(self, first: Entry) -> bool:
        """Whether older files went because there were enough: then the record may begin in the middle."""
        return len(self._full_files()) >= self._files_kept and first.number > 1

    def _verify_head(self, last: Entry | None) -> None:
        try:
            number, digest = (self._folder / HEAD).read_text(encoding="ascii").split()
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            raise AuditError(f"{HEAD} cannot be read") from None
        if not number.isdigit() or last is None or int(number) > last.number:
            raise AuditError(f"the record ends with entry {last.number if last else 0}, but entry {number} was written")
        if int(number) == last.number and digest != last.hash:
            raise AuditError(f"entry {number} is not the one that was written")

    def _lines(self) -> Iterator[tuple[Path, int, bytes]]:
        active = self._folder / ACTIVE
        for path in (*self._full_files(), *([active] if active.exists() else [])):
            try:
                with path.open("rb") as file:
                    for number, line in enumerate(file, start=1):
                        if line.endswith(b"\n") or path != active:
                            yield path, number, line
            except OSError as error:
                raise AuditError(f"{path}: {error.strerror}") from None

    def _full_files(self) -> list[Path]:
        return sorted(self._folder.glob("audit-*.jsonl"))


def _digest(entry: dict[str, Any]) -> str:
    """Of the entry without its `hash`, as JSON with sorted keys; it covers `prev`, and so all that was before."""
    text = json.dumps(entry, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        data = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise AuditError(f"{where}: not a line of the record") from None
    keys = {"n": int, "at": str, "kind": str, "prev": str, "hash": str}
    if not isinstance(data, dict) or any(not isinstance(data.get(key), kind) for key, kind in keys.items()):
        raise AuditError(f"{where}: not a line of the record")
    return data


def _entry(line: bytes, where: str) -> Entry:
    data = _parsed(line, where)
    own = ("n", "at", "kind", "prev", "hash")
    facts = {key: value for key, value in data.items() if key not in own}
    return Entry(number=data["n"], at=data["at"], kind=data["kind"], facts=facts, hash=data["hash"])


def _last_line(file: int) -> dict[str, Any] | None:
    size = os.fstat(file).st_size
    tail = os.pread(file, TAIL_BYTES, max(0, size - TAIL_BYTES)).splitlines()
    return _parsed(tail[-1], "the last line") if tail else None


def _is_still(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except OSError:
        return False


def _lock(file: int) -> None:
    """Let go of when the file is closed."""
    try:
        import fcntl
    except ImportError:                 # not POSIX
        return
    fcntl.flock(file, fcntl.LOCK_EX)
