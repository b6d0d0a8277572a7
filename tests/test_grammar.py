"""The grammar: whatever is chosen among what it allows, the result is a parse of this sentence."""

from __future__ import annotations

import logging
import random
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine.gguf import ModelFileError
from ingle.engine.grammar import (
    MAX_INTENTS,
    MAX_SPAN_WORDS,
    Choice,
    Cursor,
    Digits,
    Grammar,
    NotAllowed,
    Parsed,
    Span,
    Step,
)
from ingle.engine.text import words as words_of
from ingle.engine.tokenizer import Tokenizer
from ingle.engine.train.corpus.generate import Corpus
from ingle.skills.schema import load_schema
from tests.tiny import CONTROL, VOCABULARY, train_vocabulary

SCHEMA = load_schema()
TOKENIZER = Tokenizer.from_metadata(VOCABULARY)
GRAMMAR = Grammar(SCHEMA, TOKENIZER)


def start(text: str, grammar: Grammar = GRAMMAR, **options: Any) -> Cursor:
    words = [word.text for word in words_of(text)]
    return grammar.start(words, TOKENIZER.encode_words(words), **options)


def follow(cursor: Cursor, parse: str) -> Cursor:
    """Feed a parse written with spaces: control pieces, and words or numbers as the tokenizer writes them."""
    for part in parse.split():
        token = TOKENIZER.id(part) if part.startswith("<") else None
        for step in TOKENIZER.encode(part) if token is None else [token]:
            cursor.advance(step)
    return cursor


def allowed(cursor: Cursor) -> set[str]:
    return {TOKENIZER.piece(token) for token in cursor.allowed()}


def test_the_example_of_the_architecture() -> None:
    cursor = start("turn off the kitchen lights and lock up")
    follow(cursor, "<I:HassTurnOff> <S:area> kitchen <S:domain> <V:light> <I:HassTurnOn> <S:domain> <V:lock> <end>")
    assert cursor.done
    assert cursor.intents == [
        Parsed("HassTurnOff", [("area", Span(3, 3)), ("domain", Choice("light"))]),
        Parsed("HassTurnOn", [("domain", Choice("lock"))]),
    ]


@pytest.mark.parametrize(
    ("text", "parse", "slots"),
    [
        ("dim it to 50 %", "<I:HassLightSet> <S:brightness> 50", [("brightness", Span(3, 3))]),
        ("dim it to half", "<I:HassLightSet> <S:brightness> 50", [("brightness", Digits("50"))]),
        ("dim it to half", "<I:HassLightSet> <S:brightness> half", [("brightness", Span(3, 3))]),
        ("make it 2.5 now", "<I:HassLightSet> <S:brightness> 2.5", [("brightness", Span(2, 2))]),
        ("colder", "<I:HassClimateSetTemperature> <S:temperature> -2.5", [("temperature", Digits("-2.5"))]),
        ("brighter", "<I:HassLightSet> <S:brightness_step> <up>", [("brightness_step", Step("up"))]),
        ("a bit", "<I:HassLightSet> <S:brightness_step> <down> 10", [("brightness_step", Step("down", Digits("10")))]),
        ("by ten", "<I:HassLightSet> <S:brightness_step> <up> ten", [("brightness_step", Step("up", Span(1, 1)))]),
        ("all off", "<I:HassTurnOff> <S:name> <V:all>", [("name", Choice("all"))]),
        ("add milk and eggs", "<I:HassListAddItem> <S:item> milk <S:item> eggs",
         [("item", Span(1, 1)), ("item", Span(3, 3))]),
        ("the hall and the hall lamp", "<I:HassTurnOn> <S:name> hall lamp", [("name", Span(4, 5))]),
        ("the hall and the hall lamp", "<I:HassTurnOn> <S:name> the hall <S:area> hall",
         [("name", Span(0, 1)), ("area", Span(1, 1))]),
        ("what news", "<I:Cloud> <S:need> <V:fresh>", [("need", Choice("fresh"))]),
    ],
)  # fmt: skip
def test_values(text: str, parse: str, slots: list[Any]) -> None:
    cursor = follow(start(text), f"{parse} <end>")
    assert cursor.intents[0].slots == slots


