"""The screen on a real daemon with a scripted model: what a person goes through, from the first start on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textual")

from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ingle.app import bus as bus_module
from ingle.app import home_link
from ingle.app.bus import Bus
from ingle.app.config import CloudConfig, Config, Limits, load
from ingle.app.daemon import Daemon
from ingle.app.tui import client as client_module
from ingle.app.tui.app import IngleApp
from ingle.app.tui.chat import Talk
from ingle.app.tui.client import Client
from ingle.app.tui.main_screen import MainScreen
from ingle.app.tui.set_up.screen import SetUpScreen, rooms_of
from ingle.app.tui.widgets.ask_bar import ANSWER, AskBar
from ingle.app.tui.widgets.now import Now
from ingle.skills.registry import load_skills

from .clouds import Server
from .conftest import BrokerUnderTest, free_port
from .scripted import Scripted, skills
from .test_tui import conversation, line_of, status, type_in, until

SCRIPT: dict[str, Any] = {
    "lamp on": ("HassTurnOn", {"name": "lamp"}),
    "desk lamp on": ("HassTurnOn", {"name": "desk lamp"}),
    "one second": ("HassStartTimer", {"name": "egg", "seconds": "one"}),
    "stop the egg timer": ("HassCancelTimer", {"name": "egg"}),
    "add milk": ("HassShoppingListAddItem", {"item": ["milk"]}),
    "check off milk on the shopping list": ("HassShoppingListCompleteItem", {"item": ["milk"]}),
    "capital of france": ("Cloud", {"need": "exact"}),
    "yes": ("Confirm", {}),
    "no": ("Deny", {}),
    "turn on Floor Lamp": ("HassTurnOn", {"name": "Floor Lamp"}),
}
NOTES = "# House notes\n\n## Water\nThe water shut-off is behind the washing machine: the red lever.\n"


class Lamps:
    """Two lamps of a study; the floor lamp can be taken off the network."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.deaf = False

    async def begin(self) -> None:
        await self._bus.subscribe("+/set")
        for key, name in (("desk", "Desk Lamp"), ("floor", "Floor Lamp")):
            config = {"name": name, "unique_id": key, "command_topic": f"{key}/set", "state_topic": f"{key}/state",
                      "availability_topic": f"{key}/there", "device": {"identifiers": [key], "suggested_area": "Study"}}
            await self._bus.keep(f"homeassistant/light/{key}_lamp/config", json.dumps(config))
            await self._bus.keep(f"{key}/there", "online")
            await self._bus.keep(f"{key}/state", "OFF")

    async def run(self) -> None:
        async for message in self._bus.messages:
            if not self.deaf:
                await self._bus.keep(message.topic.replace("/set", "/state"), message.payload.decode())

    async def leave(self, key: str) -> None:
        self.deaf = True
        await self._bus.keep(f"{key}/there", "offline")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "BACKOFF_S", (0.02, 0.1))
    monkeypatch.setattr(client_module, "TICK_S", 0.02)
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))


@pytest.fixture
def config(embedded: BrokerUnderTest, tmp_path: Path) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(f"# our house\nmqtt:\n  url: {embedded.address}   # the broker in the hall\nconfirm_s: 5\n")
    return load(file)


@asynccontextmanager
async def at_home(config: Config, *, size: tuple[int, int] = (120, 35)) -> AsyncIterator[tuple[Pilot[None], Lamps]]:
    """The screen of a whole Ingle, online, with its devices."""
    async with Bus(config.mqtt.address) as bus:
        lamps = Lamps(bus)
        await lamps.begin()
        running = asyncio.create_task(lamps.run())
        async with (Daemon.open(config, understands=Scripted(SCRIPT)), Client.open(config, address=config.mqtt.address) as client,
                    IngleApp(client).run_test(size=size) as pilot):
            await until(pilot, lambda: "● online" in status(pilot) and "off" in line_of(pilot, "Desk Lamp"))
            yield pilot, lamps
        running.cancel()


def text_of(pilot: Pilot[None], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector, Static).content)


