"""The reader: does a passage answer a question, and with which words.

A small transformer over the token states that the encoder has made anyway: those of the question, and those of the passage,
which were projected and rounded to eight bits when it came in. It marks where an answer begins and ends, or that there is none,
as readers of SQuAD 2.0 do (arXiv:1806.03822), and says nothing but what stands there. `knowledge/train` makes its weights.

The file (`reader.npz`): matrices as int8 with one scale a row (`name`, `name.scale`), vectors as float32, and `version`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from . import words
from .ranking import Features, Question, found_in

F32 = npt.NDArray[np.float32]
I8 = npt.NDArray[np.int8]
Span = tuple[int, int]

D: Final = 64                   # width, also of a stored token
N_HEAD: Final = 4
N_LAYER: Final = 2
N_RELATION: Final = 3           # of two tokens: same sentence, question and passage, apart
MAX_TOKENS: Final = 256         # of a passage that are read
MAX_ANSWER_TOKENS: Final = 16
OF_PASSAGE: Final = (
    "above", "match", "same", "digit", "capital", "cosine", "in_best", "in_sentence", "fits", "misfits", "nearest",
)
OF_QUESTION: Final = ("weight", "there", "strange")
EPS: Final = 1e-5


class Tokenizes(Protocol):
    """The encoder's tokenizer."""

    def encode(self, text: str, *, limit: int) -> Any: ...


@dataclass(frozen=True)
class Asking:
    """A question as the reader sees it."""

    states: F32                     # (n, n_embd), the encoder's
    words: tuple[str, ...]          # the word that each token is of; "" for the special ones


@dataclass(frozen=True)
class Page:
    """A passage as the reader sees it: n tokens, those of what stands above it first."""

    tokens: F32 | I8                # (n, D) as stored; only each row's direction counts
    of_tokens: F32                  # (n, len(OF_PASSAGE))
    of_question: F32                # (n_question, len(OF_QUESTION)): what is known of the question's tokens in this passage
    sentence: npt.NDArray[np.int64]     # (n,): which line of the text it is in; -1: none that may be quoted
    spans: tuple[Span, ...]         # (n,) where in the text; (0, 0) outside


@dataclass(frozen=True)
class Reading:
    """What the reader makes of one passage."""

    odds: tuple[float, ...]         # of each sentence: the logarithm of how much likelier it answers than that nothing does
    answers: tuple[Span, ...]       # of each sentence: the likeliest answer in it, as a place in the passage's text


def asking(question: str, states: F32, spans: Sequence[Span]) -> Asking:
    return Asking(states, tuple(question[begin:end] for begin, end in spans))


def page(
    question: Question, asked: Asking, *, context: str, text: str, tokens: F32 | I8, spans: Sequence[Span],
    features: Sequence[Features], quotable: Sequence[bool],
) -> Page:
    """Args: spans: of the tokens, in `context`, a line break and `text`. features, quotable: of each line of the text."""
    n = min(len(tokens), MAX_TOKENS)
    begin_of_text = len(context) + 1
    whole = f"{context}\n{text}"
    line = _lines(text)
    shares = _shares(question)
    same = {word.lower() for word in asked.words if word}
    weights: dict[str, float] = {}
    sentence = np.full(n, -1, np.int64)
    of_tokens = np.zeros((n, len(OF_PASSAGE)), np.float32)
    for place, (begin, end) in enumerate(spans[:n]):
        word = whole[begin:end]
        stem = words.stem(_plain(word))
        if stem not in weights:
            weights[stem] = max((shares[term] for term in found_in(question, {stem})), default=0.0)
        of_tokens[place, :5] = (0.0, weights[stem], word.lower() in same and word.isalnum(),
                                any(map(str.isdigit, word)), word[:1].isupper())
        if begin < begin_of_text or end <= begin:
            of_tokens[place, 0] = 1.0
            continue
        number = line[begin - begin_of_text]
        if number < len(features) and quotable[number]:
            sentence[place] = number
            look = features[number]
            of_tokens[place, 5:] = (look.sentence, look.in_best, look.in_sentence, max(look.fits, look.holds),
                                    max(look.misfits, look.lacks), look.nearest)
    return Page(tokens[:n], of_tokens, _of_question(question, asked, found_in(question, weights.keys())), sentence,
                tuple((max(0, begin - begin_of_text), max(0, end - begin_of_text)) for begin, end in spans[:n]))


