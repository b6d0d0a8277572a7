"""Conditions and events of the home as people say them: "the window is open", "it's after ten", "nobody is home",
"the front door opens after ten", "the temperature drops below 17 in the nursery", "a window is open for ten minutes".

`read_clause` takes the words apart, without the home; `Watch` finds the devices they are about and tells whether it is so now.
`HouseConditions` is `turn.services["conditions"]`. What is not understood raises `NotUnderstood`: nothing is guessed to hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any, Final, Literal

from .api import Turn
from .home.model import Entity, Home
from .home.resolver import Context, Said, resolve
from .moments import DAY_NAMES, MAX_CHARS, NotUnderstood, digitised, read_length, read_time_of_day, spoken_time, weekday_of
from .states import can_tell, holds, is_known, number
from .wording import noun_of
from .words import fold, kind_words, singular

PEOPLE: Final = frozenset({"person", "device_tracker"})
NIGHT: Final = (time(21), time(6))
MORNING_COMES: Final = time(5)          # "after ten" lasts the night
MOMENTARY: Final = frozenset({"event", "button"})   # their state is when it last happened: every new one is an event

FINISHED_W: Final = 5.0
FINISHED_FOR_S: Final = 60.0
SURE_OF_NAME: Final = 0.7               # a thing called less alike than that is not the one that is meant

Many = Literal["one", "any", "all", "none"]


@dataclass(frozen=True)
class Hours:
    """A part of the day; over midnight where it ends before it begins. `days`: 0 is Monday; empty: every day."""

    start: time = time(0)
    end: time = time(0)
    days: tuple[int, ...] = ()

    def hold(self, now: datetime) -> bool:
        clock = now.time()
        whole = self.start == self.end
        inside = whole or (self.start <= clock < self.end if self.start < self.end else clock >= self.start or clock < self.end)
        return inside and (not self.days or now.weekday() in self.days)


@dataclass(frozen=True)
class StateTest:
    """Something is in a state of the catalogue."""

    subject: str                    # "front door"; "" for people in general
    state: str                      # "open", "on", "home", …; "happens": it is momentary, like a bell
    many: Many = "one"
    negated: bool = False
    device_class: str | None = None     # where the kind is all that was said: "there's motion in the hall"
    area: str | None = None


@dataclass(frozen=True)
class NumberTest:
    """A reading is above or below a value."""

    subject: str
    measure: str                    # a sensor's device class
    above: bool
    value: float
    area: str | None = None


@dataclass(frozen=True)
class Clause:
    """What was said. Without `test`, only the time of day counts."""

    said: str
    test: StateTest | NumberTest | None = None
    hours: Hours | None = None
    for_s: float = 0.0              # how long it must have been so


# --- reading

def read_clause(said: str, now: datetime) -> Clause:
    """Take a condition or an event apart. Raises: NotUnderstood."""
    text = re.sub(r"^(?:when|whenever|if|once|as soon as|every time|each time|only if|only when)\s+", "", _plain(said))
    if not text or len(said) > MAX_CHARS:
        raise NotUnderstood(f"not a condition: {said[:MAX_CHARS]!r}")
    alone = _take_hours(re.sub(r"^it(?: i|')s ", "", text), now)
    if alone[0] is not None and not alone[1].strip(" ,."):
        return Clause(said, hours=alone[0])
    text, for_s = _take_length(text)
    hours, text = _take_hours(text, now)
    test = _read_test(" ".join(text.split()).strip(" ,."))
    if test is None:
        raise NotUnderstood(f"not a condition: {said!r}")
    return Clause(said, test=test, hours=hours, for_s=for_s)


_SHORT: Final = r"open|closed|shut|on|off|locked|unlocked|home|in|out|away|back|done|finished|over|running|wet|dry|full|empty|low"
_SAID_OTHERWISE: Final[tuple[tuple[str, str], ...]] = (
    (r"\bthere is (?:no one|nobody)(?: at)? (home|in|here)\b|\bthe house is empty\b", "nobody is home"),
    (r"\bthere is (?:someone|somebody|anyone|anybody)(?: at)? (?:home|in)\b", "someone is home"),
    (r"\b(?:someone|somebody|anyone) (?:rings|presses) (?:at )?the (?:door)?bell\b", "the doorbell rings"),
    (r"^(?:i|we|you|someone|somebody|anyone) (arm|disarm|lock|unlock|open|close|shut|pause)s? (.+?)"
     r"( at night| in the .+| after .+| before .+)?$", r"\2 \1s\3"),
    (r"^(?:i|we|you|someone|somebody|anyone) (?:turn|switch|put)(?:es|s)? (on|off) (.+)$", r"\2 turns \1"),
    (r"^(?:i|we|you|someone|somebody|anyone) (?:turn|switch|put)(?:es|s)? (.+) (on|off)$", r"\1 turns \2"),
)


def _plain(said: str) -> str:
    text = digitised(said[:MAX_CHARS])
    text = re.sub(r"\bno 1\b", "nobody", re.sub(r"\bco 2\b", "co2", text))
    text = re.sub(r"\b(we|they|you)'re\b", r"\1 are", text)
    text = re.sub(rf"\b(\w+)'s (?=(?:all )?(?:{_SHORT})\b)", r"\1 is ", text)
    text = re.sub(r"\b(there|that|it|who|what)'s\b", r"\1 is", text)
    text = re.sub(r"\b(nobody|somebody|someone|everyone|everybody|anyone|anybody|no one)'s\b", r"\1 is", text)
    text = re.sub(r"\bisn't\b|\baint\b", "is not", text)
    text = re.sub(r"\baren't\b", "are not", re.sub(r"\b(?:still|already|currently|right now|now|just|ever)\b", " ", text))
    text = " ".join(re.sub(r"\bwe are all\b", "everyone is", text).split())
    for pattern, other in _SAID_OTHERWISE:
        text = re.sub(pattern, other, text)
    return text.replace("arms", "is armed").replace("disis armed", "is disarmed")


def _take_length(text: str) -> tuple[str, float]:
    match = re.search(r"\b(?:for|longer than|more than) ((?:\d+|a|an|half an?) (?:second|minute|hour)s?(?: and a half)?)\b", text)
    if match is None:
        return text, 0.0
    return f"{text[: match.start()]} {text[match.end() :]}", read_length(match[1]).total_seconds()


_CLOCK: Final = (r"(?:\d{1,2}(?:[:. ]\d{2})? ?(?:am|pm)?|noon|midday|midnight|half past \d{1,2}|half \d{1,2}"
                 r"|quarter (?:past|to) \d{1,2})(?: at night| in the (?:morning|evening|afternoon))?")


def _take_hours(text: str, now: datetime) -> tuple[Hours | None, str]:
    for pattern, make in _HOURS:
        match = re.search(pattern, text)
        if match is None or (made := make(match, now)) is None:
            continue
        rest = f"{text[: match.start()]} {text[match.end() :]}"
        more, rest = _take_hours(rest, now)
        return (made if more is None else replace(more, days=made.days) if made.days else replace(made, days=more.days)), rest
    return None, text


def _clock(said: str, now: datetime, *, late: bool) -> time | None:
    """A bare hour is late after "after" ("after ten"), early after "before"."""
    bare = re.fullmatch(r"(\d{1,2})(?:[:. ](\d{2}))?", said.strip())
    if bare and 1 <= int(bare[1]) <= 12:
        hour = int(bare[1]) % 12
        return time(hour + 12 if late and hour >= 1 else hour, int(bare[2] or 0))
    try:
        return read_time_of_day(now, said, wake=not late)
    except NotUnderstood:
        return None


def _after(match: re.Match[str], now: datetime) -> Hours | None:
    start = _clock(match[1], now, late=True)
    return None if start is None else Hours(start, MORNING_COMES if start >= time(12) else time(0))


def _before(match: re.Match[str], now: datetime) -> Hours | None:
    end = _clock(match[1], now, late=False)
    return None if end is None else Hours(time(0), end)


def _between(match: re.Match[str], now: datetime) -> Hours | None:
    start, end = (_clock(match[place], now, late=True) for place in (1, 2))
    return None if start is None or end is None else Hours(start, end)


_HOURS: Final[tuple[tuple[str, Callable[[re.Match[str], datetime], Hours | None]], ...]] = (
    (rf"\bbetween ({_CLOCK}) and ({_CLOCK})(?![\w%])", _between),
    (rf"\bfrom ({_CLOCK}) (?:to|till|until) ({_CLOCK})(?![\w%])", _between),
    (rf"\b(?:after|past|later than|from) ({_CLOCK})(?! ?(?:degree|percent|%|minute|second|hour))\b", _after),
    (rf"\b(?:before|earlier than|until) ({_CLOCK})(?! ?(?:degree|percent|%|minute|second|hour))\b", _before),
    (r"\b(?:at night|in the night|during the night|overnight)\b", lambda match, now: Hours(*NIGHT)),
    (r"\bin the morning\b", lambda match, now: Hours(time(5), time(12))),
    (r"\bin the afternoon\b", lambda match, now: Hours(time(12), time(18))),
    (r"\bin the evening\b", lambda match, now: Hours(time(17), time(0))),
    (r"\bduring the day\b", lambda match, now: Hours(time(6), time(21))),
    (r"^(?:the )?night(?: ?time)?$", lambda match, now: Hours(*NIGHT)),
    (r"^(?:the )?morning$", lambda match, now: Hours(time(5), time(12))),
    (r"\bon (?:a )?(?:weekdays?|school days?|work ?days?)\b|^a weekday$", lambda match, now: Hours(days=(0, 1, 2, 3, 4))),
    (r"\b(?:on|at) (?:the )?weekends?\b|^the weekend$", lambda match, now: Hours(days=(5, 6))),
    (rf"\bon (?:a )?({DAY_NAMES})s?\b|^({DAY_NAMES})$", lambda match, now: Hours(days=(weekday_of(match[1] or match[2]),))),
)

# How a change or a state is said, and which of the catalogue's states it is. The subject stands before.
_BE: Final = r"(?:is|are|gets?|was|were|has been|have been|becomes?|goes|left)"
_STATES: Final[tuple[tuple[str, str], ...]] = (
    (rf"(?:opens?|(?:{_BE} )?(?:left )?open(?:ed)?)", "open"),
    (rf"(?:close[sd]?|shuts?|{_BE} (?:closed?|shut))", "closed"),
    (rf"(?:unlocks?|{_BE} unlocked)", "unlocked"),
    (rf"(?:locks?|{_BE} locked)", "locked"),
    (rf"(?:(?:turns?|goe?s?|comes?|switch(?:es)?|{_BE}(?: turned| switched| left)?) on|{_BE} running|"
     r"starts?(?: running)?|runs)", "on"),
    (rf"(?:turns?|goe?s?|switch(?:es)?|{_BE}(?: turned| switched)?) off", "off"),
    (rf"finish(?:es|ed)?|{_BE} (?:done|finished|over)|(?:has|have) finished|stops?|ends?", "finished"),
    (rf"(?:starts? playing|plays?|{_BE} playing)", "playing"),
    (rf"(?:pauses?|{_BE} paused)", "paused"),
    (rf"(?:comes?|gets?|arrives?|{_BE}|{_BE} back|comes? back) (?:at )?(?:home|back|in)(?: from .+)?|arrives?", "home"),
    (rf"(?:leaves?(?: the house| home)?|goes out|{_BE} (?:away|out|gone|not home))", "not_home"),
    (rf"(?:leaks?|gets? wet|{_BE} (?:wet|leaking))", "wet"),
    (rf"{_BE} dry|dries", "dry"),
    (rf"(?:triggers?|{_BE} triggered|sounds|alarms)", "triggered"),
    (rf"(?:detects? (?:motion|movement|someone|something|anything)|moves|{_BE} (?:moving|detected|occupied))", "detected"),
    (rf"(?:rings|{_BE} (?:rung|pressed|pushed))", "happens"),
    (rf"{_BE} (armed|disarmed|cleaning|docked|mowing|charging|full|low|hot|cold|online|offline|unavailable)", r"\1"),
    (rf"(?:runs out|{_BE} (?:empty|nearly empty|almost empty))", "low"),
)
_KINDS: Final[tuple[tuple[str, str], ...]] = (     # what there may be, without a device being named
    (r"(?:motion|movement|someone moving|somebody moving)", "motion"), (r"smoke", "smoke"),
    (r"(?:a )?(?:leak|water)", "moisture"), (r"gas", "gas"), (r"(?:anyone|someone|somebody|presence)", "occupancy"),
)
_MEASURES: Final[dict[str, str]] = {
    "temperature": "temperature", "humidity": "humidity", "co2": "co2", "carbon dioxide": "carbon_dioxide", "power": "power",
    "brightness": "illuminance", "light level": "illuminance", "pressure": "pressure", "battery": "battery", "wind": "wind_speed",
}
_WARM: Final = r"hotter|warmer|colder|cooler"
_EVERYONE: Final[dict[str, Many]] = {
    "nobody": "none", "no one": "none", "everyone": "all", "everybody": "all", "we": "all", "all of us": "all",
    "the last person": "all", "we all": "all", "someone": "any", "somebody": "any", "anyone": "any", "anybody": "any",
    "the first person": "any",
}


def _read_test(text: str) -> StateTest | NumberTest | None:
    return _read_number(text) or _read_there(text) or _read_state(text)


def _read_number(text: str) -> NumberTest | None:
    """"the temperature drops below 17 in the nursery", "it is colder than 5 outside", "the bathroom humidity goes above 70"."""
    match = re.fullmatch(
        rf"(?P<subject>.*?)\s*(?:{_BE}|drops?|falls?|rises?|climbs?|goes|hits)?\s*(?:to )?"
        rf"(?P<way>below|under|less than|lower than|above|over|more than|higher than|(?:{_WARM}) than)\s+"
        r"(?P<minus>minus |-)?(?P<value>\d+(?:\.\d+)?) ?(?P<unit>degrees?(?: celsius| fahrenheit)?|percent|%|watts?|ppm|°c?)?"
        r"\s*(?P<place>.*)", text)
    if match is None:
        return None
    below = re.match(r"below|under|less|lower|colder|cooler", match["way"]) is not None
    value = float(match["value"]) * (-1 if match["minus"] else 1)
    subject, area = _place_of(f"{match['subject']} {match['place']}")
    measure = next((found for word, found in _MEASURES.items() if re.search(rf"\b{word}\b", subject)), None)
    if measure is None:
        unit = match["unit"] or ""
        measure = "power" if unit.startswith("watt") else "humidity" if unit in ("percent", "%") else "temperature"
    subject = _bare(re.sub(rf"\b(?:{'|'.join(_MEASURES)}|level|of|in)\b", " ", subject))
    return NumberTest("" if subject in ("it", "the") else subject, measure, not below, value, area)


def _read_there(text: str) -> StateTest | None:
    """"there is motion in the hall", "motion in the hall", "something moves in the garden", "it is raining" is none."""
    text = re.sub(r"^(?:some(?:thing|one|body)) (?:moves|is moving)", "there is motion", text)
    text = re.sub(r"^(motion|movement|smoke) (?:is )?(?:detected|sensed|seen)?\s*", r"there is \1 ", text)
    match = re.fullmatch(r"there is (?P<no>no |not )?(?:any )?(?P<rest>.*)", text)
    if match is None:
        return None
    rest, area = _place_of(match["rest"])
    kind = next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, _bare(rest))), None)
    if kind is None:
        return None
    return StateTest("", "detected", "any", bool(match["no"]), device_class=kind, area=area)


def _read_state(text: str) -> StateTest | None:
    for pattern, state in _STATES:
        match = re.fullmatch(rf"(?P<subject>.+?)\s+(?P<state>{pattern})(?P<place> (?:in|on|at) .+)?", text)
        denied = re.fullmatch(
            rf"(?P<subject>.+?)\s+(?:is|are|does|do|has|have) (?:not|no longer) (?P<state>{pattern})(?P<place> (?:in|on|at) .+)?",
            re.sub(r"\b(is|are) not\b", r"\1 not \1", text))
        found = denied or match
        if found is None:
            continue
        state = re.sub(r"\\1", next((word for word in found.groups()[2:] if word), "") if "\\" in state else "", state)
        return _about(found["subject"] + (found["place"] or ""), _state_of(state, found), negated=denied is not None)
    return None


def _state_of(state: str, found: re.Match[str]) -> str:
    """"the alarm goes off" is the opposite of "the light goes off"."""
    sounds = re.search(r"\b(?:alarm|detector|siren)s?$", found["subject"]) and found["state"] in ("goes off", "go off")
    return "triggered" if sounds else state


def _about(subject: str, state: str, *, negated: bool) -> StateTest:
    place_of, area = _place_of(subject)
    who = place_of.strip()
    if who in _EVERYONE and state in ("home", "not_home"):
        return StateTest("", state, _EVERYONE[who], negated)
    if who in _EVERYONE and state == "happens":
        return StateTest("bell", state, "any", negated)
    many: Many = "one"
    if re.match(r"(?:a|an|any|one of|some|either) ", who):
        many = "any"
    elif re.match(r"(?:all|every|both|each) ", who):
        many = "all"
    elif re.match(r"(?:no|none of) ", who):
        many = "none"
    return StateTest(_bare(who), state, many, negated, area=area)


def _place_of(text: str) -> tuple[str, str | None]:
    match = re.search(r"\b(?:in|on) (?:the |my |our )?(?!there\b|here\b|it\b)([a-z][\w' ]*)$"
                      r"|\b(outside|outdoors|upstairs|downstairs|inside)\b$", text.strip())
    if match is None:
        return re.sub(r"\b(?:in|on) (?:there|here)\b", " ", text), None
    return f"{text[: match.start()]}".strip(), (match[1] or match[2]).strip()


def _bare(subject: str) -> str:
    leading = (r"^(?:one of the|none of the|all of the|some of the|all the|the|a|an|any|every|both|each|no|my|our|some|"
               r"either|all)\s+")
    text = " ".join(subject.split())
    while re.match(leading, text):
        text = re.sub(leading, "", text)
    return text


# --- telling whether it is so

@dataclass(frozen=True)
class Where:
    """From where a condition is looked at: which room, what "it" is, who speaks."""

    context: Context = field(default_factory=Context)
    about: tuple[str, ...] = ()         # entity ids that "it" is about
    speaker: str | None = None


class Watch:
    """A clause in this home: which devices it is about, and whether it is so. The devices are looked up anew as they change.

    Raises: NotUnderstood: nothing here could tell.
    """

    def __init__(self, clause: Clause, home: Home, where: Where | None = None) -> None:
        self.clause = clause
        self._home = home
        self._where = where or Where()
        self._version = -1
        self._entities: tuple[Entity, ...] = ()
        if clause.test is not None and not self.entities:
            raise NotUnderstood(f"nothing here tells: {clause.said!r}")

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Those it is about."""
        if self._version != self._home.version and self.clause.test is not None:
            self._entities = _entities(self.clause.test, self._home, self._where)
            self._version = self._home.version
        return self._entities

    @property
    def momentary(self) -> bool:
        return isinstance(self.clause.test, StateTest) and self.clause.test.state == "happens"

    def holds(self, now: datetime) -> bool | None:
        """Whether it is so; None when it cannot be told. How long it has been so is not asked here."""
        if self.clause.hours is not None and not self.clause.hours.hold(now):
            return False
        return True if self.clause.test is None else self.is_so()

    def is_so(self) -> bool | None:
        """Whether the devices are so, whatever the time of day."""
        test = self.clause.test
        assert test is not None     # a clause of hours alone is never asked for its devices
        if isinstance(test, NumberTest):
            values = [value for entity in self.entities if (value := number(entity.state)) is not None]
            return any(value > test.value if test.above else value < test.value for value in values) if values else None
        if self.momentary:
            return False
        if test.state == "finished":
            return self._finished(test)
        known = [held for entity in self.entities if (held := holds(entity, test.state)) is not None]
        if not known:
            return None
        many: Many = "all" if test.many == "one" else test.many
        so = {"any": any(known), "all": all(known), "none": not any(known), "one": all(known)}[many]
        return so != test.negated

    def _finished(self, test: StateTest) -> bool | None:
        """A machine on a plug that measures draws next to nothing when it is done; any other is off, or back in its place."""
        for power in self._power():
            watts = number(power.state)
            return None if watts is None else (watts < FINISHED_W) != test.negated
        done = [any(holds(entity, state) for state in ("off", "docked", "idle")) for entity in self.entities if is_known(entity)]
        return None if not done else all(done) != test.negated

    def _power(self) -> list[Entity]:
        devices = {entity.device_name or entity.name for entity in self.entities}
        return [entity for entity in self._home.entities.values()
                if entity.device_class == "power" and entity.device_name in devices]

    @property
    def watched(self) -> frozenset[str]:
        """The ids of all whose changes may change the answer."""
        finished = isinstance(self.clause.test, StateTest) and self.clause.test.state == "finished"
        return frozenset(entity.entity_id for entity in (*self.entities, *(self._power() if finished else ())))

    @property
    def for_s(self) -> float:
        """How long it must have been so: a machine pauses between its steps."""
        finished = isinstance(self.clause.test, StateTest) and self.clause.test.state == "finished"
        return self.clause.for_s or (FINISHED_FOR_S if finished and self._power() else 0.0)

    def told(self) -> str:
        """The event, as it is told when it has happened: "the front door opened"."""
        return _HAPPENED.get(getattr(self.clause.test, "state", ""), "{}").format(self._noun()) if isinstance(
            self.clause.test, StateTest) and self._noun() else self.clause.said

    def _noun(self) -> str:
        test = self.clause.test
        if not isinstance(test, StateTest) or test.many != "one" or test.negated or len(self.entities) != 1:
            return ""
        entity = self.entities[0]
        return entity.name if entity.domain in PEOPLE else noun_of(entity).text


