"""The screen against a real broker: typed at with textual's pilot, with a small world that knows only the contract's topics."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("textual")

from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Static

from ingle.app import bus as bus_module
from ingle.app import home_link
from ingle.app.bus import Bus, Message
from ingle.app.config import AreaConfig, Config, FloorConfig, HomeConfig, Mqtt, load
from ingle.app.daemon import Daemon
from ingle.app.tui import client as client_module
from ingle.app.tui.app import CONTRAST, DARK, LIGHT, IngleApp
from ingle.app.tui.client import Client, Link, Notice
from ingle.app.tui.requests import request_for
from ingle.app.tui.safe_text import fit, padded
from ingle.app.tui.shown import Shown, shown
from ingle.app.tui.widgets.ask_bar import AskBar
from ingle.app.tui.widgets.board import Board, Line, board_lines, drawn
from ingle.app.tui.widgets.conversation import Conversation
from ingle.app.tui.widgets.exchange import Exchange
from ingle.app.tui.widgets.help_screen import HelpScreen
from ingle.app.tui.widgets.status_bar import StatusBar
from ingle.skills.home.model import Entity
from ingle.skills.registry import load_skills

from . import tiny
from .conftest import BrokerUnderTest, free_port
from .scripted import Scripted, skills
from .worlds import family_house

LAMP = {"name": "Desk Lamp", "unique_id": "lamp", "schema": "json", "brightness": True, "command_topic": "lamp/set",
        "state_topic": "lamp/state", "availability_topic": "lamp/there",
        "device": {"identifiers": ["d1"], "suggested_area": "Study"}}
DOOR = {"name": "Front Door", "unique_id": "door", "command_topic": "door/set", "state_topic": "door/state",
        "device": {"identifiers": ["d2"], "suggested_area": "Hall"}}
PLAN = HomeConfig(
    floors=(FloorConfig(name="Upstairs"), FloorConfig(name="Downstairs")),
    areas=(AreaConfig(name="Hall", floor="Downstairs"), AreaConfig(name="Study", floor="Upstairs")),
)


class World:
    """A lamp, a door, and an Ingle that understands "… on" and "… off", word by word, as the contract has it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.asked: list[dict[str, Any]] = []
        self.silent = False
        self._answering: set[asyncio.Task[None]] = set()

    async def begin(self, status: str = "online") -> None:
        await self.bus.subscribe("ingle/ask", "lamp/set")
        await self.bus.keep("homeassistant/light/desk_lamp/config", json.dumps(LAMP))
        await self.bus.keep("homeassistant/lock/front_door/config", json.dumps(DOOR))
        await self.bus.keep("lamp/there", "online")
        await self.bus.keep("lamp/state", json.dumps({"state": "OFF"}))
        await self.bus.keep("door/state", "LOCKED")
        await self.bus.keep("ingle/device", json.dumps({"model": "tiny", "memory_mb": 41.5}))
        await self.bus.keep("ingle/status", status)

    async def run(self) -> None:
        async for message in self.bus.messages:
            if message.topic == "lamp/set":
                state = json.loads(message.payload)
                await self.bus.keep("lamp/state", json.dumps({"brightness": 128, **state}))
            elif not message.retain:
                self._answering.add(asyncio.create_task(self._answer(message)))

    async def _answer(self, message: Message) -> None:
        asked = json.loads(message.payload)
        self.asked.append(asked)
        if self.silent:
            return
        payload = json.dumps({"state": "ON" if asked["text"].endswith("on") else "OFF"})
        commands = [{"topic": "lamp/set", "payload": payload}] if "lamp" in asked["text"] else []
        for command in commands:
            await self.bus.publish(command["topic"], command["payload"])
        reply = f"You said {asked['text']}."
        words = [word if number == 0 else f" {word}" for number, word in enumerate(reply.split(" "))]
        for index, word in enumerate([*words, ""]):
            token = {"id": asked["id"], "index": index, "token": word, "last": not word}
            await self.bus.publish(f"ingle/reply/{asked['id']}", json.dumps(token))
        record = {"id": asked["id"], "text": asked["text"], "route": "local" if commands else "none", "commands": commands,
                  "intents": [{"intent": "HassTurnOn", "entities": ["light.desk_lamp"]}] if commands else [],
                  "reply": reply, "timing_ms": {"act": 5.0, "total": 12.3}}
        await self.bus.publish("ingle/turn", json.dumps(record))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "BACKOFF_S", (0.02, 0.1))
    monkeypatch.setattr(client_module, "TICK_S", 0.02)


