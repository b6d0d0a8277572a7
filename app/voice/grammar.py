"""A household's own sentences as a graph of words, and the sentence in it that is nearest to what was heard.

An appliance with many options is said in few ways, each known: "Room a light roast cappuccino" can only have been "brew a light
roast cappuccino". The templates (hassil) become a finite automaton; the nearest sentence is a shortest path through it, with
words paired by how alike they sound.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, permutations
from typing import Any, Final

import numpy as np

from ...skills.sentences import Sentences
from .phonetics import Lexicon
from .readings import words_of

NEAR: Final = 0.3                   # cost per word up to which a sentence may be the one that was said
LEAST_WORDS: Final = 2              # of the sentence that were heard as they are
ALIKE: Final = 0.5                  # words less alike are not one another
SAME_SOUND: Final = 0.01            # the distance of another word that sounds the same
SWAP: Final = 1.6                   # times the distance of two words
APART: Final = 3                    # words that were heard instead of one: "cup of chino"
SHORT: Final = 3                    # letters of a word that is not two words run together
LEFT_OUT: Final = {"small": 0.3, "other": 0.7}      # a word of the sentence that was not heard
ADDED: Final = {"small": 0.12, "other": 0.6}        # a word that was heard beside it
SMALL: Final = frozenset("""
    a an the and with of to me my i i'd would like can could may please some for in on it uh um er hey okay so just make get have
    want need let's us one
