"""The sentence encoder: true to the model it was made from, its tokenizer to BERT's, and broken files refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine import gguf
from ingle.engine.encoder import Encoder, WordPiece, gelu
from ingle.engine.gguf import ModelFileError

HERE = Path(__file__).parent
MODEL = HERE.parent / "engine" / "models" / "all-minilm-l6-v2.gguf"
GOLDEN = json.loads((HERE / "knowledge" / "encoder_golden.json").read_text(encoding="utf-8"))  # by sentence-transformers, float32


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.open(MODEL)


def golden_vector(each: dict[str, Any]) -> Any:
    return np.frombuffer(base64.b64decode(each["vector"]), "<f2").astype(np.float32)


def test_the_shipped_model_is_small_and_says_where_it_is_from() -> None:
    assert MODEL.stat().st_size <= 16_000_000
    metadata = gguf.read(MODEL).metadata
    assert metadata["general.license"] == "apache-2.0"
    assert "all-MiniLM-L6-v2" in metadata["general.source.url"]
    assert MODEL.with_suffix(".LICENSE").read_text(encoding="utf-8").strip().startswith("Apache License")


def test_vectors_are_those_of_the_original(encoder: Encoder) -> None:
    ours = encoder.embed([each["text"] for each in GOLDEN])
    theirs = np.stack([golden_vector(each) for each in GOLDEN])
    cosine = (ours * theirs).sum(axis=1)
    assert cosine.mean() >= 0.995
    assert cosine.min() >= 0.99


@pytest.mark.parametrize("each", GOLDEN, ids=lambda each: each["text"][:30])
def test_pieces_are_those_of_the_original(encoder: Encoder, each: dict[str, Any]) -> None:
    pieces = gguf.read(MODEL).metadata["tokenizer.ggml.tokens"]
    own = [pieces[index] for index in encoder.tokenizer.encode(each["text"], limit=512).ids]
    theirs = [piece.removeprefix("##") if piece.startswith("##") else f"▁{piece}" for piece in each["tokens"]]
    assert own[1:-1] == theirs[1:-1]
    assert (own[0], own[-1]) == ("[CLS]", "[SEP]")


def test_a_text_has_the_same_vector_alone_and_among_others(encoder: Encoder) -> None:
    texts = ["short", "The boiler shows F28 in hard frost.", "bin day"]
    together = encoder.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(encoder.embed([text])[0], vector, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_a_sentence_is_pooled_inside_its_passage(encoder: Encoder) -> None:
    text = "The spare key is with Mrs Dubois. Bin day is Tuesday."
    encoded = next(encoder.encode([text]))
    about_keys, about_bins = encoded.vector((0, 33)), encoded.vector((34, len(text)))
    question = encoder.embed(["when are the bins collected?"])[0]
    assert question @ about_bins > question @ about_keys + 0.2


def test_nothing_and_nonsense_have_vectors_too(encoder: Encoder) -> None:
    vectors = encoder.embed(["", " ", "日本語", "x" * 5000, "\0\ud800"])
    assert np.isfinite(vectors).all()
    assert encoder.embed([]).shape == (0, 384)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_spans_are_in_order_and_inside_the_text(text: str) -> None:
    tokenizer = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁a", "b", "▁."], cls_id=2, sep_id=3, unknown_id=1)
    tokens = tokenizer.encode(text, limit=40)
    assert len(tokens.ids) == len(tokens.spans) <= 40
    inner = tokens.spans[1:-1]
    assert all(0 <= begin < end <= len(text) for begin, end in inner)
    assert inner == sorted(inner)


def test_gelu_is_close_to_the_exact_one() -> None:
    from math import erf, sqrt

    x = np.linspace(-6, 6, 401, dtype=np.float32)
    exact = np.array([value * 0.5 * (1 + erf(value / sqrt(2))) for value in x.tolist()], np.float32)
    assert np.abs(gelu(x.copy()) - exact).max() < 5e-4


def test_a_file_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "llama.gguf"
    gguf.write(file, {"general.architecture": "llama", "tokenizer.ggml.model": "llama"}, [])
    with pytest.raises(ModelFileError, match=r"llama\.gguf: tokenizer\.ggml\.model: is no WordPiece vocabulary"):
        Encoder.open(file)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    file = gguf.read(MODEL)
    kept = [tensor for tensor in file.tensors.values() if tensor.name != "blk.2.ffn_up.bias"]
    broken = tmp_path / "broken.gguf"
    gguf.write(broken, file.metadata, [(tensor.name, tensor.dtype, tensor.shape, tensor.data) for tensor in kept])
    with pytest.raises(ModelFileError, match=r"blk\.2\.ffn_up\.bias: is missing"):
        Encoder.open(broken)
