"""How alike two English phrases sound, from their spelling alone: good enough to find what a recogniser may have misheard.

Words become strings of some twenty sounds by letter-to-sound rules; the distance is an edit distance in which sounds of one
family (vowels; t/d, p/b, k/g, s/z/sh, f/v/th, m/n, l/r/w) are near to one another.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

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
    return "".join(_sounds_of(word) for word in re.findall(r"[a-z']+|\d+", phrase.lower()))


def _sounds_of(word: str) -> str:
    for written, sound in _RULES:
        word = written.sub(sound, word)
    return word


@lru_cache(maxsize=50_000)
def distance(first: str, second: str) -> float:
    """0 (sound the same) to 1 and more (nothing in common): edit distance of their sounds by the longer one's length."""
    a, b = sounds(first), sounds(second)
    if not a or not b:
        return 1.0
    row = [0.0]
    for sound in b:
        row.append(row[-1] + _gap(sound))
    for i, left in enumerate(a, start=1):
        above, row = row, [row[0] + _gap(left)]
        for j, right in enumerate(b, start=1):
            row.append(min(above[j] + _gap(left), row[j - 1] + _gap(right), above[j - 1] + _swap(left, right)))
        del i
    return row[-1] / max(len(a), len(b))


def _gap(sound: str) -> float:
    return _INSERTION["vowel" if sound in _VOWELS else "weak" if sound in _WEAK else "other"]


def _swap(left: str, right: str) -> float:
    if left == right:
        return 0.0
    if any(left in family and right in family for family in _FAMILIES):
        return 0.3
    return 0.5 if left in _VOWELS and right in _VOWELS else 1.0
