"""Sentences to vectors: a BERT encoder (arXiv:1810.04805), run from a GGUF file, with its WordPiece tokenizer.

The file is llama.cpp's form of a BERT: architecture `bert`, its tensor names, `tokenizer.ggml.model = bert`. A vector is the
mean over a text's token states, scaled to length 1 (arXiv:1908.10084), so that a dot product is the cosine.

T is the number of tokens of a call, of all its texts one after the other: nothing is padded, so a short text beside a long
one costs what it costs alone. Only attention looks at one text at a time.
"""

from __future__ import annotations

import ctypes
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from . import native
from .backend import ENVIRONMENT
from .gguf import GGUFFile, ModelFileError, TensorInfo
from .model import DenseWeight, Weight
from .quant import F32, dequantize
from .reference import heads, softmax

WORD_START: Final = "▁"         # as llama.cpp writes WordPiece in a file: "▁wash", "ing" for BERT's "wash", "##ing"
MAX_WORD_CHARS: Final = 100     # a longer word is [UNK], as BERT has it
BATCH_TOKENS: Final = 1024      # of one pass: beyond that, a pass only takes memory

Span = tuple[int, int]


@dataclass(frozen=True)
class Tokens:
    """A text as the encoder reads it: piece ids between [CLS] and [SEP], and where in the text each lies."""

    ids: list[int]
    spans: list[Span]           # [CLS] and [SEP] have (0, 0)


class WordPiece:
    """BERT's uncased tokenizer: words without case and accents, each cut into the longest pieces there are."""

    def __init__(self, pieces: Sequence[str], *, cls_id: int, sep_id: int, unknown_id: int) -> None:
        self.cls_id, self.sep_id, self.unknown_id = cls_id, sep_id, unknown_id
        self._ids = {piece: index for index, piece in enumerate(pieces)}
        self._longest = max(map(len, pieces), default=0)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Raises: ModelFileError: the file holds no WordPiece vocabulary."""
        pieces = metadata.get("tokenizer.ggml.tokens")
        if metadata.get("tokenizer.ggml.model") != "bert" or not isinstance(pieces, list):
            raise ModelFileError("tokenizer.ggml.model", "is no WordPiece vocabulary", "use a BERT model")
        cls_id, sep_id, unknown_id = (_piece_id(metadata, name, len(pieces)) for name in ("cls", "seperator", "unknown"))
        return cls(pieces, cls_id=cls_id, sep_id=sep_id, unknown_id=unknown_id)

    def encode(self, text: str, *, limit: int) -> Tokens:
        """At most `limit` tokens; what is beyond is not read."""
        ids, spans = [self.cls_id], [(0, 0)]
        for word, span in _words(text):
            pieces = self._pieces(word)
            ids += pieces
            spans += [span] * len(pieces)
            if len(ids) >= limit - 1:
                break
        return Tokens([*ids[: limit - 1], self.sep_id], [*spans[: limit - 1], (0, 0)])

    def _pieces(self, word: str) -> list[int]:
        if len(word) > MAX_WORD_CHARS:
            return [self.unknown_id]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = WORD_START if start == 0 else ""
            end = min(len(word), start + self._longest)
            while end > start and prefix + word[start:end] not in self._ids:
                end -= 1
            if end == start:
                return [self.unknown_id]
            pieces.append(self._ids[prefix + word[start:end]])
            start = end
        return pieces


def _piece_id(metadata: Mapping[str, Any], name: str, n_pieces: int) -> int:
    """The id of a special piece. "seperator" is GGUF's own spelling."""
    key = f"tokenizer.ggml.{name}_token_id"
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < n_pieces:
        raise ModelFileError(key, f"{value!r} is no piece")
    return value


def _words(text: str) -> Iterator[tuple[str, Span]]:
    """Words, punctuation marks and ideographs, lower case and without accents, with their place in `text`."""
    word: list[str] = []
    begin = 0
    for place, char in enumerate(text):
        kind = _kind(char)
        if kind != "letter" and word:
            yield "".join(word), (begin, place)
            word = []
        if kind == "alone":
            yield char, (place, place + 1)
        elif kind == "letter":
            begin = begin if word else place
            word += _plain(char)
    if word:
        yield "".join(word), (begin, len(text))