def listed(pilot: Pilot[None], selector: str) -> str:
    return "\n".join(str(option.prompt) for option in pilot.app.screen.query_one(selector, OptionList).options)


def at_main(pilot: Pilot[None]) -> bool:
    return isinstance(pilot.app.screen, MainScreen)


def main_screen(pilot: Pilot[None]) -> MainScreen:
    assert isinstance(pilot.app.screen, MainScreen)
    return pilot.app.screen


async def test_a_question_back_and_the_story_of_its_answer(config: Config) -> None:
    async with at_home(config) as (pilot, _):
        await type_in(pilot, "lamp on")
        await until(pilot, lambda: "Which one: the Desk Lamp or the Floor Lamp?" in conversation(pilot))
        await until(pilot, lambda: pilot.app.screen.query_one(AskBar).placeholder == ANSWER)
        await type_in(pilot, "the floor lamp")
        await until(pilot, lambda: "Turned on the floor lamp." in conversation(pilot))
        await until(pilot, lambda: "on" in line_of(pilot, "Floor Lamp"))
        await pilot.press("f3")
        await until(pilot, lambda: "light.floor_lamp" in text_of(pilot, "#story-text"))
        await until(pilot, lambda: "Came back" in text_of(pilot, "#story-text"))    # it was asked for, and came
        assert "✓ light.floor_lamp turn_on" in text_of(pilot, "#story-text")
        await pilot.press("left")
        await until(pilot, lambda: "Devices considered" in text_of(pilot, "#story-text"))
        assert "? Which one: the Desk Lamp or the Floor Lamp?" in text_of(pilot, "#story-text")
        await until(pilot, lambda: "Compute left" in text_of(pilot, "#vitals-text"))
        await pilot.press("escape")
        assert main_screen(pilot).page.id == "home"


async def test_a_device_that_is_offline(config: Config) -> None:
    async with at_home(config) as (pilot, lamps):
        await lamps.leave("desk")
        await until(pilot, lambda: "offline" in line_of(pilot, "Desk Lamp"))
        await type_in(pilot, "desk lamp on")
        await until(pilot, lambda: "desk lamp" in conversation(pilot).lower() and " ms" in conversation(pilot))
        assert "Turned on" not in conversation(pilot)
        assert "offline" in line_of(pilot, "Desk Lamp")


async def test_a_timer_rings_and_is_stopped_with_a_key(config: Config) -> None:
    async with at_home(config) as (pilot, _):
        await type_in(pilot, "one second")
        now = pilot.app.screen.query_one(Now)
        await until(pilot, lambda: "egg" in listed(pilot, "#now"))
        await until(pilot, lambda: "egg is ringing" in listed(pilot, "#now"))
        now.focus()
        now.highlighted = 0
        await pilot.press("enter")
        await until(pilot, lambda: not now.display)


