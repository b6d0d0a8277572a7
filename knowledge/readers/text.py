"""Plain text: UTF-8, or Latin-1 where it is not. A short line alone before a paragraph is a heading."""

from __future__ import annotations

import re

from ..errors import Unreadable
from ..passages import Section

_HEADING_CHARS = 60


def read(data: bytes) -> list[Section]:
    return _sections(decoded(data))


def decoded(data: bytes) -> str:
    """Raises: Unreadable: binary data."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:8192]:
        raise Unreadable("not a text file")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _sections(text: str) -> list[Section]:
    sections: list[Section] = []
    heading = ""
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        first, _, rest = paragraph.strip("\n").partition("\n")
        rest = rest.lstrip("=-~\n")
        if _is_heading(first) and (not rest or not _is_heading(rest.partition("\n")[0])):
            sections.append(Section(text="\n\n".join(paragraphs), heading=heading))
            heading, paragraphs = first.strip().rstrip(":"), [rest] if rest else []
        elif paragraph.strip():
            paragraphs.append(paragraph)
    return [*sections, Section(text="\n\n".join(paragraphs), heading=heading)]


def _is_heading(line: str) -> bool:
    words = line.strip()
    if not words or len(words) > _HEADING_CHARS or words.endswith((".", "!", "?", ",", ";")) or words[0] in "-*•|":
        return False
    return words[0].isupper() and not any(char.isdigit() for char in words.rstrip(":")) and ":" not in words[:-1]
