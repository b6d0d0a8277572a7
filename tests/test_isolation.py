"""A stranger's skill may fail, hang or quit: the house goes on, and hears nothing of it afterwards."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from ingle.skills.api import Done, Turn, Unclear
from ingle.skills.home.model import ServiceCall
from ingle.skills.isolation import MAX_STUCK, Isolated, SkillGone
from ingle.skills.lists import ListStore

from .turns import World


class Stranger:
    intents = ("Strange",)

    @dataclass(frozen=True)
    class Slots:
        pass

    def __init__(self, work: Any) -> None:
        self._work = work

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        result: Done = await self._work(turn)
        return result


def isolated(work: Any) -> Isolated:
    return Isolated(Stranger(work), "strange.Skill")


async def test_it_works_on_a_thread_and_acts_in_the_house() -> None:
    world = World()
    lists = ListStore(world.database, ["Shopping"])
    world.services["lists"] = lists
    house = threading.current_thread()

    async def work(turn: Turn) -> Done:
        assert threading.current_thread() is not house
        store = turn.services["lists"]
        store.add(store.all()[0], "milk")       # the database is the house's thread's alone
        [outcome] = await turn.perform([ServiceCall(entity_id="light.a", service="turn_on")])
        return Done(reply=outcome.status)

    done = await isolated(work).handle(Stranger.Slots(), world.turn())
    assert done.reply == "confirmed"
    assert [call.entity_id for call in world.acts] == ["light.a"]
    assert lists.all()[0].open == ["milk"]


async def test_what_it_asks_is_asked() -> None:
    async def work(turn: Turn) -> Done:
        raise Unclear("Which one?")

    with pytest.raises(Unclear, match="Which one"):
        await isolated(work).handle(Stranger.Slots(), World().turn())


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
async def test_what_it_breaks_is_its_own(error: BaseException) -> None:
    async def work(turn: Turn) -> Done:
        raise error

    with pytest.raises((ValueError, RuntimeError)):
        await isolated(work).handle(Stranger.Slots(), World().turn())


async def test_a_wrong_answer_is_an_error() -> None:
    async def work(turn: Turn) -> Any:
        return "done"

    with pytest.raises(TypeError, match="returned str, not Done"):
        await isolated(work).handle(Stranger.Slots(), World().turn())


async def test_one_that_blocks_does_not_stop_the_house_and_acts_no_more() -> None:
    world, late = World(), threading.Event()
    tried = threading.Event()

    async def work(turn: Turn) -> Done:
        late.wait(10)                           # blocks its thread, as time.sleep would
        try:
            await turn.perform([ServiceCall(entity_id="light.a", service="turn_on")])
        finally:
            tried.set()
        return Done(reply="late")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await isolated(work).handle(Stranger.Slots(), world.turn())
    late.set()
    assert await asyncio.to_thread(tried.wait, 10)
    assert world.acts == []


async def test_one_that_keeps_hanging_is_not_called_any_more() -> None:
    free = threading.Event()

    async def work(turn: Turn) -> Done:
        free.wait(10)
        return Done(reply="at last")

    skill = isolated(work)
    for _ in range(MAX_STUCK):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await skill.handle(Stranger.Slots(), World().turn())
    with pytest.raises(SkillGone, match="hung 3 times"):
        await skill.handle(Stranger.Slots(), World().turn())
    free.set()


async def test_one_that_waits_is_ended_and_may_be_called_again() -> None:
    async def work(turn: Turn) -> Done:
        await asyncio.sleep(60)
        return Done(reply="")

    skill = isolated(work)
    for _ in range(MAX_STUCK + 2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await skill.handle(Stranger.Slots(), World().turn())
        while any(thread.name == "strange.Skill" for thread in threading.enumerate()):  # noqa: ASYNC110  # a thread ends by itself
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.01)
