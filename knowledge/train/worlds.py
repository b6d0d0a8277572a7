"""Households to learn from: those written out (`household_*.txt`), and any number put together from `phrases.yaml`.

None of them is measured on: `tests/knowledge` holds other documents and other questions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from ..evaluate import Asked
from ..household import Knowledge


@dataclass
class World:
    """Documents by file name, notes as (speaker, text), and what is asked about them."""

    documents: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    questions: list[Asked] = field(default_factory=list)

    def fill(self, knowledge: Knowledge, folder: Path) -> None:
        """Write the documents into a folder and take them in."""
        for name, text in self.documents.items():
            (folder / name).write_text(text, encoding="utf-8")
        for _ in knowledge.add(folder):
            pass
        for speaker, text in self.notes:
            knowledge.remember(text, speaker=speaker)

    def ask(self, question: str, document: str | None, answer: str | None) -> None:
        self.questions.append(
            Asked(question=question, kind="plain" if answer else "unanswerable", half="train", document=document, answer=answer)
        )


# written out


WRITTEN: Final = "abcd"     # the households the reader learns from
HELD_BACK: Final = "e"      # and one that it does not: how sure it must be is chosen on it


def written(letter: str) -> World:
    """The household of `household_<letter>.txt` and `notes_<letter>.txt`.

    "? question | answer" stands below its document, "-" where nothing answers; notes are "speaker: text | question | answer".
    """
    world = World()
    name = ""
    lines: list[str] = []
    for line in _read(f"household_{letter}.txt").splitlines():
        if line.startswith("=== "):
            name, lines = line[4:], []
        elif line.startswith("? "):
            question, answer = (part.strip() for part in line[2:].rsplit("|", 1))
            world.ask(question, None if answer == "-" else name, None if answer == "-" else answer)
        else:
            lines.append(line)
            world.documents[name] = "\n".join(lines) + "\n"
    for line in _read(f"notes_{letter}.txt").splitlines():
        said, question, answer = (part.strip() for part in line.split("|"))
        speaker, text = said.split(": ", 1)
        world.notes.append((speaker, text))
        world.ask(question, "note", answer)
    return world


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


# put together


@cache
def _phrases() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(_read("phrases.yaml"))
    return data


# Attributes that answer one another's questions: a thing that has one is not asked for the other in vain.
_SAME: Final = (
    {"Bought", "Installed", "Began"},
    {"Price", "Service cost", "Repair cost", "Monthly cost", "Cost", "Deposit", "Excess"},
    {"Stands", "Address", "Lent to", "Where", "Sleeps"},
    {"Service every", "Cleaning", "Filter changed"},
    {"Serviced by", "Service phone", "Installed by", "Contact", "Phone"},
    {"Takes", "Runs", "Lasts", "When"},
    {"Size", "Holds", "Thickness"},
    {"Likes", "Allergic to", "Fed", "Goes with"},
    {"Reset", "Start"},
    {"Cleaning", "Clean with", "Descale"},
    {"Maker", "Model", "Shop"},
    {"Warranty until", "Ends"},
    {"Colour", "Made of"},
    {"PIN", "Customer number"},
    {"Opening hours", "Comes"},
    {"Covers", "Excess"},
    {"Lesson", "Teacher", "Arrives"},
    {"Shoe size", "Shirt size"},
    {"Owner", "Lent to"},
    {"When", "Reply by"},
)
_STRICT: Final = (
    {"Bought", "Installed"},
    {"Price", "Repair cost"},
    {"Stands", "Address"},
    {"Serviced by", "Service phone", "Contact"},
    {"Service cost", "Repair cost"},
    {"Service every", "Cleaning"},
    {"Began", "Ends"},
    {"Cleaning", "Clean with"},
)


def made_up(seed: int, n_documents: int = 22) -> World:
    """A household put together by chance."""
    draw = random.Random(seed)
    world = World()
    entities = {kind: draw.sample(names, len(names)) for kind, names in _phrases()["entities"].items()}
    absent = {kind: [names.pop() for _ in range(3)] for kind, names in entities.items()}
    for number in range(n_documents):
        kind = draw.choice([each for each in entities if len(entities[each]) >= 6])
        form = draw.choice([_about_one, _about_one, _listed, _listed, _tabled, _told])
        form(world, draw, kind, entities[kind], number)
        _ask_of_others(world, draw, kind, absent[kind])
    return world


def _attributes(kind: str) -> list[dict[str, Any]]:
    more = _phrases()["more"]
    return [each | {"asks": each["asks"] + more.get(each["label"], [])}
            for each in _phrases()["attributes"] if kind in each["of"]]


def _about_one(world: World, draw: random.Random, kind: str, names: list[str], number: int) -> None:
    """A page about one thing, which its heading names; the text often only says "it"."""
    name = names.pop()
    document = f"{_slug(name)}-{number}.md"
    facts = draw.sample(_attributes(kind), min(len(_attributes(kind)), draw.randint(4, 9)))
    lines = [f"# {_title(name)}"]
    for place, attribute in enumerate(facts):
        if place and draw.random() < 0.25:
            lines.append(f"\n## {draw.choice(['Details', 'Care', 'Practical', 'Other', 'To remember', 'Notes', 'Basics'])}")
        lines.append(_state(world, draw, document, name, attribute, bare=draw.random() < 0.3, pronoun=draw.random() < 0.55))
        if draw.random() < 0.3:
            lines.append(draw.choice(_phrases()["fillers"]))
    world.documents[document] = "\n".join(lines) + "\n"
    _ask_in_vain(world, draw, kind, name, {each["label"] for each in facts})


def _listed(world: World, draw: random.Random, kind: str, names: list[str], number: int) -> None:
    """A list of several things, each with a few facts in a line."""
    document = f"list-of-{kind}-{number}.txt"
    lines = [f"{draw.choice(['About', 'Notes on', 'Our', 'Remember:'])} {kind}s", ""]
    for name in [names.pop() for _ in range(min(len(names) - 1, draw.randint(2, 5)))]:
        facts = draw.sample(_attributes(kind), draw.randint(2, 4))
        said = [
            _state(world, draw, document, name, each, bare=False, pronoun=place > 0 and draw.random() < 0.6)
            for place, each in enumerate(facts)
        ]
        lines.append(" ".join(said) + ("\n" if draw.random() < 0.5 else ""))
        _ask_in_vain(world, draw, kind, name, {each["label"] for each in facts}, most=2)
    world.documents[document] = "\n".join(lines) + "\n"


def _tabled(world: World, draw: random.Random, kind: str, names: list[str], number: int) -> None:
    """A table: a thing a row, an attribute a column."""
    document = f"table-of-{kind}-{number}.csv"
    plain = [each for each in _attributes(kind) if each["value"] not in ("action", "error")]
    facts = draw.sample(plain, min(len(plain), draw.randint(2, 5)))
    rows = [",".join(["What", *(each["label"] for each in facts)])]
    for name in [names.pop() for _ in range(min(len(names) - 1, draw.randint(3, 6)))]:
        cells = [_value(draw, each["value"]).replace(",", "") for each in facts]
        rows.append(",".join([_title(name), *cells]))
        for attribute, cell in zip(facts, cells, strict=True):
            if draw.random() < 0.6:
                world.ask(_question(draw, attribute, name, ""), document, cell)
        _ask_in_vain(world, draw, kind, name, {each["label"] for each in facts}, most=2)
    world.documents[document] = "\n".join(rows) + "\n"


def _told(world: World, draw: random.Random, kind: str, names: list[str], number: int) -> None:
    """Notes, as somebody said them."""
    for name in [names.pop() for _ in range(min(len(names) - 1, 3))]:
        attribute = draw.choice([each for each in _attributes(kind) if each["value"] != "error"])
        text = _state(world, draw, "note", name, attribute, bare=False, pronoun=False)
        world.notes.append((draw.choice(["Ann", "Ben", "Cleo"]), text[0].lower() + text[1:].rstrip(".")))
        _ask_in_vain(world, draw, kind, name, {attribute["label"]}, most=2)


def _state(
    world: World,
    draw: random.Random,
    document: str,
    name: str,
    attribute: dict[str, Any],
    *,
    bare: bool,
    pronoun: bool,
) -> str:
    """The sentence of a fact; its question is noted."""
    value = _value(draw, attribute["value"])
    code, told = "", value
    if attribute["value"] == "error":
        code, told = value.split(": ", 1)
        said = f"{draw.choice(attribute['says']).format(e=name, v=code)}, {told}."
    elif bare:
        said = f"{attribute['label']}: {value}"
    else:
        said = draw.choice(attribute["says"]).format(e=_pronoun(name, draw) if pronoun else name, v=value)
    for _ in range(draw.choice([1, 1, 2])):
        world.ask(_question(draw, attribute, name, code), document, told)
    return _upper(said)


def _ask_in_vain(world: World, draw: random.Random, kind: str, name: str, there: set[str], most: int = 4) -> None:
    """Questions about the same thing for what is told nowhere."""
    lacking = [
        each
        for each in _attributes(kind)
        if each["label"] not in there and not any(each["label"] in group and group & there for group in _STRICT)
    ]
    near = [each for each in lacking if any(each["label"] in group and group & there for group in _SAME)]
    chosen = draw.sample(near, min(len(near), most // 2)) + draw.sample(lacking, min(len(lacking), most - most // 2))
    for attribute in {each["label"]: each for each in chosen}.values():
        world.ask(_question(draw, attribute, name, _value(draw, "error").split(":")[0]), None, None)
    if "Error" in there:
        error = next(each for each in _attributes(kind) if each["label"] == "Error")
        world.ask(_question(draw, error, name, _value(draw, "error").split(":")[0]), None, None)


    if draw.random() < 0.6:
        unheard = draw.choice(_phrases()["never"][kind])
        world.ask(_question(draw, {"asks": [unheard]}, name, ""), None, None)
    if draw.random() < 0.4:
        other = draw.choice(_phrases()["others"][kind]).format(e=name.removeprefix("the "))
        told = [each for each in _attributes(kind) if each["label"] in there and each["value"] != "error"]
        if told:
            world.ask(_question(draw, draw.choice(told), other, ""), None, None)


def _ask_of_others(world: World, draw: random.Random, kind: str, absent: Sequence[str]) -> None:
    """Questions about a thing that is in no document, where others of its kind are."""
    for name in draw.sample(absent, 2):
        world.ask(_question(draw, draw.choice(_attributes(kind)), name, _value(draw, "error").split(":")[0]), None, None)


_OPENINGS: Final = (
    "",
    "",
    "",
    "",
    "",
    "do you know ",
    "tell me ",
    "hey ",
    "can you tell me ",
    "remind me ",
    "please ",
    "um ",
    "I forgot ",
)


def _question(draw: random.Random, attribute: dict[str, Any], name: str, code: str) -> str:
    shown = name if not name.startswith("the ") or draw.random() < 0.7 else draw.choice(["our ", "my ", ""]) + name[4:]
    asked = draw.choice(attribute["asks"]).format(e=shown, x=code)
    if draw.random() < 0.5:
        asked = asked.lower().rstrip("?")
    asked = draw.choice(_OPENINGS) + asked if asked[0].islower() else asked
    return _misheard(draw, asked) if draw.random() < 0.08 else asked


def _misheard(draw: random.Random, text: str) -> str:
    """A letter lost, doubled or swapped in one of the longer words."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if long:
        place = draw.choice(long)
        word = words[place]
        at = draw.randrange(1, len(word) - 1)
        words[place] = draw.choice(
            [word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + word[at + 1] + word[at] + word[at + 2 :]]
        )
    return " ".join(words)


