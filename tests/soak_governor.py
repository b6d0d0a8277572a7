"""Twice the load that is allowed, in simulated time: latency stays bounded, warmth below the limit, device commands are done.

    python -m tests.soak_governor MINUTES [PLOT.svg]

The machine is simulated: one processor, whose warmth follows what it computes as a board without a fan does (a first-order
rise), read through the same files as the kernel's.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from ingle.app.governor import Governor, Limits
from ingle.app.power import Fixed, Power, SysfsThermal
from ingle.engine.plot import svg

COMMAND_S, QUESTION_S = 0.05, 1.5       # of compute
ROOM_C, HOTTER_BY_C, TAU_S = 25.0, 80.0, 120.0      # at full load, in the end; how fast
LIMIT_C = 70.0
STEP_S = 0.05


@dataclass
class Soak:
    """What came of it, a value a simulated second."""

    temperature_c: list[float] = field(default_factory=list)
    queue_s: list[float] = field(default_factory=list)      # how long a turn asked now would wait
    refused: list[float] = field(default_factory=list)      # share of the questions of that second
    commands: int = 0
    commands_refused: int = 0
    questions: int = 0
    questions_refused: int = 0
    worst_wait_s: float = 0.0


def soak(minutes: float, folder: Path, *, seed: int = 0) -> Soak:
    """Ask for twice the compute that is allowed, a tenth of it by commands."""
    now, chance, result = [0.0], random.Random(seed), Soak()
    zone = folder / "class" / "thermal" / "thermal_zone0" / "temp"
    zone.parent.mkdir(parents=True)
    zone.write_text(str(int(ROOM_C * 1000)))
    limits = Limits(temperature_c=LIMIT_C, compute_s_per_minute=30.0)
    power: Fixed[Power] = Fixed(Power(charging=True))
    governor = Governor(limits, power=power, temperature=SysfsThermal(folder), clock=lambda: now[0])
    asked_per_s = 2 * limits.compute_s_per_minute / 60
    work: deque[float] = deque()        # compute that waits, in seconds
    warmth, asked_this, refused_this = ROOM_C, 0, 0
    for step in range(int(minutes * 60 / STEP_S)):
        now[0] = step * STEP_S
        for kind, cost, share in (("command", COMMAND_S, 0.1), ("question", QUESTION_S, 0.9)):
            if chance.random() < share * asked_per_s * STEP_S / cost:
                wait_s = sum(work)
                with governor.turn() as limit:
                    limit = limit or (governor.beyond_commands() if kind == "question" else None)
                    if limit is None:
                        governor.charge(cost)
                        work.append(cost)
                        result.worst_wait_s = max(result.worst_wait_s, wait_s)
                if kind == "command":
                    result.commands, result.commands_refused = result.commands + 1, result.commands_refused + (limit is not None)
                else:
                    asked_this, refused_this = asked_this + 1, refused_this + (limit is not None)
        busy = min(STEP_S, sum(work))
        _compute(work, busy)
        warmth += (ROOM_C + HOTTER_BY_C * busy / STEP_S - warmth) * STEP_S / TAU_S
        if step % round(1 / STEP_S) == 0:
            zone.write_text(str(int(warmth * 1000)))
            result.questions, result.questions_refused = result.questions + asked_this, result.questions_refused + refused_this
            result.temperature_c.append(warmth)
            result.queue_s.append(sum(work))
            result.refused.append(refused_this / asked_this if asked_this else 0.0)
            asked_this = refused_this = 0
    return result


def _compute(work: deque[float], seconds: float) -> None:
    while work and seconds > 1e-9:
        done = min(work[0], seconds)
        work[0] -= done
        seconds -= done
        if work[0] <= 1e-9:
            work.popleft()


def main(arguments: list[str]) -> int:
    minutes = float(arguments[0])
    with tempfile.TemporaryDirectory() as folder:
        result = soak(minutes, Path(folder))
    print(f"{minutes:g} minutes at twice the load: at most {max(result.temperature_c):.1f} °C (limit {LIMIT_C:g}), "
          f"at most {result.worst_wait_s:.1f} s of waiting; {result.questions_refused} of {result.questions} questions and "
          f"{result.commands_refused} of {result.commands} commands were told to come again")
    if len(arguments) > 1:
        seconds = [float(each) for each in range(len(result.temperature_c))]
        panels = {"°C": result.temperature_c, "s of waiting": result.queue_s, "questions refused, share": result.refused}
        Path(arguments[1]).write_text(svg("Twice the allowed load", "s", seconds, panels), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
