"""The household's documents and notes: browse, search with the words highlighted, take files in, forget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ..client import Client
from ..highlight import highlighted
from ..safe_text import fit
from ..story import QUIET, bar
from ..widgets.dialogs import AskFor, Confirm, LongWork, Progress
from .page import Page

if TYPE_CHECKING:
    from ....knowledge.household import Knowledge
    from ....knowledge.passages import DocumentInfo, Passage

FOUND_AT_MOST = 8
ELSEWHERE = "This Ingle runs on another machine. Its documents are there: use `ingle knowledge` on it."
EMPTY = "Nothing is known yet. ctrl+o takes in a file or a folder: Markdown, text, HTML, CSV, PDF, .docx."


class ThePage(Page):
    LABEL: ClassVar[str] = "Knowledge"
    HELP = "Documents and notes that questions about the household are answered from. Nothing of them leaves this machine."
    FIRST = "#search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "add", "Take in files"),
        Binding("delete", "forget", "Forget", show=True),
        Binding("down", "app.focus_next", "To the list", show=False),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self._store: Knowledge | None = None
        self._documents: dict[str, DocumentInfo] = {}
        self._passages: dict[str, Passage] = {}
        self._query = ""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="Search, or ask: where is the water shut-off?", id="search", classes="page-input")
        with Container(classes="columns"):
            yield OptionList(id="found", classes="box list")
            with VerticalScroll(classes="box detail"):
                yield Static(id="passage", markup=False)

    def looked_at(self) -> None:
        if self.client.is_elsewhere:
            self._tell(ELSEWHERE)
        else:
            self._browse()

    def on_unmount(self) -> None:
        if self._store is not None:
            self._store.close()

    # what is there

    def _opened(self) -> Knowledge:
        """In a worker thread: opening loads the encoder."""
        from ....knowledge.household import Knowledge
        from ...knowledge_link import DATABASE

        if self._store is None:
            self.client.config.data_path.mkdir(parents=True, exist_ok=True)
            self._store = Knowledge.open(self.client.config.data_path / DATABASE)
        return self._store

    @work(thread=True, exclusive=True)
    def _browse(self) -> None:
        try:
            documents = self._opened().documents()
        except Exception as error:      # a store of another version, a disk that fails: told in its place
            self.app.call_from_thread(self._tell, str(error))
            return
        self.app.call_from_thread(self._show_documents, documents)

    @work(thread=True, exclusive=True)
    def _search(self, query: str) -> None:
        try:
            answer = self._opened().ask(query, with_private=True, k=FOUND_AT_MOST)
            found = self._opened().search(query, k=FOUND_AT_MOST, with_private=True)
        except Exception as error:
            self.app.call_from_thread(self._tell, str(error))
            return
        self.app.call_from_thread(self._show_passages, query, answer.reply if answer.found else "", found)

    def _show_documents(self, documents: Sequence[DocumentInfo]) -> None:
        self._documents, self._passages = {str(each.id): each for each in documents}, {}
        found = self.query_one("#found", OptionList)
        found.border_title = "Documents and notes"
        found.border_subtitle = f"{len(documents)}" if documents else ""
        found.set_options(Option(_document(each), id=str(each.id)) for each in documents)
        self._tell("" if documents else EMPTY)
        if documents:
            found.highlighted = 0

    def _show_passages(self, query: str, reply: str, passages: Sequence[Passage]) -> None:
        self._query, self._passages = query, {str(each.id): each for each in passages}
        found = self.query_one("#found", OptionList)
        found.border_title = "Found"
        found.border_subtitle = f"{len(passages)}"
        found.set_options(Option(_passage(each), id=str(each.id)) for each in passages)
        if passages:
            found.highlighted = 0
        if not reply:
            self.notify("No passage answers this; the nearest are shown.", timeout=4)
        self.query_one(".detail").border_title = fit(reply, at_most=60) if reply else "Nearest"

    def _tell(self, text: str) -> None:
        self.query_one("#passage", Static).update(Content.styled(text, QUIET))

    # what the person does

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.client.is_elsewhere:
            return
        self._search(event.value.strip()) if event.value.strip() else self._browse()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        key = event.option_id or ""
        if passage := self._passages.get(key):
            self.query_one("#passage", Static).update(_whole(passage, self._query))
        elif document := self._documents.get(key):
            self.query_one(".detail").border_title = fit(document.title, at_most=50)
            self.query_one("#passage", Static).update(_about(document))

    def action_add(self) -> None:
        if self.client.is_elsewhere:
            return
        self.app.push_screen(
            AskFor("Take in a file or a folder", "What is taken in is copied into the store; the file stays where it is.",
                   placeholder="~/Documents/House", fault=_fault_in_path), self._add)

    def _add(self, line: str | None) -> None:
        if line is not None:
            path = Path(line.strip()).expanduser()
            self.app.push_screen(LongWork(f"Taking in {path.name}", lambda progress: self._take_in(path, progress)), self._added)

    def _take_in(self, path: Path, progress: Progress) -> str:
        """In the dialog's thread."""
        changed = failed = 0
        for done in self._opened().add(path, progress=lambda at, total: progress(at, total, path.name)):
            changed += done.change in ("added", "changed")
            failed += done.change == "unreadable"
            progress(0, 1, f"{done.change}: {Path(done.location).name}")
        told = f"{changed} document{'s' * (changed != 1)} taken in" if changed else "Nothing new"
        return f"{told}, {failed} could not be read." if failed else f"{told}."

    def _added(self, told: str | None) -> None:
        self.notify(told or "", markup=False)
        self._browse()

    def action_forget(self) -> None:
        chosen = self.query_one("#found", OptionList).highlighted_option
        document = self._documents.get(chosen.id or "") if chosen is not None and not self._passages else None
        if document is not None:
            question = f"Forget {fit(document.title, at_most=50)!r} for good? The file itself stays."
            self.app.push_screen(Confirm(question, "Forget"), lambda yes: self._forget_if(yes, document.id))

    def _forget_if(self, yes: bool | None, document_id: int) -> None:
        if yes:
            self._forget(document_id)

    @work(thread=True)
    def _forget(self, document_id: int) -> None:
        self._opened().forget([document_id])
        self.app.call_from_thread(self._browse)