""".split())  # noqa: SIM905
MAX_STATES: Final = 60_000          # of one household's sentences: more are not looked through
MAX_WORD_CHARS: Final = 40
MAX_PERMUTED: Final = 4             # parts in any order: more may only come as they stand
MAX_PAIRS: Final = 4_000            # of words that may follow one another
MAX_NUMBERS: Final = 100            # of a range
STOPS: Final = 0.4                  # chance that an example ends where it may
ANY: Final = "*"                    # an edge that takes any word


@dataclass(frozen=True)
class Nearest:
    """A sentence that can be said here, and how far it is from what was heard: 0 is the same, per word."""

    text: str
    cost: float


@dataclass
class _Letters:
    """A nondeterministic automaton over letters; "" moves without one."""

    edges: list[list[tuple[str, int]]] = field(default_factory=list)

    def state(self) -> int:
        if len(self.edges) >= MAX_STATES:
            raise OverflowError
        self.edges.append([])
        return len(self.edges) - 1

    def join(self, start: int, letter: str, end: int) -> None:
        self.edges[start].append((letter, end))


class OwnGrammar:
    """The sentences of several sources. Built at once; `nearest` takes milliseconds."""

    def __init__(self, sources: Iterable[Sentences], home_lists: Mapping[str, Sequence[str]]) -> None:
        """`home_lists`: what `{name}`, `{area}` and `{floor}` may be."""
        self._letters = _Letters()
        self._start, self._end = self._letters.state(), self._letters.state()
        for source in sources:
            self._add(source, home_lists)
        self._words: dict[int, tuple[tuple[str, int], ...]] = {}
        self._ends: dict[int, bool] = {}

    def nearest(self, heard: str) -> Nearest | None:
        """The sentence nearest to `heard`; None where none is near."""
        said = words_of(heard)
        if not any(word in self._vocabulary and word not in SMALL for word in said):
            return None             # nothing of it was heard as it is
        alike = self._alike(said)
        best: dict[tuple[int, int], float] = {}
        queue: list[tuple[float, int, int, int, tuple[str, ...]]] = [(0.0, 0, self._start, 0, ())]
        most = NEAR * (len(said) + 2)
        while queue:
            cost, at, state, exact, words = heapq.heappop(queue)
            if best.get((at, state), float("inf")) < cost:
                continue
            if at == len(said) and self._is_end(state):
                cost /= max(len(said), len(words))
                near = cost <= NEAR and exact >= min(LEAST_WORDS, len(words))
                return Nearest(" ".join(words), cost) if near else None
            for more, next_at, next_state, same, word in self._steps(said, alike, at, state):
                total, key = cost + more, (next_at, next_state)
                if total <= most and total < best.get(key, float("inf")):
                    best[key] = total
                    heapq.heappush(queue, (total, next_at, next_state, exact + same, (*words, *word)))
        return None

    def examples(self, n: int, seed: int = 1) -> tuple[str, ...]:
        """Sentences by chance, at most `n`."""
        chance, found = random.Random(seed), dict[str, None]()
        for _ in range(n):
            state, words = self._start, []
            while (edges := self._edges(state)) and not (self._is_end(state) and chance.random() < STOPS):
                word, state = chance.choice(edges)
                words += [] if word == ANY else [word]
            found[" ".join(words)] = None
        return tuple(filter(None, found))

    def _steps(
        self, said: Sequence[str], alike: Sequence[Mapping[str, tuple[float, int]]], at: int, state: int
    ) -> Iterator[tuple[float, int, int, int, tuple[str, ...]]]:
        """(cost, words heard so far, state, whether it was the same word, the words of the sentence)"""
        if at < len(said):
            yield ADDED["small" if said[at] in SMALL else "other"], at + 1, state, 0, ()
        for word, end in self._edges(state):
            if word == ANY:
                if at < len(said):
                    yield 0.2, at + 1, end, 0, (said[at],)
                continue
            yield LEFT_OUT["small" if word in SMALL else "other"], at, end, 0, (word,)
            if at == len(said):
                continue
            if word in alike[at]:
                unlike, n = alike[at][word]
                yield SWAP * unlike, at + n, end, int(unlike == 0), (word,)
            for second, after in self._edges(end) if word in self._first_of_two else ():
                if (together := f"{word} {second}") in alike[at]:
                    yield SWAP * alike[at][together][0], at + 1, after, 0, (word, second)

    def _alike(self, said: Sequence[str]) -> list[dict[str, tuple[float, int]]]:
        """For every place in `said` the words, and pairs of them, that may stand for it: (how unlike, words of `said`)."""
        found: list[dict[str, tuple[float, int]]] = [{} for _ in said]
        one = self._lexicon.distances(said, APART)
        for at, n, index in zip(*np.nonzero(one <= ALIKE), strict=True):
            word, unlike = self._lexicon_words[index], float(one[at, n, index])
            if unlike == 0 and word != "".join(said[at : at + n + 1]):
                unlike = SAME_SOUND
            if unlike < found[at].get(word, (math.inf, 0))[0]:
                found[at][word] = unlike, int(n) + 1
        two = self._pair_lexicon.distances(said)
        for at, _, index in zip(*np.nonzero(two <= ALIKE / 2), strict=True):
            if len(said[at]) > SHORT:
                found[at][self._pairs[index]] = float(two[at, 0, index]), 1
        return found

    # letters to words

    @cached_property
    def _lexicon_words(self) -> tuple[str, ...]:
        return tuple(sorted(self._vocabulary - {ANY}))

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._lexicon_words)

    @cached_property
    def _pairs(self) -> tuple[str, ...]:
        """Words that may follow one another; () where there are too many to look through."""
        found = dict.fromkeys(
            f"{word} {second}" for state in self._boundaries for word, end in self._edges(state) if word != ANY
            for second, _ in self._edges(end) if second != ANY)
        return tuple(found) if len(found) <= MAX_PAIRS else ()

    @cached_property
    def _pair_lexicon(self) -> Lexicon:
        return Lexicon(self._pairs)

    @cached_property
    def _first_of_two(self) -> frozenset[str]:
        return frozenset(pair.partition(" ")[0] for pair in self._pairs)

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(word for state in self._boundaries for word, _ in self._edges(state))

    @cached_property
    def _boundaries(self) -> frozenset[int]:
        """The states between words."""
        stack, seen = [self._start], {self._start}
        while stack:
            for _, end in self._edges(stack.pop()):
                if end not in seen:
                    seen.add(end)
                    stack.append(end)
        return frozenset(seen)

    def _edges(self, state: int) -> tuple[tuple[str, int], ...]:
        """The words that may come at a boundary, each with the boundary after it."""
        if state not in self._words:
            self._words[state] = tuple(dict.fromkeys(self._follow(state, "")))
        return self._words[state]

    def _follow(self, state: int, word: str) -> Iterator[tuple[str, int]]:
        stack, seen = [(state, word)], {(state, word)}
        while stack:
            state, word = stack.pop()
            if word and state == self._end:
                yield word, state
            for letter, end in self._letters.edges[state]:
                if letter == " " and word:
                    yield word, end
                elif letter == ANY:
                    if not word:
                        yield ANY, end
                elif len(word) < MAX_WORD_CHARS and (step := (end, word if letter == " " else word + letter)) not in seen:
                    seen.add(step)
                    stack.append(step)

    def _is_end(self, state: int) -> bool:
        if state not in self._ends:
            stack, seen = [state], {state}
            while stack:
                for letter, end in self._letters.edges[stack.pop()]:
                    if letter in ("", " ") and end not in seen:
                        seen.add(end)
                        stack.append(end)
            self._ends[state] = self._end in seen
        return self._ends[state]

    # templates to letters

    def _add(self, source: Sentences, home_lists: Mapping[str, Sequence[str]]) -> None:
        from hassil import Intents

        compiled = Intents.from_dict(dict(source.data))
        for intent in compiled.intents.values():
            for block in intent.data:
                parts = _Parts({**compiled.expansion_rules, **block.expansion_rules},
                               {**compiled.slot_lists, **block.slot_lists}, home_lists, str(source.data["language"]))
                for sentence in block.sentences:
                    try:
                        self._letters.join(self._expand(sentence.expression, self._start, parts), " ", self._end)
                    except OverflowError:
                        return              # too much to look through: such sentences are matched as heard only

    def _expand(self, expression: Any, start: int, parts: _Parts) -> int:
        """Add an expression after `start`. Returns: the state after it."""
        match type(expression).__name__:
            case "Sentence":
                return self._expand(expression.expression, start, parts)
            case "TextChunk":
                return self._spell(expression.text, start)
            case "Sequence":
                for item in expression.items:
                    start = self._expand(item, start, parts)
                return start
            case "Alternative":
                return self._either(expression.items, start, parts)
            case "Permutation":
                orders = permutations(expression.items) if len(expression.items) <= MAX_PERMUTED else [tuple(expression.items)]
                end = self._letters.state()
                for order in orders:
                    at = start
                    for item in order:
                        at = self._spell(" ", self._expand(item, self._spell(" ", at), parts))
                    self._letters.join(at, "", end)
                return end
            case "RuleReference":
                return self._expand(parts.rules[expression.rule_name], start, parts)
            case "ListReference":
                return self._either(parts.values(expression), start, parts)
        return start

    def _either(self, items: Iterable[Any], start: int, parts: _Parts) -> int:
        end = self._letters.state()
        for item in items:
            self._letters.join(self._spell(item, start) if isinstance(item, str) else self._expand(item, start, parts), "", end)
        return end

    def _spell(self, text: str, start: int) -> int:
        if text == ANY:
            end = self._letters.state()
            self._letters.join(start, ANY, end)
            self._letters.join(end, ANY, end)
            return end
        for letter in text.lower():
            end = self._letters.state()
            self._letters.join(start, " " if letter.isspace() else letter, end)
            start = end
        return start


@dataclass(frozen=True)
class _Parts:
    """What templates refer to."""

    rules: Mapping[str, Any]
    lists: Mapping[str, Any]
    of_home: Mapping[str, Sequence[str]]
    language: str

    def values(self, reference: Any) -> Iterable[Any]:
        """The texts and expressions that may stand for a list."""
        slot_list = self.lists.get(reference.list_name)
        if slot_list is None:
            return self.of_home.get(reference.list_name, (ANY,))
        if hasattr(slot_list, "values"):
            return [value.text_in for value in slot_list.values]
        return list(self._numbers(slot_list)) if hasattr(slot_list, "get_numbers") else (ANY,)

    def _numbers(self, slot_list: Any) -> Iterator[str]:
        from unicode_rbnf import RbnfEngine

        engine = RbnfEngine.for_language(slot_list.words_language or self.language)
        for number in islice(slot_list.get_numbers(), MAX_NUMBERS):
            yield str(number)
            yield str(engine.format_number(number).text).replace("-", " ")
