"""What is counted, and that what leaves is numbers: the very bytes of every export are read."""

from __future__ import annotations

import asyncio
import collections
import http.server
import json
import math
import random
import re
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ingle.app.cli import main
from ingle.app.config import Config, TelemetryConfig
from ingle.app.events import CommandRecord, IntentRecord, TurnRecord
from ingle.app.telemetry import (
    BOUNDS_MS,
    ID_S,
    LOCAL,
    NEXT,
    Export,
    Figures,
    Telemetry,
    geometric_noise,
    otlp,
    percentile,
    prometheus,
    sensors,
)
from ingle.app.telemetry_link import TelemetryLink

RECORD = TurnRecord(
    id="turn-4711",
    text="tell Wilhelmina that the safe is behind the mirror",
    area="Attic",
    route="local",
    reason="as Wilhelmina said",
    intents=(
        IntentRecord(intent="Broadcast", slots={"message": "the safe is behind the mirror"}, entities=("light.attic_lamp",)),
    ),
    commands=(CommandRecord(topic="home/attic/set", payload="ON"),),
    reply="I told Wilhelmina.",
    sources=("diary.md",),
    timing_ms={"total": 123.4, "interpret": 17.0},
)
SECRETS = re.compile(
    "Wilhelmina|safe|mirror|Attic|attic|Broadcast|turn-4711|diary|broker.example|192\\.168|home/|secret", re.IGNORECASE
)
NAMES = {"id", "model", "interval_s", "epsilon", "sample", "figures", "bounds_ms", "summary"}


def telemetry(folder: Path, **more: Any) -> Telemetry:
    return Telemetry(
        folder, **{"epsilon": 1.0, "sample": 1.0, "interval_s": 900, "model": lambda: "2026.11", "rng": random.Random(1), **more}
    )


def export_of(folder: Path, turns: int = 40, **more: Any) -> Export:
    counted = telemetry(folder, **more)
    for _ in range(turns):
        counted.take(RECORD, failed=False)
    assert counted.close_interval() is None  # the first can be read before it leaves
    waiting = (folder / NEXT).read_text()
    export = counted.close_interval()
    assert export is not None
    assert export.as_json() == waiting  # what leaves is what could be read
    return export


def test_no_word_no_name_no_address_is_in_the_bytes_of_any_export(tmp_path: Path) -> None:
    export = export_of(tmp_path)
    forms = [export.as_json(), prometheus(export), otlp(export, 10**18).decode(), *sensors("homeassistant", "ingle/telemetry")]
    for form in forms:
        assert not SECRETS.search(form), form
    data = json.loads(export.as_json())
    assert set(data) == NAMES
    strings = set(re.findall(r'"([^"]*)"', export.as_json()))
    allowed = (
        NAMES | set(vars(export.figures)) | set(export.figures.routes) | set(export.figures.summary()) | {export.model, export.id}
    )
    assert strings <= allowed  # there is no other text in it


def test_the_bytes_that_a_collector_receives(tmp_path: Path) -> None:
    received: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(str(self.headers).encode())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        config = Config(
            telemetry=TelemetryConfig(otlp=f"http://127.0.0.1:{server.server_port}/v1/metrics", mqtt=True), data_dir=str(tmp_path)
        )
        kept: dict[str, str] = {}
        link = TelemetryLink(config, kept.__setitem__, lambda: "2026.11")
        asyncio.run(link.send(export_of(tmp_path)))
    finally:
        server.shutdown()
    body = json.loads(received[0])
    names = [metric["name"] for metric in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
    assert names == ["ingle.turns", "ingle.errors", "ingle.turn.duration", "ingle.interpret.duration", "ingle.memory"]
    for sent in (*received, *(payload.encode() for payload in kept.values())):
        assert not SECRETS.search(sent.decode())


def test_the_id_is_another_every_day_and_says_nothing_of_the_device(tmp_path: Path) -> None:
    now = [1e9]
    counted = telemetry(tmp_path, now=lambda: now[0])
    ids = []
    for _ in range(6):
        counted.close_interval()
        ids.append(json.loads((tmp_path / NEXT).read_text())["id"])
        now[0] += ID_S / 2
    assert len(set(ids)) == 3
    assert telemetry(tmp_path, now=lambda: 1e9)._rotating_id() not in ids


def test_off_means_that_nothing_is_written_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path))

    async def live() -> dict[str, str]:
        kept: dict[str, str] = {}
        link = TelemetryLink(Config(), kept.__setitem__, lambda: "shipped")
        running = asyncio.create_task(link.run())
        link.turn_ended(RECORD)
        await asyncio.sleep(0.1)
        running.cancel()
        return kept

    assert asyncio.run(live()) == {}
    assert json.loads((tmp_path / LOCAL).read_text())["routes"]["local"] == 1  # for `ingle doctor --health`, here
    assert not (tmp_path / NEXT).exists()


def test_the_noise_is_what_is_documented() -> None:
    rng, epsilon, n = random.Random(3), 0.5, 40_000
    counts = collections.Counter(geometric_noise(epsilon, rng) for _ in range(n))
    alpha = math.exp(-epsilon)
    for value in (-2, -1, 0, 1, 2):
        expected = (1 - alpha) / (1 + alpha) * alpha ** abs(value)
        assert abs(counts[value] / n - expected) < 0.01


def test_one_turn_changes_no_more_counts_than_the_noise_is_made_for() -> None:
    from ingle.app.telemetry import SENSITIVITY

    before, after = Figures(), Figures()
    after.take(RECORD, failed=True)
    counts = [(*each.routes.values(), each.errors, *each.total_ms, *each.interpret_ms) for each in (before, after)]
    assert sum(abs(one - other) for one, other in zip(*counts, strict=True)) <= SENSITIVITY


def test_sampling_keeps_the_size_of_the_figures(tmp_path: Path) -> None:
    figures = export_of(tmp_path, turns=2000, sample=0.5).figures
    assert 1700 < figures.routes["local"] < 2300


def test_percentiles_are_bucket_ends() -> None:
    buckets = [0] * (len(BOUNDS_MS) + 1)
    assert percentile(buckets, 0.5) is None
    buckets[2], buckets[5] = 90, 10
    assert (percentile(buckets, 0.5), percentile(buckets, 0.95)) == (BOUNDS_MS[2], BOUNDS_MS[5])


async def test_prometheus_reads_it_on_loopback(tmp_path: Path) -> None:
    link = TelemetryLink(
        Config(telemetry=TelemetryConfig(prometheus_port=0), data_dir=str(tmp_path)), lambda *_: None, lambda: "x"
    )
    await link.send(export_of(tmp_path))
    server = await asyncio.start_server(link._answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
    assert 'ingle_turn_milliseconds_bucket{le="+Inf"}' in page
    assert 'ingle_model_info{version="2026.11"} 1' in page


def test_doctor_shows_the_figures_and_what_leaves_next(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("telemetry: {mqtt: true}")
    counted = telemetry(tmp_path)
    counted.take(RECORD, failed=False)
    counted.keep_local()
    counted.close_interval()
    assert main(["doctor", "--health", "--json"]) == 0
    found = {each["what"]: each["detail"] for each in json.loads(capsys.readouterr().out)}
    assert (found["turns"], found["model"]) == ("1", "shipped, slot recovery")
    assert (tmp_path / NEXT).read_text() in found["telemetry"]