def _pronoun(name: str, draw: random.Random) -> str:
    if name.startswith("the ") or " the " in name:
        return "they" if name.endswith("s") and draw.random() < 0.3 else "it"
    return draw.choice(["he", "she"])


def _title(name: str) -> str:
    return _upper(name.removeprefix("the "))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z]+", "-", name.lower()).strip("-")


# values

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST: Final = (
    "Arthur",
    "Bianca",
    "Cedric",
    "Dora",
    "Emre",
    "Flora",
    "Gustav",
    "Hilde",
    "Ivan",
    "Jolanda",
    "Karim",
    "Linnea",
    "Milo",
    "Nora",
    "Oskar",
    "Paula",
    "Ralf",
    "Sonja",
    "Timo",
    "Ulla",
    "Viktor",
    "Wanda",
    "Yannick",
    "Zara",
)
_LAST: Final = (
    "Abbott",
    "Brunner",
    "Castellan",
    "Dyer",
    "Eklund",
    "Ferrante",
    "Gallagher",
    "Hoang",
    "Ivers",
    "Jankowski",
    "Keller",
    "Lomax",
    "Moreau",
    "Novak",
    "Oduya",
    "Pratt",
    "Quist",
    "Rossi",
    "Sandoval",
    "Thorne",
    "Usman",
    "Vance",
    "Whitby",
    "Yardley",
)
_STREETS: Final = (
    "Mill Lane",
    "Birch Street",
    "Harbour Road",
    "Church Row",
    "Elm Avenue",
    "Station Hill",
    "King's Walk",
    "Meadow Close",
)
_PICK: Final[dict[str, Sequence[str]]] = {
    "weekday": _DAYS,
    "color": (
        "dark green",
        "ivory",
        "slate grey",
        "pale blue",
        "mustard yellow",
        "brick red",
        "matt black",
        "Pigeon No. 25",
        "off-white RAL 9010",
        "walnut brown",
        "turquoise",
        "burgundy",
    ),
    "material": (
        "larch",
        "powder-coated steel",
        "oak",
        "sandstone",
        "copper",
        "recycled rubber",
        "terracotta",
        "aluminium",
        "bamboo",
        "slate",
    ),
    "cleaner": (
        "warm water and a drop of vinegar",
        "a soft brush",
        "soda crystals",
        "the blue microfibre cloth",
        "washing-up liquid",
        "glass cleaner without ammonia",
        "linseed soap",
        "a damp sponge",
        "citric acid",
        "compressed air",
    ),
    "food": (
        "strawberries",
        "shellfish",
        "hazelnuts",
        "blue cheese",
        "pickled beetroot",
        "rye bread",
        "mango chutney",
        "peanut butter",
        "celery",
        "dark chocolate",
        "garlic yoghurt",
        "green olives",
        "milk",
        "eggs",
        "sesame",
        "vanilla ice cream",
    ),
    "spice": (
        "smoked paprika",
        "a pinch of nutmeg",
        "two bay leaves",
        "star anise",
        "fresh dill",
        "a spoon of mustard",
        "saffron",
        "lemon zest",
    ),
    "feed": (
        "two scoops in the morning",
        "90 g of dry food twice a day",
        "a handful of hay",
        "one tin at six",
        "three crickets every other day",
    ),
    "battery": (
        "two AA cells",
        "a CR2450",
        "three AAA",
        "a 9 V block",
        "a 12 V lead battery",
        "one CR123A",
        "LR44 button cells",
        "an 18650",
    ),
    "breaker": ("fuse 4", "breaker 12", "circuit B3", "breaker 9", "the second fuse from the left", "F17", "circuit 21"),
    "shirt": ("XS", "S", "M", "L", "XL", "116", "134", "42"),
    "shoe": ("31", "36", "38.5", "42", "44", "UK 7", "27"),
    "job": (
        "a midwife",
        "a train driver",
        "a baker in the old town",
        "a tax adviser",
        "a nurse at the county hospital",
        "a welder",
        "a pilot",
    ),
    "action": (
        "hold the round key for eight seconds",
        "pull the plug and wait two minutes",
        "press both arrows at once until it beeps",
        "turn the dial to the far left",
        "open the flap and push the red pin in",
        "fill the tank with two litres of vinegar water",
        "choose Setup, then Factory, and confirm with OK",
        "slide the lever down and count to ten",
        "insert the card with the chip up",
    ),
    "place": (
        "behind the boiler",
        "in the second drawer of the dresser",
        "on top of the wardrobe",
        "under the stairs",
        "in the attic, on the left",
        "in the blue chest on the landing",
        "next to the freezer in the cellar",
        "in the garage, above the bikes",
        "in the hall cupboard",
        "in the utility room",
        "on the shelf over the door",
        "at the back of the pantry",
        "in the shoe box beneath the bed",
        "on the hook by the back door",
        "in the study, bottom shelf",
        "outside by the rain barrel",
        "in the sideboard",
    ),
    "venue": (
        "in the village hall",
        "at the Red Lion",
        "in the gym on Park Road",
        "at the harbour",
        "in room 204",
        "behind the church",
        "in the library",
        "on platform 3",
        "at the stadium",
        "in the clinic's second floor",
    ),
    "bring": (
        "a warm jacket and lunch",
        "the yellow form",
        "indoor shoes",
        "two photographs",
        "a cake",
        "your own mug",
        "swimming things",
        "the passport",
    ),
    "company": (
        "Halden & Co",
        "Brightwell",
        "Tornado Electric",
        "Nielsen Brothers",
        "Casa Nova",
        "Fjordtek",
        "Maplewood Stores",
        "Aqualine",
        "Kettler",
        "Veritas Home",
        "Bergstrom",
        "Ortega Supplies",
        "Pinnacle",
        "Redfern's",
        "Solano",
        "Ultrafit",
        "Wexford Tools",
        "Zenit",
    ),
    "serves": ("four people", "six", "two hungry adults", "ten slices", "twelve pieces", "eight portions", "three jars"),
    "freq": (
        "every six months",
        "once a year",
        "every two years",
        "twice a month",
        "every Saturday",
        "weekly",
        "every 10,000 km",
        "each spring",
        "every 200 hours",
        "monthly",
        "four times a year",
        "every third week",
        "daily",
    ),
}


