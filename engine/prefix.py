"""A beginning that every prompt has, computed once and kept on disk beside the model.

    prefix.hold(engine, state, tokens, "model.gguf")    # the state then holds `tokens`, read or computed
    for token in generate(engine, rest, state=state): ...

A file `model.gguf.<digest of the tokens>.prefix` (little-endian):
    "INGLEPFX"  u32 version  u32 CRC-32 of the data  u64 bytes of data  32 bytes: SHA-256 of what it was computed from
    from byte 64 on the data: k, v and, for int8, their scales, of each head the positions up to a multiple of 16
It is mapped and copied into the state. One that is damaged, or of another model, is computed anew. Where nothing can be
written, nothing is kept, and all works as without.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .backend import Engine
from .native import Native, NativeState

MAGIC: Final = b"INGLEPFX"
VERSION: Final = 1
DATA_AT: Final = 64
KEPT: Final = 4                 # files a model, the newest: prompts change, and nobody else clears them away
_TILE: Final = 16               # positions that lie side by side, see kernels/ingle.h
_HEAD: Final = struct.Struct("<8sIIQ32s")

Bytes = npt.NDArray[np.uint8]

_log = logging.getLogger(__name__)


def hold(engine: Engine, state: Any, tokens: Sequence[int], model: str | os.PathLike[str]) -> bool:
    """Have an empty state hold `tokens`: from the file, else computed, and kept for the next time.

    Args: model: the path of the model's file, beside which it lies.
    Returns: whether it was there. Raises: ValueError: the state is not empty; else as `Engine.prefill`.
    """
    if state.n_past:
        raise ValueError(f"the state holds {state.n_past} tokens already")
    if not isinstance(engine, Native):
        engine.prefill(tokens, state)
        return False
    file = _file(Path(model), tokens, int8=state.int8)
    origin = _origin(engine, Path(model), tokens)
    if len(tokens) <= state.n_ctx and _restore(file, origin, engine, state, len(tokens)):
        return True
    engine.prefill(tokens, state)
    _keep(file, origin, _parts(engine, state, len(tokens)))
    return False


def _file(model: Path, tokens: Sequence[int], *, int8: bool) -> Path:
    digest = hashlib.sha256(np.asarray(tokens, "<i4").tobytes() + bytes([int8])).hexdigest()
    return model.with_name(f"{model.name}.{digest[:16]}.prefix")


def _origin(engine: Native, model: Path, tokens: Sequence[int]) -> bytes:
    """What it was computed from. A file is known by its size and time, as reading all of it would take too long."""
    about = model.stat()
    sizes = repr((about.st_size, about.st_mtime_ns, engine.model.config, list(tokens)))
    return hashlib.sha256(sizes.encode()).digest()


def _parts(engine: Native, state: NativeState, n_tokens: int) -> list[Bytes]:
    """The parts of a state's memory that hold the first tokens: (n_heads, n_bytes) each."""
    config = engine.model.config
    n_heads, room, n = config.n_layer * config.n_head_kv, _round_up(state.n_ctx), _round_up(n_tokens)
    size = 1 if state.int8 else 2
    rows = [(state.k, config.head_dim * size), (state.v, _round_up(config.head_dim) * size)]
    rows += [(state.k_scale, 4), (state.v_scale, 4)] if state.int8 else []
    return [memory[: n_heads * room * each].reshape(n_heads, -1)[:, : n * each] for memory, each in rows]


def _round_up(n: int) -> int:
    return (n + _TILE - 1) // _TILE * _TILE


def _restore(file: Path, origin: bytes, engine: Native, state: NativeState, n_tokens: int) -> bool:
    parts = _parts(engine, state, n_tokens)
    n_bytes = sum(part.size for part in parts)
    try:
        mapped: Bytes = np.memmap(file, np.uint8, mode="r")
    except (OSError, ValueError):               # ValueError: it is empty
        return False
    if mapped.size != DATA_AT + n_bytes:
        return False
    magic, version, crc, size, computed_from = _HEAD.unpack(mapped[: _HEAD.size].tobytes())
    data = mapped[DATA_AT:]
    if (magic, version, size, computed_from) != (MAGIC, VERSION, n_bytes, origin) or zlib.crc32(data.data) != crc:
        return False
    for part, begin in zip(parts, np.cumsum([0, *(part.size for part in parts)]), strict=False):
        part[:] = data[begin : begin + part.size].reshape(part.shape)
    state.n_past = n_tokens
    return True


def _keep(file: Path, origin: bytes, parts: Sequence[Bytes]) -> None:
    data = b"".join(part.tobytes() for part in parts)
    head = _HEAD.pack(MAGIC, VERSION, zlib.crc32(data), len(data), origin)
    temporary = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(head.ljust(DATA_AT, b"\0") + data)
        temporary.replace(file)
        _clear_away(file)
    except OSError as error:
        _log.info("the beginning of the prompt is not kept: %s", error)
    finally:
        _remove(temporary)


def _clear_away(file: Path) -> None:
    model = file.name.removesuffix(".prefix").rpartition(".")[0]
    others = [path for path in file.parent.glob("*.prefix") if path.name.startswith(f"{model}.")]
    for old in sorted(others, key=lambda path: path.stat().st_mtime_ns, reverse=True)[KEPT:]:
        _remove(old)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.info("%s cannot be removed: %s", path, error)
