"""Words of the house as people say them: folding, kinds of device, related rooms, colours, whites.

Tables and small pure functions; `slots` reads values with them, `home.resolver` finds devices with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from sys import intern


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ---------------------------------------------------------------- folding

_APOSTROPHES = re.compile(r"['’`´ʼ]")
_WORD = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+", re.UNICODE)
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")
_SPELLED_APART = {
    "t v": "tv", "a c": "ac", "to do": "todo", "air conditioning": "aircon", "air conditioner": "aircon", "air con": "aircon",
    "airconditioner": "aircon", "airconditioning": "aircon", "wi fi": "wifi", "hi fi": "hifi",
}


@lru_cache(maxsize=20_000)
def fold(text: str) -> tuple[str, ...]:
    """The words of `text` for comparing: lower case, without accents, apostrophes and punctuation.
    "Björn's desk-lamp 2" -> ("bjorns", "desk", "lamp", "2"); digits and letters are words apart ("PM10" -> "pm", "10").
    """
    text = _CAMEL.sub(" ", _APOSTROPHES.sub("", text))
    text = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    plain = "".join(char for char in text if not unicodedata.combining(char))
    words = " ".join(_WORD.findall(plain))
    for apart, together in _SPELLED_APART.items():
        words = re.sub(rf"\b{apart}\b", together, words)
    return tuple(map(intern, words.split()))   # a home has few words and many names


@cache
def singular(word: str) -> str:
    """The singular of an English noun, well enough to compare with: "switches" -> "switch", "glass" -> "glass"."""
    if word in _ODD_PLURALS:
        return _ODD_PLURALS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "as")):
        return word[:-1]
    return word


def is_plural(word: str) -> bool:
    return word != singular(word) and word not in _SINGULAR_IN_S


_ODD_PLURALS = {"shelves": "shelf", "children": "child", "people": "person", "knives": "knife", "drapes": "drape",
                "tvs": "tv", "acs": "ac", "gas": "gas", "bus": "bus", "movies": "movie", "cookies": "cookie",
                "axes": "axe", "telly": "telly", "tellies": "telly", "christmas": "christmas", "stairs": "stairs",
                "upstairs": "upstairs", "downstairs": "downstairs", "always": "always", "cameras": "camera",
                "saunas": "sauna", "pizzas": "pizza", "sofas": "sofa", "areas": "area", "patios": "patio"}
_SINGULAR_IN_S = frozenset({"headlamps"})


@cache
def phonetic(word: str) -> str:
    """A rough key of how an English word sounds: alike for "kitchen"/"kichin", "phone"/"fone", "light"/"lite".

    Letters that sound alike become one, silent ones go, vowels are dropped but for a leading one.
    """
    if not word or word[0].isdigit():
        return word
    for written, heard in _SOUNDS:
        word = re.sub(written, heard, word)
    head = "a" if word[:1] in "aeiouy" else word[:1]
    body = re.sub(r"[aeiouyhw]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", head + body)


_SOUNDS = tuple((re.compile(written), heard) for written, heard in (
    (r"^(kn|gn|pn)", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"^x", "s"), (r"mb$", "m"), (r"tch", "x"), (r"igh", "i"),
    (r"ough$", "o"), (r"ph", "f"), (r"ck", "k"), (r"sch", "sk"), (r"(ch|sh)", "x"), (r"th", "t"), (r"dg(?=[eiy])", "j"),
    (r"c(?=[eiy])", "s"), (r"g(?=[eiy])", "j"), (r"[cq]", "k"), (r"z", "s"), (r"v", "f"), (r"ti(?=on)", "x"),
))

FILLERS = _set("""
    the a an my our your his her their this that these those of in on at to for from by with and or please some any
    all every each both one ones only just entire whole complete over there here up is are it its us me inside
    room's
