"""HTML: what a reader would see, by its headings. Scripts, styles and anything hidden are not text."""

from __future__ import annotations

from html.parser import HTMLParser

from ..chunks import row
from ..passages import Section
from .text import decoded

_SKIPPED = frozenset({"script", "style", "template", "noscript", "head", "svg", "nav", "iframe", "object"})
_BLOCKS = frozenset({"p", "div", "li", "tr", "br", "section", "article", "table", "ul", "ol", "dl", "dt", "dd", "blockquote",
                     "pre", "header", "footer", "main", "aside", "figure", "figcaption", "hr"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_EMPTY = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "source", "track"})


def read(data: bytes) -> list[Section]:
    page = _Page()
    page.feed(decoded(data))
    page.close()
    return page.finished()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections: list[Section] = []
        self.path: list[str] = []
        self.parts: list[str] = []
        self.skipping: list[str] = []       # the open tags from the one that is skipped on
        self.heading: list[str] | None = None
        self.cells: list[str] | None = None     # of the row that is being read
        self.is_head = True                     # it has only <th>
        self.names: list[str] = []              # the columns' names of the table

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            self.parts.append("\n" if tag in _BLOCKS else "")
        elif self.skipping or tag in _SKIPPED or _is_hidden(attrs):
            self.skipping.append(tag)
        elif tag in _HEADINGS:
            self._end_section()
            self.heading = []
        elif tag == "tr":
            self.cells, self.is_head = [], True
        elif tag in ("td", "th") and self.cells is not None:
            self.cells.append("")
            self.is_head &= tag == "th"
        elif tag in _BLOCKS and self.cells is None:
            self.names = [] if tag == "table" else self.names
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag in self.skipping:
                del self.skipping[len(self.skipping) - 1 - self.skipping[::-1].index(tag) :]
        elif tag in _HEADINGS and self.heading is not None:
            self.path = [*self.path[: int(tag[1]) - 1], " ".join("".join(self.heading).split())]
            self.heading = None
        elif tag == "tr" and self.cells is not None:
            cells, self.cells = [" ".join(cell.split()) for cell in self.cells], None
            self.names = cells if self.is_head else self.names
            self.parts.append("" if self.is_head or not any(cells) else f"\n{row(self.names, cells)}\n")
        elif tag in _BLOCKS and self.cells is None:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self.skipping:
            return
        words = " ".join(data.split())
        text = f"{' ' if data[:1].isspace() else ''}{words}{' ' if words and data[-1:].isspace() else ''}"
        if self.cells:
            self.cells[-1] += text
        elif self.cells is None:
            (self.parts if self.heading is None else self.heading).append(text)

    def _end_section(self) -> None:
        self.sections.append(Section(text="".join(self.parts), heading=" › ".join(filter(None, self.path))))
        self.parts = []

    def finished(self) -> list[Section]:
        self._end_section()
        return self.sections


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    values = dict(attrs)
    style = (values.get("style") or "").replace(" ", "").lower()
    return "hidden" in values or values.get("aria-hidden") == "true" or "display:none" in style or "visibility:hidden" in style
