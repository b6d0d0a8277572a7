"""The C interpreter of the board against the Python one, on this machine; and, where the tools are, the board itself."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine.firmware.emulated import Emulated, missing, sections
from ingle.engine.firmware.pack import pack
from ingle.engine.model import Model
from ingle.engine.native import NativeError
from ingle.skills.schema import load_schema

from .board import Board, on_the_pc, plain, told

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "engine" / "models"
KERNELS = ROOT / "engine" / "kernels"
SMALL = MODELS / "ingle-small.gguf"
MATH_LIBRARY = 0.02     # the board's expf may differ in its last bit, which may tip a number to the next int8
THOROUGH = os.environ.get("FIRMWARE") == "1"      # `make test-firmware`
SENTENCES = (
    "Turn off the Kitchen lights", "what's the temperature in Anna's room?", "set the thermostat to 20.5 degrees",
    "dim it by half", "set a timer for 7:30", "make it -5", "Don't turn on the 2nd lamp, please", "", " ", "…",
    "lights off and lock the front door", "ＴＵＲＮ ＯＮ the ﬁrst light", "Schalte das Küchenlicht aus", "включи свет",
    "電気をつけて", "add 'semi-skimmed milk' to the list", "turn on everything except the TV", "ok " * 130, "a" * 1000,
    "one\x00two", 'say "good night" \\ now', "🙂 lamp 🙂 on",
)  # fmt: skip


@cache
def model() -> Model:
    if not SMALL.exists():
        pytest.skip("the small model is not here")
    return Model.open(SMALL)


@cache
def packed() -> bytes:
    return pack(model(), load_schema())


@cache
def both() -> tuple[Board, Any]:
    return Board(packed()), on_the_pc(model(), load_schema())


def asserts_same(text: str, *, asked: bool = False) -> None:
    board, pc = both()
    here, there = pc.interpret(text, asked=asked), board.interpret(text, asked=asked)
    assert told(there) == plain(here)
    assert there["confidence"] == pytest.approx(here.confidence, abs=2e-6)
    if len(text.encode("utf-8", "replace")) <= 1024:
        assert tuple(there.get("notes", ())) == here.notes


@pytest.mark.parametrize("text", SENTENCES)
def test_intents_are_those_of_python(text: str) -> None:
    asserts_same(text)


def test_an_answer_to_a_question_is_read_as_one() -> None:
    asserts_same("the kitchen one", asked=True)


def test_what_is_beyond_the_room_for_text_is_cut() -> None:
    (note,) = both()[0].interpret("a lamp " * 400)["notes"]
    assert note.startswith("cut after ")


@settings(max_examples=2000 if THOROUGH else 40, deadline=None)
@given(st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\x00"), max_size=60))
def test_any_latin_text_is_read_as_by_python(text: str) -> None:
    asserts_same(text)


@settings(max_examples=2000 if THOROUGH else 40, deadline=None)
@given(st.binary(max_size=80))
def test_bytes_that_are_no_text_are_answered(line: bytes) -> None:
    assert isinstance(both()[0].interpret(line)["intents"], list)


def test_a_damaged_pack_is_refused() -> None:
    damaged = bytearray(packed())
    damaged[random.Random(1).randrange(12, len(damaged))] ^= 1
    for wrong in (bytes(damaged), packed()[:-64], b""):
        with pytest.raises(NativeError, match=r"pack is damaged|arena"):
            Board(wrong)


def test_an_answer_without_room_is_an_error() -> None:
    with pytest.raises(NativeError, match="longer than the room"):
        Board(packed(), room=20).interpret("turn on the lamp")


def test_the_example_program_answers(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is here")
    (tmp_path / "ingle.pack").write_bytes(packed())
    core = ("forward", "pool", "dispatch", "variant_c", "interpret", "words", "spell", "cursor")
    sources = [ROOT / "engine" / "firmware" / "example.c", *(KERNELS / f"{name}.c" for name in core)]
    options = ["-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "example")]
    subprocess.run(["cc", *options, *map(str, sources), "-lm", "-lpthread"], check=True)
    text = "turn off the kitchen lights"
    said = subprocess.run([tmp_path / "example", tmp_path / "ingle.pack", text], capture_output=True, text=True, check=True)
    assert told(json.loads(said.stdout)) == plain(both()[1].interpret(text))
    refused = subprocess.run([tmp_path / "example", __file__], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "is no pack of this version" in refused.stderr


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if packages := missing():
        pytest.skip(f"please install the Debian packages {packages}")
    folder = tmp_path_factory.mktemp("firmware")
    (folder / "ingle.pack").write_bytes(packed())
    where = [f"PACK={folder / 'ingle.pack'}", f"BUILD={folder / 'build'}"]
    subprocess.run(["make", "-s", "-C", str(ROOT / "engine" / "firmware"), *where], check=True)
    return folder / "build" / "ingle.elf"


@pytest.fixture
def emulated(firmware: Path) -> Iterator[Emulated]:
    with Emulated(firmware) as board:
        yield board


def golden() -> list[str]:
    """One-line sentences; many from the tests' scenarios where there is time."""
    plain_ones = [text for text in SENTENCES if text and len(text.encode()) <= 200 and "\x00" not in text]
    if not THOROUGH:
        return plain_ones[:6]
    files = sorted((ROOT / "tests" / "scenarios").rglob("*.yaml"))
    lines = (line.strip(" -{") for file in files for line in file.read_text("utf-8").splitlines())
    quoted = [line.split(":", 1)[1].strip(" \"'{}") for line in lines if line.startswith("ask:")]
    return plain_ones + quoted[:200]


def test_the_board_gives_the_intents_of_python(emulated: Emulated) -> None:
    for text in golden():
        answer, here = emulated.ask(text), both()[1].interpret(text)
        assert (text, told(answer)) == (text, plain(here))
        assert answer["confidence"] == pytest.approx(here.confidence, abs=MATH_LIBRARY)


def test_the_board_survives_any_line(emulated: Emulated) -> None:
    assert emulated.ask("x" * 5000) == {"error": "the line is too long"}
    assert emulated.ask(bytes(byte for byte in range(256) if byte != 10))["intents"] is not None
    assert emulated.ask("@asked the kitchen one")["intents"] is not None


def test_the_board_keeps_within_its_memory(firmware: Path, emulated: Emulated) -> None:
    emulated.ask("a " * 120)
    status, found = emulated.ask("@status"), sections(firmware)
    assert found[".data"] + found[".bss"] + found[".stack"] <= 512 * 1024
    assert status["stack_peak"] < status["stack_bytes"]
    assert found[".text"] + found[".pack"] + found[".data"] <= 4 << 20
