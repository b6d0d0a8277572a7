"""Remembering, forgetting and asking by voice or text, through the skills and the whole assistant's services."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from ingle.app.config import Config, KnowledgeConfig
from ingle.app.knowledge_link import KnowledgeLink
from ingle.skills.api import Done, NeedsConfirmation, Unclear
from ingle.skills.registry import load_skills

from .turns import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    link = KnowledgeLink(Config(knowledge=KnowledgeConfig(private_areas=("Office",))), tmp_path / "knowledge.db")
    world = World()
    world.services["knowledge"] = link
    yield world
    link.close()


SKILLS = load_skills([EntryPoint(name="knowledge", value="ingle.skills.knowledge", group="ingle.skills")])


async def ask(world: World, intent: str, slots: dict[str, Any], **turn: Any) -> Done:
    return await SKILLS.handle(intent, slots, world.turn(**turn))


async def reply(world: World, intent: str, slots: dict[str, Any], **turn: Any) -> str:
    return (await ask(world, intent, slots, **turn)).reply


async def test_remember_ask_forget(world: World) -> None:
    said = {"message": "the spare key is with the neighbour at number 14"}
    assert await reply(world, "Remember", said) == "Noted: the spare key is with the neighbour at number 14."
    told = await ask(world, "AskKnowledge", {"query": "where is the spare key"})
    assert told.reply == "The spare key is with the neighbour at number 14."
    assert told.sources[0].startswith("your notes (note:")
    assert await reply(world, "Forget", {"message": "the spare key"}) == (
        "Forgotten: the spare key is with the neighbour at number 14.")
    assert await reply(world, "AskKnowledge", {"query": "where is the spare key"}) == "I don't have anything about that."


async def test_that_is_the_note_made_last(world: World) -> None:
    await ask(world, "Remember", {"message": "the bins go out on Monday"})
    world.clock.tick(minutes=1)
    await ask(world, "Remember", {"message": "the cat sleeps outside"})
    assert await reply(world, "Forget", {"message": "that"}) == "Forgotten: the cat sleeps outside."
    world.clock.tick(hours=1)
    with pytest.raises(Unclear, match="What should I forget"):
        await ask(world, "Forget", {"message": "that"})


async def test_everything_wants_a_yes(world: World) -> None:
    for number in (1, 2, 3):
        await ask(world, "Remember", {"message": f"box {number} is in the loft"})
    with pytest.raises(NeedsConfirmation, match="Forget all 3 notes"):
        await ask(world, "Forget", {"message": "everything"})
    with pytest.raises(Unclear, match=r"I have 3 notes about that: “Box \d is in the loft\.” .* Which one should I forget\?"):
        await ask(world, "Forget", {"message": "the loft"})
    assert await reply(world, "Forget", {"message": "the loft"}, text="forget everything about the loft") == "Forgotten: 3 notes."
    assert await reply(world, "Forget", {"message": "everything"}) == "There are no notes to forget."


async def test_private_notes_stay_private(world: World) -> None:
    said = {"message": "the alarm code is 4711"}
    assert await reply(world, "Remember", said, text="remember privately that the alarm code is 4711") == (
        "Noted, privately: the alarm code is 4711.")
    query = {"query": "what is the alarm code"}
    assert "4711" not in await reply(world, "AskKnowledge", query, via="voice", area="Kitchen")
    assert "4711" in await reply(world, "AskKnowledge", query, via="voice", area="office")
    assert "4711" in await reply(world, "AskKnowledge", query, via="text")


async def test_without_a_store_and_without_words(world: World) -> None:
    with pytest.raises(Unclear, match="What should I remember"):
        await ask(world, "Remember", {"message": " . "})
    assert await reply(world, "Forget", {"message": "the hamster"}) == "I have no note about that."
    world.services.clear()
    assert await reply(world, "AskKnowledge", {"query": "where"}) == "I don't have anything about that."
    assert world.acts == []                     # whatever was said or written: no device was touched


async def test_a_watched_folder_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "bins.txt").write_text("The blue bin is collected on Tuesday.")
    link = KnowledgeLink(Config(knowledge=KnowledgeConfig(folders=(str(tmp_path / "docs"),))), tmp_path / "knowledge.db")
    try:
        import asyncio

        watching = asyncio.create_task(link.watch())
        question = "when is the blue bin collected"
        for _ in range(100):
            told = await link.ask(question, area=None, devices=(), with_private=False)
            if told.sources:
                break
            await asyncio.sleep(0.05)
        watching.cancel()
        assert told.reply == "The blue bin is collected on Tuesday, from Bins."
    finally:
        link.close()
