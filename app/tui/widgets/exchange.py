"""One turn of the conversation: your words, the reply as it comes, where it came from, what was done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from ...events import CommandRecord, ReplyToken, TurnRecord
from ..safe_text import fit

INDENT: Final = 2
COMMANDS_SHOWN: Final = 6
SOURCES_SHOWN: Final = 3
PAYLOAD_CELLS: Final = 60
MAX_REPLY_CHARS: Final = 20_000
QUIET: Final = "$foreground 55%"
BADGES: Final = {"local": "success", "knowledge": "primary", "cloud": "warning", "none": "secondary"}
UNASKED: Final = {"reminder": "a reminder", "missed": "missed while Ingle was off", "later": "put off until now",
                  "routine": "a routine", "broadcast": "for everyone"}


class Exchange(Widget):
    """Fed by `add` and `finish`; shows what it has so far. One widget, as a conversation has hundreds of them."""

    @dataclass
    class Clicked(Message):
        """The mouse was on a turn that is over."""

        turn_id: str

    def __init__(self, text: str, *, elsewhere: bool = False, age_s: float = 0.0) -> None:
        super().__init__()
        self.asked_at = time.monotonic() - age_s
        self.record: TurnRecord | None = None
        self._text = fit(text)
        self._mark = ("◦", QUIET) if elsewhere else ("›", "$text-primary bold")
        self._from = "heard elsewhere" if elsewhere else ""     # said by someone else: spoken, `ingle say`, put off until now
        self._reply = ""
        self._confirmed: tuple[str, ...] = ()
        self._note = ""
        self._drawn: tuple[int, list[Content]] = (-1, [])       # for this width

    def add(self, token: ReplyToken) -> None:
        """One more piece of the reply."""
        if self.record is None and len(self._reply) < MAX_REPLY_CHARS:
            self._reply += token.token
            self._changed()

    def finish(self, record: TurnRecord) -> None:
        """The turn is over."""
        self.record = record
        self._reply, self._note = record.reply, ""
        self._changed()

    def mark_unasked(self, kind: str) -> None:
        """Nobody said this: Ingle did, by itself."""
        self._mark, self._from = ("◷", "$text-accent"), UNASKED.get(kind, kind)
        self._changed()

    def confirm(self, reports: tuple[str, ...]) -> None:
        """What the turn's devices have reported since it began, in words; they may go on for a while."""
        if reports != self._confirmed:
            self._confirmed = reports
            self._changed()

    def give_up(self, why: str) -> None:
        if self.record is None:
            self._note = why
            self._changed()

    def on_click(self) -> None:
        if self.record is not None:
            self.post_message(self.Clicked(self.record.id))

    # drawing

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def _changed(self) -> None:
        lines = len(self._drawn[1])
        self._drawn = (-1, [])
        self.refresh(layout=not self.is_mounted or len(self._lines(self.content_size.width)) != lines)

    def _lines(self, cells: int) -> list[Content]:
        """All of it, wrapped; what is not the first line of the whole stands to the right of its mark."""
        if self._drawn[0] != cells:
            room = max(cells - INDENT, 8)
            said = Content.assemble((self._text, "bold"), (f"  {self._from}" if self._from else "", QUIET))
            lines = [line for content in (said, self._answer()) for line in content.wrap(room)]
            lines += [line.truncate(room, ellipsis=True) for line in (*self._sources(), *self._commands())]
            lines += [line for content in self._reports() for line in content.wrap(room)]
            margins = [Content.assemble(self._mark, " "), *[Content(" " * INDENT)] * (len(lines) - 1)]
            self._drawn = (cells, [margin + line for margin, line in zip(margins, lines, strict=True)])
        return self._drawn[1]

    @property
    def plain(self) -> str:
        """All of it as text, not wrapped."""
        parts = (Content(self._text), Content(self._from), self._answer(), *self._sources(), *self._commands(), *self._reports())
        return "\n".join(part.plain for part in parts if part)

    def _answer(self) -> Content:
        reply = fit(self._reply)
        if self._note:
            return Content.assemble(f"{reply} " if reply else "", (self._note, "$text-warning"))
        if self.record is None:
            return Content.assemble(reply, (" ▍" if reply else "…", QUIET))
        return Content.assemble(reply or ("nothing to say", QUIET), "  ", _badge(self.record))

    def _sources(self) -> list[Content]:
        sources = self.record.sources[:SOURCES_SHOWN] if self.record is not None else ()
        return [Content.assemble(("❝ ", "$text-primary"), (fit(source), QUIET)) for source in sources]

    def _commands(self) -> list[Content]:
        commands = self.record.commands if self.record is not None else ()
        lines = [Content.styled(f"→ {_told(command)}", QUIET) for command in commands[:COMMANDS_SHOWN]]
        if len(commands) > COMMANDS_SHOWN:
            lines.append(Content.styled(f"→ and {len(commands) - COMMANDS_SHOWN} more", QUIET))
        return lines

    def _reports(self) -> list[Content]:
        return [Content.assemble(("✓ ", "$text-success"), (", ".join(self._confirmed), QUIET))] if self._confirmed else []


def _badge(record: TurnRecord) -> Content:
    color = BADGES[record.route]
    badge = Content.styled(f" {record.route} ", f"$text-{color} on ${color}-muted")
    total_ms = record.timing_ms.get("total")
    return badge if total_ms is None else Content.assemble(badge, (f" {total_ms:.0f} ms", QUIET))


def _told(command: CommandRecord) -> str:
    return f"{fit(command.topic, at_most=PAYLOAD_CELLS)} {fit(command.payload, at_most=PAYLOAD_CELLS)}"