""")

MASS = frozenset({"heating", "lighting"})  # one word for all there is of it

def content(words: Iterable[str]) -> tuple[str, ...]:
    """Words without articles and the like; all of them when nothing else is left."""
    words = tuple(words)
    return tuple(word for word in words if word not in FILLERS) or words


_NUMERALS = {word: str(number) for number, word in enumerate((
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1)}  # fmt: skip


def numeral(word: str) -> str:
    """ "two" -> "2"; another word is itself."""
    return _NUMERALS.get(word, word)


def numbered(words: Sequence[str]) -> tuple[str, ...]:
    """Words of a name with the numbers behind its first word as digits: "Washer One" and "Washer 1" are one name."""
    return (*words[:1], *(numeral(word) for word in words[1:]))


def stems(words: Iterable[str]) -> tuple[str, ...]:
    """The words in the singular."""
    return tuple(singular(word) for word in words)


QUANTITY_ALL = frozenset({"all", "every", "each", "both", "everything", "everyone", "any", "entire", "whole", "which"})

# ---------------------------------------------------------------- kinds of device


@dataclass(frozen=True)
class Kind:
    """What a kind word can mean: a domain, perhaps narrowed by device classes; `words` in the singular."""

    domain: str
    device_classes: tuple[str, ...]
    words: tuple[str, ...]


def _kind(domain: str, device_classes: str, words: str) -> Kind:
    return Kind(domain, tuple(device_classes.split()), tuple(word.strip() for word in words.split(",")))


# The first kind that has a word is what the word means first; a word may stand in several ("door": cover, lock,
# lock, sensor).
KINDS: tuple[Kind, ...] = (
    _kind("light", "", "light, lamp, bulb, lighting, spot, spotlight, downlight, chandelier, lantern, led, led strip,"
          " light strip, sconce, uplighter, floodlight, nightlight, night light, fairy light, luminaire, lite,"
          "light bulb"),
    _kind("switch", "outlet", "plug, socket, outlet, power strip, smart plug, wall plug, wall socket, power point"),
    _kind("switch", "", "switch, relay"),
    _kind("fan", "", "fan, ventilator, ventilation, extractor, extractor fan, range hood, cooker hood, hood"),
    _kind("cover", "blind", "blind, roller blind, venetian blind, roman blind"),
    _kind("cover", "shade", "shade, roller shade, sunshade"),
    _kind("cover", "shutter", "shutter, roller shutter, rollershutter"),
    _kind("cover", "curtain", "curtain, drape, sheer, net curtain"),
    _kind("cover", "awning", "awning, sun sail, marquee"),
    _kind("cover", "garage", "garage door, garage, overhead door"),
    _kind("cover", "gate", "gate, driveway gate"),
    _kind("cover", "window", "window, skylight, roof window"),
    _kind("cover", "door", "door"),
    _kind("cover", "damper", "damper, vent"),
    _kind("cover", "", "cover"),
    _kind("lock", "", "lock, door lock, deadbolt, bolt, door"),
    _kind("climate", "", "thermostat, heating, heater, radiator, ac, air con, aircon, air conditioner,"
          "air conditioning,"
          " heat pump, climate, underfloor heating, floor heating, central heating, furnace, trv, heat, hvac,"
          "aircondition"),
    _kind("water_heater", "", "water heater, boiler, hot water, hot water tank, immersion heater, geyser"),
    _kind("humidifier", "humidifier", "humidifier"),
    _kind("humidifier", "dehumidifier", "dehumidifier"),
    _kind("humidifier", "", "humidifier, dehumidifier"),
    _kind("vacuum", "", "vacuum, hoover, vacuum cleaner, robot vacuum, robot, robovac, roomba, cleaner, vac, mop"),
    _kind("lawn_mower", "", "mower, lawn mower, lawnmower, robot mower, lawn, grass"),
    _kind("media_player", "tv", "tv, telly, television, tele, tv set"),
    _kind("media_player", "speaker", "speaker, smart speaker, sound bar, soundbar, sonos"),
    _kind("media_player", "receiver", "receiver, amplifier, amp, av receiver"),
    _kind("media_player", "", "media player, player, stereo, radio, music, hifi, hi fi, music player, sound system,"
          "tv"),
    _kind("valve", "", "valve, tap, water valve, sprinkler, irrigation, stopcock"),
    _kind("siren", "", "siren"),
    _kind("alarm_control_panel", "", "alarm, alarm system, alarm panel, security system, burglar alarm"),
    _kind("scene", "", "scene"),
    _kind("script", "", "script"),
    _kind("button", "", "button"),
    _kind("camera", "", "camera, cam"),
    _kind("automation", "", "automation"),
    _kind("binary_sensor", "motion", "motion, motion sensor, motion detector"),
    _kind("binary_sensor", "smoke", "smoke detector, smoke alarm, smoke"),
    _kind("binary_sensor", "moisture", "leak sensor, water sensor, leak, leak detector"),
    _kind("sensor", "temperature", "temperature, temp, temperature sensor, thermometer"),
    _kind("sensor", "humidity", "humidity, humidity sensor, hygrometer"),
    _kind("sensor", "battery", "battery, battery level"),
    _kind("sensor", "illuminance", "light level, illuminance, lux"),
    _kind("sensor", "power", "power, power consumption, wattage"),
    _kind("sensor", "energy", "energy, energy consumption"),
    _kind("sensor", "", "sensor"),
)


@cache
def _kinds_by_word() -> dict[str, tuple[Kind, ...]]:
    table: dict[str, tuple[Kind, ...]] = {}
    for kind in KINDS:
        for word in kind.words:
            table[word] = (*table.get(word, ()), kind)
    return table


def kinds_of(words: Sequence[str]) -> tuple[Kind, ...]:
    """The kinds that the whole of `words` names ("roller blinds" -> cover/blind), or () when it names none."""
    return _kinds_by_word().get(" ".join(singular(word) for word in words), ())


@cache
def kind_words() -> frozenset[str]:
    """Every single word that is part of a kind's name, in the singular."""
    return frozenset(part for phrase in _kinds_by_word() for part in phrase.split())