@pytest.fixture
def config(embedded: BrokerUnderTest) -> Config:
    return Config(mqtt=Mqtt(url=str(embedded.address)), home=PLAN)


@pytest.fixture
async def world(embedded: BrokerUnderTest) -> AsyncIterator[World]:
    async with Bus(embedded.address) as bus:
        world = World(bus)
        await world.begin()
        running = asyncio.create_task(world.run())
        yield world
        running.cancel()


@asynccontextmanager
async def screen_of(config: Config, *, size: tuple[int, int] = (120, 35)) -> AsyncIterator[Pilot[None]]:
    async with Client.open(config, address=config.mqtt.address) as client, IngleApp(client).run_test(size=size) as pilot:
        yield pilot


async def until(pilot: Pilot[None], true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait for it. What was on the screen instead is in the error."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError("\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips()))
        await pilot.pause(0.02)


async def type_in(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*(("space" if character == " " else character) for character in text), "enter")


def status(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one(StatusBar).render())


def conversation(pilot: Pilot[None]) -> str:
    shown = pilot.app.screen.query_one(Conversation).children
    return "\n".join(each.plain if isinstance(each, Exchange) else str(each.content) for each in shown
                     if isinstance(each, Exchange | Static))


def board(pilot: Pilot[None]) -> list[str]:
    return [str(option.prompt).rstrip() for option in pilot.app.screen.query_one(Board).options]


def line_of(pilot: Pilot[None], name: str) -> str:
    return next((line for line in board(pilot) if name in line), "")


# a turn

async def test_a_command_is_answered_and_the_board_changes(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "off" in line_of(pilot, "Desk Lamp"))
        await until(pilot, lambda: "online" in status(pilot))
        await type_in(pilot, "lamp on")
        await until(pilot, lambda: "You said lamp on." in conversation(pilot) and "local" in conversation(pilot))
        await until(pilot, lambda: "50%" in line_of(pilot, "Desk Lamp"))
        assert '→ lamp/set {"state": "ON"}' in conversation(pilot)
        await until(pilot, lambda: "✓ Desk Lamp 50%" in conversation(pilot))
        assert "last turn 12 ms" in status(pilot)
        assert "tiny" in status(pilot)
        assert world.asked[0]["session"].startswith("screen-")


async def test_the_board_is_by_floor_and_room(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "locked" in line_of(pilot, "Front Door") and bool(line_of(pilot, "Desk Lamp")))
        names = [line.split("  ")[0] or line.split()[0] for line in board(pilot)]
        assert names == ["UPSTAIRS", "Study", "Desk", "DOWNSTAIRS", "Hall", "Front"]


async def test_a_turn_from_elsewhere_is_shown(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        record = {"id": "x", "text": "spoken in the hall", "route": "none", "reply": "Mm-hm."}
        await world.bus.publish("ingle/turn", json.dumps(record))
        await until(pilot, lambda: "Mm-hm." in conversation(pilot))
        assert "spoken in the hall" in conversation(pilot)


async def test_with_the_real_daemon(embedded: BrokerUnderTest, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))
    script: dict[str, Any] = {"lamp on": ("HassTurnOn", {"name": "desk lamp"})}
    async with Bus(embedded.address) as bus:
        lamp = World(bus)
        await lamp.begin("offline")
        await bus.unsubscribe("ingle/ask")
        running = asyncio.create_task(lamp.run())
        async with Daemon.open(config, understands=Scripted(script)), screen_of(config) as pilot:
            await until(pilot, lambda: "online" in status(pilot))
            await type_in(pilot, "lamp on")
            await until(pilot, lambda: "Turned on the desk lamp." in conversation(pilot))
            await until(pilot, lambda: "50%" in line_of(pilot, "Desk Lamp"))
        running.cancel()


# devices

