"""The configuration: every value with its default. What is changed is checked as at the start and saved; comments stay."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ...config import ConfigError
from ...config_file import SECRET, ConfigFile, Setting, written
from ..client import Client
from ..safe_text import fit, padded
from ..story import QUIET
from ..widgets.dialogs import AskFor
from .page import Page

KEY_CELLS = 30
SAVED = "Saved. It holds from the next start of Ingle on."


class ThePage(Page):
    LABEL: ClassVar[str] = "Settings"
    HELP = "Enter changes a value; Delete gives it its default back. What would be refused at the start is refused here."
    FIRST = "#settings-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete", "default", "The default"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("s", "set_up", "Set up again"),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self._file: ConfigFile | None = None
        self._settings: dict[str, Setting] = {}
        self._wanted = ""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="Search the settings", id="settings-search", classes="page-input")
        with Container(classes="columns"):
            yield OptionList(id="settings-list", classes="box list")
            with VerticalScroll(classes="box detail"):
                yield Static(id="setting", markup=False)

    def looked_at(self) -> None:
        self._read()

    @property
    def _path(self) -> Path:
        """The file in use, else the user's own."""
        if self.client.config.file is not None:
            return self.client.config.file
        import platformdirs

        return Path(platformdirs.user_config_dir("ingle", appauthor=False), "config.yaml")

    def _read(self) -> None:
        try:
            self._file = ConfigFile.open(self._path)
        except ConfigError as error:
            self._file = None
            self.query_one("#setting", Static).update(Content.styled(fit(error), "$text-error"))
            return
        self._show()

    def _show(self) -> None:
        assert self._file is not None
        self._settings = {each.key: each for each in self._file.settings()}
        shown = [each for each in self._settings.values() if self._wanted in each.key.replace("_", " ").casefold()]
        listed = self.query_one("#settings-list", OptionList)
        listed.border_title = fit(self._file.path, at_most=60)
        listed.border_subtitle = f"{sum(each.changed for each in self._settings.values())} changed"
        place = listed.highlighted
        listed.set_options(Option(_line(each), id=each.key) for each in shown)
        if shown:
            listed.highlighted = min(place or 0, len(shown) - 1)

    # what the person does

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._wanted = event.value.casefold().strip()
        if self._file is not None:
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#settings-list").focus()

    def action_search(self) -> None:
        self.query_one("#settings-search").focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if setting := self._settings.get(event.option_id or ""):
            self.query_one(".detail").border_title = setting.key
            comment = self._file.comment(setting.key) if self._file is not None else ""
            self.query_one("#setting", Static).update(_about(setting, comment))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        setting = self._settings[event.option_id or ""]
        if setting.kind is bool:
            self._change(setting.key, "false" if setting.value else "true")
        else:
            secret = setting.key in SECRET
            self.app.push_screen(
                AskFor(setting.key, "As in YAML: lists as [a, b], nothing for the default.",
                       "" if secret else written(setting.value), fault=lambda line: self._fault(setting.key, line)),
                lambda line: self._save() if line is not None else None)

    def action_default(self) -> None:
        option = self.query_one("#settings-list", OptionList).highlighted_option
        if option is not None and option.id in self._settings:
            self._change(option.id, "")

    def action_set_up(self) -> None:
        from ..set_up.screen import SetUpScreen

        self.app.push_screen(SetUpScreen(self.client.config), lambda config: self._read() if config is not None else None)

    def _fault(self, key: str, line: str) -> str | None:
        """Change it, if it can be so."""
        assert self._file is not None
        try:
            self._file.change(key, line)
        except ConfigError as error:
            return str(error).removeprefix(f"{self._file.path}: ")
        return None

    def _change(self, key: str, line: str) -> None:
        fault = self._fault(key, line)
        if fault is None:
            self._save()
        else:
            self.notify(fault, severity="error", markup=False)

    def _save(self) -> None:
        assert self._file is not None
        try:
            self._file.save()
        except OSError as error:
            self.notify(f"Not saved: {error}", severity="error", markup=False)
        else:
            self.notify(SAVED)
        self._show()


def _told(setting: Setting, value: object) -> str:
    if setting.key in SECRET:
        return "set" if value else ""
    if setting.kind is bool:
        return "yes" if value else "no"
    return fit(written(value))


def _line(setting: Setting) -> Content:
    style = "$text-accent bold" if setting.changed else QUIET
    return Content.assemble(padded(setting.key.replace("_", " "), KEY_CELLS), " ",
                            (fit(_told(setting, setting.value), at_most=60) or "–", style))


def _about(setting: Setting, comment: str) -> Content:
    lines = [Content.assemble(("now      ", QUIET), (_told(setting, setting.value) or "–", "bold")),
             Content.assemble(("default  ", QUIET), _told(setting, setting.default) or "–")]
    if comment:
        lines += [Content(""), Content(fit(comment))]
    if setting.about:
        lines += [Content(""), Content.styled(setting.about, QUIET)]
    return Content("\n").join(lines)