def kind_of(domain: str | None, device_class: str | None) -> str | None:
    """The plain word for a kind ("light", "garage door"), for questions and answers."""
    for kind in KINDS:
        if kind.domain == domain and (device_class in kind.device_classes or not (device_class or kind.device_classes)):
            return kind.words[0]
    if device_class and any(kind.domain == domain and not kind.device_classes for kind in KINDS):
        return kind_of(domain, None)
    return (device_class or domain or "").replace("_", " ") or None


# Device classes that people do not tell apart; a word for one finds the others where there is none of its own.
CLASS_FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"blind", "shade", "shutter", "curtain", "awning"}),
    frozenset({"door", "garage", "garage_door", "gate", "opening"}),
    frozenset({"garage", "garage_door"}),
    frozenset({"window", "opening"}),
    frozenset({"motion", "occupancy", "presence", "moving"}),
    frozenset({"moisture", "water"}),
    frozenset({"tv", "receiver"}),
    frozenset({"speaker", "receiver"}),
    frozenset({"outlet", "plug", "switch"}),
    frozenset({"co2", "carbon_dioxide"}),
)


def class_family(device_class: str) -> frozenset[str]:
    """`device_class` and those people mean by the same word."""
    return frozenset({device_class}).union(*(family for family in CLASS_FAMILIES if device_class in family))


# Words for one thing in a name ("telly" finds "Living Room TV"), each row one thing; singular.
_SAME_THING = (
    "tv telly television tele", "light lamp lite bulb lighting", "couch sofa settee", "lounge living",
    "fridge refrigerator", "washer washing", "hoover vacuum vac", "ac aircon", "cooker stove oven", "tap faucet", "blind shade",
    "curtain drape", "thermostat heating heater radiator", "plug socket outlet", "garden yard", "hall hallway corridor",
    "cabinet cupboard", "worktop countertop counter", "bin trash garbage", "ceiling overhead main", "pc computer",
    "kid child", "mum mom mama", "dad daddy papa", "speaker soundbar", "mower lawnmower", "bath bathroom", "bed bedside",
    "grey gray", "xmas christmas", "front street", "utility laundry", "humidifier dehumidifier",
    "stair staircase stairs", "machine maker", "fairy string",
)


@cache
def synonyms(word: str) -> frozenset[str]:
    """Words that can stand for the singular `word` in a device's name, itself included."""
    rows = [row.split() for row in _SAME_THING]
    return frozenset({word}).union(*(row for row in rows if word in row))


# ---------------------------------------------------------------- rooms

