"""Which passage answers a question, and whether one does: candidates from vectors and words, fused, then judged one by one.

Pure functions: what they weigh is handed in, and comes out as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from typing import Final, Self

from . import words
from .passages import Passage

MIN_WORDS: Final = 3            # a sentence of fewer tells nothing by itself
FEW_PASSAGES: Final = 100       # so many tell little of how common a word is: they are thought to be there besides
RRF_K: Final = 60               # reciprocal rank fusion's damping, as its authors set it (SIGIR 2009, Cormack et al.)


@dataclass(frozen=True)
class Forms:
    """A term in all its forms: a passage has it that has one of these stems, or a stem that begins so."""

    stems: frozenset[str]
    beginnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, term: str, also: Iterable[str] = ()) -> Self:
        """`also`: its other forms; one with a star is the beginning of a word."""
        others = list(also)
        return cls(frozenset(words.stem(each) for each in (term, *others) if not each.endswith("*")),
                   tuple(each[:-1] for each in others if each.endswith("*")))

    def among(self, stems: AbstractSet[str]) -> bool:
        return not self.stems.isdisjoint(stems) or any(each.startswith(self.beginnings) for each in stems if self.beginnings)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question as it is searched for."""

    text: str
    terms: Mapping[str, float]          # its telling words with their weight (inverse document frequency)
    also: Mapping[str, frozenset[str]]  # other forms of a term that count as it: mended spelling, joined words
    unknown: frozenset[str]             # terms that stand nowhere in the store, in no form
    common: frozenset[str]              # terms that stand in so many passages that they find none
    forms: Mapping[str, Forms]          # for each term what it counts as
    wanted: str | None                  # the kind of answer, see `words.wanted`
    area: str | None = None             # the room it was asked in
    devices: frozenset[str] = frozenset()   # words of the names of devices in that room


@dataclass(frozen=True, kw_only=True)
class Features:
    """What speaks for one sentence of a passage as the answer. All from 0 to 1, or about it."""

    cosine: float               # of the passage to the question
    sentence: float             # of the sentence
    nearest: float              # 1: no sentence of the passage is nearer to the question
    covered: float              # share of the question's weight whose words stand in the passage or above it
    in_sentence: float          # share whose words stand in the sentence
    in_best: float              # share whose words stand in the sentence, the one before, or above
    above: float                # share whose words stand in title and headings
    rarest: float               # 1: the word that tells most stands in the passage or above it
    strange: float              # share whose words stand nowhere in the store
    fits: float                 # 1: the sentence holds the kind of answer wanted
    misfits: float              # 1: it does not
    holds: float                # 1: as `fits`, of the kinds that are plain to see: a sum of money, a telephone number, …
    lacks: float                # 1: as `misfits`, of those
    complete: float             # 1: every word stands in the sentence, the one before, or above
    figures: float              # 1: a number or code of the question stands nowhere in the passage or above it
    meant: float                # `sentence` times `in_best`: near in meaning and in words
    told: float                 # `in_best` where the kind of answer wanted is there
    first: float                # 1: it is the passage's first sentence
    short: float                # 1: it has hardly any words: a heading or a stray piece
    lead: float                 # how far ahead the passage is among the candidates: 1 for the first, 1/2 for the sixth
    here: float                 # 1: it is about this room or what stands in it
    reads: float = 0.0          # how much likelier than nothing the reader thinks it, from -1 to 1
    most: float = 0.0           # 1: the reader thinks no other sentence likelier
    gap: float = 0.0            # how far behind that sentence it is, as `reads`


READER: Final = ("reads", "most", "gap")
NAMES: Final = tuple(field.name for field in fields(Features) if field.name not in ("here", *READER))
ALL_NAMES: Final = (*NAMES, *READER)
HERE: Final = 3.0               # set by hand, as the evaluation is asked in no room: which comes first, not whether any answers

MOST_ODDS: Final = 12.0         # of the reader's; beyond it is as sure as it can be


@dataclass(frozen=True)
class Weights:
    """Of a sum of features, by name."""

    bias: float
    of: Mapping[str, float]


# Fitted by `ingle knowledge eval --fit` on the training half of the evaluation household: of all sentences looked at, and
# "none of them", the likelihood of the right ones is made greatest. First what chooses the passages that are read.
FOUND: Final = Weights(-13.238, {
    "cosine": 0.316, "sentence": 1.892, "nearest": 1.323, "covered": 2.672, "in_sentence": 2.598, "in_best": 2.513,
    "above": -0.346, "rarest": 0.251, "strange": 2.909, "fits": -0.284, "misfits": -2.533, "holds": 0.806,
    "lacks": -2.558, "complete": -0.038, "figures": -0.925, "meant": 2.332, "told": 0.379, "first": -0.534,
    "short": -0.32, "lead": 4.953,
})
# Then what decides, when they have been read.
READ: Final = Weights(-7.175, {
    "cosine": 0.139, "sentence": 0.393, "nearest": 0.475, "covered": 1.182, "in_sentence": 1.226, "in_best": 1.244,
    "above": 0.405, "rarest": 0.181, "strange": 0.91, "fits": -0.143, "misfits": -1.038, "holds": 0.534, "lacks": -1.202,
    "complete": 0.207, "figures": -0.421, "meant": 1.041, "told": -0.055, "first": -0.386, "short": -0.041, "lead": 2.837,
    "reads": 2.468, "most": 1.251, "gap": -2.828,
})
THRESHOLD: Final = 0.75          # with a lower probability that any passage answers, there is no answer


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Reciprocal rank fusion: ids by the sum of 1 / (k + rank) over the rankings, best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking, start=1):
            scores[each] = scores.get(each, 0.0) + 1.0 / (RRF_K + rank)
    return sorted(scores, key=lambda each: -scores[each])


