"""Written text as it is read out: numbers, units, times, dates and abbreviations in words; and a reply cut into sentences.

    read_aloud("21.5 °C at 18:30")  ->  "twenty-one point five degrees Celsius at six thirty PM"

A synthesiser gets words only, so that every one says the same.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Final

from ...skills.numbers import spell_number

MAX_SENTENCE: Final = 300               # characters; a longer one is read in pieces
LARGEST: Final = 10**6                  # from here on millions, billions and trillions

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
UNITS: Final[Mapping[str, str]] = {     # symbol → one of it; several get an s, unless a plural stands behind a bar
    "°C": "degree Celsius|degrees Celsius", "°F": "degree Fahrenheit|degrees Fahrenheit", "°": "degree", "K": "kelvin|kelvin",
    "%": "percent|percent", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "Wh": "watt hour", "kWh": "kilowatt hour",
    "MWh": "megawatt hour", "mV": "millivolt", "V": "volt", "kV": "kilovolt", "mA": "milliamp", "A": "amp", "Ah": "amp hour",
    "mAh": "milliamp hour", "VA": "volt amp", "kVA": "kilovolt amp", "Hz": "hertz|hertz", "kHz": "kilohertz|kilohertz",
    "MHz": "megahertz|megahertz", "GHz": "gigahertz|gigahertz", "lx": "lux|lux", "lm": "lumen", "dB": "decibel",
    "dBA": "decibel", "dBm": "D B M|D B M", "ppm": "part per million|parts per million",
    "ppb": "part per billion|parts per billion", "µg": "microgram", "mg": "milligram", "g": "gram", "kg": "kilogram",
    "t": "tonne", "oz": "ounce", "lb": "pound", "lbs": "pound", "Pa": "pascal", "hPa": "hectopascal", "kPa": "kilopascal",
    "mbar": "millibar", "bar": "bar", "psi": "pound per square inch|pounds per square inch", "mm": "millimetre",
    "cm": "centimetre", "m": "metre", "km": "kilometre", "ft": "foot|feet", "mi": "mile", "yd": "yard",
    "mm²": "square millimetre", "m²": "square metre", "km²": "square kilometre", "m³": "cubic metre", "cm³": "cubic centimetre",
    "ft³": "cubic foot|cubic feet", "ml": "millilitre", "mL": "millilitre", "cl": "centilitre", "dl": "decilitre", "l": "litre",
    "L": "litre", "gal": "gallon",
    "mph": "mile per hour|miles per hour", "kph": "kilometre per hour|kilometres per hour", "kn": "knot", "rpm": "R P M|R P M",
    "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour",
    "hrs": "hour", "d": "day", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "Mbps": "megabit per second|megabits per second",
    "Mbit": "megabit", "kbit": "kilobit", "Gbit": "gigabit", "J": "joule", "kJ": "kilojoule", "kcal": "kilocalorie",
    "px": "pixel", "°dH": "degree of hardness|degrees of hardness",
}  # fmt: skip
MONEY: Final = {"£": ("pound", "pounds"), "$": ("dollar", "dollars"), "€": ("euro", "euros")}
ABBREVIATIONS: Final[Mapping[str, str]] = {     # as they are written, with their full stop
    "e.g.": "for example", "i.e.": "that is", "etc.": "and so on", "approx.": "about", "vs.": "versus", "Dr.": "Doctor",
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miss", "No.": "number", "no.": "number", "Nr.": "number", "St.": "Saint",
    "max.": "maximum", "min.": "minimum", "temp.": "temperature", "incl.": "including", "tel.": "telephone", "a.m.": "AM",
    "p.m.": "PM", "Jan.": "January", "Feb.": "February", "Mar.": "March", "Apr.": "April", "Jun.": "June", "Jul.": "July",
    "Aug.": "August", "Sep.": "September", "Sept.": "September", "Oct.": "October", "Nov.": "November", "Dec.": "December",
    "Mon.": "Monday", "Tue.": "Tuesday", "Wed.": "Wednesday", "Thu.": "Thursday", "Fri.": "Friday", "Sat.": "Saturday",
    "Sun.": "Sunday",
}  # fmt: skip
SHORT_MONTHS: Final = {month[:3]: month for month in MONTHS} | {"Sept": "September"}
SIGNS: Final[Mapping[str, str]] = {
    "&": " and ", "→": " to ", "≥": " at least ", "≤": " at most ", "<": " less than ", ">": " more than ", "=": " equals ",
    "±": " plus or minus ", "~": " about ", "≈": " about ", "×": " times ", "+": " plus ", "½": " a half ", "¼": " a quarter ",
    "¾": " three quarters ", "…": ". ", "•": ", ", "CO₂": "CO2", "–": ", ", "—": ", ",
}  # fmt: skip
ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_MONTH = "|".join((*MONTHS, *SHORT_MONTHS))
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_SUPERSCRIPTS = (("m2", "m²"), ("m3", "m³"), ("ug", "µg"), ("μ", "µ"), ("º", "°"),
                 ("° C", "°C"), ("° F", "°F"), ("℃", "°C"), ("℉", "°F"))
_MARKUP = re.compile(r"(?m:^#+\s)|[*_`|]+(?=\S)|(?<=\S)[*_`|]+|\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"[.!?…]+[\"'”’)]*$")


# sentences


async def sentences(pieces: AsyncIterable[str]) -> AsyncIterator[str]:
    """The pieces of a reply, which joined are the reply, as sentences: each as soon as its last piece is there."""
    heard = ""
    async for piece in pieces:
        heard += piece
        while (cut := _first_sentence(heard)) is not None:
            if heard[:cut].strip():
                yield heard[:cut].strip()
            heard = heard[cut:]
    if heard.strip():
        yield heard.strip()


def _first_sentence(text: str) -> int | None:
    """Where its first sentence ends; None: it may go on."""
    for word in re.finditer(r"\S+", text):
        if _ends_sentence(word[0], whole=word.end() < len(text)):
            return word.end()
        if "\n" in text[word.end() : word.end() + 2]:
            return word.end()
    if len(text) > MAX_SENTENCE:
        return max(text.rfind(", ", 0, MAX_SENTENCE) + 1, 0) or text.rfind(" ", 1, MAX_SENTENCE) + 1 or MAX_SENTENCE
    return None


def _ends_sentence(word: str, *, whole: bool) -> bool:
    """Args: whole: nothing more of the word is to come ("21." may become "21.5")."""
    if not _END.search(word) or word.strip("\"'“”‘’()") in ABBREVIATIONS or re.fullmatch(r"\W*[A-Za-z]\.", word):
        return False
    return whole or not re.search(r"\d\.$", word)


# words


def read_aloud(text: str) -> str:
    """Everything in words, for a synthesiser; "" where there is nothing to say."""
    text = _plain(text)
    for pattern, reading in _READINGS:
        text = pattern.sub(reading, text)
    for sign, words in SIGNS.items():
        text = text.replace(sign, words)
    text = "".join(char if char.isalnum() or char in " .,;:!?'’\"()-" else " " for char in text)
    text = re.sub(r"\s+([.,;:!?)])", r"\1", " ".join(text.split()))
    said = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text).strip(" ,;:")
    return said if any(map(str.isalnum, said)) else ""


def _plain(text: str) -> str:
    """Without markup; one way to write a unit."""
    text = _MARKUP.sub(lambda found: found[1] or "", text.replace("\u00a0", " ").replace("\u202f", " "))
    text = re.sub(r"https?://(?:www\.)?([^\s/]+)\S*", lambda found: found[1].replace(".", " dot "), text)
    for written, symbol in _SUPERSCRIPTS:
        text = re.sub(rf"(?<![A-Za-z]){re.escape(written)}(?!\w)" if written[0].isalpha() and written.isascii()
                      else re.escape(written), symbol, text)
    return re.sub(r"(?<![\w.,])[−-](?=\d)", " minus ", text.replace("−", "-"))


def spelled(number: str) -> str:
    """ "1,200.50" -> "one thousand two hundred point five zero"."""
    whole, _, decimals = number.replace(",", "").partition(".")
    is_code = (len(whole) > 1 and whole[0] == "0") or len(whole) > 15
    words = _digits(whole) if is_code else _whole(int(whole))
    return f"{words} point {_digits(decimals)}" if decimals else words


def _whole(value: int) -> str:
    for name, size in (("trillion", 10**12), ("billion", 10**9), ("million", LARGEST)):
        if value >= size:
            many, rest = divmod(value, size)
            return f"{spell_number(many)} {name}" + (f" {'and ' if rest < 100 else ''}{_whole(rest)}" if rest else "")
    return _hyphened(spell_number(value))


def _hyphened(words: str) -> str:
    return re.sub(r"(\w+ty) (one|two|three|four|five|six|seven|eight|nine)\b", r"\1-\2", words)


def _digits(digits: str) -> str:
    return " ".join(spell_number(int(digit)) for digit in digits)


def ordinal(number: int) -> str:
    """21 -> "twenty-first"."""
    head, joint, last = re.split(r"([ -])(?=\w+$)", f" {_whole(number)}")
    last = ORDINALS.get(last, f"{last.removesuffix('y')}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{joint}{last}".strip()


def year(number: int) -> str:
    """2026 -> "twenty twenty-six", 1905 -> "nineteen oh five", 2003 -> "two thousand and three"."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return _whole(number)
    return f"{_whole(century)} {'hundred' if rest == 0 else f'oh {_whole(rest)}' if rest < 10 else _whole(rest)}"


