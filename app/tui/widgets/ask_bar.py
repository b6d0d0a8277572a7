"""The input line: what is said to Ingle, and what was said before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from ...events import MAX_TEXT_CHARS

REMEMBERED: Final = 200
PROMPT: Final = 'Say something: "turn off the kitchen lights"'
ANSWER: Final = "Answer, or say something else"


class AskBar(Input):
    """Enter says it; up and down go through what was said before."""

    LABEL: ClassVar[str] = "Input line"
    HELP = "Say what you want, in your own words. A request that Ingle cannot settle is asked back: just answer it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Say it", show=False),
        Binding("up", "older", "Said before", show=False),
        Binding("down", "newer", "Said after", show=False),
        Binding("escape", "clear", "Clear the line", show=False),
    ]

    @dataclass
    class Said(Message):
        """Something was typed and is meant."""

        text: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder=PROMPT, max_length=MAX_TEXT_CHARS, select_on_focus=False, id=id)
        self._said: list[str] = []
        self._place = 0                 # in what was said; its length: the line being written
        self._draft = ""

    def propose(self, text: str) -> None:
        """Put words into the line, to be completed or confirmed."""
        self._draft, self._place = text, len(self._said)
        self._write(text)
        self.focus()

    def expect_answer(self, asked: bool) -> None:
        """Whether what Ingle said last was a question."""
        self.placeholder = ANSWER if asked else PROMPT

    def begin(self, text: str) -> None:
        """Go on here with what was typed elsewhere."""
        self.focus()
        self.insert_text_at_cursor(text)

    async def action_submit(self) -> None:
        text = self.value.strip()
        if not text:
            return
        if self._said[-1:] != [text]:
            self._said = [*self._said, text][-REMEMBERED:]
        self._place, self._draft = len(self._said), ""
        self.clear()
        self.post_message(self.Said(text))

    def action_older(self) -> None:
        if self._place > 0:
            if self._place == len(self._said):
                self._draft = self.value
            self._show(self._place - 1)

    def action_newer(self) -> None:
        if self._place < len(self._said):
            self._show(self._place + 1)

    def action_clear(self) -> None:
        self._place, self._draft = len(self._said), ""
        self.clear()

    def _show(self, place: int) -> None:
        self._place = place
        self._write(self._draft if place == len(self._said) else self._said[place])

    def _write(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)
