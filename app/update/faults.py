"""Power cuts at every operation of updates, in the manner of MCUboot's simulator: what is left must start, and go on.

`FaultyDisk` is the disk, and remembers what is durable. A cut leaves, by its `Variant`, what of the unsynced operations
happened to reach the medium: none, all, all but torn in the middle of the last write, names without their bytes, or bytes
without their names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Final

from .disk import Disk

DIRT: Final = 0xA5          # what an unwritten block reads as


class PowerCut(BaseException):
    """The machine is off. No handler of ours may think otherwise: it is no Exception."""


class Variant(Enum):
    """What became of operations that were not synced."""

    NOTHING = "nothing was written"
    EVERYTHING = "everything was written"
    TORN = "the last write is torn"
    NAMES_ONLY = "names were written, bytes were not"
    BYTES_ONLY = "bytes were written, names were not"
    EVERY_OTHER = "every other operation was written"
    DIRTY = "sizes were written, bytes are noise"


@dataclass
class _File:
    """Bytes now, and on the medium."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[tuple[int, bytes]] = field(default_factory=list)      # writes; (size, b"") with a negative size truncates


_Name = tuple[Path, "_File | None"]


class CalmDisk(Disk):
    """A disk whose power does not go: it need not wait for the medium."""

    def sync(self, path: Path) -> None: ...

    def sync_folder(self, path: Path) -> None: ...


class FaultyDisk(Disk):
    """A real folder whose power goes at operation number `stop_at`, from 0. What is durable is only kept account of."""

    def __init__(self, folder: Path, stop_at: int) -> None:
        self.folder = folder
        self.stop_at = stop_at
        self.n_operations = 0
        self._off = False
        self._names: dict[Path, _File] = {path: _File(bytearray(path.read_bytes()), path.read_bytes())
                                          for path in folder.rglob("*") if path.is_file()}
        self._durable = dict(self._names)
        self._pending: list[_Name] = []         # changes of names
        self._folders = {path for path in folder.rglob("*") if path.is_dir()}
        self._durable_folders = set(self._folders)

    # the operations

    def make_folder(self, path: Path) -> None:
        self._point()
        super().make_folder(path)
        self._folders.add(path)

    def write(self, path: Path, data: bytes | memoryview, *, at: int = 0) -> None:
        self._point()
        file = self._names.get(path)
        if file is None:
            file = self._names[path] = _File()
            self._pending.append((path, file))
        _put(file.data, at, bytes(data))
        file.pending.append((at, bytes(data)))
        super().write(path, data, at=at)

    def truncate(self, path: Path, n_bytes: int) -> None:
        self._point()
        file = self._names[path]
        _cut(file.data, n_bytes)
        file.pending.append((-1 - n_bytes, b""))
        super().truncate(path, n_bytes)

    def rename(self, old: Path, new: Path) -> None:
        self._point()
        file = self._names.pop(old)
        self._names[new] = file
        self._pending += [(new, file), (old, None)]
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._point()
        if self._names.pop(path, None) is not None:
            self._pending.append((path, None))
        super().remove(path)

    def sync(self, path: Path) -> None:
        self._point()
        file = self._names[path]
        file.durable, file.pending = bytes(file.data), []

    def sync_folder(self, path: Path) -> None:
        self._point()
        self._durable_folders |= {each for each in self._folders if each.parent == path}
        for name, file in [each for each in self._pending if each[0].parent == path]:
            _rename(self._durable, name, file)
        self._pending = [each for each in self._pending if each[0].parent != path]

    def _point(self) -> None:
        if self._off or self.n_operations == self.stop_at:
            self._off = True
            raise PowerCut
        self.n_operations += 1

    # what a cut leaves

    def left(self, variant: Variant) -> dict[Path, bytes | None]:
        """What the medium holds after a cut now: folders (None) and files, relative to the folder."""
        names = dict(self._durable)
        for index, (path, file) in enumerate(self._pending):
            # a rename's two halves reach the medium together: journaling file systems promise that much
            if variant in (Variant.EVERYTHING, Variant.TORN, Variant.NAMES_ONLY, Variant.DIRTY) or (
                variant == Variant.EVERY_OTHER and index % 4 < 2
            ):
                _rename(names, path, file)
        folders = self._durable_folders | {path.parent for path in names} - {self.folder}
        found: dict[Path, bytes | None] = {path.relative_to(self.folder): None for path in folders}
        return found | {path.relative_to(self.folder): _left(file, variant) for path, file in names.items()}


