"""A conversation of thousands of turns: that its memory and the time of a turn stay what they are.

    turns = measure("model.gguf", 10_000)
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from .generate import generate
from .model import Model
from .native import Native
from .plot import svg

N_CTX: Final = 512              # tokens kept
READ, WRITTEN = 16, 8           # tokens of a turn: what is said, what is answered
POINTS: Final = 100             # of the plot


@dataclass(frozen=True)
class Turns:
    """Seconds of each turn; the process's resident bytes after each `every`-th."""

    seconds: list[float]
    resident: list[int]
    every: int

    def figures(self) -> dict[str, float]:
        """The first and the last tenth, side by side: the first of them has filled the room already."""
        tenth = max(1, len(self.seconds) // 10)
        return {
            "endless.turns": float(len(self.seconds)),
            "endless.first_tenth.p50_ms": statistics.median(self.seconds[:tenth]) * 1e3,
            "endless.last_tenth.p50_ms": statistics.median(self.seconds[-tenth:]) * 1e3,
            "endless.resident_first_mb": self.resident[min(len(self.resident) - 1, max(1, len(self.resident) // 10))] / 1e6,
            "endless.resident_last_mb": self.resident[-1] / 1e6,
        }

    def plot(self, about: str) -> str:
        """As SVG: medians of as many turns as lie between two points."""
        starts = range(0, len(self.seconds) - self.every + 1, self.every)
        medians = [statistics.median(self.seconds[at : at + self.every]) * 1e3 for at in starts]
        x = [float(at + self.every) for at in starts]
        resident = [each / 1e6 for each in self.resident[: len(x)]]
        panels = {"milliseconds a turn (median)": medians, "resident memory, MB": resident}
        return svg(about, "turns", x, panels)


def measure(path: str | os.PathLike[str], n_turns: int, *, n_threads: int | None = None, n_ctx: int = N_CTX) -> Turns:
    """Talk to a model for so many turns in the room of `n_ctx` tokens. Raises: NoLibrary; ModelFileError."""
    engine = Native(Model.open(path), n_threads)
    try:
        return _turns(engine, n_turns, n_ctx, resident_bytes)
    finally:
        engine.close()


def _turns(engine: Native, n_turns: int, n_ctx: int, resident: Callable[[], int]) -> Turns:
    rng = np.random.default_rng(0)
    state = engine.state(n_ctx)
    every = max(1, n_turns // POINTS)
    found = Turns([], [], every)
    for turn in range(1, n_turns + 1):
        said: Sequence[int] = rng.integers(0, engine.model.config.n_vocab, READ).tolist()
        began = time.perf_counter()
        for _ in generate(engine, said, state=state, max_tokens=WRITTEN):
            pass
        found.seconds.append(time.perf_counter() - began)
        if turn % every == 0:
            found.resident.append(resident())
    return found


def resident_bytes(status: Path = Path("/proc/self/status"), field: str = "VmRSS") -> int:
    """Bytes of this process that are in memory, by a field of Linux's status; 0 where there is none."""
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
