"""The household's language model as it runs: which slot is used, its trial, and changing over between two sentences."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from ..engine.gguf import ModelFileError
from ..engine.interpreter import MODEL, Interpretation, Interpreter
from ..skills.schema import load_schema
from .assistant import WENT_WRONG, Understands
from .bus import BusError
from .config import Config, ConfigError
from .events import TurnRecord
from .update.at_rest import opened
from .update.errors import UpdateError
from .update.keys import device_key
from .update.slots import Choice, Slots

log = logging.getLogger(__name__)

FOLDER: Final = "models"
POLL_S: Final = 2.0             # how soon a change by `ingle model …` is taken up
SETTLED_S: Final = 60.0         # running so long is a sign of health
TRIAL_TURNS: Final = 20         # after which a trial is judged
MIN_CHECK_S: Final = 600.0      # announcements come from anyone: no more checks than this
CHECK_S: Final = 86_400.0
HEALTH: Final = "health.json"
WARM_UP: Final = "what time is it"

MORE_ERRORS: Final = 0.10       # share of the turns that a trial may fail more often than the model before
MORE_FALLBACKS: Final = 0.25
TIMES_SLOWER: Final = 2.5


@dataclass
class Health:
    """How one model did, in turns."""

    turns: int = 0
    errors: int = 0
    fallbacks: int = 0          # nothing was understood that could be done here
    interpret_ms: list[float] = field(default_factory=list)     # of the last turns

    def take(self, record: TurnRecord) -> None:
        self.turns += 1
        self.errors += WENT_WRONG in record.reply
        self.fallbacks += record.route == "none"
        if "interpret" in record.timing_ms:
            self.interpret_ms = [*self.interpret_ms[-99:], record.timing_ms["interpret"]]

    @property
    def slow_ms(self) -> float:
        """The 95th percentile."""
        ordered = sorted(self.interpret_ms)
        return ordered[int(len(ordered) * 0.95)] if ordered else 0.0

    def worse_than(self, before: Health) -> str | None:
        """Why this is worse, as the end of a sentence; None when it is not."""
        for name, most in (("errors", MORE_ERRORS), ("fallbacks", MORE_FALLBACKS)):
            here, there = getattr(self, name) / max(self.turns, 1), getattr(before, name) / max(before.turns, 1)
            if here > there + most:
                return f"{here:.0%} {name} in {self.turns} turns, before {there:.0%}"
        if before.slow_ms and self.slow_ms > TIMES_SLOWER * before.slow_ms:
            return f"slow sentences take {self.slow_ms:.0f} ms, before {before.slow_ms:.0f} ms"
        return None


def slots_of(config: Config) -> Slots:
    return Slots(config.data_path / FOLDER, MODEL)


def open_choice(config: Config, choice: Choice) -> Interpreter:
    """Raises: ModelFileError, UpdateError, OSError."""
    with opened(choice, lambda: device_key(config.data_path / FOLDER, config.updates.key_stores)) as path:
        return Interpreter.open(path, schema=load_schema())


class ModelLink:
    """The model in use. `interpret` may be called from any thread, also while the model is changed.

    Args:
        load: opens a choice; tests hand in models that compute nothing.
    """

    def __init__(self, config: Config, load: Callable[[Choice], Understands]) -> None:
        """Choose a slot, count the start, open its model. Raises: ModelFileError: not even the shipped one can be opened."""
        self.slots = slots_of(config)
        self._config = config
        self._load = load
        self._changed = asyncio.Event()
        self._announced = asyncio.Event()
        self._began = time.monotonic()
        self._checked: float | None = None
        self.switch_pause_ms = 0.0          # how long the last change held up sentences
        self.choice, self._model = self._first()
        self._health = self._read_health()

    @property
    def version(self) -> str:
        return self.choice.version

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        return self._model.interpret(text, asked=asked)     # a sentence ends with the model it began with

    def turn_ended(self, record: TurnRecord) -> None:
        """Every turn's record: what a trial is judged by."""
        if record.timing_ms:
            self._of(self.version).take(record)
            self._changed.set()

    def announce(self) -> None:
        """Somebody says that there is an update. Nothing more of it is believed."""
        self._announced.set()

    def ended(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """An orderly end, or one that its owner can mend, says nothing against the model: its start is not counted."""
        mendable = error is None or isinstance(error, asyncio.CancelledError | ConfigError | BusError)
        if self.choice.slot != "recovery" and mendable:
            with contextlib.suppress(OSError):
                self.slots.healthy()

    async def run(self) -> None:
        """Take up changes, judge trials, fetch updates where that is wanted; never returns."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_on())
            if self._config.updates.automatic and self._config.updates.url:
                tasks.create_task(self._follow())

    # which model

    def _first(self) -> tuple[Choice, Understands]:
        if not self.slots.folder.exists():      # no update was ever made here
            choice = Choice(slot="recovery", path=self.slots.shipped)
            return choice, self._load(choice)
        while True:
            choice = self.slots.begin()
            try:
                return choice, self._load(choice)
            except (ModelFileError, UpdateError, OSError) as error:
                if choice.slot == "recovery":
                    raise
                self.slots.roll_back(str(error), refuse=choice.trial)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.look()
            except (OSError, UpdateError) as error:
                log.error("the model's state cannot be kept: %s", error)

    async def look(self) -> None:
        """Change over where the state wants another model; else judge the one that runs."""
        if not self.slots.folder.exists():
            return
        wanted = self.slots.active()
        if (wanted.slot, wanted.version) != (self.choice.slot, self.version):
            await self.switch()
        else:
            await asyncio.to_thread(self._judge)

    async def switch(self) -> None:
        """Open the model that the state wants beside the one that runs; then the next sentence goes to it."""
        choice = await asyncio.to_thread(self.slots.begin)
        try:
            model = await asyncio.to_thread(self._opened, choice)
        except (ModelFileError, UpdateError, OSError) as error:
            why = str(error)
            log.error("model %s cannot be opened: %s", choice.version, why)
            await asyncio.to_thread(lambda: self.slots.roll_back(why, refuse=choice.trial))
            return
        began = time.perf_counter()
        self.choice, self._model = choice, model
        self.switch_pause_ms = (time.perf_counter() - began) * 1000
        self._began = time.monotonic()
        log.warning("the language model is now %s", choice.version)

    def _opened(self, choice: Choice) -> Understands:
        model = self._load(choice)
        model.interpret(WARM_UP)        # its pages are read before anyone waits for them
        return model

    # its health

    def _judge(self) -> None:
        state, health = self.slots.state(), self._of(self.version)
        if state.starts and (health.turns or time.monotonic() - self._began > SETTLED_S):
            self.slots.healthy()
        if self._changed.is_set():
            self._changed.clear()
            self._write_health()
        if not state.trial or health.turns < TRIAL_TURNS:
            return
        before = self.slots.choice(state.previous)
        problem = health.worse_than(self._of(before.version)) if before else None
        if problem is None:
            self.slots.confirm()
            log.warning("model %s has passed its trial", self.version)
        else:
            self.slots.roll_back(problem, refuse=True)

    def _of(self, version: str) -> Health:
        return self._health.setdefault(version, Health())

    def _read_health(self) -> dict[str, Health]:
        try:
            data = json.loads((self.slots.folder / HEALTH).read_bytes())
            return {str(version): Health(**figures) for version, figures in data.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}               # figures that are lost are counted anew

    def _write_health(self) -> None:
        kept = list(self._health.items())[-4:]
        self.slots.disk.write_whole(self.slots.folder / HEALTH, json.dumps({name: vars(each) for name, each in kept}).encode())

    # updates

    async def _follow(self) -> None:
        """Look for an update once a day, and when one is announced."""
        while True:
            if self._checked is None or time.monotonic() - self._checked >= MIN_CHECK_S:
                self._checked = time.monotonic()
                await self._update()
            self._announced.clear()
            try:
                async with asyncio.timeout(CHECK_S):
                    await self._announced.wait()
                await asyncio.sleep(max(0.0, MIN_CHECK_S - (time.monotonic() - self._checked)))
            except TimeoutError:
                continue

    async def _update(self) -> None:
        """In a process of its own: its memory and its faults are not ours."""
        config: list[Any] = ["--config", self._config.file] if self._config.file else []
        environment = {**os.environ, "INGLE_DATA_DIR": str(self._config.data_path)}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ingle.app.cli", "model", "update", *map(str, config),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=environment,
        )
        try:
            _, told = await child.communicate()
        except asyncio.CancelledError:
            child.terminate()
            raise
        if child.returncode:
            log.warning("no update: %s", told.decode(errors="replace").strip()[-500:])


def active_path(config: Config) -> Path:
    """The file of the model in use, where it can be read as it is; else that of the shipped one."""
    choice = slots_of(config).active()
    return MODEL if choice.sealed or not choice.path.exists() else choice.path
