"""Text from the bus, made fit for a terminal: names and payloads are anyone's, and a terminal obeys control characters."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, set_cell_size

UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})     # control, format (bidi), surrogates, private, line ends


def fit(text: object, *, at_most: int | None = None) -> str:
    """As one line without control characters; what is longer than `at_most` cells ends in "…"."""
    line = " ".join("".join(_mended(character) for character in str(text)).split())
    if at_most is None or cell_len(line) <= at_most:
        return line
    return set_cell_size(line, at_most - 1).rstrip() + "…" if at_most > 0 else ""


def padded(text: str, cells: int) -> str:
    """Exactly so many terminal cells; a character may be two wide."""
    return set_cell_size(fit(text, at_most=cells), cells)


def _mended(character: str) -> str:
    if character in "\n\t\r":
        return " "
    return "" if unicodedata.category(character) in UNFIT else character