def _plain(char: str) -> str:
    lower = char.lower()
    if lower.isascii():
        return lower
    return "".join(part for part in unicodedata.normalize("NFD", lower) if unicodedata.category(part) != "Mn")


def _kind(char: str) -> str:
    """"letter", "alone" (a word of its own), "space" or "nothing" (dropped, ends no word)."""
    if "a" <= char <= "z":
        return "letter"
    if char.isspace():
        return "space"
    category = unicodedata.category(char)
    if char in "\0\ufffd" or category in ("Cc", "Cf", "Cs", "Co"):
        return "nothing"
    if category.startswith("P") or (char.isascii() and not char.isalnum()) or _is_ideograph(ord(char)):
        return "alone"
    return "letter"


def _is_ideograph(code: int) -> bool:
    return 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x2FA1F


@dataclass(frozen=True, kw_only=True)
class Config:
    """Sizes of the network; the names in comments are GGUF's, after `bert.`."""

    n_ctx: int                  # context_length, in tokens
    n_embd: int                 # embedding_length
    n_layer: int                # block_count
    n_ff: int                   # feed_forward_length
    n_head: int                 # attention.head_count
    norm_eps: float             # attention.layer_norm_epsilon
    n_vocab: int

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], n_vocab: int) -> Self:
        """Raises: ModelFileError: another architecture, or a size that is missing or impossible."""
        found = metadata.get("general.architecture")
        if found != "bert":
            raise ModelFileError("general.architecture", f"{found!r} is not read here", "use a BERT model")
        names = {"n_ctx": "context_length", "n_embd": "embedding_length", "n_layer": "block_count",
                 "n_ff": "feed_forward_length", "n_head": "attention.head_count"}
        sizes = {field: _size(metadata, f"bert.{name}") for field, name in names.items()}
        if sizes["n_embd"] % sizes["n_head"]:
            raise ModelFileError("bert.attention.head_count", f"{sizes['n_head']} does not divide {sizes['n_embd']}")
        return cls(**sizes, norm_eps=float(metadata.get("bert.attention.layer_norm_epsilon", 1e-12)), n_vocab=n_vocab)


def _size(metadata: Mapping[str, Any], key: str) -> int:
    value = metadata.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise ModelFileError(key, f"{value!r} is not a size")
    return value


class KernelWeight:
    """A matrix multiplied by the C core, in place on the file's bytes; x is rounded to eight bits, 32 numbers at a time."""

    def __init__(self, tensor: TensorInfo) -> None:
        self.tensor = tensor
        self.shape = tensor.shape
        self._matrix = native.Matrix(tensor.data.ctypes.data, *tensor.shape, tensor.dtype)

    def __call__(self, x: F32) -> F32:
        """Raises: NativeError: a type its kernels do not take."""
        x = np.ascontiguousarray(x, np.float32)
        y = np.empty((len(x), self.shape[0]), np.float32)
        lib, matrix = native.library(), ctypes.byref(self._matrix)
        scratch = native.aligned(lib.ingle_matmul_scratch(matrix, len(x)))      # of this call: threads share the weight
        native.check(lib.ingle_matmul(None, matrix, x.ctypes.data, len(x), y.ctypes.data, scratch.ctypes.data))
        return y

    def rows(self, ids: npt.NDArray[np.integer[Any]]) -> F32:
        wanted = self.tensor.data.reshape(self.shape[0], -1)[ids]
        return dequantize(wanted, self.tensor.dtype, (len(ids), self.shape[1]))


def _has_kernels() -> bool:
    if os.environ.get(ENVIRONMENT) == "numpy":
        return False
    try:
        return bool(native.variants())
    except native.NoLibrary:
        return False


@dataclass(frozen=True)
class Linear:
    """y = W x + b for each row of x."""

    weight: Weight
    bias: F32

    def __call__(self, x: F32) -> F32:
        y = self.weight(x)
        y += self.bias
        return y


