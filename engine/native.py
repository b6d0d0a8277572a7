"""The C core (engine/kernels/): the forward pass of `reference`, run in place on the file's bytes.

`Native` is to be used like `Reference`, which is its specification. ctypes lets go of the GIL while it computes.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import __path__ as package_path
from .model import Layer, Model, Weight
from .quant import F32
from .reference import ContextFull

VERSION = (3, 0)                # of engine/kernels/ingle.h that this was written for: major, minor
LIBRARY = ("libingle_kernels.so", "libingle_kernels.dylib", "ingle_kernels.dll")
MAX_THREADS = 64
USUAL_THREADS = 4               # more gain little on small models, and the house has other things to do
BATCH = 64                      # tokens of a prefill computed side by side
FEW_SCORES = 512                # so many are not worth waking the threads for

_POSITIONS = 16                 # of a tile of keys
_ALIGNMENT = 64                 # bytes


class NoLibrary(Exception):
    """The C core was not built, or not for this machine."""


class NativeError(Exception):
    """The C core refuses a model or an argument: a size or a type that its kernels do not take."""


_REFUSALS = {
    1: "a size or a type of the model is not one its kernels take",
    2: "the variant was not built or does not run on this processor",
    3: "the arena is too small",
    4: "the system gave no thread",
    5: "the tokens are none, unknown or too many",
    6: "the pack is damaged or of another version",
    7: "the answer is longer than the room for it",
}


class Matrix(ctypes.Structure):
    """`ingle_matrix`."""

    _fields_ = (
        ("data", ctypes.c_void_p), ("n_rows", ctypes.c_int64), ("n_cols", ctypes.c_int64), ("dtype", ctypes.c_int32),
    )  # fmt: skip

    @classmethod
    def of(cls, weight: Weight) -> Matrix:
        """Where a weight lies in the mapping."""
        tensor = weight.tensor
        return cls(tensor.data.ctypes.data, *tensor.shape, tensor.dtype)


_MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


class _Layer(ctypes.Structure):
    """`ingle_layer`."""

    _fields_ = (
        ("attn_norm", ctypes.c_void_p), ("ffn_norm", ctypes.c_void_p), *((name, Matrix) for name in _MATRICES),
    )  # fmt: skip

    @classmethod
    def of(cls, layer: Layer, attn_norm: F32, ffn_norm: F32) -> _Layer:
        matrices = {name: Matrix.of(getattr(layer, name)) for name in _MATRICES}
        return cls(attn_norm=attn_norm.ctypes.data, ffn_norm=ffn_norm.ctypes.data, **matrices)


_SIZES = ("n_embd", "n_layer", "n_ff", "n_head", "n_head_kv", "head_dim", "n_rot", "n_vocab")


class _Model(ctypes.Structure):
    """`ingle_model`."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _SIZES), ("rms_eps", ctypes.c_double), ("rope_freqs", ctypes.c_void_p),
        ("output_norm", ctypes.c_void_p), ("layers", ctypes.c_void_p), ("token_embd", Matrix), ("output", Matrix),
    )  # fmt: skip


class Cache(ctypes.Structure):
    """`ingle_cache`."""

    _fields_ = (
        ("k", ctypes.c_void_p), ("v", ctypes.c_void_p), ("k_scale", ctypes.c_void_p), ("v_scale", ctypes.c_void_p),
        ("n_ctx", ctypes.c_int64),
    )  # fmt: skip


@cache
def library() -> ctypes.CDLL:
    """The compiled library, loaded once. Raises: NoLibrary."""
    folders = [Path(folder) for folder in package_path]
    built = [folder / name for folder in folders for name in LIBRARY if (folder / name).exists()]
    if not built:
        raise NoLibrary("it was not built: a C compiler was missing when Ingle was installed")
    try:
        found = ctypes.CDLL(str(built[0]))
    except OSError as error:
        raise NoLibrary(f"{built[0].name} cannot be loaded ({error})") from None
    major, minor = version(found)[:2]
    if major != VERSION[0] or minor < VERSION[1]:
        raise NoLibrary(f"{built[0].name} is of another version; install Ingle again")
    return _typed(found)


def version(lib: ctypes.CDLL) -> tuple[int, int, int]:
    """Major, minor and patch of the C API; (0, 0, 0) before it had a version."""
    number = int(lib.ingle_version()) if hasattr(lib, "ingle_version") else 0
    return number >> 16, number >> 8 & 255, number & 255


