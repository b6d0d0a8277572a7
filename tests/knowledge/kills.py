"""Kill a process at any instant of taking in, forgetting and rebuilding, many times, and look at what it leaves behind.

    python -m tests.knowledge.kills --times 500
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ingle.knowledge.household import Knowledge

if TYPE_CHECKING:
    from ingle.knowledge.embedding import Embeds

# Says what was acknowledged, after it was. A document has three sections, so that half of one would be seen.
WORKER = """
import sys, itertools
from pathlib import Path
from ingle.knowledge.household import Knowledge
file, folder, first = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
with Knowledge.open(file) as knowledge:
    print("open", 0, flush=True)
    for number in itertools.count(first):
        note = knowledge.remember(f"box {number} is on shelf {number * 7}")
        print("note", number, flush=True)
        path = folder / f"doc{number}.md"
        path.write_text("".join(f"# Part {part} of {number}\\nLine {part} of {number}.\\n" for part in (1, 2, 3)))
        list(knowledge.add(path))
        print("file", number, flush=True)
        if number % 2:
            knowledge.forget([note.id])
            print("gone", number, flush=True)
        if number % 5 == 0:
            knowledge.repair()
"""


class Killed:
    """One store that is worked on by processes which are killed, and what they said they had done."""

    def __init__(self, folder: Path, encoder: Embeds, seed: int = 1) -> None:
        self.file, self.docs, self.encoder = folder / "knowledge.db", folder / "docs", encoder
        self.docs.mkdir()
        self.draw = random.Random(seed)
        self.notes: set[int] = set()
        self.files: set[int] = set()
        self.gone: set[int] = set()
        self.next = 0

    def kill_once(self) -> list[str]:
        """Let a process work for a random while and kill it. Returns: what is wrong with what it left."""
        command = [sys.executable, "-c", WORKER, str(self.file), str(self.docs), str(self.next)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
        assert child.stdout is not None
        lines = [child.stdout.readline()]               # it is open: from here on anything may be going on
        time.sleep(self.draw.random() * 0.15)
        child.send_signal(signal.SIGKILL)
        child.wait()
        lines += child.stdout.readlines()
        for what, number in (line.split() for line in lines if line.endswith("\n") and not line.startswith("open")):
            {"note": self.notes, "file": self.files, "gone": self.gone}[what].add(int(number))
            self.next = max(self.next, int(number) + 1)
        self.next += 1                                  # what was begun and not acknowledged may be there or not
        return list(self._faults())

    def _faults(self) -> list[str]:
        with Knowledge.open(self.file, self.encoder) as knowledge:
            faults = knowledge.repair()
            there = {int(note.text.split()[1]) for note in knowledge.documents("note")}
            whole = {int(Path(each.location).stem[3:]): each.passages for each in knowledge.documents("file")}
        faults += [f"note {number} was lost" for number in self.notes - self.gone - there if number % 2 == 0]
        faults += [f"note {number} came back" for number in self.gone & there]
        faults += [f"file {number} was lost" for number in self.files - set(whole)]
        return faults + [f"file {number} is there by {n} of 3 passages" for number, n in whole.items() if n != 3]


def main() -> int:
    from ingle.knowledge.embedding import open_encoder

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        killed = Killed(Path(folder), open_encoder())
        faults = [fault for _ in range(times) for fault in killed.kill_once()]
    print(f"{times} kills: {len(killed.notes)} notes and {len(killed.files)} documents acknowledged, "
          f"{len(killed.gone)} forgotten; {len(faults)} faults")
    print(*faults[:20], sep="\n", end="\n" if faults else "")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
