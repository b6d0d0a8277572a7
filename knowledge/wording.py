"""The reply: words of the passage, as few as answer, and where they are from. Nothing is made up, nothing is obeyed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from . import words
from .chunks import is_row
from .passages import Source
from .ranking import Question, share

NOTHING: Final = "I don't have anything about that."
WITHHELD: Final = "That is private: I only tell it where the household allows it."
MAX_CHARS: Final = 320          # of what is quoted; longer is not listened to
STEPS: Final = 4                # sentences at most when steps are asked for

_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|my|mine|me|we|we're|our|ours|us)\b", re.IGNORECASE)
_CONTINUES = re.compile(r"(?:then|next|after (?:that|this)|afterwards|finally|it|this|that|they|these|if not|otherwise)\b",
                        re.IGNORECASE)
_NUMBERED = re.compile(r"^\s*(?:[-*•▪◦–]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+")


def quote(question: Question, sentences: Sequence[str], best: int) -> str:
    """What of a passage answers: its best sentence, a table's row cut to what was asked, or the steps it is one of."""
    if is_row(sentences[best]):
        return _fields(question, sentences[best])
    if words.is_howto(question.text):
        return _joined(sentences, *_steps(sentences, best))
    last = best
    if question.wanted is not None and not words.has(question.wanted, sentences[best]):
        beside = [place for place in (best + 1, best - 1) if 0 <= place < len(sentences)]
        near = [place for place in beside if words.has(question.wanted, sentences[place])]
        best, last = sorted((best, near[0])) if near else (best, best)
    if last == best and best + 1 < len(sentences) and (sentences[best].endswith(":") or _CONTINUES.match(sentences[best + 1])):
        last = best + 1
    return _joined(sentences, best, last)


def _steps(sentences: Sequence[str], best: int) -> tuple[int, int]:
    """The whole passage where it is short enough to be listened to, else from the first of its numbered steps, or the best."""
    if sum(map(len, sentences)) <= MAX_CHARS:
        return 0, len(sentences) - 1
    first = best
    while first > 0 and _NUMBERED.match(sentences[first]) and best - first < STEPS - 1:
        first -= 1
    return first, min(len(sentences), first + STEPS) - 1


def reply(quoted: str, source: Source) -> str:
    """"The water shut-off is behind the washing machine, from House notes." """
    if source.kind == "note" and _FIRST_PERSON.search(quoted):
        return f"{source.speaker or 'You'} said: {quoted}"
    if source.kind == "note":
        return quoted
    bare = quoted.rstrip()
    if bare.endswith(".") and len(re.findall(r"[.!?](?:\s|$)", bare)) == 1 and len(bare) < 160:
        return f"{bare[:-1]}, from {source.brief}."
    return f"From {source.brief}: {bare}"


def sentence(text: str) -> str:
    """A note as a sentence: "the key is at number 14" → "The key is at number 14." """
    clean = " ".join(text.split()).strip(" ,;")
    if not clean:
        return ""
    return clean[0].upper() + clean[1:] + ("" if clean[-1] in ".!?…" else ".")


def _joined(sentences: Sequence[str], first: int, last: int) -> str:
    taken: list[str] = []
    for each in sentences[first : last + 1]:
        plain = _NUMBERED.sub("", each)
        if taken and sum(map(len, taken)) + len(plain) > MAX_CHARS:
            break
        taken.append(plain if plain.endswith((".", "!", "?", ":", ";")) else f"{plain}.")
    return " ".join(taken)


def _fields(question: Question, row: str) -> str:
    """What the row is about, which its first field says, and the fields that are asked for: "Boiler: warranty until 2029."."""
    about, *fields = [cell.strip().partition(": ")[::2] for cell in row.rstrip(".").split("; ")]
    asked = [field for field in fields if share(question, words.stems(field[0])) > 0]
    fitting = [field for field in fields if question.wanted is not None and words.has(question.wanted, field[1])]
    told = asked or (fitting if 1 <= len(fitting) <= 2 else fields)
    return f"{about[1] or about[0]}: {', '.join(f'{_small(name)} {value}' for name, value in told)}."


def _small(name: str) -> str:
    """A column's name inside a sentence: "Warranty until" → "warranty until"; "MOT" stays."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
