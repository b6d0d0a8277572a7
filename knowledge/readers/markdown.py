"""Markdown: headings make the path of a section; marks of emphasis, links and code are taken off."""

from __future__ import annotations

import re

from ..chunks import row
from ..passages import Section
from .text import decoded

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_TABLE = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"\s*\|?[\s:|-]*-{3,}[\s:|-]*\|?\s*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")


def read(data: bytes) -> list[Section]:
    lines = _with_rows(_without_front_matter(decoded(data).split("\n")))
    sections: list[Section] = []
    path: list[str] = []
    body: list[str] = []
    fenced = False
    for line in lines:
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            if not _FENCE.match(line):
                body.append(line if fenced else _plain(line))
            continue
        sections.append(Section(text="\n".join(body), heading=" › ".join(path)))
        path = [*path[: len(heading[1]) - 1], _plain(heading[2])]
        body = []
    sections.append(Section(text="\n".join(body), heading=" › ".join(filter(None, path))))
    return sections


def _without_front_matter(lines: list[str]) -> list[str]:
    if lines and lines[0].strip() == "---" and "---" in [line.strip() for line in lines[1:40]]:
        return lines[[line.strip() for line in lines[1:40]].index("---") + 2 :]
    return lines


_MARKS = (
    (re.compile(r"<!--.*?-->"), ""),
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"(\*\*|__)(.+?)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*([^*\s][^*]*?)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)_([^_\s][^_]*?)_(?!\w)"), r"\1"),
    (re.compile(r"`([^`]+)`"), r"\1"),
    (re.compile(r"^\s*>\s?"), ""),
    (re.compile(r"^\s*[-*_]{3,}\s*$"), ""),
    (re.compile(r"^\s*\[[ xX]\]\s+"), ""),
)


def _plain(line: str) -> str:
    for pattern, replacement in _MARKS:
        line = pattern.sub(replacement, line)
    return line


def _with_rows(lines: list[str]) -> list[str]:
    """Tables told row by row: "Code: F22; Meaning: Water pressure too low."."""
    told: list[str] = []
    names: list[str] | None = None
    for number, line in enumerate(lines):
        if not _TABLE.match(line):
            names = None
            told.append(line)
        elif not _RULE.match(line):
            cells = [_plain(cell).strip() for cell in line.strip().strip("|").split("|")]
            if names is None:
                names = cells if number + 1 < len(lines) and _RULE.match(lines[number + 1]) else []
                told += [] if names else [row(names, cells)]
            else:
                told.append(row(names, cells))
    return told
