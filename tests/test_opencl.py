"""Matmuls on an OpenCL device (here PoCL's processor): what numpy computes, for every type and any size."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ingle.engine import backend
from ingle.engine.backend import BackendError, choose
from ingle.engine.gguf import TensorInfo
from ingle.engine.model import Model
from ingle.engine.opencl import Device, DeviceWeight, NoDevice, OpenCL
from ingle.engine.quant import BLOCK, DType, dequantize, quantize
from ingle.engine.reference import Reference
from tests.tiny import write_model

REL_TOL = 1e-5                  # of the largest result: the order of sums
TOKENS = [1, 300, 12, 270, 5, 299, 12]


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    try:
        yield Device()
    except NoDevice as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("dtype", DType, ids=lambda dtype: dtype.name)
def test_matmul(device: Device, dtype: DType) -> None:
    rng = np.random.default_rng(dtype)
    for n_cols in (32, 96) if dtype.block_weights == BLOCK else (1, 7, 33, 64):
        for n_rows, n_tokens in ((1, 1), (33, 2), (16, 13)):
            data = np.frombuffer(quantize(rng.normal(size=(n_rows, n_cols)), dtype), np.uint8)
            x = rng.normal(size=(n_tokens, n_cols)).astype(np.float32)
            wanted = x @ dequantize(data, dtype, (n_rows, n_cols)).T
            found = DeviceWeight(device, TensorInfo("w", dtype, (n_rows, n_cols), data))(x)
            np.testing.assert_allclose(found, wanted, rtol=0, atol=REL_TOL * float(np.abs(wanted).max()))


def test_a_whole_model(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model.open(write_model(tmp_path / "tiny.gguf", untied=True))
    monkeypatch.setenv(backend.ENVIRONMENT, "opencl")
    engine = choose(model)
    assert isinstance(engine, OpenCL)
    wanted_by = Reference(model)
    wanted, found = (run.logits(run.prefill(TOKENS, run.state())) for run in (wanted_by, engine))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=10 * REL_TOL * float(np.abs(wanted).max()))


def test_without_the_package_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopencl", None)
    monkeypatch.setenv(backend.ENVIRONMENT, "opencl")
    with pytest.raises(BackendError, match=r"pip install 'ingle\[opencl\]'"):
        choose(Model.open(write_model(tmp_path / "tiny.gguf")))
