"""What people like, said once and asked for later: "I like the bedroom at 18", then "make the bedroom comfortable".

A preference is a command that was told as a liking (`states_liking`). It is kept under who said it; what nobody known has said is
the household's. Asking for it has sentences of its own (`preferences.yaml`), which count only where there is a
preference to apply.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from .home.model import Home
from .sentences import Sentences, read_sentences
from .slots import as_spoken, spoken_list
from .storage import transaction
from .wording import plain
from .words import fold

APPLY, TELL, FORGET = "UsualApply", "UsualTell", "UsualForget"
INTENTS: Final = frozenset({APPLY, TELL, FORGET})
PREFERABLE: Final[Mapping[str, tuple[str, ...]]] = {        # intent: the slots of which it must have one
    "HassClimateSetTemperature": ("temperature",), "HassLightSet": ("brightness", "color", "temperature", "effect"),
    "HassSetVolume": ("volume_level",), "HassSetPosition": ("position",), "HassFanSetSpeed": ("percentage", "mode"),
    "HassHumidifierSetpoint": ("humidity",), "SetMode": ("mode",),
}  # fmt: skip
MAX_PREFERENCES: Final = 500        # of all people; the oldest goes

# "I'd like", "I want" and "I would like" order; "I like" and "I usually have" tell.
_LIKING: Final = re.compile(
    r"^(?:please )?(?:(?:remember|note|know|keep in mind|don't forget)(?: that)? )?(?:i|we) "
    r"(?:(?:(?:really|always|usually|normally) )?(?:like|love|prefer)|(?:usually|normally|always) (?:have|want))\b")
_UNITS: Final = {
    "temperature": "°", "brightness": "%", "volume_level": "%", "position": "%", "percentage": "%", "humidity": "%",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A command as it is liked. `person`: a name, or "" for the household."""

    person: str
    intent: str
    slots: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Of those with one key, the newest counts."""
        where = "|".join(" ".join(fold(str(self.slots.get(slot) or ""))) for slot in ("name", "area", "floor"))
        return f"{self.intent}|{where}"

    def spoken(self) -> str:
        """"the bedroom at 18°", "the reading lamp warm and at 40%"."""
        name, place = self.slots.get("name"), self.slots.get("area") or self.slots.get("floor")
        kind = _KINDS.get(self.intent, "")
        where = f" {plain(str(name))}" if name else f" {plain(str(place))}{kind}" if place else kind
        what = f"the{where}" if where else "it"
        values = [_value(slot, self.slots[slot], self.intent) for slot in _VALUES if self.slots.get(slot) is not None]
        return f"{what} {spoken_list(values)}"


_VALUES: Final = ("temperature", "brightness", "color", "effect", "volume_level", "position", "percentage", "humidity", "mode")
_KINDS: Final = {
    "HassClimateSetTemperature": "", "HassLightSet": " lights", "HassSetVolume": " volume", "HassSetPosition": " blinds",
    "HassFanSetSpeed": " fan", "HassHumidifierSetpoint": " humidity",
}  # fmt: skip


def _value(slot: str, value: Any, intent: str) -> str:
    if slot == "temperature" and intent == "HassLightSet":
        return f"at {as_spoken(value)} kelvin"
    unit = _UNITS.get(slot)
    return f"at {as_spoken(value)}{unit}" if unit else as_spoken(value)


class PreferenceStore:
    """Preferences on disk (table `preferences` of the skills' database). `turn.services["preferences"]`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def keep(self, preference: Preference) -> None:
        """Remember it in place of what was liked of the same before."""
        with transaction(self._database) as database:
            database.execute("DELETE FROM preferences WHERE person = ? AND key = ?", (preference.person, preference.key))
            database.execute(
                "INSERT INTO preferences (person, key, intent, slots) VALUES (?, ?, ?, ?)",
                (preference.person, preference.key, preference.intent, json.dumps(dict(preference.slots), ensure_ascii=False)))
            database.execute(
                "DELETE FROM preferences WHERE id <= (SELECT max(id) FROM preferences) - ?", (MAX_PREFERENCES,))

    def of(self, person: str) -> list[Preference]:
        """What this person likes, and of what they have said nothing, the household."""
        rows = self._database.execute(
            "SELECT * FROM preferences WHERE person IN (?, '') ORDER BY person = '', id", (person,)).fetchall()
        found: dict[str, Preference] = {}
        for row in rows:
            found.setdefault(row["key"], Preference(person=row["person"], intent=row["intent"], slots=json.loads(row["slots"])))
        return list(found.values())

    def forget(self, preference: Preference) -> None:
        with transaction(self._database) as database:
            database.execute("DELETE FROM preferences WHERE person = ? AND key = ?", (preference.person, preference.key))


def states_liking(text: str) -> bool:
    """Whether the sentence tells what somebody likes, rather than ordering it."""
    return _LIKING.match(" ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))) is not None


def without_liking(text: str) -> str:
    """What is liked, as an order: "remember that I like it at 21 in here" -> "set it at 21 in here"."""
    liked = re.sub(r"^.*?\b(?:like|love|prefer|have|want)\b ", "", " ".join(text.split()), count=1, flags=re.IGNORECASE)
    return f"set {liked}"


def is_preferable(intent: str, slots: Mapping[str, Any]) -> bool:
    return any(slots.get(slot) is not None for slot in PREFERABLE.get(intent, ()))


def fitting(preferences: list[Preference], slots: Mapping[str, Any], home: Home, area: str | None) -> list[Preference]:
    """Those that were asked for: by kind, device or room; without a room, those of the room it was heard in, if there are any."""
    what, name, place = slots.get("what"), slots.get("name"), slots.get("area")
    found = [one for one in preferences if what in (None, one.intent)]
    if name is not None:
        return [one for one in found if one.slots.get("name") == name]
    here = [one for one in found if _area_of(one, home) == (place or area)]
    return here if place is not None else here or found


def _area_of(preference: Preference, home: Home) -> str | None:
    """The room it is about: said, or that of the device."""
    area, name = preference.slots.get("area"), preference.slots.get("name")
    if area is not None or name is None:
        return area
    return next((one.area for one in home.entities.values() if name in (one.name, *one.aliases)), None)


@cache
def sentences() -> Sentences:
    text = files(__package__).joinpath("preferences.yaml").read_text(encoding="utf-8")
    return read_sentences(yaml.safe_load(text), "skills/preferences.yaml")