def _date(draw: random.Random) -> str:
    day, month, year = draw.randint(1, 28), draw.choice(_MONTHS), draw.randint(2009, 2031)
    return draw.choice(
        [
            f"{day} {month} {year}",
            f"{month} {year}",
            f"{month} {day}, {year}",
            f"{year}-{draw.randint(1, 12):02}-{day:02}",
            f"{year}",
            f"{day:02}/{draw.randint(1, 12):02}/{year}",
        ]
    )


def _clock(draw: random.Random) -> str:
    hour, minute = draw.randint(1, 12), draw.choice([0, 15, 30, 45])
    return draw.choice(
        [
            f"{hour}:{minute:02} am",
            f"{hour + 12 if hour < 12 else 12}:{minute:02}",
            f"{hour} pm",
            f"half past {draw.choice(['six', 'seven', 'eight', 'nine'])}",
        ]
    )


def _code(draw: random.Random) -> str:
    letters = "".join(draw.choice("ABCDEFGHKLMNPRSTVXZ") for _ in range(draw.randint(1, 3)))
    return draw.choice(
        [
            f"{letters}-{draw.randint(100, 9999)}",
            f"{draw.randint(1000, 99999)}",
            f"{letters}{draw.randint(10, 999)}",
            f"{draw.randint(10, 99)}-{draw.randint(100, 999)}-{draw.randint(10, 99)}",
            f"{letters} {draw.randint(100, 999)} {draw.randint(10, 99)}",
        ]
    )


