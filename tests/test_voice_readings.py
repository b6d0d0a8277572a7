"""Which reading was meant: how phrases sound, repairs, the house's judgement, and what is never repaired into what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.voice.grammar import OwnGrammar
from ingle.app.voice.hearing import without_wake_word
from ingle.app.voice.phonetics import distance, sounds
from ingle.app.voice.readings import Judge, Judgement, choose, words_of
from ingle.app.voice.types import Hypothesis, Phrases, Transcript
from ingle.skills.sentences import read_sentences

TEXT = st.text(alphabet="abcdefghijklmnopqrstuvwxyz' ", max_size=30)

COFFEE = {
    "language": "en",
    "intents": {"Brew": {"data": [{"sentences": [
        "(make|brew) [me] [a] [{size}] [{roast}] {drink} [with {shots} shot[s]] [and {milk}]", "stop the [coffee] machine",
    ]}]}},
    "lists": {
        "size": {"values": ["small", "large"]}, "roast": {"values": ["light roast", "dark roast"]},
        "drink": {"values": ["coffee", "latte", "mocha"]}, "shots": {"range": {"from": 1, "to": 3}},
        "milk": {"values": ["oat milk", "whole milk"]},
    },
}  # fmt: skip


def heard(*texts: str, scores: Mapping[str, float] | None = None) -> Transcript:
    """Hypotheses, each two nats less likely than the one before; `scores`: what the recogniser says of any text."""
    def rescore(others: Sequence[str]) -> tuple[float, ...]:
        return tuple((scores or {}).get(text, -30.0) for text in others)

    hypotheses = tuple(Hypothesis(text, -2.0 * rank) for rank, text in enumerate(texts))
    return Transcript(hypotheses, rescore=None if scores is None else rescore)


def judge_of(judgements: Mapping[str, Judgement]) -> Judge:
    """What is not listed is understood badly and names what is not here."""
    folded = {" ".join(words_of(text)): judgement for text, judgement in judgements.items()}
    return lambda text: folded.get(" ".join(words_of(text)), Judgement(0.3, known=0.0))


# how phrases sound

@pytest.mark.parametrize(("said", "meant", "other"), [
    ("dark rose", "dark roast", "light roast"), ("single shut", "single shot", "double shot"),
    ("guest lamp", "desk lamp", "floor lamp"),
    ("so i milk", "soy milk", "oat milk"), ("rosy", "rosie", "roomba"), ("grannery", "granary", "gallery"),
    ("bed side", "bedside", "inside"),
])  # fmt: skip
def test_what_was_misheard_sounds_more_like_what_was_meant_than_like_others(said: str, meant: str, other: str) -> None:
    assert distance(said, meant) < distance(said, other)


@given(TEXT, TEXT)
def test_a_distance_is_one_for_both_ways_and_nothing_for_the_same(first: str, second: str) -> None:
    assert distance(first, second) == pytest.approx(distance(second, first))
    assert not sounds(first) or distance(first, first) == 0


# choosing

def test_a_clear_sentence_is_taken_as_heard() -> None:
    clear = Judgement(0.98)
    phrases = Phrases(names=("Desk Lamp", "Hall Light"))
    readings = choose(heard("Turn on the desk lamp."), phrases, judge_of({"turn on the desk lamp": clear}))
    assert readings[0].text == "Turn on the desk lamp."
    assert readings[0].repairs == ()


def test_hypotheses_of_the_same_words_count_together() -> None:
    readings = choose(heard("Stop it now", "Stop it.", "Stop it", "stop it!"), Phrases(), lambda text: Judgement(0.8))
    assert words_of(readings[0].text) == ["stop", "it", "now"]
    assert len({" ".join(words_of(each.text)) for each in readings}) == len(readings) == 2


def test_a_name_that_was_misheard_is_repaired() -> None:
    sure = Judgement(0.95)
    judge = judge_of({"set the desk lamp to 75%": sure, "set the guest lamp to 75%": Judgement(0.95, known=0.0)})
    readings = choose(heard("Set the guest lamp to 75%."), Phrases(names=("Desk Lamp", "Hall Light")), judge)
    assert readings[0].text == "Set the desk lamp to 75%."
    assert readings[0].repairs == (("guest lamp", "Desk Lamp"),)


def test_what_the_sound_speaks_against_is_not_repaired() -> None:
    judge = judge_of({"set the desk lamp to red": Judgement(0.95), "set the guest lamp to red": Judgement(0.95, known=0.0)})
    scores = {"Set the guest lamp to red.": -1.0, "Set the desk lamp to red.": -40.0}
    readings = choose(heard("Set the guest lamp to red.", scores=scores), Phrases(names=("Desk Lamp",)), judge)
    assert readings[0].repairs == ()


def test_a_second_hypothesis_wins_where_only_it_makes_sense_here() -> None:
    judge = judge_of({"add oat milk to the shopping list": Judgement(0.99)})
    readings = choose(heard("And old milk to the shopping mist.", "Add oat milk to the shopping list."), Phrases(), judge)
    assert readings[0].text == "Add oat milk to the shopping list."


def test_nothing_is_repaired_into_an_act_that_wants_a_confirmation() -> None:
    phrases = Phrases(names=("Front Door",))
    judge = judge_of({"open the front door": Judgement(0.99, guarded=True), "open the front drawer": Judgement(0.9, known=0.0)})
    assert choose(heard("Open the front drawer."), phrases, judge)[0].text == "Open the front drawer."
    both = judge_of({"open the front door": Judgement(0.99, guarded=True),
                     "open the frond door": Judgement(0.9, known=0.0, guarded=True)})
    assert choose(heard("Open the frond door."), phrases, both)[0].repairs != ()      # it led there already


def test_no_other_reading_leads_to_an_act_that_wants_a_confirmation() -> None:
    judge = judge_of({"unlock the front door": Judgement(0.99, guarded=True)})
    assert choose(heard("Hmm, luck of the frog.", "Unlock the front door."), Phrases(), judge)[0].text != "Unlock the front door."


def test_a_clear_own_sentence_is_not_made_another() -> None:
    def unwanted(text: str) -> tuple[str, float]:
        return "make me a small latte", 0.05

    own = judge_of({"make me a small mocha": Judgement(1.0, own=True), "make me a small latte": Judgement(1.0, own=True)})
    readings = choose(heard("Make me a small mocha.", "Make me a small latte."), Phrases(values=("latte",)), own, unwanted)
    assert readings[0].text == "Make me a small mocha."


def test_nobody_spoke() -> None:
    assert choose(Transcript(), Phrases(names=("Lamp",)), lambda text: Judgement(1.0)) == ()
    assert choose(heard(" . "), Phrases(), lambda text: Judgement(1.0)) == ()


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_any_text_in_any_home_gives_readings_with_words(texts: list[str], names: list[str]) -> None:
    readings = choose(heard(*texts), Phrases(names=tuple(names)), lambda text: Judgement(0.5))
    assert all(words_of(each.text) for each in readings)
    assert bool(readings) == any(words_of(text) for text in texts)


# a household's own sentences

@pytest.fixture(scope="module")
def grammar() -> OwnGrammar:
    return OwnGrammar([read_sentences(COFFEE, "coffee")], {})


@pytest.mark.parametrize(("said", "meant"), [
    ("Make me a large dark rose coffee.", "make me a large dark roast coffee"),
    ("uh brew a small moka with two shuts and full milk please", "brew a small mocha with two shots and whole milk"),
    ("Room a light roast latte", "brew a light roast latte"),
    ("make a latte with 2 shots", "make a latte with 2 shots"),
])
def test_the_nearest_sentence_is_what_was_meant(grammar: OwnGrammar, said: str, meant: str) -> None:
    found = grammar.nearest(said)
    assert found is not None
    assert [word for word in found.text.split() if word not in ("a", "me")] == [
        word for word in meant.split() if word not in ("a", "me")]


@pytest.mark.parametrize("said", ["turn on the kitchen light", "what's the weather like", "", "make", "set a timer"])
def test_what_is_none_of_its_sentences_stays_so(grammar: OwnGrammar, said: str) -> None:
    assert grammar.nearest(said) is None


def test_every_example_is_its_own_nearest(grammar: OwnGrammar) -> None:
    for sentence in grammar.examples(30):
        found = grammar.nearest(sentence)
        assert found is not None
        assert found.cost == 0


def test_own_sentences_win_where_they_were_nearly_heard(grammar: OwnGrammar) -> None:
    def nearest(text: str) -> tuple[str, float] | None:
        found = grammar.nearest(text)
        return None if found is None else (found.text, found.cost)

    judge = judge_of({"make me a small latte": Judgement(1.0, own=True), "make me a small light": Judgement(0.47)})
    assert choose(heard("Make me a small light."), Phrases(), judge, nearest)[0].text == "Make me a small latte."


# the wake word in a recording

@pytest.mark.parametrize(("text", "rest"), [
    ("Okay Nabu, turn on the light.", "turn on the light."), ("okay, Nabou turn on the light.", "turn on the light."),
    ("O.K. Naboo. Turn on the light.", "Turn on the light."), ("Turn on the light.", "Turn on the light."), ("Okay.", "Okay."),
])
def test_a_wake_word_at_the_beginning_is_no_part_of_the_command(text: str, rest: str) -> None:
    assert without_wake_word(Transcript((Hypothesis(text),)), ("okay nabu",)).text == rest
