"""Short true sentences from what became of each device: "Turned off 3 lights; the hall lamp didn't answer." """

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .home.model import Entity
from .slots import spoken_list
from .words import is_plural

LISTED_AT_MOST: Final = 3  # names up to here, counts above

# What people call a kind, by device class where that says more than the domain: (one, several).
KINDS: Final[dict[str, tuple[str, str]]] = {
    "light": ("light", "lights"),
    "switch": ("switch", "switches"),
    "fan": ("fan", "fans"),
    "cover": ("cover", "covers"),
    "cover.awning": ("awning", "awnings"),
    "cover.blind": ("blind", "blinds"),
    "cover.curtain": ("curtain", "curtains"),
    "cover.damper": ("damper", "dampers"),
    "cover.door": ("door", "doors"),
    "cover.garage": ("garage door", "garage doors"),
    "cover.gate": ("gate", "gates"),
    "cover.shade": ("shade", "shades"),
    "cover.shutter": ("shutter", "shutters"),
    "cover.window": ("window", "windows"),
    "valve": ("valve", "valves"),
    "lock": ("lock", "locks"),
    "climate": ("thermostat", "thermostats"),
    "water_heater": ("water heater", "water heaters"),
    "humidifier": ("humidifier", "humidifiers"),
    "humidifier.dehumidifier": ("dehumidifier", "dehumidifiers"),
    "vacuum": ("vacuum", "vacuums"),
    "lawn_mower": ("mower", "mowers"),
    "media_player": ("player", "players"),
    "media_player.tv": ("TV", "TVs"),
    "media_player.speaker": ("speaker", "speakers"),
    "siren": ("siren", "sirens"),
    "button": ("button", "buttons"),
    "scene": ("scene", "scenes"),
    "script": ("script", "scripts"),
    "switch.outlet": ("outlet", "outlets"),
    "alarm_control_panel": ("alarm", "alarms"),
}
DEVICES: Final = ("device", "devices")
BARE: Final = frozenset(word.casefold() for pair in KINDS.values() for word in pair) | {"lamp", "lamps", "ceiling", "main"}
PERSONAL: Final = frozenset({"vacuum", "lawn_mower", "media_player"})  # these have names: "Started Rosie."
UNARTICLED: Final = frozenset({"scene", "script", "button"})  # named by what they do: "Pressed restart router."
DETERMINERS: Final = frozenset({"the", "my", "our", "all", "every", "both"})


@dataclass(frozen=True)
class Noun:
    """What stands in a sentence for one device or several: "the hall lamp", "the kitchen lights", "3 lights"."""

    text: str
    plural: bool = False
    subject: str | None = None          # where it is another word there: "them", "they"

    @property
    def again(self) -> Noun:
        """Said a second time: "it", "them"."""
        return Noun("them", plural=True, subject="they") if self.plural else Noun("it")

    def be(self, *, past: bool) -> str:
        if past:
            return "were" if self.plural else "was"
        return "are" if self.plural else "is"


@dataclass(frozen=True)
class Phrase:
    """How one deed is told. `{}` is where the devices stand; all of it starts small."""

    done: str               # "turned off {}"
    tell: str               # "turn off": "Told the fan to turn off", when nothing comes back from it
    was: str                # "off": "The fan was already off"
    cannot: str             # "be turned off": "The fan can't be turned off"
    going: str = ""         # "opening {}", while it is on its way; empty: told as done
    shows: bool = True      # False: no state could tell (a button, a scene): sending it is the deed


@dataclass(frozen=True)
class Told:
    """One device, the deed meant, and what became of it."""

    entity: Entity
    phrase: Phrase
    status: str             # as `Outcome.status`, or "refused": it wants a code
    moving: bool = False    # on its way, not there yet


def report(told: Sequence[Told], *, whole: Noun | None = None) -> str:
    """Say what became of the devices, in one sentence.

    Args:
        told: one for each device and deed; not empty.
        whole: what all of them together were called ("the kitchen lights"); None: they are named or counted.
    """
    groups = _groups(_on_their_way(told if whole is None else _as_one(told)))
    counted = len({item.entity.entity_id for item in told}) > LISTED_AT_MOST
    clauses: list[str] = []
    last: Noun | None = None
    for group in groups:
        noun = whole if whole is not None and len(groups) == 1 else _noun(group, counted=counted, first=not clauses)
        clauses.append(_clause(group[0], noun.again if noun == last else noun))
        last = noun
    return sentence("; ".join(clauses) + ".")


def noun_of(entity: Entity) -> Noun:
    """A device as people name it in a sentence: "the hall lamp", "Anna's lamp", "Rosie"."""
    name = plain(entity.name)
    if entity.domain in UNARTICLED:
        return Noun(name)
    words = entity.name.split()
    plural = is_plural(words[-1].casefold()) if words else False
    if len(words) == 1 and entity.domain in PERSONAL and name.casefold() not in BARE:
        return Noun(entity.name, plural)
    if entity.area and name.casefold() in BARE and entity.area.casefold() not in name.casefold():
        name = f"{plain(entity.area)} {name}"
    return Noun(_with_article(name), plural)


