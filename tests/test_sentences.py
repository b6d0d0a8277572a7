"""A household's own sentences and what they do; faults in its files are told with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ingle.skills.api import NeedsConfirmation, Unclear
from ingle.skills.home.model import Area, Home, Publish
from ingle.skills.own import NO_ACTION, OwnSkill, own_skills
from ingle.skills.sentences import OwnSentences, Sentences, SentencesError, read_sentences

from .turns import World
from .worlds import home_of, thing

COFFEE = yaml.safe_load("""
language: en
intents:
  MakeCoffee:
    data:
      - sentences:
          - "(make|brew) [me] (a|an|one) [{size}] [{roast}] {drink} [<extras>]"
          - "{drink} [<extras>]"
  StartMachine:
    data: [{sentences: ["warm up the coffee machine"]}]
  HassTurnOn:
    data:
      - sentences: ["let there be light [in [the] {area}]"]
        slots: {domain: light}
lists:
  size: {values: [small, {in: "(large|big)", out: large}]}
  roast: {values: [light roast, dark roast]}
  drink: {values: [coffee, espresso, latte]}
  shots: {range: {from: 1, to: 3}}
  milk: {values: [oat, soy]}
expansion_rules:
  extras: "with <extra> [and <extra>]"
  extra: "({milk} milk|{shots} shot[s])"
intent_script:
  MakeCoffee:
    action:
      - action: mqtt.publish
        data:
          topic: "coffee/{{ drink }}"
          payload:
            size: "{{ size | default('medium') }}"
            shots: "{{ shots | default(1) }}"
            milk: "{{ milk | default('none') }}"
      - {action: switch.turn_on, target: {entity_id: switch.coffee}}
    speech: "One {{ size | default('') }} {{ drink }}."
