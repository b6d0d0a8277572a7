"""The C core beside llama.cpp: the same file, threads and tokens, in turns, by medians.

llama.cpp comes by the package `llama-cpp-python` (extra `bench`) and is driven by its own calls for whole batches, one
`llama_decode` a prefill or a step, so that neither side is measured with more of Python than the other.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from .chat import Vocabulary, vocabulary
from .model import Model
from .native import Native
from .quant import F32

EXTRA: Final = "ingle[bench]"
PROMPT: Final = 256             # tokens of the prefill that is timed
DECODED: Final = 64             # tokens of the decoding that is timed, and of each greedy text
ROUNDS: Final = 7
N_CTX: Final = 512
PROMPTS: Final = (
    "The capital of France is", "Once upon a time, in a house by the sea,", "To make a good cup of tea, first",
    "The three primary colours are", "Water boils at", "In the kitchen there was a small", "def fibonacci(n):\n",
    "Dear neighbour,\n\nI am writing to", "The quick brown fox", "A list of things to pack for the mountains:\n1.",
    "The largest planet of the solar system", "She opened the door and saw", "How do I fix a dripping tap? First,",
    "Monday, Tuesday,", "The heating was off all night, so", "2 + 2 = 4, 3 + 3 = 6, 4 + 4 =", "Bread is made from",
    "The history of the lamp begins", "My grandmother always said that", "Question: What is a hearth?\nAnswer:",
)  # fmt: skip


class MissingLlama(Exception):
    """llama.cpp cannot be run here: says why and what to do."""


class Runner(Protocol):
    """One engine with one text."""

    def read(self, tokens: Sequence[int], n_past: int) -> F32:
        """Feed tokens after the first `n_past` of those held. Returns: the scores of the next token."""


class Ours:
    def __init__(self, path: str | os.PathLike[str], n_threads: int) -> None:
        self.engine = Native(Model.open(path), n_threads)
        self._state = self.engine.state(N_CTX)

    def read(self, tokens: Sequence[int], n_past: int) -> F32:
        self._state.rewind(n_past)
        return self.engine.logits(self.engine.prefill(tokens, self._state))


class LlamaCpp:
    def __init__(self, path: str | os.PathLike[str], n_threads: int) -> None:
        """Raises: MissingLlama."""
        try:
            import llama_cpp
        except ImportError as error:
            raise MissingLlama(f"llama.cpp cannot be loaded ({error}): pip install '{EXTRA}'") from None
        self._lib: Any = llama_cpp
        self.version = str(llama_cpp.__version__)
        try:
            self.llama: Any = llama_cpp.Llama(
                str(path), n_ctx=N_CTX, n_batch=N_CTX, n_ubatch=N_CTX, n_threads=n_threads, n_threads_batch=n_threads,
                verbose=False,
            )  # fmt: skip
        except ValueError as error:
            raise MissingLlama(f"llama.cpp does not take {path} ({error}): use a file that both read") from None

    def read(self, tokens: Sequence[int], n_past: int) -> F32:
        lib, context = self._lib, self.llama.ctx
        lib.llama_memory_seq_rm(lib.llama_get_memory(context), 0, n_past, -1)
        ids = (ctypes.c_int32 * len(tokens))(*tokens)       # named: the batch only points at it
        if status := lib.llama_decode(context, lib.llama_batch_get_one(ids, len(tokens))):
            raise MissingLlama(f"llama.cpp could not compute (llama_decode returned {status})")
        return np.ctypeslib.as_array(lib.llama_get_logits(context), (self.llama.n_vocab(),)).astype(np.float32)

    def tokens(self, text: str) -> list[int]:
        return list(self.llama.tokenize(text.encode(), add_bos=False, special=False))


@dataclass
class Times:
    """Seconds of each round."""

    prefill: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)

    def measure(self, runner: Runner, tokens: Sequence[int]) -> None:
        self.prefill.append(_seconds(lambda: runner.read(tokens, 0)))
        self.decode.append(_seconds(lambda: greedy(runner, tokens[-1:], DECODED, len(tokens))))

    def tok_s(self, n_prompt: int) -> tuple[float, float]:
        return n_prompt / statistics.median(self.prefill), DECODED / statistics.median(self.decode)


def compare(
    path: str | os.PathLike[str], *, n_threads: int, rounds: int = ROUNDS, texts: Sequence[str] = PROMPTS
) -> dict[str, float | str]:
    """Speed of both, their ratios, and on how many texts they write the same. Raises: MissingLlama; NoLibrary;
    ModelFileError."""
    theirs, ours = LlamaCpp(path, n_threads), Ours(path, n_threads)
    found: dict[str, float | str] = {
        "against.version": theirs.version, "threads": float(n_threads),
        **_speed(ours, theirs, rounds), **_agreement(ours, theirs, texts),
    }  # fmt: skip
    ours.engine.close()
    return found


def _speed(ours: Ours, theirs: LlamaCpp, rounds: int) -> dict[str, float]:
    tokens = [3 + 7 * index % (ours.engine.model.config.n_vocab - 3) for index in range(PROMPT)]
    each: Runner
    for each in (ours, theirs):               # so that the pages are read, and the threads are there
        Times().measure(each, tokens)
    our_times, their_times = Times(), Times()
    for _ in range(rounds):
        our_times.measure(ours, tokens)
        their_times.measure(theirs, tokens)
    (prefill, decode), (their_prefill, their_decode) = (times.tok_s(PROMPT) for times in (our_times, their_times))
    return {
        "prefill.tok_s": prefill, "decode.tok_s": decode,
        "against.prefill.tok_s": their_prefill, "against.decode.tok_s": their_decode,
        "against.prefill_ratio": prefill / their_prefill, "against.decode_ratio": decode / their_decode,
    }  # fmt: skip


def _agreement(ours: Ours, theirs: LlamaCpp, texts: Sequence[str]) -> dict[str, float]:
    """On how many texts both tokenize alike, and write the same `DECODED` tokens; how far they agree on the others."""
    tokenizer: Vocabulary = vocabulary(ours.engine.model.metadata)
    alike = same = 0
    agreed: list[int] = []
    gaps: list[float] = []
    for text in texts:
        tokens = theirs.tokens(text)
        alike += tokenizer.encode(text) == tokens
        n, gap = _agreed(ours, theirs, tokens)
        same += n == DECODED
        agreed.append(n)
        gaps.append(gap)
    return {
        "against.texts": float(len(texts)), "against.same_tokenization": float(alike), "against.same_text": float(same),
        "against.agreed_tokens.mean": statistics.mean(agreed) if agreed else 0.0,
        "against.widest_gap": max(gaps, default=0.0),
    }  # fmt: skip


def _agreed(ours: Runner, theirs: Runner, tokens: Sequence[int]) -> tuple[int, float]:
    """How many greedy tokens both write alike, and how much likelier (in logits) theirs holds its own at the first
    that differs: a toss-up where it is small, an error where it is not."""
    n_past, unread = 0, list(tokens)
    for n in range(DECODED):
        scores = ours.read(unread, n_past), theirs.read(unread, n_past)
        mine, wanted = (int(np.argmax(each)) for each in scores)
        if mine != wanted:
            return n, float(scores[1][wanted] - scores[1][mine])
        n_past += len(unread)
        unread = [wanted]
    return DECODED, 0.0


def greedy(runner: Runner, tokens: Sequence[int], n: int, n_past: int) -> list[int]:
    """Feed tokens after `n_past` and write `n` tokens, always the likeliest."""
    written: list[int] = []
    unread = list(tokens)
    for _ in range(n):
        written.append(int(np.argmax(runner.read(unread, n_past))))
        n_past += len(unread)
        unread = written[-1:]
    return written


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