def weigh(counts: Mapping[str, int], n_passages: int, wanted: str | None) -> dict[str, float]:
    """Inverse document frequencies; words that only say what kind of answer is wanted weigh little."""
    idf = {term: math.log((n_passages + FEW_PASSAGES) / (count + 0.5)) for term, count in counts.items()}
    asking = words.ASKING | (words.kinds()[wanted].words if wanted else frozenset())
    return {term: value * (0.2 if term in asking else 1.0) for term, value in idf.items()}


def features(
    question: Question, passage: Passage, *, sentences: Sequence[str], context: str, near: Sequence[float], rank: int,
) -> list[Features]:
    """Look at each sentence of a passage.

    Args: context: what stands above the passage. near: cosine of each sentence. rank: of the passage.
    """
    terms, wanted = question.terms, question.wanted
    total = sum(terms.values()) or 1.0      # no telling word at all
    plain = wanted is not None and words.kinds()[wanted].plain
    rarest = max(terms, key=lambda term: terms[term], default=None)
    over = found_in(question, words.stems(context))
    own = [found_in(question, words.stems(sentence)) for sentence in sentences]
    whole = over.union(*own)
    figures = any(char.isdigit() for term in terms if term not in whole for char in term)
    strange = sum(terms[term] for term in question.unknown) / total
    here = _here(question, passage, context)

    def share_of(found: AbstractSet[str]) -> float:
        return sum(terms[term] for term in found) / total

    looks = []
    for place, sentence in enumerate(sentences):
        in_best = share_of(own[place] | over | (own[place - 1] if place else frozenset()))
        fits = wanted is None or words.has(wanted, sentence)
        looks.append(Features(
            cosine=passage.cosine, sentence=near[place], nearest=float(near[place] >= max(near)),
            covered=share_of(whole), in_sentence=share_of(own[place]), in_best=in_best,
            complete=float(in_best > 0.999), figures=float(figures), meant=near[place] * in_best,
            told=in_best * float(wanted is not None and fits),
            above=share_of(over), rarest=float(rarest is None or rarest in whole), strange=strange,
            fits=float(wanted is not None and not plain and fits), misfits=float(not plain and not fits),
            holds=float(plain and fits), lacks=float(plain and not fits), first=float(place == 0),
            short=float(len(words.stems(sentence)) < MIN_WORDS), lead=5.0 / (4.0 + rank), here=here,
        ))
    return looks


def found_in(question: Question, stems: AbstractSet[str]) -> frozenset[str]:
    """The terms that are among the stems, in any form."""
    return frozenset(term for term, forms in question.forms.items() if forms.among(stems))


def share(question: Question, stems: AbstractSet[str]) -> float:
    """The share of the question's weight whose words are among the stems."""
    total = sum(question.terms.values())
    return sum(question.terms[term] for term in found_in(question, stems)) / total if total else 0.0


def _here(question: Question, passage: Passage, context: str) -> float:
    area = question.area
    if area is not None and (passage.source.area or "").casefold() == area.casefold():
        return 1.0
    near = {words.stem(word) for word in question.devices} | (words.stems(area) if area else frozenset())
    return float(not near.isdisjoint(words.stems(passage.text) | words.stems(context)))


def strength(found: Features, weights: Weights) -> float:
    """How much more likely than nothing the sentence answers the question, as a logarithm."""
    return weights.bias + sum(weight * float(getattr(found, name)) for name, weight in weights.of.items())


def with_reader(looks: Sequence[Sequence[Features]], odds: Sequence[Sequence[float]]) -> list[list[Features]]:
    """The features of the sentences of some passages, with what the reader thinks of each (natural logarithms of odds)."""
    reads = [[max(-1.0, min(1.0, each / MOST_ODDS)) for each in some] for some in odds]
    top = max((each for some in reads for each in some), default=0.0)
    return [[replace(look, reads=value, most=float(value >= top), gap=top - value)
             for look, value in zip(some, (*values, *[-1.0] * len(some)), strict=False)]
            for some, values in zip(looks, reads, strict=True)]


def probabilities(strengths: Sequence[float]) -> list[float]:
    """Of each sentence that it is the answer; what is left to 1 is that none is."""
    most = max([0.0, *strengths])
    shares = [math.exp(each - most) for each in strengths]
    total = math.exp(-most) + sum(shares)
    return [each / total for each in shares]


def newest_first(passages: Iterable[Passage], alike: Mapping[tuple[int, int], float]) -> list[Passage]:
    """Of notes that say nearly the same, the one said last comes first: "the plumber's number is …" was said again.

    Args: passages: best first. alike: cosines between the vectors of pairs (id, id) of notes.
    """
    ordered = list(passages)
    for place, passage in enumerate(ordered):
        if passage.source.kind != "note":
            continue
        twins = [later for later in range(place + 1, len(ordered))
                 if alike.get((passage.id, ordered[later].id), 0.0) >= ALIKE
                 and ordered[later].source.modified_at > ordered[place].source.modified_at]
        if twins:
            newest = max(twins, key=lambda later: ordered[later].source.modified_at)
            ordered[place], ordered[newest] = ordered[newest], ordered[place]
        break
    return ordered


ALIKE: Final = 0.8              # cosine of two notes about the same thing