async def test_a_list_is_shown_and_ticked_off(config: Config) -> None:
    async with at_home(config) as (pilot, _):
        await type_in(pilot, "add milk")
        await until(pilot, lambda: "Shopping 1  milk" in listed(pilot, "#now"))
        now = pilot.app.screen.query_one(Now)
        now.focus()
        now.highlighted = 0
        await pilot.press("enter")
        await until(pilot, lambda: "☐ milk" in listed(pilot, "#list"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: not now.display)         # nothing is left to buy


async def test_the_cloud_is_asked_refused_and_on_record(config: Config) -> None:
    pytest.importorskip("httpx")
    async with Server().running() as server:
        limits = Limits(temperature_c=500, battery_percent=0)
        config = replace(config, cloud=CloudConfig(url=server.url, model="m"), limits=limits)
        async with at_home(config) as (pilot, _):
            await type_in(pilot, "capital of france")
            await until(pilot, lambda: "?" in conversation(pilot) and " ms" in conversation(pilot))
            asked = conversation(pilot)
            await type_in(pilot, "no")
            await until(pilot, lambda: "OK, I left it." in conversation(pilot))
            assert not server.heard, asked
            await pilot.press("f7")
            await until(pilot, lambda: "· " in listed(pilot, "#entries"))
            await pilot.press("o")
            await until(pilot, lambda: "Nothing has left this device." in text_of(pilot, "#entry"))
            await pilot.press("escape")
            await type_in(pilot, "capital of france")
            await until(pilot, lambda: conversation(pilot).count("Shall I?") == 2)
            await type_in(pilot, "yes")
            await until(pilot, lambda: "The capital of France is Paris." in conversation(pilot))
            await until(pilot, lambda: " cloud " in conversation(pilot))
            await pilot.press("f7")
            await until(pilot, lambda: "↑" in listed(pilot, "#entries"))


async def test_documents_are_taken_in_found_and_forgotten(config: Config, tmp_path: Path) -> None:
    notes = tmp_path / "House notes.md"
    notes.write_text(NOTES)
    async with at_home(config) as (pilot, _):
        await pilot.press("f4")
        await until(pilot, lambda: "Nothing is known yet" in text_of(pilot, "#passage"), timeout_s=30)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: bool(pilot.app.screen.query(".dialog Input")))
        line = pilot.app.screen.query_one(".dialog Input", Input)
        line.value = str(tmp_path / "nowhere")
        await pilot.press("enter")
        await until(pilot, lambda: "does not exist" in text_of(pilot, ".bad"))
        line.value = str(notes)
        await pilot.press("enter")
        await until(pilot, lambda: at_main(pilot) and "House notes" in listed(pilot, "#found"), timeout_s=30)
        search = pilot.app.screen.query_one("#search", Input)
        search.focus()
        search.value = "where is the water shut-off?"
        await pilot.press("enter")
        await until(pilot, lambda: "red lever" in text_of(pilot, "#passage"), timeout_s=30)
        shown = pilot.app.screen.query_one("#passage", Static).content
        marked = [shown.plain[span.start : span.end] for span in shown.spans if "warning" in str(span.style)]
        assert "water" in marked
        assert "red" not in marked
        search.value = ""
        await pilot.press("enter")
        await until(pilot, lambda: "passages" in text_of(pilot, "#passage"))
        pilot.app.screen.query_one("#found").focus()
        await pilot.press("delete", "y")
        await until(pilot, lambda: at_main(pilot) and listed(pilot, "#found") == "", timeout_s=30)


async def test_settings_routines_and_models(config: Config) -> None:
    assert config.file is not None
    (config.data_path).mkdir(parents=True, exist_ok=True)
    (config.data_path / "routines.yaml").write_text(
        "# ours\n- name: bedtime\n  when: I say bedtime\n  do: turn off the lights\n"
        "- name: dawn   # keep\n  when: every day at 7\n  do: x\n")
    async with at_home(config) as (pilot, _):
        await pilot.press("f8")
        settings = pilot.app.screen.query_one("#settings-list", OptionList)
        await until(pilot, lambda: "confirm s" in listed(pilot, "#settings-list"))
        settings.highlighted = settings.get_option_index("mqtt.url")
        await until(pilot, lambda: "the broker in the hall" in text_of(pilot, "#setting"))
        settings.highlighted = settings.get_option_index("question_s")
        await pilot.press("enter")
        await until(pilot, lambda: bool(pilot.app.screen.query(".dialog Input")))
        line = pilot.app.screen.query_one(".dialog Input", Input)
        line.value = "never"
        await pilot.press("enter")
        await until(pilot, lambda: "question_s" in text_of(pilot, ".bad"))
        assert "question_s" not in config.file.read_text()
        line.value = "90"
        await pilot.press("enter")
        await until(pilot, lambda: "question_s: 90" in config.file.read_text())     # type: ignore[union-attr]
        assert "# the broker in the hall" in config.file.read_text()
        await pilot.press("f5")
        await until(pilot, lambda: "● bedtime" in listed(pilot, "#routines-list"))
        await pilot.press("space")
        await until(pilot, lambda: "○ bedtime" in listed(pilot, "#routines-list"))
        assert "# keep" in (config.data_path / "routines.yaml").read_text()
        await pilot.press("delete", "y")
        await until(pilot, lambda: at_main(pilot) and "bedtime" not in listed(pilot, "#routines-list"))
        await pilot.press("f6")
        await until(pilot, lambda: "Shipped with Ingle  in use" in text_of(pilot, "#models-text"))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.press(*"floor")
        await pilot.pause(0.5)
        await pilot.press("down", "enter")
        await until(pilot, lambda: at_main(pilot) and "Turned on the floor lamp." in conversation(pilot))
        assert main_screen(pilot).page.id == "home"


