"""Binary differences between model files that know of tensors.

A delta is a row of segments, each of which makes the next bytes of the new file from bytes of the old one:
    "INGLEDLT"  u8 version  32 bytes root of the old file's hash tree  u64 size of the new file  u32 n_segments
    n_segments × (u8 kind, u32 n_bytes made, u64 offset in the old file, u32 n_bytes packed)
    the packed bytes, in order
An unchanged run of bytes of any length is one COPY. A changed tensor goes in segments of 64 KiB, so memory stays small and
work can go on at any segment. What is packed for quantised weights is not their bytes but what a prediction gets wrong: the
old weight over the new block's scale, rounded. When only scales move a little, nearly nothing is left. Wrong ones are few, so
it is their distances that are coded (Huffman), a bit for the sign, and the sizes; where they are many, bzip2 of them all.

All arithmetic of a prediction is single IEEE float32 operations, so that every machine predicts the same.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ...engine import gguf
from ...engine.quant import BLOCK, DType
from .errors import Damaged

MAGIC: Final = b"INGLEDLT\1"
SEGMENT: Final = 1 << 16            # bytes of the new file a changed segment makes, at most
MAX_SEGMENTS: Final = 1 << 20
_HEAD = struct.Struct("<32sQI")
_SEGMENT = struct.Struct("<BIQI")
_MAX_COPY = (1 << 32) - 1

U8 = npt.NDArray[np.uint8]


class Kind(IntEnum):
    COPY = 0        # the old bytes as they are
    RAW = 1         # new bytes, of which the old file says nothing
    BYTES = 2       # byte differences
    WORDS = 3       # the same, the four bytes of each number apart: float32
    Q4_0 = 4
    Q8_0 = 5


@dataclass(frozen=True)
class Segment:
    kind: Kind
    n_bytes: int
    source: int     # offset in the old file
    packed_at: int  # offset in the delta
    n_packed: int


class Stream(Protocol):
    """What is read of a file that holds a delta."""

    def read(self, n_bytes: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> object: ...

    def tell(self) -> int: ...


class Reads(Protocol):
    """Random access to the old file, which may be encrypted."""

    def __call__(self, offset: int, n_bytes: int) -> bytes: ...


# making

def make(old: Path, new: Path, old_root: str) -> bytes:
    """The delta from one model file to another. Raises: ModelFileError, OSError."""
    old_bytes, new_bytes = np.fromfile(old, np.uint8), np.fromfile(new, np.uint8)
    made = [_packed(kind, source, old_bytes, new_bytes[begin:end])
            for kind, source, begin, end in _joined(_pieces(old, new, old_bytes, new_bytes))]
    table = b"".join(_SEGMENT.pack(kind, n_bytes, source, len(packed)) for kind, n_bytes, source, packed in made)
    head = MAGIC + _HEAD.pack(bytes.fromhex(old_root), len(new_bytes), len(made))
    return head + table + b"".join(packed for *_, packed in made)


_Piece = tuple[Kind, int, int, int]     # kind, offset in the old file, begin and end in the new one


def _pieces(old: Path, new: Path, old_bytes: U8, new_bytes: U8) -> Iterator[_Piece]:
    """The new file in order: tensors from those of the same name and form, the rest from the same place."""
    tensors = _places(old)
    at = 0
    for name, (kind, begin, end) in sorted(_places(new).items(), key=lambda item: item[1][1]):
        yield from _plain(at, begin, old_bytes, new_bytes)
        of_old = tensors.get(name)
        if of_old is None or of_old[0] != kind or of_old[2] - of_old[1] != end - begin:
            yield from _cut(Kind.RAW, 0, begin, end)
        else:
            yield from _compared(kind, of_old[1], begin, end, old_bytes, new_bytes)
        at = end
    yield from _plain(at, len(new_bytes), old_bytes, new_bytes)


def _places(path: Path) -> dict[str, tuple[Kind, int, int]]:
    """Tensors by name: how they are compared, and where they begin and end in the file."""
    with gguf.read(path) as file:
        return {
            tensor.name: (_KINDS.get(tensor.dtype, Kind.BYTES), tensor.offset, tensor.offset + tensor.data.nbytes)
            for tensor in file.tensors.values()
        }


_KINDS = {DType.Q4_0: Kind.Q4_0, DType.Q8_0: Kind.Q8_0, DType.F32: Kind.WORDS}
_UNITS = {Kind.COPY: 1, Kind.RAW: 1, Kind.BYTES: 1, Kind.WORDS: 4, Kind.Q4_0: 18, Kind.Q8_0: 34}


def _plain(begin: int, end: int, old_bytes: U8, new_bytes: U8) -> Iterator[_Piece]:
    """What is no tensor (header, padding): the same bytes at the same place, or new ones."""
    if end <= len(old_bytes) and np.array_equal(old_bytes[begin:end], new_bytes[begin:end]):
        yield from _cut(Kind.COPY, begin, begin, end, _MAX_COPY)
    else:
        yield from _cut(Kind.RAW, 0, begin, end)


def _compared(kind: Kind, source: int, begin: int, end: int, old_bytes: U8, new_bytes: U8) -> Iterator[_Piece]:
    for _, at, first, last in _cut(kind, source, begin, end, SEGMENT // _UNITS[kind] * _UNITS[kind]):
        same = np.array_equal(old_bytes[at : at + last - first], new_bytes[first:last])
        yield (Kind.COPY if same else kind), at, first, last


def _cut(kind: Kind, source: int, begin: int, end: int, most: int = SEGMENT) -> Iterator[_Piece]:
    for first in range(begin, end, most):
        yield kind, source + first - begin, first, min(first + most, end)


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Copies that follow one another in both files as one."""
    held: _Piece | None = None
    for piece in pieces:
        both = held and held[0] == piece[0] == Kind.COPY
        if both and held and held[1] - held[2] == piece[1] - piece[2] and piece[3] - held[2] <= _MAX_COPY:
            held = (Kind.COPY, held[1], held[2], piece[3])
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


