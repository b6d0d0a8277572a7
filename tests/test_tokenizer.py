"""The tokenizer: a vocabulary that went through a GGUF file reads text as the one that was trained."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine import gguf
from ingle.engine.gguf import ModelFileError
from ingle.engine.tokenizer import Tokenizer

CONTROL = ["<parse>", "<end>", "<I:HassTurnOn>"]
ROOMS = ["kitchen", "living room", "bedroom", "hall", "garage", "attic", "study", "nursery"]
DEEDS = ["turn on the {} lights", "switch off the lamp in the {}", "is the {} window open ?", "set the {} to 50 %"]
SENTENCES = [deed.format(room) for room in ROOMS for deed in DEEDS]


def trained() -> sentencepiece.SentencePieceProcessor:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(SENTENCES * 5), model_writer=model, vocab_size=380, model_type="bpe", byte_fallback=True,
        split_digits=True, user_defined_symbols=CONTROL, normalization_rule_name="identity", num_threads=1,
        minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def metadata_of(sp: sentencepiece.SentencePieceProcessor) -> dict[str, Any]:
    ids = range(sp.GetPieceSize())

    def kind(token: int) -> int:
        if sp.IsUnknown(token):
            return 2
        if sp.IsControl(token):
            return 3
        return 6 if sp.IsByte(token) else 4 if sp.IdToPiece(token) in CONTROL else 1

    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [sp.IdToPiece(token) for token in ids],
        "tokenizer.ggml.scores": [sp.GetScore(token) for token in ids],
        "tokenizer.ggml.token_type": [kind(token) for token in ids],
        "tokenizer.ggml.bos_token_id": sp.bos_id(),
    }


SP = trained()
METADATA = metadata_of(SP)
N = len(METADATA["tokenizer.ggml.tokens"])
TOKENIZER = Tokenizer.from_metadata(
    {key: np.asarray(value) if key.endswith(("scores", "type")) else value for key, value in METADATA.items()}
)


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path: Path = tmp_path_factory.mktemp("vocabulary") / "tokens.gguf"
    gguf.write(path, METADATA, [])
    return gguf.read(path).metadata


@pytest.fixture(scope="module")
def tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    return Tokenizer.from_metadata(metadata)


@pytest.mark.parametrize("text", [*SENTENCES, "", "  two  spaces ", "1234.5", "naïve 💡 日本", "unseen zyxw", "a\nb"])
def test_text_reads_as_with_the_trained_model(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text) == SP.EncodeAsIds(text)
    assert tokenizer.decode(tokenizer.encode(text)) == SP.DecodeIds(SP.EncodeAsIds(text))


@given(st.text(max_size=40))
def test_any_text_reads_the_same(text: str) -> None:
    assert TOKENIZER.encode(text) == SP.EncodeAsIds(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12), max_size=8))
def test_words_join_to_the_sentence(words: list[str]) -> None:
    joined = [token for tokens in TOKENIZER.encode_words(words) for token in tokens]
    assert joined == TOKENIZER.encode(" ".join(words))


def test_control_pieces_are_looked_up_and_never_read_out_of_text(tokenizer: Tokenizer) -> None:
    for piece in CONTROL:
        token = tokenizer.id(piece)
        assert token is not None
        assert tokenizer.piece(token) == piece
        assert token not in tokenizer.encode(f"say {piece} now")
    assert tokenizer.id("<absent>") is None
    assert tokenizer.bos == SP.bos_id()


def test_lone_surrogates_do_no_harm(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("a\ud800b") == tokenizer.encode("a?b")
    assert tokenizer.encode_words(["\udfff"]) == [tokenizer.encode("?")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", "gpt2"),
        ("tokens", None),
        ("tokens", ["a", "a"]),
        ("scores", np.zeros(3)),
        ("scores", np.full(N, np.nan)),
        ("token_type", np.full(N, 9)),
        ("token_type", np.full(N, 1)),
        ("bos_token_id", 1 << 30),
    ],
)
def test_a_broken_vocabulary_is_refused_by_key(metadata: dict[str, Any], key: str, value: object) -> None:
    with pytest.raises(ModelFileError, match=f"tokenizer.ggml.{key}"):
        Tokenizer.from_metadata({**metadata, f"tokenizer.ggml.{key}": value})
