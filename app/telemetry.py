"""How Ingle does, in numbers: counters and histograms, never a word of what was said. Nothing leaves unless the household
says so.

What is counted: turns by route, errors, milliseconds of a turn and of understanding (in fixed buckets), the memory's
high-water mark, how often the processor was slowed down for its heat, the model's version. `ingle doctor --health` shows them
as they are.

What leaves is an `Export`, one for each interval, made so that one turn more or less can hardly be told from it: each turn is
counted with probability `sample`; to every count of the interval noise is added, the difference of two geometric variables
(the two-sided geometric mechanism, Ghosh, Roughgarden, Sundararajan 2009) with parameter exp(-ε / SENSITIVITY), as a turn
changes at most SENSITIVITY counts by one. A turn is in one interval only, so what is ever said of it is ε-differentially
private, whatever is done with the exports. The random id of an export is another every day. An export lies in
`telemetry-next.json` for an interval before it leaves.
"""

from __future__ import annotations

import json
import math
import random
import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from .events import TurnRecord

NEXT: Final = "telemetry-next.json"
LOCAL: Final = "telemetry.json"
ROUTES: Final = ("local", "knowledge", "cloud", "none")
BOUNDS_MS: Final = (10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000)     # upper ends; one more bucket beyond
SENSITIVITY: Final = 4          # a turn changes its route's count, errors, and one bucket of each histogram
ID_S: Final = 86_400.0
MAX_VERSION_CHARS: Final = 32


@dataclass
class Figures:
    """Counts of one stretch of time."""

    routes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROUTES, 0))
    errors: int = 0
    total_ms: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    interpret_ms: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))
    memory_mib: int = 0             # high-water mark
    throttled: int = 0              # times the processor was found slowed down

    def take(self, record: TurnRecord, *, failed: bool) -> None:
        self.routes[record.route] += 1
        self.errors += failed
        for name, buckets in (("total", self.total_ms), ("interpret", self.interpret_ms)):
            if name in record.timing_ms:
                buckets[bisect_left(BOUNDS_MS, record.timing_ms[name])] += 1

    def with_noise(self, epsilon: float, sample: float, rng: random.Random) -> Figures:
        """As they may leave. Gauges of the machine (memory, heat) tell of no turn and stay as they are."""
        def noisy(count: int) -> int:
            return max(0, round((count + geometric_noise(epsilon / SENSITIVITY, rng)) / sample))

        return Figures(
            routes={route: noisy(count) for route, count in self.routes.items()}, errors=noisy(self.errors),
            total_ms=[noisy(count) for count in self.total_ms], interpret_ms=[noisy(count) for count in self.interpret_ms],
            memory_mib=self.memory_mib, throttled=self.throttled,
        )

    @property
    def turns(self) -> int:
        return sum(self.routes.values())

    def summary(self) -> dict[str, Any]:
        """For people and for sensors."""
        turns = max(self.turns, 1)
        return {
            "turns": self.turns, "error_rate": round(self.errors / turns, 4),
            "fallback_rate": round(self.routes["none"] / turns, 4),
            **{f"{name}_ms_p{share}": percentile(buckets, share / 100)
               for name, buckets in (("total", self.total_ms), ("interpret", self.interpret_ms)) for share in (50, 95)},
            "memory_mib": self.memory_mib, "throttled": self.throttled,
        }


