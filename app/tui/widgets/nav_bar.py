"""One line that says where you are and how to get elsewhere, by key or mouse."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

from ..pages.page import HOME, PLACES

SHORT_OF: Final = 78            # cells: below, only the place where you are is named


class NavBar(Static):
    """Follows `place`; a click goes there."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._place = HOME

    def go(self, place: str) -> None:
        self._place = place
        self.refresh()

    def render(self) -> Content:
        known = [(HOME, "Home", "Esc"), *((place.name, place.title, place.key.upper()) for place in PLACES)]
        if self.size.width < SHORT_OF:
            known = [each for each in known if each[0] == self._place]
        return Content("  ").join(self._named(*each) for each in known)

    def _named(self, name: str, title: str, key: str) -> Content:
        here = name == self._place
        if here:
            return Content.styled(f" {title} ", "bold $foreground on $accent 35%")
        label = Content.assemble((f"{key} ", "$foreground 45%"), (title, "$foreground 80%"))
        return label.stylize(f"@click=screen.show('{name}')")
