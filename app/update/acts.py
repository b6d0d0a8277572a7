"""What power is cut at: every way in which the slots change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from .disk import Disk
from .faults import Act
from .slots import MAX_STARTS
from .world import FIRST, SECOND, THIRD, World

SHIPPED = "shipped"

Do = Callable[[World, Path, Disk], None]


def acts(scratch: Path) -> Iterator[Act]:
    """Builds worlds in `scratch` as it goes. A start is not done `again`: each counts."""
    plain = World.made(scratch / "plain", encrypted=False)
    plain.add(SECOND, olds=(FIRST,), encrypted=False)
    sealed = World.made(scratch / "sealed")
    sealed.add(SECOND, olds=(FIRST,))
    yield _act("full update", plain, "nothing", _update, {SHIPPED}, {SECOND})
    yield _act("encrypted update", sealed, "nothing", _update, {SHIPPED}, {SECOND})
    yield _act("update kept encrypted", sealed, "nothing", _update_encrypted, {SHIPPED}, {SECOND})

    older = World.made(scratch / "older", encrypted=False)
    has_first = _has(older, "has first", confirmed=True)
    older.add(SECOND, olds=(FIRST,), encrypted=False)
    on_trial = _has(older, "on trial", confirmed=False, start=has_first)
    has_second = _has(older, "has second", confirmed=True, start=has_first)
    yield _act("delta update", older, has_first, _update, {FIRST}, {SECOND})
    yield _act("start of a trial", older, on_trial, _begin, {SECOND}, {SECOND}, again=False)
    yield _act("sign of health", older, _begun(older, on_trial, 1), _healthy, {SECOND}, {SECOND})
    yield _act("end of a trial", older, on_trial, _confirm, {SECOND}, {SECOND})
    yield _act("trial that crashes", older, _begun(older, on_trial, MAX_STARTS), _begin, {FIRST}, {FIRST}, again=False)
    crashed = _begun(older, has_second, MAX_STARTS)
    yield _act("crash loop of a confirmed model", older, crashed, _begin, {FIRST}, {FIRST}, again=False)
    yield _act("rollback", older, has_second, _roll_back, {SECOND}, {FIRST}, again=False)
    yield _act("rollback of a trial", older, on_trial, _roll_back, {SECOND}, {FIRST}, again=False)
    yield _act("pin", older, has_second, lambda world, device, disk: world.slots(device, disk).pin(SECOND), {SECOND}, {SECOND})

    withdrawn = older.copy(scratch / "withdrawn")
    withdrawn.repository.roll_out(SECOND, withdrawn=True)
    withdrawn.repository.publish()
    yield _act("withdrawal", withdrawn, has_second, _update, {SECOND}, {FIRST})
    older.add(THIRD, olds=(SECOND,), encrypted=False)
    yield _act("delta update of an update", older, has_second, _update, {SECOND}, {THIRD})


def _act(name: str, world: World, start: Path | str, do: Do, allowed: set[str], after: set[str], *, again: bool = True) -> Act:
    def prepare(folder: Path) -> None:
        if isinstance(start, Path):
            shutil.copytree(start, folder, dirs_exist_ok=True)

    return Act(name=name, prepare=prepare, do=lambda folder, disk: do(world, folder, disk), started=world.started,
               allowed=frozenset(allowed), after=frozenset(after), again=again)


def _has(world: World, name: str, *, confirmed: bool, start: Path | None = None) -> Path:
    """A device's folder that has the newest release."""
    device = world.folder / name
    if start is not None:
        shutil.copytree(start, device)
    world.installer(device).update()
    if confirmed:
        world.slots(device).confirm()
    return device


def _begun(world: World, start: Path, n_starts: int) -> Path:
    device = start.with_name(f"{start.name}, begun {n_starts}")
    shutil.copytree(start, device)
    for _ in range(n_starts):
        world.slots(device).begin()
    return device


def _update(world: World, device: Path, disk: Disk) -> None:
    world.installer(device, disk).update()


def _update_encrypted(world: World, device: Path, disk: Disk) -> None:
    world.installer(device, disk, encrypt=True).update()


def _begin(world: World, device: Path, disk: Disk) -> None:
    world.slots(device, disk).begin()


def _healthy(world: World, device: Path, disk: Disk) -> None:
    world.slots(device, disk).healthy()


def _confirm(world: World, device: Path, disk: Disk) -> None:
    world.slots(device, disk).confirm()


def _roll_back(world: World, device: Path, disk: Disk) -> None:
    world.slots(device, disk).roll_back("asked for", refuse=True)
