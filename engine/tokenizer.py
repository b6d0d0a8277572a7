"""The vocabulary of a GGUF file, run by SentencePiece.

The file carries pieces, scores and types (`tokenizer.ggml.*`, kind "llama"). From them a SentencePiece model is written
into memory, so that one file suffices and the library that trained the vocabulary also applies it. Control pieces such
as `<parse>` are looked up by their string; no text, whoever says it, ever turns into one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import sentencepiece

from .gguf import ModelFileError

SPACE = "▁"                     # SentencePiece's mark of a word's beginning
MAX_PIECES = 1 << 20


class PieceType(IntEnum):
    """SentencePiece's types, which llama.cpp numbers alike."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Tokenizer:
    """Words to token ids and back. Safe to use from several threads."""

    def __init__(
        self, pieces: Sequence[str], scores: Sequence[float], types: Sequence[int], *, bos: int | None
    ) -> None:
        """Raises: ModelFileError: SentencePiece refuses the vocabulary."""
        self.pieces = tuple(pieces)
        self.bos = bos
        self._ids = {piece: index for index, piece in enumerate(self.pieces)}
        self._sp = sentencepiece.SentencePieceProcessor()
        try:
            self._sp.LoadFromSerializedProto(model_proto(pieces, scores, types))
        except (RuntimeError, OSError, ValueError) as error:
            raise ModelFileError("tokenizer.ggml.tokens", f"no SentencePiece vocabulary ({error})") from None

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """From a GGUF file's metadata. Raises: ModelFileError: a key is missing or wrong."""
        kind = metadata.get("tokenizer.ggml.model")
        if kind != "llama":
            cure = 'use a model whose tokenizer is SentencePiece ("llama")'
            raise ModelFileError("tokenizer.ggml.model", f"{kind!r} is not read here", cure)
        pieces = pieces_of(metadata)
        scores = column(metadata, "tokenizer.ggml.scores", len(pieces))
        types = column(metadata, "tokenizer.ggml.token_type", len(pieces))
        if not np.isin(types, list(PieceType)).all():
            raise ModelFileError("tokenizer.ggml.token_type", "holds a type other than 1 to 6")
        if np.count_nonzero(types == PieceType.UNKNOWN) != 1:
            raise ModelFileError("tokenizer.ggml.token_type", "does not name exactly one unknown piece (type 2)")
        return cls(pieces, scores.tolist(), types.tolist(), bos=special(metadata, "bos", len(pieces)))

    @property
    def n_vocab(self) -> int:
        return len(self.pieces)

    def id(self, piece: str) -> int | None:
        """The id of a piece by its string, None where the vocabulary lacks it."""
        return self._ids.get(piece)

    def piece(self, token: int) -> str:
        return self.pieces[token]

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`, without a bos. Lone surrogates, which are no text, read as "?"."""
        return [int(token) for token in self._sp.EncodeAsIds(clean(text))]

    def encode_words(self, words: Iterable[str]) -> list[list[int]]:
        """Tokens of each word; joined, they are those of the words with a space between."""
        cleaned = [clean(word) for word in words]
        return [list(map(int, tokens)) for tokens in self._sp.EncodeAsIds(cleaned)] if cleaned else []

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._sp.DecodeIds(list(tokens)))


def clean(text: str) -> str:
    """Lone surrogates, which no UTF-8 can hold, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def pieces_of(metadata: Mapping[str, Any]) -> list[str]:
    """The file's pieces in their order. Raises: ModelFileError."""
    pieces = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(pieces, list) or not 0 < len(pieces) <= MAX_PIECES or not all(isinstance(p, str) for p in pieces):
        raise ModelFileError("tokenizer.ggml.tokens", "is not a list of pieces", "export the model with its vocabulary")
    if len(set(pieces)) < len(pieces):
        raise ModelFileError("tokenizer.ggml.tokens", "holds a piece twice")
    return pieces


def column(metadata: Mapping[str, Any], key: str, n: int) -> npt.NDArray[Any]:
    """A list of numbers, one a piece. Raises: ModelFileError."""
    numbers = metadata.get(key)
    if not isinstance(numbers, np.ndarray) or numbers.shape != (n,) or not np.isfinite(numbers).all():
        raise ModelFileError(key, f"is not a list of {n} numbers, one a piece", "export the model with its vocabulary")
    return numbers


def special(metadata: Mapping[str, Any], name: str, n: int) -> int | None:
    """The token of a role such as `bos`, None where the file names none. Raises: ModelFileError."""
    key = f"tokenizer.ggml.{name}_token_id"
    token = metadata.get(key)
    if token is None:
        return None
    if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < n:
        raise ModelFileError(key, f"{token!r} is no token of {n}")
    return token


# SentencePiece's model file is a protobuf message, written here field by field; the numbers are its fields', see
# https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto

_VARINT, _BYTES, _FIXED32 = 0, 2, 5


def model_proto(pieces: Sequence[str], scores: Sequence[float], types: Sequence[int]) -> bytes:
    """A SentencePiece BPE model with byte fallback and no text normalisation, as serialised bytes.

    USER_DEFINED pieces become CONTROL: the former would be found inside of text.
    """
    has_bytes = PieceType.BYTE in types
    unknown = list(types).index(PieceType.UNKNOWN) if PieceType.UNKNOWN in types else 0
    rows = b"".join(_message(1, _piece(*row)) for row in zip(pieces, scores, types, strict=True))
    return rows + _trainer(len(pieces), unknown, has_bytes) + _NORMALIZER


def _piece(piece: str, score: float, kind: int) -> bytes:
    if kind == PieceType.USER_DEFINED:
        kind = PieceType.CONTROL
    return _message(1, piece.encode("utf-8")) + _key(2, _FIXED32) + struct.pack("<f", score) + _number(3, kind)


def _trainer(n_vocab: int, unknown: int, has_bytes: bool) -> bytes:
    model_type_bpe, split_digits, byte_fallback = 2, 25, 35
    fields = {3: model_type_bpe, 4: n_vocab, split_digits: 1, byte_fallback: int(has_bytes), 40: unknown}
    return _message(2, b"".join(_number(field, value) for field, value in fields.items()))


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(value: int) -> bytes:
    """Seven bits a byte, least first; the top bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# identity; add_dummy_prefix, remove_extra_whitespaces and escape_whitespaces on, as SentencePiece trains by default
_NORMALIZER = _message(3, _message(1, b"identity") + _number(3, 1) + _number(4, 1) + _number(5, 1))