def _packed(kind: Kind, source: int, old_bytes: U8, wanted: U8) -> tuple[Kind, int, int, bytes]:
    """Returns: (kind, bytes made, offset in the old file, packed bytes)."""
    old = old_bytes[source : source + len(wanted)]
    if kind == Kind.COPY:
        return kind, len(wanted), source, b""
    raw = _squeezed(wanted.tobytes())
    if kind == Kind.RAW:
        return kind, len(wanted), 0, raw
    packed = _PACK[kind](old, wanted)
    return (kind, len(wanted), source, packed) if len(packed) < len(raw) else (Kind.RAW, len(wanted), 0, raw)


# applying

class Delta:
    """A delta to read. `size`: of the file it makes; `old_root`: of the hash tree of the file it starts from."""

    def __init__(self, file: Stream) -> None:
        """Raises: Damaged: not a delta, or one whose parts do not fit together."""
        self._file = file
        head = file.read(len(MAGIC) + _HEAD.size)
        if len(head) < len(MAGIC) + _HEAD.size or not head.startswith(MAGIC):
            raise Damaged("the delta: not a delta that this version reads")
        root, self.size, n_segments = _HEAD.unpack(head[len(MAGIC):])
        self.old_root = root.hex()
        if n_segments > MAX_SEGMENTS:
            raise Damaged(f"the delta: {n_segments} segments are too many")
        table = file.read(n_segments * _SEGMENT.size)
        if len(table) < n_segments * _SEGMENT.size:
            raise Damaged("the delta: its table is cut off")
        self._segments = list(_segments(table, file.tell()))
        if sum(segment.n_bytes for segment in self._segments) != self.size:
            raise Damaged("the delta: its segments do not make a file of the size it names")

    def blocks(self, read_old: Reads, block_size: int, first: int = 0) -> Iterator[bytes]:
        """The new file's blocks from number `first` on, at most one and a segment in memory. Raises: Damaged."""
        block, at, begin = bytearray(), 0, first * block_size
        for segment in self._segments:
            at += segment.n_bytes
            skipped = max(0, begin - (at - segment.n_bytes))
            if skipped >= segment.n_bytes:
                continue
            for piece in self._made(segment, read_old, skipped):
                block += piece
                while len(block) >= block_size:
                    yield bytes(block[:block_size])
                    del block[:block_size]
        if block:
            yield bytes(block)

    def _made(self, segment: Segment, read_old: Reads, skipped: int) -> Iterator[bytes]:
        """A segment's bytes after the first `skipped`."""
        if segment.kind == Kind.COPY:
            for at in range(skipped, segment.n_bytes, SEGMENT):
                n_bytes = min(SEGMENT, segment.n_bytes - at)
                yield _exactly(read_old(segment.source + at, n_bytes), n_bytes)
            return
        self._file.seek(segment.packed_at)
        packed = _exactly(self._file.read(segment.n_packed), segment.n_packed)
        old = b"" if segment.kind == Kind.RAW else _exactly(read_old(segment.source, segment.n_bytes), segment.n_bytes)
        yield _unpacked(segment, packed, np.frombuffer(old, np.uint8))[skipped:]


def _segments(table: bytes, at: int) -> Iterator[Segment]:
    for code, n_bytes, source, n_packed in _SEGMENT.iter_unpack(table):
        if code not in Kind.__members__.values():
            raise Damaged(f"the delta: {code} is no kind of segment")
        kind = Kind(code)
        if n_bytes % _UNITS[kind] or (kind != Kind.COPY and (n_bytes > SEGMENT or n_packed > 4 * SEGMENT)):
            raise Damaged("the delta: a segment has a size that is not possible")
        yield Segment(kind, n_bytes, source, at, n_packed)
        at += n_packed


