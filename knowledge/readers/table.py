"""CSV: each row becomes a sentence that says its columns' names: "Appliance: Boiler; Warranty until: 2029-03-01"."""

from __future__ import annotations

import csv
import io

from ..chunks import row
from ..passages import Section
from .text import decoded

_SAMPLE_CHARS = 8192


def read(data: bytes) -> list[Section]:
    text = decoded(data)
    rows = [[" ".join(cell.split()) for cell in row] for row in csv.reader(io.StringIO(text), _dialect(text))]
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    names = rows[0] if len(rows) > 1 and not any(_is_number(cell) for cell in rows[0]) else []
    return [Section(text="\n\n".join(row(names, cells) for cells in (rows[1:] if names else rows)))]


def _dialect(text: str) -> type[csv.Dialect] | csv.Dialect:
    try:
        return csv.Sniffer().sniff(text[:_SAMPLE_CHARS], delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def _is_number(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").isdigit()
