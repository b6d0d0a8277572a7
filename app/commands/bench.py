"""Measure this machine: from being asked to the command on the bus, and the memory that takes; or the engine alone."""

from __future__ import annotations

import argparse

HELP = "measure latency and memory on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=100, metavar="N", help="how many requests to measure (default: 100)")
    parser.add_argument("--json", action="store_true", help="print the measurements as JSON")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--engine", action="store_true", help="measure the language model alone: kernels, tokens/s, memory")
    what.add_argument("--against", choices=["llama.cpp"], help="run it in turns with another engine and print ratios")
    what.add_argument("--endless", type=int, metavar="TURNS", help="talk to it for so many turns: time and memory stay constant")
    what.add_argument("--entities", type=int, metavar="N", help="a home of N entities beside one of 40: time and memory")
    parser.add_argument("--model", metavar="FILE", help="a GGUF file, with one of these (default: the configured model)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core, at most 4")
    parser.add_argument("--plot", metavar="FILE.svg", help="with --endless: draw it")


def run(args: argparse.Namespace) -> int:
    if args.engine or args.against or args.endless:
        from ..engine_bench import run as measure_engine

        return measure_engine(args)
    if args.entities is not None:
        from ..entities_bench import run as measure_entities

        return measure_entities(args)
    from ..bench import run as measure

    return measure(args)
