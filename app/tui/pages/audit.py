"""What was decided, and what left this device, word for word."""

from __future__ import annotations

import json
from collections import deque
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...audit import Audit, AuditError, Entry
from ..client import Client
from ..safe_text import fit
from ..story import QUIET
from .page import Page

SHOWN: Final = 500              # of the newest entries
OUTSIDE: Final = frozenset({"sent", "received", "failed"})
MARKS: Final = {"decision": ("·", QUIET), "limit": ("!", "$text-warning"), "sent": ("↑", "$text-warning"),
                "received": ("↓", "$text-primary"), "failed": ("✗", "$text-error"), "recovered": ("+", "$text-primary")}
NOTHING = "Nothing has left this device."
ELSEWHERE = "This Ingle runs on another machine; its record is there: use `ingle audit` on it."


class ThePage(Page):
    LABEL: ClassVar[str] = "Audit"
    HELP = "↑ left this device, ↓ came back, · was decided. Every entry is bound to the one before, so that none can be changed."
    FIRST = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "outside", "Only what left"), Binding("v", "verify", "Check the record"),
        Binding("r", "again", "Read again"),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self._entries: dict[str, Entry] = {}
        self._only_outside = False

    def compose(self) -> ComposeResult:
        with Container(classes="columns"):
            yield OptionList(id="entries", classes="box list")
            with VerticalScroll(classes="box detail"):
                yield Static(id="entry", markup=False)

    def looked_at(self) -> None:
        if self.client.is_elsewhere:
            self._tell(ELSEWHERE)
        else:
            self._read(self._only_outside)

    def _audit(self) -> Audit:
        from ...outside import audit_folder

        return Audit(audit_folder(self.client.config))

    @work(thread=True, exclusive=True)
    def _read(self, only_outside: bool) -> None:
        try:
            wanted = (each for each in self._audit().entries() if not only_outside or each.kind in OUTSIDE)
            newest = list(deque(wanted, maxlen=SHOWN))[::-1]
        except AuditError as error:
            self.app.call_from_thread(self._tell, str(error))
            return
        self.app.call_from_thread(self._show, newest)

    def _show(self, newest: list[Entry]) -> None:
        self._entries = {str(each.number): each for each in newest}
        entries = self.query_one("#entries", OptionList)
        entries.border_title = "Left this device" if self._only_outside else "Decided, and left this device"
        entries.border_subtitle = f"{len(newest)}, newest first" if newest else ""
        entries.set_options(Option(_line(each), id=str(each.number)) for each in newest)
        if newest:
            entries.highlighted = 0
        else:
            self._tell(NOTHING)

    def _tell(self, text: str) -> None:
        self.query_one("#entry", Static).update(Content.styled(fit(text), QUIET))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if entry := self._entries.get(event.option_id or ""):
            self.query_one(".detail").border_title = f"{entry.kind} {entry.number}"
            self.query_one("#entry", Static).update(_whole(entry))

    def action_outside(self) -> None:
        self._only_outside = not self._only_outside
        self.looked_at()

    def action_again(self) -> None:
        self.looked_at()

    @work(thread=True, exclusive=True)
    def action_verify(self) -> None:
        try:
            told, severity = f"{self._audit().verify()} entries, the chain is whole.", "information"
        except AuditError as error:
            told, severity = str(error), "error"
        self.app.call_from_thread(self.notify, told, severity=severity, markup=False)


def _line(entry: Entry) -> Content:
    mark, style = MARKS.get(entry.kind, ("?", ""))
    facts = entry.facts
    told = {"decision": lambda: f"{facts.get('route', '')}  {', '.join(map(str, facts.get('intents') or ()))}",
            "limit": lambda: f"{facts.get('limit', '')}: {facts.get('detail', '')}",
            "sent": lambda: f"{facts.get('method', '')} {facts.get('url', '')}"}.get(entry.kind, lambda: entry.kind)()
    return Content.assemble((f"{mark} ", style), (f"{entry.at[5:16].replace('T', ' ')}  ", QUIET), fit(told))


def _whole(entry: Entry) -> Content:
    lines = [Content.assemble((fit(entry.at), QUIET)), Content("")]
    for name, value in entry.facts.items():
        lines.append(Content.styled(name.replace("_", " "), "bold $text-primary"))
        lines += [Content(f"  {fit(line)}") for line in _told(value).splitlines()]
    return Content("\n").join(lines)


def _told(value: object) -> str:
    if isinstance(value, str) and value.startswith("{"):       # the body of a request, as it left
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    if isinstance(value, dict | list) and value:
        return json.dumps(value, indent=1, ensure_ascii=False)
    return "–" if value in (None, "", [], {}) else str(value)