@dataclass(frozen=True)
class Export:
    """What leaves: these numbers, a model's version and a random id, nothing else."""

    id: str
    model: str
    interval_s: int
    epsilon: float
    sample: float
    figures: Figures

    def as_json(self) -> str:
        data = {**vars(self), "figures": vars(self.figures), "bounds_ms": BOUNDS_MS, "summary": self.figures.summary()}
        return json.dumps(data, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Export:
        """Raises: ValueError, KeyError, TypeError."""
        data = json.loads(text)
        return cls(figures=Figures(**data["figures"]),
                   **{key: data[key] for key in ("id", "model", "interval_s", "epsilon", "sample")})


class Telemetry:
    """Counts turns. The local figures are since the start; an interval's are for one export."""

    def __init__(
        self, folder: Path, *, epsilon: float, sample: float, interval_s: float, model: Callable[[], str],
        rng: random.Random | None = None, now: Callable[[], float] = time.time,
    ) -> None:
        self.local = Figures()
        self._interval = Figures()
        self._folder = folder
        self._epsilon, self._sample, self._interval_s = epsilon, sample, interval_s
        self._model = model
        self._rng = rng or random.SystemRandom()    # noise that could be guessed would be none
        self._now = now
        self._id, self._id_since = "", -math.inf

    def take(self, record: TurnRecord, *, failed: bool) -> None:
        """Count a turn; of the record only its route and its milliseconds are looked at."""
        self.local.take(record, failed=failed)
        if self._rng.random() < self._sample:
            self._interval.take(record, failed=failed)

    def look_at_machine(self) -> None:
        for figures in (self.local, self._interval):
            figures.memory_mib = max(figures.memory_mib, psutil.Process().memory_info().rss >> 20)
            figures.throttled += throttled()

    def close_interval(self) -> Export | None:
        """End an interval. Returns: the one before it, which may leave now; the one just ended can be read until the next."""
        leaving = self._waiting()
        figures = self._interval.with_noise(self._epsilon, self._sample, self._rng)
        export = Export(
            id=self._rotating_id(), model=self._model()[:MAX_VERSION_CHARS], interval_s=int(self._interval_s),
            epsilon=self._epsilon, sample=self._sample, figures=figures,
        )
        self._interval = Figures()
        self._write(NEXT, export.as_json())
        return leaving

    def keep_local(self) -> None:
        """For `ingle doctor --health`, which is another process."""
        self._write(LOCAL, json.dumps({"model": self._model(), **vars(self.local)}))

    def _waiting(self) -> Export | None:
        try:
            return Export.from_json((self._folder / NEXT).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _rotating_id(self) -> str:
        if self._now() - self._id_since >= ID_S:
            self._id, self._id_since = secrets.token_hex(8), self._now()
        return self._id

    def _write(self, name: str, text: str) -> None:
        part = self._folder / f"{name}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(self._folder / name)


def geometric_noise(epsilon: float, rng: random.Random) -> int:
    """A whole number with probability proportional to exp(-epsilon |n|)."""
    def geometric() -> int:
        return int(math.log(1.0 - rng.random()) / -epsilon)

    return geometric() - geometric()


def percentile(buckets: Iterable[int], share: float) -> float | None:
    """The upper end of the bucket that the share falls into, in ms; None where nothing was counted."""
    counts = list(buckets)
    wanted, seen = share * sum(counts), 0
    for bound, count in zip((*BOUNDS_MS, math.inf), counts, strict=True):
        seen += count
        if count and seen >= wanted:
            return float(min(bound, BOUNDS_MS[-1]))
    return None


def throttled() -> bool:
    """Whether the processor runs below half of what it could, though it is busy: for its heat or for the supply's weakness."""
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return False
    return bool(frequency and frequency.max and frequency.current < frequency.max / 2 and psutil.cpu_percent() > 90)


# forms of an export

def prometheus(export: Export) -> str:
    """The text format 0.0.4."""
    figures = export.figures
    lines = ["# TYPE ingle_turns gauge", *(f'ingle_turns{{route="{route}"}} {count}' for route, count in figures.routes.items()),
             "# TYPE ingle_errors gauge", f"ingle_errors {figures.errors}"]
    for name, buckets in (("turn", figures.total_ms), ("interpret", figures.interpret_ms)):
        lines.append(f"# TYPE ingle_{name}_milliseconds histogram")
        total = 0
        for bound, count in zip((*map(str, BOUNDS_MS), "+Inf"), buckets, strict=True):
            total += count
            lines.append(f'ingle_{name}_milliseconds_bucket{{le="{bound}"}} {total}')
        lines.append(f"ingle_{name}_milliseconds_count {total}")
    lines += ["# TYPE ingle_memory_mebibytes gauge", f"ingle_memory_mebibytes {figures.memory_mib}",
              "# TYPE ingle_throttled gauge", f"ingle_throttled {figures.throttled}",
              "# TYPE ingle_model_info gauge", f'ingle_model_info{{version="{export.model}"}} 1']
    return "\n".join(lines) + "\n"


def otlp(export: Export, at_ns: int) -> bytes:
    """OTLP/HTTP in its JSON encoding (opentelemetry-proto, ExportMetricsServiceRequest)."""
    figures, span = export.figures, {"timeUnixNano": str(at_ns), "startTimeUnixNano": str(at_ns - export.interval_s * 10**9)}
    metrics = [
        {"name": "ingle.turns", "sum": _sum([{**span, "asInt": str(count), "attributes": [_attribute("route", route)]}
                                             for route, count in figures.routes.items()])},
        {"name": "ingle.errors", "sum": _sum([{**span, "asInt": str(figures.errors)}])},
        *({"name": f"ingle.{name}.duration", "unit": "ms", "histogram": {"aggregationTemporality": 1, "dataPoints": [
            {**span, "count": str(sum(buckets)), "bucketCounts": list(map(str, buckets)), "explicitBounds": list(BOUNDS_MS)}]}}
          for name, buckets in (("turn", figures.total_ms), ("interpret", figures.interpret_ms))),
        {"name": "ingle.memory", "unit": "MiB", "gauge": {"dataPoints": [{**span, "asInt": str(figures.memory_mib)}]}},
    ]
    about = {"service.name": "ingle", "service.instance.id": export.id, "ingle.model": export.model}
    resource = [_attribute(key, value) for key, value in about.items()]
    return json.dumps({"resourceMetrics": [{
        "resource": {"attributes": resource}, "scopeMetrics": [{"scope": {"name": "ingle"}, "metrics": metrics}],
    }]}).encode()


def _sum(points: list[dict[str, Any]]) -> dict[str, Any]:
    return {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": points}      # 1: of this interval alone


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def sensors(discovery_prefix: str, topic: str) -> tuple[str, str]:
    """Home Assistant's discovery of an export's summary: (topic, payload)."""
    names: Mapping[str, tuple[str, str | None]] = {
        "turns": ("Turns", None), "error_rate": ("Error rate", None), "fallback_rate": ("Fallback rate", None),
        "total_ms_p50": ("Turn, median", "ms"), "total_ms_p95": ("Turn, 95th percentile", "ms"),
        "interpret_ms_p50": ("Understanding, median", "ms"), "interpret_ms_p95": ("Understanding, 95th percentile", "ms"),
        "memory_mib": ("Memory, high-water mark", "MiB"), "throttled": ("Throttled", None),
    }
    components = {
        f"ingle_health_{key}": {
            "platform": "sensor", "name": name, "unique_id": f"ingle_health_{key}", "entity_category": "diagnostic",
            "value_template": f"{{{{ value_json.summary.{key} }}}}", "state_class": "measurement",
            **({"unit_of_measurement": unit} if unit else {}),
        }
        for key, (name, unit) in names.items()
    }
    payload = {"device": {"identifiers": ["ingle"], "name": "Ingle"}, "origin": {"name": "Ingle"}, "state_topic": topic,
               "components": components}
    return f"{discovery_prefix}/device/ingle_health/config", json.dumps(payload)