def _unpacked(segment: Segment, packed: bytes, old: U8) -> bytes:
    try:
        made = _stretched(packed, segment.n_bytes) if segment.kind == Kind.RAW else _UNPACK[segment.kind](packed, old)
    except (ValueError, IndexError, OSError, EOFError, zlib.error, lzma.LZMAError, struct.error) as error:
        raise Damaged(f"the delta: a segment cannot be read ({error})") from None
    return _exactly(made, segment.n_bytes)


def _exactly(data: bytes, n_bytes: int) -> bytes:
    if len(data) != n_bytes:
        raise Damaged(f"the delta: {len(data)} bytes where {n_bytes} are wanted")
    return data


# what is packed of a segment, by kind

def _pack_bytes(old: U8, new: U8) -> bytes:
    return _pack_wrong((new - old).view(np.int8))


def _unpack_bytes(packed: bytes, old: U8) -> bytes:
    return (old + _unpack_wrong(packed, len(old)).view(np.uint8)).tobytes()


def _pack_words(old: U8, new: U8) -> bytes:
    return _pack_wrong(np.ascontiguousarray((new - old).reshape(-1, 4).T).view(np.int8).reshape(-1))


def _unpack_words(packed: bytes, old: U8) -> bytes:
    difference = _unpack_wrong(packed, len(old)).view(np.uint8).reshape(4, -1).T.reshape(-1)
    return (old + difference).tobytes()


def _pack_q4_0(old: U8, new: U8) -> bytes:
    old_blocks, new_blocks = old.reshape(-1, 18), new.reshape(-1, 18)
    expected = _expected(_nibbles(old_blocks) - 8, old_blocks, new_blocks, -8, 7) + 8
    wrong = (_nibbles(new_blocks) - expected + 8 & 15) - 8
    return _with_scales(old_blocks, new_blocks, wrong)


def _unpack_q4_0(packed: bytes, old: U8) -> bytes:
    old_blocks = old.reshape(-1, 18)
    new_blocks, wrong = _from_scales(packed, old_blocks)
    nibbles = (_expected(_nibbles(old_blocks) - 8, old_blocks, new_blocks, -8, 7) + 8 + wrong & 15).astype(np.uint8)
    new_blocks[:, 2:] = nibbles[:, :16] | nibbles[:, 16:] << 4
    return new_blocks.tobytes()


def _pack_q8_0(old: U8, new: U8) -> bytes:
    old_blocks, new_blocks = old.reshape(-1, 34), new.reshape(-1, 34)
    expected = _expected(old_blocks[:, 2:].view(np.int8), old_blocks, new_blocks, -127, 127)
    return _with_scales(old_blocks, new_blocks, new_blocks[:, 2:].view(np.int8) - expected)


def _unpack_q8_0(packed: bytes, old: U8) -> bytes:
    old_blocks = old.reshape(-1, 34)
    new_blocks, wrong = _from_scales(packed, old_blocks)
    new_blocks[:, 2:] = (_expected(old_blocks[:, 2:].view(np.int8), old_blocks, new_blocks, -127, 127) + wrong).view(np.uint8)
    return new_blocks.tobytes()


def _nibbles(blocks: U8) -> npt.NDArray[np.int8]:
    """(n, 18) blocks of Q4_0 → (n, 32) numbers 0..15."""
    return np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).view(np.int8)


def _expected(
    numbers: npt.NDArray[np.int8], old_blocks: U8, new_blocks: U8, low: int, high: int,
) -> npt.NDArray[np.int8]:
    """The old blocks' weights, (n, 32), in steps of the new blocks' scales: as they would be if nothing had been learned."""
    old_scale, new_scale = _scales(old_blocks), _scales(new_blocks)
    with np.errstate(all="ignore"):                     # a new scale of zero: then anything will do, alike everywhere
        steps = numbers * old_scale
        steps /= new_scale
    np.rint(steps, out=steps)
    return np.clip(np.nan_to_num(steps, copy=False, posinf=high, neginf=low), low, high, out=steps).astype(np.int8)


def _scales(blocks: U8) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)


def _with_scales(old_blocks: U8, new_blocks: U8, wrong: npt.NDArray[np.int8]) -> bytes:
    """Scales as differences of their bit patterns, and after them what the prediction gets wrong."""
    difference = _patterns(new_blocks) - _patterns(old_blocks)
    low = difference.astype(np.int8)
    scales = _pack_wrong(np.concatenate([low, (difference - low >> 8).astype(np.int8)]))
    return struct.pack("<I", len(scales)) + scales + _pack_wrong(wrong.reshape(-1))


