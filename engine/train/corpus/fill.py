"""Fills a pattern's placeholders: numbers, times, names, words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from .canonical import Frame
from .forms import Pattern
from .lexicon import area, device_name, words_of
from .numbers import spoken
from .reader import PLACEHOLDER

Rng = random.Random
_SEVERAL_ITEMS = 0.35  # of the sentences about one thing for a list, so many are made to name several
_MEDIA = ("artist", "album", "track", "playlist", "podcast", "movie", "tv_show", "genre", "audiobook", "radio")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
)
# Whose sort a voices' placeholder is, where its name is a slot's and says no kind.
_SLOT_SORTS = {
    "volume_level": "volume", "search_query": "media", "query": "question", "duration": "in", "temperature": "temp",
    "start_minutes": "minutes", "start_hours": "hours", "start_seconds": "seconds", "humidity": "humidity",
}  # fmt: skip
_NAME_KINDS = {
    "HassVacuumStart": "vacuum", "HassVacuumReturnToBase": "vacuum", "HassVacuumCleanArea": "vacuum",
    "VacuumLocate": "vacuum", "HassLawnMowerStartMowing": "lawn_mower", "HassLawnMowerDock": "lawn_mower",
    "HassLightSet": "light", "HassFanSetSpeed": "fan", "HassClimateSetTemperature": "climate",
    "HassClimateGetTemperature": "climate", "HassClimateSetFanMode": "climate", "HassSetPosition": "blind|curtain|shutter",
    "HassHumidifierSetpoint": "humidifier", "HassSetVolume": "media_player", "HassSetVolumeRelative": "media_player",
    "HassMediaPause": "media_player", "HassMediaUnpause": "media_player", "HassMediaNext": "media_player",
    "HassMediaPrevious": "media_player", "HassMediaPlayerMute": "media_player", "HassMediaPlayerUnmute": "media_player",
    "HassMediaSearchAndPlay": "media_player", "ListRead": "list", "ListClear": "list", "HassListAddItem": "list",
    "HassListCompleteItem": "list", "HassListRemoveItem": "list", "SetReminder": "person", "ArmAlarm": "alarm_panel",
    "DisarmAlarm": "alarm_panel",
}  # fmt: skip
_DOMAIN_KINDS = {"cover": "blind|curtain|shutter|garage|gate", "person": "person", "alarm_control_panel": "alarm_panel",
                 "device_tracker": "person", "script": "script", "text": "select"}  # fmt: skip


def fill(pattern: Pattern, rng: Rng) -> tuple[str, tuple[Frame, ...]]:
    """The pattern's sentence and frames with values put in. Raises: DoesNotFit: a placeholder nobody has words for."""
    chosen: dict[str, str] = {}
    if rng.random() < _SEVERAL_ITEMS:
        pattern = with_several_items(pattern, rng)

    def value(match: object) -> str:
        sort, number, kind = match.groups()  # type: ignore[attr-defined]
        key = f"{sort}{number}:{kind or ''}"
        if key not in chosen:
            chosen[key] = _value(pattern, sort, number, kind, rng, taken=set(chosen.values()))
        return chosen[key]

    text = PLACEHOLDER.sub(value, pattern.text)
    frames = tuple(
        Frame(frame.intent, tuple((slot, PLACEHOLDER.sub(value, template)) for slot, template in frame.slots))
        for frame in pattern.frames
    )
    return text, frames


def with_several_items(pattern: Pattern, rng: Rng) -> Pattern:
    """"add {item} to the list" -> "add {item}, {item2} and {item3} to the list"; others as they are."""
    if pattern.text.count("{item}") != 1 or "{item2}" in pattern.text or "item" in pattern.kinds:
        return pattern
    items = ["{item}", *(f"{{item{n}}}" for n in range(2, rng.choice((2, 2, 3, 3, 4)) + 1))]
    joint = rng.choice((" and ", " and ", ", and ", ", ", " ", " plus ", " and also "))
    listed = rng.choice((", ", ", ", " ", " and ")).join(items[:-1]) + joint + items[-1]
    more = tuple(("item", item) for item in items[1:])
    frames = tuple(
        Frame(frame.intent, (*frame.slots, *more)) if ("item", "{item}") in frame.slots else frame for frame in pattern.frames
    )
    return replace(pattern, text=pattern.text.replace("{item}", listed), frames=frames)


