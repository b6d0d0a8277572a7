"""Turns, top to bottom: simulated devices on a real broker, the real skills, and a model with a script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingle.app import Assistant, home_link
from ingle.app.config import Config, Mqtt, Sensitive
from ingle.app.daemon import Parts, assembled
from ingle.app.events import Asked, TurnRecord
from ingle.app.services import Services, clock_of
from ingle.skills.api import Done, Turn
from ingle.skills.home.model import Home
from ingle.skills.home.resolver import Context
from ingle.skills.later import Meant
from ingle.skills.registry import load_skills

from .scripted import Scripted, skills

HOME = """
home:
  floors: [{name: Upstairs}]
  areas: [{name: Kitchen}, {name: Bedroom, floor: Upstairs}, {name: Hall}]
entities:
  - {entity: light.ceiling, name: Ceiling Light, area: Kitchen, state: "on", can: [brightness]}
  - {entity: light.counter, name: Counter Light, area: Kitchen, state: "off"}
  - {entity: light.bed_left, name: Left Bed Lamp, area: Bedroom, state: "off"}
  - {entity: light.bed_right, name: Right Bed Lamp, area: Bedroom, state: "off"}
  - {entity: lock.front_door, name: Front Door, area: Hall, state: locked}
  - {entity: switch.kettle, name: Kettle, area: Kitchen, state: "off", deaf: true}