def _typed(lib: ctypes.CDLL) -> ctypes.CDLL:
    p, size, i64, text, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "ingle_variant": (text, [number]),
        "ingle_arena_bytes": (size, [p, text, number, number]),
        "ingle_open": (number, [p, text, number, number, p, size, p]),
        "ingle_close": (None, [p]),
        "ingle_cache_elements": (size, [p, i64]),
        "ingle_cache_scales": (size, [p, i64]),
        "ingle_prefill": (number, [p, p, i64, p, i64, p]),
        "ingle_logits": (number, [p, p, p, i64, p]),
        "ingle_slide": (number, [p, p, i64, i64, i64]),
        "ingle_matmul": (number, [text, p, p, i64, p, p]),
        "ingle_matmul_scratch": (size, [p, i64]),
        "ingle_rms_norm": (number, [text, p, p, ctypes.c_double, p, i64]),
        "ingle_swiglu": (number, [text, p, p, i64]),
        "ingle_attend": (number, [text, p, p, i64, i64, i64, p]),
        "ingle_remember": (number, [p, i64, i64, i64, p, p]),
        "ingle_integer_peak": (i64, [text, i64]),
        "ingle_interpreter_bytes": (size, [p]),
        "ingle_interpreter_open": (number, [p, p, size, p]),
        "ingle_interpreter_close": (None, [p]),
        "ingle_interpret": (number, [p, text, size, number, p, size]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def variants() -> list[str]:
    """The kernels that this processor can run, best first. Raises: NoLibrary."""
    names: list[str] = []
    while (name := library().ingle_variant(len(names))) is not None:
        names.append(name.decode())
    return names


def usual_threads() -> int:
    """As many threads as there are processors for this process, up to a few."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, USUAL_THREADS)


def check(result: int) -> None:
    """Raises: NativeError: a call of the library did not return INGLE_OK."""
    if result:
        raise NativeError(f"the C core refused: {_REFUSALS.get(result, f'error {result}')}")


def aligned(n_bytes: int) -> npt.NDArray[np.uint8]:
    """Memory that begins on a cache line; the system provides its pages when they are first written."""
    room = np.zeros(n_bytes + _ALIGNMENT, np.uint8)
    return room[-room.ctypes.data % _ALIGNMENT :][:n_bytes]


class NativeState:
    """One running text: the keys and values of its tokens, allocated once for `n_ctx` of them.

    They are kept as float16, or, in half the room, as int8 with a float32 scale for each head's row of a token:
    `reference.as_int8` is its specification.
    """

    def __init__(self, n_elements: int, n_scales: int, n_ctx: int, *, int8: bool = False) -> None:
        self.n_ctx = n_ctx
        self.n_past = 0                                 # tokens held
        self.int8 = int8
        self.k, self.v = (aligned(n_elements * (1 if int8 else 2)) for _ in "kv")
        self.k_scale, self.v_scale = (aligned(4 * n_scales if int8 else 0) for _ in "kv")
        scales = (self.k_scale.ctypes.data, self.v_scale.ctypes.data) if int8 else (None, None)
        self.cache = Cache(self.k.ctypes.data, self.v.ctypes.data, *scales, n_ctx)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes when it is full."""
        return sum(room.nbytes for room in (self.k, self.v, self.k_scale, self.v_scale))

    def rewind(self, n_past: int = 0) -> None:
        """Forget all but the first `n_past` tokens."""
        self.n_past = min(self.n_past, n_past)


class Native:
    """Runs a model. States may be used side by side; calls from several threads wait for one another."""

    def __init__(self, model: Model, n_threads: int | None = None, *, variant: str | None = None) -> None:
        """Args: n_threads: the caller's own among them; None: `usual_threads`. variant: None: the best of `variants`.

        Raises: NoLibrary; NativeError: the model has sizes that the kernels do not take, or no such variant.
        """
        self.model = model
        self.n_threads = min(n_threads or usual_threads(), MAX_THREADS)
        self.variant = variant or variants()[0]
        self._lib = library()
        self._lock = threading.Lock()
        self._described = _Described(model)
        self._start(self.n_threads)

    def _start(self, n_threads: int) -> None:
        about = (ctypes.byref(self._described.model), self.variant.encode(), n_threads, BATCH)
        self._arena = aligned(self._lib.ingle_arena_bytes(*about))
        self._engine = ctypes.c_void_p()
        self._process = os.getpid()
        check(self._lib.ingle_open(*about, self._arena.ctypes.data, self._arena.size, ctypes.byref(self._engine)))

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """End the threads. Nothing can be computed after."""
        engine = getattr(self, "_engine", None)
        if engine and self._process == os.getpid():
            self._lib.ingle_close(engine)
        self._engine = ctypes.c_void_p()

    def state(self, n_ctx: int | None = None, *, int8: bool = False) -> NativeState:
        """An empty state for at most `n_ctx` tokens (never more than the model was made for).

        int8: keep keys and values in half the room, and a little less exactly.
        """
        n_ctx = min(n_ctx or self.model.config.n_ctx, self.model.config.n_ctx)
        about = (ctypes.byref(self._described.model), n_ctx)
        return NativeState(self._lib.ingle_cache_elements(*about), self._lib.ingle_cache_scales(*about), n_ctx, int8=int8)

    def step(self, token: int, state: NativeState) -> F32:
        """Feed one token. Returns: as `prefill`. Raises: as `prefill`."""
        return self.prefill([token], state)

    def prefill(self, tokens: Sequence[int], state: NativeState) -> F32:
        """Feed tokens after those the state holds.

        Returns: (n_embd,), the last token's normed output, which `logits` reads.
        Raises: ContextFull; ValueError: no token, or one that is not in the vocabulary.
        """
        ids = _ids(tokens, self.model.config.n_vocab)
        if state.n_past + ids.size > state.n_ctx:
            raise ContextFull(f"{ids.size} tokens more than the {state.n_past} of {state.n_ctx} held have no room")
        output = np.empty(self.model.config.n_embd, np.float32)
        with self._lock:
            check(self._lib.ingle_prefill(
                self._running(), ids.ctypes.data, ids.size, ctypes.byref(state.cache), state.n_past, output.ctypes.data
            ))  # fmt: skip
        state.n_past += ids.size
        return output

    def logits(self, output: F32, ids: npt.NDArray[np.integer[Any]] | None = None) -> F32:
        """Scores of the next token: of all (n_vocab,), or of `ids` only, which costs only their rows."""
        output = np.ascontiguousarray(output, np.float32)
        if output.shape != (self.model.config.n_embd,):
            raise ValueError(f"the output has the shape {output.shape}, not that of a prefill")
        wanted = None if ids is None else _ids(ids, self.model.config.n_vocab)
        scores = np.empty(self.model.config.n_vocab if wanted is None else wanted.size, np.float32)
        where = None if wanted is None else wanted.ctypes.data
        with self._lock:
            check(self._lib.ingle_logits(self._running(), output.ctypes.data, where, scores.size, scores.ctypes.data))
        return scores

    def slide(self, state: NativeState, n_pinned: int, n_dropped: int) -> None:
        """Forget `n_dropped` tokens after the first `n_pinned`; the later ones move up to them.

        Their keys are turned back by as many positions, so a text may go on for ever in the room of `n_ctx`: with a
        few pinned tokens as attention sinks (arXiv:2309.17453). Raises: ValueError: the state holds fewer.
        """
        if not 0 <= n_dropped <= state.n_past - n_pinned or n_pinned < 0:
            raise ValueError(f"{n_pinned} pinned and {n_dropped} dropped are not among the {state.n_past} held")
        with self._lock:
            cache = ctypes.byref(state.cache)
            check(self._lib.ingle_slide(self._running(), cache, state.n_past, n_pinned, n_dropped))
        state.n_past -= n_dropped

    def _running(self) -> ctypes.c_void_p:
        """The engine; started anew in a process that was forked off, where its threads are missing."""
        if self._process != os.getpid():
            self._start(self.n_threads)
        if not self._engine:
            raise NativeError("it was closed")
        return self._engine


def _ids(tokens: Sequence[int] | npt.NDArray[np.integer[Any]], n_vocab: int) -> npt.NDArray[np.int32]:
    ids = np.asarray(tokens, np.int64)
    if ids.ndim != 1 or not ids.size or ids.min() < 0 or ids.max() >= n_vocab:
        raise ValueError("tokens must be at least one, each in the vocabulary")
    return ids.astype(np.int32)


class _Described:
    """A model as the library sees it, and what keeps its memory alive."""

    def __init__(self, model: Model) -> None:
        config = model.config
        self.freqs = np.ascontiguousarray(model.rope_freqs)
        self.norms = [(_floats(layer.attn_norm), _floats(layer.ffn_norm)) for layer in model.layers]
        self.output_norm = _floats(model.output_norm)
        layers = [_Layer.of(layer, *norms) for layer, norms in zip(model.layers, self.norms, strict=True)]
        self.layers = (_Layer * config.n_layer)(*layers)
        self.model = _Model(
            **{name: getattr(config, name) for name in _SIZES}, rms_eps=config.rms_eps,
            rope_freqs=self.freqs.ctypes.data, output_norm=self.output_norm.ctypes.data,
            layers=ctypes.addressof(self.layers), token_embd=Matrix.of(model.token_embd), output=Matrix.of(model.output),
        )  # fmt: skip


def _floats(values: F32) -> F32:
    return np.require(values, np.float32, ["C_CONTIGUOUS", "ALIGNED"])
