"""Run scenarios against a simulated home: what is said, and everything that must, and must not, come of it."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "run scenario files against a simulated home"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="scenario files, or folders of them")
    parser.add_argument("--broker", metavar="URL", help="a broker that runs already (default: one of our own for each)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(args: argparse.Namespace) -> int:
    import asyncio
    from contextlib import AbstractAsyncContextManager

    from ..config import Config, load
    from ..daemon import Daemon, open_model
    from ..scenario import run_files

    model = open_model(load(args.config))

    def open_ingle(config: Config) -> AbstractAsyncContextManager[Daemon]:
        return Daemon.open(config, understands=model)

    return asyncio.run(run_files(args.files, open_ingle, broker_url=args.broker, as_json=args.json))
