"""Key help: every part of the screen says itself what it is and which keys it knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import ModalScreen
from textual.widgets import Static

Part = tuple[str, str, Sequence[BindingType]]       # (label, help, bindings)


class HelpScreen(ModalScreen[None]):
    """Shown over the screen until a key is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,question_mark,q,enter", "dismiss", "Close")]

    def __init__(self, parts: Iterable[Part]) -> None:
        super().__init__()
        self._parts = list(parts)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="dialog") as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc closes"
            for label, text, bindings in self._parts:
                yield Static(_told(label, text, bindings))


def _told(label: str, text: str, bindings: Sequence[BindingType]) -> Content:
    lines = [Content.styled(label, "bold $text-primary"), Content(text)]
    for binding in bindings:
        if isinstance(binding, Binding) and not binding.system:
            keys = " / ".join(binding.key_display or format_key(key) for key in binding.key.split(","))
            lines.append(Content.assemble((f"  {keys:<12}", "bold"), binding.description))
    return Content("\n").join(lines)
