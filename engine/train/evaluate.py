"""How well a model understands people it was not trained on: the development halves of hwu64 and SLURP, CLINC150's held out.

Only intents are judged: those sets annotate other slots than ours. The tables of `corpus/people.py` say what is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..interpreter import Interpretation
from .corpus.forms import Schema
from .corpus.generate import held_out
from .corpus.people import Said, clinc, hwu64


class Understands(Protocol):
    """An `Interpreter`, or a script."""

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation: ...


@dataclass
class Score:
    """Counts over one set. Ours are sentences that want a deed here, the others do not."""

    ours: int = 0
    right: int = 0                  # of ours: the intents are the gold's
    refused: int = 0                # of ours: no deed was understood
    others: int = 0
    left_alone: int = 0             # of the others: no deed was understood
    confusions: Counter[str] = field(default_factory=Counter)
    confidences: list[tuple[float, bool]] = field(default_factory=list)     # of every sentence, and whether it was right

    def line(self) -> str:
        """The figures, for people."""
        return (f"{self.ours} ours: intent {share(self.right, self.ours)}, refused {share(self.refused, self.ours)}; "
                f"{self.others} others: left alone {share(self.left_alone, self.others)}; "
                f"calibration error {100 * calibration_error(self.confidences):.1f} %")  # fmt: skip


def development_sets(data: Path) -> dict[str, list[Said]]:
    """The sets by name, nothing of which was trained on."""
    return {
        "hwu64_dev": list(hwu64(data / "hwu64_dev.jsonl")),
        "slurp_devel": list(hwu64(data / "slurp_devel.jsonl")),
        "clinc held out": [said for said in clinc(data / "clinc_oos_dev.jsonl") if held_out(said[0])],
    }


def score(interpreter: Understands, said: Iterable[Said], schema: Schema) -> Score:
    """Interpret every sentence and count."""
    result = Score()
    for text, frames in said:
        gold = sorted(frame.intent for frame in frames if schema["intents"][frame.intent]["act"])
        understood = interpreter.interpret(text)
        found = sorted(i.intent for i in understood.intents if schema["intents"][i.intent]["act"])
        result.confidences.append((understood.confidence, gold == found))
        if gold:
            result.ours += 1
            result.right += gold == found
            result.refused += not found
        else:
            result.others += 1
            result.left_alone += not found
        if gold != found:
            result.confusions[f"{'+'.join(gold) or 'nothing'} -> {'+'.join(found) or 'nothing'}   e.g. {text!r}"] += 1
    return result


def calibration_error(confidences: Iterable[tuple[float, bool]], n_bins: int = 10) -> float:
    """Expected calibration error, 0..1: how far confidence is from the share that is right, bin by bin (arXiv:1706.04599)."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(n_bins)]
    for confidence, right in confidences:
        bins[min(int(confidence * n_bins), n_bins - 1)].append((confidence, right))
    n_all = sum(map(len, bins))
    return sum(abs(sum(c - right for c, right in each)) for each in bins) / n_all if n_all else 0.0


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