def _phone(draw: random.Random) -> str:
    return draw.choice(
        [
            f"0{draw.randint(1000, 9999)} {draw.randint(100, 999)} {draw.randint(100, 999)}",
            f"555-{draw.randint(1000, 9999)}",
            f"+44 {draw.randint(20, 99)} {draw.randint(1000, 9999)} {draw.randint(1000, 9999)}",
            f"0{draw.randint(300, 899)}/{draw.randint(10000, 999999)}",
        ]
    )


def _money(draw: random.Random) -> str:
    sign, amount = draw.choice("£$€"), draw.choice([draw.randint(3, 60), draw.randint(60, 900), draw.randint(1000, 9000)])
    return draw.choice(
        [
            f"{sign}{amount}",
            f"{sign}{amount}.{draw.randint(10, 99)}",
            f"{amount} {draw.choice(['euros', 'pounds', 'dollars'])}",
            f"{sign}{amount:,}",
        ]
    )


def _error(draw: random.Random) -> str:
    code = draw.choice(
        [
            f"E{draw.randint(1, 40)}",
            f"F{draw.randint(1, 99)}",
            f"error {draw.randint(1, 30)}",
            draw.choice(["LO", "HI", "AL", "PF", "dr", "OE"]),
        ]
    )
    return f"{code}: " + draw.choice(
        [
            "the water supply is blocked",
            "the lid is not shut",
            "call the engineer",
            "it has become too hot",
            "the sensor is dirty",
            "let it cool for an hour",
            "the battery is nearly empty",
            "the drain hose is kinked",
            "switch it off at the wall",
        ]
    )


