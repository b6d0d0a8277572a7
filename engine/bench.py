"""How fast this machine runs the engine: each kernel for itself, then a whole model.

    measure("model.gguf") → {"variant": "avx512_vnni", "matvec.q4_0.gb_s": 24.1, …, "decode.tok_s": 980.0}

Every number is a median. Kernels run on one thread; `memory.read_gb_s` is what one thread reads at best, which a
matrix-vector product cannot outrun: `matvec.*.of_memory` is the part of it that each reaches. `integer.peak_gop_s` is what
its dot products of bytes reach in registers, which no matrix-matrix product over blocks can outrun.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from .backend import Engine, choose
from .endless import resident_bytes
from .interpreter import MODEL
from .model import Model
from .native import Cache, Matrix, Native, aligned, check, library, variants
from .power import Meter
from .quant import F32, DType, quantize

WARM_UP = 2
AT_LEAST = 5                    # runs of each measurement
PROMPT = 256                    # tokens of the prefill that is timed
DECODED = 64                    # tokens of the decoding that is timed
_MATRIX = (8192, 1024)          # larger than a core's own cache
_TOKENS = 64                    # of a matrix-matrix product
_POSITIONS, _HEAD_DIM = 1024, 64
_VECTOR = 1536
_ROUNDS = 100_000               # of dot products without memory
CONTEXT = 1024                  # tokens for which memory is told
SHORT = 16                      # tokens before the first that is written


def measure(
    path: str | os.PathLike[str] | None = None, *, n_threads: int | None = None, variant: str | None = None,
    budget_s: float = 0.2,
) -> dict[str, float | str]:
    """Args: path: a model file, None: the one Ingle ships; budget_s: time that each measurement may take, about.

    Raises: NoLibrary: the C core was not built; ModelFileError.
    """  # fmt: skip
    path = MODEL if path is None else path
    warm = [_first_token(path, n_threads) for _ in range(2)][-1]
    first = {"first_token.warm_ms": warm, "first_token.cold_ms": _first_token(path, n_threads, cold=True)}
    before = resident_bytes(field="RssAnon")
    engine = Native(Model.open(path), n_threads, variant=variant)
    timer = _Timer(budget_s)
    try:
        resident = _resident(engine, before)            # before the matrices that kernels are measured with
        kernels = {**_memory(timer), **_peak(timer, engine.variant), **_kernels(timer, engine.variant)}
        return {
            "variant": engine.variant,
            "threads": float(engine.n_threads),
            **first,
            **resident,
            **kernels,
            **_of_memory(kernels),
            **_model(timer, engine),
        }
    finally:
        engine.close()


def _first_token(path: str | os.PathLike[str], n_threads: int | None, *, cold: bool = False) -> float:
    """Milliseconds from a file that is not open to the scores after a short prompt; cold: not in the system's cache."""
    if cold and hasattr(os, "posix_fadvise"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    began = time.perf_counter()
    engine = Native(Model.open(path), n_threads)
    engine.logits(engine.prefill([index % engine.model.config.n_vocab for index in range(SHORT)], engine.state(CONTEXT)))
    taken = time.perf_counter() - began
    engine.close()
    return taken * 1e3


def _resident(engine: Native, before: int) -> dict[str, float]:
    """Memory with `CONTEXT` tokens held: the engine's own beyond the file's pages (with either kind of cache), and the
    process's peak, in MB."""
    n = min(CONTEXT, engine.model.config.n_ctx)
    state = engine.state(n)
    engine.prefill([index % engine.model.config.n_vocab for index in range(n)], state)
    own = resident_bytes(field="RssAnon") - before
    small = own - state.n_bytes + engine.state(n, int8=True).n_bytes
    peak = resident_bytes(field="VmHWM")
    return {"memory.engine_mb": max(own, 1) / 1e6, "memory.engine_int8_mb": max(small, 1) / 1e6, "memory.peak_mb": peak / 1e6}


def compare(*, budget_s: float = 0.1) -> dict[str, dict[str, float]]:
    """The kernels of every variant that this processor runs, side by side. Raises: NoLibrary."""
    return {variant: _kernels(_Timer(budget_s), variant) for variant in variants()}


class _Timer:
    def __init__(self, budget_s: float) -> None:
        self.budget_s = budget_s

    def __call__(self, work: Callable[[], object]) -> float:
        """Median seconds of a call, after a warm-up."""
        for _ in range(WARM_UP):
            work()
        taken: list[float] = []
        while len(taken) < AT_LEAST or sum(taken) < self.budget_s:
            began = time.perf_counter()
            work()
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)


def _memory(timer: _Timer) -> dict[str, float]:
    data = np.ones(64 << 17, np.uint64)                     # 64 MB
    return {"memory.read_gb_s": data.nbytes / timer(data.max) / 1e9}