async def test_an_offline_device_is_marked(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "off" in line_of(pilot, "Desk Lamp"))
        await world.bus.keep("lamp/there", "offline")
        await until(pilot, lambda: "offline" in line_of(pilot, "Desk Lamp"))
        await world.bus.keep("lamp/there", "online")
        await until(pilot, lambda: "offline" not in line_of(pilot, "Desk Lamp"))


async def test_a_device_that_goes_leaves_the_board(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: bool(line_of(pilot, "Desk Lamp")))
        await world.bus.publish("homeassistant/light/desk_lamp/config", "", retain=True)
        await until(pilot, lambda: not line_of(pilot, "Desk Lamp") and bool(line_of(pilot, "Front Door")))


async def test_enter_on_a_device_asks_and_what_opens_the_house_is_only_proposed(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        await until(pilot, lambda: "off" in line_of(pilot, "Desk Lamp") and "locked" in line_of(pilot, "Front Door"))
        devices = pilot.app.screen.query_one(Board)
        devices.focus()
        devices.highlighted = devices.get_option_index("light.desk_lamp")
        await pilot.press("enter")
        await until(pilot, lambda: bool(world.asked))
        assert (world.asked[0]["text"], world.asked[0]["area"]) == ("turn on Desk Lamp", "Study")
        devices.highlighted = devices.get_option_index("lock.front_door")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query_one(AskBar).value == "unlock Front Door")
        assert len(world.asked) == 1


async def test_typing_on_the_board_goes_to_the_input_line(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        pilot.app.screen.query_one(Board).focus()
        await pilot.press("h", "i")
        await until(pilot, lambda: pilot.app.screen.query_one(AskBar).value == "hi")


# the connection

async def test_a_broker_lost_and_back(world: World, config: Config, embedded: BrokerUnderTest) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        await embedded.stop()
        await until(pilot, lambda: "connection lost" in status(pilot))
        await type_in(pilot, "lamp on")
        await embedded.start()
        await until(pilot, lambda: "● online" in status(pilot), timeout_s=20)
        await until(pilot, lambda: "You said lamp on." in conversation(pilot))
        await until(pilot, lambda: "50%" in line_of(pilot, "Desk Lamp"))
        assert len(world.asked) == 1


async def test_a_request_waits_for_an_ingle_that_comes(world: World, config: Config) -> None:
    await world.bus.keep("ingle/status", "offline")
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "not running" in status(pilot))
        await type_in(pilot, "hello")
        await pilot.pause(0.2)
        assert not world.asked
        await world.bus.keep("ingle/status", "online")
        await until(pilot, lambda: "You said hello." in conversation(pilot))


async def test_no_stale_request_is_sent(world: World, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "WAIT_S", 0.1)
    await world.bus.keep("ingle/status", "offline")
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "not running" in status(pilot))
        await type_in(pilot, "hello")
        await until(pilot, lambda: "not sent" in conversation(pilot))
        await world.bus.keep("ingle/status", "online")
        await until(pilot, lambda: "● online" in status(pilot))
        assert not world.asked


