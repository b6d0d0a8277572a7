"""Reading an answer to a question of ours: yes, no, a PIN, one of the choices, or no answer at all. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from ..engine.interpreter import Intent
from ..skills.home.model import Home
from ..skills.home.resolver import choose
from ..skills.moments import NotUnderstood, Past, Recurring, read_moment
from ..skills.numbers import read_number
from ..skills.schema import load_schema
from ..skills.sensitive import pin_in
from ..skills.words import IT, THEM, fold, said_as
from .session import Command, Pending

HIDDEN: Final = "••••"          # stands for a PIN or a code in everything that is told or kept
MAX_WORDS_OF_A_YES: Final = 3   # "yeah, go on", where the model heard no Confirm
NO: Final = frozenset({"Deny", "HassNevermind"})
_NO_WORDS: Final = frozenset({"no", "nope", "nah", "neither", "none"})
_YES_WORDS: Final = frozenset({"yes", "yeah", "yep", "yup"})
_POLITE: Final = frozenset({"please", "thanks", "thank", "you"})
_AROUND_A_NAME: Final = frozenset({"the", "a", "my", "one", "list", "timer"})
_NUMBERS: Final = ("brightness", "position", "percentage", "volume_level", "humidity", "temperature", "value")
_BESIDE_NUMBERS: Final = frozenset({"to", "at", "make", "it", "set", "please", "degrees", "degree", "percent", "about"})
_WHERE: Final = ("name", "area", "floor", "domain", "device_class", "except_name", "except_area")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer comes to.

    kind: "no", "yes" (do it), "picked" (`chosen` among the choices), "filled" (`slots` completed), "wrong" (ask once more:
    `reply`), "other" (a request of its own), "none" (not said to us; the question stays open).
    """

    kind: str
    chosen: tuple[str, ...] = ()
    slots: Mapping[str, Any] = field(default_factory=dict)
    reply: str = ""


def read_answer(
    pending: Pending, text: str, intents: Sequence[Intent], *, home: Home, pin: str | None, needs_pin: bool
) -> Answer:
    """What `text`, understood as `intents`, says to the open question."""
    first = intents[0] if intents else None
    if _declines(text):
        return Answer(kind="no")
    if (named := _only_a_label(pending, text)) and not pending.confirms:
        return Answer(kind="picked", chosen=named)
    if first is not None and first.intent in NO:
        return Answer(kind="no") if len(intents) == 1 else Answer(kind="other")
    if pending.confirms and needs_pin and pin is not None:
        return _pin_answer(text, first, pin)
    if pending.confirms and (_agrees(text) or (first is not None and first.intent == "Confirm" and not first.slots)):
        return Answer(kind="yes")
    if pending.choices and (first is None or not _is_own_request(first, pending)):
        return _choice_answer(pending, text, first, home)
    if pending.confirms:
        return Answer(kind="none" if _is_idle(first) else "other")
    return _filling_answer(pending, text, first, home)


def _declines(text: str) -> bool:
    """A bare "no" to a question of ours is one, whatever else it may be taken for."""
    words = [word for word in fold(text) if word not in _POLITE]
    return bool(words) and all(word in _NO_WORDS for word in words)


def _only_a_label(pending: Pending, text: str) -> tuple[str, ...]:
    """The choice whose label, or words of it that no other has, is all that was said: an answer, however it was parsed."""
    said = {word for word in fold(text) if word not in _POLITE and word not in _AROUND_A_NAME}
    found = [choice for choice, label in zip(pending.choices, pending.labels, strict=False) if said and said <= set(fold(label))]
    return (found[0],) if len(found) == 1 else ()


def _agrees(text: str) -> bool:
    words = [word for word in fold(text) if word not in _POLITE]
    return bool(words) and all(word in _YES_WORDS for word in words)