# Names of one part of a house: used only when no room of the home bears the name said. Each row one part.
RELATED_ROOMS: tuple[frozenset[str], ...] = tuple(
    frozenset(part.strip() for part in row.split(",")) for row in (
        "garden, yard, front yard, back yard, backyard, back garden, front garden, lawn, outside, outdoors, outdoor",
        "patio, terrace, deck, decking, veranda, porch, balcony, outside, garden",
        "living room, lounge, sitting room, front room, family room, tv room, parlour, drawing room, den, great room,"
        "living",
        "hallway, hall, corridor, passage, landing, foyer",
        "entrance, entry, entryway, foyer, lobby, hall, hallway, vestibule, front hall, porch, mudroom",
        "office, study, den, home office, workroom, work room, library, computer room",
        "attic, loft, roof, top floor", "basement, cellar, downstairs",
        "bathroom, bath, washroom, shower room, shower, restroom, ensuite, en suite",
        "toilet, wc, loo, restroom, bathroom, cloakroom, powder room, guest toilet, lavatory, guest bathroom",
        "nursery, baby room, babys room, kids room, childrens room, child room, playroom, kids bedroom,"
        "childrens bedroom",
        "master bedroom, main bedroom, bedroom, our room, parents room, parents bedroom, master, sleeping room",
        "guest room, spare room, guest bedroom, spare bedroom, visitors room",
        "utility room, laundry room, laundry, utility, washing room, boiler room, scullery",
        "garage, carport, car port", "shed, workshop, garden shed, tool shed", "pantry, larder, storage, storage room,"
        "store room",
        "closet, wardrobe, dressing room, walk in closet", "conservatory, sunroom, sun room, winter garden, orangery",
        "dining room, dining area, dinner room", "kitchen, kitchenette, cooking area", "gym, fitness room,"
        "exercise room",
        "stairs, staircase, stairway, stairwell, landing", "driveway, drive, front yard, front garden", "playroom,"
        "games room",
    )
)

# "upstairs" of a home whose floors have other names; the first row member that the home has is meant.
RELATED_FLOORS: dict[str, tuple[str, ...]] = {
    "upstairs": ("upper floor", "top floor", "first floor", "second floor", "1st floor", "2nd floor", "upper level",
                 "attic", "loft"),
    "downstairs": ("ground floor", "main floor", "lower floor", "first floor", "ground level", "lower level",
                   "basement"),
    "ground floor": ("downstairs", "main floor", "ground level", "first floor"),
    "main floor": ("ground floor", "downstairs", "first floor"),
    "first floor": ("upstairs", "1st floor", "ground floor"),
    "second floor": ("upstairs", "2nd floor", "top floor"),
    "top floor": ("upstairs", "attic", "loft", "second floor", "third floor", "first floor"),
    "basement": ("cellar", "lower ground floor", "lower level", "downstairs"),
    "cellar": ("basement", "lower ground floor"),
    "attic": ("loft", "top floor"),
    "loft": ("attic", "top floor"),
}

HERE = frozenset({"here", "in here", "this room", "the room", "room", "this", "in this room", "in the room",
                  "around here",
                  "my room here", "where i am"})
THERE = frozenset({"there", "in there", "that room", "in that room", "same room", "the same room"})
EVERYWHERE = frozenset({"everywhere", "house", "whole house", "home", "whole home", "entire house", "every room",
                        "all rooms",
                        "all over", "whole place", "throughout", "all the rooms", "entire home", "flat", "whole flat",
                        "apartment", "whole apartment", "place", "all over the house", "anywhere", "building"})

IT = frozenset({"it", "that", "this", "that one", "this one", "same", "the same", "same one", "the same one",
                "that thing",
                "this thing", "him", "her", "the thing", "thing"})
THEM = frozenset({"them", "those", "these", "they", "all of them", "all of those", "all of these", "both",
                  "both of them",
                  "them all", "those ones", "these ones", "the lot", "the same ones", "the ones", "ones"})
OTHER = frozenset({"the other one", "other one", "the other", "another one", "the others", "other ones",
                   "the other ones",
                   "others", "other"})
ALL = frozenset({"all", "everything", "every thing", "all of it", "the lot", "all devices", "every device",
                 "all of them",
                 "all the devices", "all things", "whole lot"})


def said_as(text: str, table: Iterable[str]) -> bool:
    """Whether `text` is one of the phrases of a table, an article more or less."""
    words = fold(text)
    phrases = set(table)
    return " ".join(words) in phrases or (words[:1] == ("the",) and " ".join(words[1:]) in phrases)


ORDINALS: dict[str, int] = {  # places in a row, the last counted from its end
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "last": -1,
    "latter": -1, "former": 0, "one": 0, "two": 1, "three": 2, "four": 3, "1": 0, "2": 1, "3": 2, "4": 3,
}


# ---------------------------------------------------------------- colours

