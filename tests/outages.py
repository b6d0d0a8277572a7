"""Random outages in sequence: every turn is answered, and what left the house is on record, byte for byte.

    python -m tests.outages 10000 [SEED]
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from ingle.app.outside import BROKE_OFF

from .clouds import ANSWER, FAULTS, GOOD, IMPATIENT, Server, house, left, lowered
from .memory import MEMORY

TOGETHER = 40       # houses at once: most of the time is waiting
WORDS = ("paris", "rain", "the moon", "a fox", "tea", "4711", "anna", "bread", "12 Elm Street", "zürich", "日本", "🦊")


async def run(n: int, seed: int) -> int:
    """Play `n` sequences of one to four asks. Returns: requests that left. Raises: AssertionError."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        return await _play(n, seed, Path(folder))


async def _play(n: int, seed: int, folder: Path) -> int:
    todo = iter(range(n))

    async def work() -> int:
        return sum([await _sequence(random.Random(f"{seed}/{number}"), folder / str(number)) for number in todo])

    return sum(await asyncio.gather(*(work() for _ in range(TOGETHER))))


async def _sequence(chance: random.Random, folder: Path) -> int:
    kinds = [chance.choice((*FAULTS, *GOOD, "ok")) for _ in range(chance.randint(1, 8))]
    async with Server(plan=list(kinds)).running() as server, house(folder, server, cloud=IMPATIENT) as at:
        for _ in range(chance.randint(1, 4)):
            said = await at.sentences(f"tell me about {chance.choice(WORDS)}")
            _check_answer(said)
        recorded = iter(left(at.audit))     # a request may be on record that did not get through, never the reverse
        assert all(heard in recorded for heard in map(lowered, server.heard)), kinds
        at.audit.verify()
        return len(server.heard)


def _check_answer(said: list[str]) -> None:
    """The whole answer, or as much as came and that it broke off, or an honest word."""
    whole = "".join(ANSWER)
    assert said, "a turn without an answer"
    assert "".join(said).strip(), "an empty answer"
    text = " ".join(said)
    if text != whole and said[-1] == BROKE_OFF:
        assert len(said) > 1


def main(arguments: list[str]) -> int:
    n, seed = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    requests = asyncio.run(run(n, seed))
    print(f"{n} sequences, {requests} requests left, each on record byte for byte; no turn without an answer")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
