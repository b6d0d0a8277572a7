"""Print the version."""

from __future__ import annotations

import argparse
from importlib.metadata import version


def run(args: argparse.Namespace) -> int:
    print(f"ingle {version('ingle')}")
    return 0
