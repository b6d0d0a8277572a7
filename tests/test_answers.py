"""Answers to open questions, and "the same again": decisions without a bus."""

from __future__ import annotations

from typing import Any

import pytest

from ingle.app.answers import read_answer, repeated
from ingle.app.router import route
from ingle.app.session import Command, Pending
from ingle.engine.interpreter import Intent, Interpretation

from .worlds import family_house

HOME = family_house()
WHICH = Pending(question="Which one?", command=Command(intent="HassTurnOn", slots={"name": "bedside lamp"}),
                choices=("light.bedside_left", "light.bedside_right"))
UNLOCK = Pending(question="Unlock the front door? Say yes, or no.",
                 command=Command(intent="HassTurnOff", slots={"name": "Front Door"}), choices=("lock.front_door",),
                 confirms=True)
TIMERS = Pending(question="Which timer?", command=Command(intent="HassCancelTimer", slots={}),
                 choices=("timer.1", "timer.2"), labels=("pasta timer", "10 minute timer"))
WHERE = Pending(question="In which room?", command=Command(intent="HassTurnOff", slots={"domain": "light"}))
CODE = Pending(question="What is the code of the alarm?", command=Command(intent="DisarmAlarm", slots={}))
WARM = Pending(question="The heating goes from 7 to 35 °C, not to 40. To what shall it go?",
               command=Command(intent="HassClimateSetTemperature", slots={"name": "Heating", "temperature": 40}))
WHEN = Pending(question="When should I remind you?", command=Command(intent="SetReminder", slots={"message": "call Joan"}))
WHAT = Pending(question="How bright?", command=Command(intent="HassTurnOn", slots={"name": "desk lamp"}))
WHAT_IT = Pending(question="Which device do you mean?", command=Command(intent="HassTurnOn", slots={"name": "it"}))
CLEAR = Pending(question="Clear the shopping list?", command=Command(intent="ListClear", slots={}), confirms=True)


def answer(pending: Pending, text: str, *intents: tuple[str, dict[str, Any]], pin: str | None = None) -> tuple[str, Any]:
    understood = [Intent(name, slots, 0.9) for name, slots in intents]
    got = read_answer(pending, text, understood, home=HOME, pin=pin, needs_pin=pending is UNLOCK)
    return got.kind, got.chosen or dict(got.slots)


@pytest.mark.parametrize(
    ("pending", "text", "intents", "expected"),
    [
        (WHICH, "the left one", [("Confirm", {"name": "left one"})], ("picked", ("light.bedside_left",))),
        (WHICH, "left", [("NotForUs", {})], ("picked", ("light.bedside_left",))),
        (WHICH, "both", [("Unclear", {})], ("picked", ("light.bedside_left", "light.bedside_right"))),
        (WHICH, "turn on the left one", [("HassTurnOn", {"name": "left one"})], ("picked", ("light.bedside_left",))),
        (WHICH, "yes", [("Confirm", {})], ("wrong", {})),
        (WHICH, "neither", [("Deny", {})], ("no", {})),
        (WHICH, "never mind", [("HassNevermind", {})], ("no", {})),
        (WHICH, "open the garage", [("HassTurnOn", {"name": "garage"})], ("other", {})),
        (WHICH, "no, dim the kitchen", [("Deny", {}), ("HassLightSet", {})], ("other", {})),
        (WHICH, "and now the news", [("NotForUs", {})], ("none", {})),
        (WHICH, "", [], ("none", {})),
        (TIMERS, "the pasta one", [("Deny", {})], ("picked", ("timer.1",))),    # a choice by its label, however it was parsed
        (UNLOCK, "yes", [("Confirm", {})], ("yes", {})),
        (UNLOCK, "the front door", [("Confirm", {"name": "front door"})], ("yes", {})),
        (UNLOCK, "yes please", [("Chat", {})], ("yes", {})),
        (UNLOCK, "unlock the front door", [("HassTurnOff", {"name": "front door"})], ("other", {})),
        (UNLOCK, "yes he said at the front door", [("NotForUs", {})], ("none", {})),
        (UNLOCK, "no", [("Deny", {})], ("no", {})),
        (UNLOCK, "no", [("Unclear", {})], ("no", {})),          # whatever else it was taken for
        (UNLOCK, "yes", [("HassRespond", {})], ("yes", {})),
        (CODE, "it's 1234", [("HassClimateSetTemperature", {"temperature": "1234"})], ("filled", {"code": "1234"})),
        (WARM, "22", [("HassRespond", {})], ("filled", {"temperature": "22"})),
        (WARM, "to twenty two degrees please", [("Unclear", {})], ("filled", {"temperature": "twenty two"})),
        (WHEN, "in 5 minutes", [("HassStartTimer", {"minutes": "5"})], ("filled", {"in": "5 minutes"})),
        (WHEN, "tomorrow at 9", [("Unclear", {})], ("filled", {"at": "tomorrow at 9"})),
        (WHEN, "set a timer for 5 minutes", [("HassStartTimer", {"minutes": "5"})], ("other", {})),
        (WHAT, "turn on the hall lamp", [("HassTurnOn", {"name": "hall lamp"})], ("other", {})),
        (WHAT_IT, "the hall lamp", [("HassTurnOn", {"name": "hall lamp"})], ("filled", {"name": "hall lamp"})),
        (TIMERS, "the pasta one", [("Confirm", {"name": "pasta one"})], ("picked", ("timer.1",))),
        (TIMERS, "ten minutes", [("NotForUs", {})], ("none", {})),
        (WHERE, "the kitchen", [("NotForUs", {})], ("filled", {"area": "Kitchen"})),
        (WHERE, "in our room", [("Confirm", {"area": "our room"})], ("filled", {"area": "our room"})),
        (WHERE, "upstairs", [("Unclear", {})], ("filled", {"floor": "Upstairs"})),
        (WHERE, "the lights in the office", [("HassTurnOff", {"area": "office"})], ("filled", {"area": "office"})),
        (CLEAR, "yes", [("Confirm", {})], ("yes", {})),
        (CLEAR, "the kitchen", [("NotForUs", {})], ("none", {})),
    ],
)
def test_answers(pending: Pending, text: str, intents: list[tuple[str, dict[str, Any]]], expected: tuple[str, Any]) -> None:
    assert answer(pending, text, *intents) == expected


