"""Writes what README.md states about the program out of the program: `python -m tests.readme [--bench] [--data FOLDER]`.

Marked blocks (`<!-- generated: NAME -->` … `<!-- end -->`) are replaced. `session` and `help` are checked by
test_readme.py; `bench` and `scores` are measured and only written when asked for, as they take a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SESSION = (
    "turn off the kitchen lights and lock the front door",
    "which lights are on downstairs?",
    "make the reading lamp blue and close the bedroom curtains",
    "turn on the fan",
    "the one in the bathroom",
    "how warm is the bedroom?",
    "set a ten minute pasta timer",
    "add milk, eggs and two loaves of bread to the shopping list",
    "turn off the lights in the sauna",
)
SCORED = ("paraphrases_dev_en.jsonl", "ha_intents_en.jsonl")


def ingle(*arguments: str, timeout_s: float = 600) -> str:
    """What `ingle …` prints, errors included, eighty columns wide."""
    done = subprocess.run(
        [sys.executable, "-m", "ingle.app.cli", *arguments], capture_output=True, text=True, timeout=timeout_s, cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"}, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).rstrip()


@contextmanager
def running(folder: Path, *options: str, port: int = 0) -> Iterator[Path]:
    """A daemon with an embedded broker, ready; gives its configuration file."""
    config = folder / "config.yaml"
    settings = {"mqtt": {"url": f"embedded:{port}"}, "data_dir": str(folder / "data"), "timezone": "Europe/London"}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-m", "ingle.app.cli", "run", "--config", str(config), *options]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert daemon.stdout is not None
        assert "is ready" in daemon.stdout.readline()
        yield config
    finally:
        daemon.terminate()
        daemon.communicate(timeout=30)


def session() -> list[str]:
    """The conversation of the README, held with the demo home."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "--simulate", "demo") as config:
        for said in SESSION:
            lines += [f'$ ingle say "{said}"', ingle("say", "--config", str(config), said)]
    return ["```console", *lines, "```"]


def help_text() -> list[str]:
    return ["```console", "$ ingle --help", ingle("--help"), "```"]


def bench() -> list[str]:
    return ["```", ingle("bench", "--turns", "200"), "```"]


def scores(data: Path) -> list[str]:
    """Intents and slots right on the development files, as `bench/intents_score.py` beside `data` counts them."""
    rows = ["| sentences | intents right | slots right too |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name in SCORED:
            prediction, figures = Path(folder) / name, Path(folder) / "figures.json"
            home = data / "ha_intents_home.yaml"
            prediction.write_text(ingle("interpret", str(data / name), "--home", str(home)) + "\n", encoding="utf-8")
            scorer = [sys.executable, str(data.parent / "bench" / "intents_score.py"), str(data / name), str(prediction)]
            subprocess.run([*scorer, "--home", str(home), "--json", str(figures)], check=True, capture_output=True)
            found = json.loads(figures.read_text(encoding="utf-8"))
            share = [f"{100 * found[key] / found['lines']:.1f} %" for key in ("intent_right", "slots_right")]
            rows.append(f"| {name}, {found['lines']} | {share[0]} | {share[1]} |")
    return rows


def written(text: str, name: str, lines: Sequence[str]) -> str:
    """`text` with the block `name` replaced."""
    block = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert block.search(text), f"README.md has no block {name}"
    return block.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", action="store_true", help="measure speed and memory too")
    parser.add_argument("--data", type=Path, help="folder of the development data: measure understanding too")
    args = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    blocks = {"session": session(), "help": help_text()}
    if args.bench:
        blocks["bench"] = bench()
    if args.data:
        blocks["scores"] = scores(args.data)
    for name, lines in blocks.items():
        text = written(text, name, lines)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