@dataclass(frozen=True)
class Norm:
    """Layer norm (arXiv:1607.06450)."""

    weight: F32
    bias: F32
    eps: float

    def __call__(self, x: F32) -> F32:
        centred: F32 = x - x.mean(axis=-1, keepdims=True)
        variance = np.einsum("td,td->t", centred, centred)[:, np.newaxis] / np.float32(x.shape[-1])
        centred *= self.weight / np.sqrt(variance + np.float32(self.eps))
        centred += self.bias
        return centred


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One transformer block; the field `x` is the tensors `blk.N.x.weight` and `.bias`."""

    attn_q: Linear
    attn_k: Linear
    attn_v: Linear
    attn_output: Linear
    attn_output_norm: Norm
    ffn_up: Linear
    ffn_down: Linear
    layer_output_norm: Norm


@dataclass(frozen=True)
class Encoded:
    """A text's token states, before pooling."""

    states: F32                 # (T, n_embd)
    spans: list[Span]           # where in the text each token lies

    def vector(self, *within: Span) -> F32:
        """(n_embd,) of length 1: the mean over the tokens that lie in one of the spans; over all when none is given.

        A sentence pooled from its paragraph's states knows what the paragraph is about.
        """
        if not within:
            return unit(self.states.mean(axis=0))
        inside = [index for index, (begin, end) in enumerate(self.spans)
                  if end > begin and any(first <= begin and end <= last for first, last in within)]
        return unit(self.states[inside].mean(axis=0) if inside else self.states.mean(axis=0))


class Encoder:
    """Runs one encoder model. Holds nothing that changes: threads may share it."""

    def __init__(self, file: GGUFFile, weight: Callable[[TensorInfo], Weight] = DenseWeight) -> None:
        """Raises: ModelFileError."""
        tensors = _Tensors(file, weight)
        self.tokenizer = WordPiece.from_metadata(file.metadata)
        self.config = config = Config.from_metadata(file.metadata, len(file.metadata["tokenizer.ggml.tokens"]))
        self.name = str(file.metadata.get("general.name", file.path.stem))
        self.token_embd = tensors.matrix("token_embd.weight", config.n_vocab, config.n_embd)
        of_type_0 = tensors.dense("token_types.weight", 2, config.n_embd)[0]                # every token is
        self.position_embd = tensors.dense("position_embd.weight", config.n_ctx, config.n_embd) + of_type_0
        self.embd_norm = tensors.norm("token_embd_norm", config)
        self.layers = [_layer(tensors, config, f"blk.{index}") for index in range(config.n_layer)]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """With the C core where it was built, else in numpy. INGLE_ENGINE=numpy settles it as for the language model.

        Raises: ModelFileError: no file, no BERT, or a part that is missing or of another shape.
        """
        file = GGUFFile(path)
        try:
            return cls(file, KernelWeight if _has_kernels() else DenseWeight)
        except ModelFileError as error:
            raise ModelFileError(f"{file.path}: {error.where}", error.problem, error.cure) from None

    @property
    def n_embd(self) -> int:
        return self.config.n_embd

    def embed(self, texts: Sequence[str]) -> F32:
        """Vectors of length 1: (len(texts), n_embd)."""
        vectors = [encoded.vector() for encoded in self.encode(texts)]
        return np.stack(vectors) if vectors else np.empty((0, self.n_embd), np.float32)

    def encode(self, texts: Sequence[str]) -> Iterator[Encoded]:
        """Token states of each text, in order; computed some thousand tokens at a time."""
        tokens = [self.tokenizer.encode(text, limit=self.config.n_ctx) for text in texts]
        for batch in _batches(tokens):
            states = self._forward([each.ids for each in batch])
            ends = np.cumsum([len(each.ids) for each in batch])
            for each, end in zip(batch, ends, strict=True):
                yield Encoded(states[end - len(each.ids) : end], each.spans)

    def _forward(self, texts: Sequence[Sequence[int]]) -> F32:
        """The states of all tokens of all texts: (T, n_embd)."""
        ends = np.cumsum([len(ids) for ids in texts]).tolist()
        bounds = list(zip([0, *ends], ends, strict=False))
        positions = np.concatenate([np.arange(len(ids)) for ids in texts])
        x = self.token_embd.rows(np.concatenate([np.asarray(ids, np.int64) for ids in texts]))      # (T, n_embd)
        x = self.embd_norm(x + self.position_embd[positions])
        for layer in self.layers:
            mixed = self._attend(layer.attn_q(x), layer.attn_k(x), layer.attn_v(x), bounds)         # (T, n_embd)
            x = layer.attn_output_norm(x + layer.attn_output(mixed))
            x = layer.layer_output_norm(x + layer.ffn_down(gelu(layer.ffn_up(x))))                  # (T, n_ff) between
        return x

    def _attend(self, q: F32, k: F32, v: F32, bounds: Sequence[Span]) -> F32:
        """Each token mixes the values of its own text; all (T, n_embd)."""
        head_dim = self.config.n_embd // self.config.n_head
        q *= np.float32(head_dim**-0.5)
        mixed = np.empty_like(q)
        for begin, end in bounds:
            of_q, of_k, of_v = (heads(each[begin:end], head_dim) for each in (q, k, v))             # (n_head, t, head_dim)
            weights = softmax(of_q @ of_k.swapaxes(1, 2))                                           # (n_head, t, t)
            mixed[begin:end] = (weights @ of_v).swapaxes(0, 1).reshape(end - begin, -1)
        return mixed


