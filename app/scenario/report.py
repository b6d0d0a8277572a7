"""What `ingle scenario` prints: a line a scenario, what went wrong, and a summary; or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .runner import Failure, Result


def line(result: Result, place: int, total: int) -> str:
    """One finished scenario: "[ 3/40] ok    HassTurnOff/area.yaml  4 turns  0.8 s"."""
    word = "skip" if result.skipped else "ok" if result.passed else "FAIL"
    name = Path(*result.scenario.file.parts[-2:])
    width = len(str(total))
    head = f"[{place:{width}}/{total}] {word:<4}  {name}"
    return f"{head}  ({result.skipped})" if result.skipped else f"{head}  {_turns(result.turns)}  {result.elapsed_s:.1f} s"


def failure(one: Failure) -> str:
    """One failed turn, its problems indented below it."""
    return "\n".join([f"    turns[{one.place}] {one.said!r}", *(f"      {problem}" for problem in one.problems)])


def summary(results: Sequence[Result]) -> str:
    turns, failed = sum(result.turns for result in results), failed_turns(results)
    wrong = sum(not result.passed for result in results)
    skipped = sum(result.skipped is not None for result in results)
    strayed = wrong_device_turns(results)
    verdict = (f"{failed} failed in {wrong} of them ({_share(turns - failed, turns)} right), "
               f"a wrong device acted on in {strayed} ({_share(strayed, turns)})") if failed else "all as expected"
    beside = f", {skipped} skipped" if skipped else ""
    elapsed_s = sum(result.elapsed_s for result in results)
    return f"{len(results)} scenarios{beside}, {_turns(turns)}: {verdict} ({elapsed_s:.1f} s)"


def as_json(results: Sequence[Result]) -> str:
    return json.dumps(
        {
            "scenarios": len(results),
            "turns": sum(result.turns for result in results),
            "failed": failed_turns(results),
            "wrong_device_turns": wrong_device_turns(results),
            "skipped": sum(result.skipped is not None for result in results),
            "elapsed_s": round(sum(result.elapsed_s for result in results), 3),
            "failures": [_plain(result, one) for result in results for one in result.failures],
        },
        ensure_ascii=False,
        indent=2,
    )


def failed_turns(results: Sequence[Result]) -> int:
    return sum(len(result.failures) for result in results)


def wrong_device_turns(results: Sequence[Result]) -> int:
    """Turns in which a device was told something that should have been left alone."""
    return sum(bool(one.wrong_devices) for result in results for one in result.failures)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _plain(result: Result, one: Failure) -> dict[str, Any]:
    return {"file": str(result.scenario.file), "turn": one.place, "said": one.said, "problems": list(one.problems),
            "wrong_devices": list(one.wrong_devices)}


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"
