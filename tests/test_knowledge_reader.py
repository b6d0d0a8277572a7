"""The reader of passages: the same in numpy as where it was trained; it says nothing but what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine.encoder import Encoder
from ingle.knowledge import reader
from ingle.knowledge.embedding import open_encoder
from ingle.knowledge.household import Knowledge
from ingle.knowledge.reader import OF_PASSAGE, OF_QUESTION, Asking, D, Page, open_reader
from ingle.knowledge.vectors import agreement, to_bits

WEIGHTS = Path(reader.__file__).with_name("reader.npz")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


@pytest.fixture
def store(encoder: Encoder) -> Iterator[Knowledge]:
    with Knowledge.open(":memory:", encoder) as knowledge:
        yield knowledge


def _page(n: int, n_question: int, seed: int) -> tuple[Asking, Page]:
    rng = np.random.default_rng(seed)
    asked = Asking(rng.normal(size=(n_question, 384)).astype(np.float32), ("word",) * n_question)
    sentence = np.sort(rng.integers(-1, 3, n))
    return asked, Page(rng.normal(size=(n, 384)).astype(np.float32), rng.random((n, len(OF_PASSAGE)), np.float32),
                       rng.random((n_question, len(OF_QUESTION)), np.float32), sentence, tuple((k, k + 1) for k in range(n)))


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 200_000
    assert open_reader().version


def test_numpy_reads_as_torch_does() -> None:
    torch = pytest.importorskip("torch")
    from ingle.knowledge.train import fit

    torch.manual_seed(0)
    network = fit.Network().eval()
    ours = reader.Reader({**network.weights(), "version": "test"})
    asked, page = _page(40, 9, 1)
    other = _page(17, 9, 2)[1]
    begins, ends = ours._marks(asked, [Page(page.tokens @ ours._of["passage"].T, *_rest(page)),
                                       Page(other.tokens @ ours._of["passage"].T, *_rest(other))])
    with torch.no_grad():
        inputs, _ = fit._batch([(asked, page, ()), (asked, other, ())])
        theirs = network(inputs).numpy()
    assert np.allclose(begins[0], theirs[0, :, 0], atol=0.1)        # the file's weights have eight bits
    assert np.allclose(ends[1, :18], theirs[1, :18, 1], atol=0.1)


def _rest(page: Page) -> tuple[object, ...]:
    return page.of_tokens, page.of_question, page.sentence, page.spans


def test_fitting_learns_and_is_the_same_each_time() -> None:
    pytest.importorskip("torch")
    from ingle.knowledge.train import fit

    asked, page = _page(20, 6, 3)
    place = int(np.flatnonzero(page.sentence >= 0)[0])
    examples = [fit.Example(asked, (page,), (((place, place),),))] * 8
    said: list[str] = []
    first = fit.train(examples, epochs=4, say=said.append).weights()
    again = fit.train(examples, epochs=4, say=said.append).weights()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in said[:4]]
    assert losses[-1] < losses[0]


def test_households_to_learn_from_are_sound() -> None:
    from ingle.knowledge.train import worlds

    written = [worlds.written(letter) for letter in worlds.WRITTEN + worlds.HELD_BACK]
    for world in written:
        assert len(world.documents) >= 20
        assert len(world.questions) >= 300
        assert sum(asked.answer is None for asked in world.questions) >= 100
    for world in (*written, worlds.made_up(0)):
        for asked in world.questions:
            if asked.answer is not None and asked.document != "note":
                assert asked.answer.lower() in world.documents[asked.document or ""].lower(), asked
    assert worlds.made_up(5) == worlds.made_up(5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_any_tokens_can_be_read(n: int, n_question: int, seed: int) -> None:
    asked, page = _page(n, n_question, seed)
    tokens = np.random.default_rng(seed).integers(-128, 128, (n, D)).astype(np.int8)
    (reading,) = open_reader().read(asked, [Page(tokens, page.of_tokens, page.of_question, page.sentence, page.spans)])
    assert len(reading.odds) == len(reading.answers) == int(page.sentence.max(initial=-1)) + 1
    assert np.isfinite(reading.odds).all()


def test_the_short_answer_stands_in_the_passage(store: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "mower.md").write_text(
        "# Mower\nThe mower was bought on 5 April 2025 at Thornley's. It needs 0.6 litres of oil.\n"
        "The blade is changed every spring. The key hangs in the shed.")
    list(store.add(tmp_path / "mower.md"))
    for question in ("when was the mower bought", "how much oil does the mower need", "where is the key of the mower"):
        answer = store.ask(question)
        assert answer.found, question
        assert answer.short
        assert answer.short in answer.passages[0].text


def test_what_another_reader_made_is_made_anew(encoder: Encoder, tmp_path: Path) -> None:
    file = tmp_path / "knowledge.db"
    with Knowledge.open(file, encoder) as knowledge:
        knowledge.remember("the ladder is in the garage")
        knowledge._store._sql.execute("UPDATE meta SET value = 'older' WHERE key = 'reader'")
    with Knowledge(file, encoder) as knowledge:
        assert knowledge.ask("where is the ladder").passages == () or knowledge.ask("where is the ladder").found
        assert knowledge.repair(thorough=False) == ["1 passages were embedded again"]
        assert knowledge.ask("where is the ladder").short
    with Knowledge(file, encoder) as knowledge:
        assert knowledge.repair(thorough=False) == []


def test_signs_agree_as_their_product_says() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 128)).astype(np.float32)
    query = vectors[3]
    expected = np.where(vectors > 0, 1, -1) @ query
    assert np.allclose(agreement(np.ascontiguousarray(to_bits(vectors).T), query), expected, atol=1e-3)