_HAPPENED: Final[dict[str, str]] = {
    "open": "{} opened", "closed": "{} closed", "on": "{} went on", "off": "{} went off", "finished": "{} finished",
    "locked": "{} was locked", "unlocked": "{} was unlocked", "home": "{} came home", "not_home": "{} left",
    "detected": "{} noticed something", "playing": "{} began to play", "paused": "{} was paused", "wet": "{} got wet",
    "happens": "{} rang", "triggered": "{} went off",
}


def _entities(test: StateTest | NumberTest, home: Home, where: Where) -> tuple[Entity, ...]:
    if isinstance(test, NumberTest):
        return _sensors(test, home, where)
    if test.state in ("home", "not_home") and _is_person(test, where):
        return _people(test, home, where)
    if test.device_class is not None:
        return _of_class(test.device_class, test.area, home)
    if test.subject in ("it", "they", "that", "them"):
        ids = where.about or where.context.last or where.context.recent[:1]
        return tuple(home.entities[one] for one in ids if one in home.entities)
    if test.state == "happens":
        return _momentary(test, home)
    return _named(test, home, where)


def _is_person(test: StateTest, where: Where) -> bool:
    return test.subject not in ("it", "they")


def _people(test: StateTest, home: Home, where: Where) -> tuple[Entity, ...]:
    exposed = [entity for entity in home.entities.values() if entity.exposed and entity.domain in PEOPLE]
    everyone = [entity for entity in exposed if entity.domain == "person"] or exposed
    if not test.subject:
        return tuple(everyone)
    name = where.speaker if test.subject == "i" else test.subject
    if name is None:
        return tuple(everyone) if len(everyone) == 1 else ()
    found = resolve(home, Said(name=name), where.context, domains=PEOPLE)
    return found.entities if found.question is None else ()


