"""What happens by itself: when, what, whether it is on, and what comes up. Routines are changed in their file, as by voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ....skills.routines import Routine, RoutineFile, RoutinesError
from ..client import Client, News, StoresChanged
from ..requests import Request
from ..running import Running
from ..safe_text import fit
from ..story import QUIET
from ..widgets.dialogs import Confirm
from .page import Page

EMPTY = """\
No routines yet. Say one at home, for example

  when I say movie time, dim the living room to 20 percent
  every weekday at seven open the blinds
  if the front door opens after ten, turn on the hall light"""
ELSEWHERE = "This Ingle runs on another machine; ask it \"what routines are there?\"."


class ThePage(Page):
    LABEL: ClassVar[str] = "Routines"
    HELP = "What happens by itself. It is made by saying it; here it is switched on and off, run, and removed."
    FIRST = "#routines-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "On/off"),
        Binding("r", "run", "Run now"),
        Binding("delete", "remove", "Remove"),
        Binding("n", "new", "New"),
    ]

    def __init__(self, client: Client, *, id: str | None = None) -> None:
        super().__init__(client, id=id)
        self._routines: dict[str, Routine] = {}

    def compose(self) -> ComposeResult:
        with Container(classes="columns"):
            yield OptionList(id="routines-list", classes="box list")
            with VerticalScroll(classes="box detail") as box:
                box.border_title = "Coming up"
                yield Static(id="coming", markup=False)

    def looked_at(self) -> None:
        if self.client.is_elsewhere:
            self.query_one("#coming", Static).update(Content.styled(ELSEWHERE, QUIET))
            return
        self._show()

    def take(self, news: News) -> None:
        if isinstance(news, StoresChanged) and self.display:
            self._show_coming("")

    @property
    def _file(self) -> RoutineFile:
        from ...services import ROUTINES

        return RoutineFile(self.client.config.data_path / ROUTINES)

    def _show(self) -> None:
        try:
            found, faults = self._file.read()
        except RoutinesError as error:
            found, faults = [], [str(error)]
        self._routines = {each.routine.name: each.routine for each in found}
        listed = self.query_one("#routines-list", OptionList)
        listed.border_title = "Routines"
        listed.border_subtitle = f"{sum(each.enabled for each in self._routines.values())} of {len(found)} on" if found else ""
        place = listed.highlighted
        listed.set_options(Option(_drawn(each), id=each.name) for each in self._routines.values())
        if found:
            listed.highlighted = min(place or 0, len(found) - 1)
        self._show_coming("\n".join(faults) if faults else "" if found else EMPTY)

    def _show_coming(self, note: str) -> None:
        coming = [each for each in self.client.stores.soonest() if each.moment is not None]
        lines = [_due(each) for each in coming]
        if note:
            lines = [*lines, Content(""), Content.styled(note, QUIET)]
        self.query_one("#coming", Static).update(Content("\n").join(lines) if lines else Content.styled("Nothing is due.", QUIET))

    # what the person does

    def _chosen(self) -> Routine | None:
        option = self.query_one("#routines-list", OptionList).highlighted_option
        return self._routines.get(option.id or "") if option is not None else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_switch()

    def action_switch(self) -> None:
        if (routine := self._chosen()) is not None:
            self._change(lambda: self._file.put(replace(routine, enabled=not routine.enabled)))

    def action_remove(self) -> None:
        if (routine := self._chosen()) is not None:
            self.app.push_screen(Confirm(f"Remove the routine {fit(routine.name, at_most=50)!r}?", "Remove"),
                                 lambda yes: self._change(lambda: self._file.remove(routine.name)) if yes else None)

    def _change(self, change: Callable[[], None]) -> None:
        try:
            change()
        except (RoutinesError, OSError) as error:
            self.notify(str(error), severity="error", markup=False)
        self._show()

    async def action_run(self) -> None:
        """One that has a phrase is run by saying it; of another, what it does is said."""
        if (routine := self._chosen()) is not None:
            await self._say(Request(routine.phrase or routine.do))

    async def action_new(self) -> None:
        await self._say(Request("when I say ", at_once=False))

    async def _say(self, request: Request) -> None:
        from ..main_screen import MainScreen

        assert isinstance(self.screen, MainScreen)
        await self.screen.say_at_home(request)


def _drawn(routine: Routine) -> Content:
    mark = ("● ", "$text-success") if routine.enabled else ("○ ", QUIET)
    condition = f", if {fit(routine.if_)}" if routine.if_ else ""
    where = f" ({fit(routine.area)})" if routine.area else ""
    return Content.assemble(mark, (fit(routine.name, at_most=40), "bold" if routine.enabled else QUIET), (where, QUIET), "\n",
                            (f"  {fit(routine.when)}{condition}", "$text-primary"), "\n", f"  {fit(routine.do)}")


def _due(each: Running) -> Content:
    moment = each.moment
    when = moment.strftime("%a %d %b %H:%M") if moment is not None else ""
    return Content.assemble((f"{when}  ", QUIET), each.name, (f"  {fit(each.timer.kind)}", QUIET))
