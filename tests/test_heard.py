"""The channel that mishears: how many words, which, and that what is scored is counted right."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine.interpreter import Intent, Interpretation
from ingle.engine.train import heard
from ingle.engine.train.heard import Channel, Heard, distance, score_heard
from ingle.skills.schema import load_schema

SPOKEN = {"lamp": ("L", "AE", "M", "P"), "lamb": ("L", "AE", "M"), "damp": ("D", "AE", "M", "P"), "two": ("T", "UW"),
          "to": ("T", "UW"), "sofa": ("S", "OW", "F", "AH"), "the": ("DH", "AH")}  # fmt: skip
SOUNDS = st.lists(st.sampled_from(["P", "B", "M", "AE", "IY", "S"]), max_size=5).map(tuple)


@given(SOUNDS, SOUNDS)
def test_a_distance_is_one(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a) <= max(len(a), len(b))


def test_phonemes_made_alike_are_nearer() -> None:
    assert distance(("P",), ("B",)) < distance(("P",), ("S",)) == distance(("P",), ())


@given(st.lists(st.lists(st.sampled_from(["lamp", "the", "two,", "xyzzy"]), min_size=1).map(" ".join), min_size=1), st.integers())
def test_a_tenth_of_the_words_is_misheard_and_none_is_lost(sentences: list[str], seed: int) -> None:
    wrong = Channel(SPOKEN, SPOKEN).mishear(sentences, random.Random(seed))
    pairs = [pair for a, b in zip(sentences, wrong, strict=True) for pair in zip(a.split(), b.split(), strict=True)]
    can_be = sum(said != "xyzzy" for said, _ in pairs)
    assert sum(said != came for said, came in pairs) == min(round(0.1 * len(pairs)), can_be)
    assert all(came in SPOKEN for said, came in pairs if said != came)


def test_what_sounds_nearest_is_heard_most() -> None:
    sentences = ["lamp"] * 300
    words = Channel(SPOKEN, SPOKEN).mishear(sentences, random.Random(1), rate=1.0)
    assert words.count("lamb") > words.count("sofa")
    assert "lamp" not in words


class Hears:
    """Understands "lamp on", and nothing else."""

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        return Interpretation((Intent("HassTurnOn", {"name": "lamp"}, 0.9),) if text == "lamp on" else (), confidence=0.9)


def test_said_and_heard_are_counted_apart() -> None:
    on = frozenset({("HassTurnOn",)})
    sentences = [Heard("lamp on", "lamb on", on), Heard("lamp on", "lamp on", on), Heard("sofa on", "lamp on", on)]
    assert score_heard(Hears(), sentences, load_schema()).line() == (
        "3 sentences, 33.3 % of their words misheard: intent 66.7 % as said, 66.7 % as heard")


def test_sentences_come_round_again_and_the_same_seed_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "pronunciations", lambda: SPOKEN)
    asked: list[dict[str, Any]] = [{"text": "turn the lamp to two", "intent": "HassLightSet"},
                                   {"text": "lamp", "intents": [{"intent": "HassTurnOn"}], "any_of": [{"intent": "HassTurnOff"}]}]
    (tmp_path / "paraphrases_dev_en.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (tmp_path / "hwu64_dev.jsonl").write_text(json.dumps({"text": "what", "scenario": "general", "intent": "joke", "slots": []}))
    first = heard.misheard(tmp_path, 20, load_schema())
    assert first == heard.misheard(tmp_path, 20, load_schema())
    assert {one.said for one in first} == {"turn the lamp to two", "lamp"}
    assert {one.accepted for one in first if one.said == "lamp"} == {frozenset({("HassTurnOn",), ("HassTurnOff",)})}


def test_the_real_dictionary() -> None:
    pytest.importorskip("pocketsphinx")
    spoken = heard.pronunciations()
    assert spoken["kitchen"] == ("K", "IH", "CH", "AH", "N")
    common = heard.common_words()
    assert {"the", "light", "turn"} <= set(common[:100])
    assert all("{" not in word for word in common)
