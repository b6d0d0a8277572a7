"""The model of a running Ingle changes between two sentences, is judged, and goes back."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

pytest.importorskip("tuf")

from ingle.app.config import Config, ConfigError
from ingle.app.events import TurnRecord
from ingle.app.model_link import FOLDER, TRIAL_TURNS, WARM_UP, Health, ModelLink
from ingle.app.update.slots import MAX_STARTS, Choice
from ingle.app.update.world import FIRST, SECOND, World
from ingle.engine.gguf import ModelFileError
from ingle.engine.interpreter import Intent, Interpretation


class Said:
    """A model whose answer is its version; it can be held in the middle of a sentence."""

    def __init__(self, choice: Choice) -> None:
        self.version = choice.version
        self.go_on = threading.Event()

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        if text == "a long sentence":
            self.go_on.wait(10)
        return Interpretation((Intent(self.version, {}, 1.0),), 1.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The device has 1.0, confirmed, and could get 2.0."""
    world = World.made(tmp_path / "world", encrypted=False)
    assert FOLDER == "models"
    world.installer().update()
    world.slots().confirm()
    world.add(SECOND, olds=(FIRST,), encrypted=False)
    return world


def link_of(world: World, monkeypatch: pytest.MonkeyPatch, load: type[Said] = Said) -> ModelLink:
    monkeypatch.setattr("ingle.app.model_link.MODEL", world.shipped)
    monkeypatch.setenv("INGLE_DATA_DIR", str(world.device))
    return ModelLink(Config(), load)


def said(link: ModelLink, text: str = "hello") -> str:
    return link.interpret(text).intents[0].intent


def turns(link: ModelLink, n: int, *, reply: str = "Done.", interpret_ms: float = 20.0) -> None:
    for _ in range(n):
        link.turn_ended(
            TurnRecord(id="x", text="x", route="local", reply=reply, timing_ms={"total": 30.0, "interpret": interpret_ms})
        )


async def test_no_sentence_is_dropped_when_the_model_changes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_of(world, monkeypatch)
    assert said(link) == FIRST
    held = link._model
    assert isinstance(held, Said)
    under_way = asyncio.create_task(asyncio.to_thread(said, link, "a long sentence"))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(world.installer().update)
    await link.look()
    assert said(link) == SECOND
    held.go_on.set()
    assert await under_way == FIRST  # it ends with the model it began with


async def test_a_good_trial_is_passed_and_a_worse_one_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    link = link_of(world, monkeypatch)
    turns(link, 30)
    await link.look()
    await asyncio.to_thread(world.installer().update)
    await link.look()
    turns(link, TRIAL_TURNS, reply="Something went wrong with that.")
    await link.look()  # judged, and rolled back
    await link.look()  # changed over
    assert said(link) == FIRST
    assert world.slots().state().refused == (SECOND,)

    world.add("3.0", encrypted=False)
    await asyncio.to_thread(world.installer().update)
    await link.look()
    turns(link, TRIAL_TURNS)
    await link.look()
    assert (said(link), world.slots().state().trial) == ("3.0", False)


async def test_a_model_that_cannot_be_opened_is_left_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(Said):
        def __init__(self, choice: Choice) -> None:
            if choice.version == SECOND:
                raise ModelFileError("blk.0", "is of another shape")
            super().__init__(choice)

    link = link_of(world, monkeypatch, Fails)
    await asyncio.to_thread(world.installer().update)
    await link.look()
    assert said(link) == FIRST
    assert link_of(world, monkeypatch, Fails).version == FIRST


def test_ends_that_say_nothing_against_a_model_are_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.installer().update()
    for _ in range(MAX_STARTS + 2):
        link = link_of(world, monkeypatch)
        link.ended(ConfigError, ConfigError("the port is taken"), None)
    assert link.version == SECOND
    for _ in range(MAX_STARTS):
        link_of(world, monkeypatch).ended(RuntimeError, RuntimeError("crash"), None)
    assert link_of(world, monkeypatch).version == FIRST


def test_a_household_without_updates_keeps_no_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path))
    link = ModelLink(Config(), Said)
    assert (link.version, said(link, WARM_UP)) == ("shipped", "shipped")
    assert list(tmp_path.iterdir()) == []


def test_worse_is_said_in_figures() -> None:
    before, slow = Health(turns=100, errors=1, interpret_ms=[10.0] * 50), Health(turns=20, interpret_ms=[30.0] * 20)
    assert "30 ms" in (slow.worse_than(before) or "")
    assert Health(turns=20, errors=1, interpret_ms=[12.0] * 20).worse_than(before) is None
