"""How a sentence is prepared for the model: lower case, words and punctuation apart, each with its place.

Training and inference share this, so what the model copies can be given back exactly as it was said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Numbers keep what belongs to them (7:30, 20.5, 1,000, 2nd); a unit glued to a number comes apart ("10min", "20c").
# Hyphens, underscores, quotes, brackets and symbols of no use are passed over as if they were spaces.
_WORD = re.compile(
    r"""
      \d+(?:[.,:]\d+)*(?:(?:st|nd|rd|th)\b)?      # 12  7:30  20.5  1,000  2nd
    | [^\W\d_](?:[^\W_]|['’ʼ`](?=[^\W\d_]))*      # lamp  don't  hdmi1
    | (?<=\s)['’]s\b                               # what this very function writes for a possessive
    | [,.!?;:%°+*/=&€$£×÷^]                       # punctuation and signs, each a word
    | (?<![^\s(])[-−](?=\s?\d)                    # the minus of "-5", not the hyphen of "living-room"
    """,
    re.VERBOSE,
)
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})
_POSSESSIVE = re.compile(r"^(.+)('s)$")
PUNCTUATION = frozenset(",.!?;:")


@dataclass(frozen=True)
class Word:
    """A word as the model sees it and where it stands in the original: `original[start:end]`."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Split `text` into words. A possessive "'s" is a word of its own, so that a name can end before it."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = fold(match.group())
        possessive = _POSSESSIVE.match(word)
        if possessive and end - start == len(word):
            found.append(Word(possessive[1], start, end - 2))
            found.append(Word(possessive[2], end - 2, end))
        elif word:
            found.append(Word(word, start, end))
    return found


def prepare(text: str) -> str:
    """The sentence as the model reads it: `words`, one space between."""
    return " ".join(word.text for word in words(text))


def original(text: str, found: Sequence[Word], first: int, last: int) -> str:
    """What was said in words `first`..`last` (inclusive) of `found = words(text)`."""
    return text[found[first].start : found[last].end]


def fold(word: str) -> str:
    """Compatibility forms, case and apostrophes made one; spaces that a compatibility form brings in are dropped."""
    return "".join(unicodedata.normalize("NFKC", word).lower().translate(_APOSTROPHES).split())
