"""What is running: timers, alarms and reminders by their time, and the lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...events import ListChanged
from ..requests import Request
from ..running import HouseStores, Running
from ..safe_text import fit, padded
from .exchange import QUIET

REDRAW_S: Final = 1.0
TIMERS_SHOWN: Final = 6
BAR_CELLS: Final = 8


class Now(OptionList):
    """Follows the stores; hidden while there is nothing in them."""

    LABEL: ClassVar[str] = "Timers and lists"
    HELP = "Enter stops what rings, and puts the request to cancel what runs into the input line. Enter on a list shows it."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Act", show=False)]

    @dataclass
    class Wanted(Message):
        """The person wants something of a timer."""

        request: Request

    @dataclass
    class Opened(Message):
        """The person wants to see a list."""

        slug: str

    def __init__(self, stores: HouseStores, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stores = stores
        self._shown: tuple[str, ...] = ()

    def on_mount(self) -> None:
        self.border_title = "Now"
        self.display = False
        self.set_interval(REDRAW_S, self._tick)

    def follow(self) -> None:
        """Something is otherwise than before."""
        timers, lists = self._soonest(), self._open_lists()
        self.display = bool(timers or lists)
        options = [Option(self._timer(each), id=f"timer/{each.key}") for each in timers]
        options += [Option(self._list(each), id=f"list/{each.slug}") for each in lists]
        ids = tuple(str(option.id) for option in options)
        if ids == self._shown:
            for index, option in enumerate(options):
                self.replace_option_prompt_at_index(index, option.prompt)
        else:
            self._shown = ids
            self.set_options(options)
        waiting = len(self._stores.timers) - len(timers)
        self.border_subtitle = f"{waiting} more later" if waiting else ""

    def on_resize(self) -> None:
        self.follow()

    def _tick(self) -> None:
        if self.display and any(each.timer.state == "running" for each in self._stores.timers.values()):
            self.follow()

    def _soonest(self) -> list[Running]:
        return self._stores.soonest()[:TIMERS_SHOWN]

    def _open_lists(self) -> list[ListChanged]:
        return [each for each in self._stores.lists.values() if any(item.status == "needs_action" for item in each.items)]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        kind, _, key = (event.option_id or "").partition("/")
        if kind == "list":
            self.post_message(self.Opened(key))
            return
        running = self._stores.timers.get(key)
        if running is not None:
            self.post_message(self.Wanted(_request(running)))

    # one line each

    def _cells(self) -> int:
        return max(10, self.scrollable_content_region.width - 2)

    def _timer(self, running: Running) -> Content:
        cells, name = self._cells(), running.name
        if running.rings:
            return Content.styled(padded(f"◉ {name} is ringing: Enter stops it", cells), "bold $text-error")
        paused = running.timer.state == "paused"
        if running.timer.kind == "timer":
            left = f"{spoken_left(running.remaining_s())}{' paused' if paused else ''}"
            full = round(running.share_left * BAR_CELLS)
            bar = [("━" * full, "$text-accent"), ("━" * (BAR_CELLS - full), "$foreground 20%")]
            room = cells - len(left) - BAR_CELLS - 5
            return Content.assemble(("◷ ", "$text-accent"), padded(name, max(room, 1)), " ", *bar, " ",
                                    (left.rjust(len(left) + 1), QUIET if paused else "bold"))
        moment = running.moment
        when = moment.strftime("%a %H:%M") if moment is not None else "paused"
        return Content.assemble(("◷ ", "$text-primary"), padded(name, max(cells - len(when) - 3, 1)), " ", (when, QUIET))

    def _list(self, each: ListChanged) -> Content:
        open_items = [fit(item.summary) for item in each.items if item.status == "needs_action"]
        name = fit(each.name, at_most=16)
        count = f" {len(open_items)}  "
        words = ", ".join(open_items)
        return Content.assemble(("☰ ", "$text-primary"), name, (count, "bold"),
                                (fit(words, at_most=max(self._cells() - len(name) - len(count) - 2, 1)), QUIET))


def spoken_left(seconds: float) -> str:
    """"4:32", "1:04:05"."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _request(running: Running) -> Request:
    kind = running.timer.kind
    name = fit(running.timer.name) if running.timer.name else ""
    if running.rings:
        return Request(f"stop the {name} {kind}".replace("  ", " ") if kind == "timer" else f"stop the {kind}")
    if kind == "reminder":
        return Request(f"cancel the reminder to {name}" if name else "cancel the reminder", at_once=False)
    return Request(f"cancel the {name} {kind}".replace("  ", " "), at_once=False)
