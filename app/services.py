"""The skills' own stores, opened on the household's data, and the tasks that keep them going."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from ..skills.conditions import HouseConditions
from ..skills.history import MIGRATIONS as HISTORY_MIGRATIONS
from ..skills.history import HistoryStore
from ..skills.home.model import Home
from ..skills.later import Command as LaterCommand
from ..skills.later import LaterStore
from ..skills.lists import HouseList, ListStore
from ..skills.preferences import PreferenceStore
from ..skills.routines import Routine, Routines
from ..skills.steady import since_boot
from ..skills.storage import StorageError, open_database
from ..skills.timers import Timer, TimerStore
from .causes import Causes
from .config import Config, ConfigError
from .knowledge_link import DATABASE as KNOWLEDGE
from .knowledge_link import KnowledgeLink
from .local_zone import local_zone

DATABASE: Final = "ingle.db"
HISTORY: Final = "history.db"
ROUTINES: Final = "routines.yaml"

Clock = Callable[[], datetime]


def clock_of(config: Config) -> Clock:
    """The time in the household's zone, aware; without one configured, the machine's, which may be moved while we run."""
    if config.timezone is None:
        return lambda: datetime.now(local_zone())
    zone = ZoneInfo(config.timezone)
    return lambda: datetime.now(zone)


@dataclass
class Mirror:
    """Who is told of changes in the stores: they are made before the bus is there to be told."""

    timer: Callable[[Timer], None] = lambda timer: None
    list: Callable[[HouseList], None] = lambda house_list: None


class Services:
    """What skills find in `turn.services`, by name."""

    def __init__(self, config: Config, path: Path | str, clock: Clock) -> None:
        self._database = open_database(path)
        self.mirror = Mirror()
        self.timers = TimerStore(
            self._database, clock=clock, on_change=lambda timer: self.mirror.timer(timer), steady=since_boot)
        self.lists = ListStore(self._database, config.lists, on_change=lambda each: self.mirror.list(each))
        self.later = LaterStore(self._database, clock=clock, mind_the_clock=self.timers.mind_the_clock)
        self.knowledge = KnowledgeLink(config, _beside(path, KNOWLEDGE))
        self.preferences = PreferenceStore(self._database)
        self._history_database = open_database(_beside(path, HISTORY), HISTORY_MIGRATIONS, lossy=True)
        self.history = HistoryStore(
            self._history_database, clock=clock, days=config.history.days, max_bytes=round(config.history.max_mb * 1e6),
        )
        self._clock = clock
        self._routines_file = None if str(path) == ":memory:" else Path(path).with_name(ROUTINES)
        self.by_name: dict[str, Any] = {
            "conditions": HouseConditions(),
            "knowledge": self.knowledge, "history": self.history, "preferences": self.preferences,
            "timers": self.timers, "lists": self.lists, "later": self.later, "sensitive": config.sensitive,
            "temperature_unit": config.temperature_unit,
        }

    def attach(self, home: Home) -> None:
        """What watches the home: whose doing its states are, and the routines."""
        self.causes = Causes(home, self._database, self._clock)
        self.routines = Routines(self._routines_file, self._database, home, clock=self._clock, causes=self.causes)
        self.by_name |= {"causes": self.causes, "routines": self.routines}

    @classmethod
    def open(cls, config: Config, clock: Clock) -> Self:
        """On the household's data. Raises: ConfigError: it cannot be written there."""
        try:
            config.data_path.mkdir(parents=True, exist_ok=True)
            return cls(config, config.data_path / DATABASE, clock)
        except (OSError, StorageError) as error:
            raise ConfigError(f"`data_dir` {config.data_path}: {error}") from None

    async def run(
        self, act: Callable[[LaterCommand], Awaitable[None]], missed: Callable[[LaterCommand], None],
        run_routine: Callable[[Routine, str, tuple[str, ...]], Awaitable[None]],
        routine_stopped: Callable[[Routine, str], None], home_known: asyncio.Event,
    ) -> None:
        """Ring timers, do what was put off, set routines off; never returns: cancel the task to end it.

        Args:
            missed: hears of what came due too long ago, while Ingle was off.
            home_known: what was put off waits for it: before, there are no devices to act on.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.timers.run())
            tasks.create_task(self.knowledge.watch())
            tasks.create_task(self.history.run())
            tasks.create_task(self._do_later(act, missed, home_known))
            tasks.create_task(self._run_routines(run_routine, routine_stopped, home_known))

    async def _run_routines(
        self, run: Callable[[Routine, str, tuple[str, ...]], Awaitable[None]], stopped: Callable[[Routine, str], None],
        home_known: asyncio.Event,
    ) -> None:
        await home_known.wait()
        await self.routines.run(run, stopped)

    async def _do_later(
        self, act: Callable[[LaterCommand], Awaitable[None]], missed: Callable[[LaterCommand], None],
        home_known: asyncio.Event,
    ) -> None:
        await home_known.wait()
        await self.later.run(act, missed)

    def close(self) -> None:
        self.knowledge.close()
        self.history.write()
        self._history_database.close()
        self._database.close()


def _beside(path: Path | str, name: str) -> Path | str:
    """A database of its own, beside `path`: in memory where that is."""
    return ":memory:" if str(path) == ":memory:" else Path(path).with_name(name)
