"""The second opinion: what it may change, what it may not, and a head read from a file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine import gguf, prior, quant
from ingle.engine.encoder import gelu
from ingle.engine.gguf import ModelFileError
from ingle.engine.interpreter import Interpreter
from ingle.engine.model import Model
from ingle.engine.prior import ARCHITECTURE, SURE, IntentPrior, mix
from ingle.engine.reference import softmax
from ingle.skills.schema import load_schema
from tests.test_interpreter import Script
from tests.tiny import write_model

SCHEMA = load_schema()
LEANING = math.log(3)           # a `Script` wants its next token three times as much as any other


def interpreted(folder: Path, knows: Mapping[str, float], *, asked: bool = False) -> tuple[str, list[str]]:
    """The first intent where the model leans to HassTurnOn, and what the prior was asked."""
    heard: list[str] = []

    def opinion(text: str) -> Mapping[str, float]:
        heard.append(text)
        return knows

    model = Interpreter(Model.open(write_model(folder / "tiny.gguf")), SCHEMA, run=Script, prior=opinion)
    script = model._run
    assert isinstance(script, Script)
    script.plays(model.tokenizer, "<I:HassTurnOn> <end> <end> <end>")
    # The script plays on as if its own first choice had been taken: only the first intent is looked at.
    return model.interpret("Kitchen, PLEASE", asked=asked).intents[0].intent, heard


def test_a_prior_that_is_sure_settles_a_doubt(tmp_path: Path) -> None:
    assert interpreted(tmp_path, {"HassTurnOff": math.log(0.97), "HassTurnOn": math.log(0.001)}) == (
        "HassTurnOff", ["kitchen , please"])  # fmt: skip


def test_a_prior_that_leans_the_other_way_a_little_does_not(tmp_path: Path) -> None:
    assert interpreted(tmp_path, {"HassTurnOff": math.log(0.4), "HassTurnOn": math.log(0.3)})[0] == "HassTurnOn"


def test_after_a_question_it_is_not_asked(tmp_path: Path) -> None:
    assert interpreted(tmp_path, {"HassTurnOff": 0.0}, asked=True) == ("HassTurnOn", [])


@given(st.floats(SURE + 1e-4, 1.0), st.lists(st.floats(-50, 0), min_size=4, max_size=4))
def test_above_sure_no_prior_changes_the_choice(p: float, opinion: list[float]) -> None:
    probabilities = np.array([p, (1 - p) * 0.98, (1 - p) * 0.01, (1 - p) * 0.01], np.float32)
    mixed = mix(np.log(np.maximum(probabilities, np.float32(1e-12))), np.array(opinion, np.float32))
    assert np.argmax(mixed) == 0


def test_what_the_prior_does_not_know_is_left_as_it_was() -> None:
    probabilities = np.array([0.6, 0.3, 0.1], np.float32)
    np.testing.assert_allclose(softmax(mix(np.log(probabilities), np.full(3, np.nan, np.float32))), probabilities, rtol=1e-5)


def head_file(path: Path, **changed: Any) -> Path:
    rng = np.random.default_rng(5)
    parts = {"hidden.weight": rng.normal(size=(8, 384)), "hidden.bias": rng.normal(size=8),
             "output.weight": rng.normal(size=(3, 8)), "output.bias": rng.normal(size=3)} | changed  # fmt: skip
    about = {"general.architecture": ARCHITECTURE, "intent_prior.intents": ["Chat", "HassTurnOn", "NotForUs"]}
    gguf.write(path, about, [(name, "F32", value.shape, quant.quantize(value, "F32"))
                             for name, value in parts.items() if value is not None])  # fmt: skip
    return path


def test_a_head_gives_log_probabilities(tmp_path: Path) -> None:
    head = IntentPrior.open(head_file(tmp_path / "head.gguf"))
    vector = np.random.default_rng(1).normal(size=384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    scores = head.output @ gelu(head.hidden @ (vector * math.sqrt(384)) + head.hidden_bias) + head.output_bias
    np.testing.assert_allclose(head.of_vector(vector), np.log(softmax(scores)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "where"),
    [({"hidden.bias": None}, "hidden.bias"), ({"hidden.bias": np.zeros((2, 4))}, "hidden.bias"),
     ({"output.weight": np.zeros((4, 8))}, "hidden.weight"), ({"output.bias": np.zeros(9)}, "hidden.weight")],
)  # fmt: skip
def test_a_head_that_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, Any], where: str) -> None:
    with pytest.raises(ModelFileError) as refused:
        IntentPrior.open(head_file(tmp_path / "head.gguf", **changed))
    assert refused.value.where == where


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=ARCHITECTURE):
        IntentPrior.open(write_model(tmp_path / "tiny.gguf"))


def test_the_shipped_head_knows_every_intent_of_the_catalogue_that_people_ask_for() -> None:
    head = IntentPrior.open(prior.HEAD)
    assert set(head.intents) <= set(SCHEMA["intents"])
    assert len(head.intents) >= 70
    likely = head("switch the lamp in the hall off, would you")
    assert max(likely, key=lambda intent: likely[intent]) == "HassTurnOff"