def _plain(word: str) -> str:
    found = words.words(word)
    return found[0] if found else ""


def _lines(text: str) -> list[int]:
    """The number of the line that each character is in."""
    numbers, number = [], 0
    for char in text:
        numbers.append(number)
        number += char == "\n"
    return [*numbers, number]


def _shares(question: Question) -> dict[str, float]:
    """How much each term tells, from 0 to 1."""
    most = max(question.terms.values(), default=1.0) or 1.0
    return {term: weight / most for term, weight in question.terms.items()}


def _of_question(question: Question, asked: Asking, there: frozenset[str]) -> F32:
    shares = _shares(question)
    known: dict[str, tuple[float, float, float]] = {"": (0.0, 0.0, 0.0)}
    for word in asked.words:
        if word not in known:
            term = _plain(word)
            known[word] = (shares.get(term, 0.0), float(term in there),
                           float(term in question.unknown))
    return np.array([known[word] for word in asked.words], np.float32).reshape(-1, len(OF_QUESTION))


class Reader:
    """Runs the network. Holds nothing that changes: threads may share it."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        """Raises: KeyError: one is missing."""
        self.version = str(weights["version"])
        self._of = {name: _dense(name, weights) for name in weights
                    if name != "version" and not name.endswith(".scale")}

    def project(self, states: F32) -> I8:
        """(n, n_embd) → (n, D): what is stored of a passage's tokens."""
        projected = states[:MAX_TOKENS] @ self._of["passage"].T
        largest = np.maximum(np.abs(projected).max(axis=1, keepdims=True), EPS)
        return np.asarray(np.rint(projected * (127 / largest)), np.int8)

    def read(self, asked: Asking, pages: Sequence[Page]) -> list[Reading]:
        if not pages:
            return []
        begins, ends = self._marks(asked, pages)
        return [_reading(page, begin[: len(page.tokens) + 1], end[: len(page.tokens) + 1])
                for page, begin, end in zip(pages, begins, ends, strict=True)]

    def _marks(self, asked: Asking, pages: Sequence[Page]) -> tuple[F32, F32]:
        """For each page, of "none" and of its tokens, how likely an answer begins and ends there: two (n_pages, 1 + most)."""
        of = self._of
        n_question, most = len(asked.states), max(len(page.tokens) for page in pages)
        passage = np.zeros((len(pages), most, D), np.float32)
        of_tokens = np.zeros((len(pages), most, len(OF_PASSAGE)), np.float32)
        group = np.full((len(pages), n_question + most), -3, np.int64)       # -3: padding, -2: question, -1: above the text
        group[:, :n_question] = -2
        for place, page in enumerate(pages):
            n = len(page.tokens)
            passage[place, :n] = rms(page.tokens.astype(np.float32))
            of_tokens[place, :n] = page.of_tokens
            group[place, n_question : n_question + n] = page.sentence
        question = rms(asked.states @ of["question"].T)
        near = passage @ question.T / np.float32(D)                         # (n_pages, most, n_question)
        near[group[:, n_question:] == -3] = -1.0
        of_question = np.stack([page.of_question for page in pages])
        by_word, by_token = near.max(axis=1, initial=-1.0)[..., np.newaxis], near.max(axis=2, initial=-1.0)[..., np.newaxis]
        asks = question + of_question @ of["of_question"].T + by_word * of["near_question"] + of["is_question"]
        tells = passage + of_tokens @ of["of_passage"].T + by_token * of["near_passage"]
        x = np.concatenate([asks, tells], axis=1)                           # (n_pages, n_question + most, D)
        relation = relations(group)
        for layer in range(N_LAYER):
            x = x + self._attend(norm(x, of[f"{layer}.norm1"]), relation, layer)
            hidden = np.maximum(norm(x, of[f"{layer}.norm2"]) @ of[f"{layer}.up"].T + of[f"{layer}.up.bias"], 0)
            x = x + hidden @ of[f"{layer}.down"].T
        x = norm(x, of["norm"])
        marks = x[:, n_question:] @ of["marks"].T                           # (n_pages, most, 2)
        marks[group[:, n_question:] < 0] = -1e4
        none = x[:, :n_question].mean(axis=1) @ of["none"].T + of["none.bias"]      # (n_pages, 2)
        marks = np.concatenate([none[:, np.newaxis], marks], axis=1)
        return marks[..., 0], marks[..., 1]

    def _attend(self, x: F32, relation: npt.NDArray[np.int64], layer: int) -> F32:
        of, n = self._of, x.shape[1]
        q, k, v = (np.moveaxis(part.reshape(*part.shape[:2], N_HEAD, -1), 2, 1)
                   for part in np.split(x @ of[f"{layer}.qkv"].T, 3, axis=-1))              # (n_pages, N_HEAD, n, D / N_HEAD)
        bias = np.concatenate([of[f"{layer}.relation"], np.full((N_HEAD, 1), -1e4, np.float32)], axis=1)
        weights = q @ k.swapaxes(-1, -2) * np.float32((D // N_HEAD) ** -0.5) + np.moveaxis(bias[:, relation], 0, 1)
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed: F32 = np.moveaxis(weights @ v, 1, 2).reshape(len(x), n, D) @ of[f"{layer}.out"].T
        return mixed


def relations(group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(b, n) groups of tokens → (b, n, n): 0 same sentence, 1 question and passage, 2 apart, 3 padding."""
    mine, other = group[:, :, np.newaxis], group[:, np.newaxis, :]
    found = np.where(mine == other, 0, np.where((mine == -2) | (other == -2), 1, 2))
    return np.where(other == -3, N_RELATION, found)


def rms(x: F32) -> F32:
    """Rows scaled to a mean square of 1."""
    return np.asarray(x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(EPS)), np.float32)


def norm(x: F32, weight: F32) -> F32:
    """RMS norm (arXiv:1910.07467)."""
    return np.asarray(rms(x) * weight, np.float32)


def _reading(page: Page, begin: F32, end: F32) -> Reading:
    """Odds of a sentence: of all answers that begin, and that end, in it, against "none"."""
    n_sentences = int(page.sentence.max(initial=-1)) + 1
    odds, answers = [-20.0] * n_sentences, [(0, 0)] * n_sentences
    for number in range(n_sentences):
        inside = np.flatnonzero(page.sentence == number)
        if not len(inside):
            continue
        first, last = begin[1:][inside], end[1:][inside]
        odds[number] = float(_log_sum(first) - begin[0] + _log_sum(last) - end[0]) / 2
        answers[number] = _best_span([page.spans[place] for place in inside], first, last)
    return Reading(tuple(odds), tuple(answers))


def _best_span(spans: Sequence[Span], begin: F32, end: F32) -> Span:
    n = len(spans)
    both = begin[:, np.newaxis] + end[np.newaxis, :]
    distance = np.arange(n)[np.newaxis, :] - np.arange(n)[:, np.newaxis]
    both[(distance < 0) | (distance >= MAX_ANSWER_TOKENS)] = -np.inf
    first, last = np.unravel_index(int(both.argmax()), both.shape)
    return spans[int(first)][0], spans[int(last)][1]


def _log_sum(x: F32) -> float:
    most = float(x.max())
    return most + float(np.log(np.exp(x - most).sum()))


def _dense(name: str, weights: Mapping[str, Any]) -> F32:
    scale = weights.get(f"{name}.scale")
    values = np.asarray(weights[name], np.float32)
    return values if scale is None else values * np.asarray(scale, np.float32)[:, np.newaxis]


@cache
def open_reader() -> Reader:
    """The one that ships with Ingle."""
    with files(__package__).joinpath("reader.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        return Reader(dict(data))
