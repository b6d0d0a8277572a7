"""A stranger's skill runs on a thread of its own: whatever it does there, the house goes on.

Its `handle` gets an event loop of its own. What it asks of the house (`turn.perform`, the stores in `turn.services`) is done on
the house's loop, as always. When its time is over, nothing that it still does reaches the house; a thread that never ends is
left behind, and after `MAX_STUCK` of them the skill is not called any more until Ingle is started again.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, Final

from .api import Done, Skill, Turn
from .home.model import Outcome, ServiceCall
from .home.resolver import Resolution

MAX_STUCK: Final = 3


class SkillGone(Exception):
    """The skill's time is over, or it hung too often: nothing more is done for it."""


class Isolated:
    """A skill behind a thread. `handle` may be cancelled at any moment."""

    def __init__(self, skill: Skill, origin: str) -> None:
        self.skill = skill
        self.intents = skill.intents
        self.Slots = skill.Slots
        self.timeout_s: float = getattr(skill, "timeout_s", float("inf"))
        self._origin = origin
        self._stuck = 0

    async def handle(self, slots: Any, turn: Turn) -> Done:
        """Raises: whatever the skill raises; SkillGone: it hangs."""
        if self._stuck >= MAX_STUCK:
            raise SkillGone(f"{self._origin} hung {self._stuck} times: it is not called until Ingle is started again")
        call = _Call(self.skill, slots, turn, asyncio.get_running_loop())
        threading.Thread(target=call.run, name=self._origin, daemon=True).start()
        try:
            return await call.done
        except asyncio.CancelledError:
            self._leave(call)
            raise

    def _leave(self, call: _Call) -> None:
        """Its time is over: it counts as stuck until its thread ends."""
        self._stuck += 1
        call.leave(self._ended)

    def _ended(self) -> None:
        self._stuck -= 1


class _Call:
    """One `handle` on its thread."""

    def __init__(self, skill: Skill, slots: Any, turn: Turn, house: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[Done] = house.create_future()
        self._skill, self._slots, self._turn, self._house = skill, slots, turn, house
        self._left = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Done] | None = None
        self._on_end: Callable[[], None] = lambda: None

    def run(self) -> None:
        """On the thread."""
        try:
            done = asyncio.run(self._handle())
        except asyncio.CancelledError:
            self._tell(lambda: self._on_end())
        except BaseException as error:      # even SystemExit: it is the skill's, not the house's
            told = error if isinstance(error, Exception) else RuntimeError(f"it raised {type(error).__name__}")
            self._tell(lambda: self._fail(told))
        else:
            self._tell(lambda: self._succeed(done))

    def leave(self, on_end: Callable[[], None]) -> None:
        """Nothing it does from now on counts; `on_end` hears when its thread ends."""
        self._on_end = on_end
        self._left.set()
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _handle(self) -> Done:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        turn = replace(self._turn, perform=self._perform, explain=self._explain, services={
            name: self._lent(service) for name, service in self._turn.services.items()
        })
        done = await self._skill.handle(self._slots, turn)
        if not isinstance(done, Done):
            raise TypeError(f"handle returned {type(done).__name__}, not Done")
        return done

    async def _perform(self, calls: Sequence[ServiceCall]) -> list[Outcome]:
        outcomes: list[Outcome] = await self._on_house(self._turn.perform(calls))
        return outcomes

    def _explain(self, resolution: Resolution) -> None:
        self._tell(lambda: self._turn.explain(resolution))

    async def _on_house(self, work: Awaitable[Any]) -> Any:
        """Await something of the house on the house's loop."""
        if self._left.is_set():
            if inspect.iscoroutine(work):
                work.close()
            raise SkillGone("its time is over")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(work), self._house))

    def _lent(self, service: Any) -> Any:
        """A store, whose functions run on the house's loop; plain data as it is."""
        plain = service is None or isinstance(service, str | int | float | tuple | Mapping) or _is_frozen(service)
        return service if plain else _Lent(service, self)

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """A function of a store: its result, or an awaitable of it where the function is asynchronous."""
        if inspect.iscoroutinefunction(function):
            return self._on_house(function(*args, **options))
        if self._left.is_set():
            raise SkillGone("its time is over")
        return asyncio.run_coroutine_threadsafe(_called(function, args, options), self._house).result()

    def _tell(self, what: Callable[[], None]) -> None:
        if not self._house.is_closed():
            self._house.call_soon_threadsafe(what)

    def _succeed(self, done: Done) -> None:
        if not self.done.done():
            self.done.set_result(done)
        self._on_end()

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
        self._on_end()


class _Lent:
    """A store of the house as a stranger sees it."""

    def __init__(self, service: Any, call: _Call) -> None:
        self._service, self._call = service, call

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._service, name)
        if not callable(found):
            return found
        return lambda *args, **options: self._call.call(found, args, options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        function = self._service if inspect.isroutine(self._service) else self._service.__call__
        return self._call.call(function, args, options)


def _is_frozen(service: Any) -> bool:
    return is_dataclass(service) and bool(getattr(type(service), "__dataclass_params__").frozen)  # noqa: B009


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


async def _called(function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    result = function(*args, **options)
    return await result if isinstance(result, Coroutine) else result