def _value(pattern: Pattern, sort: str, number: str, kind: str | None, rng: Rng, taken: set[str]) -> str:
    proposed = pattern.kinds.get(sort + number) or pattern.kinds.get(sort)
    if proposed and (rng.random() < 0.5 or sort not in ("name", "area", "item", "message", "at", "in", "date")):
        return rng.choice(proposed)
    if kind is None and sort == "name":
        kind = _kind_of_name(pattern, sort + number)
    if sort == "temperature" and any(frame.intent == "HassLightSet" for frame in pattern.frames):
        sort = "kelvin"
    sort = _SLOT_SORTS.get(sort, sort)
    for _ in range(8):
        value = sort_value(sort, kind, rng)
        if value not in taken:
            return value
    return value


def _kind_of_name(pattern: Pattern, placeholder: str) -> str:
    """Which kind of thing a voices' `{name}` is: told by the intent and domain beside it."""
    for frame in pattern.frames:
        slots = dict(frame.slots)
        if f"{{{placeholder}}}" not in slots.values():
            continue
        if "Timer" in frame.intent:
            return "timer"
        intent = slots.get("intent", frame.intent)
        domain = slots.get("device_class") or slots.get("domain")
        if slots.get("domain") == "cover" and slots.get("device_class"):
            return {"shade": "blind", "garage": "garage", "damper": "valve"}.get(domain or "", domain or "blind")
        if "domain" in slots:
            return _DOMAIN_KINDS.get(slots["domain"], slots["domain"])
        return _NAME_KINDS.get(intent, "device")
    return "device"


def sort_value(sort: str, kind: str | None, rng: Rng) -> str:
    """A value of a sort as said ("forty percent", "half past six"). Raises: DoesNotFit: no words for it."""
    if sort == "name":
        return device_name(kind or "device", rng)
    if sort == "area":
        return area(rng)
    if sort == "media":
        return rng.choice(words_of(f"media_{kind or rng.choice(_MEDIA)}"))
    maker = _MAKERS.get(sort)
    if maker is not None:
        return maker(rng)
    return rng.choice(words_of(sort))


def _either(number: int, rng: Rng, digits: float = 0.5) -> str:
    return str(number) if rng.random() < digits else spoken(number)


def _percent(rng: Rng) -> str:
    if rng.random() < 0.12:
        return rng.choice(("half", "full", "max", "maximum", "a quarter", "a third", "three quarters", "minimum", "half way"))
    number = rng.choice((rng.randint(0, 100), 5 * rng.randint(0, 20), 10 * rng.randint(0, 10)))
    return _either(number, rng) + rng.choice(("", "", "%", " percent", " per cent"))


def _level(rng: Rng) -> str:
    return _either(rng.choice((rng.randint(0, 100), 5 * rng.randint(0, 20), rng.randint(1, 10))), rng) + rng.choice(
        ("", "", "", "%", " percent")
    )


def _temp(rng: Rng) -> str:
    number = rng.choice((rng.randint(15, 25), rng.randint(10, 30), rng.randint(60, 80)))
    if number < 32 and rng.random() < 0.12:
        return rng.choice((f"{number}.5", f"{spoken(number)} point five", f"{spoken(number)} and a half"))
    return _either(number, rng) + rng.choice(("", "", "", " degrees", "°"))


def _minutes(rng: Rng) -> str:
    if rng.random() < 0.05:
        return rng.choice(("a couple of", "two and a half", "one and a half", "a few"))
    return _either(rng.choice((rng.randint(1, 12), 5 * rng.randint(1, 12), rng.randint(1, 90))), rng)


def _clock(rng: Rng) -> str:
    hour, minute = rng.randint(1, 12), rng.choice((0, 0, 0, 15, 30, 30, 45, 5 * rng.randint(1, 11), rng.randint(1, 59)))
    half = rng.choice(("", "", "am", "pm", " am", " pm", " a.m.", " in the morning", " in the evening", " tonight"))
    spoken_hour = spoken(hour)
    forms = [f"{hour}:{minute:02d}{half}", f"{hour}.{minute:02d}{half}"]
    if minute == 0:
        forms = [f"{hour}{half}", f"{spoken_hour}{half if half.startswith(' ') else ''}", f"{hour} o'clock",
                 f"{spoken_hour} o'clock", f"{spoken_hour} sharp", "noon", "midnight", "midday"]  # fmt: skip
    elif minute == 30:
        forms += [f"half past {spoken_hour}", f"half {spoken_hour}", f"{spoken_hour} thirty{half}"]
    elif minute == 15:
        forms += [f"quarter past {spoken_hour}", f"a quarter past {spoken_hour}", f"{spoken_hour} fifteen"]
    elif minute == 45:
        forms += [f"quarter to {spoken(hour % 12 + 1)}", f"{spoken_hour} forty five{half}"]
    elif minute < 10:
        forms.append(f"{spoken_hour} oh {spoken(minute)}")
    else:
        forms += [f"{spoken_hour} {spoken(minute)}{half}", f"{rng.randint(13, 23)}:{minute:02d}"]
    return rng.choice(forms)


