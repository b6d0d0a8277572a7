"""Which of several readings of an utterance was meant, and what in it was misheard.

A recogniser gives its likeliest texts. Spans that sound like something of this home ("dark rose" ~ "dark roast") give more.
Each is judged twice: how well it fits the sound (the recogniser's own log probability where it can tell, else how alike the
spans sound) and how well it fits the house (how sure the interpreter is of it, whether what it names is here). No other reading
than the likeliest leads to an act that wants a confirmation, unless that one led there already.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from . import phonetics
from .types import Phrases, Transcript

PLAIN: Final = 8                    # readings of the recogniser that differ in their words, a second recogniser's included
READINGS: Final = 3                 # of these whose spans are looked at
REPAIRS: Final = 4                  # looked at closely
JUDGED: Final = 5                   # readings put to the interpreter at most: each takes as long as a turn's
SURE: Final = 0.9                   # understood with this confidence, and all of it known here: taken as heard
SPAN_WORDS: Final = 5
# Alike enough to be one misheard, by the number of the phrase's sounds: short ones are alike by accident.
ALIKE: Final = ((3, 0.0), (4, 0.2), (6, 0.26), (9, 0.32), (99, 0.36))
# What a reading gains and loses, in nats. Set on development recordings (`ingle voice eval` measures).
SOUND: Final = 0.45                 # times the recogniser's log probability: it has never heard of this home
WORD: Final = 0.25                  # gained by every word: a text that leaves out what was not clear would be likelier
CONFIDENCE: Final = 4.5             # times log(confidence)
LEAST_CONFIDENCE: Final = 0.05
STRANGER: Final = 5.0               # lost where it names what is not here
OWN_SENTENCE: Final = 5.0           # gained by one of the household's own sentences, whole
UNALIKE: Final = 12.0               # lost by a repair times its distance, where the recogniser can't tell
UNALIKE_TOO: Final = 8.0            # the same where it can
REPAIRED: Final = 1.0               # lost by every repair: in doubt, as heard


@dataclass(frozen=True)
class Judgement:
    """What the house makes of a text."""

    confidence: float               # 0..1, the interpreter's
    known: float = 1.0              # 1: what it names is here, by that name; 0.7: by one like it; 0: it is not
    own: bool = False               # one of the household's own sentences
    guarded: bool = False           # acts on a way in, an alarm, a siren, a valve
    acts: bool = True               # it asks for something


Judge = Callable[[str], Judgement]
Nearest = Callable[[str], tuple[str, float] | None]     # the household's own sentence nearest to a text, its distance a word


@dataclass(frozen=True)
class Reading:
    """A text that may have been said."""

    text: str
    score: float                    # log probability, of the sound and of the house together
    repairs: tuple[tuple[str, str], ...] = ()       # (as heard, as meant)
    judgement: Judgement = Judgement(0.0)


def choose(
    transcript: Transcript, phrases: Phrases, judge: Judge, nearest: Nearest = lambda text: None
) -> tuple[Reading, ...]:
    """The readings looked at, the one that was meant first; () where nothing was heard. Blocking.

    Args:
        judge: what the house makes of a text; called a few times.
        nearest: the household's own sentence that sounds most like a text.
    """
    heard = _distinct(transcript)
    if not heard:
        return ()
    first = Reading(*heard[0])
    plain = judge(first.text)
    names = _names_of(phrases)
    own = [_own(text, score, nearest) for text, score in heard[:READINGS]]
    if plain.own or (_is_sure(plain) and not any(own) and not names.repairs(first.text)):
        return (Reading(first.text, first.score, (), plain), *(Reading(*each) for each in heard[1:]))
    judged = {first.text: plain}
    candidates = _scored(transcript, [*_plain(heard), *filter(None, own), *_repaired(heard, names)])
    for each in candidates[:JUDGED]:
        judged.setdefault(each.text, judge(each.text))
    found = [
        Reading(each.text, each.score + _worth(judged[each.text]), each.repairs, judged[each.text])
        for each in candidates if each.text in judged and not (judged[each.text].guarded and not plain.guarded)
    ]
    return tuple(sorted(found, key=lambda each: -each.score))


def _is_sure(judgement: Judgement) -> bool:
    return judgement.acts and judgement.known == 1.0 and judgement.confidence >= SURE


def _worth(judgement: Judgement) -> float:
    """What the house makes of a reading, in nats; 0 for one that is all clear."""
    worth = CONFIDENCE * math.log(max(LEAST_CONFIDENCE, judgement.confidence if judgement.acts else 0.0))
    return worth - STRANGER * (1.0 - judgement.known) + (OWN_SENTENCE if judgement.own else 0.0)


def _distinct(transcript: Transcript) -> list[tuple[str, float]]:
    """Hypotheses with different words, likeliest first; those of the same words (but for signs and capitals) count together."""
    together: dict[str, tuple[str, float]] = {}
    for one in transcript.hypotheses:
        key = " ".join(words_of(one.text))
        if not key:
            continue
        text, score = together.get(key, (one.text, -math.inf))
        together[key] = text, float(_log_add(score, one.score))
    return sorted(together.values(), key=lambda each: -each[1])


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def words_of(text: str) -> list[str]:
    """The words as they are compared: "Set it to 40%." -> set it to 40 %"""
    return re.findall(r"[a-z0-9']+|%", text.lower().replace("-", " "))


# repairs

@dataclass(frozen=True)
class _Candidate:
    text: str
    score: float                    # of the sound
    distance: float = 0.0           # of what was repaired
    repairs: tuple[tuple[str, str], ...] = ()


def _plain(heard: Sequence[tuple[str, float]]) -> list[_Candidate]:
    return [_Candidate(text, score) for text, score in heard[:PLAIN]]


def _own(text: str, score: float, nearest: Nearest) -> _Candidate | None:
    """The household's own sentence that may have been said, as one repair of the whole."""
    found = nearest(text)
    if found is None or words_of(found[0]) == words_of(text):
        return None
    return _Candidate(_written_like(text, found[0]), score, found[1], ((text, found[0]),))


