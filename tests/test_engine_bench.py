"""The engine's own benchmark runs and returns what it promises; how fast is not tested."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingle.app.cli import main
from ingle.engine import against, bench, endless, native
from ingle.engine.plot import svg
from ingle.engine.power import Meter
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


def test_the_command_prints_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "_MATRIX", (64, 64))
    monkeypatch.setattr(bench, "AT_LEAST", 1)
    monkeypatch.setattr(bench._Timer, "__init__", lambda self, budget_s: setattr(self, "budget_s", 0))
    model = write_model(tmp_path / "tiny.gguf")
    assert main(["bench", "--engine", "--json", "--model", str(model), "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    keys = {"prefill.tok_s", "decode.tok_s", "memory.peak_mb", "memory.engine_mb", "first_token.cold_ms", "machine", "model"}
    assert keys <= set(found)
    assert main(["bench", "--engine", "--model", str(tmp_path / "absent.gguf")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_another_engine_is_measured_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "AT_LEAST", 1)
    monkeypatch.setattr(bench._Timer, "__init__", lambda self, budget_s: setattr(self, "budget_s", 0))
    monkeypatch.setattr(bench, "DECODED", 4)
    monkeypatch.setenv("INGLE_ENGINE", "numpy")
    model = str(write_model(tmp_path / "tiny.gguf"))
    assert main(["bench", "--engine", "--json", "--model", model]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["engine"] == "Reference"
    assert found["decode.tok_s"] > 0
    monkeypatch.setenv("INGLE_ENGINE", "abacus")
    assert main(["bench", "--engine", "--model", model]) == 1
    assert "abacus" in capsys.readouterr().err


# ---- a conversation of many turns ----


def test_many_turns_are_measured_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, plot = write_model(tmp_path / "tiny.gguf"), tmp_path / "turns.svg"
    arguments = ["--model", str(model), "--threads", "1", "--plot", str(plot), "--json"]
    assert main(["bench", "--endless", "150", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["endless.turns"] == 150
    assert found["endless.resident_last_mb"] < found["endless.resident_first_mb"] + 8
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")


def test_memory_is_read_where_linux_tells_it(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tingle\nVmRSS:\t  1234 kB\n")
    assert endless.resident_bytes(status) == 1234 * 1024
    assert endless.resident_bytes(status, "VmHWM") == 0
    assert endless.resident_bytes(tmp_path / "absent") == 0


def test_a_plot_wants_lines_of_one_length() -> None:
    assert svg("a < b", "turns", [1, 2], {"y": [0, 0]}).count("polyline") == 1
    for x, y in (([1.0], [1.0]), ([1.0, 2.0], [1.0])):
        with pytest.raises(ValueError, match="as many points"):
            svg("t", "turns", x, {"y": y})


# ---- energy ----


def test_energy_is_read_from_the_counters_even_when_they_start_anew(tmp_path: Path) -> None:
    for name, used, most in (("intel-rapl:0", 900, 1000), ("intel-rapl:1", 5, 1000), ("intel-rapl:0:0", 7, 10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{used}\n")
        (tmp_path / name / "max_energy_range_uj").write_text(f"{most}\n")
    meter = Meter.find(tmp_path, tmp_path)
    assert meter is not None
    assert meter.source == "rapl"

    def work() -> None:
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("100\n")
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text("55\n")

    assert meter.joules(work) == pytest.approx((200 + 50) / 1e6)


def test_energy_is_read_from_a_battery_that_is_in_use(tmp_path: Path) -> None:
    battery = tmp_path / "BAT0"
    battery.mkdir()
    (battery / "power_now").write_text("2000000\n")
    (battery / "status").write_text("Charging\n")
    assert Meter.find(tmp_path, tmp_path) is None
    (battery / "status").write_text("Discharging\n")
    meter = Meter.find(tmp_path, tmp_path)
    assert meter is not None
    assert meter.source == "battery"
    assert 0 <= meter.joules(lambda: None) < 1
    assert Meter.find(tmp_path / "absent", tmp_path / "absent") is None


# ---- beside llama.cpp ----


def test_without_llama_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    model = write_model(tmp_path / "tiny.gguf")
    assert main(["bench", "--against", "llama.cpp", "--model", str(model)]) == 1
    assert "pip install 'ingle[bench]'" in capsys.readouterr().err


class Wilful:
    """Writes what another writes, but for one token that it likes better."""

    def __init__(self, other: against.Runner, at: int, token: int) -> None:
        self.other, self.at, self.token = other, at, token

    def read(self, tokens: Any, n_past: int) -> Any:
        scores = np.array(self.other.read(tokens, n_past))
        if n_past + len(tokens) == self.at:
            scores[self.token] = scores.max() + 2
        return scores


def test_agreement_is_counted_up_to_the_first_difference(tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.gguf")
    one, two = against.Ours(model, 1), against.Ours(model, 1)
    assert against._agreed(one, two, [1, 300, 12]) == (against.DECODED, 0.0)
    written = against.greedy(one, [1, 300, 12], against.DECODED, 0)
    assert len(written) == against.DECODED
    other = 5 if written[7] != 5 else 6
    n, gap = against._agreed(one, Wilful(two, 3 + 7, other), [1, 300, 12])
    assert n == 7
    assert gap == pytest.approx(2, abs=1e-3)


def test_llama_writes_the_same_speed_aside(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    found = against.compare(write_model(tmp_path / "tiny.gguf"), n_threads=1, rounds=1, texts=["turn on the lights"])
    assert {"against.prefill_ratio", "against.decode_ratio", "against.same_text"} <= set(found)