def unit(vector: F32) -> F32:
    """Scaled to length 1; nothing stays nothing."""
    length = np.float32(np.linalg.norm(vector))
    scaled: F32 = vector / length if length > 0 else vector
    return scaled


def gelu(x: F32) -> F32:
    """x * Φ(x) (arXiv:1606.08415) by tanh, within 5e-4 of the exact one; overwrites x's memory."""
    inner = x * x
    inner *= np.float32(0.044715 * 0.7978845608)
    inner += np.float32(0.7978845608)
    inner *= x
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    inner *= np.float32(0.5)
    x *= inner
    return x


def _batches(tokens: Sequence[Tokens]) -> Iterator[list[Tokens]]:
    batch: list[Tokens] = []
    n = 0
    for each in tokens:
        if batch and n + len(each.ids) > BATCH_TOKENS:
            yield batch
            batch, n = [], 0
        batch.append(each)
        n += len(each.ids)
    if batch:
        yield batch


def _layer(tensors: _Tensors, config: Config, name: str) -> Layer:
    n_embd, n_ff = config.n_embd, config.n_ff
    return Layer(
        attn_q=tensors.linear(f"{name}.attn_q", n_embd, n_embd),
        attn_k=tensors.linear(f"{name}.attn_k", n_embd, n_embd),
        attn_v=tensors.linear(f"{name}.attn_v", n_embd, n_embd),
        attn_output=tensors.linear(f"{name}.attn_output", n_embd, n_embd),
        attn_output_norm=tensors.norm(f"{name}.attn_output_norm", config),
        ffn_up=tensors.linear(f"{name}.ffn_up", n_ff, n_embd),
        ffn_down=tensors.linear(f"{name}.ffn_down", n_embd, n_ff),
        layer_output_norm=tensors.norm(f"{name}.layer_output_norm", config),
    )


class _Tensors:
    """A file's tensors, each with the shape its place wants."""

    def __init__(self, file: GGUFFile, weight: Callable[[TensorInfo], Weight]) -> None:
        self.tensors, self.weight = file.tensors, weight

    def matrix(self, name: str, n_rows: int, n_cols: int) -> Weight:
        return self.weight(self._get(name, (n_rows, n_cols)))

    def dense(self, name: str, *shape: int) -> F32:
        tensor = self._get(name, shape)
        values = dequantize(tensor.data, tensor.dtype, tensor.shape)
        if not np.isfinite(values).all():
            raise ModelFileError(name, "holds a number that is not finite")
        return values

    def linear(self, name: str, n_rows: int, n_cols: int) -> Linear:
        return Linear(self.matrix(f"{name}.weight", n_rows, n_cols), self.dense(f"{name}.bias", n_rows))

    def norm(self, name: str, config: Config) -> Norm:
        weight, bias = (self.dense(f"{name}.{part}", config.n_embd) for part in ("weight", "bias"))
        return Norm(weight, bias, config.norm_eps)

    def _get(self, name: str, shape: tuple[int, ...]) -> TensorInfo:
        tensor = self.tensors.get(name)
        if tensor is None:
            raise ModelFileError(name, "is missing")
        if tensor.shape != shape:
            raise ModelFileError(name, f"has the shape {tensor.shape}, its place wants {shape}")
        return tensor


__all__ = ["Encoded", "Encoder", "WordPiece"]
