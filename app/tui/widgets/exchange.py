"""One turn of the conversation: your words, the reply as it comes, where it came from, what was done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from ...events import CommandRecord, ReplyToken, TurnRecord
from ..safe_text import fit

PARTS: Final = ("answer", "sources", "commands", "reports")
COMMANDS_SHOWN: Final = 6
SOURCES_SHOWN: Final = 3
PAYLOAD_CELLS: Final = 60
MAX_REPLY_CHARS: Final = 20_000
QUIET: Final = "$foreground 55%"
UNASKED: Final = {"reminder": "a reminder", "missed": "missed while Ingle was off", "later": "put off until now",
                  "routine": "a routine", "broadcast": "for everyone"}
BADGES: Final = {"local": "success", "knowledge": "primary", "cloud": "warning", "none": "secondary"}


class Exchange(Vertical):
    """Fed by `add` and `finish`; shows what it has so far."""

    @dataclass
    class Clicked(Message):
        """The mouse was on a turn that is over."""

        turn_id: str

    def __init__(self, text: str, *, elsewhere: bool = False, age_s: float = 0.0) -> None:
        super().__init__()
        self.asked_at = time.monotonic() - age_s
        self._text = fit(text)
        self._elsewhere = elsewhere         # said to Ingle by someone else: spoken, `ingle say`, put off until now
        self._reply = ""
        self.record: TurnRecord | None = None
        self._confirmed: tuple[str, ...] = ()
        self._note = ""

    def compose(self) -> ComposeResult:
        mark = ("◦ ", QUIET) if self._elsewhere else ("› ", "$text-primary bold")
        where = "  heard elsewhere" if self._elsewhere else ""
        with Horizontal(classes="said"):
            yield Static(Content.assemble(mark), classes="mark")
            yield Static(Content.assemble((self._text, "bold"), (where, QUIET)), classes="text")
        for name in PARTS:
            yield Static(classes=name)

    def on_mount(self) -> None:
        self._draw()

    def add(self, token: ReplyToken) -> None:
        """One more piece of the reply."""
        if self.record is None and len(self._reply) < MAX_REPLY_CHARS:
            self._reply += token.token
            self._draw()

    def finish(self, record: TurnRecord) -> None:
        """The turn is over."""
        self.record = record
        self._reply, self._note = record.reply, ""
        self._draw()

    def mark_unasked(self, kind: str) -> None:
        """Nobody said this: Ingle did, by itself."""
        for mark in self.query(".mark").results(Static):
            mark.update(Content.styled("◷", "$text-accent"))
        for said in self.query(".said > .text").results(Static):
            said.update(Content.assemble((self._text, "bold"), (f"  {UNASKED.get(kind, kind)}", QUIET)))

    def on_click(self) -> None:
        if self.record is not None:
            self.post_message(self.Clicked(self.record.id))

    def confirm(self, reports: tuple[str, ...]) -> None:
        """What the turn's devices have reported since it began, in words; they may go on for a while."""
        if reports != self._confirmed:
            self._confirmed = reports
            self._draw()

    def give_up(self, why: str) -> None:
        if self.record is None:
            self._note = why
            self._draw()

    def _draw(self) -> None:
        for name, content in zip(PARTS, (self._answer(), self._sources(), self._commands(), self._reports()), strict=True):
            for part in self.query(f".{name}").results(Static):     # none yet: drawn when mounted
                part.update(content)
                part.display = bool(content)

    def _answer(self) -> Content:
        reply = fit(self._reply)
        if self._note:
            return Content.assemble(f"{reply} " if reply else "", (self._note, "$text-warning"))
        if self.record is None:
            return Content.assemble(reply, (" ▍" if reply else "…", QUIET))
        return Content.assemble(reply or ("nothing to say", QUIET), "  ", _badge(self.record))

    def _sources(self) -> Content:
        sources = self.record.sources[:SOURCES_SHOWN] if self.record is not None else ()
        return Content("\n").join(Content.assemble(("❝ ", "$text-primary"), (fit(source), QUIET)) for source in sources)

    def _commands(self) -> Content:
        commands = self.record.commands if self.record is not None else ()
        lines = [Content.styled(f"→ {_told(command)}", QUIET) for command in commands[:COMMANDS_SHOWN]]
        if len(commands) > COMMANDS_SHOWN:
            lines.append(Content.styled(f"→ and {len(commands) - COMMANDS_SHOWN} more", QUIET))
        return Content("\n").join(lines)

    def _reports(self) -> Content:
        if not self._confirmed:
            return Content("")
        return Content.assemble(("✓ ", "$text-success"), (", ".join(self._confirmed), QUIET))


def _badge(record: TurnRecord) -> Content:
    color = BADGES[record.route]
    badge = Content.styled(f" {record.route} ", f"$text-{color} on ${color}-muted")
    total_ms = record.timing_ms.get("total")
    return badge if total_ms is None else Content.assemble(badge, (f" {total_ms:.0f} ms", QUIET))


def _told(command: CommandRecord) -> str:
    return f"{fit(command.topic, at_most=PAYLOAD_CELLS)} {fit(command.payload, at_most=PAYLOAD_CELLS)}"
