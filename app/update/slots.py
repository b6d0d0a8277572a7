"""Two slots for models and the one that Ingle ships: which is started, which is on trial, and the way back.

    models/state.json       which slot is active, whether on trial, how often it was started without a sign of health
    models/a, models/b      model.gguf (or model.sealed) and release.json, which is written last: without it a slot is empty
    recovery                the model in Ingle's own package, never written to

A new model is on trial until `confirm`: started too often without a sign of health it is left for the one before, and refused
from then on. A confirmed one that comes to that is left for the other slot, or for recovery, but not refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ..typed import Mismatch, build, plain
from .disk import Disk, locked
from .errors import UpdateError
from .release import Release

log = logging.getLogger(__name__)

MAX_STARTS: Final = 3               # without a sign of health
MODEL: Final = "model.gguf"
SEALED: Final = "model.sealed"
RELEASE: Final = "release.json"

Slot = Literal["a", "b", "recovery"]


@dataclass(frozen=True, kw_only=True)
class State:
    active: Slot = "recovery"
    previous: Slot = "recovery"     # what a trial that fails goes back to
    trial: bool = False
    starts: int = 0                 # since the last sign of health
    refused: tuple[str, ...] = ()   # versions that failed their trial: not installed again
    pinned: str | None = None       # the version to stay with
    note: str = ""                  # why the last change was made, for `ingle model status`


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is started: a model file, and the release in it (None: the one that Ingle ships)."""

    slot: Slot
    path: Path
    release: Release | None = None
    trial: bool = False

    @property
    def version(self) -> str:
        return self.release.version if self.release else "shipped"

    @property
    def sealed(self) -> bool:
        return self.path.name == SEALED


class Slots:
    """The models of one household. Raises, all of it: OSError."""

    def __init__(self, folder: Path, shipped: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self.shipped = shipped
        self.disk = disk or Disk()
        self._state_file = folder / "state.json"

    def prepare(self) -> None:
        """Make the folders."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.folder / "a", self.folder / "b"):
            if not folder.is_dir():
                self.disk.make_folder(folder)
                self.disk.sync_folder(folder.parent)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While one process installs or changes over, others wait."""
        with locked(self.folder / "lock"):
            yield

    # what is there

    def state(self) -> State:
        """As written; the defaults (recovery) where nothing was, or where it is damaged."""
        try:
            data = json.loads(self._state_file.read_bytes())
            if data.pop("sum") != _sum(data):
                raise ValueError
            return build(State, data)
        except FileNotFoundError:
            return State()
        except (ValueError, AttributeError, KeyError, TypeError, Mismatch):
            log.error("%s is damaged: the model that Ingle ships is used", self._state_file)
            return State(note="the state was damaged")

    def choice(self, slot: Slot) -> Choice | None:
        """What a slot holds, not verified; None where it is empty."""
        if slot == "recovery":
            return Choice(slot=slot, path=self.shipped)
        folder = self.folder / slot
        try:
            release = Release.read(folder / RELEASE)
        except (OSError, UpdateError):
            return None
        path = folder / (SEALED if (folder / SEALED).exists() else MODEL)
        return Choice(slot=slot, path=path, release=release)

    def active(self) -> Choice:
        """What the state says is used now, whether or not it is whole."""
        state = self.state()
        choice = self.choice(state.active) or Choice(slot="recovery", path=self.shipped)
        return replace(choice, trial=state.trial and choice.slot == state.active)

    def idle(self) -> Literal["a", "b"]:
        """The slot to install into: neither what runs nor what a trial would go back to."""
        state = self.state()
        return "b" if state.active == "a" or (state.active == "recovery" and self.choice("a") is not None) else "a"

    # start-up

    def begin(self) -> Choice:
        """Choose what to start, and count the start. Always returns a model that is whole."""
        state = self.state()
        if state.active != "recovery" and state.starts >= MAX_STARTS:
            state = self._back(state, f"started {state.starts} times without a sign of health", refuse=state.trial)
        while (problem := self._problem(state.active)) is not None:
            state = self._back(state, problem, refuse=False)
        if state.active != "recovery":
            state = replace(state, starts=state.starts + 1)
        if state != self.state():
            state = self._begun(state)
        choice = self.choice(state.active)
        assert choice is not None, "only slots that are whole are chosen"
        return replace(choice, trial=state.trial)

    def _begun(self, state: State) -> State:
        try:
            self._write(state)
        except OSError as error:
            log.error("the start of model slot %s cannot be counted (%s)", state.active, error.strerror)
            if state.trial:     # a trial nobody counts could go on crashing for ever
                return State(note="the disk cannot be written")
        return state

    def _problem(self, slot: Slot) -> str | None:
        """Why a slot cannot be started, or None."""
        if slot == "recovery":
            return None
        choice = self.choice(slot)
        if choice is None or choice.release is None:
            return f"slot {slot} is empty"
        try:
            choice.release.check_fits()
            if not choice.sealed:       # what is encrypted is verified as it is opened
                choice.release.check_whole(choice.path)
        except UpdateError as error:
            return str(error)
        return None

    def healthy(self) -> None:
        """A sign of health of what runs: its starts are forgotten."""
        state = self.state()
        if state.starts and state.active != "recovery":
            self._write(replace(state, starts=0))

    # changes

    def activate(self, slot: Literal["a", "b"], note: str) -> None:
        """Use a slot from now on, on trial. Durable on return."""
        state = self.state()
        self._write(replace(state, active=slot, previous=state.active, trial=True, starts=0, note=note))

    def confirm(self) -> None:
        """The trial is passed."""
        state = self.state()
        if state.trial:
            self._write(replace(state, trial=False, starts=0, note="passed its trial"))

    def roll_back(self, why: str, *, refuse: bool) -> Choice:
        """Leave the active slot for the one before. `refuse`: never install this version again."""
        state = self.state()
        if state.active == "recovery":
            raise UpdateError("the model that Ingle ships is in use: there is nothing to go back to")
        state = self._back(state, why, refuse=refuse)
        while (problem := self._problem(state.active)) is not None:
            state = self._back(state, problem, refuse=False)
        self._write(state)
        return self.active()

    def pin(self, version: str | None) -> None:
        """Stay with a version; None: follow the maker again."""
        self._write(replace(self.state(), pinned=version))

    def _back(self, state: State, why: str, *, refuse: bool) -> State:
        """The state after leaving the active slot: to the one before, and from there to recovery."""
        left = self.choice(state.active)
        version = left.version if left else "?"
        log.warning("model %s in slot %s is left: %s", version, state.active, why)
        refused = (*state.refused, version) if refuse and version not in state.refused else state.refused
        other: Slot = "b" if state.active == "a" else "a"
        target: Slot = state.previous if state.trial else other if state.previous == other else "recovery"
        if target == state.active:
            target = "recovery"
        return replace(state, active=target, previous="recovery", trial=False, starts=0, refused=refused,
                       note=f"left model {version}: {why}")

    def _write(self, state: State) -> None:
        data = plain(state)
        self.disk.write_whole(self._state_file, json.dumps(data | {"sum": _sum(data)}, indent=1).encode())


def _sum(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

