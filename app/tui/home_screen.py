"""The first screen: the conversation, the devices, the input line. It hands on news and requests; nothing more."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer

from ..events import ReplyToken, TurnRecord
from .client import Client, HomeChanged, Link, News, Notice, Readings, Unanswered
from .widgets.ask_bar import AskBar
from .widgets.board import Board
from .widgets.conversation import Conversation
from .widgets.help_screen import HelpScreen
from .widgets.status_bar import StatusBar


class HomeScreen(Screen[None]):
    """Wide: devices on the right. Narrow: they are below, and shown by a key."""

    LABEL: ClassVar[str] = "Everywhere"
    HELP = "Ingle answers on the household's MQTT broker; this screen is one of its clients."
    AUTO_FOCUS = "#ask"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help"),
        Binding("question_mark", "help", "Help (outside the input line)", show=False),
        Binding("f2", "devices", "Devices"),
        Binding("tab", "app.focus_next", "To the next part", show=False),
        Binding("pageup", "page_up", "Page up the conversation", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("ctrl+l", "clear", "Clear"),
        Binding("ctrl+t", "app.change_light", "Dark/light"),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        with Container(id="middle"):
            yield Conversation(self._client, id="conversation")
            yield Board(self._client.home, id="board")
        yield AskBar(id="ask")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(StatusBar).take_link(self._client.link)
        self.follow_news()

    @work
    async def follow_news(self) -> None:
        async for news in self._client.news():
            self.take(news)

    def take(self, news: News) -> None:
        """Hand one piece of news to whom it concerns."""
        match news:
            case Link():
                self._take_link(news)
            case HomeChanged():
                self.query_one(Board).follow(news.home)
                self.query_one(Conversation).follow_devices()
            case ReplyToken():
                self.query_one(Conversation).take_token(news)
            case TurnRecord():
                self.query_one(Conversation).take_record(news)
                self.query_one(StatusBar).take_record(news)
            case Unanswered():
                self.query_one(Conversation).take_unanswered(news)
            case Readings():
                self.query_one(StatusBar).take_readings(news)
            case Notice():
                self.query_one(Conversation).note(news.text)

    def _take_link(self, link: Link) -> None:
        self.query_one(StatusBar).take_link(link)
        if link.state == "failed":
            self.query_one(Conversation).note(f"Ingle does not run: {link.detail}", bad=True)
        elif link.state in ("lost", "away"):
            self.query_one(Conversation).note("The broker is gone; trying again." if link.state == "lost"
                                              else "Ingle is not running on this broker; what you say waits for it a while.")

    # what the person does

    def on_ask_bar_said(self, event: AskBar.Said) -> None:
        if event.text in ("?", "help"):
            self.action_help()
        else:
            self.query_one(Conversation).say(event.text)

    def on_board_wanted(self, event: Board.Wanted) -> None:
        if event.request.at_once:
            self.query_one(Conversation).say(event.request.text, area=event.area)
        else:
            self.query_one(AskBar).propose(event.request.text)

    def on_board_typed(self, event: Board.Typed) -> None:
        self.query_one(AskBar).begin(event.text)

    def action_help(self) -> None:
        parts = [(part.LABEL, part.HELP or "", part.BINDINGS) for part in (AskBar, Board, Conversation)]
        everywhere = (self.LABEL, self.HELP, [*self.BINDINGS, *type(self.app).BINDINGS])
        self.app.push_screen(HelpScreen([everywhere, *parts]))

    def action_devices(self) -> None:
        """Show the devices where they are hidden, and hide them where they are shown."""
        board = self.query_one(Board)
        self.set_class(not board.display, "-devices-shown")
        self.set_class(board.display, "-devices-hidden")

    def action_page_up(self) -> None:
        self.query_one(Conversation).scroll_page_up()

    def action_page_down(self) -> None:
        self.query_one(Conversation).scroll_page_down()

    def action_clear(self) -> None:
        self.query_one(Conversation).clear()
