"""Whose words may leave the house, and what is taken out of them first.

    redactor = Redactor(people=["Anna"], devices=["Anna's Night Light"], secrets=["4711"])
    letter = redactor.redact("write a poem for Anna about our house at 12 Elm Street")
    letter.text         # "write a poem for [name 1] about our house at [address 1]"
    letter.restored("Dear [name 1], …")     # the answer, with what was taken out put back

Rules by form (an e-mail address, a code after the word "code") and the household's own words (its people, its devices, what
it keeps privately). The people and places of public life stay: the question would mean nothing without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Setting = Literal["never", "ask", "allow"]

MIN_RUN: Final = 4                  # words in a row that a request shares with a private note, for them to be taken out
_STRICT: Final[Mapping[str, int]] = {"never": 0, "ask": 1, "allow": 2}


@dataclass(frozen=True, kw_only=True)
class PrivacyConfig:
    """What may be asked outside. Of several settings that apply to a request, the strictest holds."""

    default: Setting = "ask"                                            # where no other applies
    people: Mapping[str, Setting] = field(default_factory=dict)         # by the speaker's name
    areas: Mapping[str, Setting] = field(default_factory=dict)          # by the room it was said in
    topics: Mapping[str, Setting] = field(default_factory=dict)         # fresh, long, exact, unknown_here

    def setting(self, *, speaker: str | None, area: str | None, topics: Iterable[str]) -> Setting:
        """What holds for one request."""
        found = [_of(self.people, speaker), _of(self.areas, area), *(_of(self.topics, topic) for topic in topics)]
        given = [each for each in found if each is not None]
        return min(given, key=_STRICT.__getitem__, default=self.default)


@dataclass(frozen=True)
class Stripped:
    """A text fit to leave."""

    text: str
    taken: Mapping[str, str] = field(default_factory=dict)      # what stands in it, as "[name 1]" -> what stood there

    def restored(self, reply: str) -> str:
        """An answer, with the household's own words put back."""
        for mark, said in self.taken.items():
            reply = reply.replace(mark, said)
        return reply

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of what was taken out, each once, for the record: ("address", "name")."""
        return tuple(sorted({mark[1:].rsplit(" ", 1)[0] for mark in self.taken}))


class Redactor:
    """Takes out what belongs to one household.

    Args:
        people: who lives here or comes by, as they are called.
        devices: names of devices; those of one everyday word ("Lamp") tell nobody anything and stay.
        secrets: PINs and codes; they are found however they are spaced or spoken.
        private: texts that are kept privately.
    """

    def __init__(
        self, *, people: Iterable[str] = (), devices: Iterable[str] = (), secrets: Iterable[str] = (),
        private: Sequence[str] = (),
    ) -> None:
        devices = [each for each in devices if len(each.split()) > 1]
        owners = [owner for device in devices for owner in _owners(device)]
        self._devices = _any_of(devices)
        self._people = _any_of([part for person in [*people, *owners] for part in (person, *person.split()) if len(part) > 1])
        self._secrets = [_spoken_pattern(each) for each in secrets if each]
        self._private = [[word for word, _, _ in _words(text)] for text in private]

    def redact(self, text: str) -> Stripped:
        """Return the text with marks where something was."""
        found: list[tuple[int, int, str]] = []
        for kind, pattern in self._patterns():
            found += [(match.start("it"), match.end("it"), kind) for match in pattern.finditer(text)]
        found += [(*span, "name") for span in _first_names(text)]
        found += [(*span, "note") for span in self._shared_with_private(text)]
        return _marked(text, found)

    def _patterns(self) -> Iterable[tuple[str, re.Pattern[str]]]:
        yield from (("code", pattern) for pattern in self._secrets)
        yield from _FORMS
        yield "device", self._devices
        yield "name", self._people
        yield from (("name", pattern) for pattern in _NAMED)

    def _shared_with_private(self, text: str) -> Iterable[tuple[int, int]]:
        """What stands word for word in a private text: a run of words, or a number in it."""
        said = _words(text)
        words = [word for word, _, _ in said]
        for private in self._private:
            numbers = {word for word in private if any(map(str.isdigit, word)) and len(word) > 2}
            yield from ((start, end) for word, start, end in said if word in numbers)
            runs = {tuple(private[at : at + MIN_RUN]) for at in range(len(private) - MIN_RUN + 1)}
            for at in range(len(words) - MIN_RUN + 1):
                if tuple(words[at : at + MIN_RUN]) in runs:
                    yield said[at][1], said[at + MIN_RUN - 1][2]


def _of(settings: Mapping[str, Setting], name: str | None) -> Setting | None:
    if name is None:
        return None
    return next((value for key, value in settings.items() if key.casefold() == name.casefold()), None)


def _marked(text: str, found: Iterable[tuple[int, int, str]]) -> Stripped:
    """Overlapping finds become one mark, of the kind found first in the order of the rules; the same words, the same mark."""
    merged: list[tuple[int, int, str]] = []
    for start, end, kind in sorted(found, key=lambda each: each[0]):
        if merged and start < merged[-1][1]:
            before = merged[-1]
            merged[-1] = (before[0], max(before[1], end), before[2])
        elif end > start:
            merged.append((start, end, kind))
    marks: dict[tuple[str, str], str] = {}
    counts: dict[str, int] = {}
    parts, at = [], 0
    for start, end, kind in merged:
        said = text[start:end]
        if (kind, said.casefold()) not in marks:
            counts[kind] = counts.get(kind, 0) + 1
            marks[kind, said.casefold()] = f"[{kind} {counts[kind]}]"
        parts += [text[at:start], marks[kind, said.casefold()]]
        at = end
    taken: dict[str, str] = {}
    for start, end, kind in merged:
        taken.setdefault(marks[kind, text[start:end].casefold()], text[start:end])
    return Stripped("".join([*parts, text[at:]]), taken)


# --- what is found by its form


def _it(pattern: str, *, around: tuple[str, str] = ("", ""), flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(f"{around[0]}(?P<it>{pattern}){around[1]}", flags)


_DIGIT_WORD: Final = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_CODE_WORD: Final = (
    r"\b(?:pin|code|passcode|password|pass ?phrase|passwort|combination|key ?code|account number|card number|iban|"
    r"social security number|licen[cs]e plate)\b"
)
_STREET: Final = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|place|pl|square|sq|terrace|boulevard|blvd|way|crescent|"
    r"gardens|grove|row|hill|mews|parade|walk|alley|highway|hwy)"
)
_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("address", _it(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),                                          # e-mail
    ("address", _it(r"https?://\S+")),
    ("address", _it(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")),                            # IPv4
    ("address", _it(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b")),                                 # MAC
    ("address", _it(r"(?:(?:flat|apartment|apt|unit|suite)\.?\s+\w+,?\s+)?\b\d{1,5}[a-z]?,?\s+(?:[\w'’-]+\s+){1,3}?"
                    rf"{_STREET}\b\.?(?:,?\s+[a-z]{{1,2}}\d[\da-z]?\s*\d[a-z]{{2}}\b)?")),      # 12 Elm Street
    ("address", _it(r"\b[\w'’-]+stra(?:ß|ss)e\s+\d+[a-z]?\b")),
    ("address", _it(r"[a-z]{1,2}\d[\da-z]?\s*\d[a-z]{2}", around=(r"\b", r"\b"))),              # a British postcode
    ("address", _it(r"\d{5}(?:-\d{4})?", around=(r"\b(?:zip|zip code|postcode|postal code)\s+(?:is\s+)?", r"\b"))),
    ("address", _it(r"-?\d{1,3}\.\d{3,},\s*-?\d{1,3}\.\d{3,}")),                                # coordinates
    ("number", _it(r"\b[a-z]{2}\d{2}(?:\s?[\da-z]{4}){2,7}(?:\s?[\da-z]{1,3})?\b")),            # IBAN
    ("number", _it(r"(?<![\w.,])(?!\d+\.\d+(?![.\d]))\+?\(?\d(?:[\s().-]{0,2}\d){6,18}(?![\w]|[.,]\d)")),    # telephone, card
    ("code", _it(r"[\w!#$%&*+/=?^~.-]*\d[\w!#$%&*+/=?^~-]*(?:[\s-]\d+)*", around=(rf"{_CODE_WORD}[^.?!]{{0,24}}?", ""))),
    ("code", _it(rf"{_DIGIT_WORD}(?:[\s-]+{_DIGIT_WORD}){{2,}}", around=(rf"{_CODE_WORD}[^.?!]{{0,24}}?", ""))),
    ("code", _it(r"\S+?(?=[.?!,]?(?:\s|$))", around=(r"\b(?:password|passcode|pass ?phrase)\s+(?:is|was|to|be)\s+", ""))),
)  # fmt: skip

_KIN: Final = (
    r"(?:wife|husband|son|daughter|mother|father|mum|mom|dad|brother|sister|aunt|uncle|nan|gran|grandma|grandpa|grandmother|"
    r"grandfather|cousin|niece|nephew|friend|boyfriend|girlfriend|partner|fianc[eé]e?|neighbou?r|colleague|boss|teacher|nanny|"
    r"carer|cleaner|roommate|flatmate|baby|kid|child|dog|cat)"
)
_NAMED: Final[tuple[re.Pattern[str], ...]] = (
    _it(r"[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?", around=(r"\b(?:[Mm]rs?|[Mm]s|[Mm]iss|[Dd]r)\.?\s+", r"\b"), flags=0),
    _it(r"[a-z]{2,}", around=(r"\b(?:mrs|mr|ms|dr)\.?\s+", r"\b")),
    _it(r"[A-Z][\w’-]+(?:\s+[A-Z][\w’-]+)?",
        around=(rf"\b(?:[Mm]y|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir)\s+(?:\w+\s+)?{_KIN},?\s+", r"\b"), flags=0),
)  # fmt: skip
# Before a first name, if it is somebody of ours: nobody writes a card to a singer. After other words ("how old is adele",
# "about michael jackson") it is taken for a public one.
_BEFORE_A_NAME: Final = re.compile(
    rf"\b(?:(?:my|our|his|her|their)\s+(?:\w+\s+)?{_KIN}|dear|hi|hello|hey|tell|text|email|e-mail|call|message|"
    r"(?:for|to|with|named|called|named after|from)(?:\s+(?:my|our|little|dear|old|young|baby))*)\s*$", re.IGNORECASE)


def _first_names(text: str) -> Iterable[tuple[int, int]]:
    """First names that are spoken of as one's own people are."""
    words = _words(text)
    for place, (word, start, end) in enumerate(words):
        if word.removesuffix("'s") not in first_names() or not _BEFORE_A_NAME.search(text[:start]):
            continue
        following = words[place + 1][0] if place + 1 < len(words) else ""
        capitalised = place + 1 < len(words) and text[words[place + 1][1]].isupper()
        if text[start].isupper() and capitalised:
            yield start, words[place + 1][2]            # "for Anna Miller"
        elif following and following not in _LITTLE and not text[start].isupper():
            yield start, words[place + 1][2]            # "for anna miller", where nothing has capitals
        else:
            yield start, end - 2 * word.endswith("'s")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LITTLE: Final = _set(
    "a about after an and are as asking at because before but by can could did do does for from had has have her his how i if in "
    "inviting is it me my not of on or our saying says she should so tell that thanking the their then they this to was we what "
    "when where which who whose will wishing with would you your 's")


