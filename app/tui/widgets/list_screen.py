"""One of the household's lists, over the page: Enter ticks an item off by saying so."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..requests import Request
from ..running import HouseStores
from ..safe_text import fit


class ListScreen(ModalScreen["Request | None"]):
    """Ends with the request that ticking an item off means."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    def __init__(self, stores: HouseStores, slug: str) -> None:
        super().__init__()
        self._list = stores.lists.get(slug)

    def compose(self) -> ComposeResult:
        items = self._list.items if self._list is not None else ()
        options = [Option(_drawn(item.summary, item.status == "completed"), id=str(index)) for index, item in enumerate(items)]
        box = OptionList(*options, id="list", classes="dialog")
        box.border_title = fit(self._list.name) if self._list is not None else "gone"
        box.border_subtitle = "Enter ticks off, Esc closes"
        yield box

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        assert self._list is not None
        item = self._list.items[int(event.option_id or 0)]
        done = item.status == "completed"
        self.dismiss(None if done else Request(f"check off {fit(item.summary)} on the {fit(self._list.name).lower()} list"))


def _drawn(summary: str, done: bool) -> Content:
    return Content.styled(f"☑ {fit(summary)}", "$foreground 50% strike") if done else Content(f"☐ {fit(summary)}")