@pytest.mark.parametrize(
    ("text", "intent", "kind"),
    [
        ("4711", "Unclear", "yes"), ("it's four seven one one", "NotForUs", "yes"), ("four seven one two", "Confirm", "wrong"),
        ("1234", "NotForUs", "wrong"), ("yes", "Confirm", "wrong"), ("we won 3 to 1", "NotForUs", "none"),
        ("lights off", "HassTurnOff", "other"),
        ("in 2019 there were 300 of them", "NotForUs", "none"),
    ],
)
def test_with_a_pin_only_the_pin_is_a_yes(text: str, intent: str, kind: str) -> None:
    assert answer(UNLOCK, text, (intent, {}), pin="4711")[0] == kind


@pytest.mark.parametrize(
    ("last", "new", "expected"),
    [
        ({"area": "Kitchen", "domain": "light"}, {"area": "Office"}, {"domain": "light", "area": "Office"}),
        ({"area": "Kitchen", "domain": "light"}, {"floor": "Upstairs"}, {"domain": "light", "floor": "Upstairs"}),
        ({"name": "Floor Lamp"}, {"area": "Office"}, {"domain": "light", "area": "Office"}),
        ({"name": "lamp", "area": "Office"}, {"area": "Kids Bedroom"}, {"name": "lamp", "area": "Kids Bedroom"}),
        ({"name": "Floor Lamp"}, {"name": "the other one"}, {"name": "the other one"}),
        ({"area": "Kitchen", "domain": "light"}, {"name": "Floor Lamp"}, {"name": "Floor Lamp"}),
        ({"area": "Kitchen"}, {}, {"area": "Kitchen"}),
    ],
)
def test_the_same_elsewhere(last: dict[str, Any], new: dict[str, Any], expected: dict[str, Any]) -> None:
    command = Command(intent="HassTurnOff", slots=last, entities=("light.floor_lamp",))
    assert repeated(command, new, HOME).slots == expected


def test_a_new_value_takes_the_place_of_the_old() -> None:
    command = Command(intent="HassLightSet", slots={"area": "Kitchen", "brightness_step": "up"})
    assert repeated(command, {"brightness": 40, "volume_level": 3}, HOME).slots == {"area": "Kitchen", "brightness": 40}
    white = Command(intent="HassLightSet", slots={"name": "Floor Lamp", "temperature": 2700})
    assert repeated(white, {"color": "red"}, HOME).slots == {"name": "Floor Lamp", "color": "red"}


@pytest.mark.parametrize(
    ("intents", "where", "acts"),
    [
        ([("HassTurnOn", 0.9), ("Chat", 0.9)], "local", 1),
        ([("HassTurnOn", 0.9), ("HassTurnOff", 0.1)], "local", 1),
        ([("AskKnowledge", 0.9)], "knowledge", 1),
        ([("Cloud", 0.97)], "none", 0),
        ([("Cloud", 0.9)], "local", 0),         # not sure enough to leave the house
        ([("NotForUs", 0.9)], "none", 0),
        ([], "none", 0),
    ],
)
def test_routes(intents: list[tuple[str, float]], where: str, acts: int) -> None:
    decision = route(Interpretation(intents=tuple(Intent(name, {}, confidence) for name, confidence in intents)))
    assert (decision.route, len(decision.intents)) == (where, acts)
    assert decision.reason


def test_a_wrong_pin_is_called_wrong_whatever_it_was_taken_for() -> None:
    understood = [Intent("Confirm", {}, 0.9)]
    got = read_answer(UNLOCK, "1111", understood, home=HOME, pin="4711", needs_pin=True)
    assert (got.kind, got.reply) == ("wrong", "That is not the PIN.")


def test_of_several_the_doubtful_is_left_out_and_told() -> None:
    parts = (Intent("HassCancelTimer", {}, 0.38), Intent("HassTurnOff", {"name": "nuki", "domain": "lock"}, 0.95))
    decision = route(Interpretation(intents=parts, confidence=0.38))
    assert [intent.intent for intent in decision.intents] == ["HassTurnOff"]
    assert decision.intents[0].confidence == 0.38      # the door is asked about
    assert decision.left_out == "I'm not sure about the rest, so I left that."
    lamp = (Intent("HassTurnOn", {"name": "hall lamp"}, 0.4), Intent("HassTurnOn", {"name": "kettle"}, 0.9))
    assert '"hall lamp"' in route(Interpretation(intents=lamp, confidence=0.4)).left_out
    assert route(Interpretation(intents=lamp[:1], confidence=0.4)).intents == lamp[:1]