def _of_class(device_class: str, area: str | None, home: Home) -> tuple[Entity, ...]:
    said = Said(domain="binary_sensor", device_class=device_class, area=area, plural=True, everywhere=area is None)
    found = resolve(home, said, Context())
    near = {"occupancy": ("occupancy", "presence", "motion")}.get(device_class, (device_class,))
    return tuple(entity for entity in found.entities if entity.device_class in near) if found.question is None else ()


def _momentary(test: StateTest, home: Home) -> tuple[Entity, ...]:
    """A bell: an event, a button, or a sensor that is on for a moment."""
    named = [entity for entity in home.entities.values()
             if entity.exposed and "bell" in f"{entity.name} {entity.device_class}".lower()]
    if "bell" in test.subject:
        return tuple(named)
    found = resolve(home, Said(name=test.subject), Context(), domains=frozenset({"event", "button", "binary_sensor"}))
    return found.entities if found.question is None else ()


def _sensors(test: NumberTest, home: Home, where: Where) -> tuple[Entity, ...]:
    area = test.area or (where.context.area if not test.subject else None)
    said = Said(domain="sensor", device_class=test.measure, area=area, name=test.subject or None, plural=True)
    found = resolve(home, said, where.context, domains=frozenset({"sensor"}))
    entities = found.entities if found.question is None else ()
    if not entities and test.subject and test.area is None:      # "the bathroom humidity": the room stands before
        said = replace(said, name=None, area=test.subject)
        found = resolve(home, said, where.context, domains=frozenset({"sensor"}))
        entities = found.entities if found.question is None else ()
    return tuple(entity for entity in entities if entity.device_class == test.measure)


