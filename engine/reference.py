"""The forward pass in numpy: the executable specification, the tests' oracle, the fallback where nothing was compiled.

It reads in the order of the papers: RMSNorm (arXiv:1910.07467), rotary positions (arXiv:2104.09864), grouped-query
attention (arXiv:2305.13245), SwiGLU (arXiv:2002.05202). T is the number of tokens of a call; shapes stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .model import Config, Model
from .quant import F32


class ContextFull(Exception):
    """More tokens than the state has room for; it was left as it was."""


class State:
    """One running text: the keys and values of its tokens, allocated once for `n_ctx` of them."""

    def __init__(self, config: Config, n_ctx: int | None = None, *, int8: bool = False) -> None:
        self.n_ctx = min(n_ctx or config.n_ctx, config.n_ctx)
        self.n_past = 0                                                         # tokens held
        shape = (config.n_layer, config.n_head_kv, self.n_ctx, config.head_dim)
        self.k = np.zeros(shape, np.float32)
        self.v = np.zeros(shape, np.float32)
        self.kept = as_int8 if int8 else _as_it_is

    def rewind(self, n_past: int = 0) -> None:
        """Forget all but the first `n_past` tokens."""
        self.n_past = min(self.n_past, n_past)


class Reference:
    """Runs a model. Holds nothing that changes: states may be used side by side."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._freqs = model.rope_freqs                                          # (n_rot / 2,)

    def state(self, n_ctx: int | None = None, *, int8: bool = False) -> State:
        """An empty state for at most `n_ctx` tokens (never more than the model was made for).

        int8: keys and values are rounded as the C core keeps them in half the room.
        """
        return State(self.model.config, n_ctx, int8=int8)

    def step(self, token: int, state: State) -> F32:
        """Feed one token. Returns: as `prefill`. Raises: as `prefill`."""
        return self.prefill([token], state)

    def prefill(self, tokens: Sequence[int], state: State) -> F32:
        """Feed tokens after those the state holds.

        Returns: (n_embd,), the last token's normed output, which `logits` reads.
        Raises: ContextFull; ValueError: no token, or one that is not in the vocabulary.
        """
        ids = self._checked(tokens, state)
        model, config = self.model, self.model.config
        turn = self._rotation(state.n_past, len(ids))
        x = model.token_embd.rows(ids)                                          # (T, n_embd)
        for index, layer in enumerate(model.layers):
            h = rms_norm(x, layer.attn_norm, config.rms_eps)                    # (T, n_embd)
            q = rotate(heads(layer.attn_q(h), config.head_dim), *turn)          # (n_head, T, head_dim)
            k = rotate(heads(layer.attn_k(h), config.head_dim), *turn)          # (n_head_kv, T, head_dim)
            v = heads(layer.attn_v(h), config.head_dim)                         # (n_head_kv, T, head_dim)
            seen = state.n_past + len(ids)
            state.k[index, :, state.n_past : seen] = state.kept(k)
            state.v[index, :, state.n_past : seen] = state.kept(v)
            mixed = attend(q, state.k[index, :, :seen], state.v[index, :, :seen])   # (T, n_head * head_dim)
            x = x + layer.attn_output(mixed)
            h = rms_norm(x, layer.ffn_norm, config.rms_eps)
            x = x + layer.ffn_down(silu(layer.ffn_gate(h)) * layer.ffn_up(h))   # (T, n_ff) between
        state.n_past += len(ids)
        return rms_norm(x[-1], model.output_norm, config.rms_eps)

    def logits(self, output: F32, ids: npt.NDArray[np.integer[Any]] | None = None) -> F32:
        """Scores of the next token: of all (n_vocab,), or of `ids` only, which costs only their rows."""
        if ids is None:
            return self.model.output(output[np.newaxis]).reshape(-1)
        scores: F32 = self.model.output.rows(ids) @ output
        return scores

    def _checked(self, tokens: Sequence[int], state: State) -> npt.NDArray[np.int64]:
        ids = np.asarray(tokens, np.int64)
        if ids.ndim != 1 or not ids.size or ids.min() < 0 or ids.max() >= self.model.config.n_vocab:
            raise ValueError("tokens must be at least one, each in the vocabulary")
        if state.n_past + ids.size > state.n_ctx:
            raise ContextFull(f"{ids.size} tokens more than the {state.n_past} of {state.n_ctx} held have no room")
        return ids

    def _rotation(self, n_past: int, n: int) -> tuple[F32, F32]:
        """cos and sin of the angles of `n` positions after `n_past`: (T, n_rot / 2) each."""
        angles = np.outer(np.arange(n_past, n_past + n), self._freqs)
        return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def rms_norm(x: F32, weight: F32, eps: float) -> F32:
    """Scale each row to a root mean square of 1, then by `weight`."""
    mean_square: F32 = np.mean(x * x, axis=-1, keepdims=True)
    scaled: F32 = x / np.sqrt(mean_square + np.float32(eps))
    return scaled * weight


def heads(x: F32, head_dim: int) -> F32:
    """(T, n * head_dim) → (n, T, head_dim)."""
    return x.reshape(len(x), -1, head_dim).swapaxes(0, 1)


def rotate(x: F32, cos: F32, sin: F32) -> F32:
    """Turn each pair of neighbours (0, 1), (2, 3), … of a head by its position's angle: llama.cpp's interleaved RoPE.

    Args: x: (n, T, head_dim), of which the first n_rot turn; cos, sin: (T, n_rot / 2).
    """
    n_rot = 2 * cos.shape[-1]
    turned = x.copy()
    even, odd = x[..., 0:n_rot:2], x[..., 1:n_rot:2]
    turned[..., 0:n_rot:2] = even * cos - odd * sin
    turned[..., 1:n_rot:2] = even * sin + odd * cos
    return turned


def attend(q: F32, k: F32, v: F32) -> F32:
    """Mix for each of the last T positions the values of those up to itself.

    Args: q: (n_head, T, head_dim); k, v: (n_head_kv, n, head_dim), n >= T. Neighbouring heads of q share one of k.
    Returns: (T, n_head * head_dim).
    """
    n_head, n_new, head_dim = q.shape
    n_head_kv, n, _ = k.shape
    grouped = q.reshape(n_head_kv, -1, head_dim)                                # (n_head_kv, group * T, head_dim)
    scores = grouped @ k.swapaxes(1, 2) / np.float32(np.sqrt(head_dim))         # (n_head_kv, group * T, n)
    if n_new > 1:
        hidden = np.arange(n) > np.arange(n - n_new, n)[:, np.newaxis]          # (T, n): later than the row's position
        scores.reshape(n_head, n_new, n)[:, hidden] = -np.inf
    mixed = (softmax(scores) @ v).reshape(n_head, n_new, head_dim)
    return mixed.swapaxes(0, 1).reshape(n_new, n_head * head_dim)


def as_int8(x: F32) -> F32:
    """Each row rounded to a whole number of steps, which are a 127th of its largest: what a cache of int8 keeps."""
    step = np.abs(x).max(axis=-1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), step, out=np.zeros_like(step), where=step > np.finfo(np.float32).tiny)
    rounded: F32 = np.rint(x * inverse) * step
    return rounded


def _as_it_is(x: F32) -> F32:
    return x


def softmax(x: F32) -> F32:
    """exp(x) along the last axis, scaled to a sum of 1."""
    e: F32 = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def silu(x: F32) -> F32:
    """x * sigmoid(x), written with tanh, which does not overflow."""
    half: F32 = np.multiply(x, 0.5, dtype=np.float32)
    y: F32 = half + half * np.tanh(half)
    return y
