"""The C kernels, each against numpy: every variant that this processor runs, every data type, odd sizes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine import native
from ingle.engine.native import Cache, Matrix, NoLibrary, aligned, check
from ingle.engine.quant import BLOCK, F32, DType, dequantize, quantize
from ingle.engine.reference import as_int8, attend, rms_norm, silu

try:
    VARIANTS = native.variants()
except NoLibrary as error:
    pytest.skip(f"the C core is not there: {error}", allow_module_level=True)

# How far a result may lie from numpy's, as a part of the largest there is. Integer dot products are exact; what is left
# is the order in which float32 are summed.
MATMUL_REL_TOL = 3e-6
NORM_REL_TOL = 2e-6
SWIGLU_REL_TOL = 1e-6
ATTEND_REL_TOL = 5e-6           # against numpy over the same keys and values, float16 or int8

KERNELS = Path(__file__).parent.parent / "engine" / "kernels"
BLOCKED = ("Q4_0", "Q4_1", "Q8_0")
variants = pytest.mark.parametrize("variant", VARIANTS)


def int8_activations(x: F32) -> F32:
    """What is left of activations after their rounding to int8 blocks: each to a step of largest / 127."""
    blocks = x.reshape(*x.shape[:-1], -1, BLOCK)
    scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale > np.finfo(np.float32).tiny)
    rounded: F32 = (np.rint(blocks * inverse) * scale).reshape(x.shape)
    return rounded


def matmul(variant: str, data: bytes, dtype: str, n_rows: int, x: F32) -> F32:
    n_tokens, n_cols = x.shape
    room = np.frombuffer(data, np.uint8)
    matrix = Matrix(room.ctypes.data, n_rows, n_cols, DType[dtype])
    lib = native.library()
    scratch = aligned(lib.ingle_matmul_scratch(ctypes.byref(matrix), n_tokens))
    y = np.full((n_tokens, n_rows), np.nan, np.float32)
    check(lib.ingle_matmul(
        variant.encode(), ctypes.byref(matrix), x.ctypes.data, n_tokens, y.ctypes.data, scratch.ctypes.data
    ))  # fmt: skip
    return y


def expected(data: bytes, dtype: str, n_rows: int, x: F32) -> F32:
    w = dequantize(data, dtype, (n_rows, x.shape[1])).astype(np.float64)
    seen = int8_activations(x) if dtype in BLOCKED else x
    return np.asarray(seen.astype(np.float64) @ w.T, np.float32)


def close(found: F32, wanted: F32, rel_tol: float) -> None:
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rel_tol * float(np.abs(wanted).max() or 1))


@variants
@pytest.mark.parametrize("dtype", [dtype.name for dtype in DType])
@pytest.mark.parametrize("n_rows", [1, 7, 16, 33, 100])
@pytest.mark.parametrize("n_tokens", [1, 2, 3, 8, 13])
def test_matmul(variant: str, dtype: str, n_rows: int, n_tokens: int) -> None:
    rng = np.random.default_rng(n_rows * 100 + n_tokens)
    for n_cols in (32, 96, 576) if dtype in BLOCKED else (1, 7, 33, 64, 1023):
        data = quantize(rng.normal(size=(n_rows, n_cols)), dtype)
        x = rng.normal(size=(n_tokens, n_cols)).astype(np.float32)
        close(matmul(variant, data, dtype, n_rows, x), expected(data, dtype, n_rows, x), MATMUL_REL_TOL)


@variants
@pytest.mark.parametrize("dtype", BLOCKED)
@pytest.mark.parametrize("n_tokens", [1, 5])
def test_matmul_at_the_ends_of_the_range(variant: str, dtype: str, n_tokens: int) -> None:
    """Nibbles and bytes of every value, -128 among them, times the largest activations: no 16-bit sum overflows."""
    rng = np.random.default_rng(3)
    n_rows, n_cols = 20, 64
    blocks = rng.integers(0, 256, (n_rows, n_cols // BLOCK, DType[dtype].block_bytes), np.uint8)
    blocks[:, :, 2:] = np.where(rng.random(blocks[:, :, 2:].shape) < 0.5, blocks[:, :, 2:], [[[0x80]]])
    blocks[0, :, 4:] = 0xFF if dtype != "Q8_0" else 0x80
    blocks[:, :, :2] = np.asarray([1.5], "<f2").view(np.uint8)
    if dtype == "Q4_1":
        blocks[:, :, 2:4] = np.asarray([-4.25], "<f2").view(np.uint8)
    x = np.where(rng.random((n_tokens, n_cols)) < 0.5, 7.0, -7.0).astype(np.float32)
    x[0] = 7
    data = blocks.tobytes()
    close(matmul(variant, data, dtype, n_rows, x), expected(data, dtype, n_rows, x), MATMUL_REL_TOL)


@variants
@pytest.mark.parametrize("dtype", BLOCKED)
@pytest.mark.parametrize("scale", [0.0, -0.0, 2.0**-24, -1.5, 65504.0])
def test_matmul_with_odd_scales(variant: str, dtype: str, scale: float) -> None:
    """Zero, negative, subnormal and the largest float16 scales are numbers like any other."""
    rng = np.random.default_rng(4)
    data = np.frombuffer(quantize(rng.normal(size=(5, 64)), dtype), np.uint8).reshape(5, 2, -1).copy()
    data[:, 1, :2] = np.asarray([scale], "<f2").view(np.uint8)
    x = rng.normal(size=(3, 64)).astype(np.float32)
    close(matmul(variant, data.tobytes(), dtype, 5, x), expected(data.tobytes(), dtype, 5, x), MATMUL_REL_TOL)


@variants
@pytest.mark.parametrize("dtype", BLOCKED)
@pytest.mark.parametrize("value", [0.0, 1e-42, 1e-37, -3.0, 1e30])
def test_matmul_with_odd_activations(variant: str, dtype: str, value: float) -> None:
    """A block of zeros has no scale to divide by; next to nothing counts as nothing."""
    data = quantize(np.random.default_rng(5).normal(size=(9, 64)), dtype)
    x = np.full((2, 64), value, np.float32)
    close(matmul(variant, data, dtype, 9, x), expected(data, dtype, 9, x), MATMUL_REL_TOL)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), variant=st.sampled_from(VARIANTS), dtype=st.sampled_from([dtype.name for dtype in DType]))
def test_matmul_of_any_shape(data: st.DataObject, variant: str, dtype: str) -> None:
    n_rows, n_tokens = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 40))
    n_cols = data.draw(st.integers(1, 8)) * BLOCK if dtype in BLOCKED else data.draw(st.integers(1, 200))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    weights = quantize(rng.normal(size=(n_rows, n_cols)), dtype)
    x = rng.normal(size=(n_tokens, n_cols)).astype(np.float32)
    close(matmul(variant, weights, dtype, n_rows, x), expected(weights, dtype, n_rows, x), MATMUL_REL_TOL)


@variants
@pytest.mark.parametrize("n", [1, 7, 16, 33, 576, 1023])
def test_rms_norm(variant: str, n: int) -> None:
    rng = np.random.default_rng(n)
    weight = rng.uniform(0.5, 1.5, n).astype(np.float32)
    for x in (rng.normal(size=n).astype(np.float32), np.zeros(n, np.float32)):
        y = np.empty(n, np.float32)
        arguments = (x.ctypes.data, weight.ctypes.data, 1e-5, y.ctypes.data, n)
        check(native.library().ingle_rms_norm(variant.encode(), *arguments))
        close(y, rms_norm(x[np.newaxis], weight, 1e-5)[0], NORM_REL_TOL)


@variants
@pytest.mark.parametrize("n", [1, 7, 16, 33, 1023])
def test_swiglu(variant: str, n: int) -> None:
    rng = np.random.default_rng(n)
    gate, up = rng.normal(size=(2, n), scale=4).astype(np.float32)
    gate[: min(n, 4)] = [-200, 200, 0, -88][: min(n, 4)]
    wanted = silu(gate) * up
    check(native.library().ingle_swiglu(variant.encode(), gate.ctypes.data, up.ctypes.data, n))
    close(gate, wanted, SWIGLU_REL_TOL)


@variants
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("head_dim", [2, 16, 40, 64, 128, 256])
@pytest.mark.parametrize(("n_past", "n_new"), [(0, 1), (0, 5), (15, 1), (16, 1), (13, 9), (130, 4)])
def test_attention(variant: str, int8: bool, head_dim: int, n_past: int, n_new: int) -> None:
    rng = np.random.default_rng(head_dim + n_past)
    n = n_past + n_new
    q = rng.normal(size=(1, n_new, head_dim), scale=3).astype(np.float32)
    k, v = (rng.normal(size=(1, n, head_dim), scale=2).astype(np.float16).astype(np.float32) for _ in "kv")
    k[0, 0] = 0                                         # a row without a scale
    stride = (head_dim + 15) // 16 * 16
    rooms = [np.full((n + 15) // 16 * 16 * stride, 99 if int8 else np.nan, np.int8 if int8 else np.float16) for _ in "kv"]
    scales = [np.full((n + 15) // 16 * 16, np.nan, np.float32) for _ in "kv"]   # what an earlier text left must not be seen
    cache = Cache(*(room.ctypes.data for room in rooms), *(each.ctypes.data if int8 else None for each in scales), n)
    lib = native.library()
    check(lib.ingle_remember(ctypes.byref(cache), head_dim, 0, n, k.ctypes.data, v.ctypes.data))
    rooms[1].reshape(-1, stride)[:n, head_dim:] = 0
    out = np.empty((n_new, head_dim), np.float32)
    arguments = (q.ctypes.data, ctypes.byref(cache), head_dim, n_past, n_new, out.ctypes.data)
    check(lib.ingle_attend(variant.encode(), *arguments))
    close(out, attend(q, as_int8(k), as_int8(v)) if int8 else attend(q, k, v), ATTEND_REL_TOL)


@variants
def test_the_peak_of_dot_products(variant: str) -> None:
    assert native.library().ingle_integer_peak(variant.encode(), 100) == 100 * 8 * 8 * lanes(variant)
    assert native.library().ingle_integer_peak(b"cray", 100) == 0


def lanes(variant: str) -> int:
    return 16 if variant.startswith("avx512") else 4 if variant.startswith("neon") else 8


def test_an_unknown_variant_is_refused() -> None:
    x = np.zeros(4, np.float32)
    with pytest.raises(native.NativeError, match="variant"):
        check(native.library().ingle_swiglu(b"cray", x.ctypes.data, x.ctypes.data, 4))


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C core with tests/kernels/check.c, built with the address and undefined-behaviour sanitizers."""
    compiler, cmake = shutil.which("gcc") or shutil.which("clang"), shutil.which("cmake")
    if compiler is None or cmake is None:
        pytest.skip("no C compiler, or no cmake")
    build = tmp_path_factory.mktemp("sanitized")
    source = KERNELS.parent.parent
    configure = [cmake, "-S", str(source), "-B", str(build), "-DINGLE_SANITIZE=ON", "-DINGLE_CHECK=ON"]
    subprocess.run([*configure, f"-DCMAKE_C_COMPILER={compiler}"], check=True, capture_output=True)
    subprocess.run([cmake, "--build", str(build), "--parallel", "2", "--target", "ingle_check"], check=True, capture_output=True)
    return build / "ingle_check"


@variants
def test_sanitizers_find_nothing(sanitized: Path, variant: str) -> None:
    run = subprocess.run([sanitized, variant], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