def _pin_answer(text: str, first: Intent | None, pin: str) -> Answer:
    digits = pin_in(text)
    if digits == pin:
        return Answer(kind="yes")
    if _is_code(text):
        return Answer(kind="wrong", reply="That is not the PIN.")
    if _agrees(text) or (first is not None and first.intent == "Confirm"):
        return Answer(kind="wrong", reply="Say the PIN.")
    return Answer(kind="none" if _is_idle(first) else "other")


def tells_code(text: str, pending: Pending | None, *, pin: str | None) -> bool:
    """Whether `text` holds the household's PIN, or answers a question for it or for a panel's code, rightly or not."""
    if pin is not None and pin_in(text) == pin:
        return True
    return pending is not None and _is_code(text) and (_asks_code(pending) or (pending.confirms and pin is not None))


def names_code(text: str) -> bool:
    """Whether `text` may hold a code among other words: "disarm the alarm, the code is 2468"."""
    return len(pin_in(text)) >= 3 and not {"code", "pin"}.isdisjoint(fold(text))


def without_codes(text: str, codes: Sequence[str]) -> str:
    """One that was said otherwise than it is written may be anywhere in the text: then nothing of it is left."""
    for code in codes:
        text = text.replace(code, HIDDEN) if code in text else HIDDEN
    return text


def _is_code(text: str) -> bool:
    """Digits and little else: "it's 4711"."""
    beside = [word for word in fold(text) if not pin_in(word)]
    return len(pin_in(text)) >= 3 and len(beside) <= MAX_WORDS_OF_A_YES


def _choice_answer(pending: Pending, text: str, first: Intent | None, home: Home) -> Answer:
    if pending.confirms and _is_idle(first) and len(fold(text)) > MAX_WORDS_OF_A_YES:
        return Answer(kind="none")      # the front door may be talked about without being meant
    chosen = _chosen(pending, text, home)
    if chosen and pending.confirms and set(chosen) == set(pending.choices):
        return Answer(kind="yes")
    if chosen:
        return Answer(kind="picked", chosen=chosen)
    if first is not None and first.intent == "Confirm":
        return Answer(kind="wrong", reply=pending.question)
    return Answer(kind="none" if _is_idle(first) else "other")


def _chosen(pending: Pending, text: str, home: Home) -> tuple[str, ...]:
    entities = [home.entities[one] for one in pending.choices if one in home.entities]
    if entities:
        return tuple(entity.entity_id for entity in choose(home, entities, text))
    return _chosen_label(pending, text)


def _chosen_label(pending: Pending, text: str) -> tuple[str, ...]:
    """The one whose label shares most words with the answer, if only one does."""
    said = set(fold(text))
    shared = [len(said & set(fold(label))) for label in pending.labels]
    best = max(shared, default=0)
    found = [choice for choice, count in zip(pending.choices, shared, strict=False) if count == best and best > 0]
    return (found[0],) if len(found) == 1 else ()


def _filling_answer(pending: Pending, text: str, first: Intent | None, home: Home) -> Answer:
    """To an open question ("In which room?", "How long?") by the slots of the answer, or by a room's bare name."""
    if _asks_code(pending) and _is_code(text):
        return Answer(kind="filled", slots={"code": pin_in(text)})
    if bare := _bare_number(pending, text) or _bare_moment(pending, text):
        return Answer(kind="filled", slots=bare)
    if first is not None and first.intent == pending.command.intent and _is_about_another(first, pending):
        return Answer(kind="other")
    if first is not None and (first.intent == pending.command.intent or (first.intent == "Confirm" and first.slots)):
        return Answer(kind="filled", slots=first.slots)
    if _is_idle(first) or (first is not None and first.intent == "Confirm"):
        place = _place_in(text, home)
        if place:
            return Answer(kind="filled", slots=place)
        return Answer(kind="none")
    return Answer(kind="other")


def _asks_code(pending: Pending) -> bool:
    command = pending.command
    return "code" in load_schema()["intents"].get(command.intent, {}).get("slots", ()) and "code" not in command.slots


