"""The application around the screens: themes, and the way out."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from .client import Client
from .home_screen import HomeScreen

DARK: Final = Theme(
    name="ingle-dark", dark=True, primary="#7FB4CA", secondary="#9A8C98", accent="#E8833A", warning="#E9B44C", error="#E46876",
    success="#8FB573", foreground="#E6E1DC", background="#16130F", surface="#1E1A15", panel="#2A241D",
)
LIGHT: Final = Theme(
    name="ingle-light", dark=False, primary="#2F6F8F", secondary="#6B5F6A", accent="#B4551A", warning="#946200", error="#B3263A",
    success="#3F7A2A", foreground="#2B2621", background="#FBF8F3", surface="#F3EEE6", panel="#E8E0D4",
)


class IngleApp(App[None]):
    """`await IngleApp(client).run_async()`."""

    TITLE = "Ingle"
    CSS_PATH = "ingle.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (110, "-wide")]  # noqa: RUF012  # as textual declares it

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("ctrl+c", "copy_or_quit", "Copy what is marked, else quit", show=False, priority=True),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        return HomeScreen(self._client)

    def action_change_light(self) -> None:
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_copy_or_quit(self) -> None:
        focused = self.focused
        marked = focused.selected_text if isinstance(focused, Input) else ""
        marked = marked or self.screen.get_selected_text() or ""
        if marked:
            self.copy_to_clipboard(marked)
        else:
            self.exit()
