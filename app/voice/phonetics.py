"""How alike two English phrases sound, from their spelling alone: good enough to find what a recogniser may have misheard.

Words become strings of some twenty sounds by letter-to-sound rules; the distance is an edit distance in which sounds of one
family (vowels; t/d, p/b, k/g, s/z/sh, f/v/th, m/n, l/r/w) are near to one another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Letters to sounds, applied in this order. One character a sound: S = sh, C = ch, J = j, T = th, N = ng; vowels a e i o u,
# long or diphthong A (day) E (see) I (my) O (go) U (do) W (now).
_RULES: Final = tuple((re.compile(written), sound) for written, sound in (
    (r"'", ""), (r"^kn|^gn|^pn", "n"), (r"^wr", "r"), (r"^wh", "w"), (r"^x", "z"), (r"mb$", "m"), (r"stle$", "sl"),
    (r"tion|sion|cian", "Sn"), (r"ture$", "Cr"), (r"tch|ch", "C"), (r"sch", "sk"), (r"sh", "S"), (r"th", "T"), (r"ph", "f"),
    (r"ght", "t"), (r"igh", "I"), (r"ough", "O"), (r"augh", "o"), (r"dge", "J"), (r"ck", "k"), (r"ng", "N"), (r"qu", "kw"),
    (r"x", "ks"), (r"ge$", "J"), (r"g(?=[ei])", "J"), (r"c(?=[eiy])", "s"), (r"c", "k"), (r"q", "k"), (r"j", "J"),
    (r"([aeiou])([bdfgklmnprstvzJ])e(s?)$", r"\1:\2\3"),            # a silent e makes the vowel long
    (r"a:|ai|ay|ei|ey(?=.)", "A"), (r"e:|ee|ea|ie(?=.)", "E"), (r"i:|ie$|^y$|(?<=^[bcdfghklmnprstvw])y$", "I"),
    (r"o:|oa|oe|ow$|ow(?=n$)", "O"), (r"u:|oo|ew|ue|ui", "U"), (r"ou|ow", "W"), (r"au|aw", "o"), (r"oi|oy", "O"),
    (r"[ei]y$|y$", "E"), (r"e$", ""), (r"(?<=.)e?s$", "s"), (r"y(?=[aeiouAEIOU])", "y"), (r"y", "i"), (r"h(?![aeiouAEIOUW])", ""),
    (r"(.)\1+", r"\1"),
))  # fmt: skip
_VOWELS: Final = frozenset("aeiouAEIOUW")
_FAMILIES: Final = tuple(map(frozenset, ("td", "pb", "kg", "szST", "fvT", "SCJ", "mnN", "lrw", "iE", "ae", "oOu", "AeI", "uU")))
_INSERTION: Final = {"vowel": 0.6, "weak": 0.5, "other": 1.0}
_WEAK: Final = frozenset("hrlwy")       # sounds that come and go


@lru_cache(maxsize=20_000)
def sounds(phrase: str) -> str:
    """The sounds of a phrase, its words run together: `sounds("dark roast")` -> "darkrOst"."""
    return "".join(map(_sounds_of, re.findall(r"[a-z']+|[0-9]+", phrase.lower())))


@lru_cache(maxsize=20_000)
def _sounds_of(word: str) -> str:
    for written, sound in _RULES:
        word = written.sub(sound, word)
    return word


@lru_cache(maxsize=50_000)
def distance(first: str, second: str) -> float:
    """0 (sound the same) to 1 and more (nothing in common): edit distance of their sounds by the longer one's length."""
    return float(Lexicon([second]).distances([first])[0, 0, 0])


class Lexicon:
    """Phrases to which spans of a text are compared, all of them at once."""

    def __init__(self, phrases: Sequence[str]) -> None:
        said = [sounds(phrase) for phrase in phrases]
        self.lengths = np.array([len(each) for each in said], np.int64)
        codes = np.zeros((len(said), max(map(len, said), default=0)), np.int64)
        for row, each in zip(codes, said, strict=True):
            row[: len(each)] = [_CODES[sound] for sound in each]
        self._codes = codes
        self._start = np.concatenate((np.zeros((len(said), 1)), np.cumsum(_GAPS[codes], axis=1)), axis=1)

    def distances(self, words: Sequence[str], longest: int = 1) -> NDArray[np.float64]:
        """How unlike (as `distance`) the phrases are to the spans of `words`.

        Args: longest: of the spans, in words.
        Returns: (len(words), longest, n_phrases): [i, n - 1] is words[i : i + n]; infinite where it would reach over the end.
        """
        n_phrases = len(self.lengths)
        found = np.full((len(words), longest, n_phrases), np.inf)
        spoken = [[_CODES[sound] for sound in sounds(word)] for word in words]
        each = np.arange(n_phrases)
        # One row of the edit distance's table a sound, for all spans that begin at a word and all phrases together. A gap in
        # a phrase is a running minimum: row[j] = min over k <= j of (above[k] + the gaps from k to j).
        for first in range(len(words)):
            row, n_said = self._start, 0
            for n, word in enumerate(spoken[first : first + longest]):
                for sound in word:
                    down = row + _GAPS[sound]
                    np.minimum(down[:, 1:], row[:, :-1] + _SWAPS[sound][self._codes], out=down[:, 1:])
                    row = np.minimum.accumulate(down - self._start, axis=1) + self._start
                n_said += len(word)
                if n_said:
                    longer = np.maximum(n_said, self.lengths)
                    found[first, n] = np.where(self.lengths > 0, row[each, self.lengths] / longer, 1.0)
                else:
                    found[first, n] = 1.0
        return found


def _gap(sound: str) -> float:
    return _INSERTION["vowel" if sound in _VOWELS else "weak" if sound in _WEAK else "other"]


def _swap(left: str, right: str) -> float:
    if left == right:
        return 0.0
    if any(left in family and right in family for family in _FAMILIES):
        return 0.3
    return 0.5 if left in _VOWELS and right in _VOWELS else 1.0


# All that `sounds` may hold; what is none of these (a digit) is like nothing else.
_ALPHABET: Final = "aeiouAEIOUWbcdfghjklmnpqrstvwxyzSCJTN0123456789:"
_CODES: Final = {sound: code for code, sound in enumerate(_ALPHABET)}
_GAPS: Final = np.array([_gap(sound) for sound in _ALPHABET])
_SWAPS: Final = np.array([[_swap(left, right) for right in _ALPHABET] for left in _ALPHABET])