def _from_scales(packed: bytes, old_blocks: U8) -> tuple[U8, npt.NDArray[np.int8]]:
    """Returns: new blocks with only their scales set; (n, 32) corrections."""
    (n_scales,) = struct.unpack_from("<I", packed)
    low, high = _unpack_wrong(packed[4 : 4 + n_scales], 2 * len(old_blocks)).reshape(2, -1).astype(np.int16)
    blocks = np.empty_like(old_blocks)
    patterns = _patterns(old_blocks) + low + (high << 8)
    blocks[:, :2] = patterns.astype("<u2").view(np.uint8).reshape(-1, 2)
    return blocks, _unpack_wrong(packed[4 + n_scales:], BLOCK * len(old_blocks)).reshape(-1, BLOCK)


def _patterns(blocks: U8) -> npt.NDArray[np.int16]:
    return np.ascontiguousarray(blocks[:, :2]).view("<i2").reshape(-1).astype(np.int16)


# how numbers that are mostly zero are packed

_SPARSE, _DENSE = b"\0", b"\1"


def _pack_wrong(numbers: npt.NDArray[np.int8]) -> bytes:
    """int8 numbers, most of which are 0."""
    numbers = np.ascontiguousarray(numbers)
    dense = _DENSE + bz2.compress(numbers.tobytes(), 1)
    sparse = _SPARSE + _pack_sparse(numbers)
    return min(sparse, dense, key=len)


def _unpack_wrong(packed: bytes, n: int) -> npt.NDArray[np.int8]:
    """Raises: ValueError and others, on bytes that are not these."""
    if packed[:1] == _DENSE:
        numbers = np.frombuffer(bz2.BZ2Decompressor().decompress(packed[1:], n), np.int8)
        if len(numbers) != n:
            raise ValueError("too few numbers")
        return numbers
    return _unpack_sparse(packed[1:], n)


def _pack_sparse(numbers: npt.NDArray[np.int8]) -> bytes:
    """Distances between those that are not 0 (255 goes on into the next byte), signs, sizes less one."""
    places = np.flatnonzero(numbers)
    gaps = np.diff(places, prepend=-1) - 1
    whole = gaps // 255
    coded = np.full(len(gaps) + int(whole.sum()), 255, np.uint8)
    coded[np.cumsum(whole + 1) - 1] = gaps % 255
    values = numbers[places].astype(np.int16)
    signs = np.packbits(values < 0).tobytes()
    sizes = zlib.compress((np.abs(values) - 1).astype(np.uint8).tobytes(), 9)
    distances = _huffman(coded.tobytes())
    return struct.pack("<IIII", len(values), len(coded), len(distances), len(sizes)) + distances + sizes + signs


def _unpack_sparse(packed: bytes, n: int) -> npt.NDArray[np.int8]:
    n_values, n_coded, n_distances, n_sizes = struct.unpack_from("<IIII", packed)
    if n_values > n or n_coded > n_values + n // 255 + 1:
        raise ValueError("more corrections than weights")
    sizes_at = 16 + n_distances
    coded = np.frombuffer(_inflated(packed[16:sizes_at], n_coded, -15), np.uint8)
    sizes = np.frombuffer(_inflated(packed[sizes_at : sizes_at + n_sizes], n_values, 15), np.uint8).astype(np.int16) + 1
    negative = np.unpackbits(np.frombuffer(packed, np.uint8, offset=sizes_at + n_sizes), count=n_values).astype(bool)
    ends = np.flatnonzero(coded < 255)
    if len(ends) != n_values:
        raise ValueError("distances and corrections do not match")
    places = np.cumsum(coded, dtype=np.int64)[ends] + np.arange(n_values)
    numbers = np.zeros(n, np.int8)
    numbers[places] = np.where(negative, -sizes, sizes)
    return numbers


def _huffman(data: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)     # no runs are looked for: there are none
    return coder.compress(data) + coder.flush()


def _inflated(data: bytes, n: int, window: int) -> bytes:
    made = zlib.decompressobj(window).decompress(data, n) if n else b""
    if len(made) != n:
        raise ValueError("too few numbers")
    return made


_FILTERS: Final[list[dict[str, Any]]] = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": SEGMENT}]


def _squeezed(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_FILTERS)


def _stretched(packed: bytes, n_bytes: int) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS).decompress(packed, n_bytes)


_PACK: Final[dict[Kind, Callable[[U8, U8], bytes]]] = {
    Kind.BYTES: _pack_bytes, Kind.WORDS: _pack_words, Kind.Q4_0: _pack_q4_0, Kind.Q8_0: _pack_q8_0,
}
_UNPACK: Final[dict[Kind, Callable[[bytes, U8], bytes]]] = {
    Kind.BYTES: _unpack_bytes, Kind.WORDS: _unpack_words, Kind.Q4_0: _unpack_q4_0, Kind.Q8_0: _unpack_q8_0,
}
