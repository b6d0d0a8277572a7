"""`ingle bench --engine`, `--against` and `--endless`: the language model alone, without a home around it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from ..engine import against, bench, endless
from ..engine.backend import ENVIRONMENT, BackendError
from ..engine.native import NativeError, NoLibrary, usual_threads
from .bench import machine
from .commands import CommandError
from .config import load
from .daemon import model_path

Figures = Mapping[str, float | str]


def run(args: argparse.Namespace) -> int:
    """Measure and print. Raises: CommandError, ConfigError, ModelFileError."""
    path = Path(args.model) if args.model else model_path(load(args.config))
    try:
        figures = _measure(args, path)
    except (NoLibrary, NativeError, BackendError, against.MissingLlama) as error:
        raise CommandError(str(error)) from None
    if args.json:
        print(json.dumps({**figures, "machine": machine(), "model": path.name}))
    else:
        print("\n".join(table(figures, path.name)))
    return 0


def _measure(args: argparse.Namespace, path: Path) -> Figures:
    n_threads = args.threads or usual_threads()
    if args.against:
        return against.compare(path, n_threads=n_threads)
    if args.endless:
        turns = endless.measure(path, args.endless, n_threads=n_threads)
        if args.plot:
            Path(args.plot).write_text(turns.plot(f"{args.endless} turns with {path.name}, {machine()}"), encoding="utf-8")
        return turns.figures()
    if os.environ.get(ENVIRONMENT, "native") != "native":
        return bench.speed(path)
    return bench.measure(path, n_threads=n_threads)


def table(figures: Figures, model: str) -> list[str]:
    """The figures for people."""
    width = max(map(len, figures))
    rows = [f"{key:<{width}}  {value if isinstance(value, str) else format(value, '.4g')}" for key, value in figures.items()]
    return [*rows, f"{model}, {machine()}, {date.today().isoformat()}"]
