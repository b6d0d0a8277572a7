"""A model in another data type says nearly the same, and still loads everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingle.engine import gguf
from ingle.engine.backend import choose
from ingle.engine.model import Model
from ingle.engine.quant import DType
from ingle.engine.requantize import main
from tests.tiny import write_model

REL_TOL = {"F32": 0.06, "F16": 0.06, "BF16": 0.06, "Q8_0": 0.08}   # activations are rounded for some types, for others not


@pytest.mark.parametrize("dtype", REL_TOL)
def test_the_scores_stay_near(tmp_path: Path, dtype: str) -> None:
    source, target = write_model(tmp_path / "in.gguf"), tmp_path / "out.gguf"
    assert main([str(source), str(target), dtype]) == 0
    wanted, found = (_scores(path) for path in (source, target))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=REL_TOL[dtype] * float(np.abs(wanted).max()))
    with gguf.read(target) as file:
        kinds = {tensor.dtype for tensor in file.tensors.values() if len(tensor.shape) == 2}
        assert kinds == {DType[dtype]}
        assert file.tensors["output_norm.weight"].dtype is DType.F32


def _scores(path: Path) -> np.ndarray:
    engine = choose(Model.open(path))
    return engine.logits(engine.prefill([1, 300, 12, 270], engine.state()))


def test_what_cannot_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(write_model(tmp_path / "in.gguf"))
    assert main([model, str(tmp_path / "out.gguf"), "Q5_K"]) == 1
    assert "Q5_K" in capsys.readouterr().err
    assert main([str(tmp_path / "absent.gguf"), model, "F16"]) == 1
    assert main([]) == 2