"""
SCRIPT: dict[str, Any] = {
    "kitchen off": ("HassTurnOff", {"area": "kitchen", "domain": "light"}),
    "ceiling on": ("HassTurnOn", {"name": "ceiling light"}),
    "ceiling off": ("HassTurnOff", {"name": "ceiling light"}),
    "counter on": ("HassTurnOn", {"name": "counter light"}),
    "dim it": ("HassLightSet", {"name": "it", "brightness": "forty percent"}),
    "bed lamp on": ("HassTurnOn", {"name": "bed lamp"}),
    "kettle on": ("HassTurnOn", {"name": "kettle"}),
    "unlock": ("HassTurnOff", {"name": "front door", "domain": "lock"}),
    "lights off and unlock": [
        ("HassTurnOff", {"area": "kitchen", "domain": "light"}), ("HassTurnOff", {"name": "front door", "domain": "lock"}),
    ],
    "both rooms": [
        ("HassTurnOff", {"area": "kitchen", "domain": "light"}), ("HassTurnOn", {"name": "bed lamp"}),
        ("HassTurnOn", {"name": "counter light"}),
    ],
    "and the bedroom too": ("Repeat", {"area": "bedroom"}),
    "the left one": ("Confirm", {"name": "left one"}),
    "yes": ("Confirm", {}),
    "no": ("Deny", {}),
    "disarm, code two four six eight": ("DisarmAlarm", {"code": "2468"}),
    "undo that": ("Undo", {}),
    "no, the other one": [("Undo", {}), ("Repeat", {"name": "the other one"})],
    "how are you feeling": ("Chat", {}),
    "news": ("Cloud", {"need": "fresh"}),
    "where is the stopcock": ("AskKnowledge", {"query": "stopcock"}),
    "do the thing": ("Unclear", {}),
    "turn the lights on": ("HassTurnOn", {"domain": "light"}),
    "printer on": ("HassTurnOn", {"name": "printer"}),
    "what did you say": ("Repeat", {}),
    "ceiling on and mumble": [("HassTurnOn", {"name": "ceiling light"}), ("Unclear", {})],
    "unlock and mumble": [("HassTurnOff", {"name": "front door", "domain": "lock"}), ("Unclear", {})],
    "add milk": ("HassShoppingListAddItem", {"item": ["milk"]}),
    "pasta timer": ("HassStartTimer", {"name": "pasta", "minutes": "ten"}),
    "how warm": ("HassClimateGetTemperature", {}),
}


@dataclass
class World:
    parts: Parts
    model: Scripted
    turns: list[TurnRecord]

    @property
    def assistant(self) -> Assistant:
        return self.parts.assistant

    async def ask(self, text: str, **how: Any) -> TurnRecord:
        return await self.assistant.ask(text, **how)

    def state(self, entity_id: str) -> str | None:
        return self.parts.link.home.entities[entity_id].state


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))
    file = tmp_path / "home.yaml"
    file.write_text(HOME)
    config = Config(mqtt=Mqtt(url="embedded:0"), confirm_s=0.4, sensitive=getattr(request, "param", Sensitive()))
    model = Scripted(SCRIPT)
    async with assembled(config, understands=model, simulate=file) as parts:
        turns: list[TurnRecord] = []
        parts.assistant.on_turn = turns.append
        yield World(parts, model, turns)


async def test_a_command_is_done_and_told(world: World) -> None:
    turn = await world.ask("kitchen off", area="Hall")
    assert turn.route == "local"
    assert [(one.intent, one.slots, sorted(one.entities)) for one in turn.intents] == [
        ("HassTurnOff", {"area": "Kitchen", "domain": "light"}, ["light.ceiling", "light.counter"])]
    assert len({one.topic for one in turn.commands}) == len(turn.commands) == 2
    assert world.state("light.ceiling") == "off"
    assert "kitchen lights" in turn.reply.lower()
    assert {"total", "interpret", "resolve", "act", "confirm"} <= turn.timing_ms.keys()
    assert turn.timing_ms["act"] <= turn.timing_ms["total"]
    assert world.turns == [turn]


async def test_it_is_what_was_talked_about_last(world: World) -> None:
    await world.ask("ceiling on", session="s")
    turn = await world.ask("dim it", session="s")
    assert turn.intents[0].entities == ("light.ceiling",)
    assert world.parts.link.home.entities["light.ceiling"].attributes["brightness"] == 102
    other = await world.ask("dim it", session="another")
    assert other.commands == ()


async def test_a_question_and_its_answer(world: World) -> None:
    question = await world.ask("bed lamp on", session="s")
    assert question.reply.endswith("?")
    assert question.commands == ()
    answer = await world.ask("the left one", session="s")
    assert world.model.heard[-1] == ("the left one", True)
    assert [one.entities for one in answer.intents] == [("light.bed_left",)]
    assert (world.state("light.bed_left"), world.state("light.bed_right")) == ("on", "off")


async def test_an_answer_that_was_not_understood_is_still_read_as_one(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    turn = await world.ask("left, please", session="s")
    assert [one.entities for one in turn.intents] == [("light.bed_left",)]


async def test_a_command_of_its_own_drops_the_question(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    turn = await world.ask("ceiling off", session="s")
    assert turn.intents[0].entities == ("light.ceiling",)
    late = await world.ask("the left one", session="s")
    assert late.commands == ()


async def test_television_does_not_answer_a_question(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    overheard = await world.ask("and now the weather", session="s")
    assert (overheard.route, overheard.reply) == ("none", "")
    assert (await world.ask("the left one", session="s")).intents[0].entities == ("light.bed_left",)


async def test_no_and_a_late_yes(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    assert (await world.ask("no", session="s")).commands == ()
    turn = await world.ask("yes", session="s")
    assert turn.commands == ()
    assert "nothing" in turn.reply


async def test_a_question_expires(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    session = world.assistant._sessions.of(Asked(text="", session="s"))
    assert session.pending is not None
    session.pending = replace(session.pending, expires_at=time.monotonic() - 1)
    assert (await world.ask("the left one", session="s")).commands == ()


async def test_a_sensitive_act_heard_wants_a_yes(world: World) -> None:
    question = await world.ask("unlock", via="voice", session="v")
    assert (question.commands, question.reply[-1:]) == ((), ".")
    assert "front door" in question.reply.lower()
    assert world.state("lock.front_door") == "locked"
    await world.ask("yes", via="voice", session="v")
    assert world.state("lock.front_door") == "unlocked"
    assert (await world.ask("unlock", session="typed")).commands != ()


async def test_only_a_yes_is_a_yes(world: World) -> None:
    await world.ask("unlock", via="voice", session="v")
    await world.ask("and then the front door of the castle opened", via="voice", session="v")   # television
    assert world.state("lock.front_door") == "locked"
    await world.ask("unlock", via="voice", session="v")     # the same again, louder
    assert world.state("lock.front_door") == "locked"


@pytest.mark.parametrize("world", [Sensitive(pin="4711")], indirect=True)
async def test_the_pin_and_nothing_else_unlocks(world: World) -> None:
    await world.ask("unlock", via="voice", session="v")
    assert (await world.ask("yes", via="voice", session="v")).reply == "Say the PIN."
    wrong = await world.ask("1234", via="voice", session="v")
    assert (wrong.reply, wrong.text) == ("That is not the PIN.", "••••")    # nearly right tells too much as well
    assert world.state("lock.front_door") == "locked"
    turn = await world.ask("it's four seven one one", via="voice", session="v")
    assert turn.text == "••••"          # records go to everyone on the bus
    assert b"seven one one" not in b"".join(
        file.read_bytes() for file in world.parts.config.data_path.rglob("*") if file.is_file())
    assert world.state("lock.front_door") == "unlocked"


async def test_a_panels_code_is_in_no_record(world: World) -> None:
    turn = await world.ask("disarm, code two four six eight", via="voice")
    assert (turn.text, turn.intents[0].slots["code"]) == ("••••", "••••")
    assert b"four six eight" not in b"".join(
        file.read_bytes() for file in world.parts.config.data_path.rglob("*") if file.is_file())


@pytest.mark.parametrize("world", [Sensitive(pin="4711")], indirect=True)
async def test_a_pin_cannot_be_tried_for_ever(world: World) -> None:
    await world.ask("unlock", via="voice", session="v")
    for attempt in range(10):
        await world.ask(f"12{attempt}4", via="voice", session="v")
    await world.ask("4711", via="voice", session="v")
    assert world.state("lock.front_door") == "locked"


async def test_what_can_be_done_is_done_and_the_question_comes_last(world: World) -> None:
    turn = await world.ask("lights off and unlock", via="voice", session="v")
    assert world.state("light.ceiling") == "off"
    assert turn.reply.index("kitchen") < turn.reply.lower().index("front door")
    await world.ask("yes", via="voice", session="v")
    assert world.state("lock.front_door") == "unlocked"
    turn = await world.ask("both rooms", session="b")
    assert (world.state("light.counter"), turn.reply[-1]) == ("on", "?")


async def test_repeat_with_another_room(world: World) -> None:
    await world.ask("kitchen off", session="s")
    turn = await world.ask("and the bedroom too", session="s")
    assert sorted(turn.intents[0].entities) == ["light.bed_left", "light.bed_right"]
    assert turn.intents[0].intent == "HassTurnOff"


async def test_undo_puts_back(world: World) -> None:
    await world.ask("kitchen off", session="s")
    turn = await world.ask("undo that", session="s")
    assert turn.intents[0].entities == ("light.ceiling",)      # the other one was off already
    assert (world.state("light.ceiling"), world.state("light.counter")) == ("on", "off")
    assert (await world.ask("undo that", session="s")).reply == "There is nothing to undo."


async def test_undo_does_not_reach_behind_an_act_that_changed_nothing(world: World) -> None:
    await world.ask("unlock", session="s")
    await world.ask("ceiling on", session="s")      # it was on already
    assert (await world.ask("undo that", session="s")).reply == "There is nothing to undo."
    assert world.state("lock.front_door") == "unlocked"


async def test_no_the_other_one(world: World) -> None:
    await world.ask("bed lamp on", session="s")
    await world.ask("the left one", session="s")
    await world.ask("no, the other one", session="s")
    assert (world.state("light.bed_left"), world.state("light.bed_right")) == ("off", "on")


async def test_undoing_a_lock_does_not_open_the_house_unasked(world: World) -> None:
    world.model.script["lock"] = ("HassTurnOn", {"name": "front door", "domain": "lock"})
    await world.ask("unlock", session="s")
    await world.ask("lock", session="s", via="voice")
    await world.ask("undo that", session="s", via="voice")
    assert world.state("lock.front_door") == "locked"


async def test_a_silent_device_is_said_to_be_silent(world: World) -> None:
    turn = await world.ask("kettle on")
    assert len(turn.commands) == 1
    assert "answer" in turn.reply


@pytest.mark.parametrize(
    ("text", "route", "reply"),
    [
        ("something on the television", "none", ""),
        ("how are you feeling", "local", "Mm-hm."),
        ("news", "none", "I can't look that up from here."),
        ("where is the stopcock", "knowledge", "I don't have anything about that."),
        ("do the thing", "local", "What should I do?"),
        ("", "none", ""),
    ],
)
async def test_what_is_no_command(world: World, text: str, route: str, reply: str) -> None:
    turn = await world.ask(text)
    assert (turn.route, turn.reply, turn.commands) == (route, reply, ())


async def test_what_is_hardly_understood_is_not_done(world: World) -> None:
    world.model.confidence = 0.1
    turn = await world.ask("kitchen off")
    assert turn.commands == ()
    assert turn.reply.endswith("?")


async def test_lists_and_timers_work_without_devices(world: World) -> None:
    assert "milk" in (await world.ask("add milk")).reply.lower()
    assert "asta timer" in (await world.ask("pasta timer")).reply
    assert [timer.name for timer in world.parts.services.timers.all()] == ["pasta"]


async def test_a_broken_skill_costs_only_its_own_intent(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def handle(self, slots: Any, turn: Turn) -> Done:
            raise RuntimeError("a stranger's bug")

    entry = world.assistant._registry._entries["HassShoppingListAddItem"]
    monkeypatch.setitem(world.assistant._registry._entries, entry.intent, replace(entry, skill=Broken()))  # type: ignore[arg-type]
    world.model.script["milk and light"] = [SCRIPT["add milk"], SCRIPT["ceiling off"]]
    turn = await world.ask("milk and light")
    assert world.state("light.ceiling") == "off"
    assert turn.reply.startswith("Something went wrong with that.")
    assert turn.id in caplog.text


async def test_a_broken_model_does_not_end_the_assistant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, *, asked: bool = False) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(world.model, "interpret", broken)
    assert (await world.ask("kitchen off")).reply == "Something went wrong with that."
    monkeypatch.undo()
    assert (await world.ask("kitchen off")).commands != ()


async def test_a_reply_is_streamed(world: World) -> None:
    tokens = [token async for token in world.assistant.stream("kitchen off")]
    assert "".join(token.token for token in tokens) == world.turns[-1].reply
    assert [token.index for token in tokens] == list(range(len(tokens)))
    assert [token.last for token in tokens] == [False] * (len(tokens) - 1) + [True]


async def test_sessions_do_not_wait_for_one_another(world: World) -> None:
    slow = asyncio.create_task(world.ask("kettle on", session="a"))      # waits for a device that is deaf
    await asyncio.sleep(0.05)
    second = asyncio.create_task(world.ask("ceiling off", session="a"))
    await world.ask("counter on", session="b")
    assert not slow.done()
    await asyncio.gather(slow, second)
    assert [turn.text for turn in world.turns] == ["counter on", "kettle on", "ceiling off"]


async def test_open_is_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_link, "QUIET_S", 0.05)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))
    file = tmp_path / "config.yaml"
    file.write_text("mqtt: {url: 'embedded:0'}")
    async with Assistant.open(file, understands=Scripted(SCRIPT)) as ingle:
        assert (await ingle.ask("how are you feeling")).reply == "Mm-hm."
    assert (tmp_path / "data" / "ingle.db").exists()
    assert "run.json" not in [path.name for path in (tmp_path / "data").iterdir()]


async def test_what_is_only_told_is_no_open_question(world: World) -> None:
    assert (await world.ask("printer on", session="s")).reply == "I don't know anything called printer."
    turn = await world.ask("ceiling on", session="s")
    assert turn.intents[0].entities == ("light.ceiling",)


async def test_again_is_for_those_it_was_for(world: World) -> None:
    await world.ask("turn the lights on", session="s")
    turn = await world.ask("what did you say", session="s")
    assert len(turn.intents[0].entities) == 4
    assert "already on" in turn.reply


async def test_said_again_a_door_is_not_opened_without_asking(world: World) -> None:
    await world.ask("unlock", session="s")
    turn = await world.ask("what did you say", session="s")
    assert turn.commands == ()
    assert turn.reply == "Unlock the front door? Say yes, or no."


async def test_a_part_that_was_not_understood_is_told(world: World) -> None:
    turn = await world.ask("ceiling on and mumble", session="s")
    assert [one.intent for one in turn.intents] == ["HassTurnOn"]
    assert turn.reply == "The ceiling light was already on. I'm not sure about the rest, so I left that."
    turn = await world.ask("unlock and mumble", session="s")      # as the sentence may have been cut wrongly
    assert turn.commands == ()
    assert turn.reply.endswith("Unlock the front door? Say yes, or no.")


async def test_what_was_put_off_waits_for_the_home_and_the_missed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))
    file = tmp_path / "home.yaml"
    file.write_text(HOME)
    config = Config(mqtt=Mqtt(url="embedded:0"), confirm_s=0.4, data_dir=str(tmp_path / "data"))
    services = Services.open(config, clock_of(config))
    now = clock_of(config)()
    turn = Turn(id="t", text="said before", area=None, via="text", speaker=None, now=now, home=Home(), context=Context(),
                perform=lambda calls: asyncio.sleep(0, []))
    for name, ago_s in (("counter light", 60), ("ceiling light", 3600)):
        meant = Meant(slots={"name": name}, recent=(), via="text")
        services.later.add("HassTurnOn" if ago_s == 60 else "HassTurnOff", meant, now - timedelta(seconds=ago_s), turn)
    services.close()
    turns: list[TurnRecord] = []
    async with assembled(config, understands=Scripted(SCRIPT), simulate=file) as parts:
        parts.assistant.on_turn = turns.append
        async with asyncio.timeout(5):
            while len(turns) < 2:  # noqa: ASYNC110  # told by a callback
                await asyncio.sleep(0.05)
        told = sorted(turn.reply for turn in turns)
        assert told[0].startswith("I was off")
        assert told[0].endswith("so I did not turn off the ceiling light.")
        assert told[1] == "Turned on the counter light."
        assert parts.link.home.entities["light.ceiling"].state == "on"
