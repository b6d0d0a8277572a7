"""Free text: what is drawn, where it ends, and that it may go on for ever."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ingle.engine.backend import Engine, choose
from ingle.engine.generate import Sampling, bias_towards, draw, generate
from ingle.engine.model import Model
from ingle.engine.native import Native
from ingle.engine.reference import ContextFull, Reference
from tests.tiny import write_model

SCORES = np.log(np.asarray([0.5, 0.25, 0.15, 0.1], np.float32))
PROMPT = [1, 300, 12, 270]


def drawn(sampling: Sampling, recent: tuple[int, ...] = (), n: int = 2000) -> dict[int, float]:
    rng = np.random.default_rng(1)
    counts = Counter(draw(SCORES, sampling, recent, rng) for _ in range(n))
    return {token: count / n for token, count in counts.items()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return choose(Model.open(write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")))


def test_it_draws_as_the_model_has_it() -> None:
    found = drawn(Sampling(temperature=1.0))
    assert found == pytest.approx({0: 0.5, 1: 0.25, 2: 0.15, 3: 0.1}, abs=0.04)


@pytest.mark.parametrize(
    ("sampling", "tokens"),
    [
        (Sampling(), {0}),
        (Sampling(temperature=1.0, top_k=1), {0}),
        (Sampling(temperature=1.0, top_k=2), {0, 1}),
        (Sampling(temperature=1.0, top_p=0.4), {0}),
        (Sampling(temperature=1.0, top_p=0.8), {0, 1, 2}),
        (Sampling(temperature=1.0, min_p=0.4), {0, 1}),
        (Sampling(temperature=0.01), {0}),
        (Sampling(bias={3: 5.0}), {3}),
    ],
)
def test_only_these_are_drawn(sampling: Sampling, tokens: set[int]) -> None:
    assert set(drawn(sampling)) == tokens


def test_a_home_s_names_get_likelier() -> None:
    bias = bias_towards(["hall", "attic"], lambda text: [len(text) % 4], by=3.0)
    assert bias == {0: 3.0, 1: 3.0, 2: 3.0}             # "hall" 0, " hall" 1, "attic" 1, " attic" 2
    assert drawn(Sampling(temperature=1.0, bias=bias))[3] < 0.02


def test_what_was_written_lately_gets_less_likely() -> None:
    assert drawn(Sampling(temperature=1.0, repetition_penalty=4.0), recent=(0, 0))[0] < 0.2


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"min_p": 2.0}, {"top_k": -1}, {"repetition_penalty": 0.0}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"at least|above"):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_greedy_is_the_likeliest_each_time(engine: Engine) -> None:
    row = list(PROMPT)
    for token in generate(engine, PROMPT, max_tokens=5):
        best = int(np.argmax(engine.logits(engine.prefill(row, engine.state()))))
        assert token == best
        row.append(token)
    assert len(row) == len(PROMPT) + 5


def test_a_seed_repeats(engine: Engine) -> None:
    first, second = (list(generate(engine, PROMPT, Sampling(temperature=1.0, seed=7), max_tokens=20)) for _ in range(2))
    assert first == second
    assert first != list(generate(engine, PROMPT, Sampling(temperature=1.0, seed=8), max_tokens=20))


def test_it_ends_at_a_token_or_in_time(engine: Engine) -> None:
    text = list(generate(engine, PROMPT, Sampling(temperature=1.0, seed=7), max_tokens=20))
    until = list(generate(engine, PROMPT, Sampling(temperature=1.0, seed=7), max_tokens=20, stop={text[5]}))
    assert until == text[: text.index(text[5])]
    assert list(generate(engine, PROMPT, max_s=0)) == []


def test_nothing_runs_ahead_of_who_reads(engine: Engine) -> None:
    state = engine.state()
    assert len(list(islice(generate(engine, PROMPT, state=state), 3))) == 3
    assert state.n_past == len(PROMPT) + 2


def test_a_full_state_slides_or_says_so(tmp_path: Path) -> None:
    model = Model.open(write_model(tmp_path / "tiny.gguf"))
    with pytest.raises(ContextFull):
        list(generate(Reference(model), PROMPT, state=Reference(model).state(20), max_tokens=50))
    run = choose(model)
    if not isinstance(run, Native):
        pytest.skip("the C core is not there")
    state = run.state(20)
    assert len(list(generate(run, PROMPT, state=state, max_tokens=200))) == 200
    with pytest.raises(ContextFull):
        list(generate(run, [1] * 21, state=run.state(20)))
