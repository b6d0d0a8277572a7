"""PDF by pypdf, page by page. Lines that stand on most pages (running heads, page numbers) are dropped."""

from __future__ import annotations

import io
import re
from collections import Counter

from ..errors import Unreadable
from ..passages import Section

_HEADING = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?\s+)?[A-Z][^.!?;:,|]{2,58}")
_FEW_PAGES = 4


def read(data: bytes) -> list[Section]:
    pages = [page.split("\n") for page in _pages(data)]
    running = _running(pages)
    sections: list[Section] = []
    heading = ""
    for number, lines in enumerate(pages, start=1):
        body: list[str] = []
        for line in (each for each in lines if _shape(each) not in running):
            if _is_heading(line):
                sections.append(Section(text="\n".join(body), heading=heading, page=number))
                heading, body = " ".join(line.split()), []
            else:
                body.append(line)
        sections.append(Section(text="\n".join(body), heading=heading, page=number))
    return sections


def _pages(data: bytes) -> list[str]:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise Unreadable("PDF files need pypdf: pip install 'ingle[knowledge]'") from None
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("the PDF wants a password: save a copy without one")
        return [page.extract_text() for page in reader.pages]
    except PyPdfError as error:
        raise Unreadable(f"not a readable PDF: {error}") from None
    except Unreadable:
        raise
    except Exception as error:      # pypdf raises most kinds of them on damaged files
        raise Unreadable(f"a damaged PDF: {type(error).__name__}: {error}") from None


def _running(pages: list[list[str]]) -> set[str]:
    """The shapes of lines that repeat at the rim of most pages."""
    if len(pages) < _FEW_PAGES:
        return set()
    rims = Counter(shape for lines in pages for shape in {_shape(line) for line in (*lines[:2], *lines[-2:])})
    return {shape for shape, count in rims.items() if count > len(pages) / 2}


def _shape(line: str) -> str:
    return re.sub(r"\d+", "0", " ".join(line.split()).lower())


def _is_heading(line: str) -> bool:
    words = line.strip()
    goes_on = words.endswith((" the", " a", " of", " and", " to"))
    return bool(_HEADING.fullmatch(words)) and len(words.split()) <= 8 and not goes_on
