"""A Llama-architecture model as its GGUF file holds it: its sizes, and its tensors by their place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from .gguf import GGUFFile, ModelFileError, TensorInfo
from .quant import F32, dequantize

MAX_LAYERS = 1024
MAX_CONTEXT = 1 << 20


class Weight(Protocol):
    """A matrix (n_rows, n_cols) that knows how it is stored. The forward pass sees no more of it than this."""

    tensor: TensorInfo          # where it lies in the file
    shape: tuple[int, ...]

    def __call__(self, x: F32) -> F32:
        """y = W x for each row of x: (n, n_cols) → (n, n_rows)."""

    def rows(self, ids: npt.NDArray[np.integer[Any]]) -> F32:
        """Some of its rows: (len(ids), n_cols)."""


class DenseWeight:
    """Weights decoded to float32 at their first use and kept: what numpy's matmul runs fastest on.

    Measured for 40 M weights on two cores of a Xeon, for one token: float32 kept 7 ms (160 MB), int8 kept and widened
    each time 14 ms (45 MB), float16 kept 50 ms (80 MB), Q4_0 decoded each time 58 ms (nothing kept). Small memory is
    the business of the C core, which reads the blocks in place.
    """

    def __init__(self, tensor: TensorInfo) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self._dense: F32 | None = None

    def __call__(self, x: F32) -> F32:
        if self._dense is None:
            self._dense = dequantize(self.tensor.data, self.tensor.dtype, self.shape)
        y: F32 = (self._dense @ x[0])[np.newaxis] if len(x) == 1 else x @ self._dense.T
        return y

    def rows(self, ids: npt.NDArray[np.integer[Any]]) -> F32:
        wanted = self.tensor.data.reshape(self.shape[0], -1)[ids]
        return dequantize(wanted, self.tensor.dtype, (len(ids), self.shape[1]))


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes of the network; the names in comments are GGUF's, after `llama.`."""

    n_ctx: int                  # context_length, in tokens
    n_embd: int                 # embedding_length
    n_layer: int                # block_count
    n_ff: int                   # feed_forward_length
    n_head: int                 # attention.head_count
    n_head_kv: int              # attention.head_count_kv, which share keys and values
    head_dim: int               # attention.key_length, or n_embd / n_head
    n_rot: int                  # rope.dimension_count: how many of a head's dimensions turn
    rope_base: float            # rope.freq_base
    rms_eps: float              # attention.layer_norm_rms_epsilon
    n_vocab: int

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], n_vocab: int) -> Self:
        """Raises: ModelFileError: another architecture, or a size that is missing or impossible."""
        if metadata.get("general.architecture") != "llama":
            found = metadata.get("general.architecture")
            raise ModelFileError("general.architecture", f"{found!r} is not read here", "use a llama model")
        keys = _Keys(metadata)
        n_embd = keys.size("embedding_length")
        n_head = keys.size("attention.head_count")
        if n_embd % n_head and "llama.attention.key_length" not in metadata:
            raise ModelFileError("llama.attention.head_count", f"{n_head} does not divide embedding_length {n_embd}")
        head_dim = keys.size("attention.key_length", n_embd // n_head)
        config = cls(
            n_ctx=keys.size("context_length", most=MAX_CONTEXT),
            n_embd=n_embd,
            n_layer=keys.size("block_count", most=MAX_LAYERS),
            n_ff=keys.size("feed_forward_length"),
            n_head=n_head,
            n_head_kv=keys.size("attention.head_count_kv", n_head),
            head_dim=head_dim,
            n_rot=keys.size("rope.dimension_count", head_dim),
            rope_base=keys.number("rope.freq_base", 10000.0),
            rms_eps=keys.number("attention.layer_norm_rms_epsilon", 1e-5),
            n_vocab=n_vocab,
        )
        config.check(metadata)
        return config

    def check(self, metadata: Mapping[str, Any]) -> None:
        if self.n_head % self.n_head_kv:
            problem = f"{self.n_head_kv} does not divide {self.n_head} heads"
            raise ModelFileError("llama.attention.head_count_kv", problem)
        if self.n_rot % 2 or self.n_rot > self.head_dim:
            problem = f"{self.n_rot} is odd or above the {self.head_dim} of a head"
            raise ModelFileError("llama.rope.dimension_count", problem)
        scaling = metadata.get("llama.rope.scaling.type", "none")
        if scaling != "none":
            problem = f"{scaling!r} is not computed here"
            raise ModelFileError("llama.rope.scaling.type", problem, "use a model without it")


class _Keys:
    """Sizes and numbers under `llama.`, checked."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.metadata = metadata

    def size(self, name: str, default: int | None = None, most: int = 1 << 31) -> int:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ModelFileError(f"llama.{name}", f"{value!r} is not a size from 1 to {most}")
        return value

    def number(self, name: str, default: float) -> float:
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ModelFileError(f"llama.{name}", f"{value!r} is not a positive number")
        return float(value)

    def _get(self, name: str, default: Any) -> Any:
        value = self.metadata.get(f"llama.{name}", default)
        if value is None:
            raise ModelFileError(f"llama.{name}", "is missing")
        return value


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One transformer block; the field `x` is the tensor `blk.N.x.weight`."""

    attn_norm: F32              # (n_embd,)
    attn_q: Weight              # (n_head * head_dim, n_embd)
    attn_k: Weight              # (n_head_kv * head_dim, n_embd)
    attn_v: Weight              # (n_head_kv * head_dim, n_embd)
    attn_output: Weight         # (n_embd, n_head * head_dim)
    ffn_norm: F32               # (n_embd,)
    ffn_gate: Weight            # (n_ff, n_embd)
    ffn_up: Weight              # (n_ff, n_embd)
    ffn_down: Weight            # (n_embd, n_ff)


@dataclass(frozen=True, kw_only=True)
class Model:
    """The whole network."""

    config: Config
    token_embd: Weight          # (n_vocab, n_embd)
    layers: Sequence[Layer]
    output_norm: F32            # (n_embd,)
    output: Weight              # (n_vocab, n_embd); token_embd itself where the file has no output.weight
    rope_factors: F32           # (n_rot / 2,): what rope_freqs.weight divides the frequencies by, or ones
    metadata: Mapping[str, Any] = field(repr=False)     # the file's; `Tokenizer.from_metadata` reads it too

    @classmethod
    def open(cls, path: str | os.PathLike[str], weight: Callable[[TensorInfo], Weight] = DenseWeight) -> Self:
        """Read a GGUF file. `weight` makes the matrices: here the backend is chosen. Raises: ModelFileError."""
        file = GGUFFile(path)
        try:
            return cls._from_file(file, weight)
        except ModelFileError as error:
            raise ModelFileError(f"{file.path}: {error.where}", error.problem, error.cure) from None

    @property
    def rope_freqs(self) -> npt.NDArray[np.float64]:
        """(n_rot / 2,): radians a position that each pair of a head turns by."""
        n_rot = self.config.n_rot
        freqs: npt.NDArray[np.float64] = self.config.rope_base ** -(np.arange(0, n_rot, 2) / n_rot) / self.rope_factors
        return freqs

    @classmethod
    def _from_file(cls, file: GGUFFile, weight: Callable[[TensorInfo], Weight]) -> Self:
        config = Config.from_metadata(file.metadata, _n_vocab(file))
        tensors = _Tensors(file, weight)
        token_embd = tensors.matrix("token_embd", config.n_vocab, config.n_embd)
        tied = "output.weight" not in file.tensors
        model = cls(
            config=config,
            token_embd=token_embd,
            layers=[_layer(tensors, config, f"blk.{index}") for index in range(config.n_layer)],
            output_norm=tensors.vector("output_norm", config.n_embd),
            output=token_embd if tied else tensors.matrix("output", config.n_vocab, config.n_embd),
            rope_factors=tensors.vector("rope_freqs", config.n_rot // 2, default=1.0),
            metadata=file.metadata,
        )
        tensors.check_all_used()
        return model


def _n_vocab(file: GGUFFile) -> int:
    """Rows of the embedding, one a piece of the vocabulary."""
    if "token_embd.weight" not in file.tensors:
        raise ModelFileError("token_embd.weight", "is missing")
    n_vocab = file.tensors["token_embd.weight"].shape[0]
    pieces = file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(pieces, list) or len(pieces) != n_vocab:
        raise ModelFileError("tokenizer.ggml.tokens", f"does not name the {n_vocab} pieces that are embedded")
    return n_vocab


def _layer(tensors: _Tensors, config: Config, name: str) -> Layer:
    n_embd, n_ff = config.n_embd, config.n_ff
    n_q, n_kv = config.n_head * config.head_dim, config.n_head_kv * config.head_dim
    return Layer(
        attn_norm=tensors.vector(f"{name}.attn_norm", n_embd),
        attn_q=tensors.matrix(f"{name}.attn_q", n_q, n_embd),
        attn_k=tensors.matrix(f"{name}.attn_k", n_kv, n_embd),
        attn_v=tensors.matrix(f"{name}.attn_v", n_kv, n_embd),
        attn_output=tensors.matrix(f"{name}.attn_output", n_embd, n_q),
        ffn_norm=tensors.vector(f"{name}.ffn_norm", n_embd),
        ffn_gate=tensors.matrix(f"{name}.ffn_gate", n_ff, n_embd),
        ffn_up=tensors.matrix(f"{name}.ffn_up", n_ff, n_embd),
        ffn_down=tensors.matrix(f"{name}.ffn_down", n_embd, n_ff),
    )


class _Tensors:
    """A file's tensors, each fetched once and with the shape it must have."""

    def __init__(self, file: GGUFFile, weight: Callable[[TensorInfo], Weight]) -> None:
        self.tensors = file.tensors
        self.weight = weight
        self.unused = set(file.tensors)

    def matrix(self, name: str, n_rows: int, n_cols: int) -> Weight:
        return self.weight(self._get(name, (n_rows, n_cols)))

    def vector(self, name: str, n: int, default: float | None = None) -> F32:
        if default is not None and f"{name}.weight" not in self.tensors:
            return np.full(n, default, np.float32)
        tensor = self._get(name, (n,))
        values = dequantize(tensor.data, tensor.dtype, tensor.shape)
        if not np.isfinite(values).all():
            raise ModelFileError(tensor.name, "holds a number that is not finite")
        return values

    def _get(self, name: str, shape: tuple[int, ...]) -> TensorInfo:
        tensor = self.tensors.get(f"{name}.weight")
        if tensor is None:
            raise ModelFileError(f"{name}.weight", "is missing")
        if tensor.shape != shape:
            raise ModelFileError(tensor.name, f"has the shape {tensor.shape}, its place wants {shape}")
        self.unused.discard(tensor.name)
        return tensor

    def check_all_used(self) -> None:
        """A tensor nobody asked for (a bias, say) means that the model computes something else than we do."""
        if self.unused:
            raise ModelFileError(min(self.unused), "has no place in a llama model", "use a plain llama model")
