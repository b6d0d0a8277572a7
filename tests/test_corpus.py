"""The training corpus says only what the grammar can write, and says it the same for the same seed."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engine.text import prepare, words
from ingle.engine.train.corpus import DoesNotFit
from ingle.engine.train.corpus.canonical import Frame
from ingle.engine.train.corpus.forms import Example, build
from ingle.engine.train.corpus.generate import Corpus, join
from ingle.engine.train.corpus.lexicon import words_of
from ingle.engine.train.corpus.noise import add_noise, insert
from ingle.engine.train.corpus.numbers import digits_of, spoken
from ingle.engine.train.corpus.reader import PLACEHOLDER, PatternError, parse_head, read_patterns
from ingle.skills.schema import load_schema

SCHEMA = load_schema()


@pytest.fixture(scope="module")
def sample() -> list[Example]:
    return list(islice(Corpus(SCHEMA, data=None, seed=3, templates=False), 1500))


def values_of(example: Example) -> list[tuple[str, str, str]]:
    """(intent, slot, words of the span) of every slot that is a span."""
    return [
        (intent, slot, " ".join(example.words[value.first : value.last + 1]))
        for intent, slots in example.intents
        for slot, value in slots
        if value.first >= 0
    ]


def test_every_intent_of_the_catalogue_is_taught() -> None:
    taught = {frame.intent for pattern in read_patterns() for frame in pattern.frames}
    assert set(SCHEMA["intents"]) - taught == set()


def test_there_are_many_patterns_unlike_each_other() -> None:
    distinct = {PLACEHOLDER.sub("{}", pattern.text) for pattern in read_patterns()}
    assert len(distinct) > 10_000


def test_examples_keep_to_the_catalogue(sample: list[Example]) -> None:
    for example in sample:
        for intent, slots in example.intents:
            allowed = SCHEMA["intents"][intent]["slots"]
            places = [allowed.index(slot) for slot, _ in slots]
            assert places == sorted(places), example.target()
            for slot, value in slots:
                assert value.pieces or value.digits or 0 <= value.first <= value.last < len(example.words)
                assert SCHEMA["slots"][slot]["many"] or [s for s, _ in slots].count(slot) == 1


def test_sentences_are_as_the_interpreter_prepares_them(sample: list[Example]) -> None:
    changed = [example.text for example in sample if prepare(example.text) != example.text and "'s" not in example.text]
    assert not changed


def test_the_same_seed_gives_the_same_stream() -> None:
    first, second = (list(islice(Corpus(SCHEMA, data=None, seed=11, templates=False), 50)) for _ in range(2))
    assert [(e.text, e.target()) for e in first] == [(e.text, e.target()) for e in second]


def test_few_patterns_are_lost() -> None:
    corpus = Corpus(SCHEMA, data=None, seed=5, templates=False)
    drawn = sum(1 for _ in islice(corpus, 2000))
    lost = sum(n for why, n in corpus.dropped.items() if not why.startswith("cut"))
    assert lost < 0.06 * drawn, corpus.dropped.most_common(10)


def test_a_number_is_copied_where_it_stands_and_written_where_it_is_implied() -> None:
    copied = build("dim it to forty percent", (Frame("HassLightSet", (("brightness", "40"),)),), SCHEMA, "")
    assert copied.target() == "<I:HassLightSet> <S:brightness> forty <end>"
    implied = build("as bright as can be", (Frame("HassLightSet", (("brightness", "100"),)),), SCHEMA, "")
    assert implied.target() == "<I:HassLightSet> <S:brightness> 100 <end>"


def test_a_kind_of_white_is_written_as_a_colour() -> None:
    example = build("make it warm white", (Frame("HassLightSet", (("temperature", "2700"),)),), SCHEMA, "")
    assert example.target() == "<I:HassLightSet> <S:color> warm white <end>"


def test_a_span_that_is_not_in_the_sentence_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="does not stand in the sentence"):
        build("lamp on", (Frame("HassTurnOn", (("name", "ceiling"),)),), SCHEMA, "")


def test_a_bad_head_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="no slot=value"):
        parse_head("HassTurnOn lamp")
    assert issubclass(PatternError, ValueError)


@given(st.integers(0, 9999))
def test_number_words_round_trip(number: int) -> None:
    assert digits_of(spoken(number)) == str(number)


@given(st.integers(0, 2**32), st.sampled_from(["the old lamp", "lamp", "mia's desk lamp 2"]))
def test_noise_keeps_spans_in_step(seed: int, name: str) -> None:
    example = build(f"turn {name} off and close the blinds, please", (
        Frame("HassTurnOff", (("name", name),)),
        Frame("HassTurnOff", (("domain", "cover"), ("device_class", "blind"))),
    ), SCHEMA, "")  # fmt: skip
    noisy = add_noise(example, random.Random(seed))
    (_, _, span), = values_of(noisy)
    assert span in noisy.text
    assert abs(len(span.split()) - len(prepare(name).split())) <= 2


def test_insert_moves_spans_behind_it() -> None:
    example = build("lamp off", (Frame("HassTurnOff", (("name", "lamp"),)),), SCHEMA, "")
    insert(example, 0, ["hey", "you"])
    assert values_of(example) == [("HassTurnOff", "name", "lamp")]


def test_joined_commands_keep_their_own_values() -> None:
    first = build("lamp off.", (Frame("HassTurnOff", (("name", "lamp"),)),), SCHEMA, "")
    second = build("fan on", (Frame("HassTurnOn", (("name", "fan"),)),), SCHEMA, "")
    both = join([first, second], [["and", "then"]])
    assert both.text == "lamp off and then fan on"
    assert [value for _, _, value in values_of(both)] == ["lamp", "fan"]


@pytest.mark.parametrize("sort", ["area", "name_light", "item", "word", "first_name"])
def test_lexicons_are_lower_case_and_without_doubles(sort: str) -> None:
    lines = words_of(sort)
    assert all(line == line.lower() for line in lines)
    assert len(set(lines)) == len(lines) > 200


@given(st.text(max_size=60))
def test_words_know_their_place(text: str) -> None:
    for word in words(text):
        assert text[word.start : word.end].strip() != ""
        assert word.text == word.text.lower() or not word.text.lower().islower()
    assert prepare(prepare(text)) == prepare(text) or any(not c.isascii() for c in text)
