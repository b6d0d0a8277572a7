"""Scenarios: YAML files that say what is spoken to a simulated home and all that must come of it.

    code = await run_files([Path("tests/scenarios")], open_ingle)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import report
from .form import Ask, Scenario, ScenarioError, find, load
from .runner import Failure, Ingle, OpenIngle, Result, run

__all__ = ["Ask", "Failure", "Ingle", "OpenIngle", "Result", "Scenario", "ScenarioError", "find", "load", "run", "run_files"]


async def run_files(
    paths: list[Path],
    open_ingle: OpenIngle,
    *,
    broker_url: str | None = None,
    as_json: bool = False,
    write: Callable[[str], None] = print,
) -> int:
    """Run every scenario in files and folders; write a line each, what failed, and a summary.

    Args:
        open_ingle: opens a running Ingle for a configuration; loads its model once.
        broker_url: a broker that is there already; None: a fresh one inside this process for each scenario.
        as_json: write one JSON object with `turns` and `failed` at the end, and nothing else.
    Returns: the exit status, 1 when a turn failed. Raises: ScenarioError: a file cannot be read; nothing was run.
    """
    scenarios = [load(path) for path in find(paths)]
    results: list[Result] = []
    for place, scenario in enumerate(scenarios, start=1):
        result = await run(scenario, open_ingle, broker_url=broker_url)
        results.append(result)
        if not as_json:
            write(report.line(result, place, len(scenarios)))
            for one in result.failures:
                write(report.failure(one))
    write(report.as_json(results) if as_json else report.summary(results))
    return 1 if report.failed_turns(results) else 0
