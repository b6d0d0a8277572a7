"""Slots as said to slots as meant in this home: values first, then the home's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..engine.interpreter import Intent
from ..skills.home.model import Home
from ..skills.home.resolver import Context, called, ground
from ..skills.numbers import read_number
from ..skills.routines import Routines
from ..skills.slots import in_units_said, normalise
from ..skills.words import fold

_WHEN: Final = ("intent", "at", "in", "date")      # RunLater's own slots; the others are those of the intent it puts off


_PLACES: Final = ("area", "floor")


def meaning(
    home: Home, intent: str, said: Mapping[str, Any], context: Context, text: str
) -> tuple[dict[str, Any], list[str]]:
    """The slots, and a line for each that was said and could not be read. Raises: KeyError: no such intent."""
    values = normalise(intent, in_units_said(said, text))
    unread = [f"{one.slot} {one.said!r}: {one.why}" for one in values.unread]
    if intent != "RunLater" or "intent" not in values:
        return ground(home, intent, values, context, text), unread
    own = {slot: value for slot, value in values.items() if slot in _WHEN}
    rest = {slot: value for slot, value in values.items() if slot not in _WHEN}
    return {**ground(home, str(values["intent"]), rest, context, text), **own}, unread


def as_meant(home: Home, intents: Sequence[Intent], text: str) -> tuple[Intent, ...]:
    """The intents of one sentence as this home settles them: none twice, each where it was said, each as its device's kind."""
    return tuple(of_a_sensor(home, of_its_kind(home, intent), text) for intent in in_the_same_place(said_once(intents)))


def said_once(intents: Sequence[Intent]) -> tuple[Intent, ...]:
    """One deed on one thing that came twice, "the fan to full speed, a hundred percent", is the one that is surer."""
    kept: list[Intent] = []
    for intent in intents:
        twin = next((one for one in kept if _target(one) == _target(intent) and intent.slots.get("name")), None)
        if twin is None:
            kept.append(intent)
        elif intent.confidence > twin.confidence:
            kept[kept.index(twin)] = intent
    return tuple(kept)


def _target(intent: Intent) -> tuple[object, ...]:
    return (intent.intent, *(str(intent.slots.get(slot, "")) for slot in ("name", *_PLACES, "domain", "device_class")))


def in_the_same_place(intents: Sequence[Intent]) -> tuple[Intent, ...]:
    """Several intents of one sentence: a kind without a place is meant where the same kind was just meant.

    "make it bright in the hayloft, turn the lights on": the lights of the hayloft, not of the whole house.
    """
    placed: list[Intent] = []
    for intent in intents:
        last = placed[-1] if placed else None
        if last and _kind(intent) == _kind(last) and not any(intent.slots.get(slot) for slot in (*_PLACES, "name")):
            place = {slot: value for slot, value in last.slots.items() if slot in _PLACES}
            intent = replace(intent, slots={**place, **intent.slots})
        placed.append(intent)
    return tuple(placed)


# How much a device of a kind is set to: the intent, its slot, and the intent and slot of a step.
_AMOUNTS: Final[Mapping[str, tuple[str, str, str, str | None]]] = {
    "light": ("HassLightSet", "brightness", "HassLightSet", "brightness_step"),
    "cover": ("HassSetPosition", "position", "HassSetPosition", "position_step"),
    "valve": ("HassSetPosition", "position", "HassSetPosition", "position_step"),
    "fan": ("HassFanSetSpeed", "percentage", "HassFanSetSpeed", "percentage_step"),
    "media_player": ("HassSetVolume", "volume_level", "HassSetVolumeRelative", "volume_step"),
    "humidifier": ("HassHumidifierSetpoint", "humidity", "HassHumidifierSetpoint", "humidity_step"),
    "climate": ("HassClimateSetTemperature", "temperature", "HassClimateSetTemperature", "temperature_step"),
    "water_heater": ("HassClimateSetTemperature", "temperature", "HassClimateSetTemperature", "temperature_step"),
    "number": ("SetValue", "value", "SetValue", None),
}  # fmt: skip
_AMOUNT_SLOTS: Final = frozenset(slot for amount in _AMOUNTS.values() for slot in (amount[1], amount[3]) if slot)
_OWN_START: Final = {"vacuum": "HassVacuumStart", "lawn_mower": "HassLawnMowerStartMowing"}
_STARTS: Final = {"HassVacuumStart": "vacuum", "HassVacuumCleanArea": "vacuum", "HassLawnMowerStartMowing": "lawn_mower",
                  "HassMediaUnpause": "media_player"}  # fmt: skip
_STOPS: Final = {"HassVacuumReturnToBase": "vacuum", "HassLawnMowerDock": "lawn_mower", "HassMediaPause": "media_player"}
_MOVERS: Final = frozenset({"cover", "valve", "vacuum", "lawn_mower"})