def _date(day: str, month: str, of_year: str | None) -> str:
    return f"the {ordinal(int(day))} of {month}" + (f" {year(int(of_year))}" if of_year else "")


def _numeric_date(found: re.Match[str]) -> str:
    day, month = int(found["day"]), int(found["month"])
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return found[0]
    has_time = re.match(r"[T ]\d\d:\d\d", found.string[found.end() :]) is not None
    return _date(found["day"], MONTHS[month - 1], found["year"]) + (" at " if has_time else "")


def _written_date(found: re.Match[str]) -> str:
    return _date(found["day"], SHORT_MONTHS.get(found["month"], found["month"]), found["year"])


def _time(found: re.Match[str]) -> str:
    """As on a twelve-hour clock; a morning hour without a leading zero is left without AM, as it may be one of twelve."""
    hour, minute, second = int(found["hour"]), int(found["minute"]), found["second"]
    half = (found["half"] or "").replace(".", "").upper()
    if hour > 23 or minute > 59:
        return found[0]
    if not half and minute == 0 and second is None and hour in (0, 12):
        return "midnight" if hour == 0 else "noon"
    if not half and (hour > 12 or found["hour"].startswith("0")):
        half = "PM" if hour >= 12 else "AM"
    minutes = ("" if half else "o'clock") if minute == 0 else f"oh {_whole(minute)}" if minute < 10 else _whole(minute)
    seconds = f"and {_amount(second.lstrip('0') or '0', 'second')}" if second is not None else ""
    return " ".join(part for part in (_whole(hour % 12 or 12), minutes, half, seconds) if part)


