"""The student: a Llama-style transformer in torch, cut from a pretrained teacher (layers kept, vocabulary transferred).

The forward pass is the twin of `engine/reference.py`; RoPE is interleaved and names are llama.cpp's, as in the GGUF file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import gguf, quant
from .vocabulary import Vocabulary


@dataclass(frozen=True)
class Shape:
    """Sizes of a model. `n_embd = n_head * head_dim`."""

    n_vocab: int
    n_layer: int
    n_embd: int = 576
    n_head: int = 9
    n_head_kv: int = 3
    n_ff: int = 1536
    rope_base: float = 100_000.0
    norm_eps: float = 1e-5
    n_ctx: int = 2048

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


class Student(nn.Module):
    """Tokens (batch, length) -> hidden states (batch, length, n_embd); `logits` ties the output to the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.output_norm = nn.RMSNorm(shape.n_embd, eps=shape.norm_eps)
        self.fake_quant = False

    def forward(self, tokens: Tensor) -> Tensor:
        x = self._embedding()[tokens] if self.fake_quant else self.token_embd(tokens)
        angles = rope_angles(tokens.shape[1], self.shape)
        for block in self.blk:
            x = block(x, angles, self.fake_quant)
        normed: Tensor = self.output_norm(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """(…, n_embd) -> (…, n_vocab)."""
        return F.linear(hidden, self._embedding())

    def _embedding(self) -> Tensor:
        weight = self.token_embd.weight
        return fake_q8_0(weight) if self.fake_quant else weight


class Block(nn.Module):
    """Attention and feed-forward, each behind an RMSNorm and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        kv = shape.n_head_kv * shape.head_dim
        self.shape = shape
        self.attn_norm = nn.RMSNorm(shape.n_embd, eps=shape.norm_eps)
        self.attn_q = nn.Linear(shape.n_embd, shape.n_embd, bias=False)
        self.attn_k = nn.Linear(shape.n_embd, kv, bias=False)
        self.attn_v = nn.Linear(shape.n_embd, kv, bias=False)
        self.attn_output = nn.Linear(shape.n_embd, shape.n_embd, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.n_embd, eps=shape.norm_eps)
        self.ffn_gate = nn.Linear(shape.n_embd, shape.n_ff, bias=False)
        self.ffn_up = nn.Linear(shape.n_embd, shape.n_ff, bias=False)
        self.ffn_down = nn.Linear(shape.n_ff, shape.n_embd, bias=False)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], fake_quant: bool) -> Tensor:
        def linear(layer: nn.Linear, value: Tensor) -> Tensor:
            return F.linear(value, fake_q4_0(layer.weight) if fake_quant else layer.weight)

        batch, length, _ = x.shape
        h = self.attn_norm(x)
        q = linear(self.attn_q, h).view(batch, length, self.shape.n_head, -1).transpose(1, 2)
        k = linear(self.attn_k, h).view(batch, length, self.shape.n_head_kv, -1).transpose(1, 2)
        v = linear(self.attn_v, h).view(batch, length, self.shape.n_head_kv, -1).transpose(1, 2)
        groups = self.shape.n_head // self.shape.n_head_kv
        k, v = rotate(k, angles).repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
        mixed = attend(rotate(q, angles), k, v)
        x = x + linear(self.attn_output, mixed.transpose(1, 2).reshape(batch, length, -1))
        h = self.ffn_norm(x)
        return x + linear(self.ffn_down, F.silu(linear(self.ffn_gate, h)) * linear(self.ffn_up, h))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention over (batch, head, length, head_dim).

    Plain matmuls: for rows this short torch's fused kernel costs more (1,700 against 2,350 tokens/s, two cores).
    """
    length = q.shape[2]
    hidden = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    return scores.masked_fill(hidden, float("-inf")).softmax(-1).to(v.dtype) @ v


def rope_angles(length: int, shape: Shape) -> tuple[Tensor, Tensor]:
    """cos and sin, each (length, head_dim / 2). Source: arXiv:2104.09864."""
    rates = shape.rope_base ** (-torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), rates)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """RoPE on neighbouring pairs (0,1), (2,3), …: x (batch, head, length, head_dim)."""
    cos, sin = (angle.to(x.dtype) for angle in angles)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def fake_q4_0(weight: Tensor) -> Tensor:
    """`weight` as Q4_0 would give it back; the gradient passes as if it had not been rounded (arXiv:1308.3432)."""
    blocks = weight.detach().reshape(-1, 32)
    scale = blocks.gather(1, blocks.abs().argmax(dim=1, keepdim=True)) / -8
    steps = torch.clamp(torch.trunc(blocks * _inverse(scale) + 8.5), max=15) - 8
    return _straight_through(weight, steps * scale.half().float())


