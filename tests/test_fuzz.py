"""The corpus of model files, and a short run of what damages them (`python -m tests.fuzz_gguf` runs as long as wanted)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import fuzz_gguf
from tests.fuzz_gguf import CORPUS, attempt, open_all, spoil, write_corpus

FILES = sorted(CORPUS.glob("*.gguf"))
ROUNDS = 200


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_of_the_corpus_opens_or_is_refused(path: Path) -> None:
    reached = open_all(path)
    assert reached in ("nothing", "header", "model", "vocabulary", "tokens", "encoder")


def test_the_seeds_are_what_the_program_writes(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    for file in tmp_path.iterdir():
        assert (CORPUS / file.name).read_bytes() == file.read_bytes()
    assert len(list(tmp_path.iterdir())) >= 10


def test_damaged_files_are_refused_and_no_more(tmp_path: Path) -> None:
    rng, seeds = random.Random(11), [path.read_bytes() for path in FILES]
    for _ in range(ROUNDS):
        find = attempt(spoil(rng.choice(seeds), rng), tmp_path)
        assert find is None, find


def test_a_find_is_told_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def careless(path: Path) -> str:
        raise ZeroDivisionError("found")

    monkeypatch.setattr(fuzz_gguf, "open_all", careless)
    assert fuzz_gguf.main(["--seconds", "0.05", "--folder", str(tmp_path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert len(list(tmp_path.glob("find-*.gguf"))) == 1

    monkeypatch.setattr(fuzz_gguf, "open_all", lambda path: "nothing")
    assert fuzz_gguf.main(["--seconds", "0.05", "--folder", str(tmp_path)]) == 0
