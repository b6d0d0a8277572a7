"""What the store holds: documents, cut into passages that each know where they come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["file", "note"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A stretch of a document under one heading, as a reader finds it."""

    text: str                       # paragraphs apart by an empty line
    heading: str = ""               # "Care › Descaling"
    page: int | None = None         # from 1, where the format has pages


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A passage before it is stored: some sentences in a row of one section."""

    text: str
    heading: str = ""
    page: int | None = None

    def key(self, title: str) -> str:
        """The same for the same words in the same place: what has it need not be embedded again."""
        said = "\0".join((title, self.heading, str(self.page or ""), self.text))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a passage comes from, all that is known of it."""

    document_id: int
    kind: Kind
    title: str                      # "Boiler manual"; of a note: its beginning
    location: str                   # the file's path; of a note: "note:<id>"
    heading: str = ""
    page: int | None = None
    area: str | None = None         # the room it is about, or was said in
    speaker: str | None = None      # who said a note
    added_at: float = 0.0           # Unix seconds
    modified_at: float = 0.0        # of the file, or when the note was said; Unix seconds
    private: bool = False           # told only where the configuration allows it, never to a cloud

    @property
    def brief(self) -> str:
        """How a reply names it: "Boiler manual, page 12"."""
        if self.kind == "note":
            return f"{self.speaker}'s note" if self.speaker else "your notes"
        return f"{self.title}, page {self.page}" if self.page else self.title


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A passage found, with its source and how well it fits."""

    id: int
    text: str
    source: Source
    score: float = 0.0              # 0..1: how likely it answers the question, calibrated on the evaluation's training half
    cosine: float = 0.0             # -1..1, of its vector to the question's


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the store says to a question. Without passages it says that it has nothing."""

    reply: str                      # to be spoken as it stands
    text: str = ""                  # the words taken from the passage
    short: str = ""                 # of them the few that answer: "14 May 2026"
    passages: tuple[Passage, ...] = ()
    score: float = 0.0              # 0..1: how likely any passage answers, also where that was too little to tell one
    withheld: bool = False          # the best answer is private, and this is not the place to tell it

    @property
    def found(self) -> bool:
        return bool(self.passages)


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What became of one document."""

    title: str
    location: str
    change: Literal["added", "changed", "unchanged", "removed", "unreadable"]
    passages: int = 0               # it has now
    embedded: int = 0               # of them that were new
    problem: str = ""               # why it is unreadable


@dataclass(frozen=True, kw_only=True)
class DocumentInfo:
    """One line of the store's list."""

    id: int
    kind: Kind
    title: str
    location: str
    passages: int
    added_at: float
    modified_at: float
    area: str | None = None
    speaker: str | None = None
    private: bool = False
    text: str = field(default="", repr=False)   # of a note