# the first run

async def test_the_first_run_asks_and_writes_and_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: BrokerUnderTest,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with Bus(embedded.address) as bus:
        await Lamps(bus).begin()
        await bus.keep("ingle/status", "online")
        async with Client.open(Config(), set_up_first=True) as client, IngleApp(client).run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(pilot.app.screen, SetUpScreen))
            await pilot.press("enter")
            line = pilot.app.screen.query_one(Input)
            line.value = f"mqtt://127.0.0.1:{free_port()}"
            await pilot.press("enter")
            await until(pilot, lambda: str(line.value.rpartition(":")[2]) in text_of(pilot, "#set-up-fault")
                        and "Looking" not in text_of(pilot, "#set-up-fault"))
            line.value = str(embedded.address)
            await pilot.press("enter")
            await until(pilot, lambda: line.value == "Study")       # the room that the devices suggest
            line.value = "Upstairs: Study, Bedroom; Garage"
            await pilot.press("enter")
            await until(pilot, lambda: "2 devices announce themselves" in text_of(pilot, "#set-up-live"))
            for _ in range(40):     # past the microphone, which is tried for a moment
                if "the cloud is off" in text_of(pilot, "#set-up-text"):
                    break
                await pilot.press("enter")
                await pilot.pause(0.2)
            assert "the cloud is off" in text_of(pilot, "#set-up-text")
            await pilot.press("enter")
            await until(pilot, lambda: at_main(pilot))
            await until(pilot, lambda: "● online" in status(pilot))
            await until(pilot, lambda: bool(line_of(pilot, "Desk Lamp")))
    written = load(tmp_path / "config" / "ingle" / "config.yaml")
    assert written.mqtt.url == str(embedded.address)
    rooms = [(area.name, area.floor) for area in written.home.areas]
    assert rooms == [("Study", "Upstairs"), ("Bedroom", "Upstairs"), ("Garage", None)]
    assert written.cloud.url is None


async def test_who_leaves_the_set_up_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with Client.open(Config(), set_up_first=True) as client:
        monkeypatch.setattr(client, "configure", lambda config: None)       # no daemon for this
        async with IngleApp(client).run_test() as pilot:
            await until(pilot, lambda: isinstance(pilot.app.screen, SetUpScreen))
            await pilot.press("enter", "escape")
            await until(pilot, lambda: at_main(pilot))
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(("line", "floors", "areas"), [
    ("", [], []), (" , ;", [], []), ("Kitchen", [], [("Kitchen", None)]),
    ("Down: Kitchen,  Living  Room ; Up: Study, Kitchen", ["Down", "Up"],
     [("Kitchen", "Down"), ("Living Room", "Down"), ("Study", "Up")]),
])
def test_rooms_are_read_from_one_line(line: str, floors: list[str], areas: list[tuple[str, str | None]]) -> None:
    assert rooms_of(line) == (floors, areas)


# in lines

async def test_a_conversation_in_plain_lines(config: Config) -> None:
    said: list[str] = []
    lines = iter(["lamp on\n", "the floor lamp\n", "\n", "one second\n", ""])
    async with Bus(config.mqtt.address) as bus:
        lamps = Lamps(bus)
        await lamps.begin()
        running = asyncio.create_task(lamps.run())
        async with Daemon.open(config, understands=Scripted(SCRIPT)), Client.open(config, address=config.mqtt.address) as client:
            await Talk(client, plain=True, read=lambda: next(lines), write=said.append).run()
        running.cancel()
    told = "".join(said)
    assert told.splitlines() == [
        "Note: Ingle is ready.", "Ingle: Which one: the Desk Lamp or the Floor Lamp?", "Ingle: Turned on the floor lamp.",
        "Ingle: Egg timer set for 1 second."]
    assert "\x1b" not in told

