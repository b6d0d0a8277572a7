"""A text of any length in the room of a state: what is pinned, what stands for what was dropped, and the newest tokens.

    context = Context(engine, engine.state(1024), n_pinned=4, compress=by_tokens(summary_ids))
    for token in generate(engine, prompt, context=context): ...

When the room is full, the older half of what is not pinned goes. The first `n_pinned` tokens stay as attention sinks
(arXiv:2309.17453). What goes leaves, if wanted, something that stands for it, and that is among the first to go
the next time, so the room never grows: a summary of a summary, and so on.

    by_tokens   for models trained with summary tokens (arXiv:2305.14788): they are read after what goes and see all of it;
                then only their keys and values stay
    by_text     for all others: a text in place of what goes, which may be written by the model itself
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .backend import Engine
from .native import Native
from .quant import F32
from .reference import ContextFull


class Compress(Protocol):
    """Puts something short in place of the last tokens that a state holds."""

    def __call__(self, engine: Engine, state: Any, n_pinned: int, dropped: Sequence[int]) -> Sequence[int]:
        """The state holds `n_pinned` tokens and after them `dropped`; then those and what stands for these, which is
        returned: less than half as much."""


def by_tokens(ids: Sequence[int]) -> Compress:
    """Summary tokens: they see what goes, and their keys and values stay. Wants the C core, which can slide."""

    def compress(engine: Engine, state: Any, n_pinned: int, dropped: Sequence[int]) -> Sequence[int]:
        if not isinstance(engine, Native):
            raise ContextFull("only the C core can keep summary tokens without what they stand for")
        if 2 * len(ids) > len(dropped):         # longer than what it is about
            state.rewind(n_pinned)
            return []
        engine.prefill(ids, state)
        engine.slide(state, n_pinned, len(dropped))
        return ids

    return compress


def by_text(write: Callable[[Any, Sequence[int]], Sequence[int]]) -> Compress:
    """A text: `write(state, dropped)` returns its tokens. The state holds what goes and may be used to write it."""

    def compress(engine: Engine, state: Any, n_pinned: int, dropped: Sequence[int]) -> Sequence[int]:
        text = list(write(state, dropped))[: len(dropped) // 2]
        state.rewind(n_pinned)
        if text:
            engine.prefill(text, state)
        return text

    return compress


class Context:
    """A state, and the tokens that it holds."""

    def __init__(
        self, engine: Engine, state: Any, *, n_pinned: int = 4, compress: Compress | None = None, held: Sequence[int] = ()
    ) -> None:
        """Args: held: the tokens that the state holds already.

        Raises: ValueError: with `compress`, what the state holds has to be known.
        """
        if compress and state.n_past != len(held):
            raise ValueError(f"the state holds {state.n_past} tokens already, and nobody knows which")
        self.engine, self.state, self.n_pinned = engine, state, n_pinned
        self.tokens: list[int] = list(held) or [0] * state.n_past   # not known, and not needed without `compress`
        self._compress = compress

    def read(self, tokens: Sequence[int]) -> F32:
        """Feed tokens, whatever is held. Returns: as `Engine.prefill`. Raises: ContextFull: more than there is room for
        beside what is pinned, or numpy computes, which cannot slide, and nothing compresses."""
        while self.state.n_past + len(tokens) > self.state.n_ctx:
            self._make_room(len(tokens))
        output = self.engine.prefill(tokens, self.state)
        self.tokens += tokens
        return output

    def _make_room(self, n_wanted: int) -> None:
        n_dropped = (self.state.n_past - self.n_pinned + 1) // 2
        if n_dropped < 1 or n_wanted > self.state.n_ctx - self.n_pinned:
            held = f"{self.state.n_past} of {self.state.n_ctx} held"
            raise ContextFull(f"{n_wanted} tokens more than the {held} have no room")
        if self._compress is not None and n_dropped > 1:
            self._put_in_place(n_dropped, self._compress)
        elif isinstance(self.engine, Native):
            self.engine.slide(self.state, self.n_pinned, n_dropped)
            del self.tokens[self.n_pinned : self.n_pinned + n_dropped]
        else:
            raise ContextFull(f"the {self.state.n_ctx} tokens of the state are used up, and numpy cannot slide")

    def _put_in_place(self, n_dropped: int, compress: Compress) -> None:
        """Have something stand for the older tokens, and read the newer ones after it once more."""
        until = self.n_pinned + n_dropped
        pinned, dropped, newer = self.tokens[: self.n_pinned], self.tokens[self.n_pinned : until], self.tokens[until:]
        self.state.rewind(until)
        shorter = compress(self.engine, self.state, self.n_pinned, dropped)
        if newer:
            self.engine.prefill(newer, self.state)
        self.tokens = [*pinned, *shorter, *newer]
        if len(shorter) >= n_dropped:
            raise ValueError(f"{len(shorter)} tokens stand for {n_dropped}: that makes no room")
