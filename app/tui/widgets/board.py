"""The device board: every device of the home by floor and room, as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ....skills.home.model import Entity, Home
from ..requests import Request, request_for
from ..safe_text import fit, padded
from ..shown import Shown, Tone, shown

REDRAW_S: Final = 0.1           # at most so often, however fast states come
BAR_CELLS: Final = 6
SHORT_BAR_CELLS: Final = 4         # where there is little room
ROOMY_CELLS: Final = 40
LEAST_NAME_CELLS: Final = 12
NO_ROOM: Final = "No room"
STYLES: Final[dict[Tone, str]] = {
    "on": "$text-warning", "off": "$foreground 55%", "good": "$text-success", "alert": "$text-error bold", "warm": "$text-accent",
    "cool": "$text-primary", "plain": "$foreground", "gone": "$text-error",
}


@dataclass(frozen=True)
class Line:
    """One line of the board: a floor, a room, or an entity (with its id and state)."""

    kind: str                       # "floor", "room", "entity"
    name: str
    entity_id: str | None = None
    state: Shown | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.entity_id or self.name


class Board(OptionList):
    """Follows the home; acts by asking."""

    LABEL: ClassVar[str] = "Devices"
    HELP = (
        "Every device as it is now. Enter or a click does the next obvious thing by saying it for you: off if it is on, "
        "closed if it is open. What opens the house, or wants a value, is put into the input line first."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Act", show=False),
        Binding("escape", "leave", "Back to the input line", show=False),
    ]

    @dataclass
    class Wanted(Message):
        """The person acts on a device."""

        request: Request
        area: str | None

    @dataclass
    class Typed(Message):
        """Somebody types while the board has the focus ("" for Escape): it is meant for the input line."""

        text: str

    def __init__(self, home: Home, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._home = home
        self._lines_shown: list[Line] = []
        self._width = 0
        self._redraw: Timer | None = None

    def on_mount(self) -> None:
        self.border_title = "Devices"
        self._draw()

    def follow(self, home: Home) -> None:
        """The home has changed; drawn soon, and once for many changes."""
        self._home = home
        if self._redraw is None:
            self._redraw = self.set_timer(REDRAW_S, self._draw)

    def on_resize(self) -> None:
        self._draw()

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character not in (None, "?", " "):
            event.stop()
            self.post_message(self.Typed(event.character or ""))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        entity = self._home.entities.get(event.option_id or "")
        if entity is None:
            return
        request = request_for(entity)
        if request is None:
            self.notify(f"{fit(entity.name)} can only be read.", markup=False)
        else:
            self.post_message(self.Wanted(request, entity.area))

    def action_leave(self) -> None:
        self.post_message(self.Typed(""))

    def _draw(self) -> None:
        self._redraw = None
        lines, width = list(board_lines(self._home)), self._row_cells()
        self._count(lines)
        if width <= 0:
            return
        if [line.key for line in lines] == [line.key for line in self._lines_shown] and width == self._width:
            for index, (line, old) in enumerate(zip(lines, self._lines_shown, strict=True)):
                if line != old:
                    self.replace_option_prompt_at_index(index, drawn(line, width))
        else:
            self._draw_all(lines, width)
        self._lines_shown, self._width = lines, width

    def _draw_all(self, lines: list[Line], width: int) -> None:
        """Anew, with the highlight and the place kept."""
        chosen, place = self.highlighted_option, self.scroll_offset.y
        self.set_options(Option(drawn(line, width), id=line.entity_id, disabled=line.entity_id is None) for line in lines)
        if chosen is not None and chosen.id in {line.entity_id for line in lines}:
            self.highlighted = self.get_option_index(chosen.id or "")
        self.scroll_to(y=place, animate=False)

    def _row_cells(self) -> int:
        return self.scrollable_content_region.width - 2     # the option's own padding

    def _count(self, lines: Iterable[Line]) -> None:
        states = [line.state for line in lines if line.state is not None]
        offline = sum(state.tone == "gone" for state in states)
        self.border_subtitle = f"{len(states)}, {offline} offline" if offline else f"{len(states)}" if states else "none yet"


def board_lines(home: Home) -> Iterator[Line]:
    """The home from top to bottom: floors as configured, rooms in them, devices by name."""
    rooms: dict[str | None, list[Entity]] = {}
    for entity in home.entities.values():
        if entity.exposed and entity.category is None:
            rooms.setdefault(entity.area if entity.area in home.areas else None, []).append(entity)
    floors = dict.fromkeys([*home.floors, *(area.floor for area in home.areas.values()), None])
    for floor in sorted(floors, key=lambda floor: floor is None):      # rooms of no floor last
        areas = [area.name for area in home.areas.values() if area.floor == floor and area.name in rooms]
        if areas and (floor is not None or any(home.floors)):
            yield Line("floor", fit(floor or "Elsewhere"))
        for area in areas:
            yield from _room(area, rooms[area])
    if None in rooms:
        yield from _room(NO_ROOM, rooms[None])


def _room(name: str, entities: list[Entity]) -> Iterator[Line]:
    yield Line("room", fit(name))
    for entity in sorted(entities, key=_order):
        yield Line("entity", fit(entity.name), entity.entity_id, shown(entity))


def _order(entity: Entity) -> tuple[bool, str, str]:
    """What can be acted on before what can only be read."""
    return request_for(entity) is None, entity.name.casefold(), entity.entity_id


def drawn(line: Line, cells: int) -> Content:
    """One line, exactly `cells` wide."""
    if line.state is None:
        style = "bold $text-primary" if line.kind == "floor" else "bold"
        return Content.styled(padded(line.name.upper() if line.kind == "floor" else line.name, cells), style)
    bar = _bar(line.state, BAR_CELLS if cells >= ROOMY_CELLS else SHORT_BAR_CELLS)
    room = cells - LEAST_NAME_CELLS - bar.cell_length
    words = fit(line.state.words, at_most=max(room, 0))
    name = "  " + padded(line.name, max(cells - bar.cell_length - Content(words).cell_length - 3, 0))
    quiet = "$foreground 55%" if line.state.tone == "gone" else ""
    return Content.assemble((name, quiet), bar, " ", (words, STYLES[line.state.tone]))


def _bar(state: Shown, cells: int) -> Content:
    if state.level is None:
        return Content("")
    full = round(state.level * cells)
    return Content.assemble(" ", ("━" * full, STYLES[state.tone]), ("━" * (cells - full), "$foreground 20%"))