def _written_like(text: str, sentence: str) -> str:
    """`sentence` with the capital and the sign at the end that `text` has: a recogniser minds them when it scores."""
    head = sentence[:1].upper() if text[:1].isupper() else sentence[:1]
    end = text[-1] if text[-1:] in ".?!" else ""
    return f"{head}{sentence[1:]}{end}"


def _repaired(heard: Sequence[tuple[str, float]], names: _Names) -> list[_Candidate]:
    """Each reading with its best repair, its second best, …, and with all that do not overlap."""
    made: dict[str, _Candidate] = {}
    known = {" ".join(words_of(text)) for text, _ in heard[:READINGS]}
    for text, score in heard[:READINGS]:
        repairs = sorted(names.repairs(text), key=lambda each: each.distance)
        apart: list[_Repair] = []
        for repair in repairs:
            if all(repair.end <= other.start or repair.start >= other.end for other in apart):
                apart.append(repair)
        for several in ([apart] if len(apart) > 1 else []) + [[each] for each in repairs[:REPAIRS]]:
            new = _with(text, several)
            if " ".join(words_of(new)) not in known:
                distance = sum(each.distance for each in several)
                made.setdefault(new, _Candidate(new, score, distance, tuple((each.heard, each.phrase) for each in several)))
    return sorted(made.values(), key=lambda each: each.distance / max(1, len(each.repairs)) - 0.02 * len(each.repairs))[:REPAIRS]