def _document(each: DocumentInfo) -> Content:
    mark = "✎" if each.kind == "note" else "▤"
    private = (" private", "$text-warning") if each.private else ("", "")
    return Content.assemble((f"{mark} ", "$text-primary"), fit(each.title, at_most=60), private, (f"  {each.passages}", QUIET))


def _passage(each: Passage) -> Content:
    heading = f", {fit(each.source.heading, at_most=30)}" if each.source.heading else ""
    return Content.assemble(bar(each.score, 4), f" {each.score:.2f}  ", fit(each.source.brief, at_most=40), (heading, QUIET))


def _whole(passage: Passage, query: str) -> Content:
    source = passage.source
    place = " › ".join(part for part in (source.brief, source.heading) if part)
    text = "\n".join(fit(line) for line in passage.text.splitlines())
    return Content.assemble((fit(place), "bold $text-primary"), "\n\n", highlighted(text, query), "\n\n",
                            (fit(source.location), QUIET))


def _about(document: DocumentInfo) -> Content:
    facts = [("where", document.location), ("taken in", time.strftime("%Y-%m-%d %H:%M", time.localtime(document.added_at))),
             ("passages", str(document.passages)), ("room", document.area), ("from", document.speaker)]
    lines = [Content.assemble((f"{name:<10}", QUIET), fit(value)) for name, value in facts if value]
    if document.private:
        lines.append(Content.styled("private: told only where the configuration allows it", "$text-warning"))
    if document.text:
        lines += [Content(""), Content(fit(document.text))]
    return Content("\n").join(lines)


def _fault_in_path(line: str) -> str | None:
    if not line.strip():
        return "Give the path of a file or a folder."
    path = Path(line.strip()).expanduser()
    return None if path.exists() else f"{path} does not exist."
