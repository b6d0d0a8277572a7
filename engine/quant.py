"""Blocks of quantised weights, as ggml lays them out in GGUF files, to and from float32.

    dtype  weights  bytes  layout; weight j of a block
    F32       1       4    float32
    F16       1       2    float16
    BF16      1       2    the upper half of a float32
    Q4_0     32      18    f16 scale, 16 bytes of nibbles;           (nibble j - 8) * scale
    Q4_1     32      20    f16 scale, f16 min, 16 bytes of nibbles;  nibble j * scale + min
    Q8_0     32      34    f16 scale, 32 int8;                       int8 j * scale
Byte i of the nibbles holds weight i in its lower half and weight i + 16 in its upper half. Blocks never cross a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

BLOCK = 32                      # weights in a block of the quantised types
_F16_MAX = 65504.0
_F16_MIN = 2.0**-25             # at most this rounds to zero


class DType(IntEnum):
    """ggml's number of a tensor's data type, with the size of its blocks."""

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q8_0 = 8
    BF16 = 30

    @property
    def block_weights(self) -> int:
        return _BLOCKS[self][0]

    @property
    def block_bytes(self) -> int:
        return _BLOCKS[self][1]

    @classmethod
    def of(cls, dtype: DType | str | int) -> Self:
        """A DType from itself, its name or its number. Raises: ValueError."""
        if isinstance(dtype, str):
            if dtype not in cls.__members__:
                raise ValueError(f"{dtype!r} is none of {', '.join(cls.__members__)}")
            return cls[dtype]
        return cls(dtype)


_BLOCKS = {
    DType.F32: (1, 4), DType.F16: (1, 2), DType.BF16: (1, 2),
    DType.Q4_0: (BLOCK, 18), DType.Q4_1: (BLOCK, 20), DType.Q8_0: (BLOCK, 34),
}


def row_bytes(dtype: DType, n_cols: int) -> int:
    """Bytes of one row of `n_cols` weights, a whole number of blocks."""
    return n_cols // dtype.block_weights * dtype.block_bytes


def quantize(array: npt.ArrayLike, dtype: DType | str) -> bytes:
    """Encode weights row by row, rounding as ggml does.

    Args: array: any shape whose last axis is a multiple of the block.
    Raises: ValueError: an incomplete block, a weight that is not finite, or one beyond what the type can hold.
    """
    dtype = DType.of(dtype)
    weights = np.ascontiguousarray(array, np.float32)
    if weights.ndim == 0 or weights.shape[-1] % dtype.block_weights:
        raise ValueError(f"rows of shape {weights.shape} are no whole {dtype.name} blocks of {dtype.block_weights}")
    if not np.isfinite(weights).all():
        raise ValueError("a weight is not a finite number")
    return _ENCODE[dtype](weights.reshape(-1, dtype.block_weights)).tobytes()


def dequantize(data: bytes | U8, dtype: DType | str, shape: Sequence[int]) -> F32:
    """Decode a tensor's bytes.

    Returns: float32 of `shape` (numpy's order). Raises: ValueError: size and shape do not match.
    """
    dtype = DType.of(dtype)
    raw = np.frombuffer(data, np.uint8)
    if not shape or shape[-1] % dtype.block_weights or raw.size != prod(shape[:-1]) * row_bytes(dtype, shape[-1]):
        raise ValueError(f"{raw.size} bytes are no {dtype.name} tensor of shape {tuple(shape)}")
    with np.errstate(invalid="ignore"):     # an infinite scale in a broken file: its zeros are no numbers
        return _DECODE[dtype](raw.reshape(-1, dtype.block_bytes)).reshape(shape)


def _inverse(scale: F32) -> F32:
    """1 / scale, and 0 where the scale is nothing as a float16: a block of zeros."""
    return np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=np.abs(scale) > _F16_MIN)


def _f16_bytes(values: F32) -> U8:
    """(n, 1) float32 → (n, 2) bytes."""
    if values.size and np.abs(values).max() > _F16_MAX:
        raise ValueError("a weight is too large for a float16")
    return values.astype("<f2").view(np.uint8).reshape(len(values), -1)


def _f16(raw: U8) -> F32:
    """(n, 2) bytes → (n, 1) float32."""
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def _pack(nibbles: U8) -> U8:
    """(n, 32) values 0..15 → (n, 16) bytes."""
    return nibbles[:, :16] | (nibbles[:, 16:] << np.uint8(4))


def _unpack(raw: U8) -> F32:
    """(n, 16) bytes → (n, 32) float32 values 0..15."""
    nibbles = np.empty((len(raw), BLOCK), np.float32)
    nibbles[:, :16] = raw & 15
    nibbles[:, 16:] = raw >> 4
    return nibbles


def _encode_f32(x: F32) -> npt.NDArray[Any]:
    return x.astype("<f4")


def _decode_f32(raw: U8) -> F32:
    return raw.view("<f4").astype(np.float32, copy=False)


def _encode_f16(x: F32) -> npt.NDArray[Any]:
    return _f16_bytes(x)


def _encode_bf16(x: F32) -> npt.NDArray[Any]:
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")  # to nearest, ties to even


def _decode_bf16(raw: U8) -> F32:
    return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _encode_q4_0(x: F32) -> U8:
    extreme: F32 = np.take_along_axis(x, np.abs(x).argmax(axis=1, keepdims=True), axis=1)
    scale = extreme / np.float32(-8)  # the largest weight becomes nibble 0, exactly -8
    nibbles = np.minimum(np.trunc(x * _inverse(scale) + np.float32(8.5)), 15).astype(np.uint8)
    return np.hstack([_f16_bytes(scale), _pack(nibbles)])


def _decode_q4_0(raw: U8) -> F32:
    weights = _unpack(raw[:, 2:])
    weights -= 8
    weights *= _f16(raw[:, :2])
    return weights


def _encode_q4_1(x: F32) -> U8:
    low = x.min(axis=1, keepdims=True)
    scale = (x.max(axis=1, keepdims=True) - low) / 15
    nibbles = np.minimum(np.trunc((x - low) * _inverse(scale) + np.float32(0.5)), 15).astype(np.uint8)
    return np.hstack([_f16_bytes(scale), _f16_bytes(low), _pack(nibbles)])


def _decode_q4_1(raw: U8) -> F32:
    weights = _unpack(raw[:, 4:])
    weights *= _f16(raw[:, :2])
    weights += _f16(raw[:, 2:4])
    return weights


def _encode_q8_0(x: F32) -> U8:
    scale = np.abs(x).max(axis=1, keepdims=True) / 127
    steps = x * _inverse(scale)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)).astype(np.int8)  # half away from zero, as C does
    return np.hstack([_f16_bytes(scale), rounded.view(np.uint8)])


def _decode_q8_0(raw: U8) -> F32:
    weights = raw[:, 2:].view(np.int8).astype(np.float32)
    weights *= _f16(raw[:, :2])
    return weights


_ENCODE: dict[DType, Callable[[F32], npt.NDArray[Any]]] = {
    DType.F32: _encode_f32, DType.F16: _encode_f16, DType.BF16: _encode_bf16,
    DType.Q4_0: _encode_q4_0, DType.Q4_1: _encode_q4_1, DType.Q8_0: _encode_q8_0,
}
_DECODE: dict[DType, Callable[[U8], F32]] = {
    DType.F32: _decode_f32, DType.F16: _f16, DType.BF16: _decode_bf16,
    DType.Q4_0: _decode_q4_0, DType.Q4_1: _decode_q4_1, DType.Q8_0: _decode_q8_0,
}
