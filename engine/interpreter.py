"""From a sentence to intents with slots, as said: the model decoded greedily under the grammar.

    interpreter = Interpreter.open(schema=load_schema())
    interpreter.interpret("Turn off the Kitchen lights").intents
    → (Intent("HassTurnOff", {"area": "Kitchen", "domain": "light"}, confidence=0.97),)
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import text as prepared
from .backend import Engine, choose
from .gguf import ModelFileError
from .grammar import Choice, Cursor, Digits, Grammar, Span, Step, Value
from .model import Model
from .prior import HEAD, SURE, IntentPrior, Prior, mix
from .quant import F32
from .reference import Reference, softmax
from .text import Word
from .tokenizer import Tokenizer

MODEL = Path(__file__).with_name("models") / "ingle.gguf"

MAX_CHARS = 8000                # of a sentence; what lies beyond is not looked at
MAX_WORDS = 120
MAX_WRITTEN = 160               # tokens of a parse after which nothing new is begun
N_CTX = 1024                    # tokens of room for sentence and parse
MIN_CTX = 64


@dataclass(frozen=True)
class Intent:
    """What is asked for. `slots` in the catalogue's order, as said: str, or a list of str where a slot may be repeated.

    A number is words ("twenty five") or digits; a step is "up" or "down", alone or with a number ("up 10", "down two").
    """

    intent: str
    slots: Mapping[str, str | list[str]]
    confidence: float               # 0..1: product of its tokens' probabilities among those allowed


@dataclass(frozen=True)
class Trace:
    """Every piece the model wrote, with its probability among the pieces allowed; 1.0 where it was forced."""

    pieces: tuple[tuple[str, float], ...] = ()
    forced: int = 0                 # how many of them


@dataclass(frozen=True)
class Timing:
    prepare_ms: float = 0.0         # text to tokens
    prefill_ms: float = 0.0         # reading the sentence
    decode_ms: float = 0.0          # writing the parse
    prompt_tokens: int = 0
    written_tokens: int = 0
    n_ctx: int = 0                  # tokens there was room for

    @property
    def total_ms(self) -> float:
        return self.prepare_ms + self.prefill_ms + self.decode_ms


@dataclass(frozen=True)
class Interpretation:
    """What was understood. No intents, and a confidence of 0, where nothing was said."""

    intents: tuple[Intent, ...] = ()
    confidence: float = 0.0         # 0..1, of the whole
    trace: Trace = Trace()
    timing: Timing = Timing()
    notes: tuple[str, ...] = ()     # what was done to the sentence, such as cutting it


class Interpreter:
    """One model with its grammar. Calls from several threads wait for one another."""

    def __init__(
        self, model: Model, schema: Mapping[str, Any], *, run: Callable[[Model], Engine] = Reference,
        prior: Prior | None = None, n_ctx: int = N_CTX,
    ) -> None:  # fmt: skip
        """Raises: ModelFileError.

        Args:
            schema: the plain data of `skills.schema.load_schema()`.
            run: what computes.
            prior: a second opinion on the first intent, asked for where the model is in doubt.
            n_ctx: tokens of room for sentence and parse, never more than the model was made for.
        """
        self._prior = prior
        self.tokenizer = Tokenizer.from_metadata(model.metadata)
        self.grammar = Grammar(schema, self.tokenizer)
        self._run = run(model)
        self._state = self._run.state(n_ctx)
        if self._state.n_ctx < MIN_CTX:
            problem = f"{self._state.n_ctx} tokens are too few, {MIN_CTX} are needed"
            raise ModelFileError("llama.context_length", problem, "use a model trained for Ingle")
        self._max_written = min(MAX_WRITTEN, self._state.n_ctx // 4)
        # A span begun at the last moment may still copy the whole sentence: there is room for it twice.
        self._max_sentence = (self._state.n_ctx - self._max_written) // 2 - 4
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        schema: Mapping[str, Any],
        run: Callable[[Model], Engine] = choose,
    ) -> Self:
        """Load a model file, or the one that Ingle ships, and the shipped prior beside it.

        Raises: ModelFileError; BackendError, see `backend.choose`.
        """
        path = Path(MODEL if path is None else path)
        if not path.exists():
            raise ModelFileError(str(path), "there is no model file", "train one (ingle.engine.train) or set its path")
        try:
            return cls(Model.open(path), schema, run=run, prior=IntentPrior.open() if HEAD.exists() else None)
        except ModelFileError as error:
            if error.where.startswith(str(path)):
                raise
            raise ModelFileError(f"{path}: {error.where}", error.problem, error.cure) from None

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        """Understand one utterance. Never raises on text, whatever it holds; long texts are cut, with a note.

        Args: asked: a question of ours is open, which this may answer.
        """
        began = time.perf_counter()
        words, tokens, notes = self._read(text)
        if not words:
            return Interpretation(timing=Timing(prepare_ms=_ms_since(began)), notes=notes)
        prompt = self._prompt(tokens, asked)
        cursor = self.grammar.start([word.text for word in words], tokens, max_tokens=self._max_written)
        prepare_ms = _ms_since(began)
        with self._lock:
            self._state.rewind()
            began = time.perf_counter()
            output = self._run.prefill(prompt, self._state)
            prefill_ms = _ms_since(began)
            began = time.perf_counter()
            decoding = _Decoding(cursor)
            # After a question of ours a bare name is an answer: the prior, which knows of no question, is not asked.
            self._decode(decoding, output, None if asked else " ".join(word.text for word in words))
        return Interpretation(
            intents=_intents(cursor, decoding, text, words),
            confidence=math.prod(decoding.confidences),
            trace=Trace(tuple((self.tokenizer.piece(token), p) for token, p in decoding.written), decoding.forced),
            timing=Timing(prepare_ms, prefill_ms, _ms_since(began), len(prompt), len(decoding.written), self._state.n_ctx),
            notes=notes,
        )

    def _read(self, text: str) -> tuple[list[Word], list[list[int]], tuple[str, ...]]:
        """The words of a sentence, cut to what there is room for, and the tokens of each."""
        words = prepared.words(text[:MAX_CHARS])
        tokens = self.tokenizer.encode_words(word.text for word in words[:MAX_WORDS])
        n_tokens = np.cumsum([len(word) for word in tokens])
        n_words = int(np.searchsorted(n_tokens, self._max_sentence, side="right"))
        notes = () if n_words == len(words) and len(text) <= MAX_CHARS else (f"cut after {n_words} words",)
        kept = [(word, ids) for word, ids in zip(words[:n_words], tokens, strict=False) if ids]
        return [word for word, _ in kept], [ids for _, ids in kept], notes

    def _prompt(self, tokens: Sequence[Sequence[int]], asked: bool) -> list[int]:
        bos = [] if self.tokenizer.bos is None else [self.tokenizer.bos]
        question = [self.grammar.asked] if asked and self.grammar.asked is not None else []
        return [*bos, *question, *(token for word in tokens for token in word), self.grammar.parse]

    def _decode(self, decoding: _Decoding, output: F32, sentence: str | None) -> None:
        """Write until the parse is done. Forced tokens are read in one go with the choice before them.

        Args: sentence: what the prior may judge; None: it is not asked.
        """
        while not decoding.take_forced():
            if decoding.unread:
                output = self._run.prefill(decoding.unread, self._state)
                decoding.unread.clear()
            allowed = decoding.cursor.allowed()
            probabilities = softmax(self._run.logits(output, allowed))
            if sentence is not None and not decoding.written and probabilities.max() < SURE:
                probabilities = self._with_prior(probabilities, allowed, sentence)
            best = int(np.argmax(probabilities))
            if not math.isfinite(probabilities[best]):
                raise ModelFileError("the model", "its weights give scores that are no numbers")
            decoding.take(int(allowed[best]), float(probabilities[best]))

    def _with_prior(self, probabilities: F32, allowed: npt.NDArray[np.integer[Any]], sentence: str) -> F32:
        """The probabilities of the first intent, mixed with the prior's."""
        if self._prior is None:
            return probabilities
        known = self._prior(sentence)
        pieces = (self.tokenizer.piece(int(token)) for token in allowed)
        prior = np.array([known.get(piece[3:-1], np.nan) if piece.startswith("<I:") else np.nan for piece in pieces], np.float32)
        return softmax(mix(np.log(np.maximum(probabilities, np.float32(1e-12))), prior))


