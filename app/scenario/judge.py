"""What came of a turn against what should have: plain comparison, and words that say where they part."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..events import IntentRecord, TurnRecord
from ..simulator import Command
from .form import Expect, ExpectedCommand, ExpectedIntent, ReplyRule, words

E = TypeVar("E")
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything a turn led to."""

    record: TurnRecord
    commands: Sequence[Command]                     # all that the bus carried, from whomever
    refused: Sequence[str] = ()                     # commands that a device could make nothing of
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def judge(expect: Expect, seen: Seen) -> list[str]:
    """Return what is wrong, one text a matter; empty: all as expected."""
    return [
        *_route(expect, seen.record),
        *_intents(expect.intents, seen.record.intents),
        *_commands(expect.commands, seen),
        *_refused(expect.refused, seen.refused),
        *_reply(expect.reply, seen.record.reply),
        *_sources(expect.sources, seen.record.sources),
        *differences(expect.states, seen.states),
    ]


def _route(expect: Expect, record: TurnRecord) -> Iterable[str]:
    if expect.route is not None and expect.route != record.route:
        yield f"route: expected {expect.route}, came {record.route} ({record.reason})"


def _intents(expected: tuple[ExpectedIntent, ...] | None, came: Sequence[IntentRecord]) -> Iterable[str]:
    if expected is None:
        return
    missing, extra = _unmatched(expected, came, _same_intent)
    if missing or extra:
        yield _difference("intents", map(_show_expected_intent, missing), map(_show_intent, extra))


def _commands(expected: tuple[ExpectedCommand, ...], seen: Seen) -> Iterable[str]:
    missing, extra = _unmatched(expected, seen.commands, _same_command)
    if missing or extra:
        yield _difference("commands", map(_show_command, missing), map(_show_command, extra))
    recorded = sorted((command.topic, command.payload) for command in seen.record.commands)
    heard = sorted((command.topic, command.payload) for command in seen.commands)
    if recorded != heard:
        yield f"turn record: it says that {recorded} was sent, but the bus carried {heard}"


def unasked(expected: tuple[ExpectedCommand, ...], came: Sequence[Command]) -> list[str]:
    """Commands that no turn sent, against those that were to be sent."""
    missing, extra = _unmatched(expected, came, _same_command)
    return [_difference("unasked", map(_show_command, missing), map(_show_command, extra))] if missing or extra else []


def _refused(expected: bool, came: Sequence[str]) -> Iterable[str]:
    if expected and not came:
        yield "a device should have refused a command, none did"
    if not expected:
        yield from (f"a device refused a command: {refusal}" for refusal in came)


def _reply(expected: str | ReplyRule | None, came: str) -> Iterable[str]:
    if isinstance(expected, str) and expected != came:
        yield _difference("reply", [repr(expected)], [repr(came)])
    if not isinstance(expected, ReplyRule):
        return
    said = came.casefold()
    yield from (f"reply: {word!r} is not in {came!r}" for word in words(expected.contains) if word.casefold() not in said)
    yield from (f"reply: {word!r} is in {came!r}" for word in words(expected.lacks) if word.casefold() in said)
    if expected.one_of and said not in [word.casefold() for word in expected.one_of]:
        yield _difference("reply", map(repr, expected.one_of), [repr(came)])
    if expected.matches is not None and not re.fullmatch(expected.matches, came, re.DOTALL):
        yield f"reply: {came!r} does not match /{expected.matches}/"


def _sources(expected: tuple[str, ...] | None, came: Sequence[str]) -> Iterable[str]:
    if expected is not None and sorted(expected) != sorted(came):
        yield _difference("sources", expected, came)


def differences(expected: Mapping[str, Mapping[str, Any]], came: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return where the devices are not as they should be."""
    return list(_differences(expected, came))


def _differences(expected: Mapping[str, Mapping[str, Any]], came: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for entity_id, wanted in expected.items():
        now = came.get(entity_id, {})
        for key, value in wanted.items():
            if not _same(value, now.get(key)):
                yield f"{entity_id}: expected {key} {value!r}, it is {now.get(key)!r}"


# the same or not


def _same_intent(expected: ExpectedIntent, came: IntentRecord) -> bool:
    return (
        expected.intent == came.intent
        and (expected.slots is None or _same(expected.slots, came.slots))
        and (expected.entities is None or sorted(expected.entities) == sorted(came.entities))
    )


def _same_command(expected: ExpectedCommand, came: Command) -> bool:
    return expected.topic == came.topic and _same(_parsed(expected.payload), _parsed(came.payload))


def _same(expected: Any, came: Any) -> bool:
    """Equal, where capitals, the order of lists and 50 or 50.0 do not matter, but 50 is not "fifty" nor True is 1."""
    if isinstance(expected, Mapping) and isinstance(came, Mapping):
        return expected.keys() == came.keys() and all(_same(value, came[key]) for key, value in expected.items())
    if isinstance(expected, list | tuple) and isinstance(came, list | tuple):
        return not any(_unmatched(expected, came, _same))
    if isinstance(expected, str) and isinstance(came, str):
        return expected.casefold() == came.casefold()
    return isinstance(expected, bool) == isinstance(came, bool) and bool(expected == came)


def _parsed(payload: Any) -> Any:
    """JSON as what it says; everything else as it is. A word stays case-sensitive by being wrapped."""
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload)
    except ValueError:
        return _Exact(payload)


@dataclass(frozen=True)
class _Exact:
    text: str


def _unmatched(
    expected: Iterable[E], came: Iterable[C], same: Callable[[E, C], bool]
) -> tuple[list[E], list[C]]:
    """Pair them off; return what is left on either side."""
    missing, extra = [], list(came)
    for one in expected:
        partner = next((place for place, other in enumerate(extra) if same(one, other)), None)
        if partner is None:
            missing.append(one)
        else:
            del extra[partner]
    return missing, extra


# saying it


def _difference(what: str, missing: Iterable[str], extra: Iterable[str]) -> str:
    lines = [f"- {line}" for line in missing] + [f"+ {line}" for line in extra]
    return "\n      ".join([f"{what}: - expected, + came", *lines])


def _show_expected_intent(expected: ExpectedIntent) -> str:
    slots = "…" if expected.slots is None else json.dumps(expected.slots, ensure_ascii=False)
    entities = "…" if expected.entities is None else ", ".join(expected.entities)
    return f"{expected.intent} {slots} [{entities}]"


def _show_intent(came: IntentRecord) -> str:
    slots = json.dumps(dict(came.slots), ensure_ascii=False, default=str)
    return f"{came.intent} {slots} [{', '.join(came.entities)}] {came.confidence:.2f}"


def _show_command(command: ExpectedCommand | Command) -> str:
    payload = command.payload if isinstance(command.payload, str) else json.dumps(command.payload, ensure_ascii=False)
    return f"{command.topic}  {payload}"
