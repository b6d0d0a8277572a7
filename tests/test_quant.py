"""Blocks of weights: errors stay within a step, bytes are ggml's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine.quant import DType, dequantize, quantize, row_bytes

# How far a weight may move, as a part of the largest weight of its block: half a step, and the scale's rounding to
# float16. (Q4_0 reaches -8 but only +7 steps, so the far end may lose a whole step.)
TOLERANCE = {
    "F32": 0.0,
    "F16": 2**-11,
    "BF16": 2**-8,
    "Q4_0": 1 / 8 + 0.005,
    "Q4_1": 1 / 15 + 0.005,
    "Q8_0": 0.5 / 127 + 0.001,
}


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("blocks", [1, 7, 33])
def test_a_round_trip_moves_no_weight_by_more_than_its_step(dtype: str, blocks: int) -> None:
    weights = np.random.default_rng(blocks).normal(size=(3, 32 * blocks)).astype(np.float32)
    data = quantize(weights, dtype)
    assert len(data) == 3 * row_bytes(DType[dtype], 32 * blocks)
    back = dequantize(data, dtype, weights.shape)
    largest = np.abs(weights).reshape(3, blocks, 32).max(axis=2).repeat(32, axis=1)
    assert (np.abs(back - weights) <= TOLERANCE[dtype] * largest).all()


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_what_was_decoded_encodes_to_the_same_weights(dtype: str) -> None:
    once = dequantize(quantize(np.linspace(-3, 2, 64), dtype), dtype, (64,))
    twice = dequantize(quantize(once, dtype), dtype, (64,))
    np.testing.assert_allclose(twice, once, rtol=2**-10, atol=2e-3)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("value", [0.0, 1e-38, -1e-12, 1.5, -2.0])
def test_a_block_of_one_value_has_no_division_by_zero(dtype: str, value: float) -> None:
    back = dequantize(quantize(np.full(32, value), dtype), dtype, (32,))
    np.testing.assert_allclose(back, value, rtol=0.01, atol=1e-7)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
def test_the_bytes_are_those_of_the_gguf_package(dtype: str) -> None:
    oracle = pytest.importorskip("gguf.quants")
    from gguf import GGMLQuantizationType

    weights = np.random.default_rng(5).normal(size=(16, 96)).astype(np.float32)
    weights[3] = 0
    theirs = oracle.quantize(weights, GGMLQuantizationType[dtype])
    assert quantize(weights, dtype) == theirs.tobytes()
    decoded = oracle.dequantize(theirs, GGMLQuantizationType[dtype])
    np.testing.assert_array_equal(dequantize(theirs.tobytes(), dtype, weights.shape), decoded)


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=32, max_size=32), st.sampled_from(list(TOLERANCE)))
def test_any_finite_block_survives(values: list[float], dtype: str) -> None:
    weights = np.asarray(values, np.float32)
    spread = np.abs(weights).max() * (2 if dtype == "Q4_1" else 1)  # its steps span from the least to the largest
    back = dequantize(quantize(weights, dtype), dtype, (32,))
    assert (np.abs(back - weights) <= TOLERANCE[dtype] * spread + 1e-6).all()


BAD = [np.ones(31), np.full(32, np.nan), np.full(32, np.inf), np.full(32, 1e8), np.float32(1)]


@pytest.mark.parametrize("weights", BAD)
def test_what_cannot_be_encoded_is_refused(weights: npt.NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"block|finite|large"):
        quantize(weights, "Q4_0")


def test_unknown_types_and_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="Q4_0"):
        quantize(np.ones(32), "Q6_K")
    with pytest.raises(ValueError, match="18 bytes"):
        dequantize(bytes(18), "Q4_0", (2, 32))