def of_its_kind(home: Home, intent: Intent) -> Intent:
    """What is said to a device of a name that tells nothing, as the deed that its kind has.

    "studio monitors to thirty percent" may come as a position; this home knows that they are speakers, so a volume is meant.
    """
    domains = {entity.domain for entity in called(home, intent.slots.get("name"))}
    if len(domains) != 1:
        return intent
    domain = domains.pop()
    amounts = intent.slots.keys() & _AMOUNT_SLOTS
    if len(amounts) == 1 and domain in _AMOUNTS and intent.slots.keys() - amounts <= {"name", *_PLACES}:
        return _set_to(domain, intent, amounts.pop())
    if _STARTS.get(intent.intent, domain) != domain:
        return replace(intent, intent=_OWN_START.get(domain, "HassTurnOn"))
    if domain == "lawn_mower" and intent.intent == "HassVacuumReturnToBase":
        return replace(intent, intent="HassLawnMowerDock")
    stops = _STOPS.get(intent.intent, domain) != domain or (intent.intent == "HassStopMoving" and domain not in _MOVERS)
    if not stops:
        return intent
    stop = "HassMediaPause" if domain == "media_player" else "HassStopMoving" if domain in _MOVERS else "HassTurnOff"
    return replace(intent, intent=stop)


def _set_to(domain: str, intent: Intent, said: str) -> Intent:
    to, slot, by, step = _AMOUNTS[domain]
    if intent.intent in (to, by):
        return intent               # a light's temperature is its whiteness, and no brightness
    own, name = (by, step) if said.endswith("_step") else (to, slot)
    if name is None or name == said or (said == "value" and read_number(str(intent.slots[said])) is None):
        return intent
    return replace(intent, intent=own, slots={name: intent.slots[said], **{s: v for s, v in intent.slots.items() if s != said}})


_READ_ELSEWHERE: Final = frozenset({"HassGetWeather", "HassClimateGetTemperature"})


def of_a_sensor(home: Home, intent: Intent, text: str) -> Intent:
    """Asked for the weather or a room's warmth in the words of a sensor's name: "the outside temperature" is that sensor's."""
    if intent.intent not in _READ_ELSEWHERE or intent.slots.get("name"):
        return intent
    words = f" {' '.join(fold(text))} "
    sensors = (entity for entity in home.entities.values() if entity.domain == "sensor" and entity.exposed)
    names = {name: " ".join(fold(name)) for sensor in sensors for name in (sensor.name, *sensor.aliases)}
    said = [name for name, folded in names.items() if " " in folded and f" {folded} " in words]
    return replace(intent, intent="HassGetState", slots={"name": max(said, key=len)}) if said else intent


_ENDINGS: Final = frozenset({"HassMediaPause", "HassStopMoving", "HassTurnOff", "HassPauseTimer", "HassMediaPlayerMute", "Deny",
                             "Unclear"})


def while_ringing(intents: Sequence[Intent], rings: bool) -> tuple[Intent, ...]:
    """A bare "stop" means what rings, whatever else could be stopped."""
    if rings and len(intents) == 1 and intents[0].intent in _ENDINGS and not intents[0].slots:
        return (Intent("HassNevermind", {}, 1.0),)
    return tuple(intents)


def whole_routine(intents: Sequence[Intent], text: str) -> tuple[Intent, ...]:
    """What stands behind a routine's action, joined to it by "and", belongs to it: it must not be done now.

    "when I say movie time, dim the lights and close the blinds" may come as a routine and a command to close the blinds.
    """
    first = intents[0] if intents else None
    action = first.slots.get("action") if first is not None and first.intent == "CreateRoutine" else None
    if first is None or len(intents) < 2 or not isinstance(action, str):
        return tuple(intents)
    place = text.lower().find(action.lower())
    rest = text[place + len(action) :] if place >= 0 else ""
    if not re.match(r"\s*,?\s*(?:and|then|plus)\b", rest, re.IGNORECASE) or re.search(r"\b(?:now|first)\b", rest.lower()):
        return tuple(intents)
    return (replace(first, slots={**first.slots, "action": text[place:].strip(" .!")}),)


def _bare(intent: Intent) -> str:
    return re.sub(r"\b(?:the|my|routine|automation|rule)s?\b", " ", str(intent.slots.get("name", ""))).strip()


def of_routines(intents: Sequence[Intent], text: str, routines: Routines) -> tuple[Intent, ...]:
    """Turning a routine off or on by its name is about the routine, as no device is called so.

    Only where the sentence speaks of a routine, and one of that name is there.
    """
    if not re.search(r"\b(?:routine|automation|rule)s?\b", text.lower()):
        return tuple(intents)
    return tuple(
        Intent("RemoveRoutine", {"trigger": found[0].name}, intent.confidence)
        if intent.intent in ("HassTurnOn", "HassTurnOff") and (found := routines.like(_bare(intent), None))
        else intent
        for intent in intents
    )


def _kind(intent: Intent) -> object:
    return intent.slots.get("domain") or ("light" if intent.intent == "HassLightSet" else None) or intent
