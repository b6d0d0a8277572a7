"""A text without end: what is kept, what stands for the rest, and that the room never grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingle.engine import native
from ingle.engine.context import Context, by_text, by_tokens
from ingle.engine.generate import Sampling, generate
from ingle.engine.model import Model
from ingle.engine.native import Native
from ingle.engine.quant import F32
from ingle.engine.reference import ContextFull, Reference
from tests.tiny import write_model

try:
    native.library()
except native.NoLibrary as error:
    pytest.skip(f"the C core is not there: {error}", allow_module_level=True)

SUMMARY = [7, 8]
REL_TOL = 0.03                  # keys that were turned and rounded once more


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Native]:
    run = Native(Model.open(write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")), 1)
    yield run
    run.close()


def scores(engine: Native, output: F32) -> F32:
    return engine.logits(output)


def close(found: F32, wanted: F32) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=REL_TOL * float(np.abs(wanted).max()))


def test_the_oldest_goes_and_the_first_stays(engine: Native) -> None:
    context = Context(engine, engine.state(16), n_pinned=2)
    for token in range(100, 117):
        context.read([token])
    assert context.tokens == [100, 101, *range(109, 117)]
    assert context.state.n_past == len(context.tokens)


def test_summary_tokens_see_what_goes_and_stay(engine: Native) -> None:
    """Their keys and values are those that they had when all was still there; what comes after is read after them."""
    context = Context(engine, engine.state(16), n_pinned=2, compress=by_tokens(SUMMARY))
    context.read(list(range(100, 116)))
    found = scores(engine, context.read([116]))
    assert context.tokens == [100, 101, *SUMMARY, *range(109, 117)]

    state = engine.state(64)
    engine.prefill([*range(100, 109), *SUMMARY], state)
    engine.slide(state, 2, 7)
    close(found, scores(engine, engine.prefill(range(109, 117), state)))
    forgetful = engine.prefill([100, 101, *SUMMARY, *range(109, 117)], engine.state(64))
    assert np.abs(found - scores(engine, forgetful)).max() > 3 * REL_TOL * np.abs(found).max()


def test_a_text_stands_for_what_goes(engine: Native) -> None:
    asked: list[tuple[int, list[int]]] = []

    def write(state: Any, dropped: Sequence[int]) -> list[int]:
        asked.append((state.n_past, list(dropped)))
        return [dropped[0], 5]

    context = Context(engine, engine.state(16), n_pinned=2, compress=by_text(write))
    context.read(list(range(100, 116)))
    found = scores(engine, context.read([116]))
    assert asked == [(9, list(range(102, 109)))]
    assert context.tokens == [100, 101, 102, 5, *range(109, 117)]
    close(found, scores(engine, engine.prefill(context.tokens, engine.state(64))))


def test_a_text_serves_numpy_too(engine: Native) -> None:
    run = Reference(engine.model)
    context = Context(run, run.state(16), n_pinned=2, compress=by_text(lambda state, dropped: []))
    for token in range(100, 140):
        context.read([token])
    assert context.tokens[:2] == [100, 101]
    assert len(context.tokens) <= 16
    for compress in (None, by_tokens(SUMMARY)):
        full = Context(run, run.state(16), compress=compress)
        full.read(list(range(16)))
        with pytest.raises(ContextFull):
            full.read([1])


def test_a_thousand_turns_in_the_same_room(engine: Native) -> None:
    """The summary takes in the summary before it."""
    context = Context(engine, engine.state(32), n_pinned=2, compress=by_tokens(SUMMARY))
    for turn in range(1000):
        context.read([100 + turn % 300] * 5)
        assert context.state.n_past == len(context.tokens) <= 32
    assert context.tokens[2:4] == SUMMARY
    assert context.tokens.count(SUMMARY[0]) <= 2


def test_what_cannot_fit_is_refused(engine: Native) -> None:
    context = Context(engine, engine.state(16), n_pinned=4)
    context.read([1, 2, 3])
    with pytest.raises(ContextFull, match="14 tokens"):
        context.read([1] * 14)
    assert context.tokens == [1, 2, 3]
    endless = Context(engine, engine.state(16), n_pinned=2, compress=lambda engine, state, n_pinned, dropped: dropped)
    endless.read([1] * 16)
    with pytest.raises(ValueError, match="no room"):
        endless.read([1])
    small = Context(engine, engine.state(16), n_pinned=10, compress=by_tokens(SUMMARY))
    small.read([1] * 16)
    small.read([2] * 5)
    assert small.tokens == [1] * 11 + [2] * 5
    state = engine.state(16)
    engine.prefill([1], state)
    with pytest.raises(ValueError, match="nobody knows"):
        Context(engine, state, compress=by_tokens(SUMMARY))


def test_generation_goes_on_in_it(engine: Native, tmp_path: Path) -> None:
    context = Context(engine, engine.state(24), n_pinned=2, compress=by_tokens(SUMMARY))
    sampling = Sampling(temperature=1.0, seed=3)
    for _ in range(5):
        assert len(list(generate(engine, [1, 300, 12], sampling, context=context, max_tokens=20))) == 20
    assert context.tokens[:2] == [1, 300]
