"""Small windows over the page: a yes or no, a line to be typed, and long work with its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, ProgressBar, Static

from ..safe_text import fit

Progress = Callable[[int, int, str], None]      # (done, of how many, what): raises `Cancelled` when it is to end
Work = Callable[[Progress], str]                # returns what happened, in a sentence


class Cancelled(Exception):
    """The person does not want to wait any longer."""


class Confirm(ModalScreen[bool]):
    """A question; Esc is no."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,n", "no", "No"), Binding("y", "yes", "Yes")]

    def __init__(self, question: str, yes: str = "Yes") -> None:
        super().__init__()
        self._question, self._yes = question, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no")
                yield Button(f"{self._yes} (y)", id="yes", variant="warning")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)


class AskFor(ModalScreen["str | None"]):
    """One line, checked before it is taken; Esc leaves things as they are.

    Args: fault: what is wrong with the line, in a sentence; None: nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Leave as it is")]

    def __init__(
        self, title: str, text: str = "", value: str = "", *, placeholder: str = "",
        fault: Callable[[str], str | None] = lambda line: None,
    ) -> None:
        super().__init__()
        self._title, self._text, self._value, self._placeholder, self._fault = title, text, value, placeholder, fault

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter takes it, Esc leaves it"
            if self._text:
                yield Static(self._text, markup=False)
            yield Input(self._value, placeholder=self._placeholder, select_on_focus=False)
            yield Static(classes="bad", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        fault = self._fault(event.value)
        if fault is None:
            self.dismiss(event.value)
        else:
            self.query_one(".bad", Static).update(fit(fault))


class LongWork(ModalScreen[str]):
    """Runs in a thread of its own; Esc cancels it at the next step. Ends with what happened."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    NOT_DONE: Final = "Cancelled; what was finished before stays."

    def __init__(self, title: str, job: Work) -> None:
        super().__init__()
        self._title, self._job = title, job
        self._cancelled = threading.Event()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "Esc cancels"
            yield Static("", id="doing", markup=False)
            yield ProgressBar(id="bar")

    def on_mount(self) -> None:
        self._run()

    @work(thread=True)
    def _run(self) -> None:
        try:
            told = self._job(self._progress)
        except Cancelled:
            told = self.NOT_DONE
        except Exception as error:          # of the job: told where the person waits for it
            told = f"It failed: {error}"
        self.app.call_from_thread(self.dismiss, told)

    def _progress(self, done: int, total: int, what: str) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self.app.call_from_thread(self._show, done, total, what)

    def _show(self, done: int, total: int, what: str) -> None:
        self.query_one("#doing", Static).update(fit(what, at_most=68))
        self.query_one(ProgressBar).update(total=max(total, 1), progress=done)

    def action_cancel(self) -> None:
        self._cancelled.set()
        self.query_one("#doing", Static).update("Cancelling after this step …")
