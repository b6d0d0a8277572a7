"""A model file, its vocabulary and the grammar as one block of bytes that a board reads where it lies (kernels/pack.h)."""

from __future__ import annotations

import ctypes
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, Final

import numpy as np

from ..gguf import ModelFileError
from ..grammar import Grammar
from ..model import Layer, Model, Weight
from ..text import fold
from ..tokenizer import PieceType, Tokenizer, column

MAGIC: Final = 0x31504749
ALIGNMENT: Final = 64
MAX_LAYERS: Final = 16
MAX_PREFIX: Final = 4
LETTER, DIGIT, SPACE, PUNCTUATION = 1, 2, 4, 8
KINDS: Final = ("span", "number", "step", "enum")

_u32, _i32 = ctypes.c_uint32, ctypes.c_int32
_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_SIZES = ("n_ctx", "n_embd", "n_layer", "n_ff", "n_head", "n_head_kv", "head_dim", "n_rot", "n_vocab")


class _Table(ctypes.LittleEndianStructure):
    _fields_ = (("at", _u32), ("n", _u32))


class _Matrix(ctypes.LittleEndianStructure):
    _fields_ = (("data", _u32), ("n_rows", _u32), ("n_cols", _u32), ("dtype", _u32))


class _Layer(ctypes.LittleEndianStructure):
    _fields_ = (("attn_norm", _u32), ("ffn_norm", _u32), *((name, _Matrix) for name in _MATRICES))


class _Fold(ctypes.LittleEndianStructure):
    _fields_ = (("code", _u32), ("text", _u32), ("n_bytes", _u32))


class _Slot(ctypes.LittleEndianStructure):
    _fields_ = (("token", _i32), ("kind", _u32), ("many", _u32), ("choices", _Table))


class _Intent(ctypes.LittleEndianStructure):
    _fields_ = (("token", _i32), ("act", _u32), ("slots", _Table))


class _Prefix(ctypes.LittleEndianStructure):
    _fields_ = (("tokens", _i32 * MAX_PREFIX), ("n", _u32))


class _Pack(ctypes.LittleEndianStructure):
    _fields_ = (
        ("magic", _u32), ("n_bytes", _u32), ("crc32", _u32),
        *((name, _u32) for name in _SIZES), ("rms_eps", ctypes.c_double),
        ("rope_freqs", _u32), ("output_norm", _u32), ("layers", _u32), ("token_embd", _Matrix), ("output", _Matrix),
        ("pieces", _Table), ("scores", _u32), ("spelled", _Table), ("bytes", _i32 * 256), ("unknown", _i32), ("bos", _i32),
        ("kinds", _Table), ("folds", _Table),
        *((name, _i32) for name in ("parse", "end", "asked", "up", "down", "point")), ("digits", _i32 * 10),
        ("has_digits", _u32), ("plain", _Prefix), ("minus", _Prefix), ("intents", _Table), ("slots", _Table),
    )  # fmt: skip


def pack(model: Model, schema: Mapping[str, Any]) -> bytes:
    """Args: schema: `skills.schema.load_schema()`'s data. Raises: ModelFileError: what the board's core does not take."""
    if model.config.n_layer > MAX_LAYERS:
        raise ModelFileError("llama.block_count", f"{model.config.n_layer} layers are more than a pack's {MAX_LAYERS}")
    tokenizer = Tokenizer.from_metadata(model.metadata)
    packing = _Packing()
    packing.network(model)
    packing.vocabulary(model, tokenizer)
    packing.characters()
    packing.grammar(Grammar(schema, tokenizer), tokenizer)
    return packing.finished()


