"""A turn's story, and how Ingle is doing. Asks for both while it is looked at, and only then."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ...events import TurnRecord
from ...inside import TurnTrace, Vitals
from ..client import Client, News, Readings
from ..story import QUIET, story, vitals
from .page import Page

LOOK_EVERY_S: Final = 2.0
NOTHING: Final = "Nothing was asked yet. Type a sentence below: here is how it is understood and carried out."


class ThePage(Page):
    LABEL: ClassVar[str] = "Inside"
    HELP = (
        "How one sentence was understood (each piece that the model wrote; a small number is its probability in percent), which "
        "devices were considered, what was sent and confirmed, how long each step took. On the right: the model's room, latency, "
        "memory, power and budget."
    )
    ASKS = True
    FIRST = "#story"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "older", "The turn before"), Binding("right", "newer", "The turn after"),
        Binding("end", "newest", "The newest turn", show=False),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self._turn_id: str | None = None        # None: always the newest
        self._traces: dict[str, TurnTrace] = {}
        self._now: Vitals | None = None
        self._story, self._vitals = Static(id="story-text"), Static(id="vitals-text")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with VerticalScroll(id="story", classes="box"):
                yield self._story
            with VerticalScroll(id="vitals", classes="box") as box:
                box.border_title = "Now"
                yield self._vitals

    def on_mount(self) -> None:
        self.set_interval(LOOK_EVERY_S, self._look)

    def looked_at(self) -> None:
        self._look()
        self._ask_for_trace()
        self.call_after_refresh(self._draw)     # when its width is known

    def look_at(self, turn_id: str) -> None:
        """Show this turn."""
        self._turn_id = turn_id
        self._ask_for_trace()
        self._draw()

    def take(self, news: News) -> None:
        match news:
            case TurnTrace():
                self._traces[news.id] = news
                while len(self._traces) > len(self.client.records) + 1:
                    del self._traces[next(iter(self._traces))]
            case Vitals():
                self._now = news
            case TurnRecord():
                if self.display:
                    self._ask_for_trace()
            case Readings():
                pass
            case _:
                return
        if self.display:
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _look(self) -> None:
        if self.display:
            self.client.look_inside()

    def _ask_for_trace(self) -> None:
        record = self._record()
        if record is not None and record.id not in self._traces:
            self.client.look_inside(record.id)

    def _record(self) -> TurnRecord | None:
        records = self.client.records
        return next((each for each in records if each.id == self._turn_id), records[-1] if records else None)

    def _place(self) -> int:
        record = self._record()
        return next((place for place, each in enumerate(self.client.records) if each is record), 0)

    def _draw(self) -> None:
        record, cells = self._record(), max(20, self.query_one("#story").scrollable_content_region.width - 1)
        box = self.query_one("#story")
        box.border_title = "A turn's story"
        if record is None:
            self._story.update(Content.styled(NOTHING, QUIET))
        else:
            self._story.update(story(record, self._traces.get(record.id), cells))
            box.border_subtitle = f"{self._place() + 1} of {len(self.client.records)}, ← → for others"
        room = max(12, self.query_one("#vitals").scrollable_content_region.width - 1)
        trace = self._traces.get(record.id) if record is not None else None
        self._vitals.update(vitals(self._now, self.client.records, trace, self.client.memory_mb, room))

    def _go(self, place: int) -> None:
        records = self.client.records
        if records:
            place = min(len(records) - 1, max(0, place))
            self._turn_id = None if place == len(records) - 1 else records[place].id
            self._ask_for_trace()
            self._draw()

    def action_older(self) -> None:
        self._go(self._place() - 1)

    def action_newer(self) -> None:
        self._go(self._place() + 1)

    def action_newest(self) -> None:
        self._go(len(self.client.records))