class _Decoding:
    """One parse as it is written, with its probabilities."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.written: list[tuple[int, float]] = []
        self.confidences: list[float] = []      # of each intent; the decision to end is the last one's
        self.forced = 0
        self.unread: list[int] = []             # written, but not yet fed to the model

    def take(self, token: int, probability: float) -> None:
        self.cursor.advance(token)
        if len(self.cursor.intents) > len(self.confidences):
            self.confidences.append(1.0)
        self.confidences[-1] *= probability
        self.written.append((token, probability))
        self.unread.append(token)

    def take_forced(self) -> bool:
        """Write all that needs no model. Returns: whether the parse is done."""
        while (token := self.cursor.forced()) is not None:
            self.take(token, 1.0)
            self.forced += 1
        return self.cursor.done


def _intents(cursor: Cursor, decoding: _Decoding, text: str, words: Sequence[Word]) -> tuple[Intent, ...]:
    found = []
    for parsed, confidence in zip(cursor.intents, decoding.confidences, strict=True):
        slots: dict[str, str | list[str]] = {}
        for slot, value in parsed.slots:
            said = _said(value, text, words)
            if cursor.grammar.is_many(slot):
                several = slots.setdefault(slot, [])
                assert isinstance(several, list)
                several.append(said)
            else:
                slots[slot] = said
        found.append(Intent(parsed.intent, slots, confidence))
    return tuple(found)


def _said(value: Value, text: str, words: Sequence[Word]) -> str:
    """A value as text; a span exactly as it stands in the original."""
    match value:
        case Span(first, last):
            return prepared.original(text, words, first, last)
        case Digits(digits):
            return digits
        case Choice(choice):
            return choice
        case Step(direction, None):
            return direction
        case Step(direction, by):
            assert by is not None
            return f"{direction} {_said(by, text, words)}"


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
