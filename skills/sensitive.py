"""Acts that want a yes or a PIN before they are done: unlocking, opening a way into the house, disarming, sirens.

Which acts, and how they must have been asked, is the household's (`sensitive:` in config.yaml). Three rules are not:
several ways in are never opened on one sentence, a kind as a whole ("open all covers") never means a garage, and what
was not clearly understood is asked first, however it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from .api import NeedsConfirmation, Turn
from .home.model import Entity, ServiceCall
from .wording import listed, noun_of, sentence
from .words import fold

DEFAULT_ACTS: Final = ("unlock", "open_door", "open_garage", "open_gate", "disarm", "siren")
WAYS_IN: Final = frozenset({"unlock", "open_door", "open_garage", "open_gate", "disarm"})  # never several at once
COVER_ACTS: Final = {"garage": "open_garage", "gate": "open_gate", "door": "open_door"}
VERBS: Final = {
    "unlock": "unlock", "open_door": "open", "open_garage": "open", "open_gate": "open", "open_valve": "open",
    "disarm": "disarm", "siren": "switch",
}  # fmt: skip
CLEARLY: Final = 0.4    # a sensitive act understood with less confidence is asked about
DOUBTFUL: Final = CLEARLY - 0.01    # how clear an act is at most where something else about the sentence is in doubt
# Words that say the contrary of a way in being opened, and those that say it: a model that takes one for the other is caught.
SHUTTING: Final = frozenset({"lock", "close", "shut", "secure", "bolt"})
OPENING: Final = frozenset({"unlock", "unlocked", "open", "unbolt", "in", "up", "disarm", "off"})
DIGITS: Final = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip


class Policy(Protocol):
    """What the household wants asked first. `config.Sensitive` is one."""

    @property
    def acts(self) -> Sequence[str]: ...

    @property
    def via(self) -> Sequence[str]: ...

    @property
    def pin(self) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class Sensitive:
    """The policy of a household that has not said otherwise; `turn.services["sensitive"]` takes its place."""

    acts: Sequence[str] = DEFAULT_ACTS      # also: "open_valve"
    via: Sequence[str] = ("voice",)         # how it must have been asked to want a yes: "voice", "text"
    pin: str | None = None                  # digits; None: a yes is enough


def policy_of(turn: Turn) -> Policy:
    policy: Policy = turn.services.get("sensitive") or Sensitive()
    return policy


def act_of(entity: Entity, call: ServiceCall) -> str | None:
    """The sensitive act that a call is ("unlock", "open_garage", …), whatever the household thinks of it, or None."""
    if entity.domain == "lock" and call.service in ("unlock", "open"):
        return "unlock"
    if entity.domain == "cover" and _opens(entity, call):
        return way_in(entity)
    if entity.domain == "valve" and _opens(entity, call):
        return "open_valve"
    if entity.domain == "alarm_control_panel" and call.service == "alarm_disarm":
        return "disarm"
    return "siren" if entity.domain == "siren" else None


def check(turn: Turn, calls: Iterable[tuple[Entity, ServiceCall]], *, code: str | None = None) -> None:
    """Let the calls pass, or ask first. A `code` that is the household's PIN is as good as an answer.

    Raises: NeedsConfirmation: a sensitive act was heard, or was not clear; or several ways in would be opened at once.
    """
    policy = policy_of(turn)
    if turn.confirmed or (policy.pin is not None and code is not None and pin_in(code) == policy.pin):
        return
    acts = {entity.entity_id: (entity, call, act) for entity, call in calls if (act := act_of(entity, call))}
    several = [deed for deed in acts.values() if deed[2] in WAYS_IN]
    if len(several) > 1:
        raise NeedsConfirmation(_ask_all(several, policy), choices=[entity.entity_id for entity, _, _ in several])
    unsure = turn.confidence < CLEARLY or bool(several and _says_the_contrary(turn.text))
    asked = [deed for deed in acts.values() if deed[2] in policy.acts and (unsure or turn.via in policy.via)]
    if asked:
        raise NeedsConfirmation(_ask(asked, policy), choices=[entity.entity_id for entity, _, _ in asked])


def _says_the_contrary(text: str) -> bool:
    """"lock the front door" understood as unlocking it; a sentence that holds both words is taken as understood."""
    words = set(fold(text))
    return bool(words & SHUTTING) and not words & OPENING


def without_ways_in(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """What a kind as a whole means: covers without doors, garages and gates, unless there is nothing else."""
    return tuple(entity for entity in entities if way_in(entity) is None) or tuple(entities)


def way_in(entity: Entity) -> str | None:
    """The act that opening this cover is, or None for a blind; one without a device class is judged by its name."""
    if entity.domain != "cover":
        return None
    if entity.device_class is not None:
        return COVER_ACTS.get(entity.device_class)
    words = fold(entity.name)
    return next((act for kind, act in COVER_ACTS.items() if kind in words), None)


def pin_in(text: str) -> str:
    """The digits of an answer, spoken or typed: "it's four seven 1 1" -> "4711"."""
    words = "".join(char if char.isalnum() else " " for char in text.casefold()).split()
    return "".join(word if word.isdigit() else DIGITS.get(word, "") for word in words)


def _opens(entity: Entity, call: ServiceCall) -> bool:
    if call.service in ("open_cover", "open_valve"):
        return True
    if call.service not in ("set_cover_position", "set_valve_position"):
        return False
    return _number(call.data, "position") > _number(entity.attributes, "current_position")


def _number(data: Mapping[str, Any], key: str) -> float:
    """A position that is not known counts as shut: then any other opens."""
    value = data.get(key)
    return float(value) if isinstance(value, (int, float)) else 0.0


Deed = tuple[Entity, ServiceCall, str]


def _ask(deeds: Sequence[Deed], policy: Policy) -> str:
    _, call, act = deeds[0]
    what = listed([noun_of(entity) for entity, _, _ in deeds]).text
    verb = VERBS[act] + (" off" if act == "siren" and call.service == "turn_off" else " on" if act == "siren" else "")
    return sentence(f"{verb} {what}? {_answer(policy)}")


def _ask_all(deeds: Sequence[Deed], policy: Policy) -> str:
    what = listed([noun_of(entity) for entity, _, _ in deeds]).text
    verbs = " and ".join(dict.fromkeys(VERBS[act] for _, _, act in deeds))
    return sentence(f"that is {len(deeds)}: {what}. {verbs.capitalize()} all of them? Name one, or {_all(policy)}")


def _answer(policy: Policy) -> str:
    return "Say yes, or no." if policy.pin is None else "Say the PIN."


def _all(policy: Policy) -> str:
    return "say yes." if policy.pin is None else "say the PIN."
