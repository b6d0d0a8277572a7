"""The disk as updates change it: a few operations, all of which go through here.

So a test can stop the machine at each of them (`faults.FaultyDisk`). Nothing is durable before it is synced: a file's bytes by
`sync`, a name in a folder (made, renamed, removed) by `sync_folder`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Disk:
    """Each method is one operation, whole or torn by a power cut. Raises: OSError."""

    def make_folder(self, path: Path) -> None:
        """Make a folder, which may be there already; its parent must be."""
        path.mkdir(exist_ok=True)

    def write(self, path: Path, data: bytes | memoryview, *, at: int = 0) -> None:
        """Put bytes into a file, which is made where there is none."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data).cast("B")
            while view:
                done = os.pwrite(descriptor, view, at)
                view, at = view[done:], at + done
        finally:
            os.close(descriptor)

    def truncate(self, path: Path, n_bytes: int) -> None:
        os.truncate(path, n_bytes)

    def rename(self, old: Path, new: Path) -> None:
        """The new name is the old file or, after a power cut, what it was before: never something between."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync(self, path: Path) -> None:
        """Return when the file's bytes are on the medium."""
        _sync(path, os.O_RDONLY)

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's names are on the medium."""
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def write_whole(self, path: Path, data: bytes) -> None:
        """Replace a file, wholly or not at all; durable on return."""
        part = path.with_name(path.name + ".new")
        self.remove(part)
        self.write(part, data)
        self.sync(part)
        self.rename(part, path)
        self.sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time, which waits for the others; the lock goes with the process. Raises: OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