class _Packing:
    """The header and, behind it, what it refers to."""

    def __init__(self) -> None:
        self.head = _Pack(magic=MAGIC)
        self._bytes = bytearray(ctypes.sizeof(_Pack))

    def finished(self) -> bytes:
        behind_crc = _Pack.crc32.offset + _Pack.crc32.size
        self.head.n_bytes = len(self._bytes)
        self._bytes[: ctypes.sizeof(_Pack)] = bytes(self.head)
        self.head.crc32 = zlib.crc32(self._bytes[behind_crc:])
        self._bytes[: ctypes.sizeof(_Pack)] = bytes(self.head)
        return bytes(self._bytes)

    def _put(self, content: bytes, alignment: int = 8) -> int:
        """Returns: where it lies."""
        self._bytes += bytes(-len(self._bytes) % alignment)
        at = len(self._bytes)
        self._bytes += content
        return at

    def _table(self, entries: Sequence[Any], kind: type[Any] = _i32) -> _Table:
        return _Table(self._put(bytes((kind * len(entries))(*entries))), len(entries))

    def _matrix(self, weight: Weight) -> _Matrix:
        tensor = weight.tensor
        return _Matrix(self._put(tensor.data.tobytes(), ALIGNMENT), *tensor.shape, tensor.dtype)

    def network(self, model: Model) -> None:
        head, config = self.head, model.config
        for name in _SIZES:
            setattr(head, name, getattr(config, name))
        head.rms_eps = config.rms_eps
        head.rope_freqs = self._put(np.asarray(model.rope_freqs, "<f8").tobytes())
        head.output_norm = self._put(np.asarray(model.output_norm, "<f4").tobytes())
        head.token_embd = self._matrix(model.token_embd)
        head.output = head.token_embd if model.output is model.token_embd else self._matrix(model.output)
        head.layers = self._table([self._layer(layer) for layer in model.layers], _Layer).at

    def _layer(self, layer: Layer) -> _Layer:
        norms = {name: self._put(np.asarray(getattr(layer, name), "<f4").tobytes()) for name in ("attn_norm", "ffn_norm")}
        return _Layer(**norms, **{name: self._matrix(getattr(layer, name)) for name in _MATRICES})

    def vocabulary(self, model: Model, tokenizer: Tokenizer) -> None:
        head, pieces = self.head, [piece.encode() for piece in tokenizer.pieces]
        kinds = column(model.metadata, "tokenizer.ggml.token_type", len(pieces)).tolist()
        if PieceType.UNUSED in kinds or kinds.count(PieceType.BYTE) != 256:
            problem = "has unused pieces, or not a piece for every byte"
            raise ModelFileError("tokenizer.ggml.token_type", problem, "use a vocabulary with byte fallback")
        begin = self._put(b"".join(pieces))
        head.pieces = self._table([*accumulate(map(len, pieces), initial=begin)], _u32)
        scores = column(model.metadata, "tokenizer.ggml.scores", len(pieces))
        head.scores = self._put(np.asarray(scores, "<f4").tobytes())
        spelled = [token for token, kind in enumerate(kinds) if kind == PieceType.NORMAL]
        head.spelled = self._table(sorted(spelled, key=lambda token: pieces[token]))
        head.bytes[:] = [tokenizer.id(f"<0x{byte:02X}>") for byte in range(256)]
        head.unknown = kinds.index(PieceType.UNKNOWN)
        head.bos = -1 if tokenizer.bos is None else tokenizer.bos

    def characters(self) -> None:
        folds = {code: folded for code in _codes() if _in_words(chr(code)) and (folded := fold(chr(code))) != chr(code)}
        kinds = ((code, _kind(chr(code))) for code in range(sys.maxunicode + 1))
        begins = [next(run) for _, run in groupby(kinds, key=lambda entry: entry[1])]
        self.head.kinds = self._table([code << 8 | kind for code, kind in begins], _u32)
        texts = {text: (self._put(text.encode(), 1), len(text.encode())) for text in sorted(set(folds.values()))}
        self.head.folds = self._table([_Fold(code, *texts[text]) for code, text in folds.items()], _Fold)

    def grammar(self, grammar: Grammar, tokenizer: Tokenizer) -> None:
        head = self.head
        head.parse, head.end = grammar.parse, grammar.end
        head.asked, head.up, head.down = (_or_none(tokenizer.id(piece)) for piece in ("<asked>", "<up>", "<down>"))
        digits = grammar.digits
        head.has_digits, head.point = digits is not None, -1
        if digits is not None:
            head.point = _or_none(digits.point)
            tokens = {digit: token for token, digit in digits.digits.items()}
            head.digits[:] = [tokens.get(digit, -1) for digit in "0123456789"]
            (plain, minus) = digits.prefixes
            head.plain, head.minus = _prefix(plain), _prefix(minus)
        slots = list(dict.fromkeys(slot.name for intent in grammar.intents.values() for slot in intent.slots))
        by_name = {slot.name: slot for intent in grammar.intents.values() for slot in intent.slots}
        head.slots = self._table(
            [_Slot(s.token, KINDS.index(s.kind), s.many, self._table([*s.choices])) for s in map(by_name.__getitem__, slots)],
            _Slot,
        )  # fmt: skip
        intents = [
            _Intent(token, intent.act, self._table([slots.index(slot.name) for slot in intent.slots], _u32))
            for token, intent in grammar.intents.items()
        ]
        head.intents = self._table(intents, _Intent)


def _or_none(token: int | None) -> int:
    return -1 if token is None else token


def _prefix(tokens: Sequence[int]) -> _Prefix:
    if len(tokens) > MAX_PREFIX:
        raise ModelFileError("tokenizer.ggml.tokens", "spells a minus in more pieces than a pack takes")
    return _Prefix((_i32 * MAX_PREFIX)(*tokens), len(tokens))


def _codes() -> Iterable[int]:
    return (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)


def _in_words(char: str) -> bool:
    return char.isalnum() or char in "’`"


def _kind(char: str) -> int:
    """What engine/text.py's pattern and grammar's `Sentence` ask of a character."""
    kind = DIGIT if char.isdecimal() else LETTER if char.isalnum() else SPACE if char.isspace() else 0
    return kind | (PUNCTUATION if unicodedata.category(char)[0] == "P" else 0)
