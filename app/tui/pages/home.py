"""The first page: the conversation, the devices, what is running."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from ...events import Announced, ReplyToken, TurnRecord
from ..client import Client, HomeChanged, Link, News, Notice, StoresChanged, Unanswered
from ..safe_text import fit
from ..widgets.board import Board
from ..widgets.conversation import Conversation
from ..widgets.now import Now
from .page import Page

RING_AGAIN_S = 20.0


class HomePage(Page):
    """Wide: devices on the right. Narrow: they are below, and shown by a key."""

    LABEL: ClassVar[str] = "Home"
    ASKS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", "Page up the conversation", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self.conversation = Conversation(client, id="conversation")
        self.board = Board(client.home, id="board")
        self.now = Now(client.stores, id="now")
        self._rang_at = float("-inf")
        self._ringing: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        with Container(id="middle"):
            yield self.conversation
            with Vertical(id="house"):
                yield self.board
                yield self.now

    def take(self, news: News) -> None:
        match news:
            case Link():
                self._take_link(news)
            case HomeChanged():
                self.board.follow(news.home)
                self.conversation.follow_devices()
            case StoresChanged():
                self.now.follow()
                self._ring()
            case ReplyToken():
                self.conversation.take_token(news)
            case TurnRecord():
                self.conversation.take_record(news)
            case Announced():
                self.conversation.take_announced(news)
                self.app.bell()
            case Unanswered():
                self.conversation.take_unanswered(news)
            case Notice():
                self.conversation.note(news.text)

    def _ring(self) -> None:
        """A timer that begins to ring is heard here, too; not every time it says so."""
        ringing = frozenset(key for key, each in self.client.stores.timers.items() if each.rings)
        if ringing - self._ringing or (ringing and time.monotonic() - self._rang_at > RING_AGAIN_S):
            self._rang_at = time.monotonic()
            self.app.bell()
            for key in ringing - self._ringing:
                self.notify(f"{fit(self.client.stores.timers[key].name)} is ringing", title="Time", markup=False, timeout=10)
        self._ringing = ringing

    def _take_link(self, link: Link) -> None:
        if link.state == "failed":
            self.conversation.note(f"Ingle does not run: {link.detail}", bad=True)
        elif link.state in ("lost", "away"):
            self.conversation.note("The broker is gone; trying again." if link.state == "lost"
                                   else "Ingle is not running on this broker; what you say waits for it a while.")

    def show_house(self) -> None:
        """Show the devices where they are hidden, and hide them where they are shown."""
        shown = self.board.parent is not None and bool(self.query_one("#house").display)
        self.set_class(not shown, "-devices-shown")
        self.set_class(shown, "-devices-hidden")

    def action_page_up(self) -> None:
        self.conversation.scroll_page_up()

    def action_page_down(self) -> None:
        self.conversation.scroll_page_down()
