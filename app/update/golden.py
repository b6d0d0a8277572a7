"""The self-test of a new model before it is used: some hundred sentences with known intents, its speed and its memory.

It runs in a process of its own (`python -m ingle.app.update.golden FILE`), so that a model that crashes the engine, never ends or
takes all memory costs an error.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import psutil

from .errors import Refused
from .release import Release

LEAST_RIGHT: Final = 0.9            # share of the sentences
MOST_TIMES_SLOWER: Final = 2.5      # than the model it follows, measured in the same minute
MOST_MIB: Final = 128.0             # of memory, the whole process: what the mid profile gives `ingle run`
TIMEOUT_S: Final = 300.0


@dataclass(frozen=True)
class Result:
    right: int
    total: int
    median_ms: float                # of one sentence
    memory_mib: float               # resident after the last one

    @property
    def share(self) -> float:
        return self.right / self.total


def sentences() -> list[tuple[str, list[str]]]:
    """(sentence, the intents in it)."""
    text = files(__package__).joinpath("golden.jsonl").read_text(encoding="utf-8")
    rows = (json.loads(line) for line in text.splitlines())
    return [(row["text"], row["intents"]) for row in rows]


def measure(model: Path) -> Result:
    """Try a model in this process. Raises: ModelFileError."""
    from ...engine.interpreter import Interpreter
    from ...skills.schema import load_schema

    interpreter = Interpreter.open(model, schema=load_schema())
    right, times = 0, []
    for text, intents in sentences():
        began = time.perf_counter()
        understood = interpreter.interpret(text)
        times.append((time.perf_counter() - began) * 1000)
        right += [intent.intent for intent in understood.intents] == intents
    return Result(right, len(times), statistics.median(times), psutil.Process().memory_info().rss / 2**20)


def tried(model: Path) -> Result:
    """Try a model in a process of its own. Raises: Refused: it crashes, hangs, or cannot be read."""
    descriptors = (int(model.name),) if model.parent == Path("/proc/self/fd") else ()
    try:
        done = subprocess.run([sys.executable, "-m", "ingle.app.update.golden", str(model)], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False, pass_fds=descriptors)
    except subprocess.TimeoutExpired:
        raise Refused("wrong software", f"the new model's self-test did not end within {TIMEOUT_S:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        raise Refused("wrong software", f"the new model fails its self-test ({last})")
    return Result(**json.loads(done.stdout))


class GoldenJudge:
    """Compares a new model with the one that is used now, and with floors. Raises, on call: Refused."""

    def __init__(self, before: Path) -> None:
        self._before = before
        self.result: Result | None = None       # of the last model tried

    def __call__(self, model: Path, release: Release) -> None:
        before, self.result = tried(self._before), tried(model)
        for problem in problems(self.result, before):
            raise Refused("wrong software", f"model {release.version} {problem}")


def problems(new: Result, before: Result) -> list[str]:
    """Why a new model is not good enough, each as the end of a sentence."""
    found = []
    if new.share < LEAST_RIGHT:
        found.append(f"understands {new.right} of {new.total} sentences of the self-test, fewer than {LEAST_RIGHT:.0%}")
    if new.median_ms > MOST_TIMES_SLOWER * before.median_ms:
        found.append(f"takes {new.median_ms:.0f} ms for a sentence, the present one {before.median_ms:.0f} ms")
    if new.memory_mib > max(MOST_MIB, before.memory_mib * 1.25):
        found.append(f"takes {new.memory_mib:.0f} MiB of memory, the present one {before.memory_mib:.0f} MiB")
    return found


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Path(sys.argv[1])))))
