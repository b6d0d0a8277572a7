"""Measure this machine: from being asked to the command on the bus, and the memory that takes."""

from __future__ import annotations

import argparse

HELP = "measure latency and memory on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=100, metavar="N", help="how many requests to measure (default: 100)")
    parser.add_argument("--json", action="store_true", help="print the measurements as JSON")


def run(args: argparse.Namespace) -> int:
    from ..bench import run as measure

    return measure(args)
