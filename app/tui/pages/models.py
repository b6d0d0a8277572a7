"""Which language model is used: the slots, their versions and health, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ...model_link import HEALTH, slots_of
from ...update.errors import UpdateError
from ...update.slots import Choice, Slots, State
from ..client import News, Readings
from ..safe_text import fit
from ..story import QUIET
from ..widgets.dialogs import Confirm
from .page import Page

NAMES: Final = {"a": "Slot A", "b": "Slot B", "recovery": "Shipped with Ingle"}
ELSEWHERE = "This Ingle runs on another machine: use `ingle model status` on it."


class ThePage(Page):
    LABEL: ClassVar[str] = "Models"
    HELP = (
        "A new model comes into the slot that is not used, and is on trial there: should it fail more often than the one before, "
        "Ingle goes back by itself. `ingle model update` fetches one."
    )
    FIRST = "#models-box"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "back", "Back to the one before"), Binding("p", "pin", "Stay with this version"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="models-box", classes="box") as box:
            box.border_title = "Models"
            yield Static(id="models-text", markup=False)

    def looked_at(self) -> None:
        if self.client.is_elsewhere:
            self._show(Content.styled(ELSEWHERE, QUIET))
        else:
            self._read()

    def take(self, news: News) -> None:
        if isinstance(news, Readings) and self.display and not self.client.is_elsewhere:
            self._read()

    @property
    def _slots(self) -> Slots:
        return slots_of(self.client.config)

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        slots, config = self._slots, self.client.config
        state = slots.state()
        choices = {slot: slots.choice(slot) for slot in ("a", "b", "recovery")}
        health = _health(slots)
        configured = str(config.resolved(config.model)) if config.model else None
        self.app.call_from_thread(self._show, _drawn(state, choices, health, configured))

    def _show(self, content: Content) -> None:
        self.query_one("#models-text", Static).update(content)

    def action_back(self) -> None:
        state = self._slots.state()
        if state.active == "recovery" or self.client.is_elsewhere:
            self.notify("The model that Ingle ships is in use: there is nothing to go back to.")
            return
        self.app.push_screen(Confirm("Go back to the model before? The one in use now is not installed again.", "Go back"),
                             lambda yes: self._change(lambda: self._slots.roll_back("asked for", refuse=True)) if yes else None)

    def action_pin(self) -> None:
        if self.client.is_elsewhere:
            return
        state, active = self._slots.state(), self._slots.active()
        if active.release is None:
            self.notify("Only a version that was installed can be stayed with.")
            return
        self._change(lambda: self._slots.pin(None if state.pinned else active.version))

    def _change(self, change: Callable[[], object]) -> None:
        try:
            change()
        except (UpdateError, OSError) as error:
            self.notify(str(error), severity="error", markup=False)
        self._read()


def _health(slots: Slots) -> Mapping[str, Mapping[str, Any]]:
    try:
        data = json.loads((slots.folder / HEALTH).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: each for name, each in data.items() if isinstance(each, dict)} if isinstance(data, dict) else {}


def _drawn(
    state: State, choices: Mapping[str, Choice | None], health: Mapping[str, Mapping[str, Any]], configured: str | None,
) -> Content:
    parts = [_slot(slot, choice, state, health) for slot, choice in choices.items()]
    if configured is not None:
        parts.insert(0, Content.styled(f"The configuration names a model of its own: {fit(configured)}. The slots are not used.",
                                       "$text-warning"))
    facts = [("pinned to", state.pinned), ("never again", ", ".join(state.refused)), ("last change", state.note)]
    told = [Content.assemble((f"{name}: ", QUIET), fit(value)) for name, value in facts if value]
    return Content("\n\n").join([*parts, *([Content("\n").join(told)] if told else [])])


def _slot(slot: str, choice: Choice | None, state: State, health: Mapping[str, Mapping[str, Any]]) -> Content:
    active = slot == state.active
    mark = ("● ", "$text-success") if active else ("○ ", QUIET)
    if choice is None:
        return Content.assemble(mark, (NAMES[slot], "bold"), ("  empty", QUIET))
    trial = ("  on trial", "$text-warning") if active and state.trial else ("", "")
    used = ("  in use", "$text-success") if active else ("", "")
    size = choice.path.stat().st_size / 1e6 if choice.path.exists() else 0.0
    lines = [Content.assemble(mark, (NAMES[slot], "bold"), used, trial),
             Content.assemble(("  version ", QUIET), fit(choice.version), (f"   {size:.1f} MB", QUIET),
                              ("   encrypted", QUIET) if choice.sealed else "")]
    if figures := health.get(choice.version):
        lines.append(Content.assemble("  ", _figures(figures)))
    return Content("\n").join(lines)


def _figures(figures: Mapping[str, Any]) -> Content:
    turns = int(figures.get("turns") or 0)
    wrong, none = int(figures.get("errors") or 0), int(figures.get("fallbacks") or 0)
    took = sorted(float(each) for each in figures.get("interpret_ms") or ())
    speed = f", half of them understood within {took[len(took) // 2]:.0f} ms" if took else ""
    return Content.assemble(f"{turns} turns", (f", {wrong} went wrong", "$text-error" if wrong else QUIET),
                            (f", {none} not for it{speed}", QUIET))