def _amount(number: str, unit: str) -> str:
    singular, _, plural = unit.partition("|")
    return f"{spelled(number)} {singular if number == '1' else plural or f'{singular}s'}"


def _measured(found: re.Match[str]) -> str:
    """ "12 µg/m³" -> "twelve micrograms per cubic metre"."""
    said = _amount(found["number"], UNITS[found["unit"]])
    if found["per"]:
        said = f"{said} per {UNITS[found['per']].partition('|')[0]}"
    return said


def _paid(found: re.Match[str]) -> str:
    one, several = MONEY[found["sign"]]
    whole, _, cents = found["number"].partition(".")
    said = f"{spelled(whole)} {one if whole == '1' else several}"
    return f"{said} {_whole(int(cents))}" if len(cents) == 2 and int(cents) else said


def _ranged(found: re.Match[str]) -> str:
    return f"{found['number']} to {found['upper']}{found['rest']}"


def _fraction(found: re.Match[str]) -> str:
    return {"1/2": "a half", "1/4": "a quarter", "3/4": "three quarters"}[found[0]]


def _several_points(found: re.Match[str]) -> str:
    return " point ".join(spelled(part) for part in found[0].split("."))


def _rule(pattern: str, reading: Callable[[re.Match[str]], str]) -> tuple[re.Pattern[str], Callable[[re.Match[str]], str]]:
    return re.compile(pattern), reading


