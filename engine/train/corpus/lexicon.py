"""Values for placeholders: the word lists in `lexicons/`, and names composed from them.

Names must be open-ended, or the model learns a list instead of copying: so most are composed of room, owner, adjective,
number and random words, and some are of invented syllables.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

from . import DoesNotFit, numbers

HERE = Path(__file__).parent
_DEVICE_KINDS = ("light", "light", "light", "switch", "plug", "appliance", "appliance", "fan", "media_player", "climate")
# Nouns that turn an odd word into a device of the kind ("walrus lamp").
_NOUNS: dict[str, tuple[str, ...]] = {
    "light": ("lamp", "light", "lights", "spot", "strip", "lantern", "bulb"),
    "switch": ("switch", "relay", "socket"), "plug": ("plug", "socket", "outlet"),
    "appliance": ("machine", "maker", "heater", "cooker", "pump"), "fan": ("fan", "ventilator", "extractor"),
    "cover": ("blind", "shade", "cover"), "blind": ("blind", "blinds", "shade"), "curtain": ("curtain", "curtains", "drapes"),
    "shutter": ("shutter", "shutters"), "awning": ("awning",), "door": ("door",), "garage": ("garage door", "garage"),
    "gate": ("gate",), "window": ("window",), "valve": ("valve", "tap", "sprinkler"), "lock": ("door", "lock", "gate lock"),
    "climate": ("thermostat", "radiator", "heating", "ac"), "water_heater": ("boiler", "water heater", "immersion"),
    "humidifier": ("humidifier", "dehumidifier"), "vacuum": ("vacuum", "hoover", "robot"),
    "lawn_mower": ("mower", "lawnmower"), "media_player": ("speaker", "tv", "telly", "radio", "soundbar"),
    "siren": ("siren", "alarm"), "button": ("button",), "scene": ("scene", "mode", "mood"), "script": ("routine", "script"),
    "sensor": ("sensor", "meter"), "binary_sensor": ("sensor", "detector"),
}  # fmt: skip
_ONSETS = ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "dr", "fl", "gr", "kl",
           "pl", "sh", "st", "tr", "ch")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "oo", "ou")
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "x", "nd", "ck", "rt"]


@cache
def words_of(sort: str) -> tuple[str, ...]:
    """The lines of `lexicons/<sort>.txt`. Raises: DoesNotFit: there is no such list."""
    try:
        lines = (HERE / "lexicons" / f"{sort}.txt").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DoesNotFit(f"no words of the sort {sort}") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def device_name(kind: str, rng: random.Random) -> str:
    """A name a household might give to a device of this kind."""
    kind = rng.choice(kind.split("|"))
    if kind == "device":
        kind = rng.choice(_DEVICE_KINDS)
    base = rng.choice(words_of(f"name_{kind}"))
    if kind in ("person", "list", "number", "select", "alarm_panel", "timer"):
        return base.removesuffix(" timer")  # the pattern says "timer" itself
    nouns = _NOUNS.get(kind, (base,))
    makers: list[tuple[float, Callable[[], str]]] = [
        (0.46, lambda: base),
        (0.13, lambda: _once(area(rng), base if rng.random() < 0.5 else rng.choice(nouns))),
        (0.08, lambda: _once(rng.choice(words_of("adjective")), base)),
        (0.09, lambda: _once(rng.choice(words_of("owner")), base)),
        (0.05, lambda: f"{base} {_label(rng)}"),
        (0.11, lambda: f"{_odd_words(rng)} {rng.choice(nouns)}"),
        (0.05, lambda: _odd_words(rng)),
        (0.03, lambda: invented(rng)),
    ]
    return _pick(makers, rng)


def area(rng: random.Random) -> str:
    """A room's name."""
    base = rng.choice(words_of("area"))
    return _pick(
        [
            (0.74, lambda: base),
            (0.09, lambda: _once(rng.choice(words_of("owner")), base)),
            (0.06, lambda: _once(rng.choice(words_of("adjective")), base)),
            (0.03, lambda: f"{base} {_label(rng)}"),
            (0.05, lambda: f"{rng.choice(words_of('word'))} room"),
            (0.03, lambda: invented(rng)),
        ],
        rng,
    )


def invented(rng: random.Random) -> str:
    """A word nobody has heard before."""
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.randint(1, 3))
    )


def _odd_words(rng: random.Random) -> str:
    return " ".join(rng.choice(words_of("word")) for _ in range(rng.choice((1, 1, 2))))


def _label(rng: random.Random) -> str:
    number = rng.randint(1, 12)
    return rng.choice((str(number), numbers.spoken(number), rng.choice("abcd"), rng.choice(("left", "right"))))


def _once(first: str, rest: str) -> str:
    """Joined, a word at the seam not said twice ("left" + "left lamp")."""
    return rest if rest.split()[0] == first.split()[-1] else f"{first} {rest}"


def _pick(makers: list[tuple[float, Callable[[], str]]], rng: random.Random) -> str:
    weights, choices = zip(*makers, strict=True)
    return str(rng.choices(choices, weights)[0]())
