"""Listen and answer: wake word, command, spoken reply, with a level meter. `ingle voice eval DIR` measures on recordings.

What is said goes to the Ingle that runs, or to one that is started for it. Nothing is kept unless voice.keep_recordings says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import CommandError

HELP = "listen and answer; or measure on recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="eval DIR", nargs="*", help="measure on the recordings in DIR (with transcripts.jsonl)")
    parser.add_argument("--json", action="store_true", help="eval: print one JSON object")
    parser.add_argument("--snr", metavar="DB,…", default="24,18,12,6", help="eval: noise, at these ratios; '': clean only")
    parser.add_argument("--plain", action="store_true", help="eval: the recogniser alone, to compare with")
    parser.add_argument("--at-most", metavar="N", type=int, help="eval: recordings of each folder")
    parser.add_argument("--mistakes", action="store_true", help="eval: print what was misunderstood")


def run(args: argparse.Namespace) -> int:
    import asyncio

    if args.what[:1] == ["eval"] and len(args.what) > 1:
        return asyncio.run(_evaluate(args))
    if args.what:
        raise CommandError("ingle voice: to measure, say `ingle voice eval DIR`")
    from ..config import load
    from ..voice.live import listen

    return asyncio.run(listen(load(args.config)))


async def _evaluate(args: argparse.Namespace) -> int:
    from ..config import load
    from ..daemon import open_model
    from ..voice.evaluate import evaluate
    from ..voice.hearing import open_recognizer

    config = load(args.config)
    snr: list[float | None] = [None, *_decibels(args.snr)]

    def tell(line: str) -> None:
        if args.mistakes:
            print(line, file=sys.stderr, flush=True)

    result = await evaluate(
        [Path(folder) for folder in args.what[1:]], open_recognizer(config), open_model(config), snr_db=snr, plain=args.plain,
        at_most=args.at_most, tell=tell,
    )
    print(json.dumps(result) if args.json else _table(result))
    return 0


def _decibels(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise CommandError(f"--snr {text!r}: give numbers in decibels, like 24,12,6") from None


def _table(result: dict[str, Any]) -> str:
    lines = [f"{result['recognizer']}{', alone' if result['plain'] else ''}; {result['memory_mb']} MB of memory",
             f"{'':12} {'n':>5} {'WER':>6} {'slots':>6} {'intent':>6} {'exact':>6} {'p50 ms':>7} {'p95 ms':>7} {'RTF':>6}"]
    for name, row in result.items():
        if isinstance(row, dict):
            lines.append(
                f"{name:12} {row['recordings']:5} {row['wer']:6.1%} {row['slot_accuracy']:6.1%} {row['intent_accuracy']:6.1%} "
                f"{row['exact']:6.1%} {row['latency_ms_p50']:7} {row['latency_ms_p95']:7} {row['real_time_factor']:6.2f}")
    return "\n".join(lines)