""")
HOME = home_of(
    thing("switch.coffee", "Coffee Machine", "Kitchen"), thing("light.kitchen", "Kitchen Light", "Kitchen"),
    thing("lock.front_door", "Front Door", "Hall"), thing("cover.garage", "Garage", "Garage", device_class="garage"),
    areas=(Area("Kitchen", ("galley",)),),
)


def sentences(data: dict[str, Any] = COFFEE) -> Sentences:
    return read_sentences(data, "config.yaml")


class Bus:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    async def __call__(self, messages: list[Publish]) -> None:
        for one in messages:
            try:
                self.sent.append((one.topic, json.loads(one.payload)))
            except ValueError:
                self.sent.append((one.topic, one.payload))


async def do(intent: str, slots: dict[str, Any], data: dict[str, Any] = COFFEE, home: Home = HOME) -> tuple[str, Bus, World]:
    """Handle an own intent; the reply, what was published and what was called."""
    bus = Bus()
    world = World(home=home, services={"publish": bus})
    skill = own_skills(sentences(data))[intent]
    done = await skill.handle(OwnSkill.Slots(slots), world.turn())
    return done.reply, bus, world


# --- understanding

@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("make me a large dark roast coffee with oat milk", "MakeCoffee",
         {"size": "large", "roast": "dark roast", "drink": "coffee", "milk": "oat"}),
        ("Could you make me a big latte, please?", "MakeCoffee", {"size": "large", "drink": "latte"}),
        ("espresso with two shots and soy milk", "MakeCoffee", {"drink": "espresso", "shots": 2, "milk": "soy"}),
        ("brew an espresso with 3 shots", "MakeCoffee", {"drink": "espresso", "shots": 3}),
        ("let there be light in the galley", "HassTurnOn", {"area": "Kitchen", "domain": "light"}),
    ],
)
def test_a_sentence_gives_its_slots(text: str, intent: str, slots: dict[str, Any]) -> None:
    heard = sentences().hear(text, HOME)
    assert heard is not None
    assert (heard.intent, dict(heard.slots)) == (intent, slots)


@pytest.mark.parametrize("text", ["", "turn on the coffee machine", "make me a tea", "don't make me a coffee", "coffee is nice"])
def test_what_fits_no_template_is_left_to_the_model(text: str) -> None:
    assert sentences().hear(text, HOME) is None


def test_the_room_it_was_heard_in_can_be_a_slot() -> None:
    data = {"language": "en", "intents": {"HassTurnOn": {"data": [
        {"sentences": ["light it up"], "slots": {"domain": "light"}, "requires_context": {"area": {"slot": True}}}]}}}
    heard = sentences(data).hear("light it up", HOME, area="Kitchen")
    assert heard is not None
    assert dict(heard.slots) == {"domain": "light", "area": "Kitchen"}
    assert sentences(data).hear("light it up", HOME) is None


def test_new_devices_are_known_by_name() -> None:
    data = {"language": "en", "intents": {"HassTurnOn": {"data": [{"sentences": ["fire up [the] {name}"]}]}}}
    home, own = home_of(thing("light.a", "Beacon")), sentences(data)
    assert own.hear("fire up the lantern", home) is None
    home.add(thing("light.b", "Lantern"))
    heard = own.hear("fire up the lantern", home)
    assert heard is not None
    assert heard.slots == {"name": "Lantern"}


def test_the_words_to_listen_for() -> None:
    words = OwnSentences([sentences()]).words
    assert {"brew", "espresso", "oat", "dark", "roast", "three", "shot", "shots", "light", "big"} <= set(words)
    assert all(word == word.lower() and " " not in word for word in words)


@given(st.text(max_size=80))
def test_any_text_is_heard_or_not(text: str) -> None:
    sentences().hear(text, HOME)


# --- doing

async def test_messages_and_services_in_order() -> None:
    reply, bus, world = await do("MakeCoffee", {"drink": "espresso", "shots": 2})
    assert bus.sent == [("coffee/espresso", {"size": "medium", "shots": 2, "milk": "none"})]
    assert [(call.entity_id, call.service) for call in world.acts] == [("switch.coffee", "turn_on")]
    assert reply == "One espresso."


async def test_an_intent_without_a_script_says_so() -> None:
    reply, bus, world = await do("StartMachine", {})
    assert (reply, bus.sent, world.acts) == (NO_ACTION, [], [])


async def test_what_was_said_cannot_change_the_form_of_a_message() -> None:
    data = {**COFFEE, "lists": {**COFFEE["lists"], "milk": {"wildcard": True}}}
    _, bus, _ = await do("MakeCoffee", {"drink": "coffee", "milk": '", "size": "huge'}, data)
    assert bus.sent[0][1] == {"size": "medium", "shots": 1, "milk": '", "size": "huge'}
    data["lists"]["drink"] = {"wildcard": True}
    with pytest.raises(Unclear, match="is no topic"):
        await do("MakeCoffee", {"drink": "#"}, data)


async def test_a_device_that_is_not_there_stops_it_before_anything_is_sent() -> None:
    bus = Bus()
    world = World(home=home_of(), services={"publish": bus})
    with pytest.raises(Unclear, match=r"no switch\.coffee in this home"):
        await own_skills(sentences())["MakeCoffee"].handle(OwnSkill.Slots({"drink": "latte"}), world.turn())
    assert bus.sent == []


async def test_an_own_sentence_opens_no_way_in_unasked() -> None:
    data = {
        "language": "en", "intents": {"LetMeIn": {"data": [{"sentences": ["let me in"]}]}},
        "intent_script": {"LetMeIn": {"action": {"action": "lock.unlock", "target": {"entity_id": "lock.front_door"}}}},
    }
    world = World(home=HOME)
    with pytest.raises(NeedsConfirmation):
        await own_skills(sentences(data))["LetMeIn"].handle(OwnSkill.Slots(), world.turn(via="voice"))
    assert world.acts == []


# --- faults in the files

def _with(**changes: Any) -> dict[str, Any]:
    return {**COFFEE, **changes}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"intents": {}}, "language: is missing"),
        ({"language": "en"}, "intents: is missing"),
        (_with(intens={}), "intens: is not a key"),
        (_with(intents={"X": {"data": [{"sentences": ["make {thing}"]}]}}, intent_script={}),
         r"intents\.X\.data\[0\]\.sentences\[0\]: there is no list \{thing\}"),
        (_with(intents={"X": {"data": [{"sentences": ["ok", "make <thing>"]}]}}, intent_script={}),
         r"intents\.X\.data\[0\]\.sentences\[1\]: there is no <thing>"),
        (_with(intents={"X": {"data": [{"sentences": ["make (it"]}]}}, intent_script={}),
         r"sentences\[0\]: 'make \(it' is not a template"),
        (_with(intents={"HassTurnOn": {"data": [{"sentences": ["go"], "slots": {"size": 1}}]}}, intent_script={}),
         "HassTurnOn is Ingle's own and has no slot size"),
        (_with(lists={"size": {"values": [True]}}), r"lists\.size\.values\[0\]: must be words"),
        (_with(lists={"size": {}}), r"lists\.size: needs one of"),
        (_with(expansion_rules={"a": "<b>", "b": "<a>"}, intents={"X": {"data": [{"sentences": ["<a>"]}]}}, intent_script={}),
         r"expansion_rules\.\w: needs itself"),
        (_with(intent_script={"Nothing": {}}), r"intent_script\.Nothing: no sentence"),
        (_with(intent_script={"HassTurnOn": {}}), r"intent_script\.HassTurnOn: is Ingle's own"),
        (_with(intent_script={"MakeCoffee": {"action": {"action": "brew"}}}), r"action\[0\]: needs `action`"),
        (_with(intent_script={"MakeCoffee": {"action": {"action": "mqtt.publish"}}}), r"action\[0\]\.data: needs a `topic`"),
        (_with(intent_script={"MakeCoffee": {"speech": "{{ oh"}}), r"MakeCoffee\.speech: is not a template"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(data: dict[str, Any], told: str) -> None:
    with pytest.raises(SentencesError, match=told) as raised:
        own_skills(sentences(data))
    assert str(raised.value).startswith("config.yaml: ")
    assert "\n" not in str(raised.value)


def test_a_folder_is_one(tmp_path: Path) -> None:
    (tmp_path / "lists.yaml").write_text("language: en\nlists: {size: {values: [small, large]}}\n")
    (tmp_path / "tea.yaml").write_text('language: en\nintents: {MakeTea: {data: [{sentences: ["a {size} tea"]}]}}\n')
    (tmp_path / "more.yaml").write_text('language: en\nintents: {MakeTea: {data: [{sentences: ["tea time"]}]}}\n')
    own = read_sentences(tmp_path, "")
    assert own.hear("a small tea", HOME) is not None
    assert own.hear("tea time", HOME) is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [("language: [", "bad.yaml: not valid YAML"), ("just words", "bad.yaml: must be a mapping"),
     ("language: de\nintents: {X: {data: [{sentences: [a]}]}}", "one folder, one language"),
     ('language: en\nintents: {X: {data: [{sentences: ["{size}"]}]}}', r"bad.yaml: intents\.X\.data\[0\]\.sentences\[0\]")],
)
def test_a_fault_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.yaml").write_text('language: en\nintents: {Y: {data: [{sentences: ["tea"]}]}}\n')
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(SentencesError, match=told):
        read_sentences(tmp_path, "")


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SentencesError, match="no such file"):
        read_sentences(tmp_path / "none", "")
    with pytest.raises(SentencesError, match=r"no \*\.yaml in it"):
        read_sentences(tmp_path, "")


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)


@given(st.sampled_from(["intents", "lists", "expansion_rules", "responses", "intent_script", "skip_words"]), _ANY)
def test_whatever_stands_there_is_read_or_refused(key: str, value: Any) -> None:
    try:
        own = sentences(_with(**{key: value}))
        own_skills(own)
        own.hear("make me a coffee", HOME)
    except SentencesError:
        pass