def _scored(transcript: Transcript, candidates: list[_Candidate]) -> list[_Candidate]:
    """By the sound, best first. Where the recogniser can't judge other texts, a repair loses by how unlike it sounds."""
    rescore = transcript.rescore
    scores = tuple(each.score for each in candidates) if rescore is None else rescore([each.text for each in candidates])
    unalike = UNALIKE if rescore is None else UNALIKE_TOO
    scored = [
        replace(each, score=SOUND * score + WORD * len(words_of(each.text)) - unalike * each.distance
                - REPAIRED * len(each.repairs))
        for each, score in zip(candidates, scores, strict=True)
    ]
    return sorted(scored, key=lambda each: -each.score)


@dataclass(frozen=True)
class _Repair:
    start: int                      # in the text
    end: int
    heard: str
    phrase: str
    distance: float


class _Names:
    """This home's phrases, to be found in what was heard."""

    def __init__(self, phrases: Phrases) -> None:
        self._known = {tuple(words_of(phrase)): phrase for phrase in phrases.words()}
        self._sounding = [(words, phrase) for words, phrase in self._known.items() if _limit(phrase) > 0]
        self._lexicon = phonetics.Lexicon([phrase for _, phrase in self._sounding])
        self._limits = np.array([_limit(phrase) for _, phrase in self._sounding])

    def repairs(self, text: str) -> tuple[_Repair, ...]:
        """Spans of `text` that sound like a phrase and are none."""
        places = [(found.group().lower(), found.start(), found.end()) for found in re.finditer(r"[\w']+", text)]
        words = tuple(word for word, _, _ in places)
        kept = self._named_already(words)
        distances = self._lexicon.distances(words, SPAN_WORDS)
        found = []
        for first, n, index in zip(*np.nonzero(distances <= self._limits), strict=True):
            end = int(first + n) + 1
            span, (phrase_words, phrase) = words[first:end], self._sounding[index]
            if span in self._known or kept.issuperset(range(first, end)) or any(map(_is_number, span)):
                continue
            if _is_misheard(span, phrase_words):
                at = slice(places[first][1], places[end - 1][2])
                found.append(_Repair(at.start, at.stop, text[at], phrase, float(distances[first, n, index])))
        return tuple(found)

    def _named_already(self, words: tuple[str, ...]) -> set[int]:
        """Where phrases of two words and more stand as they are."""
        return {
            index for first in range(len(words)) for n in range(2, SPAN_WORDS + 1) if words[first : first + n] in self._known
            and len(words[first : first + n]) == n for index in range(first, first + n)
        }


@lru_cache(maxsize=4)
def _names_of(phrases: Phrases) -> _Names:
    return _Names(phrases)


def _limit(phrase: str) -> float:
    """How unlike a span may sound that is this phrase misheard; 0: it is too short to tell."""
    n_sounds = len(phonetics.sounds(phrase))
    return next(limit for least, limit in ALIKE if n_sounds <= least or least == ALIKE[-1][0])


def _is_misheard(span: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether `span` is something else than `words`, not the same written or told in another way."""
    if "".join(words) == "".join(span) or _holds(span, words) or _holds(words, span):
        return False
    return not _differs_in_common_words_only(span, words)


def _holds(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    """"and the bedside lamp" for "bedside lamp": it was heard as it is."""
    n = len(shorter)
    return any(longer[at : at + n] == shorter for at in range(len(longer) - n + 1))


def _differs_in_common_words_only(span: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """"the kitchen light" for "kitchen light", "lights" for "light": no mishearing."""
    def bare(some: tuple[str, ...]) -> list[str]:
        return [word.removesuffix("s") for word in some if word not in ("the", "a", "an", "my", "our")]

    return bare(span) == bare(words)


def _with(text: str, repairs: Sequence[_Repair]) -> str:
    for repair in sorted(repairs, key=lambda each: -each.start):
        phrase = repair.phrase if repair.heard[:1].isupper() else repair.phrase.lower()
        text = f"{text[: repair.start]}{phrase}{text[repair.end :]}"
    return text


def _is_number(word: str) -> bool:
    return any(char.isdigit() for char in word)