def fake_q8_0(weight: Tensor) -> Tensor:
    """`weight` as Q8_0 would give it back, likewise."""
    blocks = weight.detach().reshape(-1, 32)
    scale = blocks.abs().amax(dim=1, keepdim=True) / 127
    steps = blocks * _inverse(scale)
    return _straight_through(weight, torch.trunc(steps + torch.copysign(torch.tensor(0.5), steps)) * scale.half().float())


def _inverse(scale: Tensor) -> Tensor:
    """1 / scale, and 0 for a block of zeros."""
    return torch.where(scale == 0, 0.0, 1 / scale)


def _straight_through(weight: Tensor, rounded: Tensor) -> Tensor:
    return weight + rounded.reshape(weight.shape) - weight.detach()


# ---------------------------------------------------------------- cut from a teacher
def cut(teacher: Path, vocabulary: Vocabulary, layers: Sequence[int]) -> Student:
    """A student with the teacher's `layers`, and embeddings carried over piece by piece.

    A piece that is one of the teacher's tokens takes its embedding; any other takes the mean of the tokens that spell it;
    a control piece the mean of the words in its name.
    """
    with gguf.read(teacher) as file:
        meta = file.metadata
        shape = Shape(
            n_vocab=len(vocabulary.pieces), n_layer=len(layers), n_embd=int(meta["llama.embedding_length"]),
            n_head=int(meta["llama.attention.head_count"]), n_head_kv=int(meta["llama.attention.head_count_kv"]),
            n_ff=int(meta["llama.feed_forward_length"]), rope_base=float(meta["llama.rope.freq_base"]),
            norm_eps=float(meta["llama.attention.layer_norm_rms_epsilon"]),
        )  # fmt: skip
        student = Student(shape)
        state = {"output_norm.weight": _tensor(file, "output_norm.weight")}
        for new, old in enumerate(layers):
            for name in student.blk[new].state_dict():
                state[f"blk.{new}.{name}"] = _tensor(file, f"blk.{old}.{name}")
        state["token_embd.weight"] = _embeddings(_tensor(file, "token_embd.weight"), meta, vocabulary)
        student.load_state_dict(state)
    return student


def _tensor(file: gguf.GGUFFile, name: str) -> Tensor:
    info = file.tensors[name]
    return torch.from_numpy(quant.dequantize(info.data, info.dtype, info.shape).copy())


def _embeddings(table: Tensor, meta: dict[str, Any], vocabulary: Vocabulary) -> Tensor:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens, merges = meta["tokenizer.ggml.tokens"], [tuple(m.split(" ", 1)) for m in meta["tokenizer.ggml.merges"]]
    bpe = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    rows = []
    for piece, kind in zip(vocabulary.pieces, vocabulary.types, strict=True):
        ids = [i for text in _spelled(piece, kind) for i in bpe.encode(text).ids]
        rows.append(table[ids].mean(dim=0) if ids else table.mean(dim=0))
    return torch.stack(rows)


def _spelled(piece: str, kind: int) -> Iterable[str]:
    """The text whose teacher tokens stand for a piece."""
    if kind == 6:
        return [chr(int(piece[3:-1], 16))] if int(piece[3:-1], 16) < 128 else []
    if kind in (2, 3):
        return []
    if kind == 4:
        name = piece[1:-1].split(":")[-1].replace("Hass", "").replace("_", " ")
        return [f" {word.lower()}" for word in re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).split()]
    return [piece.replace("▁", " ")]