def lay(left: Mapping[Path, bytes | None], target: Path) -> None:
    """Write such a medium into a folder, which is emptied before."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path, data in sorted(left.items()):
        if data is None:
            (target / path).mkdir(parents=True, exist_ok=True)
        else:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(data)


def _left(file: _File, variant: Variant) -> bytes:
    data, pending = bytearray(file.durable), file.pending
    if variant in (Variant.NOTHING, Variant.NAMES_ONLY):
        pending = []
    elif variant == Variant.EVERY_OTHER:
        pending = pending[1::2]
    elif variant == Variant.TORN and pending:
        at, last = pending[-1]
        pending = [*pending[:-1], *([(at, last[: len(last) // 2])] if at >= 0 else [])]
    elif variant == Variant.DIRTY:
        pending = [(at, bytes([DIRT]) * len(written)) for at, written in pending]
    for at, written in pending:
        _put(data, at, written) if at >= 0 else _cut(data, -1 - at)
    return bytes(data)


def _put(data: bytearray, at: int, written: bytes) -> None:
    data.extend(bytes(max(0, at - len(data))))
    data[at : at + len(written)] = written


def _cut(data: bytearray, n_bytes: int) -> None:
    del data[n_bytes:]
    data.extend(bytes(n_bytes - len(data)))


def _rename(names: dict[Path, _File], path: Path, file: _File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


# going through all of them

@dataclass(frozen=True)
class Act:
    """Something that changes the disk, and what must be true of the model afterwards."""

    name: str
    prepare: Callable[[Path], None]                 # fills the folder before it
    do: Callable[[Path, Disk], None]
    started: Callable[[Path, Disk], str]            # starts as `ingle run` does; the version that works, or an error
    allowed: frozenset[str]                         # versions that may start after a cut in the middle
    after: frozenset[str]                           # versions that may start once `do` has returned
    again: bool = True                              # whether `do` once more after the cut must come to the same end


@dataclass(frozen=True)
class Report:
    points: int = 0                     # operations that power was cut at
    cuts: int = 0                       # with every variant of what is left
    without_working_model: int = 0
    lost: int = 0                       # updates that were reported done and were gone
    stuck: int = 0                      # cuts after which doing it again does not come to the end
    problems: tuple[str, ...] = ()

    def __add__(self, other: Report) -> Report:
        return Report(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def cut_everywhere(acts: Iterable[Act], scratch: Path) -> Report:
    """Do each act with the power cut at each of its operations, in each variant; then start, and do it again."""
    total = Report()
    for act in acts:
        done = False
        judged: set[_Judged] = set()
        for point in count():
            folder = scratch / "run"
            lay({}, folder)
            act.prepare(folder)
            disk = FaultyDisk(folder, point)
            try:
                act.do(folder, disk)
                done = True             # there are no more operations: it is cut after it has reported so
            except PowerCut:
                total += Report(points=1)
            total += _cut_here(act, disk, scratch / "left", f"{act.name}, operation {point}", done, judged)
            if done:
                break
    return total


_Judged = tuple[bool, frozenset[tuple[Path, bytes | None]]]      # whether it was done, and all that the medium held


def _cut_here(act: Act, disk: FaultyDisk, left: Path, where: str, done: bool, judged: set[_Judged]) -> Report:
    total = Report()
    for variant in Variant:
        medium = disk.left(variant)
        this = (done, frozenset(medium.items()))
        if this in judged:              # all was synced, or nothing since the last cut: the same starts from the same
            total += Report(cuts=1)
            continue
        judged.add(this)
        lay(medium, left)
        total += _judged(act, left, f"{where}: {variant.value}", done)
    return total


def _judged(act: Act, left: Path, where: str, done: bool) -> Report:
    try:
        version = act.started(left, CalmDisk())
    except Exception as error:      # whatever it is, this household has no model
        return Report(cuts=1, without_working_model=1, problems=(f"{where}: {error!r}",))
    if done and version not in act.after:
        return Report(cuts=1, lost=1, problems=(f"{where}: {version} starts after it was done",))
    if version not in act.allowed | act.after:
        return Report(cuts=1, without_working_model=1, problems=(f"{where}: {version} starts",))
    if act.again and not done:
        try:
            act.do(left, CalmDisk())
            version = act.started(left, CalmDisk())
        except Exception as error:
            return Report(cuts=1, stuck=1, problems=(f"{where}: again: {error!r}",))
        if version not in act.after:
            return Report(cuts=1, stuck=1, problems=(f"{where}: again: {version} starts",))
    return Report(cuts=1)
