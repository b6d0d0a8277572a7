"""The SentencePiece vocabulary: learned from the corpus's own sentences, with a control piece for each thing a parse may name."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sentencepiece

from .corpus.forms import Example
from .corpus.lexicon import words_of

SPARES = 16  # control pieces kept free: a later use then keeps the model's shape


@dataclass(frozen=True)
class Vocabulary:
    """Pieces in id order, with SentencePiece's scores and llama.cpp's token types."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    proto: bytes

    def processor(self) -> sentencepiece.SentencePieceProcessor:
        """The tokenizer."""
        return sentencepiece.SentencePieceProcessor(model_proto=self.proto)


def control_pieces(schema: dict[str, Any]) -> list[str]:
    """Every control piece of the model's language (ARCHITECTURE.md, "The model's language")."""
    values = {value for slot in schema["slots"].values() for value in [*slot["values"], *slot["also"]]}
    return [
        "<parse>", "<end>", "<asked>", "<up>", "<down>",
        *(f"<I:{intent}>" for intent in schema["intents"]),
        *(f"<S:{slot}>" for slot in schema["slots"]),
        *(f"<V:{value}>" for value in sorted(values)),
        *(f"<x{i}>" for i in range(SPARES)),
    ]  # fmt: skip


def learn(examples: Iterable[Example], schema: dict[str, Any], *, size: int, sentences: int = 150_000) -> Vocabulary:
    """Learn `size` pieces (BPE, bytes as the last resort, digits one by one) from the examples' sentences."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_text(examples, sentences), model_writer=trained, model_type="bpe", vocab_size=size,
        character_coverage=0.9999, byte_fallback=True, split_digits=True, normalization_rule_name="identity",
        user_defined_symbols=control_pieces(schema), bos_id=1, eos_id=2, unk_id=0, pad_id=-1,
        num_threads=1, minloglevel=2,
    )  # fmt: skip
    return of_proto(trained.getvalue())


def of_proto(proto: bytes) -> Vocabulary:
    """The vocabulary of a trained SentencePiece model."""
    sp = sentencepiece.SentencePieceProcessor(model_proto=proto)
    ids = range(sp.get_piece_size())
    return Vocabulary(
        pieces=tuple(sp.id_to_piece(i) for i in ids),
        scores=tuple(sp.get_score(i) for i in ids),
        types=tuple(_type(sp, i) for i in ids),
        proto=proto,
    )


def _type(sp: sentencepiece.SentencePieceProcessor, i: int) -> int:
    """llama.cpp's token types: 1 normal, 2 unknown, 3 control, 4 user defined, 6 byte."""
    if sp.is_unknown(i):
        return 2
    if sp.is_control(i):
        return 3
    if sp.is_byte(i):
        return 6
    return 4 if sp.id_to_piece(i).startswith("<") and sp.id_to_piece(i).endswith(">") else 1


def _text(examples: Iterable[Example], sentences: int) -> Iterator[str]:
    """Sentences, and the plain words of the lexicons, so that names of every sort are cheap to copy."""
    for example in islice(examples, sentences):
        yield example.text
    rng = random.Random(0)
    for sort in ("word", "first_name", "area", "item"):
        words = list(words_of(sort))
        rng.shuffle(words)
        yield from words
