"""The conversation: turns, oldest first, and what the person should know in between."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from ....skills.home.model import Home
from ....skills.states import is_known
from ...events import Announced, ReplyToken, TurnRecord
from ..client import Client, Unanswered
from ..safe_text import fit
from ..shown import shown
from .exchange import QUIET, Exchange

MAX_SHOWN: Final = 150          # older turns go: a screen may stay open for months
CONFIRMED_SHOWN: Final = 8
FOLLOWED_S: Final = 30.0
WELCOME: Final = """\
Say what you want in your own words, for example

  turn off the kitchen lights
  make it a bit warmer in the bedroom
  is the front door locked?

A device on the right does the next obvious thing when you click it or press Enter on it."""


class Conversation(VerticalScroll):
    """Shows every turn of this Ingle, whoever began it."""

    LABEL: ClassVar[str] = "Conversation"
    HELP = (
        "Your words, the reply, and a badge that says who answered: this device (local), the household's knowledge, the "
        "cloud, or nobody (none: not for Ingle). Dimmed below: where it stands (❝), what was sent to devices (→) and what they "
        "reported (✓). A click on a turn tells how it came about."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll", show=False),
        Binding("down", "scroll_down", "Scroll", show=False),
        Binding("end", "scroll_end", "To the newest", show=False),
    ]

    @dataclass
    class LookedInto(Message):
        """The person wants to know how a turn came about."""

        turn_id: str

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._client = client
        self._exchanges: OrderedDict[str, Exchange] = OrderedDict()     # by turn id

    def compose(self) -> ComposeResult:
        yield Static(WELCOME, classes="welcome", markup=False)

    def on_mount(self) -> None:
        self.border_title = "Conversation"
        self.anchor()

    def say(self, text: str, *, area: str | None = None) -> None:
        """Ask Ingle, and show that it was asked."""
        self._add(self._client.ask(text, area=area), Exchange(text))

    def take_token(self, token: ReplyToken) -> None:
        if exchange := self._exchanges.get(token.id):
            exchange.add(token)

    def take_record(self, record: TurnRecord) -> None:
        exchange = self._exchanges.get(record.id)
        if exchange is None:
            took_s = record.timing_ms.get("total", 0.0) / 1000
            exchange = self._add(record.id, Exchange(record.text, elsewhere=True, age_s=took_s))
        exchange.finish(record)
        self._confirm(exchange)

    def take_announced(self, said: Announced) -> None:
        """Said unasked; its record came before it."""
        if exchange := self._exchanges.get(said.id):
            exchange.mark_unasked(said.kind)
        else:
            self.note(said.text)

    def on_exchange_clicked(self, event: Exchange.Clicked) -> None:
        event.stop()
        self.post_message(self.LookedInto(event.turn_id))

    def follow_devices(self) -> None:
        """Devices have reported: perhaps about the newest turn, which a blind or a slow lamp ends later."""
        exchange = next(reversed(self._exchanges.values()), None)
        if exchange is not None and time.monotonic() - exchange.asked_at < FOLLOWED_S:
            self._confirm(exchange)

    def take_unanswered(self, news: Unanswered) -> None:
        if exchange := self._exchanges.get(news.id):
            exchange.give_up(news.why)

    def note(self, text: str, *, bad: bool = False) -> None:
        """Something about Ingle itself."""
        self._mount(Static(Content.styled(fit(text), "$text-error" if bad else QUIET), classes="note"))

    def clear(self) -> None:
        """Forget what is shown; a turn under way is answered below, as if it had come from elsewhere."""
        self._exchanges.clear()
        self.remove_children()

    def _add(self, id: str, exchange: Exchange) -> Exchange:
        self._exchanges[id] = exchange
        if len(self._exchanges) > MAX_SHOWN:
            _, oldest = self._exchanges.popitem(last=False)
            oldest.remove()
        self._mount(exchange)
        return exchange

    def _mount(self, widget: Widget) -> None:
        self.query(".welcome").remove()
        self.mount(widget)
        self.anchor()

    def _confirm(self, exchange: Exchange) -> None:
        if exchange.record is not None and exchange.record.commands:
            exchange.confirm(self._reports(exchange.record, exchange.asked_at))

    def _reports(self, record: TurnRecord, since: float) -> tuple[str, ...]:
        """What the devices of a turn have reported since it began, as the board shows it."""
        touched = dict.fromkeys(entity_id for intent in record.intents for entity_id in intent.entities)
        told = [_in_words(self._client.home, one) for one in touched if self._client.reported_since(one, since)]
        told = [one for one in told if one]
        return (*told[:CONFIRMED_SHOWN], f"{len(told) - CONFIRMED_SHOWN} more") if len(told) > CONFIRMED_SHOWN else tuple(told)


def _in_words(home: Home, entity_id: str) -> str:
    entity = home.entities.get(entity_id)
    return f"{fit(entity.name, at_most=40)} {shown(entity).words}" if entity is not None and is_known(entity) else ""
