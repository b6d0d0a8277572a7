"""The middle profile on this machine: Ingle with its knowledge store, each process held to 256 MB, and what stays resident.

    python -m tests.soak_mid PAGES [PLOT.svg]

Starts, answers, takes in PAGES of text, and answers from them. A process that asks for more than 256 MB of its own memory
(RLIMIT_DATA, which needs no right to make control groups) gets none; what is resident is read four times a second, of Ingle
and of the command that is under way.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from ingle.engine.plot import svg

LIMIT = 256 << 20
WORDS_A_PAGE = 250
WORDS = """
    the boiler filter pump valve water heating garden fence gate paint summer winter Monday plumber invoice warranty clean every
    month after before with under behind cupboard cellar attic key switch red blue left right open close never always two
"""



class Watch:
    """Resident megabytes of processes by name, over time."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.at_s: list[float] = []
        self.mb: dict[str, list[float]] = {"ingle run": [], "command": []}
        self.processes: dict[str, psutil.Process] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.at_s.append(time.monotonic() - self.began)
            for name, column in self.mb.items():
                column.append(self._resident(name))
            time.sleep(0.25)

    def _resident(self, name: str) -> float:
        try:
            return self.processes[name].memory_info().rss / 1e6
        except (KeyError, psutil.NoSuchProcess):
            return 0.0


def _started(watch: Watch, name: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ingle.app.cli", *arguments], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )  # fmt: skip
    watch.processes[name] = psutil.Process(process.pid)
    return process


def _done(watch: Watch, *arguments: str) -> str:
    said, _ = _started(watch, "command", *arguments).communicate(timeout=1800)
    return said.strip().splitlines()[-1] if said.strip() else "nothing"


def _page(chance: random.Random) -> str:
    words = [chance.choice(WORDS.split()) for _ in range(WORDS_A_PAGE)]
    return "\n".join(" ".join(words[at : at + 12]).capitalize() + "." for at in range(0, len(words), 12))


def soak(pages: int, folder: Path) -> Watch:
    """Args: folder: for configuration, data and documents."""
    watch, chance = Watch(), random.Random(11)
    config = folder / "config.yaml"
    config.write_text(f"mqtt: {{url: 'embedded:0'}}\ndata_dir: {folder / 'data'}\nprofile: mid\n")
    documents = folder / "documents"
    documents.mkdir()
    for n in range(max(1, pages // 10)):
        (documents / f"manual-{n}.md").write_text("\n\n".join(f"# Page {p}\n\n{_page(chance)}" for p in range(min(10, pages))))
    ingle = _started(watch, "ingle run", "run", "--config", str(config), "--simulate", "demo")
    assert ingle.stdout is not None
    print(ingle.stdout.readline().strip())
    print(_done(watch, "say", "turn on the kitchen lights", "--config", str(config)))
    print(_done(watch, "knowledge", "add", str(documents), "--config", str(config)))
    print(_done(watch, "say", "how often should the boiler filter be cleaned", "--config", str(config)))
    ingle.terminate()
    ingle.wait(20)
    return watch


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as kept:
        found = soak(int(sys.argv[1]) if len(sys.argv) > 1 else 500, Path(kept))
    n = min(map(len, (found.at_s, *found.mb.values())))
    if len(sys.argv) > 2:
        panels = {f"resident: {name} (MB)": column[:n] for name, column in found.mb.items()}
        Path(sys.argv[2]).write_text(svg("The middle profile", "s", found.at_s[:n], panels), encoding="utf-8")
    for name, column in found.mb.items():
        print(f"{name}: {max(column):.0f} MB resident at its peak")
