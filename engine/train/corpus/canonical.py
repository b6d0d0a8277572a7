"""One label for one meaning: the patterns' authors chose differently here and there, so frames are brought to one form."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A domain that the intent says already is not written again.
_IMPLIED = {
    "HassLightSet": "light", "HassFanSetSpeed": "fan", "HassClimateSetTemperature": "climate",
    "HassClimateGetTemperature": "climate", "HassClimateSetFanMode": "climate", "HassHumidifierSetpoint": "humidifier",
    "HassVacuumStart": "vacuum", "HassVacuumReturnToBase": "vacuum", "HassVacuumCleanArea": "vacuum",
    "HassLawnMowerStartMowing": "lawn_mower", "HassLawnMowerDock": "lawn_mower",
}  # fmt: skip
# A media class is written only where its kind is said: "play {artist}" cannot be told from "play {album}".
_MEDIA_WORDS = {
    "artist": r"artist|band|singer|(?:songs?|music|tracks?|tunes?|something|anything|stuff|everything|some\w*) (?:by|from|of)",
    "album": r"album|record|lp", "track": r"track|song|tune", "playlist": r"playlist|mix|list",
    "podcast": r"podcast|episode|pod|show", "movie": r"movie|film|flick", "tv_show": r"show|series|episode|season|programme",
    "genre": r"genre|music|tunes|songs|some", "audiobook": r"audio ?-?book|book|chapter|read", "radio": r"radio|station|fm|am",
    "channel": r"channel|station",
}  # fmt: skip
_GREETING = re.compile(r"^(hi|hello|hey|hiya|howdy|thanks|thank|ta|cheers|good (morning|evening|night|day)|morning|bye)\b")


@dataclass(frozen=True)
class Frame:
    """One intent with its slots in the order written; a repeated slot stands several times."""

    intent: str
    slots: tuple[tuple[str, str], ...] = ()


def canonical(text: str, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """`frames` of the sentence (or pattern) `text`, each in its one form."""
    return tuple(_one(text.lower(), frame) for frame in frames)


def _one(text: str, frame: Frame) -> Frame:
    if frame.intent == "Chat" and _GREETING.match(text) and len(text.split()) <= 4:
        return Frame("HassRespond")
    slots = frame.slots
    inner = dict(slots).get("intent", frame.intent)
    slots = tuple(pair for pair in slots if pair != ("domain", _IMPLIED.get(inner)))
    media = dict(slots).get("media_class")
    if media in _MEDIA_WORDS and not re.search(rf"\b(?:{_MEDIA_WORDS[media]})s?\b", text):
        slots = tuple(pair for pair in slots if pair[0] != "media_class")
    if frame.intent == "HassGetState":
        slots = _windows(slots)
    if frame.intent == "HassGetState" and dict(slots).get("state") in ("home", "not_home") and "domain" not in dict(slots):
        slots = (*slots, ("domain", "person"))
    return Frame(frame.intent, slots)


def _windows(slots: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Windows are asked about as covers, as Home Assistant does; whether sensors tell is the home's business."""
    said = dict(slots)
    if said.get("domain") != "binary_sensor" or said.get("device_class") != "window":
        return slots
    changed = {"domain": "cover", "state": {"on": "open", "off": "closed"}.get(said.get("state", ""), said.get("state", ""))}
    return tuple((slot, changed.get(slot, value)) for slot, value in slots)