async def test_silence_is_told(world: World, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_S", 0.1)
    world.silent = True
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        await type_in(pilot, "hello")
        await until(pilot, lambda: "no answer within" in conversation(pilot))


async def test_an_ingle_that_cannot_start_says_why(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("mqtt: {url: 'embedded:18'}\nmodel: nowhere.gguf\n")
    async with Client.open(load(file)) as client, IngleApp(client).run_test() as pilot:
        await until(pilot, lambda: "starting" in status(pilot) or "stopped" in status(pilot), timeout_s=30)
        await until(pilot, lambda: "stopped" in status(pilot), timeout_s=30)
        assert "nowhere.gguf" in conversation(pilot)
        await type_in(pilot, "hello")
        await until(pilot, lambda: "not sent" in conversation(pilot))


async def test_its_own_ingle_starts_and_ends_with_it(tmp_path: Path) -> None:
    """All of it, as a user has it: a process of its own, a model file, the embedded broker, a simulated home."""
    file = tmp_path / "config.yaml"
    file.write_text(f"mqtt: {{url: 'embedded:{free_port()}'}}\nmodel: {tiny.write_model(tmp_path / 'tiny.gguf')}\n")
    config, home = load(file), Path(__file__).parent / "homes" / "two_rooms.yaml"
    async with Client.open(config, simulate=home) as client, IngleApp(client).run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: "● online" in status(pilot), timeout_s=30)
        await until(pilot, lambda: "Kitchen" in board(pilot))
        await until(pilot, lambda: not any(line.endswith("?") for line in board(pilot)))
        await type_in(pilot, "turn on the kitchen lights")
        await until(pilot, lambda: " ms" in conversation(pilot))     # the random model may have understood anything
        pid = json.loads((config.data_path / "run.json").read_text())["pid"]
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


async def test_an_ingle_of_its_own_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"mqtt: {{url: 'embedded:{free_port()}'}}\nmodel: {tiny.write_model(tmp_path / 'tiny.gguf')}\n")
    config = load(file)
    async with Client.open(config) as client, IngleApp(client).run_test() as pilot:
        await until(pilot, lambda: "● online" in status(pilot), timeout_s=30)
        os.kill(json.loads((config.data_path / "run.json").read_text())["pid"], signal.SIGKILL)
        await until(pilot, lambda: "stopped" in status(pilot))
        assert "it was ended by signal 9" in conversation(pilot)


async def test_a_running_ingle_is_found(world: World, config: Config, tmp_path: Path) -> None:
    home = tmp_path / "cottage.yaml"
    home.write_text("entities: []\n")
    async with Client.open(config, simulate=home) as client, asyncio.timeout(10):
        told = []
        async for news in client.news():
            told.append(news)
            if isinstance(news, Link) and news.state == "online":
                break
    assert [news.text for news in told if isinstance(news, Notice)] == [
        f"Ingle runs already, on {config.mqtt.address}: the home 'cottage' was not started."]
    assert not [news for news in told if isinstance(news, Link) and news.state == "starting"]


# keys

async def test_history(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        line = pilot.app.screen.query_one(AskBar)
        await type_in(pilot, "one")
        await type_in(pilot, "two")
        await type_in(pilot, "two")
        await pilot.press("d", "up")
        assert line.value == "two"
        await pilot.press("up", "up")
        assert line.value == "one"
        await pilot.press("down", "down")
        assert line.value == "d"
        await pilot.press("escape")
        assert line.value == ""


async def test_help_theme_clear_and_devices(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await pilot.press("f1")
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape", "question_mark", "enter")
        assert isinstance(pilot.app.screen, HelpScreen)
        await pilot.press("escape", "ctrl+t")
        assert pilot.app.theme == LIGHT.name
        await pilot.press("ctrl+t")
        assert pilot.app.theme == CONTRAST.name
        await pilot.press("ctrl+t")
        assert pilot.app.theme == DARK.name
        await pilot.press("ctrl+l", "f2")
        assert conversation(pilot) == ""
        assert not pilot.app.screen.query_one("#house").display
        await pilot.press("f2")
        assert pilot.app.screen.query_one("#house").display


@pytest.mark.parametrize(("size", "shown_at_first"), [((80, 24), True), ((60, 20), False), ((20, 8), False), ((200, 60), True)])
async def test_any_size(world: World, config: Config, size: tuple[int, int], shown_at_first: bool) -> None:
    async with screen_of(config, size=size) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        assert pilot.app.screen.query_one("#house").display == shown_at_first
        await pilot.press("f2", "f2")
        await type_in(pilot, "lamp on")
        await until(pilot, lambda: "You said" in conversation(pilot))


async def test_ctrl_c_copies_what_is_marked_and_quits_otherwise(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await pilot.press("a", "b", "ctrl+shift+a", "ctrl+c")
        assert pilot.app.clipboard == "ab"
        assert pilot.app.is_running
        await pilot.press("right", "ctrl+c")
        await until(pilot, lambda: not pilot.app.is_running)


# what comes in is anyone's

@pytest.mark.parametrize("text", ["[red]", "[/]", "\\", "{}", "$x", "[@click=app.exit]x[/]", "日本語"])
async def test_odd_words_are_shown_as_they_are(world: World, config: Config, text: str) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: "online" in status(pilot))
        pilot.app.screen.query_one(AskBar).propose(text)
        await pilot.press("enter")
        await until(pilot, lambda: f"You said {text}." in conversation(pilot))


async def test_hostile_messages_do_no_harm(world: World, config: Config) -> None:
    async with screen_of(config) as pilot:
        await until(pilot, lambda: bool(line_of(pilot, "Desk Lamp")))
        for topic in ("ingle/turn", "ingle/reply/x", "ingle/device", "ingle/status"):
            for payload in (b"", b"{", b"[]", b"\xff", b"null", b'{"id": 5}', b"[" * 5000):
                await world.bus.publish(topic, payload)
        evil = {**LAMP, "name": "\x1b[2JEvil\u202e [red]Lamp", "unique_id": "evil", "state_topic": "evil/state"}
        await world.bus.publish("homeassistant/light/evil/config", json.dumps(evil))
        await world.bus.keep("ingle/status", "online")
        await until(pilot, lambda: bool(line_of(pilot, "Evil")))
        assert "[2JEvil [red]Lamp" in line_of(pilot, "Evil")
        assert "\x1b" not in line_of(pilot, "Evil")
        await until(pilot, lambda: "● online" in status(pilot))
        await type_in(pilot, "hello")
        await until(pilot, lambda: "You said hello." in conversation(pilot))


_anything = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2))
_domains = st.sampled_from(["light", "fan", "cover", "valve", "lock", "climate", "water_heater", "humidifier", "media_player",
                            "binary_sensor", "alarm_control_panel", "sensor", "number", "event", "update", "scene", "siren",
                            "vacuum", "lawn_mower", "device_tracker", "text", "select", "camera"])
