"""The first run, a step at a time: broker, rooms, devices, microphone, cloud. Nothing is written before the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from ...config import Config, ConfigError
from ...config_file import ConfigFile, written
from ..safe_text import fit
from ..story import QUIET, bar
from .find import Found, find, microphone_levels

LEVEL_CELLS: Final = 30
WELCOME = """\
Ingle turns lights on, runs timers, keeps lists and answers from your own papers, by what you say in your own words. It runs on \
this machine; nothing leaves it.

Five short steps. Enter goes on, Esc leaves everything as it is; all of it can be changed later (F8)."""
BROKER = """\
Which MQTT broker do your devices talk to?

Nothing typed: Ingle runs one itself, here. If you have one (for Zigbee2MQTT, Tasmota, Home Assistant …), give its address."""
ROOMS = """\
Which rooms are there? Apart by commas; a floor may come before its rooms.

  Downstairs: Kitchen, Living Room; Upstairs: Bedroom, Study"""
CLOUD = """\
Questions that this house cannot answer (news, general knowledge) stay unanswered: the cloud is off, and nothing that you say \
leaves this machine. To allow it, give an address and a model in the settings (F8, `cloud`); `ingle audit` then shows every word \
that left.

Enter writes the configuration."""


class SetUpScreen(ModalScreen["Config | None"]):
    """Ends with the new configuration, or None when everything was left as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Leave it"), Binding("shift+tab", "back", "Back")]

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config
        self._step = 0
        self._url = "" if config.mqtt.url == "embedded" else config.mqtt.url
        self._rooms = ""
        self._found: Found | None = None
        self._steps: tuple[Callable[[], tuple[str, str, str | None]], ...] = (
            lambda: ("Welcome", WELCOME, None), lambda: ("Broker", BROKER, self._url),
            lambda: ("Rooms", ROOMS, self._rooms or self._rooms_found()), lambda: ("Devices", "", None),
            lambda: ("Microphone", "", None), lambda: ("Cloud", CLOUD, None),
        )

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="set-up"):
            yield Static(id="set-up-text", markup=False)
            yield Input(id="set-up-input", select_on_focus=False)
            yield Static(id="set-up-live", markup=False)
            yield Static(id="set-up-fault", classes="bad", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Back", id="back")
                yield Button("Go on", id="on", variant="primary")

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        title, text, value = self._steps[self._step]()
        box = self.query_one("#set-up")
        box.border_title = f"Setting up: {title}"
        box.border_subtitle = f"{self._step + 1} of {len(self._steps)}"
        line, live = self.query_one(Input), self.query_one("#set-up-live", Static)
        self.query_one("#set-up-text", Static).update(text)
        self.query_one("#set-up-text").display = bool(text)
        self.query_one("#set-up-fault", Static).update("")
        self.query_one("#back").display = self._step > 0
        live.display = title in ("Devices", "Microphone")
        line.display = value is not None
        if value is not None:
            line.value = value
            line.focus()
        else:
            self.query_one("#on").focus()
        if title == "Devices":
            live.update(self._devices())
        if title == "Microphone":
            self._listen()

    # the steps

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._go_on()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "back":
            self.action_back()
        else:
            self._go_on()

    def action_back(self) -> None:
        if self._step > 0:
            self._step -= 1
            self._show()

    def _go_on(self) -> None:
        title, value = self._steps[self._step]()[0], self.query_one(Input).value.strip()
        if title == "Broker":
            self._url = value
            self._look_for_devices()
            return
        if title == "Rooms":
            self._rooms = value
        if title == "Cloud":
            self._write()
            return
        self._step += 1
        self._show()

    @work(exclusive=True)
    async def _look_for_devices(self) -> None:
        """Try the broker, and see what announces itself there."""
        fault = self.query_one("#set-up-fault", Static)
        try:
            config = self._changed().config
        except ConfigError as error:
            fault.update(fit(str(error).partition(": ")[2]))
            return
        if config.mqtt.embedded_port is None:
            fault.update(Content.styled(f"Looking for {config.mqtt.address} …", QUIET))
            self._found = await find(config)
            if self._found.problem:
                fault.update(fit(self._found.problem))
                return
        else:
            self._found = None
        self._step += 1
        self._show()

    def _rooms_found(self) -> str:
        return ", ".join(self._found.rooms) if self._found is not None else ""

    def _devices(self) -> Content:
        if self._found is None:
            return Content("Ingle's own broker will listen on 127.0.0.1:1883. Devices that announce themselves there, as for "
                           "Home Assistant, appear by themselves. To try it without any: ingle --simulate demo")
        if not self._found.devices:
            return Content("No device has announced itself yet. They appear by themselves when they do (MQTT discovery).")
        lines = [Content.assemble((f"{room:<20}", "bold"), fit(", ".join(names), at_most=48))
                 for room, names in self._found.by_room().items()]
        return Content("\n").join([Content(f"{len(self._found.devices)} devices announce themselves:"), Content(""), *lines])

    @work(exclusive=True, group="microphone")
    async def _listen(self) -> None:
        """Show how loud it is, while this step is looked at."""
        live, step = self.query_one("#set-up-live", Static), self._step
        live.update("Looking for a microphone …")
        try:
            async for level in microphone_levels(self._config):
                if self._step != step:
                    return
                live.update(Content.assemble("Say something. The microphone hears: ", bar(level, LEVEL_CELLS, "$text-success")))
        except Exception as error:      # no extra, no microphone, no driver: this step is only to look at
            live.update(Content(f"No microphone: {fit(error)}\n\nTyping works without one. `ingle voice` speaks and listens."))
        await asyncio.sleep(0)

    # the end

    def _changed(self) -> ConfigFile:
        """The configuration as it would be written. Raises: ConfigError."""
        import platformdirs

        path = self._config.file or Path(platformdirs.user_config_dir("ingle", appauthor=False), "config.yaml")
        file = ConfigFile.open(path)
        file.change("mqtt.url", written(self._url or "embedded"))
        floors, areas = rooms_of(self._rooms)
        if areas:
            file.change("home.floors", written([{"name": floor} for floor in floors]) if floors else "")
            file.change("home.areas", written([{"name": name, **({"floor": floor} if floor else {})} for name, floor in areas]))
        return file

    def _write(self) -> None:
        try:
            file = self._changed()
            file.save()
        except (ConfigError, OSError) as error:
            self.query_one("#set-up-fault", Static).update(fit(error))
            return
        self.notify(f"Written to {file.path}", markup=False)
        self.dismiss(file.config)


def rooms_of(line: str) -> tuple[list[str], list[tuple[str, str | None]]]:
    """"Downstairs: Kitchen, Hall; Garage" → (floors, rooms with their floor), each once."""
    floors: dict[str, None] = {}
    areas: dict[str, str | None] = {}
    for part in line.split(";"):
        floor, colon, names = part.rpartition(":")
        floor = " ".join(floor.split())
        if colon and floor:
            floors[floor] = None
        for name in names.split(","):
            if spelled := " ".join(name.split()):
                areas.setdefault(spelled, floor if colon and floor else None)
    return list(floors), list(areas.items())