def kind_of(entities: Iterable[Entity]) -> tuple[str, str]:
    """What devices are together called, (one, several): ("blind", "blinds"), ("device", "devices")."""
    exact, domains = set(), set()
    for entity in entities:
        domains.add(KINDS.get(entity.domain, DEVICES))
        exact.add(KINDS.get(f"{entity.domain}.{entity.device_class}", KINDS.get(entity.domain, DEVICES)))
    kinds = exact if len(exact) == 1 else domains
    return kinds.pop() if len(kinds) == 1 else DEVICES


def kind_in(place: str | None, kind: tuple[str, str]) -> Noun:
    """A kind as a whole, of a room or floor or of the house: "the kitchen lights", "all the lights"."""
    if place is None:
        return Noun(f"all the {kind[1]}", plural=True)
    return Noun(_with_article(f"{plain(place)} {kind[1]}"), plural=True)


def everything_in(place: str | None) -> Noun:
    return Noun("everything" if place is None else f"everything in {_with_article(plain(place))}")


def listed(nouns: Sequence[Noun]) -> Noun:
    """Several devices by name: "the hall lamp, the fan and Rosie"."""
    texts = list(dict.fromkeys(noun.text for noun in nouns))
    return nouns[0] if len(texts) == 1 else Noun(spoken_list(texts), plural=True)


def plain(name: str) -> str:
    """A name as it stands inside a sentence: "Kitchen Light" -> "kitchen light"; "LED", "Anna's" stay."""
    return " ".join(_plain_word(word) for word in name.split())


def sentence(text: str) -> str:
    """With a capital at its start."""
    return text[:1].upper() + text[1:]


def _plain_word(word: str) -> str:
    ordinary = len(word) > 1 and word[0].isupper() and word[1:].islower() and not {"'", "’"} & set(word)
    return word.lower() if ordinary else word


def _with_article(name: str) -> str:
    first = name.split()[0] if name.split() else ""
    owned = first.endswith(("'s", "’s", "s'", "s’"))
    return name if owned or first.casefold() in DETERMINERS else f"the {name}"


def _on_their_way(told: Sequence[Told]) -> list[Told]:
    """Of those told to do one thing, none is told as done while one is on its way: "Closing the curtains"."""
    going = {item.phrase for item in told if item.moving and item.status == "confirmed"}
    return [
        replace(item, moving=item.moving or (item.status == "confirmed" and item.phrase in going)) for item in told
    ]


def _as_one(told: Sequence[Told]) -> Sequence[Told]:
    """A room's lights that are off now were turned off, though one of them was off before."""
    statuses = {item.status for item in told}
    if statuses != {"confirmed", "already"}:
        return told
    return [replace(item, status="confirmed") for item in told]


ORDER: Final = ("confirmed", "sent", "already", "silent", "offline", "refused", "unsupported")
TROUBLE: Final = frozenset({"silent", "offline", "refused", "unsupported"})
WITHOUT_DEED: Final = frozenset({"silent", "offline"})  # the same sentence, whatever was meant


def _groups(told: Sequence[Told]) -> list[list[Told]]:
    groups: dict[tuple[str, bool, Phrase | None], list[Told]] = {}
    for item in told:
        if item.status in ("sent", "already") and not item.phrase.shows:
            item = replace(item, status="confirmed")
        moving = item.moving and bool(item.phrase.going)
        key = (item.status, moving, None if item.status in WITHOUT_DEED else item.phrase)
        group = groups.setdefault(key, [])
        if all(item.entity.entity_id != other.entity.entity_id for other in group):
            group.append(item)
    return sorted(groups.values(), key=lambda group: ORDER.index(group[0].status))


def _noun(group: Sequence[Told], *, counted: bool, first: bool) -> Noun:
    """Names up to three; where there are more devices in all, several of one fate are counted, trouble by name."""
    entities = [item.entity for item in group]
    few = len(entities) <= LISTED_AT_MOST
    if len(entities) == 1 or (few and (not counted or group[0].status in TROUBLE)):
        return listed([noun_of(entity) for entity in entities])
    count = f"{len(entities)}"
    return Noun(f"{count} {kind_of(entities)[1]}" if first else count, plural=True)


def _clause(item: Told, noun: Noun) -> str:
    phrase, subject = item.phrase, noun.subject or noun.text
    if item.moving and phrase.going and item.status in ("confirmed", "already"):
        return ("already " if item.status == "already" else "") + phrase.going.replace("{}", noun.text, 1)
    if item.status == "confirmed":
        return phrase.done.replace("{}", noun.text, 1)
    if item.status == "sent":
        return f"told {noun.text} to {phrase.tell}"
    if item.status == "already":
        return f"{subject} {noun.be(past=True)} already {phrase.was}"
    if item.status == "silent":
        return f"{subject} didn't answer"
    if item.status == "offline":
        return f"{subject} {noun.be(past=False)} offline"
    if item.status == "refused":
        return f"{subject} {'want' if noun.plural else 'wants'} {phrase.cannot}"
    return f"{subject.removeprefix('all ') if noun.plural else subject} can't {phrase.cannot}"