def _bare_number(pending: Pending, text: str) -> dict[str, str]:
    """"22" or "forty percent": the number that was asked for, the one that was no good or the first of the intent."""
    words = [word for word in fold(text) if word not in _BESIDE_NUMBERS]
    if not words or read_number(" ".join(words)) is None:
        return {}
    known = load_schema()["intents"].get(pending.command.intent, {}).get("slots", ())
    slots = [slot for slot in _NUMBERS if slot in known]
    asked = [slot for slot in slots if slot in pending.command.slots] or slots
    return {asked[0]: " ".join(words)} if asked else {}


def _bare_moment(pending: Pending, text: str) -> dict[str, str]:
    """"In five minutes", "tomorrow at 9": to "When?", whatever else it could begin."""
    known = load_schema()["intents"].get(pending.command.intent, {}).get("slots", ())
    if not {"at", "in"} <= set(known) or {"at", "in"} & set(pending.command.slots):
        return {}
    words = text.strip().rstrip(".!?")
    length = words[3:] if words.casefold().startswith("in ") else None
    try:
        read_moment(datetime.now(UTC), at=None if length else words, in_=length)
    except (NotUnderstood, Recurring, Past):
        return {}
    return {"in": length} if length else {"at": words}


def _is_about_another(first: Intent, pending: Pending) -> bool:
    """The same intent for other devices than the question is about: a command of its own, no answer."""
    asked = pending.command.slots
    return any(
        slot in first.slots and slot in asked and not said_as(str(asked[slot]), IT | THEM)
        and fold(str(first.slots[slot])) != fold(str(asked[slot]))
        for slot in _WHERE
    )


def _place_in(text: str, home: Home) -> dict[str, str]:
    words = [word for word in fold(text) if word not in ("in", "the", "one", "at", "on", "my", "our")]
    for slot, places in (("area", home.areas.values()), ("floor", home.floors.values())):
        for place in places:
            if any(list(fold(name)) == words for name in (place.name, *place.aliases)):
                return {slot: place.name}
    return {}


def _is_idle(first: Intent | None) -> bool:
    return first is None or not load_schema()["intents"].get(first.intent, {}).get("act", True)


def _is_own_request(first: Intent, pending: Pending) -> bool:
    """A request that is more than an answer. The same intent again may be a choice ("turn on the left one"), never a yes."""
    answering = ("Confirm",) if pending.confirms else ("Confirm", "Repeat", pending.command.intent)
    return not _is_idle(first) and first.intent not in answering


def repeated(last: Command, new: Mapping[str, Any], home: Home) -> Command:
    """The last command again, with what is said anew: "and the bedroom too", "make it forty percent".

    Its `entities` are those it was for, where nothing else is said: the sentence that told "all of them" is not said again.
    """
    known = load_schema()["intents"].get(last.intent, {}).get("slots", ())
    fresh = {slot: value for slot, value in new.items() if slot in known}
    slots = {slot: value for slot, value in last.slots.items() if slot not in _replaced_by(fresh)}
    if set(fresh) & {"area", "floor"} and "name" not in fresh and "area" not in last.slots and "name" in slots:
        del slots["name"]       # "the desk lamp", then "the bedroom too": what is there of its kind
        domains = {home.entities[one].domain for one in last.entities if one in home.entities}
        if len(domains) == 1 and "domain" in known:
            slots["domain"] = domains.pop()
    same = () if set(fresh) & set(_WHERE) else last.entities
    return replace(last, slots={**slots, **fresh}, entities=same)


def _replaced_by(fresh: Mapping[str, Any]) -> set[str]:
    replaced = {other for slot in fresh for other in (slot.removesuffix("_step"), f"{slot.removesuffix('_step')}_step")}
    if set(fresh) & {"name", "area", "floor"}:
        replaced |= {"area", "floor", "except_name", "except_area"}
    if "name" in fresh:
        replaced |= set(_WHERE)
    if set(fresh) & {"color", "temperature"}:
        replaced |= {"color", "temperature"}
    return replaced
