"""The engine's own benchmark runs and returns what it promises; how fast is not tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.engine import bench, native
from ingle.engine.quant import DType
from tests.tiny import write_model

try:
    native.library()
except native.NoLibrary as error:
    pytest.skip(f"the C core is not there: {error}", allow_module_level=True)


def test_every_measurement_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_MATRIX", (64, 64))
    monkeypatch.setattr(bench, "AT_LEAST", 1)
    found = bench.measure(write_model(tmp_path / "tiny.gguf"), n_threads=1, budget_s=0)
    assert found["variant"] == native.variants()[0]
    assert {"memory.read_gb_s", "prefill.tok_s", "decode.tok_s", "attend.1024.us", "rms_norm.1536.us"} <= set(found)
    assert {f"{kind}.{dtype.name.lower()}" for kind in ("matvec", "matmul") for dtype in DType} <= {
        key.rpartition(".")[0] for key in found
    }
    assert all(isinstance(value, str) or value > 0 for value in found.values())
