"""The README's pictures of the screen, from a real session: `python -m tests.pictures [FOLDER]`.

A daemon of its own with the simulated demo home and the shipped model, asked what a person would ask; the screen as textual draws
it. Default folder: app/tui/pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from textual.pilot import Pilot
from textual.widgets import Input, Static

from ingle.app.config import load
from ingle.app.tui.app import CONTRAST, DARK, LIGHT, IngleApp
from ingle.app.tui.client import Client
from ingle.app.tui.main_screen import MainScreen

from .conftest import free_port

ROOT: Final = Path(__file__).parent.parent
PICTURES: Final = ROOT / "app" / "tui" / "pictures"
SAID: Final = (
    "dim the reading lamp to 30 percent", "close the living room blind", "add milk, eggs and bread to the shopping list",
    "set a ten minute pasta timer", "is the front door locked?", "turn off the reading lamp and the worktop light",
)
PAPERS: Final = """\
# House notes

## Coffee machine
To descale the coffee machine, pour one sachet of citric acid and a litre of water into the tank and press both buttons for
three seconds. Do it every two months.

## Water
The water shut-off is in the utility room, behind the washing machine: the red lever.
"""


@asynccontextmanager
async def session(folder: Path, *, size: tuple[int, int] = (120, 34)) -> AsyncIterator[Pilot[None]]:
    """The screen of a household of its own in `folder`, ready."""
    file = folder / "config.yaml"
    file.write_text(f"mqtt: {{url: 'embedded:{free_port()}'}}\ndata_dir: data\nknowledge: {{folders: [papers]}}\n")
    (folder / "papers").mkdir()
    (folder / "papers" / "House notes.md").write_text(PAPERS)
    os.environ.pop("INGLE_DATA_DIR", None)
    config, home = load(file), ROOT / "app" / "homes" / "demo.yaml"
    async with Client.open(config, simulate=home) as client, IngleApp(client).run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: client.link.state == "online" and len(client.home.entities) > 40)
        yield pilot


async def until(pilot: Pilot[None], true: Callable[[], bool], timeout_s: float = 120.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():
            await pilot.pause(0.1)


async def say(pilot: Pilot[None], text: str) -> None:
    screen = pilot.app.screen
    assert isinstance(screen, MainScreen)
    answered = len(screen.client.records)
    screen.ask(text)
    await until(pilot, lambda: len(screen.client.records) > answered)
    await pilot.pause(1.0)


def taken(pilot: Pilot[None], title: str) -> str:
    """The screen as SVG, without the web fonts it names and without ids and places that differ from time to time."""
    svg = pilot.app.export_screenshot(title=title)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(re.escape(tempfile.gettempdir()) + r"/tmp\w{8}", "/home/our-family", svg)
    return re.sub(r"terminal-\d+", "t", svg)


async def take(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        async with session(Path(scratch)) as pilot:
            screen = pilot.app.screen
            assert isinstance(screen, MainScreen)
            for text in SAID:
                await say(pilot, text)
            save(folder, "home", taken(pilot, "Ingle"))
            await screen.action_show("inside")
            await pilot.pause(1.0)
            save(folder, "inside", taken(pilot, "Ingle: inside a sentence"))
            for name in ("knowledge", "routines", "models", "audit", "settings"):
                await screen.action_show(name)
                await pilot.pause(2.0)
                if name == "knowledge":
                    screen.query_one("#search", Input).value = "where is the water shut-off?"
                    await pilot.press("enter")
                    await until(pilot, lambda: "red lever" in str(screen.query_one("#passage", Static).content))
                save(folder, name, taken(pilot, f"Ingle: {name}"))
            await screen.action_show("home")
            pilot.app.theme = LIGHT.name
            await pilot.pause(0.5)
            save(folder, "light", taken(pilot, "Ingle: light"))
            pilot.app.theme = CONTRAST.name
            await pilot.resize_terminal(80, 24)
            await pilot.pause(0.5)
            save(folder, "small", taken(pilot, "Ingle: 80 × 24, high contrast"))
            pilot.app.theme = DARK.name


def save(folder: Path, name: str, svg: str) -> None:
    (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"{folder / name}.svg  {len(svg) / 1000:.0f} kB")


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(chosen))
