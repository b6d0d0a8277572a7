"""Training, as far as a minute goes: a tiny student learns, stops, goes on, and its file is read by the engine."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from ingle.engine import quant  # noqa: E402
from ingle.engine.interpreter import Interpreter  # noqa: E402
from ingle.engine.model import Model  # noqa: E402
from ingle.engine.reference import Reference  # noqa: E402
from ingle.engine.train import vocabulary  # noqa: E402
from ingle.engine.train.corpus.generate import Corpus  # noqa: E402
from ingle.engine.train.export import export  # noqa: E402
from ingle.engine.train.run import Encoder, Plan, Run, batches, load  # noqa: E402
from ingle.engine.train.student import Shape, Student, fake_q4_0, fake_q8_0  # noqa: E402
from ingle.skills.schema import load_schema  # noqa: E402

SCHEMA = load_schema()


def corpus() -> Corpus:
    return Corpus(SCHEMA, data=None, seed=2, templates=False)


@pytest.fixture(scope="module")
def pieces() -> vocabulary.Vocabulary:
    return vocabulary.learn(corpus(), SCHEMA, size=1500, sentences=2000)


def a_run(folder: Path, pieces: vocabulary.Vocabulary, steps: int) -> Run:
    torch.manual_seed(1)
    shape = Shape(n_vocab=len(pieces.pieces), n_layer=2, n_embd=64, n_head=4, n_head_kv=2, n_ff=96)
    return Run(folder, Plan(steps=steps, batch_tokens=1024, peak_rate=3e-3, checkpoint_s=0), Student(shape))


def trained(run: Run, pieces: vocabulary.Vocabulary) -> list[float]:
    losses: list[float] = []
    stream = batches(iter(corpus()), Encoder(pieces.processor()), run.plan, random.Random(0))
    run.train(stream, tell=lambda line: losses.append(line["loss"]))
    return losses


def test_it_learns_and_its_file_is_read(tmp_path: Path, pieces: vocabulary.Vocabulary) -> None:
    losses = trained(a_run(tmp_path, pieces, 150), pieces)
    assert losses[-1] < 0.7 * losses[0]
    file = tmp_path / "tiny.gguf"
    student = load(tmp_path / "checkpoint.pt")
    export(student, pieces, file, about={}, matmul="F32")
    tokens = [1, *pieces.processor().encode("lamp off")]
    with torch.no_grad():
        wanted = student(torch.tensor([tokens]))[0, -1].numpy()
    reference = Reference(Model.open(file))
    np.testing.assert_allclose(reference.prefill(tokens, reference.state(64)), wanted, rtol=0.05, atol=0.05)
    export(student, pieces, file, about={})
    assert Interpreter.open(file, schema=SCHEMA).interpret("turn off the kitchen lights").intents


def test_a_stopped_run_goes_on(tmp_path: Path, pieces: vocabulary.Vocabulary) -> None:
    trained(a_run(tmp_path, pieces, 4), pieces)
    run = a_run(tmp_path, pieces, 8)
    assert run.resume()
    assert run.step == 4
    trained(run, pieces)
    assert run.step == 8


@pytest.mark.parametrize(("fake", "dtype"), [(fake_q4_0, "Q4_0"), (fake_q8_0, "Q8_0")])
def test_weights_are_rounded_as_the_file_rounds_them(fake: object, dtype: str) -> None:
    weight = torch.randn(8, 64)
    weight[0] = 0
    stored = quant.dequantize(quant.quantize(weight.numpy(), dtype), dtype, weight.shape)
    np.testing.assert_allclose(fake(weight).numpy(), stored, atol=2e-3)  # type: ignore[operator]


def test_the_answer_is_made_of_the_sentence_s_own_tokens(pieces: vocabulary.Vocabulary) -> None:
    encoder, sp = Encoder(pieces.processor()), pieces.processor()
    for example in islice(corpus(), 200):
        tokens, answer = encoder.encode(example)
        assert sp.id_to_piece(tokens[answer - 1]) == "<parse>"
        assert sp.id_to_piece(tokens[-1]) == "<end>"