_attributes = st.dictionaries(st.sampled_from(["brightness", "percentage", "current_position", "temperature", "humidity",
                                               "current_temperature", "volume_level", "event_type", "hvac_action"]), _anything)


@given(_domains, st.none() | st.text(max_size=20) | st.sampled_from(["on", "off", "open", "locked", "21.5"]), _attributes,
       st.text(max_size=30), st.integers(0, 60))
def test_anything_can_be_drawn(domain: str, state: str | None, attributes: dict[str, Any], name: str, cells: int) -> None:
    entity = Entity(entity_id=f"{domain}.x", domain=domain, name=name, state=state, attributes=attributes)
    how = shown(entity)
    assert how.level is None or 0 <= how.level <= 1
    request = request_for(entity)
    assert request is None or request.text
    line = drawn(Line("entity", fit(entity.name), entity.entity_id, how), cells)
    assert "\n" not in line.plain
    assert cells < 20 or line.cell_length == cells


@given(st.text(max_size=50), st.integers(0, 30))
def test_text_from_the_bus_fits(text: str, cells: int) -> None:
    assert cell_len(padded(text, cells)) == cells
    assert cell_len(fit(text, at_most=cells)) <= cells
    assert all(character.isprintable() for character in fit(text))


def test_a_whole_house_in_order() -> None:
    home = family_house()
    lines = list(board_lines(home))
    floors = [line.name for line in lines if line.kind == "floor"]
    assert floors == ["Upstairs", "Downstairs", "Elsewhere"]
    assert {line.entity_id for line in lines if line.entity_id} == {
        entity.entity_id for entity in home.entities.values() if entity.exposed and entity.category is None}


@pytest.mark.parametrize(("entity_id", "state", "words"), [
    ("light.a", "on", "turn off X"), ("light.a", None, "turn on X"), ("cover.a", "opening", "stop X"),
    ("lock.a", "unlocked", "lock X"),
    ("media_player.a", "playing", "pause X"), ("vacuum.a", "docked", "start X"), ("scene.a", None, "activate X"),
    ("sensor.a", "5", None),
])
def test_the_next_obvious_thing(entity_id: str, state: str | None, words: str | None) -> None:
    request = request_for(Entity(entity_id=entity_id, domain=entity_id.partition(".")[0], name="X", state=state))
    assert (request.text if request else None) == words
    assert shown(Entity(entity_id="lock.a", domain="lock", name="X", state="locked")) == Shown("locked", "good")
