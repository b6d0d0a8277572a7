"""GGUF files: named metadata and tensors, read in place by mmap, and written.

Layout (all little-endian; https://github.com/ggml-org/ggml/blob/master/docs/gguf.md):
    "GGUF"  u32 version  u64 n_tensors  u64 n_metadata
    n_metadata × (string key, u32 type, value)         string: u64 n_bytes, UTF-8; array: u32 type, u64 n, values
    n_tensors  × (string name, u32 n_dims, u64 dims[n_dims] innermost first, u32 dtype, u64 offset)
    padding to `general.alignment` (32), then the tensors' data; an offset counts from there.

Every count, length, offset and size is checked against what the file holds before it is used, so a broken file costs an
error, never memory: `ModelFileError` names the file, the field and the cure.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from .quant import DType, row_bytes

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32
MAX_ALIGNMENT = 1 << 16
MAX_DIMS = 4
MAX_NAME_BYTES = 1024       # of a key or a tensor's name; llama.cpp allows 64 for a tensor

_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _UINT64, _INT64 = 4, 5, 6, 7, 8, 9, 10, 11
_SCALARS: dict[int, np.dtype[Any]] = {
    0: np.dtype("<u1"), 1: np.dtype("<i1"), 2: np.dtype("<u2"), 3: np.dtype("<i2"), _UINT32: np.dtype("<u4"),
    _INT32: np.dtype("<i4"), _FLOAT32: np.dtype("<f4"), _BOOL: np.dtype("?"), _UINT64: np.dtype("<u8"),
    _INT64: np.dtype("<i8"), 12: np.dtype("<f8"),
}
_CODE_OF = {dtype: code for code, dtype in _SCALARS.items()}

Value = str | bool | int | float | Sequence[str] | npt.NDArray[Any] | Sequence[int] | Sequence[float]
TensorData = bytes | bytearray | memoryview | npt.NDArray[Any]


class ModelFileError(Exception):
    """A model file that cannot be used: what is wrong, where, and what to do about it."""

    def __init__(self, where: str, problem: str, cure: str = "fetch or export the file again") -> None:
        super().__init__(f"{where}: {problem}; {cure}")
        self.where = where
        self.problem = problem
        self.cure = cure


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file. `shape` is numpy's, outermost first: (n_rows, n_cols) of a matrix y = W x."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    data: npt.NDArray[np.uint8]     # its bytes, in the mapping
    offset: int = 0                 # of these bytes in the file


class GGUFFile:
    """An open file: `metadata` (arrays of numbers as numpy arrays, of strings as lists) and `tensors` by name."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Map `path` and read its header. Raises: ModelFileError."""
        self.path = Path(path)
        header = _Header(_map(self.path), str(self.path))
        n_tensors, n_metadata = header.counts()
        self.metadata: dict[str, Any] = header.metadata(n_metadata)
        self.tensors: dict[str, TensorInfo] = header.tensors(n_tensors, _alignment(self.metadata, header))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the mapping: at once, or when the last array that reads from it goes."""
        self.tensors = {}


def read(path: str | os.PathLike[str]) -> GGUFFile:
    """Open a GGUF file, version 2 or 3, little-endian. Raises: ModelFileError."""
    return GGUFFile(path)


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise ModelFileError(str(path), "there is no such file", "check the path") from None
    except ValueError:
        raise ModelFileError(str(path), "the file is empty") from None
    except OSError as error:
        raise ModelFileError(str(path), f"cannot be read ({error.strerror})", "check its permissions") from None


def _alignment(metadata: Mapping[str, Any], header: _Header) -> int:
    value = metadata.get("general.alignment", ALIGNMENT)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise header.error("general.alignment", f"{value!r} is not a power of two up to {MAX_ALIGNMENT}")
    return value


class _Header:
    """A cursor over the header; each read first checks that the file holds that much."""

    def __init__(self, mapping: mmap.mmap, path: str) -> None:
        self.mapping = mapping
        self.data = memoryview(mapping)
        self.path = path
        self.at = 0

    def error(self, field: str, problem: str, cure: str = "fetch or export the file again") -> ModelFileError:
        return ModelFileError(f"{self.path}: {field}", problem, cure)

    def take(self, n_bytes: int, field: str) -> memoryview:
        if n_bytes > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise self.error(field, f"needs {n_bytes} bytes at offset {self.at}, the file has {left} left")
        self.at += n_bytes
        return self.data[self.at - n_bytes : self.at]

    def u32(self, field: str) -> int:
        return int.from_bytes(self.take(4, field), "little")

    def u64(self, field: str) -> int:
        return int.from_bytes(self.take(8, field), "little")

    def string(self, field: str, limit: int | None = None) -> str:
        n_bytes = self.u64(field)
        if limit is not None and n_bytes > limit:
            raise self.error(field, f"is {n_bytes} bytes long, at most {limit} are allowed")
        try:
            return str(self.take(n_bytes, field), "utf-8")
        except UnicodeDecodeError:
            raise self.error(field, "is not UTF-8") from None

    def counts(self) -> tuple[int, int]:
        """Read the fixed head. Returns: (n_tensors, n_metadata), each possible in a file of this size."""
        if bytes(self.take(4, "magic")) != MAGIC:
            raise self.error("magic", "this is not a GGUF file", "convert the model to GGUF")
        version = self.u32("version")
        if version and not version & 0xFFFF:
            raise self.error("version", "the file is big-endian", "convert it to little-endian")
        if version not in (2, VERSION):
            raise self.error("version", f"{version} is not 2 or 3", "convert the model with a current tool")
        return self.count("tensor count", 24), self.count("metadata count", 13)

    def count(self, field: str, min_bytes_each: int) -> int:
        n = self.u64(field)
        left = len(self.data) - self.at
        if n * min_bytes_each > left:
            raise self.error(field, f"{n} do not fit into the {left} bytes left")
        return n

    def metadata(self, n: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index in range(n):
            key = self.string(f"metadata key {index}", MAX_NAME_BYTES)
            if key in found:
                raise self.error(key, "occurs twice")
            found[key] = self.value(key, self.u32(key))
        return found

    def value(self, key: str, code: int) -> Any:
        if code == _STRING:
            return self.string(key)
        if code == _ARRAY:
            return self.array(key)
        return self.numbers(key, code, 1)[0].item()

    def array(self, key: str) -> list[str] | npt.NDArray[Any]:
        code = self.u32(key)
        if code == _STRING:
            return self.strings(key)
        return self.numbers(key, code, self.u64(key))

    def strings(self, key: str) -> list[str]:
        """As `string`, many times: a vocabulary has some hundred thousand, and they are most of what opening a file takes."""
        n, at = self.count(key, 8), self.at
        found: list[str] = []
        length_at, mapping = struct.Struct("<Q").unpack_from, self.mapping
        try:
            for _ in range(n):
                begin = at + 8
                (n_bytes,) = length_at(mapping, at)
                at = begin + n_bytes
                if at > len(mapping):
                    raise self.error(key, f"needs {n_bytes} bytes at offset {begin}, the file has {len(mapping) - begin} left")
                found.append(mapping[begin:at].decode())
        except struct.error:
            raise self.error(key, f"needs 8 bytes at offset {at}, the file has {len(mapping) - at} left") from None
        except UnicodeDecodeError:
            raise self.error(key, "is not UTF-8") from None
        self.at = at
        return found

    def numbers(self, key: str, code: int, n: int) -> npt.NDArray[Any]:
        dtype = _SCALARS.get(code)
        if dtype is None:
            raise self.error(key, f"has value type {code}, which is not read here")
        if code == _BOOL:  # any other byte than 0 and 1 would be undefined as a numpy bool
            return np.asarray(np.frombuffer(self.take(n, key), np.uint8) != 0)
        return np.frombuffer(self.take(n * dtype.itemsize, key), dtype)

    def tensors(self, n: int, alignment: int) -> dict[str, TensorInfo]:
        heads = [self.tensor_head(index, alignment) for index in range(n)]
        base = _aligned(self.at, alignment)
        found: dict[str, TensorInfo] = {}
        end = 0
        for name, dtype, shape, offset in sorted(heads, key=lambda head: head[3]):
            if name in found:
                raise self.error(name, "occurs twice")
            if offset < end:
                raise self.error(name, f"its offset {offset} lies inside another tensor, which ends at {end}")
            end = offset + n_bytes_of(dtype, shape)
            if base + end > len(self.data):
                raise self.error(name, f"its data ends at byte {base + end}, the file at {len(self.data)}")
            data = np.frombuffer(self.data[base + offset : base + end], np.uint8)
            found[name] = TensorInfo(name, dtype, shape, data, base + offset)
        return {name: found[name] for name, *_ in heads}

    def tensor_head(self, index: int, alignment: int) -> tuple[str, DType, tuple[int, ...], int]:
        name = self.string(f"tensor name {index}", MAX_NAME_BYTES)
        n_dims = self.u32(name)
        if not 1 <= n_dims <= MAX_DIMS:
            raise self.error(name, f"has {n_dims} dimensions, 1 to {MAX_DIMS} are allowed")
        dims = tuple(self.u64(name) for _ in range(n_dims))
        code, offset = self.u32(name), self.u64(name)
        try:
            dtype = DType(code)
        except ValueError:
            known = ", ".join(dtype.name for dtype in DType)
            raise self.error(name, f"has data type {code}", f"convert the model to one of {known}") from None
        if 0 in dims:
            raise self.error(name, f"has an empty dimension: {list(dims)}")
        if dims[0] % dtype.block_weights:
            raise self.error(name, f"rows of {dims[0]} weights are no {dtype.name} blocks of {dtype.block_weights}")
        if offset % alignment:
            raise self.error(name, f"its offset {offset} is not a multiple of {alignment}")
        return name, dtype, dims[::-1], offset


def _aligned(n: int, alignment: int) -> int:
    return (n + alignment - 1) // alignment * alignment


def n_bytes_of(dtype: DType, shape: Sequence[int]) -> int:
    """Size in bytes of a tensor of `shape` (numpy's order)."""
    return prod(shape[:-1]) * row_bytes(dtype, shape[-1])


def write(
    path: str | os.PathLike[str],
    metadata: Mapping[str, Value],
    tensors: Iterable[tuple[str, DType | str, Sequence[int], TensorData]],
) -> None:
    """Write a GGUF v3 file, whole or not at all (a temporary file beside it is renamed at the end).

    Args:
        metadata: str, bool, int (uint32; int32 or 64 bits where it does not fit), float (float32), lists of one of
            these, or numpy arrays, whose dtype is kept. A list of int is int32, as llama.cpp wants `token_type`.
        tensors: (name, dtype such as "Q4_0", shape in numpy's order, bytes as `quant.quantize` returns them).
    Raises: ValueError: a size that does not match its shape, a doubled name, or a value GGUF has no type for.
    """
    path = Path(path)
    items = [(name, DType.of(dtype), tuple(map(int, shape)), _raw(data)) for name, dtype, shape, data in tensors]
    _check_tensors(items)
    alignment = int(metadata.get("general.alignment", ALIGNMENT))  # type: ignore[arg-type]
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            _write_header(file, metadata, items, alignment)
            for *_, data in items:
                file.write(bytes(-file.tell() % alignment))
                file.write(data)
            file.write(bytes(-file.tell() % alignment))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


_Item = tuple[str, DType, tuple[int, ...], memoryview]


def _raw(data: TensorData) -> memoryview:
    return np.ascontiguousarray(data).data.cast("B") if isinstance(data, np.ndarray) else memoryview(data).cast("B")


def _check_tensors(items: Sequence[_Item]) -> None:
    if len({name for name, *_ in items}) < len(items):
        raise ValueError("two tensors have the same name")
    for name, dtype, shape, data in items:
        if not 1 <= len(shape) <= MAX_DIMS or shape[-1] % dtype.block_weights:
            raise ValueError(f"{name}: {shape} cannot be a {dtype.name} tensor")
        if len(data) != n_bytes_of(dtype, shape):
            raise ValueError(f"{name}: {len(data)} bytes given, {dtype.name} {shape} has {n_bytes_of(dtype, shape)}")


def _write_header(file: BinaryIO, metadata: Mapping[str, Value], items: Sequence[_Item], alignment: int) -> None:
    file.write(MAGIC + struct.pack("<IQQ", VERSION, len(items), len(metadata)))
    for key, value in metadata.items():
        file.write(_string(key) + _value(key, value))
    offset = 0
    for name, dtype, shape, data in items:
        file.write(_string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1]))
        file.write(struct.pack("<IQ", dtype, offset))
        offset = _aligned(offset + len(data), alignment)
    file.write(bytes(-file.tell() % alignment))


