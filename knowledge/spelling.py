"""The words of a question as the store spells them: mended where nobody ever wrote them so, joined and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from . import words
from .store import Store

MENDED_FROM: Final = 4          # letters; shorter words are too easily others
ALIKE: Final = 78.0             # of 100, rapidfuzz's ratio between what was heard and what is written


class Spelling:
    """Looks words up in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def terms(self, said: Sequence[str]) -> tuple[dict[str, int], Mapping[str, frozenset[str]]]:
        """For each word in how many passages it stands, and the other forms under which it counts."""
        counts = {word: self._count(word) for word in said}
        also: dict[str, set[str]] = {}
        for first, second in pairwise(said):
            joined = first + second                 # "dish washer"
            if self._count(joined):
                also.setdefault(first, set()).add(joined)
                also.setdefault(second, set()).add(joined)
        for word in counts:
            others = words.same_words().get(words.stem(word), frozenset()) - {word}
            if others:
                also.setdefault(word, set()).update(others)
        for word, count in counts.items():
            if count == 0 and word not in also and len(word) >= MENDED_FROM:
                also[word] = set(self._mended(word))
        for word, forms in also.items():
            counts[word] = max([counts[word], *(self._count(form.rstrip("*")) for form in forms)])
        return counts, {word: frozenset(forms) for word, forms in also.items() if forms}

    def _count(self, word: str) -> int:
        return self._store.count(word)

    def _mended(self, word: str) -> list[str]:
        from rapidfuzz import fuzz, process

        split = self._split(word)
        if split:
            return split
        if any(char.isdigit() for char in word):
            return []
        stem = words.stem(word)
        known = self._store.terms(word[0], max(3, len(stem) - 2), len(stem) + 2)
        best = process.extractOne(stem, [term for term, _ in known], scorer=fuzz.ratio, score_cutoff=ALIKE)
        return [f"{best[0]}*"] if best else []      # a stem of the word index's own: the beginning of the word

    def _split(self, word: str) -> list[str]:
        """"wifi" where "Wi-Fi" is written."""
        for cut in range(2, len(word) - 1):
            if self._store.count_phrase(word[:cut], word[cut:]):
                return [word[:cut], word[cut:]]
        return []
