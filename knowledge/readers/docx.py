"""Word's .docx: a zip with an XML inside. Paragraphs, by their heading styles; table rows as lines."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from ..errors import Unreadable
from ..passages import Section

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAX_XML_BYTES = 100 * 2**20


def read(data: bytes) -> list[Section]:
    sections: list[Section] = []
    path: list[str] = []
    body: list[str] = []
    for level, text in _paragraphs(_document(data)):
        if level is None:
            body.append(text)
            continue
        sections.append(Section(text="\n\n".join(body), heading=" › ".join(path)))
        path, body = [*path[: level - 1], text], []
    return [*sections, Section(text="\n\n".join(body), heading=" › ".join(path))]


def _document(data: bytes) -> Element:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo("word/document.xml").file_size > _MAX_XML_BYTES:
                raise Unreadable("the document inside is larger than 100 MiB")
            with archive.open("word/document.xml") as file:
                xml = file.read(_MAX_XML_BYTES + 1)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, NotImplementedError, RuntimeError):
        raise Unreadable("not a .docx file") from None
    if b"<!DOCTYPE" in xml[:4096] or b"<!ENTITY" in xml[:4096] or len(xml) > _MAX_XML_BYTES:     # entities may grow without end
        raise Unreadable("not a plain .docx file")
    try:
        return fromstring(xml)
    except ParseError as error:
        raise Unreadable(f"a damaged .docx file: {error}") from None


def _paragraphs(document: Element) -> Iterator[tuple[int | None, str]]:
    """(level of heading or None, text)."""
    body = document.find(f"{_W}body")
    for block in body if body is not None else ():
        if block.tag == f"{_W}p":
            text = _text(block)
            if text:
                yield _level(block), text
        elif block.tag == f"{_W}tbl":
            for row in block.iter(f"{_W}tr"):
                cells = [" ".join(_text(part) for part in cell.iter(f"{_W}p")).strip() for cell in row.iter(f"{_W}tc")]
                yield None, ", ".join(cell for cell in cells if cell)


def _text(paragraph: Element) -> str:
    parts = []
    for node in paragraph.iter():
        if node.tag == f"{_W}t":
            parts.append(node.text or "")
        elif node.tag in (f"{_W}tab", f"{_W}br"):
            parts.append(" ")
    return " ".join("".join(parts).split())


def _level(paragraph: Element) -> int | None:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    if name.lower() == "title":
        return 1
    heading = re.fullmatch(r"(?i)heading\s*(\d)", name)
    return int(heading[1]) if heading else None
