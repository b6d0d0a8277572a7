"""Where sentences would be answered: JSON lines {"text"} in, {"text", "route", "reason"} out, as if connected, charging, allowed.

`ingle route eval` measures it on people's requests (hwu64's and SLURP's development halves, CLINC150's held out), labelled by the
tables of engine/train/corpus/routes.py. Nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import CommandError

if TYPE_CHECKING:
    from ...engine.train.corpus.routes import Labelled
    from ..assistant import Understands

LABELLED = Path(__file__).parents[2] / "tests" / "routes" / "requests.jsonl"
HELP = "say where sentences would be answered, or measure it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.jsonl|eval", help="JSON objects with `text`, a line each; or eval")
    parser.add_argument("--data", metavar="FOLDER", type=Path,
                        help="eval: label hwu64_dev, slurp_devel and clinc_oos_dev anew (default: tests/routes, labelled)")
    parser.add_argument("--json", action="store_true", help="eval: print one JSON object")
    parser.add_argument("--mistakes", type=int, default=0, metavar="N", help="eval: how many of the mistakes to print")


def run(args: argparse.Namespace) -> int:
    from ..config import load
    from ..daemon import open_model

    model = open_model(load(args.config))
    if args.file == "eval":
        return _evaluate(model, args)
    from .interpret import lines

    for line in lines(args.file):
        print(json.dumps(routed(model, line["text"]), ensure_ascii=False), flush=True)
    return 0


def routed(model: Understands, text: str) -> dict[str, str]:
    """One sentence with its route and why, in a house of nobody's, where everything may go out that the policy lets out."""
    from ..policy import CONDITIONS, DEFAULT, decide
    from ..router import route

    decision = route(model.interpret(text))
    if decision.beyond is None:
        return {"text": text, "route": decision.route, "reason": decision.reason}
    beyond = decision.beyond
    conditions = dict.fromkeys(CONDITIONS, False) | {
        beyond.need: True, "sure": beyond.sure, "set_up": True, "connected": True, "quick": True, "charging": True,
        "allowed": True, "within_budget": True,
    }  # fmt: skip
    verdict = decide(DEFAULT, conditions)
    route_there = "cloud" if verdict.do == "cloud" else decision.route
    return {"text": text, "route": route_there, "reason": f"{decision.reason}; {verdict.reason}"}


def _evaluate(model: Understands, args: argparse.Namespace) -> int:
    from ...engine.train.corpus.routes import development_set, labelled_in

    try:
        labelled = development_set(args.data) if args.data is not None else labelled_in(LABELLED)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}; give the sets with --data FOLDER") from None
    result = score(model, labelled)
    mistakes = result.pop("mistakes")
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        print(f"{result['sentences']} requests, {result['accuracy']:.1%} routed right")
        print(f"sent to the cloud: {result['home_commands_sent_to_cloud']} of {result['home_commands']} home commands, "
              f"{result['home_questions_sent_to_cloud']} of {result['home_questions']} questions about the home or the diary")
        print(f"the decision takes {result['decision_ms']:.3f} ms beyond the interpretation")
    for mistake in mistakes[: args.mistakes]:
        print(mistake)
    return 0


def score(model: Understands, labelled: Iterable[Labelled]) -> dict[str, Any]:
    """The figures over a labelled set; `mistakes` has a line for each."""
    from collections import Counter

    n: Counter[str] = Counter()
    mistakes = []
    for each in labelled:
        came = routed(model, each.text)
        leaves = came["route"] == "cloud"
        n["sentences"] += 1
        n["right"] += came["route"] in each.routes
        if each.home is not None:
            n[f"home_{each.home}s"] += 1
            n[f"home_{each.home}s_sent_to_cloud"] += leaves
        if came["route"] not in each.routes:
            right = " or ".join(sorted(each.routes))
            mistakes.append(f"{each.source}: {each.text!r} -> {came['route']}, right is {right} ({came['reason']})")
    return {
        "sentences": n["sentences"], "accuracy": round(n["right"] / max(1, n["sentences"]), 4),
        "home_commands_sent_to_cloud": n["home_commands_sent_to_cloud"], "home_commands": n["home_commands"],
        "home_questions_sent_to_cloud": n["home_questions_sent_to_cloud"], "home_questions": n["home_questions"],
        "decision_ms": round(_decision_ms(), 4), "mistakes": mistakes,
    }  # fmt: skip


def _decision_ms(turns: int = 2_000) -> float:
    """What routing and policy take, without the interpretation that happens anyway."""
    import time

    from ...engine.interpreter import Intent, Interpretation

    class Understood:
        def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
            return Interpretation(intents=(Intent("Cloud", {"need": "fresh"}, 0.9),), confidence=0.9)

    understood = Understood()
    began = time.perf_counter()
    for _ in range(turns):
        routed(understood, "what is in the news")
    return (time.perf_counter() - began) * 1000 / turns
