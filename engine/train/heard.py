"""How much is still understood of what a recogniser mishears: words become others that sound alike.

The channel shares nothing with the noise that a model is trained on (corpus/noise.py): which words sound alike comes from the
phonemes of the CMU Pronouncing Dictionary, which pocketsphinx brings (extra `voice`), not from a table of known slips.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from .corpus.forms import Schema
from .corpus.people import hwu64
from .corpus.reader import read_patterns
from .evaluate import Understands

WORD_ERRORS = 0.10
N_COMMON = 10_000               # words that a recogniser may hear
N_NEAREST = 20                  # words considered for one, by the number of edits
# ARPAbet phonemes that are made alike, so taken for one another at half the cost.
_ALIKE = ("P B", "T D", "K G", "F V", "TH DH F", "S Z", "SH ZH CH JH S", "M N NG", "L R W", "W Y", "IY IH EY", "EH AE AH IH",
          "AA AO AH OW", "UH UW OW", "ER AH", "AY OY AW", "HH")  # fmt: skip

_PLACEHOLDER = re.compile(r"\{[^}]*\}\S*")


class NoDictionary(Exception):
    """The pronouncing dictionary is not there: one line with the cure."""


@dataclass(frozen=True)
class Heard:
    """One sentence before and after the channel, and every list of intents that is right for it."""

    said: str
    heard: str
    accepted: frozenset[tuple[str, ...]]


@dataclass
class HeardScore:
    """Counts over sentences."""

    n: int = 0
    words: int = 0
    wrong_words: int = 0
    right_as_said: int = 0
    right_as_heard: int = 0

    def line(self) -> str:
        return (f"{self.n} sentences, {100 * self.wrong_words / self.words:.1f} % of their words misheard: "
                f"intent {100 * self.right_as_said / self.n:.1f} % as said, {100 * self.right_as_heard / self.n:.1f} % as heard")


def score_heard(interpreter: Understands, sentences: Iterable[Heard], schema: Schema) -> HeardScore:
    """Interpret every sentence as it was said and as it was heard."""
    result = HeardScore()

    def right(text: str, accepted: frozenset[tuple[str, ...]]) -> bool:
        found = interpreter.interpret(text).intents
        return tuple(sorted(i.intent for i in found if schema["intents"][i.intent]["act"])) in accepted

    for one in sentences:
        said, heard = one.said.split(), one.heard.split()
        result.n += 1
        result.words += len(said)
        result.wrong_words += sum(a != b for a, b in zip(said, heard, strict=True))
        as_said = right(one.said, one.accepted)
        result.right_as_said += as_said
        result.right_as_heard += as_said if one.heard == one.said else right(one.heard, one.accepted)
    return result


def misheard(data: Path, count: int, schema: Schema, *, seed: int = 0) -> list[Heard]:
    """Draw `count` commands and questions of the development sets and send them through the channel.

    With fewer sentences than `count` they come round again, misheard otherwise. Raises: OSError, NoDictionary.
    """
    rng = random.Random(seed)
    pool = [*_of_hwu64(data / "hwu64_dev.jsonl", schema), *_of_paraphrases(data / "paraphrases_dev_en.jsonl")]
    rng.shuffle(pool)
    drawn = list(islice(cycle(pool), count))
    heard = Channel(pronunciations(), common_words()).mishear([text for text, _ in drawn], rng)
    return [Heard(text, wrong, accepted) for (text, accepted), wrong in zip(drawn, heard, strict=True)]


def _of_hwu64(path: Path, schema: Schema) -> Iterator[tuple[str, frozenset[tuple[str, ...]]]]:
    for text, frames in hwu64(path):
        if intents := tuple(sorted(frame.intent for frame in frames if schema["intents"][frame.intent]["act"])):
            yield text, frozenset({intents})


def _of_paraphrases(path: Path) -> Iterator[tuple[str, frozenset[tuple[str, ...]]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        readings = [entry, *entry.get("any_of", ())]
        yield entry["text"], frozenset(
            tuple(sorted(each["intent"] for each in reading.get("intents", [reading]))) for reading in readings)


# ---------------------------------------------------------------- the channel

Phonemes = tuple[str, ...]


class Channel:
    """Mishears words as common ones with nearly the same phonemes; the nearer, the likelier."""

    def __init__(self, spoken: Mapping[str, Phonemes], common: Iterable[str]) -> None:
        self._spoken = spoken
        self._common = {word: spoken[word] for word in common if word in spoken}
        self._nearest: dict[str, tuple[list[str], list[float]]] = {}

    def mishear(self, sentences: Sequence[str], rng: random.Random, *, rate: float = WORD_ERRORS) -> list[str]:
        """Return the sentences with `rate` of all their words replaced; words with no known sound are left as they are."""
        split = [sentence.split() for sentence in sentences]
        known = [(i, j) for i, words in enumerate(split) for j, word in enumerate(words) if _bare(word) in self._spoken]
        wanted = round(rate * sum(map(len, split)))
        for i, j in rng.sample(known, min(wanted, len(known))):
            split[i][j] = self._instead_of(_bare(split[i][j]), rng)
        return [" ".join(words) for words in split]

    def _instead_of(self, word: str, rng: random.Random) -> str:
        if word not in self._nearest:
            self._nearest[word] = self._rank(word)
        words, weights = self._nearest[word]
        return rng.choices(words, weights)[0]

    def _rank(self, word: str) -> tuple[list[str], list[float]]:
        """The words nearest by edits, weighed by what the edits cost."""
        sound = self._spoken[word]
        others = {other: its for other, its in self._common.items() if other != word}
        near = process.extract(sound, others, scorer=Levenshtein.distance, limit=N_NEAREST)
        words = [other for _, _, other in near]
        return words, [math.exp(-2 * distance(sound, self._spoken[other])) for other in words]


def distance(a: Phonemes, b: Phonemes) -> float:
    """Edits that make one sound the other; 1 each, a half where two phonemes are made alike."""
    row = [float(j) for j in range(len(b) + 1)]
    for i, left in enumerate(a, 1):
        above, row = row, [float(i)]
        for j, right in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + _change(left, right)))
    return row[-1]


@cache
def _change(a: str, b: str) -> float:
    if a == b:
        return 0.0
    return 0.5 if any(a in group.split() and b in group.split() for group in _ALIKE) else 1.0


def pronunciations() -> dict[str, Phonemes]:
    """Word -> its first pronunciation, as ARPAbet phonemes without stress. Raises: NoDictionary."""
    try:
        from pocketsphinx import get_model_path
    except ImportError:
        raise NoDictionary("the pronouncing dictionary comes with pocketsphinx: pip install 'ingle[voice]'") from None
    lines = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines()
    entries = (line.split() for line in lines)
    return {word: tuple(phonemes) for word, *phonemes in entries if "(" not in word}


def common_words() -> list[str]:
    """The words of the corpus's patterns, the commonest first, at most `N_COMMON`."""
    counts: Counter[str] = Counter()
    for pattern in read_patterns():
        counts.update(_bare(word) for word in _PLACEHOLDER.sub(" ", pattern.text).split())
    return [word for word, _ in counts.most_common(N_COMMON)]


def _bare(word: str) -> str:
    return word.lower().strip(",.!?;:")
