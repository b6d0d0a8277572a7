"""The application around the screens: themes, the command palette, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from ..config import Config
from .client import Client
from .main_screen import MainScreen
from .pages.page import HOME, PLACES
from .palette import Devices
from .remembered import remember_theme, remembered_theme

DARK: Final = Theme(
    name="ingle-dark", dark=True, primary="#7FB4CA", secondary="#9A8C98", accent="#E8833A", warning="#E9B44C", error="#E46876",
    success="#8FB573", foreground="#E6E1DC", background="#16130F", surface="#1E1A15", panel="#2A241D",
)
LIGHT: Final = Theme(
    name="ingle-light", dark=False, primary="#2F6F8F", secondary="#6B5F6A", accent="#B4551A", warning="#946200", error="#B3263A",
    success="#3F7A2A", foreground="#2B2621", background="#FBF8F3", surface="#F3EEE6", panel="#E8E0D4",
)
CONTRAST: Final = Theme(
    name="ingle-contrast", dark=True, primary="#6CD3FF", secondary="#D0D0D0", accent="#FFD400", warning="#FFD400",
    error="#FF6B6B", success="#5CFF5C", foreground="#FFFFFF", background="#000000", surface="#000000", panel="#1A1A1A",
    variables={"text-muted": "#FFFFFF", "border": "#FFFFFF"},
)
THEMES: Final = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}


class IngleApp(App[None]):
    """`await IngleApp(client).run_async()`."""

    TITLE = "Ingle"
    CSS_PATH = Path(__file__).with_name("ingle.tcss")
    COMMANDS = App.COMMANDS | {Devices}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (110, "-wide")]  # noqa: RUF012  # as textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (28, "-high")]     # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("ctrl+c", "copy_or_quit", "Copy what is marked, else quit", show=False, priority=True),
        Binding("ctrl+p", "command_palette", "Palette", priority=True),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self._client)

    def on_mount(self) -> None:
        theme = remembered_theme(self._client.config)
        self.theme = theme if theme in THEMES else DARK.name
        if self._client.waits_for_set_up:
            self.set_up()

    def set_up(self) -> None:
        """The first run: ask for what cannot be found out, then begin."""
        from .set_up.screen import SetUpScreen

        self.push_screen(SetUpScreen(self._client.config), self._has_set_up)

    def _has_set_up(self, config: Config | None) -> None:
        if self._client.waits_for_set_up:
            self._client.configure(config if config is not None else self._client.config)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette knows beside the devices; only where the pages are, not over a dialog."""
        if isinstance(screen, MainScreen):
            async def show(name: str) -> None:
                await screen.action_show(name)

            yield SystemCommand("Home", "the conversation and the devices", lambda: screen.run_worker(show(HOME)))
            for place in PLACES:
                yield SystemCommand(place.title, place.about, lambda name=place.name: screen.run_worker(show(name)))
            yield SystemCommand("Clear", "forget what the conversation shows", screen.action_clear)
            yield SystemCommand("Help", "keys and what the parts of the screen are", screen.action_help)
        for name, told in ((DARK.name, "dark"), (LIGHT.name, "light"), (CONTRAST.name, "high contrast")):
            yield SystemCommand(f"Theme: {told}", "change the colours", lambda name=name: self.use_theme(name))
        yield SystemCommand("Quit", "leave; an Ingle that was started with the screen ends with it", self.exit)

    def use_theme(self, name: str) -> None:
        """Change the colours, and keep it so."""
        self.theme = name
        remember_theme(self._client.config, name)

    def action_next_theme(self) -> None:
        names = list(THEMES)
        self.use_theme(names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else DARK.name)

    def action_copy_or_quit(self) -> None:
        focused = self.focused
        marked = focused.selected_text if isinstance(focused, Input) else ""
        marked = marked or self.screen.get_selected_text() or ""
        if marked:
            self.copy_to_clipboard(marked)
        else:
            self.exit()