def _person(draw: random.Random) -> str:
    first, last = draw.choice(_FIRST), draw.choice(_LAST)
    return draw.choice([f"{first} {last}", first, f"Mr {last}", f"Mrs {last}", f"{last} & Sons"])


_DRAWN: Final[dict[str, Callable[[random.Random], str]]] = {
    "date": _date,
    "clock": _clock,
    "code": _code,
    "phone": _phone,
    "money": _money,
    "error": _error,
    "person": _person,
    "doctor": lambda draw: f"{draw.choice(['Dr', 'Dr.', 'Ms', 'Mr', 'Professor'])} {draw.choice(_LAST)}",
    "day": lambda draw: draw.choice(
        [f"{draw.randint(1, 28)} {draw.choice(_MONTHS)}", f"{draw.choice(_MONTHS)} {draw.randint(1, 28)}"]
    ),
    "moment": lambda draw: (
        f"on {draw.choice(_DAYS)}" + draw.choice(["", f" at {_clock(draw)}", f", {draw.randint(1, 28)} {draw.choice(_MONTHS)}"])
    ),
    "dom": lambda draw: f"{draw.randint(4, 20)}th",
    "weekdays": lambda draw: f"on {draw.choice(_DAYS)}s",
    "hours": lambda draw: (
        f"from {draw.randint(6, 10)} to {draw.randint(4, 9)}" + draw.choice(["", " on weekdays", ", closed on Sundays"])
    ),
    "email": lambda draw: f"{draw.choice(_FIRST).lower()}@{draw.choice(_LAST).lower()}.example",
    "address": lambda draw: f"{draw.randint(1, 199)} {draw.choice(_STREETS)}",
    "weight": lambda draw: draw.choice(
        [f"{draw.randint(2, 90)} kg", f"{draw.randint(2, 80)}.5 kg", f"{draw.randint(5, 150)} pounds"]
    ),
    "size": lambda draw: draw.choice(
        [
            f"{draw.randint(20, 250)} x {draw.randint(20, 90)} cm",
            f"{draw.randint(20, 190)} cm wide",
            f"{draw.randint(8, 90)} inches",
            f"{draw.randint(30, 90)} by {draw.randint(30, 90)} cm",
            f"{draw.randint(2, 30)} mm",
        ]
    ),
    "power": lambda draw: draw.choice(
        [f"{draw.randint(2, 30) * 100} watts", f"{draw.randint(1, 11)}.{draw.randint(1, 9)} kW", f"{draw.randint(15, 900)} W"]
    ),
    "noise": lambda draw: draw.choice([f"{draw.randint(28, 95)} dB", f"{draw.randint(28, 95)} decibels"]),
    "duration": lambda draw: draw.choice(
        [
            f"{draw.randint(2, 90)} minutes",
            f"{draw.randint(2, 12)} weeks",
            f"{draw.randint(2, 9)} days",
            f"{draw.randint(2, 12)} months",
            "an hour and a half",
            f"{draw.randint(2, 9)} hours",
            "a fortnight",
            "three quarters of an hour",
        ]
    ),
    "temp": lambda draw: draw.choice(
        [f"{draw.randint(3, 230)} °C", f"{draw.randint(40, 450)} °F", f"{draw.randint(5, 90)} degrees"]
    ),
    "volume": lambda draw: draw.choice(
        [f"{draw.randint(1, 400)} litres", f"{draw.randint(1, 9)}.5 l", f"{draw.randint(5, 80)} gallons"]
    ),
    "grams": lambda draw: draw.choice(
        [f"{draw.randint(2, 90) * 10} g", f"{draw.randint(2, 6)} cups", f"{draw.randint(2, 9)} tablespoons"]
    ),
    "dose": lambda draw: draw.choice(
        [
            f"{draw.randint(2, 20)} ml of the syrup at night",
            f"one tablet of {draw.choice(['Rovaxin', 'Calmitol', 'Betazen', 'Pollenol'])} daily",
            f"{draw.randint(5, 80)} mg of {draw.choice(['Rovaxin', 'Calmitol', 'Betazen', 'Pollenol'])}",
        ]
    ),
    "count": lambda draw: draw.choice([str(draw.randint(2, 40)), "a dozen", "five", "seven"]),
}


def _value(draw: random.Random, kind: str) -> str:
    return _DRAWN[kind](draw) if kind in _DRAWN else draw.choice(_PICK[kind])
