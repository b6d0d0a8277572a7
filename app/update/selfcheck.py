"""The proof of the update machinery on this machine: power cuts, attacks and damaged packages, against small worlds."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import acts, attacks, faults, mutations

Tell = Callable[[str], None]


def check(*, with_faults: bool, with_attacks: bool, n_mutated: int, tell: Tell = lambda line: None) -> dict[str, Any]:
    """Play what is wanted. Returns: figures by subject; `ok` says whether all is well."""
    found: dict[str, Any] = {}
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)       # each damaged slot would be told of
    try:
        with tempfile.TemporaryDirectory(prefix="ingle-selfcheck-") as name:
            if with_faults:
                found["faults"] = _faults(Path(name, "faults"), tell)
            if with_attacks:
                found["attacks"] = _attacks(Path(name, "attacks"), tell)
            if n_mutated:
                found["mutations"] = _mutations(Path(name, "mutations"), n_mutated, tell)
    finally:
        logging.disable(level)
    return found | {"ok": not any(each["problems"] for each in found.values())}


def _faults(scratch: Path, tell: Tell) -> dict[str, Any]:
    total = faults.Report()
    for act in acts.acts(scratch / "worlds"):
        report = faults.cut_everywhere([act], scratch)
        tell(f"{act.name}: power cut at each of {report.points} operations, {report.cuts} outcomes, "
             f"{report.without_working_model} without a working model")
        total += report
    return {"points": total.points, "cuts": total.cuts, "without_working_model": total.without_working_model,
            "lost_updates": total.lost, "stuck": total.stuck, "problems": list(total.problems)}


def _attacks(scratch: Path, tell: Tell) -> dict[str, Any]:
    verdicts = attacks.play_all(scratch)
    for verdict in verdicts:
        tell(f"{verdict.attack}: {verdict.how}: {'INSTALLED' if verdict.installed else verdict.told}")
    wrong = [f"{each.attack}: {each.how}: {each.told}" for each in verdicts if each.installed or not each.named]
    return {"played": len(verdicts), "installed": sum(each.installed for each in verdicts),
            "named": sum(each.named for each in verdicts), "problems": wrong}


def _mutations(scratch: Path, count: int, tell: Tell) -> dict[str, Any]:
    tally = mutations.mutate(count, scratch)
    tell(f"{tally.mutated} damaged packages: {tally.installed} installed, {tally.crashed} crashes")
    return {"mutated": tally.mutated, "installed": tally.installed, "crashed": tally.crashed, "harmless": tally.harmless,
            "by_kind": dict(tally.by_kind), "problems": tally.problems}
