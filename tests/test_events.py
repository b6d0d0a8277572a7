"""Events: every kind survives its JSON; whatever comes in on `ingle/ask` is a question or a clear refusal."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.events import (
    Asked,
    BadAsk,
    BadEvent,
    DeviceChanged,
    Event,
    IntentRecord,
    ReplyToken,
    TurnRecord,
    parse_ask,
)
from ingle.app.topics import reply_topic

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))     # JSON has no NaN
_SLOTS = st.dictionaries(_TEXT, _TEXT | st.integers() | st.lists(_TEXT, max_size=3), max_size=3)


@pytest.mark.parametrize("kind", sorted(Event.kinds), ids=str)
def test_every_kind_survives_its_json(kind: str) -> None:
    cls = Event.kinds[kind]
    st.register_type_strategy(IntentRecord, st.builds(IntentRecord, slots=_SLOTS))
    fields = {"attributes": _SLOTS} if cls is DeviceChanged else {}

    @given(st.builds(cls, **fields))
    def round_trip(event: Event) -> None:
        assert Event.from_json(event.to_json()) == event
        assert cls.from_dict(json.loads(event.payload())) == event
        assert isinstance(event.dropped_by_interruption, bool)

    round_trip()


def test_the_turn_record_is_the_contract() -> None:
    record = TurnRecord(id="1", text="hi", intents=(IntentRecord(intent="HassTurnOn", slots={"area": "Kitchen"}),))
    data = json.loads(record.payload())
    assert list(data) == [
        "id", "text", "area", "route", "reason", "intents", "commands", "reply", "sources", "timing_ms",
    ]
    assert list(data["intents"][0]) == ["intent", "slots", "entities", "confidence"]


def test_reply_tokens_are_dropped_by_an_interruption_and_requests_are_not() -> None:
    assert ReplyToken.dropped_by_interruption
    assert not Asked.dropped_by_interruption


@pytest.mark.parametrize("text", ["turn it on", "  off ", '"Jolene" by Dolly, please', "{", "12", "[1]", "null"])
def test_a_plain_string_is_the_text(text: str) -> None:
    if text == "{":
        with pytest.raises(BadAsk, match="not valid JSON"):
            parse_ask(text.encode())
    else:
        assert parse_ask(text.encode()).text == text


def test_all_fields_of_a_request() -> None:
    asked = Asked(text="off", id="7", area="Hall", session="s", speaker="Ann", via="voice", reply_to="a/b")
    assert parse_ask(asked.payload().encode()) == asked


def test_nulls_and_unknown_keys_do_no_harm() -> None:
    asked = parse_ask(b'{"text": "off", "area": null, "id": null, "colour": "blue"}')
    assert (asked.text, asked.area) == ("off", None)
    assert asked.id


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "text is empty"),
        (b"   ", "text is empty"),
        (b"{}", "text: is missing"),
        (b'{"text": 5}', "text: must be a string, not a whole number"),
        (b'{"text": "x", "id": 5}', "id: must be a string"),
        (b'{"text": "x", "via": "smell"}', "via: must be one of text, voice"),
        (b'{"text": "x", "reply_to": "a/#"}', "reply_to has a wildcard"),
        (b'{"text": "x", "reply_to": "ingle/ask"}', "reply_to is where requests come in"),
        (b'{"text": "\\ud800"}', "surrogate"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 2_000, "text is longer than 1000 characters"),
        (b"x" * 20_000, "larger than 16384 bytes"),
        (b'{"a":' * 3_000, "not valid JSON"),
    ],
)
def test_bad_requests_are_refused_in_one_line(payload: bytes, problem: str) -> None:
    with pytest.raises(BadAsk) as refused:
        parse_ask(payload)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_refusal_knows_who_waits() -> None:
    with pytest.raises(BadAsk) as refused:
        parse_ask(b'{"text": 5, "id": "q1", "reply_to": "a/b"}')
    assert (refused.value.id, refused.value.reply_to) == ("q1", "a/b")


@given(st.one_of(st.binary(max_size=200), st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_a_request_or_a_refusal(payload: bytes) -> None:
    with contextlib.suppress(BadAsk):
        assert parse_ask(payload).text.strip()


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
                     lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
                     max_leaves=5)


@given(st.dictionaries(st.sampled_from(["text", "id", "area", "session", "via", "reply_to", "speaker"]), _JSON))
def test_any_json_object_is_a_request_or_a_refusal(data: dict[str, Any]) -> None:
    with contextlib.suppress(BadAsk):
        assert parse_ask(json.dumps(data).encode()).text.strip()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "Nothing"}', '{"type": "Asked"}'])
def test_what_is_no_event_is_said(text: str) -> None:
    with pytest.raises(BadEvent):
        Event.from_json(text)


def test_a_reply_topic_is_one_level_whatever_the_id() -> None:
    assert reply_topic("a/b+#c") == "ingle/reply/a_b__c"