@cache
def first_names() -> frozenset[str]:
    """Some hundreds of first names, without those that are everyday words or places besides."""
    text = files("ingle.engine").joinpath("train/corpus/lexicons/first_name.txt").read_text(encoding="utf-8")
    return frozenset(text.casefold().split()) - _ALSO_WORDS - _ALSO_PLACES


_ALSO_WORDS: Final = _set("april art august bill dawn daisy faith frank grace heather hope iris ivy jack joy june lily mark may "
                          "olive pat penny rob robin rose ruby summer sue violet will wren")


_ALSO_PLACES: Final = _set("austin brooklyn carolina chad charlotte chelsea china dakota florence georgia india israel jordan "
                           "kenya lourdes madison paris phoenix savannah sydney victoria")


def _owners(device: str) -> list[str]:
    """Of "Anna's Night Light": Anna."""
    return [match.group(1) for match in re.finditer(r"\b(\w{2,})['’]s\b", device)]


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of some phrases as whole words, the longest first; with none, what never matches."""
    longest = sorted({" ".join(each.split()) for each in phrases if each.strip()}, key=len, reverse=True)
    options = "|".join(r"\s+".join(map(re.escape, each.split())) for each in longest)
    return re.compile(rf"(?<!\w)(?P<it>{options})(?!\w)" if options else r"(?P<it>(?!))", re.IGNORECASE)


def _spoken_pattern(secret: str) -> re.Pattern[str]:
    """A code as it is written or spoken: 4711, 4-7-1-1, "four seven one one"."""
    names = {"0": "0|zero|oh", "1": "1|one", "2": "2|two", "3": "3|three", "4": "4|four", "5": "5|five", "6": "6|six",
             "7": "7|seven", "8": "8|eight", "9": "9|nine"}
    parts = [f"(?:{names[each]})" if each in names else re.escape(each) for each in secret]
    spaced = r"[\s,.-]*".join(parts)
    return re.compile(rf"(?<!\w)(?P<it>{spaced})(?!\w)", re.IGNORECASE)


def _words(text: str) -> list[tuple[str, int, int]]:
    return [(match.group().casefold(), match.start(), match.end()) for match in re.finditer(r"\w+(?:['’]\w+)*", text)]
