"""Slots in this home's own words: what only the home can settle about what was said.

"bedroom lamp" may be a device of that name or the lamps of the bedroom; a model that never sees the home cannot know. Here
the reading that this home bears out is taken, and names, areas and floors get their own spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..schema import load_schema
from ..words import (
    ALL,
    EVERYWHERE,
    FILLERS,
    HERE,
    IT,
    OTHER,
    QUANTITY_ALL,
    THEM,
    THERE,
    Kind,
    content,
    fold,
    is_plural,
    kinds_of,
    said_as,
    singular,
    stems,
)
from .kinds import fits_kind
from .model import Entity, Home
from .names import Match, Names, names_of
from .said import Context

CLEAR = 0.72  # a name this like one of the home's, and no other nearly so, is that one
# Intents whose `name` is no device: a list, a timer, a person, a town.
_OTHER_NAMES = (
    "HassList",
    "HassShoppingList",
    "List",
    "SetReminder",
    "CancelReminder",
    "SetAlarm",
    "CancelAlarm",
    "AlarmStatus",
    "HassGetWeather",
    "HassBroadcast",
    "Confirm",
)
# What an intent acts on, where it is one kind of thing.
_ACTS_ON: dict[str, frozenset[str]] = {
    "HassLightSet": frozenset({"light"}),
    "HassFan": frozenset({"fan"}),
    "HassClimate": frozenset({"climate", "water_heater"}),
    "HassHumidifier": frozenset({"humidifier"}),
    "HassVacuum": frozenset({"vacuum"}),
    "Vacuum": frozenset({"vacuum"}),
    "HassLawnMower": frozenset({"lawn_mower"}),
    "HassMedia": frozenset({"media_player"}),
    "HassSetVolume": frozenset({"media_player"}),
    "HassSetPosition": frozenset({"cover", "valve"}),
}
_SENSORS = frozenset({"sensor", "binary_sensor"})
_VERBS = frozenset({"switch", "lock", "shade", "cover", "power", "heat", "cool", "shutter", "vent"})  # said for a deed
_SWITCHED = frozenset({"fan", "climate", "media_player", "water_heater", "humidifier", "switch"})
# Words that begin another part of a sentence, which its places may belong to.
_OTHER_CLAUSE = frozenset({"and", "then", "but", "plus", "also", "when", "while", "before", "after", "because", "if", "except",
                           "apart", "besides", "not", "dont", "other", "than", "without", "save", "bar", "only"})  # fmt: skip
_BROAD = frozenset({"light", "lighting"})  # said of a room's lights together, unlike "lamp"
_LOOSE_WORDS = frozenset({"lamp", "bulb", "spotlight", "chandelier", "telly", "tv"})


def ground(
    home: Home, intent: str, slots: Mapping[str, Any], context: Context, text: str | None = None
) -> dict[str, Any]:
    """`slots` with the readings this home bears out and its own spelling; what it does not know stays as said.

    Args:
        slots: as `slots.normalise` returns them.
        text: the whole sentence; tells "kitchen light" from "lights in the kitchen".
    """
    return _Grounding(names_of(home), intent, dict(slots), context, _sentence(text or "")).run()


def is_called(home: Home, name: object) -> bool:
    """Whether a thing of this home is called exactly that."""
    return bool(called(home, name))


def called(home: Home, name: object) -> list[Entity]:
    """The things of this home that are called exactly that."""
    if not isinstance(name, str):
        return []
    matches = names_of(home).exact(fold(name), lambda entity: entity.exposed)
    return [home.entities[match.entity_id] for match in matches if match.exact]


class _Grounding:
    def __init__(
        self, names: Names, intent: str, slots: dict[str, Any], context: Context, sentence: tuple[str, ...]
    ) -> None:
        self.names, self.intent, self.slots, self.context, self.sentence = names, intent, slots, context, sentence
        self.acts_on = next((domains for head, domains in _ACTS_ON.items() if intent.startswith(head)), None)
        self.known = load_schema()["intents"].get(intent, {"slots": ()})["slots"]

    def run(self) -> dict[str, Any]:
        for slot in ("area", "floor"):
            self._spell_place(slot)
        for slot in ("except_area",):
            if slot in self.slots:
                self.slots[slot] = [self._spelled_place(text) for text in _many(self.slots[slot])]
        if "Timer" in self.intent:
            self._timer_of_room()
        if not self._names_no_device():
            self._lock_it()
            self._place_unwritten()
            self._settle_name()
            self._name_of_kind_in_area()
            self._name_said()
            self._not_a_light()
            self._domain_of_class()
            self._lights_of_place()
            if "except_name" in self.slots:
                self.slots["except_name"] = [self._spelled_name(text) for text in _many(self.slots["except_name"])]
            self._drop_wrong_domain()
        return self.slots

    def _names_no_device(self) -> bool:
        return self.intent.startswith(_OTHER_NAMES) or "Timer" in self.intent

    def _timer_of_room(self) -> None:
        """ "the kitchen timer" is the one that was set in the kitchen, not one called so."""
        name = self.slots.get("name")
        if isinstance(name, str) and "area" in self.known and "area" not in self.slots:
            rooms = [place for place in self.names.places(name) if place.score == 1 and not place.is_floor]
            if len(rooms) == 1:
                del self.slots["name"]
                self.slots["area"] = rooms[0].name

    # ------------------------------------------------------------ places

    def _spell_place(self, slot: str) -> None:
        """An area's or floor's own spelling, in the slot where it belongs."""
        text = self.slots.get(slot)
        if not isinstance(text, str) or said_as(text, HERE | THERE):
            return
        if said_as(text, EVERYWHERE):
            del self.slots[slot]
            return
        text = self.slots[slot] = self._longer_place(text)
        matches = self.names.places(text, floors_first=slot == "floor")
        if not matches:
            self._not_a_place(slot, self.names.repaired(fold(text)))
        if len(matches) != 1:
            return
        del self.slots[slot]
        self.slots.setdefault("floor" if matches[0].is_floor else "area", matches[0].name)

    def _longer_place(self, text: str) -> str:
        """The whole name of a place where only a part of it was written: "meeting room", said as "meeting room two"."""
        words = fold(text)
        for start in range(len(self.sentence) - len(words) + 1):
            end = start + len(words)
            if not words or self.sentence[start:end] != words:
                continue
            for before, after in ((0, 2), (0, 1), (2, 0), (1, 0)):
                run = self.sentence[max(0, start - before) : end + after]
                if len(run) == before + len(words) + after and self._is_place(run):
                    return " ".join(run)
        return text

    def _not_a_place(self, slot: str, words: tuple[str, ...]) -> None:
        """An area span that is a device's name ("the tv"), or a place and a kind ("kitchen lights")."""
        exact = self.names.exact(words, self._of_kind_said) if "name" in self.known and "name" not in self.slots else []
        if exact and (exact[0].exact or not is_plural(words[-1])):
            del self.slots[slot]
            self._take(exact[0], words)
            return
        for place, rest in self.names.split_place(words):
            if kinds_of(content(rest)):
                del self.slots[slot]
                self.slots.setdefault("floor" if place.is_floor else "area", place.name)
                for other, value in self._allowed(self._kind_slots(content(rest))).items():
                    self.slots.setdefault(other, value)
                return

    def _spelled_place(self, text: str) -> str:
        matches = self.names.places(text)
        return matches[0].name if len(matches) == 1 else text

    # ------------------------------------------------------------ a name: a device, or a place and a kind

    def _settle_name(self) -> None:
        text = self.slots.get("name")
        tells_all = bool(set(self.sentence) & QUANTITY_ALL)
        if isinstance(text, str) and said_as(text, ALL) and "domain" in self.slots and tells_all:
            del self.slots["name"]  # "all the lights": the sentence tells that all are meant
        if not isinstance(text, str) or said_as(text, ALL | IT | THEM | OTHER | HERE | THERE):
            return
        words = self.names.repaired(fold(text))
        exact = self._best(self.names.exact(words, self._fits), words)
        group = self._as_group(words)
        if exact is not None and not (group and exact.stems_only and is_plural(words[-1])):
            self._take(exact, words)
        elif group is not None:
            del self.slots["name"]
            for slot, value in group.items():
                self.slots.setdefault(slot, value)
        else:
            self.slots["name"] = self._only_of_kind(words) or self._spelled_name(text)

    def _only_of_kind(self, words: tuple[str, ...]) -> str | None:
        """"the telly", where there is one: its name."""
        if not kinds_of(content(words)) or is_plural(words[-1]):
            return None
        found = [entity for entity in self.names.entities.values() if self._near(entity) and fits_kind(words, entity)]
        return found[0].name if len(found) == 1 and found[0].category is None else None

    def _best(self, matches: list[Match], words: tuple[str, ...]) -> Match | None:
        """The one match, preferring those in the room said; of several with one name any will do: the name is the same."""
        area = self.slots.get("area")
        here = [match for match in matches if area and self.names.entities[match.entity_id].area == area]
        return next(iter(here or matches), None)

    def _fits(self, entity: Entity) -> bool:
        return entity.exposed

    def _take(self, match: Match, words: tuple[str, ...]) -> None:
        """Make the match the name; its room stays beside it where the room was part of what was said."""
        entity = self.names.entities[match.entity_id]
        self.slots["name"] = self._own_spelling(match, words)
        if match.beside_area and entity.area and "area" in self.known:
            self.slots["area"] = entity.area

    def _own_spelling(self, match: Match, words: tuple[str, ...]) -> str:
        """The name or alias that was said, as the home writes it: an alias stays the alias."""
        entity = self.names.entities[match.entity_id]
        said = "".join(stems(content(words)))
        own = (text for text in (entity.name, *entity.aliases) if "".join(stems(content(fold(text)))) == said)
        return next(own, entity.name)

    def _spelled_name(self, text: str) -> str:
        """The name in its own spelling where it is clear which device is meant, else as said."""
        words = self.names.repaired(fold(text))
        exact = self.names.exact(words, self._fits)
        if exact:
            return self._own_spelling(exact[0], words)
        matches = [match for match in self.names.search(words, self._near) if match.score >= CLEAR]
        best = {match.entity_id for match in matches if match.score > matches[0].score - 0.06}
        if len({fold(self.names.entities[entity_id].name) for entity_id in best}) != 1:
            return text
        name = self.names.entities[matches[0].entity_id].name
        bearers = {match.entity_id for match in self.names.exact(fold(name), self._near)}
        return name if bearers <= best else text  # "Emma's lamp" must not become any "Lamp"

    def _near(self, entity: Entity) -> bool:
        """Fits the place and kind said, as far as they were said."""
        area, domain = self.slots.get("area"), self.slots.get("domain")
        return entity.exposed and area in (None, entity.area) and domain in (None, entity.domain)

    def _as_group(self, words: tuple[str, ...]) -> dict[str, Any] | None:
        """The slots of a name that is a place and a kind, or a kind in general; None when it is not."""
        kind_said = content(words)
        if kinds_of(kind_said):
            return self._kind_alone(kind_said, words)
        for place, rest in self.names.split_place(words):
            left = tuple(word for word in rest if word not in QUANTITY_ALL and content((word, "x")) != ("x",))
            slot = "floor" if place.is_floor else "area"
            if not left and self.slots.get(slot, place.name) == place.name:
                return self._allowed({slot: place.name, **self._implied_kind()})
            if left and kinds_of(left) and not self._keeps_word(place.name, left):
                return self._allowed({slot: place.name, **self._kind_slots(left)})
        near = self.names.split_near_place(words)
        if near is None or len(near[0]) > 1 or not self._says_kind(near[1]):
            return None  # "the back door" is a door of its own, not one of a room that is like "back"
        (place,), rest = near
        return self._allowed({"floor" if place.is_floor else "area": place.name, **self._kind_slots(content(rest))})

    def _keeps_word(self, area: str, left: tuple[str, ...]) -> bool:
        """ "the bedroom lamp" is one thing where something of the bedroom is called a lamp: the name stays as said."""
        word = left[-1]
        if is_plural(word) or word in _BROAD or set(left) & QUANTITY_ALL:
            return False
        found = [entity for entity in self.names.entities.values() if entity.area == area and fits_kind(left, entity)]
        return len({word in stems(fold(entity.name)) for entity in found}) == 2

    def _kind_alone(self, kind_said: tuple[str, ...], words: tuple[str, ...]) -> dict[str, Any] | None:
        """ "the lights"; but "the lamp" keeps its word, as a lamp is not any light."""
        if len(kind_said) > 1:
            return None
        broad = self._says_kind(kind_said) or bool(set(words) & QUANTITY_ALL)
        return self._allowed(self._kind_slots(kind_said)) if broad else None

    def _says_kind(self, words: Sequence[str]) -> bool:
        """Several of a kind, or lighting as such: "blinds", "the light"; not "the door"."""
        return is_plural(words[-1]) or singular(words[-1]) in _BROAD

    def _allowed(self, slots: dict[str, Any]) -> dict[str, Any]:
        """Those the intent has."""
        return {slot: value for slot, value in slots.items() if slot in self.known}

    def _implied_kind(self) -> dict[str, Any]:
        """ "the kitchen off": its lights."""
        return {"domain": "light"} if self.intent in ("HassTurnOn", "HassTurnOff", "HassToggle") else {}

    def _kind_slots(self, words: tuple[str, ...]) -> dict[str, Any]:
        kind = self._kind_meant(words)
        slots: dict[str, Any] = {"domain": kind.domain}
        if kind.device_classes and kind.domain in ("cover", "binary_sensor", "sensor"):
            slots["device_class"] = kind.device_classes[0]
        return slots

    def _kind_meant(self, words: tuple[str, ...]) -> Kind:
        """The reading of the word that fits the domain said, else one this home has, else the first."""
        kinds = kinds_of(words)
        said = [kind for kind in kinds if kind.domain == self.slots.get("domain")]
        here = [kind for kind in kinds if any(entity.domain == kind.domain for entity in self.names.entities.values())]
        return (said or here or list(kinds))[0]

    # ------------------------------------------------------------ a place and a kind that are a device's name

    def _name_of_kind_in_area(self) -> None:
        """ "bedroom lamp" heard as area and domain, in a home that has a Bedroom Lamp: its name."""
        area = self.slots.get("area")
        if "name" in self.slots or area is None or "name" not in self.known or not self.sentence:
            return
        for start, end in self._runs_of_place(area):
            for kind_end in (end + 2, end + 1):
                run = self.sentence[start:kind_end]
                if self.sentence[kind_end : kind_end + 1] == ("speed",):
                    continue  # "kitchen fan speed" is about the speed of the kitchen's fans
                if len(run) == kind_end - start and self._takes_name(run, self.sentence[end:kind_end]):
                    return
        word = self._loose_word()
        if word is not None:
            self._takes_name((*fold(area), word), (word,))

    # ------------------------------------------------------------ a device's name that was read as its kind

    def _name_said(self) -> None:
        """A device whose own name stands in the sentence is meant, where only its kind or its room was written.

        "close the curtain left": not any curtain. Not where all of a kind are meant, nor in the words of another slot.
        """
        if "name" in self.slots or "name" not in self.known or set(self.sentence) & QUANTITY_ALL:
            return
        taken = self._places_of_other_slots()
        for length in range(min(5, len(self.sentence)), 0, -1):
            for start in range(len(self.sentence) - length + 1):
                places = set(range(start, start + length))
                if not places & taken and self._takes_name_said(start, start + length):
                    return

    def _lock_it(self) -> None:
        """"Lock it" is about a lock, whatever was talked about last: never the television; "lock the shed" is too."""
        name, verb = self.slots.get("name"), content(self.sentence)[:1]
        if self.intent not in ("HassTurnOn", "HassTurnOff") or "domain" in self.slots or not isinstance(name, str):
            return
        if said_as(name, IT | THEM):
            if verb in (("lock",), ("unlock",)) and "and" not in self.sentence:
                self.slots["domain"] = "lock"
        elif self._word_before(fold(name)) in ("lock", "unlock") and self._is_here("lock"):
            self.slots["domain"] = "lock"

    def _word_before(self, words: tuple[str, ...]) -> str | None:
        """The telling word that stands before these in the sentence: "lock" of "lock the shed"."""
        for start in range(len(self.sentence) - len(words) + 1):
            if words and self.sentence[start : start + len(words)] == words:
                before = [word for word in self.sentence[:start] if word not in FILLERS]
                return before[-1] if before else None
        return None

    def _place_unwritten(self) -> None:
        """The one place of this home that a sentence names, where a kind was written and no place: never the whole house.

        Not in sentences of several clauses or with exceptions: it may belong to another part.
        """
        if {"name", "area", "floor"} & self.slots.keys() or "area" not in self.known or not self.slots:
            return
        if set(self.sentence) & _OTHER_CLAUSE:
            return
        taken = self._places_of_other_slots()
        size = len(self.sentence)
        runs = [(start, end) for start in range(size) for end in range(start + 1, min(start + 5, size + 1))]
        found = {
            (place.name, place.is_floor)
            for start, end in runs
            if not set(range(start, end)) & taken and self._may_be_place(self.sentence[start:end])
            for place in self.names.places_called(self.sentence[start:end])
        }
        if len(found) == 1:
            name, is_floor = found.pop()
            self.slots["floor" if is_floor else "area"] = name

    def _may_be_place(self, run: tuple[str, ...]) -> bool:
        """Words that stand for a place by themselves: no article at an end, not "the house", nor a kind of device."""
        at_ends = {run[0], run[-1]} & FILLERS
        return not at_ends and not kinds_of(run) and not said_as(" ".join(run), EVERYWHERE | HERE | THERE)

    def _not_a_light(self) -> None:
        """"Turn on the kitchen fan" written as lights: the one kind that was said is meant, and where it is not here,
        nothing is."""
        if self.slots.get("domain") != "light" or "name" in self.slots or "domain" not in self.known:
            return
        said = {word for word in self._outside_places() if kinds_of((word,)) and word not in _VERBS}
        kinds = [self._kind_slots_of_other((word,)) for word in said]
        if len(kinds) == 1 and kinds[0] is not None:
            self.slots.update(self._allowed(kinds[0]))

    def _kind_slots_of_other(self, words: tuple[str, ...]) -> dict[str, Any] | None:
        """The slots of a kind word that means something switched on and off, and never a light nor a way in."""
        return self._kind_slots(words) if all(kind.domain in _SWITCHED for kind in kinds_of(words)) else None

    def _outside_places(self) -> list[str]:
        """The words of the sentence that are no room's: "the tv room" is not about a tv."""
        taken = {
            index
            for slot in ("area", "floor")
            if slot in self.slots and self.slots[slot] in {**self.names.areas, **self.names.floors}
            for start, end in self._runs_of_place(self.slots[slot])
            for index in range(start, end)
        }
        return [word for index, word in enumerate(self.sentence) if index not in taken]

    def _takes_name_said(self, start: int, end: int) -> bool:
        run = self.sentence[start:end]
        matches = [match for match in self.names.exact(run, self._of_kind_and_place_said) if match.exact]
        if not matches or not content(run) or run != self._trimmed(run) or (len(run) > 1 and run[-1] in FILLERS):
            return False
        if kinds_of(content(run)) and ((is_plural(run[-1]) and len(content(run)) == 1) or len(matches) > 1):
            return False  # "lights" is a kind, though one device is called so; "night lights" are that device
        if self._means_kind(start, end) or self._is_place(run):
            return False
        area = self.slots.get("area")
        for slot in ("domain", "device_class", *(("area",) if area not in self.names.areas else ())):
            self.slots.pop(slot, None)
        self._take(matches[0], run)
        return True

    def _trimmed(self, run: tuple[str, ...]) -> tuple[str, ...]:
        """Without small words at its ends: those do not belong to the name."""
        first = content(run)[:1]
        return run[run.index(first[0]) :] if first and first[0] in run else run

    def _is_place(self, run: tuple[str, ...]) -> bool:
        places = (*self.names.areas.values(), *self.names.floors.values())
        return any(fold(text) == run for texts in places for text in texts)

    def _means_kind(self, start: int, end: int) -> bool:
        """"the desk lamp on and the lights off": beside the name, the kind itself is said in the plural; not "path lights"."""
        if "area" in self.slots or "floor" in self.slots:
            return False
        others = (*self.sentence[:start], "", *self.sentence[end:])
        return any(is_plural(word) and kinds_of((word,)) and before not in self.names.by_stem
                   for before, word in zip(("", *others), others, strict=False))

    def _of_kind_and_place_said(self, entity: Entity) -> bool:
        area, floor = self.slots.get("area"), self.slots.get("floor")
        if area in self.names.areas and entity.area != area:
            return False
        if floor in self.names.floors and self.names.floor_of_area.get(entity.area or "") != floor:
            return False
        wanted = self.slots.get("device_class")
        return self._of_kind_said(entity) and wanted in (None, entity.device_class)

    def _places_of_other_slots(self) -> set[int]:
        """Where in the sentence the words of other slots stand: a song's title is no device."""
        taken: set[int] = set()
        for slot, value in self.slots.items():
            if slot in ("name", "area", "floor", "domain", "device_class", "state"):
                continue
            for text in _many(value):
                words = fold(text)
                for start in range(len(self.sentence) - len(words) + 1):
                    if words and self.sentence[start : start + len(words)] == words:
                        taken.update(range(start, start + len(words)))
        return taken

    def _domain_of_class(self) -> None:
        """"are the windows open": by their sensors, or by the windows that open themselves; whichever this home has."""
        other = {"cover": "binary_sensor", "binary_sensor": "cover"}.get(self.slots.get("domain") or "")
        device_class = self.slots.get("device_class")
        if other is None or device_class is None or "name" in self.slots or self.intent != "HassGetState":
            return
        domains = {entity.domain for entity in self.names.entities.values() if entity.device_class == device_class}
        if self.slots["domain"] in domains or other not in domains:
            return
        self.slots["domain"] = other
        same = {"open": "on", "closed": "off"} if other == "binary_sensor" else {"on": "open", "off": "closed"}
        if "state" in self.slots:
            self.slots["state"] = same.get(self.slots["state"], self.slots["state"])

    def _lights_of_place(self) -> None:
        """"turn on the kitchen": its lights, not its coffee machine; "turn on the kitchen fan": not its lights."""
        if self.intent != "HassTurnOn" or not self.slots or not set(self.slots) <= {"area", "floor"}:
            return
        names = (text for texts in (*self.names.areas.values(), *self.names.floors.values()) for text in texts)
        places = {word for name in names for word in fold(name)}
        said = [kinds_of((word,)) for word in self.sentence if word not in places and kinds_of((word,))]
        self.slots["domain"] = said[0][0].domain if said else "light"

    def _runs_of_place(self, area: str) -> list[tuple[int, int]]:
        """Where the area is said in the sentence."""
        runs = []
        for text in self.names.areas.get(area, (area,)):
            words = stems(fold(text))
            heard = stems(self.sentence)
            runs += [
                (start, start + len(words))
                for start in range(len(heard) - len(words) + 1)
                if heard[start : start + len(words)] == words
            ]
        return runs

    def _loose_word(self) -> str | None:
        """A telling kind word said apart from the room: "the lamp in the bedroom"."""
        words = [word for word in self.sentence if word in _LOOSE_WORDS and not set(self.sentence) & QUANTITY_ALL]
        return words[0] if len(words) == 1 else None

    def _takes_name(self, run: tuple[str, ...], kind_said: tuple[str, ...]) -> bool:
        """Make `run` the name, if it is a device's and the kind is the one said."""
        if not kinds_of(kind_said) and not any(kinds_of((word,)) for word in kind_said):
            return False
        matches = [match for match in self.names.exact(run, self._of_kind_said) if match.exact]
        if not matches:
            return False
        entity = self.names.entities[matches[0].entity_id]
        if matches[0].beside_area and entity.area != self.slots["area"]:
            return False
        for slot in ("area", "domain", "device_class"):
            self.slots.pop(slot, None)
        self._take(matches[0], run)
        return True

    def _of_kind_said(self, entity: Entity) -> bool:
        """Of the domain said; without one, a thing that acts: "living room temperature" asks for a value, not a device."""
        domain = self.slots.get("domain")
        if domain in _SENSORS:
            return entity.exposed and entity.domain in _SENSORS
        if self.acts_on is not None and entity.domain not in self.acts_on:
            return False
        if domain is None and self.slots.get("device_class") is None:
            return entity.exposed and entity.domain not in _SENSORS
        return entity.exposed and (domain in (None, entity.domain) or not self._is_here(domain))

    def _is_here(self, domain: str | None) -> bool:
        """Whether this home has such a thing: a "heater" is a plug where there is no heater but one called so."""
        return any(entity.domain == domain for entity in self.names.entities.values())

    # ------------------------------------------------------------ what does not go together

    def _drop_wrong_domain(self) -> None:
        """A domain or device class that none of the devices so named has."""
        name = self.slots.get("name")
        if not isinstance(name, str):
            return
        named = [self.names.entities[match.entity_id] for match in self.names.exact(fold(name), self._fits)]
        facts: dict[str, Callable[[Entity], str | None]] = {
            "domain": lambda entity: entity.domain,
            "device_class": lambda entity: entity.device_class,
        }
        if named and self.slots.get("device_class") not in {None, *(entity.device_class for entity in named)}:
            self._name_of_class(name)
            return
        for slot, fact in facts.items():
            if named and slot in self.slots and self.slots[slot] not in {fact(entity) for entity in named}:
                del self.slots[slot]

    def _name_of_class(self, name: str) -> None:
        """The "Front Door Battery", where the battery of the "Front Door" was asked for; else the name as it is."""
        device_class = self.slots["device_class"]
        found = self.names.search(fold(name), lambda entity: entity.exposed and entity.device_class == device_class)
        if found and found[0].score >= CLEAR:
            entity = self.names.entities[found[0].entity_id]
            self.slots.update(name=entity.name, domain=entity.domain)
        else:
            del self.slots["device_class"]
            self._drop_wrong_domain()


def _many(value: object) -> list[str]:
    return (
        [value] if isinstance(value, str) else [str(item) for item in value] if isinstance(value, list | tuple) else []
    )


def _sentence(text: str) -> tuple[str, ...]:
    """The words of the sentence, "the thermostat's fan" without its "'s"."""
    words = re.split(r"(?<=['’]s)(?=\s)", text)
    kept = [re.sub(r"['’]s$", "", part) if kinds_of(fold(part)[-1:]) else part for part in words]
    return fold("".join(kept))
