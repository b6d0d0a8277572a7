"""How well the model understands people it was not trained on: hwu64's and SLURP's development halves, CLINC150's held out.

Only intents are judged, by the tables of engine/train/corpus/people.py; for slots see `ingle interpret`. `--heard N` sends N of
the sentences through a channel that mishears a tenth of their words (engine/train/heard.py).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import CommandError

HELP = "measure the model on people's sentences"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="FOLDER", type=Path, help="hwu64_dev, slurp_devel and clinc_oos_dev, as .jsonl")
    parser.add_argument("--confusions", type=int, default=0, metavar="N", help="how many of the mistakes to print for each set")
    parser.add_argument("--heard", type=int, metavar="N", help="instead: N of people's commands, a tenth of their words misheard")


def run(args: argparse.Namespace) -> int:
    from ...engine.train.evaluate import development_sets, score
    from ...engine.train.heard import NoDictionary, misheard, score_heard
    from ...skills.schema import load_schema
    from ..config import load
    from ..daemon import open_model

    schema, model = load_schema(), open_model(load(args.config))
    try:
        if args.heard is not None:
            print(score_heard(model, misheard(args.data, args.heard, schema), schema).line())
            return 0
        sets = development_sets(args.data)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    except NoDictionary as error:
        raise CommandError(str(error)) from None
    for name, said in sets.items():
        result = score(model, said, schema)
        print(f"{name}: {result.line()}", flush=True)
        for confusion, _ in result.confusions.most_common(args.confusions):
            print(f"  {confusion}")
    return 0
