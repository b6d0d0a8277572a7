"""The C interpreter of the board against the Python one, on this machine; and, where the tools are, the board itself."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine.firmware.pack import pack
from ingle.engine.model import Model
from ingle.engine.native import NativeError
from ingle.skills.schema import load_schema

from .board import N_CTX, Board, on_the_pc, plain, told

MODELS = Path(__file__).parents[1] / "engine" / "models"
SENTENCES = (
    "Turn off the Kitchen lights", "what's the temperature in Anna's room?", "set the thermostat to 20.5 degrees", "dim it by half",
    "set a timer for 7:30", "make it -5", "Don't turn on the 2nd lamp, please", "", " ", "…", "lights off and lock the front door",
    "ＴＵＲＮ ＯＮ the ﬁrst light", "Schalte das Küchenlicht aus", "включи свет", "電気をつけて", "add 'semi-skimmed milk' to the list",
    "turn on everything except the TV", "ok " * 130, "a" * 1500, "one\x00two", 'say "good night" \\ now', "🙂 lamp 🙂 on",
)  # fmt: skip


@cache
def model() -> Model:
    """The smallest model that is here: it is the board's if there is one."""
    found = [path for path in (MODELS / "ingle-small.gguf", MODELS / "ingle.gguf") if path.exists()]
    if not found:
        pytest.skip("no model is here")
    return Model.open(found[0])


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


@pytest.mark.parametrize("text", [text for text in SENTENCES if len(text) <= 1024])
def test_intents_are_those_of_python(text: str) -> None:
    asserts_same(text)


def test_an_answer_to_a_question_is_read_as_one() -> None:
    asserts_same("the kitchen one", asked=True)


def test_what_is_beyond_the_room_for_text_is_cut() -> None:
    (note,) = both()[0].interpret("a lamp " * 400)["notes"]
    assert note.startswith("cut after ")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\x00"), max_size=60))
def test_any_latin_text_is_read_as_by_python(text: str) -> None:
    asserts_same(text)


@settings(max_examples=60, deadline=None)
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