def _named(test: StateTest, home: Home, where: Where) -> tuple[Entity, ...]:
    """By name or kind, among the domains that ever are in that state: of the front door, its contact opens, its lock unlocks."""
    state = "off" if test.state == "finished" else test.state
    domains = frozenset(entity.domain for entity in home.entities.values() if entity.exposed and can_tell(entity, state))
    said = Said(name=test.subject, area=test.area, state=None if test.state == "finished" else state,
                plural=test.many != "one" or None, everywhere=test.many != "one" and test.area is None)
    found = resolve(home, said, where.context, domains=domains)
    if test.area is not None and found.area is None and found.floor is None:
        return ()
    said_kind = any(singular(word) in kind_words() for word in fold(test.subject))
    if not said_kind and not any(re.search(r"\b(?:name|alias)\b", one.why) for one in found.candidates):
        return ()           # a room alone: "the bath is on" is not about its lights
    entities = found.entities or (found.choices if test.many != "one" else ())
    scores = {one.entity_id: one.score for one in found.candidates}
    return tuple(entity for entity in entities
                 if can_tell(entity, state) and scores.get(entity.entity_id, 1.0) >= SURE_OF_NAME)


# --- the service

class HouseConditions:
    """`turn.services["conditions"]`: whether words like "the window is open" hold now."""

    async def holds(self, condition: str, turn: Turn, about: Sequence[str] = ()) -> bool | None:
        """None: it cannot be told. `about`: what "it" is in the words."""
        where = Where(turn.context, tuple(about), turn.speaker)
        try:
            watch = Watch(read_clause(condition, turn.now), turn.home, where)
        except NotUnderstood:
            return None
        if watch.clause.for_s or watch.momentary:
            return None         # how long it has been so is the history's to know
        return watch.holds(turn.now)


def spoken_clause(clause: Clause) -> str:
    """As understood, for reading back: "the front door opens, between 10 PM and 5 AM, for 5 minutes"."""
    said = re.sub(r"^(?:when|whenever|if|once|as soon as|every time|each time)\s+", "", clause.said.strip(), flags=re.IGNORECASE)
    if clause.hours is None or (clause.hours.start == clause.hours.end and clause.hours.days):
        return said
    bare = re.sub(r"\s*,?\s*\b(?:after|past|before|between|from|until)\b (?:[\w:.' ]+)$", "", said) if clause.test else ""
    return f"{bare or said}, between {spoken_time(_on(clause.hours.start))} and {spoken_time(_on(clause.hours.end))}"


def _on(clock: time) -> datetime:
    return datetime.combine(datetime(2000, 1, 1).date(), clock)


def facts(watch: Watch) -> Mapping[str, Any]:
    """The devices and their states, for a record of why."""
    return {entity.entity_id: entity.state for entity in watch.entities if is_known(entity)}
