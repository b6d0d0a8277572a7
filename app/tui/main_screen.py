"""The frame of every page: how Ingle stands, where you are, the page, the input line. It hands on news and requests."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Footer

from ...skills.home.model import Home
from ..events import TurnRecord
from .client import Client, Link, News, Readings
from .pages.home import HomePage
from .pages.page import HOME, PLACES, Page
from .requests import Request
from .widgets.ask_bar import AskBar
from .widgets.board import Board
from .widgets.conversation import Conversation
from .widgets.help_screen import HelpScreen, Part
from .widgets.list_screen import ListScreen
from .widgets.nav_bar import NavBar
from .widgets.now import Now
from .widgets.status_bar import StatusBar


class MainScreen(Screen[None]):
    """Pages are made when they are first looked at."""

    LABEL: ClassVar[str] = "Everywhere"
    HELP = "Ingle answers on the household's MQTT broker; this screen is one of its clients."
    AUTO_FOCUS = "#ask"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help"),
        Binding("question_mark", "help", "Help (outside the input line)", show=False),
        Binding("f2", "devices", "Devices"),
        *(Binding(place.key, f"show('{place.name}')", place.title, show=False) for place in PLACES),
        Binding("f9", f"show('{HOME}')", "Home", show=False),
        Binding("tab", "app.focus_next", "To the next part", show=False),
        Binding("ctrl+l", "clear", "Clear"),
        Binding("ctrl+t", "app.next_theme", "Theme"),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._home = HomePage(client, id=HOME)
        self._pages: list[Page] = [self._home]
        self._status, self._nav, self._ask = StatusBar(id="status"), NavBar(id="nav"), AskBar(id="ask")

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._nav
        with ContentSwitcher(initial=HOME, id="pages"):
            yield self._home
        yield self._ask
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._status.take_link(self._client.link)
        self.follow_news()

    @work
    async def follow_news(self) -> None:
        async for news in self._client.news():
            if not self._home.is_attached:      # the screen is being left
                return
            self.take(news)

    def take(self, news: News) -> None:
        """Hand one piece of news to whom it concerns."""
        match news:
            case Link():
                self._status.take_link(news)
            case Readings():
                self._status.take_readings(news)
            case TurnRecord():
                self._status.take_record(news)
                self._ask.expect_answer(news.reply.endswith("?"))
        for page in self._pages:
            page.take(news)

    # where one is

    @property
    def client(self) -> Client:
        return self._client

    @property
    def home(self) -> Home:
        return self._client.home

    @property
    def page(self) -> Page:
        shown = self.query_one(ContentSwitcher).visible_content
        assert isinstance(shown, Page)
        return shown

    async def action_show(self, name: str) -> None:
        """Go to a page; Esc on any of them comes back."""
        pages = self.query_one(ContentSwitcher)
        if not pages.query(f"#{name}"):
            place = next(place for place in PLACES if place.name == name)
            page = place.page(self._client)
            await pages.add_content(page)
            self._pages.append(page)
        pages.current = name
        self._nav.go(name)
        self._ask.display = self.page.ASKS
        self.page.looked_at()
        self._ask.focus() if name == HOME else self.page.focus_first()

    def key_escape(self) -> None:
        """What no part of the page has use for leads home."""
        if self.page is not self._home:
            self.run_worker(self.action_show(HOME))

    # what the person does

    def on_ask_bar_said(self, event: AskBar.Said) -> None:
        if event.text in ("?", "help"):
            self.action_help()
        else:
            self.ask(event.text)

    def ask(self, text: str) -> None:
        """Say it; the answer is shown on the first page."""
        self._home.conversation.say(text)

    def on_board_wanted(self, event: Board.Wanted) -> None:
        self.request(event.request, area=event.area)

    def on_now_wanted(self, event: Now.Wanted) -> None:
        self.request(event.request)

    def on_now_opened(self, event: Now.Opened) -> None:
        self.app.push_screen(ListScreen(self._client.stores, event.slug), self._said_of_list)

    def on_board_typed(self, event: Board.Typed) -> None:
        self._ask.begin(event.text)

    def on_conversation_looked_into(self, event: Conversation.LookedInto) -> None:
        self.run_worker(self._look_into(event.turn_id))

    async def _look_into(self, turn_id: str) -> None:
        from .pages.inside import ThePage

        await self.action_show("inside")
        page = self.page
        assert isinstance(page, ThePage)
        page.look_at(turn_id)

    def request(self, request: Request, *, area: str | None = None) -> None:
        """Say it now, or put it into the input line to be completed."""
        if request.at_once:
            self._home.conversation.say(request.text, area=area)
        else:
            self._ask.propose(request.text)

    async def say_at_home(self, request: Request, *, area: str | None = None) -> None:
        """The same from another page: the answer is on the first one."""
        await self.action_show(HOME)
        self.request(request, area=area)

    def _said_of_list(self, request: Request | None) -> None:
        if request is not None:
            self.request(request)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self._help_parts()))

    def _help_parts(self) -> list[Part]:
        places: list[BindingType] = [Binding(place.key, "", f"{place.title}: {place.about}") for place in PLACES]
        everywhere: Part = (self.LABEL, self.HELP, [*places, *self._bindings_told(), *type(self.app).BINDINGS])
        here: list[type[Widget]] = [AskBar, Board, Now, Conversation] if self.page is self._home else [type(self.page)]
        parts: list[Part] = [(part.__dict__.get("LABEL", ""), part.HELP or "", part.BINDINGS) for part in here]
        return [*parts, everywhere] if self.page is not self._home else [everywhere, *parts]

    def _bindings_told(self) -> list[BindingType]:
        shown_elsewhere = {place.key for place in PLACES}
        return [each for each in self.BINDINGS if isinstance(each, Binding) and each.key not in shown_elsewhere]

    def action_devices(self) -> None:
        self._home.show_house()

    def action_clear(self) -> None:
        self._home.conversation.clear()