def _string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(key: str, value: Value) -> bytes:
    """A value with its type code before it."""
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    if isinstance(value, bool | int | float | np.generic):
        array = _scalar(value)
        return struct.pack("<I", _code(key, array)) + array.tobytes()
    if len(value) and isinstance(value[0], str):
        return struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(_string(str(item)) for item in value)
    array = _numbers(value)
    return struct.pack("<IIQ", _ARRAY, _code(key, array), len(array)) + array.tobytes()


def _scalar(value: bool | int | float | np.generic) -> npt.NDArray[Any]:
    if isinstance(value, np.generic | bool):
        return np.asarray(value)
    if isinstance(value, float):
        return np.asarray(value, "<f4")
    small = np.uint32 if value >= 0 else np.int32
    fits = np.iinfo(small).min <= value <= np.iinfo(small).max
    return np.asarray(value, small if fits else np.int64)


def _numbers(values: Any) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if isinstance(values, np.ndarray):
        return array
    if array.dtype == np.float64:
        return array.astype("<f4")
    if array.dtype == np.int64 and array.size and np.abs(array).max() < 1 << 31:
        return array.astype("<i4")
    return array


def _code(key: str, array: npt.NDArray[Any]) -> int:
    code = _CODE_OF.get(array.dtype.newbyteorder("<"))
    if code is None or array.ndim > 1:
        raise ValueError(f"{key}: GGUF has no type for {array.dtype} with {array.ndim} dimensions")
    return code