@pytest.mark.parametrize(
    ("text", "parse"),
    [
        ("lights", "<end>"),                                                # nothing at all
        ("lights", "<I:HassTurnOn> <S:brightness>"),                        # a slot the intent has not
        ("lights", "<I:HassTurnOn> <S:domain> <V:light> <S:area>"),         # against the order
        ("lights", "<I:HassTurnOn> <S:name> lights <S:name>"),              # twice
        ("lights", "<I:HassTurnOn> <S:name> kitchen"),                      # not said
        ("lights", "<I:HassTurnOn> <S:name> <S:area>"),                     # no value
        ("lights", "<I:HassTurnOn> <S:name> 5"),                            # digits are not for spans
        ("kitchens", "<I:HassTurnOn> <S:name> kitchen <end>"),              # half a word
        ("the unkitchen", "<I:HassTurnOn> <S:name> kitchen"),               # not from a word's beginning
        ("on , off", "<I:HassTurnOn> <S:name> , <end>"),                    # only punctuation
        ("on !", "<I:HassTurnOn> <S:name> !"),                              # punctuation that leads nowhere
        ("on", "<I:HassTurnOn> <S:domain> <V:fresh>"),                      # another slot's value
        ("on", "<I:NotForUs> <I:HassTurnOn>"),                              # what gets no act stands alone
        ("on", "<I:HassTurnOn> <I:NotForUs>"),
        ("on", "<I:HassLightSet> <S:brightness> <end>"),
        ("on", "<I:HassLightSet> <S:brightness> 2. <end>"),
        ("on", "<I:HassLightSet> <S:brightness> 123456"),
        ("on", "<I:HassLightSet> <S:brightness> 1.2.3"),
        ("on", "<I:HassLightSet> <S:brightness_step> 10"),                  # a step needs its direction
        ("on", "<I:HassTurnOn> <end> <end>"),
    ],
)  # fmt: skip
def test_what_is_no_parse_is_not_allowed(text: str, parse: str) -> None:
    with pytest.raises(NotAllowed):
        follow(start(text), parse)


def test_a_refused_token_leaves_the_cursor_where_it_was() -> None:
    cursor = follow(start("hall lights"), "<I:HassTurnOn> <S:area>")
    before = allowed(cursor)
    with pytest.raises(NotAllowed):
        cursor.advance(GRAMMAR.end)
    assert allowed(cursor) == before
    assert follow(cursor, "hall <end>").done


def test_the_only_choice_is_forced() -> None:
    cursor = follow(start("kitchen"), "<I:HassTurnOn> <S:area>")
    spelled = []
    while (token := cursor.forced()) is not None:
        cursor.advance(token)
        spelled.append(token)
    assert spelled == TOKENIZER.encode("kitchen")
    assert len(cursor.allowed()) > 1


def test_without_words_only_what_needs_none_is_offered() -> None:
    cursor = follow(start("?!"), "<I:HassLightSet>")
    assert "<S:name>" in allowed(cursor)        # <V:all>
    assert "<S:brightness>" in allowed(cursor)  # digits
    assert "<S:area>" not in allowed(cursor)


def test_spans_are_bounded() -> None:
    cursor = follow(start("word " * 60), "<I:Remember> <S:message>" + " word" * MAX_SPAN_WORDS)
    assert "<end>" in allowed(cursor)
    with pytest.raises(NotAllowed):
        follow(cursor, "word")


def test_intents_are_bounded() -> None:
    cursor = follow(start("on"), "<I:HassTurnOn> " * MAX_INTENTS)
    assert not {piece for piece in allowed(cursor) if piece.startswith("<I:")}


def test_what_the_vocabulary_lacks_is_not_offered_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    lacking = [piece for piece in CONTROL if piece not in ("<I:Why>", "<S:area>", "<V:light>", "<down>")]
    tokenizer = Tokenizer.from_metadata(train_vocabulary(lacking))
    with caplog.at_level(logging.WARNING):
        grammar = Grammar(SCHEMA, tokenizer)
    assert [record.getMessage() for record in caplog.records] == [
        "the model does not know, and so never answers with: <down> <S:area> <V:light> <I:Why>"
    ]
    cursor = grammar.start(["on"], tokenizer.encode_words(["on"]))
    assert "<I:HassTurnOn>" in {tokenizer.piece(token) for token in cursor.allowed()}


@pytest.mark.parametrize("piece", ["<parse>", "<end>"])
def test_a_vocabulary_of_another_language_is_refused(piece: str) -> None:
    tokenizer = Tokenizer.from_metadata(train_vocabulary([other for other in CONTROL if other != piece]))
    with pytest.raises(ModelFileError, match=piece):
        Grammar(SCHEMA, tokenizer)


