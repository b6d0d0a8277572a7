"""GPT-2's kind of vocabulary and conversations over it."""

from __future__ import annotations

import builtins
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine import gguf
from ingle.engine.bpe import BytePairs, MissingPackage, _letters
from ingle.engine.chat import BEGIN, END, SAID_BEFORE, SYSTEM, Chat, main, vocabulary, written
from ingle.engine.generate import Sampling
from ingle.engine.gguf import ModelFileError
from ingle.engine.tokenizer import Tokenizer
from tests.tiny import METADATA as SENTENCEPIECE
from tests.tiny import tensors

pytest.importorskip("tokenizers")

MERGES = ["l i", "g h", "li gh", "ligh t", "Ġ light", "Ġ o", "Ġo n", "1 2", "Ã ©"]
CONTROL = ["<|endoftext|>", BEGIN, END]
PIECES = [*CONTROL, *_letters(), *("".join(merge.split()) for merge in MERGES)]
METADATA: dict[str, Any] = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": PIECES,
    "tokenizer.ggml.token_type": np.asarray([3] * len(CONTROL) + [1] * (len(PIECES) - len(CONTROL)), np.int32),
    "tokenizer.ggml.merges": MERGES,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
}
BPE = BytePairs.from_metadata(METADATA)


def pieces(text: str, pre: str = "smollm") -> list[str]:
    tokenizer = BytePairs.from_metadata({**METADATA, "tokenizer.ggml.pre": pre})
    return [tokenizer.piece(token) for token in tokenizer.encode(text)]


def test_pairs_are_joined_in_the_order_of_the_list() -> None:
    assert pieces("light on light") == ["light", "Ġon", "Ġlight"]
    assert pieces("lig") == ["li", "g"]


def test_text_falls_apart_as_the_file_says() -> None:
    assert pieces("12") == ["1", "2"]
    assert pieces("12", "gpt-2") == ["12"]
    assert pieces("1212", "llama-bpe") == ["12", "1", "2"]
    assert pieces(" \n light", "gpt-2") == ["Ġ", "Ċ", "Ġlight"]


@given(st.text(max_size=40))
def test_any_text_comes_back(text: str) -> None:
    assert BPE.decode(BPE.encode(text)) == text
    assert not {0, 1, 2} & set(BPE.encode(text))


@given(st.lists(st.text("abil ghtonéĠ12", min_size=1, max_size=6), max_size=5))
def test_words_join_to_the_sentence(words: list[str]) -> None:
    assert BPE.decode([token for tokens in BPE.encode_words(words) for token in tokens]) == " ".join(words)


def test_control_pieces_are_never_read_out_of_text() -> None:
    assert BPE.id(BEGIN) == 1
    assert 1 not in BPE.encode(f"say {BEGIN} now")
    assert (BPE.bos, BPE.eos) == (1, 2)
    assert BPE.encode("a\ud800b") == BPE.encode("a?b")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pre", "martian"), ("tokens", ["a", "a"]), ("token_type", np.zeros(3)), ("merges", None), ("merges", ["l x y"]),
        ("merges", ["l q"]), ("merges", ["light"]), ("bos_token_id", 1 << 30), ("eos_token_id", -1),
    ],
)  # fmt: skip
def test_a_broken_vocabulary_is_refused_by_key(key: str, value: object) -> None:
    with pytest.raises(ModelFileError, match=f"tokenizer.ggml.{key}"):
        BytePairs.from_metadata({**METADATA, f"tokenizer.ggml.{key}": value})


def test_without_the_package_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackage, match=r"pip install 'ingle\[bpe\]'"):
        BytePairs.from_metadata(METADATA)


def test_text_is_written_in_whole_characters() -> None:
    tokens = BPE.encode("a light 💡 é on")
    found = list(written(BPE, tokens))
    assert "".join(found) == "a light 💡 é on"
    assert "💡" in found
    assert "".join(written(BPE, tokens[:4])) == BPE.decode(tokens[:4])
    broken = BPE.encode("💡")[:2]
    assert "".join(written(BPE, broken)) == "\ufffd"


# ---- conversations ----


def write_chat_model(file: Path) -> Path:
    sizes = {key: value for key, value in SENTENCEPIECE.items() if not key.startswith("tokenizer.")}
    gguf.write(file, {**sizes, **METADATA}, tensors(n_vocab=len(PIECES)))
    return file


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_model(tmp_path_factory.mktemp("chat") / "chat.gguf")


def test_a_talk_goes_on_in_one_state(path: Path) -> None:
    """Answers cut off, broken off and ended alike leave the state as if the whole talk were read at once."""
    chat = Chat.open(path, system="s", n_ctx=512)
    tokens: list[int] = [*chat._form.turn("system", "s")]
    real = chat.engine.prefill

    def noted(read: Any, state: Any) -> Any:
        tokens.extend(read)
        return real(read, state)

    chat.engine.prefill = noted  # type: ignore[method-assign]
    answer = "".join(chat.say("light", max_tokens=6))
    list(islice(chat.say("on", max_tokens=6), 2))
    list(chat.say("l", max_tokens=1))
    text = chat.tokenizer.decode(tokens)
    first = f"{BEGIN}system\ns{END}\n{BEGIN}user\nlight{END}\n{BEGIN}assistant\n{answer}{END}\n"
    assert text.startswith(f"{first}{BEGIN}user\non{END}")
    assert text.count(END) == text.count(BEGIN) - 1
    assert list(chat.tokens) == tokens


def test_a_talk_without_end(path: Path) -> None:
    chat = Chat.open(path, n_ctx=256, sampling=Sampling(temperature=1.0, seed=1))
    for _ in range(12):
        list(chat.say("light on", max_tokens=10))
        assert len(chat.tokens) <= 256
    text = chat.tokenizer.decode(chat.tokens)
    assert text.startswith(f"{BEGIN}system\n{SYSTEM}{END}\n{BEGIN}system\n{SAID_BEFORE}")


def test_a_model_not_made_for_chat_is_refused(tmp_path: Path) -> None:
    gguf.write(tmp_path / "plain.gguf", SENTENCEPIECE, tensors())
    with pytest.raises(ModelFileError, match="ChatML"):
        Chat.open(tmp_path / "plain.gguf")
    assert isinstance(vocabulary(gguf.read(tmp_path / "plain.gguf").metadata), Tokenizer)


def test_the_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = iter(["light"])

    def read(_: str) -> str:
        try:
            return next(said)
        except StopIteration:
            raise EOFError from None

    assert main([str(path)], read) == 0
    assert main([], read) == 2
    assert main(["absent.gguf"], read) == 1
    assert "no such file" in capsys.readouterr().err