def _at(rng: Rng) -> str:
    if rng.random() < 0.12:
        return rng.choice(("sunset", "sunrise", "bedtime", "dinner time", "lunchtime", "breakfast", "dusk", "dawn"))
    return _clock(rng)


def _length(rng: Rng) -> str:
    if rng.random() < 0.15:
        return _compound(rng)
    number = rng.choice((rng.randint(2, 12), 5 * rng.randint(1, 12)))
    unit = rng.choice(("minutes", "minutes", "mins", "hours", "seconds", "min"))
    return rng.choice(
        (f"{_either(number, rng)} {unit}", f"{_either(number, rng)} {unit}", f"{number}{unit}", "half an hour", "an hour",
         "an hour and a half", "a minute", "a quarter of an hour", "a couple of hours", "twenty minutes", "a few minutes")
    )  # fmt: skip


def _compound(rng: Rng) -> str:
    """"1 hour 5 minutes", "two and a half hours", "5 minutes and 30 seconds"."""
    large, small = rng.choice((("hour", "minute"), ("minute", "second"), ("hour", "second")))
    first, second = rng.randint(1, 9), rng.choice((rng.randint(1, 59), 5 * rng.randint(1, 11)))
    joint, plural = rng.choice((" ", " and ", ", ")), "" if first == 1 else "s"
    if rng.random() < 0.3:
        return f"{_either(first, rng)} and a half {large}s"
    return f"{_either(first, rng)} {large}{plural}{joint}{_either(second, rng)} {small}s"


def _date(rng: Rng) -> str:
    day, month = rng.randint(1, 31), rng.choice(_MONTHS)
    ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    weekday = rng.choice(_DAYS)
    return rng.choice(
        ("today", "tomorrow", "tomorrow", "tonight", "this evening", "tomorrow morning", "next week", "this weekend",
         weekday, f"on {weekday}".removeprefix("on "), f"next {weekday}", f"this {weekday}", f"{weekday} evening",
         f"{weekday} morning", f"{month} {ordinal}", f"the {ordinal} of {month}", f"the {ordinal}", f"{day} {month}",
         "the day after tomorrow", "in the morning".removeprefix("in "), "christmas day", "new year's eve")
    )  # fmt: skip


def _day(rng: Rng) -> str:
    return rng.choice(("every day", "every morning", "every weekday", "weekdays", "every weekend", "every night",
                       f"every {rng.choice(_DAYS)}", f"{rng.choice(_DAYS)}s", "daily", "every other day"))  # fmt: skip


def _kelvin(rng: Rng) -> str:
    if rng.random() < 0.4:
        return rng.choice(words_of("white"))
    return _either(100 * rng.randint(20, 65), rng, 0.75) + rng.choice(("", "", "k", " kelvin"))


_MAKERS: dict[str, Callable[[Rng], str]] = {
    "brightness": _percent, "percentage": _percent, "position": _percent, "volume": _level, "temp": _temp,
    "humidity": lambda rng: _either(rng.randint(30, 70), rng) + rng.choice(("", "%", " percent")),
    "minutes": _minutes, "hours": lambda rng: _either(rng.randint(1, 12), rng),
    "seconds": lambda rng: _either(rng.choice((rng.randint(1, 59), 5 * rng.randint(1, 12))), rng),
    "number": lambda rng: _either(rng.choice((rng.randint(1, 10), 5 * rng.randint(1, 10))), rng),
    "kelvin": _kelvin, "at": _at, "in": _length, "date": _date, "day": _day,
    "code": lambda rng: rng.choice((f"{rng.randint(0, 9999):04d}", " ".join(spoken(rng.randint(0, 9)) for _ in range(4)))),
    "timer": lambda rng: device_name("timer", rng),
}  # fmt: skip