WORDS = st.sampled_from(["turn", "on", "the", "kitchen", "kitchens", "50", "5", "2.5", "-", ",", "?", "naïve", "日本", "lamp"])


@settings(max_examples=200, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=30), seed=st.integers(0, 1 << 30), max_tokens=st.integers(1, 60))
def test_any_choice_parses_back(words: list[str], seed: int, max_tokens: int) -> None:
    tokens = TOKENIZER.encode_words(words)
    cursor = GRAMMAR.start(words, tokens, max_tokens=max_tokens)
    written = walk(cursor, random.Random(seed))
    assert len(written) <= max_tokens + sum(map(len, tokens)) + 3
    pieces = [TOKENIZER.piece(token) for token in written]
    assert spoken(cursor.intents, words) == read_back(pieces, words)
    assert 1 <= len(cursor.intents) <= MAX_INTENTS


def walk(cursor: Cursor, rng: random.Random) -> list[int]:
    """Choose at random, slots and words rather than the next intent, until the parse is done."""
    written = []
    while not cursor.done:
        options = cursor.allowed().tolist()
        assert options == sorted(set(options))
        weights = [1 if TOKENIZER.piece(token).startswith("<I:") else 20 for token in options]
        written.append(rng.choices(options, weights)[0])
        cursor.advance(written[-1])
    assert not len(cursor.allowed())
    return written


def spoken(intents: list[Parsed], words: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    def said(value: Any) -> str:
        match value:
            case Span(first, last):
                return " ".join(words[first : last + 1])
            case Digits(text) | Choice(text):
                return text
            case Step(direction, by):
                return direction if by is None else f"{direction} {said(by)}"
        raise AssertionError(value)

    return [(parsed.intent, [(slot, said(value)) for slot, value in parsed.slots]) for parsed in intents]


def read_back(pieces: list[str], words: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Read a parse by strings alone, checking it against the catalogue."""
    assert pieces[-1] == "<end>"
    found: list[tuple[str, list[tuple[str, str]]]] = []
    at = 0
    while pieces[at] != "<end>":
        piece = pieces[at]
        at += 1
        if piece.startswith("<I:"):
            found.append((piece[3:-1], []))
            continue
        slot = piece.removeprefix("<S:").removesuffix(">")
        value = []
        while not pieces[at].startswith(("<I:", "<S:", "<end>")):
            value.append(pieces[at])
            at += 1
        found[-1][1].append((slot, check_value(value, SCHEMA["slots"][slot], words)))
    for intent, slots in found:
        check_order(intent, [slot for slot, _ in slots])
        assert SCHEMA["intents"][intent]["act"] or len(found) == 1
    return found


def check_order(intent: str, slots: list[str]) -> None:
    places = [SCHEMA["intents"][intent]["slots"].index(slot) for slot in slots]
    assert places == sorted(places)
    assert all(SCHEMA["slots"][slot]["many"] or slots.count(slot) == 1 for slot in slots)


def check_value(pieces: list[str], spec: dict[str, Any], words: list[str]) -> str:
    if pieces[0].startswith("<V:"):
        assert len(pieces) == 1
        assert pieces[0][3:-1] in (*spec["values"], *spec["also"])
        return pieces[0][3:-1]
    if spec["kind"] == "step":
        direction = {"<up>": "up", "<down>": "down"}[pieces[0]]
        return f"{direction} {check_words(pieces[1:], True, words)}" if pieces[1:] else direction
    assert spec["kind"] in ("span", "number")
    return check_words(pieces, spec["kind"] == "number", words)


def check_words(pieces: list[str], number: bool, words: list[str]) -> str:
    tokens = [token for piece in pieces if (token := TOKENIZER.id(piece)) is not None]
    text = TOKENIZER.decode(tokens)
    runs = {" ".join(words[first:last]) for last in range(len(words) + 1) for first in range(last)}
    if text in runs:
        assert any(char.isalnum() for char in text)
        return text
    assert number
    assert len(text) <= 7
    float(text)
    return text


def test_all_that_is_taught_may_be_written() -> None:
    """The corpus and the grammar speak the same language: its answers are parses of its sentences."""
    for example in islice(Corpus(SCHEMA, data=None, templates=False), 400):
        cursor = start(example.text)
        assert follow(cursor, example.target()).done, example.target()


def test_what_may_follow_is_compiled_once() -> None:
    first = follow(start("hall"), "<I:HassTurnOn>").allowed()
    assert follow(start("attic"), "<I:HassTurnOn>").allowed() is first
    assert first.dtype == np.int64