_BEFORE = r"(?<![\w.,:/])"              # a number of its own, not the end of a name or of another number
_READINGS: Final = (                    # in this order: what is longer comes before what is part of it
    _rule(_BEFORE + r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?=T|\b)", _numeric_date),
    _rule(_BEFORE + r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\b", _numeric_date),
    _rule(_BEFORE + r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})\b", _numeric_date),
    _rule(rf"(?:\bthe )?{_BEFORE}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\b\.?(?:,? (?P<year>\d{{4}})\b)?",
          _written_date),
    _rule(rf"\b(?P<month>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)(?:,? (?P<year>\d{{4}})\b)?", _written_date),
    _rule(r"(?<![\w.,:/]|T)T?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
          r"(?:\s?(?P<half>[AaPp]\.?[Mm]\b\.?))?(?![\d:])", _time),
    _rule(_BEFORE + r"(?P<hour>\d{1,2})(?P<minute>)(?P<second>)\s?(?P<half>[AaPp]\.?[Mm]\b\.?)",
          lambda found: f"{spelled(found['hour'])} {found['half'].replace('.', '').upper()}"),
    _rule(rf"{_BEFORE}(?P<number>{_NUMBER})\s?[–-]\s?(?P<upper>{_NUMBER})(?P<rest>(?![\w-]|[–/.:]\d)|(?=\s?(?:{_UNIT})(?!\w)))",
          _ranged),
    _rule(rf"(?P<sign>[£$€])\s?(?P<number>{_NUMBER})", _paid),
    _rule(rf"{_BEFORE}(?P<number>{_NUMBER})\s?(?P<sign>[€£])", _paid),
    _rule(rf"{_BEFORE}(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT})(?:/(?P<per>{_UNIT}))?(?!\w)", _measured),
    _rule(_BEFORE + r"(?:1/2|1/4|3/4)(?![\w/])", _fraction),
    _rule(_BEFORE + r"\d+(?:\.\d+){2,}\b", _several_points),
    _rule(_BEFORE + r"(?P<number>\d{1,6})(?:st|nd|rd|th)\b", lambda found: ordinal(int(found["number"]))),
    _rule(r"\b(?P<before>in|of|since|until|from|by|year) (?P<number>(?:19|20)\d\d)\b(?![.,:]\d)",
          lambda found: f"{found['before']} {year(int(found['number']))}"),
    _rule(r"#\s?(?=\d)", lambda found: "number "),
    _rule(r"\+(?=\d{7,})", lambda found: "plus "),
    _rule(_BEFORE + r"\d{7,}(?![\w.])", lambda found: _digits(found[0])),
    _rule(rf"{_BEFORE}{_NUMBER}(?!\w)", lambda found: spelled(found[0])),
    _rule(r"(?<!\w)(?:" + "|".join(sorted(map(re.escape, ABBREVIATIONS), key=len, reverse=True)) + ")",
          lambda found: ABBREVIATIONS[found[0]]),
)  # fmt: skip
