"""What every page of the screen is: a widget that hears the news and is told when it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar, Final

from textual.containers import Vertical

from ..client import Client, News


class Page(Vertical):
    """Shown in the middle of the screen, one at a time."""

    LABEL: ClassVar[str]
    ASKS: ClassVar[bool] = False        # whether the input line is below it
    FIRST: ClassVar[str] = ""           # selector of what gets the focus when it is shown

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.client = client

    def take(self, news: News) -> None:
        """One piece of news, whether or not the page is looked at."""

    def looked_at(self) -> None:
        """The page is shown now: read again what may have changed."""

    def focus_first(self) -> None:
        if self.FIRST:
            self.query_one(self.FIRST).focus()


@dataclass(frozen=True)
class Place:
    """A page before it is made: nothing of it is imported until it is looked at."""

    name: str
    title: str
    key: str
    module: str
    about: str

    def page(self, client: Client) -> Page:
        made: Page = import_module(f".{self.module}", __package__).ThePage(client, id=self.name)
        return made


HOME: Final = "home"
PLACES: Final = (
    Place("inside", "Inside", "f3", "inside", "how a sentence was understood and carried out, and how Ingle is doing"),
    Place("knowledge", "Knowledge", "f4", "knowledge", "the household's documents and notes"),
    Place("routines", "Routines", "f5", "routines", "what happens by itself"),
    Place("models", "Models", "f6", "models", "which language model is used, and the way back"),
    Place("audit", "Audit", "f7", "audit", "what was decided, and what left this device"),
    Place("settings", "Settings", "f8", "settings", "the configuration, checked before it is saved"),
)
