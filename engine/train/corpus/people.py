"""What people really said, mapped onto our intents: hwu64's training half and CLINC150's (see the model card for who made them).

The tables are the documentation: a row says what becomes of a (scenario, intent). What has no row is left out, as are
sentences whose annotation cannot carry our slots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .canonical import Frame

Said = tuple[str, tuple[Frame, ...]]

# (scenario, intent) -> (our intent, {their slot type: our slot}, constant slots). A type that is not listed and not in
# `_IGNORED` drops the sentence.
HWU64: dict[tuple[str, str], tuple[str, dict[str, str], dict[str, str]]] = {
    ("alarm", "set"): ("SetAlarm", {"time": "at", "date": "date", "timeofday": "date", "event_name": "name"}, {}),
    ("alarm", "query"): ("AlarmStatus", {"time": "at", "date": "date", "timeofday": "date", "event_name": "name"}, {}),
    ("alarm", "remove"): ("CancelAlarm", {"time": "at", "date": "date", "timeofday": "date", "event_name": "name"}, {}),
    ("audio", "volume_up"): ("HassSetVolumeRelative", {"device_type": "name"}, {"volume_step": "up"}),
    ("audio", "volume_down"): ("HassSetVolumeRelative", {"device_type": "name"}, {"volume_step": "down"}),
    ("audio", "volume_mute"): ("HassMediaPlayerMute", {"device_type": "name"}, {}),
    ("calendar", "query"): ("ListReminders", {"date": "date", "timeofday": "date", "time": "at"}, {}),
    ("calendar", "set"): ("SetReminder", {"event_name": "message", "date": "date", "timeofday": "date", "time": "at",
                                          "general_frequency": "date"}, {}),
    ("calendar", "remove"): ("CancelReminder", {"event_name": "message", "date": "date", "timeofday": "date", "time": "at"}, {}),
    ("iot", "cleaning"): ("HassVacuumStart", {"device_type": "name"}, {}),
    ("iot", "coffee"): ("HassTurnOn", {"device_type": "name", "time": "", "timeofday": ""}, {}),
    ("iot", "hue_lightchange"): ("HassLightSet", {"color_type": "color", "house_place": "area"}, {}),
    ("iot", "hue_lightdim"): ("HassLightSet", {"house_place": "area"}, {"brightness_step": "down"}),
    ("iot", "hue_lightup"): ("HassLightSet", {"house_place": "area"}, {"brightness_step": "up"}),
    ("iot", "hue_lightoff"): ("HassTurnOff", {"house_place": "area"}, {"domain": "light"}),
    ("iot", "hue_lighton"): ("HassTurnOn", {"house_place": "area"}, {"domain": "light"}),
    ("iot", "wemo_off"): ("HassTurnOff", {"device_type": "name", "house_place": "area"}, {}),
    ("iot", "wemo_on"): ("HassTurnOn", {"device_type": "name", "house_place": "area"}, {}),
    ("lists", "query"): ("ListRead", {"list_name": "name", "date": ""}, {}),
    ("music", "query"): ("HassGetState", {}, {"domain": "media_player"}),
    ("play", "music"): ("HassMediaSearchAndPlay", {"song_name": "search_query", "artist_name": "search_query",
                                                   "playlist_name": "search_query", "music_genre": "search_query"}, {}),
    ("play", "radio"): ("HassMediaSearchAndPlay", {"radio_name": "search_query", "house_place": "area"},
                        {"media_class": "radio"}),
    ("play", "podcasts"): ("HassMediaSearchAndPlay", {"podcast_name": "search_query", "podcast_descriptor": "search_query"},
                           {"media_class": "podcast"}),
    ("play", "audiobook"): ("HassMediaSearchAndPlay", {"audiobook_name": "search_query", "media_type": ""},
                            {"media_class": "audiobook"}),
    ("qa", "maths"): ("Calculate", {}, {}),
    ("weather", "query"): ("HassGetWeather", {"date": "date", "timeofday": "date", "time": "at", "place_name": "name",
                                              "weather_descriptor": ""}, {}),
    ("general", "affirm"): ("Confirm", {}, {}), ("general", "negate"): ("Deny", {}, {}),
    ("general", "commandstop"): ("HassNevermind", {}, {}), ("general", "repeat"): ("Repeat", {}, {}),
}  # fmt: skip
_MEDIA_CLASS = {"song_name": "track", "artist_name": "artist", "playlist_name": "playlist", "music_genre": "genre"}
_CLOUD = {
    "fresh": [("news", "query"), ("qa", "stock"), ("qa", "currency"), ("recommendation", "events"),
              ("recommendation", "locations"), ("recommendation", "movies"), ("transport", "query"), ("transport", "taxi"),
              ("transport", "ticket"), ("transport", "traffic"), ("social", "query"), ("email", "query"),
              ("takeaway", "query"), ("takeaway", "order")],
    "exact": [("qa", "factoid"), ("qa", "definition"), ("datetime", "convert")],
    "long": [("cooking", "recipe"), ("email", "sendemail"), ("social", "post")],
}  # fmt: skip
_CHAT = {("general", "praise"), ("general", "dontcare"), ("general", "joke"), ("general", "quirky"), ("general", "explain")}

# CLINC150: intent -> our intent, only where a sentence needs no slots that are not annotated.
CLINC: dict[str, tuple[str, dict[str, str]]] = {
    "yes": ("Confirm", {}), "no": ("Deny", {}), "repeat": ("Repeat", {}), "greeting": ("HassRespond", {}),
    "goodbye": ("HassRespond", {}), "thank_you": ("HassRespond", {}), "what_can_i_ask_you": ("HassRespond", {}),
    "tell_joke": ("Chat", {}), "flip_coin": ("Chat", {}), "roll_dice": ("Chat", {}), "next_song": ("HassMediaNext", {}),
    "what_song": ("HassGetState", {"domain": "media_player"}), "cancel": ("HassNevermind", {}),
    "definition": ("Cloud", {"need": "exact"}), "spelling": ("Cloud", {"need": "exact"}),
    "translate": ("Cloud", {"need": "exact"}), "fun_fact": ("Cloud", {"need": "exact"}),
    "exchange_rate": ("Cloud", {"need": "fresh"}), "directions": ("Cloud", {"need": "fresh"}),
    "distance": ("Cloud", {"need": "fresh"}), "traffic": ("Cloud", {"need": "fresh"}),
    "restaurant_suggestion": ("Cloud", {"need": "fresh"}), "recipe": ("Cloud", {"need": "long"}),
    "meal_suggestion": ("Cloud", {"need": "long"}), "timezone": ("Cloud", {"need": "exact"}),
    "make_call": ("Cloud", {"need": "fresh"}), "text": ("Cloud", {"need": "fresh"}),
    "oos": ("Cloud", {"need": "exact"}),
}  # fmt: skip


def hwu64(path: Path) -> Iterator[Said]:
    """The lines of `hwu64_train.jsonl` that carry over."""
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        frames = _hwu64_frames(entry)
        if frames is not None:
            # Slot values are in the annotators' wording, so that wording is the sentence where there are slots.
            needs_spoken = any(slot for frame in frames for slot in frame.slots)
            yield (entry.get("spoken", entry["text"]) if needs_spoken else entry["text"]), frames


def _hwu64_frames(entry: dict[str, Any]) -> tuple[Frame, ...] | None:
    key = (entry["scenario"], entry["intent"])
    for need, keys in _CLOUD.items():
        if key in keys:
            return (Frame("Cloud", (("need", need),)),)
    if key in _CHAT:
        return (Frame("Chat"),)
    if key == ("datetime", "query"):
        return _clock(entry)
    if key not in HWU64:
        return None
    intent, table, constants = HWU64[key]
    slots = list(constants.items())
    for slot in entry["slots"]:
        target = table.get(slot["type"])
        if target is None:
            return None
        if target:
            slots.append((target, slot["value"]))
    if len({name for name, _ in slots}) < len(slots):
        return None  # two of a kind: the annotation does not say which is which
    return _mend(key, entry, Frame(intent, tuple(slots)))


def _mend(key: tuple[str, str], entry: dict[str, Any], frame: Frame) -> tuple[Frame, ...] | None:
    """What the annotation leaves out but the sentence says."""
    text, slots = entry.get("spoken", entry["text"]).lower(), dict(frame.slots)
    if key == ("qa", "maths"):
        expression = re.search(r"\b(?:square root|the sum of)?\s*[\d].*[\d]|\b\d+\b.*\b\d+\b", entry["text"])
        return (Frame("Calculate", (("expression", expression.group().strip()),)),) if expression else None
    if key == ("iot", "coffee"):
        if any(slot["type"] in ("time", "timeofday", "date") for slot in entry["slots"]) or "coffee" not in text:
            return None
        slots.setdefault("name", "coffee")
    if key == ("iot", "cleaning") and "name" not in slots and "vacuum" not in text and "clean" not in text:
        return None
    if key == ("music", "query") and not re.search(r"(this|playing|current|on now)", text):
        return None
    if key in {("play", "podcasts"), ("play", "audiobook"), ("play", "radio"), ("play", "music")}:
        if "search_query" not in slots:
            return None
        if key == ("play", "music"):
            slots["media_class"] = _MEDIA_CLASS[entry["slots"][0]["type"]]
    if key[0] == "iot" and "light" in key[1] and key[1] != "hue_lightchange" and re.search(r"\b(to|by)\b.*(\d|percent)", text):
        return None
    if key[0] == "iot" and key[1].startswith("hue") and "area" not in slots and "light" not in text and "lamp" not in text:
        return None
    if key[0] == "iot" and slots.get("area"):
        slots["area"] = re.sub(r"\s*('s)?\s*lights?$", "", slots["area"])
    return (Frame(frame.intent, tuple(slots.items())),)


def _clock(entry: dict[str, Any]) -> tuple[Frame, ...] | None:
    kinds = {slot["type"] for slot in entry["slots"]}
    text = entry["text"].lower()
    if kinds & {"place_name", "time_zone"}:
        return (Frame("Cloud", (("need", "exact"),)),)
    if kinds - {"date"}:
        return None
    if re.search(r"\btime\b|o'?clock|hour", text):
        return (Frame("HassGetCurrentTime"),)
    if re.search(r"\bdate\b|\bday\b|month|year", text):
        date = [("date", slot["value"]) for slot in entry["slots"] if slot["value"] not in ("date", "day")]
        return (Frame("HassGetCurrentDate", tuple(date[:1])),)
    return None


def clinc(path: Path) -> Iterator[Said]:
    """The lines of `clinc_oos_dev.jsonl` that carry over."""
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        intent, text = entry["intent"], entry["text"]
        if intent in CLINC:
            ours, slots = CLINC[intent]
            yield text, (Frame(ours, tuple(slots.items())),)
        elif intent == "time" and " in " not in text:
            yield text, (Frame("HassGetCurrentTime"),)
        elif intent == "date" and not re.search(r"\d|tomorrow|from now|ago", text):
            yield text, (Frame("HassGetCurrentDate"),)
        elif intent == "calculator":
            expression = re.search(r"\d.*\d|square root of \d+", text)
            if expression:
                yield text, (Frame("Calculate", (("expression", expression.group()),)),)
