"""Free text from a model, token by token.

    for token in generate(engine, prompt, Sampling(temperature=0.7, top_p=0.9), stop={end}, max_tokens=200):
        ...                     # break whenever you like: nothing runs ahead
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .backend import Engine
from .context import Context
from .quant import F32
from .reference import softmax

REMEMBERED = 64                 # of the newest tokens, which the penalty falls on


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn. As it stands: always the likeliest."""

    temperature: float = 0.0            # 0: greedy; 1: as the model has it
    top_k: int = 0                      # only the k likeliest; 0: all
    top_p: float = 1.0                  # only the likeliest that together reach p
    min_p: float = 0.0                  # only those at least p times as likely as the likeliest
    repetition_penalty: float = 1.0     # above 1: what was written lately gets less likely
    bias: Mapping[int, float] = field(default_factory=dict)  # added to the scores of these tokens
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1 or not 0 <= self.min_p <= 1:
            raise ValueError("temperature and top_k are at least 0, top_p is in (0, 1], min_p in [0, 1]")
        if self.repetition_penalty <= 0:
            raise ValueError("repetition_penalty is above 0")


def generate(
    engine: Engine, prompt: Sequence[int], sampling: Sampling | None = None, *, state: Any = None,
    stop: Collection[int] = (), max_tokens: int = 256, max_s: float | None = None, n_pinned: int = 4,
    context: Context | None = None,
) -> Iterator[int]:
    """Read the prompt and yield what the model writes after it.

    Args:
        state: one to go on with; None: a new one.
        stop: tokens that end the text; they are not yielded.
        max_s: seconds after which no further token is begun.
        n_pinned: where the C core runs out of room, these first tokens stay and half of the others go.
        context: a state that knows what it holds and what to do when it is full, in place of the two.
    Raises: ContextFull, see `Context.read`; ValueError: as `Engine.prefill`.
    """  # fmt: skip
    sampling = sampling or Sampling()
    context = context or Context(engine, engine.state() if state is None else state, n_pinned=n_pinned)
    rng = np.random.default_rng(sampling.seed)
    ends = None if max_s is None else time.monotonic() + max_s
    recent = list(prompt[-REMEMBERED:])
    unread = list(prompt)
    for _ in range(max_tokens):
        if ends is not None and time.monotonic() >= ends:
            return
        token = draw(engine.logits(context.read(unread)), sampling, recent, rng)
        if token in stop:
            return
        yield token
        unread = [token]
        recent = [*recent[-REMEMBERED + 1 :], token]


def draw(scores: F32, sampling: Sampling, recent: Sequence[int], rng: np.random.Generator) -> int:
    """The next token, from the scores of all."""
    scores = scores.copy()
    _penalise(scores, recent, sampling.repetition_penalty)
    for token, by in sampling.bias.items():
        scores[token] += by
    if sampling.temperature == 0:
        return int(np.argmax(scores))
    order = np.argsort(-scores, kind="stable")
    order = order[: sampling.top_k] if sampling.top_k else order
    p = softmax(scores[order] / np.float32(sampling.temperature)).astype(np.float64)
    n = min(_reaching(p, sampling.top_p), int(np.count_nonzero(p >= sampling.min_p * p[0])))
    return int(rng.choice(order[:n], p=p[:n] / p[:n].sum()))


def bias_towards(phrases: Iterable[str], encode: Callable[[str], Sequence[int]], by: float = 2.0) -> dict[int, float]:
    """A `Sampling.bias` that makes the tokens of some phrases likelier, such as the names in this home.

    Each phrase counts as it stands at a text's beginning and after a space. A token that many phrases share counts once.
    """
    tokens = {token for phrase in phrases for text in (phrase, f" {phrase}") for token in encode(text)}
    return dict.fromkeys(sorted(tokens), by)


def _penalise(scores: F32, recent: Sequence[int], penalty: float) -> None:
    """arXiv:1909.05858: a score above 0 is divided, one below multiplied."""
    tokens = np.unique(np.asarray(recent, np.int64))
    scores[tokens] = np.where(scores[tokens] > 0, scores[tokens] / penalty, scores[tokens] * penalty)


def _reaching(p: Any, top_p: float) -> int:
    """How many of the likeliest it takes to reach `top_p` together; at least one."""
    return min(int(np.searchsorted(np.cumsum(p), top_p)) + 1, len(p))