WHITES: dict[str, int] = {  # kelvin
    "candle light": 1900, "candlelight": 1900, "candle": 1900, "very warm": 2200, "very warm white": 2200,
    "extra warm": 2200, "extra warm white": 2200, "amber white": 2200, "cosy": 2200, "cozy": 2200, "sunset": 2200,
    "warm": 2700, "warm white": 2700, "warm light": 2700, "soft white": 2700, "soft": 2700, "yellowish white": 2700,
    "incandescent": 2700, "warmer": 2700, "halogen": 3000, "evening": 2400, "relax": 2400, "reading": 3000,
    "neutral": 3500, "neutral white": 3500, "natural": 3500, "natural white": 3500,
    "cool white": 4000, "cold white": 4000, "cool": 4000, "cold": 4000,
    "cool light": 4000, "cold light": 4000, "very cool": 5500,
    "very cool white": 5500, "icy white": 6500, "daylight": 6500, "day light": 6500, "daylight white": 6500,
    "sunlight": 5500, "day white": 5500, "blueish white": 6500, "bluish white": 6500,
}

CSS_COLORS = _set("""
    aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood
    cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod
    darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon
    darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray
    dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green
    greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon
    lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon
    lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linen magenta
    maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen
    mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive
    olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru
    pink plum powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen
    seashell sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato
    turquoise violet wheat white whitesmoke yellow yellowgreen
""")

# Names of the paint shop and the nearest CSS colour.
MORE_COLORS: dict[str, str] = {
    "plainwhite": "white", "purewhite": "white", "normalwhite": "white", "brightwhite": "white", "clearwhite": "white",
    "lilac": "plum", "burgundy": "maroon", "wine": "maroon", "bordeaux": "maroon", "scarlet": "orangered",
    "ruby": "crimson",
    "cherry": "crimson", "blood": "darkred", "rose": "hotpink", "dustyrose": "rosybrown", "peach": "peachpuff",
    "apricot": "sandybrown", "amber": "orange", "mustard": "goldenrod", "lemon": "yellow", "cream": "moccasin",
    "mint": "aquamarine", "emerald": "mediumseagreen", "jade": "mediumseagreen", "sage": "darkseagreen",
    "grass": "lawngreen",
    "apple": "limegreen", "neon": "lime", "petrol": "darkcyan", "aquablue": "aqua", "sapphire": "mediumblue",
    "cobalt": "mediumblue", "ocean": "steelblue", "seablue": "steelblue", "sky": "skyblue", "babyblue": "lightblue",
    "iceblue": "lightcyan", "ultramarine": "mediumblue", "mauve": "plum", "aubergine": "indigo", "eggplant": "indigo",
    "grape": "purple", "raspberry": "mediumvioletred", "cerise": "mediumvioletred", "copper": "peru", "bronze": "peru",
    "rust": "sienna", "terracotta": "sienna", "sand": "sandybrown", "caramel": "peru", "brick": "firebrick",
    "bubblegum": "hotpink", "babypink": "lightpink", "flamingo": "salmon", "tangerine": "darkorange",
    "pumpkin": "darkorange",
    "lightpurple": "mediumpurple", "lightviolet": "plum", "lightred": "lightcoral", "lightorange": "sandybrown",
    "lightbrown": "peru", "lightteal": "mediumturquoise", "lightturquoise": "paleturquoise", "darkpurple": "indigo",
    "darkpink": "deeppink", "darkyellow": "goldenrod", "darkbrown": "saddlebrown", "darkteal": "darkcyan",
    "deepblue": "mediumblue",
    "deepred": "darkred", "deepgreen": "darkgreen", "deeppurple": "indigo", "deeporange": "orangered",
    "palepink": "lightpink",
    "paleblue": "lightblue", "paleyellow": "lightyellow", "palepurple": "thistle", "brightred": "red",
    "brightblue": "blue",
    "brightgreen": "lime", "brightpink": "deeppink", "brightyellow": "yellow", "brightorange": "orange",
    "brightpurple": "purple",
    "hotred": "red", "softpink": "lightpink", "softblue": "lightblue", "softgreen": "palegreen",
    "softyellow": "lightyellow",
    "softorange": "sandybrown", "softpurple": "thistle", "softred": "lightcoral", "navyblue": "navy",
    "bloodred": "darkred",
    "skyblu": "skyblue", "purplish": "purple", "blueish": "blue", "bluish": "blue", "reddish": "red",
    "greenish": "green",
    "pinkish": "pink", "yellowish": "yellow", "orangey": "orange", "oceanblue": "steelblue", "grassgreen": "lawngreen",
    "limegreen": "limegreen", "electricblue": "deepskyblue", "racinggreen": "darkgreen", "icyblue": "lightcyan",
}