def _of_memory(found: Mapping[str, float]) -> dict[str, float]:
    """Matrix-vector products as a part of what one thread can read."""
    speeds = [key for key in found if key.startswith("matvec.")]
    return {key.replace("gb_s", "of_memory"): found[key] / found["memory.read_gb_s"] for key in speeds}


def _peak(timer: _Timer, variant: str) -> dict[str, float]:
    lib = library()
    operations = lib.ingle_integer_peak(variant.encode(), _ROUNDS)
    return {"integer.peak_gop_s": operations / timer(lambda: lib.ingle_integer_peak(variant.encode(), _ROUNDS)) / 1e9}


def _kernels(timer: _Timer, variant: str) -> dict[str, float]:
    return {**_matmuls(timer, variant), **_vectors(timer, variant), **_attention(timer, variant)}


def _matmuls(timer: _Timer, variant: str) -> dict[str, float]:
    """Matrix-vector products by the bytes of weights they read, matrix-matrix products by multiplications and additions."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=_MATRIX).astype(np.float32)
    x = rng.normal(size=(_TOKENS, _MATRIX[1])).astype(np.float32)
    y = np.empty((_TOKENS, _MATRIX[0]), np.float32)
    found: dict[str, float] = {}
    for dtype in DType:
        data = np.frombuffer(quantize(weights, dtype), np.uint8)
        multiply = _multiplier(variant, Matrix(data.ctypes.data, *_MATRIX, dtype), x, y)
        found[f"matvec.{dtype.name.lower()}.gb_s"] = data.nbytes / timer(partial(multiply, 1)) / 1e9
        found[f"matmul.{dtype.name.lower()}.gop_s"] = 2 * weights.size * _TOKENS / timer(partial(multiply, _TOKENS)) / 1e9
    return found


def _multiplier(variant: str, matrix: Matrix, x: F32, y: F32) -> Callable[[int], None]:
    """A function of the number of tokens that multiplies so many of x."""
    lib = library()
    scratch = aligned(lib.ingle_matmul_scratch(ctypes.byref(matrix), len(x)))

    def multiply(n_tokens: int) -> None:
        check(lib.ingle_matmul(
            variant.encode(), ctypes.byref(matrix), x.ctypes.data, n_tokens, y.ctypes.data, scratch.ctypes.data
        ))  # fmt: skip

    return multiply


def _vectors(timer: _Timer, variant: str) -> dict[str, float]:
    lib = library()
    x, y = np.ones((2, _VECTOR), np.float32)
    norm = timer(lambda: lib.ingle_rms_norm(variant.encode(), x.ctypes.data, y.ctypes.data, 1e-5, y.ctypes.data, _VECTOR))
    gate = timer(lambda: lib.ingle_swiglu(variant.encode(), x.ctypes.data, y.ctypes.data, _VECTOR))
    return {f"rms_norm.{_VECTOR}.us": norm * 1e6, f"swiglu.{_VECTOR}.us": gate * 1e6}


def _attention(timer: _Timer, variant: str) -> dict[str, float]:
    """One head, one query, over a full cache."""
    rooms = [aligned(2 * _POSITIONS * _HEAD_DIM) for _ in "kv"]
    cache = Cache(rooms[0].ctypes.data, rooms[1].ctypes.data, None, None, _POSITIONS)
    q = np.ones((2, _HEAD_DIM), np.float32)
    arguments = (variant.encode(), q[0].ctypes.data, ctypes.byref(cache), _HEAD_DIM, _POSITIONS - 1, 1, q[1].ctypes.data)
    return {f"attend.{_POSITIONS}.us": timer(lambda: library().ingle_attend(*arguments)) * 1e6}


def speed(path: str | os.PathLike[str], *, budget_s: float = 0.2) -> dict[str, float | str]:
    """Of whatever engine the environment chooses, numpy or a device: whole models only.

    Raises: ModelFileError; BackendError, see `backend.choose`.
    """
    engine = choose(Model.open(path))
    return {"engine": type(engine).__name__, **_model(_Timer(budget_s), engine)}


def _model(timer: _Timer, engine: Engine) -> dict[str, float]:
    n_prompt = min(PROMPT, engine.model.config.n_ctx // 2)
    state = engine.state(n_prompt + DECODED)
    tokens = [index % engine.model.config.n_vocab for index in range(n_prompt)]

    def read() -> None:
        state.rewind()
        engine.prefill(tokens, state)

    def write() -> None:
        state.rewind(n_prompt)
        output = engine.step(tokens[-1], state)
        for _ in range(DECODED - 1):
            output = engine.step(int(np.argmax(engine.logits(output))), state)

    return {"prefill.tok_s": n_prompt / timer(read), "decode.tok_s": DECODED / timer(write), **_energy(write)}


def _energy(write: Callable[[], None]) -> dict[str, float]:
    """Joules of the whole machine for each decoded token; nothing where the machine does not tell."""
    meter = Meter.find()
    if meter is None:
        return {}
    write()
    return {f"decode.{meter.source}_joule_per_token": meter.joules(write) / DECODED}
