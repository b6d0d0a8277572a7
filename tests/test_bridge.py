"""A board's lines become turns of the house."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.bridge import asked_of, understood_elsewhere
from ingle.app.events import Asked, BadEvent, IntentRecord, parse_ask

from .test_assistant import World, world  # noqa: F401

INTENT = {"intent": "HassTurnOff", "slots": {"area": "kitchen", "domain": "light"}, "confidence": 0.9}
LINE = {"text": "dark here", "intents": [INTENT], "confidence": 0.9}


def test_a_board_s_line_is_a_request_with_what_it_understood() -> None:
    asked = asked_of(json.dumps(LINE).encode(), area="Hall")
    assert asked is not None
    asked = parse_ask(asked.payload().encode())
    found = understood_elsewhere(asked)
    assert (asked.text, asked.area) == ("dark here", "Hall")
    assert found is not None
    assert [(one.intent, one.slots, one.confidence) for one in found.intents] == [
        ("HassTurnOff", {"area": "kitchen", "domain": "light"}, 0.9)]


@pytest.mark.parametrize("line", [
    b'{"ingle": "3.0.0", "ticks": 1}', b'{"error": "the line is too long"}', b'{"text": "", "intents": []}',
])  # fmt: skip
def test_status_errors_and_silence_are_no_requests(line: bytes) -> None:
    assert asked_of(line) is None


@given(st.binary(max_size=200) | st.text().map(lambda text: json.dumps({"text": text, "intents": [text]}).encode()))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    try:
        asked = asked_of(line)
    except BadEvent:
        return
    assert asked is None or asked.understood


@pytest.mark.parametrize("record", [
    IntentRecord(intent="Explode"), IntentRecord(intent="HassTurnOff", slots={"colour": "red"}),
    IntentRecord(intent="HassTurnOff", slots={"area": ["kitchen"]}), IntentRecord(intent="HassTurnOff", slots={"area": 3}),
    IntentRecord(intent="HassTurnOff", confidence=7.0),
])  # fmt: skip
def test_what_the_catalogue_does_not_know_is_for_our_own_model(record: IntentRecord) -> None:
    assert understood_elsewhere(Asked(text="x", understood=(record,))) is None


async def test_ingle_does_what_the_board_understood_and_asks_no_model(world: World) -> None:  # noqa: F811
    asked = asked_of(json.dumps(LINE).encode())
    assert asked is not None
    turn = await world.assistant.answer(asked)
    assert world.model.heard == []
    assert (world.state("light.ceiling"), turn.text) == ("off", "dark here")
