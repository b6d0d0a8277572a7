"""Cutting sections into sentences, and sentences into passages of a size that a vector can stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .passages import Chunk, Section

PASSAGE_CHARS: Final = 420      # a passage grows to about this; a vector of more says too little of each part
SENTENCE_CHARS: Final = 600     # a longer one (a table without stops) is cut between words
MAX_HEADING_CHARS: Final = 160

_ROW = re.compile(r"[^:;]{1,60}: [^;]+(?:; [^:;]{1,60}: [^;]+)+\.")
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-Þ])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|approx|etc|vs|no|nos|fig|p|pp|mr|mrs|ms|dr|st|rd|ave|tel|ext|incl|max|min|dept|ref"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|a\.m|p\.m)"
    r"|\b[A-Z]|^\s*\(?\d{1,3})\.$", re.IGNORECASE)


def row(names: Sequence[str], cells: Sequence[str]) -> str:
    """A table's row as a sentence that says its columns' names: "Appliance: Boiler; Warranty until: 2029-03-01."."""
    padded = [*names, *[""] * (len(cells) - len(names))]
    told = (f"{name}: {cell}" if name else cell for name, cell in zip(padded, cells, strict=False) if cell)
    return "; ".join(each.replace(";", ",") for each in told).rstrip(".") + "."


def is_row(sentence: str) -> bool:
    """Whether a sentence was made by `row`: it is a passage of its own, as it is about one thing."""
    return bool(_ROW.fullmatch(sentence))


def sentences(text: str) -> list[str]:
    """The sentences, list items and lines of a paragraph, in order."""
    found: list[str] = []
    for line in _lines(text):
        if is_row(line):
            found.append(line)
            continue
        begin = 0
        for stop in _END.finditer(line):
            if not _ABBREVIATION.search(line[begin : stop.start()]):
                found.append(line[begin : stop.start()].strip())
                begin = stop.end()
        found += _bounded(line[begin:].strip())
    return [each for each in found if each]


def chunks(sections: Iterable[Section]) -> Iterator[Chunk]:
    """Passages in the document's order. A paragraph stays whole where it fits; a heading is never crossed."""
    for section in sections:
        heading = section.heading[:MAX_HEADING_CHARS]
        for text in _passages(section.text):
            yield Chunk(text=text, heading=heading, page=section.page)


def _passages(text: str) -> Iterator[str]:
    passage: list[str] = []
    size = 0
    for sentence in sentences(text):
        alone = is_row(sentence)
        if passage and (alone or is_row(passage[-1]) or size + len(sentence) > PASSAGE_CHARS):
            yield "\n".join(passage)
            passage, size = [], 0
        passage.append(sentence)
        size += len(sentence) + 1
    if passage:
        yield "\n".join(passage)


_MARK = re.compile(r"\s*(?:[-*•▪◦–]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+")


def _lines(text: str) -> Iterator[str]:
    """List items and rows as they stand; lines that were only wrapped are joined again."""
    joined = ""
    for line in text.split("\n"):
        clean = " ".join(line.split())
        if joined and clean and not _MARK.match(line) and _continues(joined, clean):
            joined = f"{joined[:-1] if _is_hyphenated(joined, clean) else joined + ' '}{clean}"
            continue
        if joined:
            yield joined
        joined = clean
    if joined:
        yield joined


def _continues(before: str, line: str) -> bool:
    """Whether a line goes on in the next: a list's items and a table's rows are short and stand alone."""
    if before.endswith(("-", ",", ";")) or line[0].islower():
        return True
    return len(before) > 60 and not before.endswith((".", "!", "?", ":", "|")) and "|" not in line


def _is_hyphenated(before: str, line: str) -> bool:
    return before.endswith("-") and len(before) > 1 and before[-2].islower() and line[0].islower()


def _bounded(sentence: str) -> Iterator[str]:
    while len(sentence) > SENTENCE_CHARS:
        cut = sentence.rfind(" ", 0, SENTENCE_CHARS)
        cut = cut if cut > 0 else SENTENCE_CHARS
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    yield sentence
