"""Questions about what was: "when was the front door last opened?", "what did I ask you to do this morning?".

The catalogue has one intent for all of them. Devices, state and time are in its slots where they were said; what is wanted of
them (when, how long, how often, whether) is told by the question's own words (`kind_of_question`). Nothing here ever acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from .api import Done, Turn, Unclear, skill
from .devices.targets import Where
from .history import Ask, Change, HistoryStore
from .home.model import Entity
from .moments import spoken_length
from .past import Window, past_window, spoken_past
from .questions import called, called_together, meant, telling
from .slots import as_spoken, spoken_list
from .states import can_tell, holds, told
from .wording import sentence
from .words import fold

NO_HISTORY: Final = "I keep no history."
ASKS_AT_MOST: Final = 5         # requests read out
CHANGES_AT_MOST: Final = 6      # devices read out
AWAY: Final = timedelta(hours=24)       # so long ago "while I was out" may have begun, where nothing tells
PEOPLE: Final = ("person", "device_tracker")

_ABOUT_ASKS = re.compile(
    r"\b(?:did|have|had|was|were|the (?:last|first)|my (?:last|first)|everything|things?|all)\b.*\b(?:i|we|my)\b.*"
    r"\b(?:ask|asked|tell|told|say|said|request|requested|command|commands|order|ordered|want|wanted|requests?)\b"
    r"|\bmy (?:last|first|previous|recent) (?:requests?|commands?|questions?|orders?)\b")
_ABOUT_CHANGES = re.compile(r"\b(?:change[ds]?|happen(?:ed|ing)?|went on|going on|goings on|miss(?:ed)?|new|been up to)\b")
_WHILE_AWAY = re.compile(r"\b(?:out|away|gone|off|asleep|sleeping|at work|not home|not here|left)\b")

# What the question's own words say of the state asked for, where the model wrote none.
_STATES: Final = (
    (r"\bunlock(?:ed)?\b", "unlocked"), (r"\block(?:ed|ing)?\b", "locked"), (r"\bopen(?:ed|ing)?\b", "open"),
    (r"\b(?:close|closed|shut)\b", "closed"), (r"\b(?:play|played|playing)\b", "playing"),
    (r"\b(?:come|came|home|back)\b", "home"),
    (r"\b(?:leave|left|went out|go out)\b", "not_home"), (r"\b(?:clean|cleaned|vacuumed|hoovered)\b", "cleaning"),
    (r"\b(?:mowed|mown|mow)\b", "mowing"), (r"\b(?:motion|moved|detected)\b", "detected"), (r"\barmed\b", "armed"),
    (r"\bdisarmed\b", "disarmed"), (r"\boff\b", "off"), (r"\b(?:on|ran|run|running|used|lit|going)\b", "on"),
)  # fmt: skip
_BECAME: Final = {
    "open": "opened", "closed": "closed", "locked": "locked", "unlocked": "unlocked", "on": "turned on", "off": "turned off",
    "armed": "armed", "disarmed": "disarmed", "detected": "triggered",
}  # fmt: skip


class Question(Enum):
    WHEN = "when"
    HOW_LONG = "how long"
    HOW_OFTEN = "how often"
    WHETHER = "whether"
    WHAT = "what"


def kind_of_question(text: str) -> Question:
    """What is wanted of what happened to a device."""
    said = _words(text)
    if re.search(r"\bhow (?:often|many times|frequently)\b|\bnumber of times\b", said):
        return Question.HOW_OFTEN
    if re.search(r"\bhow (?:long|much time|many (?:hours|minutes|seconds|days))\b|\bsince when\b", said):
        return Question.HOW_LONG
    if re.search(r"\bwhen\b|\bwhat time\b|\blast time\b|\bhow long ago\b", said):
        return Question.WHEN
    return Question.WHAT if re.match(r"(?:what|show|tell|list)\b", said) else Question.WHETHER


@skill
class AskHistory:
    """What was. "when was the front door last opened?" -> "The front door was last opened at 2:05 PM, 25 minutes ago." """

    intent = "AskHistory"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        state: str | None = None
        date: str | None = None
        at: str | None = None
        query: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        store: HistoryStore | None = turn.services.get("history")
        if store is None:
            return Done(reply=NO_HISTORY)
        window = _window(slots, turn)
        said = _words(turn.text)
        if _names_nothing(slots) and _ABOUT_ASKS.search(said):
            return _what_was_asked(store, said, window, turn)
        if _names_nothing(slots) or (_ABOUT_CHANGES.search(said) and slots.name is None and slots.domain is None):
            return _what_changed(store, slots, said, window, turn)
        state = slots.state or next((state for pattern, state in _STATES if re.search(pattern, said)), None)
        said_of = replace(slots.said(), state=state)
        found = meant(said_of, turn)
        entities = found.entities if state is None else telling(found.entities, state, said_of, turn.home)
        return _of_devices(store, _Asked(entities, state, window, turn), kind_of_question(turn.text))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))


def _names_nothing(slots: AskHistory.Slots) -> bool:
    return all(one is None for one in (slots.name, slots.area, slots.floor, slots.domain, slots.device_class))


def _window(slots: AskHistory.Slots, turn: Turn) -> Window | None:
    said = " ".join(part for part in (slots.date, slots.at) if part)
    return (past_window(said, turn.now) if said else None) or past_window(turn.text, turn.now)


# --- devices

@dataclass(frozen=True)
class Stretch:
    """From when to when something was so; `until` None: it still is. `known`: its beginning was seen."""

    since: datetime
    until: datetime | None
    known: bool = True

    def length_s(self, now: datetime) -> float:
        return ((self.until or now) - self.since).total_seconds()


@dataclass(frozen=True)
class _Asked:
    """What a question is about: devices, in a state, in a stretch of time."""

    entities: Sequence[Entity]
    state: str | None
    window: Window | None
    turn: Turn

    @property
    def noun(self) -> str:
        return called_together(self.entities).text

    @property
    def plural(self) -> bool:
        return called_together(self.entities).plural

    @property
    def was(self) -> str:
        return "were" if self.plural else "was"

    @property
    def became(self) -> str:
        """"opened", "turned on"; of what does not become so by a deed, the state itself."""
        state = self.state or "changed"
        return _BECAME.get(state, state.replace("_", " ")) if state != "on" or not self._runs else "running"

    @property
    def _runs(self) -> bool:
        return bool({"running", "run", "ran"} & set(fold(self.turn.text)))

    @property
    def so(self) -> str:
        """"open", "on", "running": to follow "has been"."""
        return "running" if self.state == "on" and self._runs else (self.state or "so").replace("_", " ")

    def ago(self, when: datetime) -> str:
        return spoken_past(when, self.turn.now)


def _of_devices(store: HistoryStore, asked: _Asked, question: Question) -> Done:
    """Answer about the devices; several together are taken as one: the doors were last opened when any was."""
    ids = tuple(entity.entity_id for entity in asked.entities)
    if asked.state is None:
        reply = _last_change(store, asked)
    elif not any(can_tell(entity, asked.state) for entity in asked.entities):
        raise Unclear(f"I can't tell when {asked.noun} {asked.was} {asked.became}.")
    else:
        reply = _ANSWERS[question](asked, _stretches(store, asked))
    return Done(reply=sentence(reply), entities=ids, facts=tuple(asked.entities))


def _stretches(store: HistoryStore, asked: _Asked) -> list[Stretch]:
    """When any of the devices was in the state, oldest first, as far as the history goes back."""
    found: list[Stretch] = []
    for entity in asked.entities:
        changes = [one for one in store.changes([entity.entity_id]) if one.at <= asked.turn.now.timestamp()]
        found += _stretches_of(entity, changes, asked)
    return sorted(found, key=lambda one: one.since)


def _stretches_of(entity: Entity, changes: Sequence[Change], asked: _Asked) -> list[Stretch]:
    found: list[Stretch] = []
    begun: tuple[datetime, bool] | None = None
    for change in changes:
        so = asked.state is not None and holds(replace(entity, state=change.state, attributes={}), asked.state)
        when = datetime.fromtimestamp(change.at, asked.turn.now.tzinfo)
        if so and begun is None:
            begun = (when, not change.seen)
        elif not so and begun is not None:
            found.append(Stretch(begun[0], when, begun[1]))
            begun = None
    return [*found, Stretch(begun[0], None, begun[1])] if begun is not None else found


def _within(stretches: Sequence[Stretch], window: Window | None) -> list[Stretch]:
    """The parts of them that lie in the window."""
    if window is None:
        return list(stretches)
    inside = [one for one in stretches if one.since < window.until and (one.until is None or one.until > window.since)]
    return [
        replace(one, since=max(one.since, window.since), until=min(one.until or window.until, window.until)) for one in inside
    ]


def _begun_in(stretches: Sequence[Stretch], window: Window | None) -> list[Stretch]:
    """Those that began in it, and were seen to."""
    return [one for one in stretches if one.known and (window is None or window.since <= one.since < window.until)]


def _when(asked: _Asked, stretches: Sequence[Stretch]) -> str:
    began = _begun_in(stretches, asked.window)
    if not began:
        return _not_seen(asked, stretches)
    last, now = began[-1], asked.turn.now
    ago = spoken_length(_rough((now - last.since).total_seconds()))
    in_time = "" if asked.window else " last"
    return f"{asked.noun} {asked.was}{in_time} {asked.became} {asked.ago(last.since)}, {ago} ago."


def _not_seen(asked: _Asked, stretches: Sequence[Stretch]) -> str:
    """Nothing began in that time: say what is known instead."""
    now_so = [one for one in stretches if one.until is None]
    if now_so and not now_so[-1].known and asked.window is None:
        since = asked.ago(now_so[-1].since)
        return f"{asked.noun} {'have' if asked.plural else 'has'} been {asked.so} since before I began to watch, {since}."
    when = f" {asked.window.said}" if asked.window else ", as far as I remember"
    return f"{asked.noun} {asked.was} not {asked.became}{when}."


def _how_long(asked: _Asked, stretches: Sequence[Stretch]) -> str:
    """The stretch that lasts, the time in the window, or the last stretch there was."""
    now = asked.turn.now
    if asked.window is not None:
        total = sum(one.length_s(now) for one in _within(stretches, asked.window))
        if total == 0:
            return _not_seen(asked, stretches)
        return f"{asked.noun} {asked.was} {asked.so} for {spoken_length(_rough(total))} {asked.window.said}."
    if not stretches:
        return f"{asked.noun} {asked.was} not {asked.so}, as far as I remember."
    last = stretches[-1]
    length = spoken_length(_rough(last.length_s(now)))
    if last.until is None:
        least = "" if last.known else "at least "
        has = "have" if asked.plural else "has"
        return f"{asked.noun} {has} been {asked.so} for {least}{length}, since {asked.ago(last.since).removeprefix('at ')}."
    not_now = f"{asked.noun} {'are' if asked.plural else 'is'} not {asked.so} now"
    return f"{not_now}; last {asked.ago(last.since)} for {length}."


def _how_often(asked: _Asked, stretches: Sequence[Stretch]) -> str:
    began = _begun_in(stretches, asked.window)
    if not began:
        return _not_seen(asked, stretches)
    when = f" {asked.window.said}" if asked.window else f" since {asked.ago(began[0].since).removeprefix('at ')}"
    last = "" if len(began) == 1 else f", last {asked.ago(began[-1].since)}"
    at = f", {asked.ago(began[0].since)}" if len(began) == 1 and asked.window else ""
    return f"{asked.noun} {asked.was} {asked.became} {_times(len(began))}{when}{last}{at}."


def _whether(asked: _Asked, stretches: Sequence[Stretch]) -> str:
    began = _begun_in(stretches, asked.window)
    if began:
        times = "" if len(began) == 1 else f", {_times(len(began))}"
        return f"yes, {asked.noun} {asked.was} {asked.became} {asked.ago(began[-1].since)}{times}."
    over = _within(stretches, asked.window)
    if over and asked.window is not None:
        return f"yes, {asked.noun} {asked.was} {asked.so} {asked.window.said}."
    return f"no, {_not_seen(asked, [])}"


_ANSWERS = {
    Question.WHEN: _when, Question.HOW_LONG: _how_long, Question.HOW_OFTEN: _how_often, Question.WHETHER: _whether,
    Question.WHAT: _when,
}  # fmt: skip


def _last_change(store: HistoryStore, asked: _Asked) -> str:
    """Without a state: what became of the devices, newest last; of a reading, between what it was."""
    window, now = asked.window, asked.turn.now
    since, until = (window.since.timestamp(), window.until.timestamp()) if window else (0.0, None)
    changes = store.changes([entity.entity_id for entity in asked.entities], since=since, until=until)
    in_time = f" {window.said}" if window else ""
    if not changes:
        return f"nothing changed{in_time} with {asked.noun}."
    if len(asked.entities) == 1 and (lowest_highest := _between(asked.entities[0], changes)):
        return f"{asked.noun} {asked.was} {lowest_highest}{in_time}."
    by_id = {entity.entity_id: entity for entity in asked.entities}
    clauses = [_became(by_id[one.entity_id], one, now) for one in changes[-CHANGES_AT_MOST:]]
    return f"{spoken_list(clauses)}."


def _between(entity: Entity, changes: Sequence[Change]) -> str | None:
    try:
        values = [float(one.state) for one in changes]
    except ValueError:
        return None
    low, high = as_spoken(min(values), entity.unit), as_spoken(max(values), entity.unit)
    return low if low == high else f"between {low} and {high}"


def _became(entity: Entity, change: Change, now: datetime) -> str:
    when = datetime.fromtimestamp(change.at, now.tzinfo)
    noun = called(entity)
    return f"{noun.text} {noun.be(past=True)} {told(replace(entity, state=change.state, attributes={}))} {spoken_past(when, now)}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _rough(seconds: float) -> float:
    """To the minute from two minutes on: nobody asks for more."""
    return seconds if seconds < 120 else round(seconds / 60) * 60


# --- what was asked

def _what_was_asked(store: HistoryStore, said: str, window: Window | None, turn: Turn) -> Done:
    """The requests of who asks; those that asked about requests are left out."""
    since, until = (window.since.timestamp(), window.until.timestamp()) if window else (0.0, None)
    asks = [one for one in store.asks(speaker=turn.speaker, since=since, until=until) if not _is_about_asks(one)]
    deeds = [one for one in asks if not _is_question(one)] if re.search(r"\bto do\b|\bdo for\b", said) else asks
    if not deeds:
        return Done(reply=sentence(f"you asked for nothing{f' {window.said}' if window else ' that I remember'}."))
    if re.search(r"\b(?:last|latest|most recent|just|previous)\b", said) and window is None:
        return Done(reply=f"You asked: {_quoted(deeds[0], turn.now)}.")
    told_ones = list(reversed(deeds[:ASKS_AT_MOST]))
    more = f", and {len(deeds) - len(told_ones)} more before that" if len(deeds) > len(told_ones) else ""
    when = sentence(f"{window.said}, you" if window else "you")
    return Done(reply=f"{when} asked: {spoken_list([_quoted(one, turn.now) for one in told_ones])}{more}.")


def _quoted(ask: Ask, now: datetime) -> str:
    return f"“{ask.text.strip().rstrip('.!?')}” {spoken_past(datetime.fromtimestamp(ask.at, now.tzinfo), now)}"


def _is_about_asks(ask: Ask) -> bool:
    return all(one.get("intent") in ("AskHistory", "Confirm", "Deny", "HassNevermind", "HassRespond") for one in ask.intents)


def _is_question(ask: Ask) -> bool:
    return all(str(one.get("intent")).startswith(_QUESTIONS) for one in ask.intents)


_QUESTIONS: Final = ("HassGet", "HassClimateGet", "Ask", "Why", "Calculate", "HassTimerStatus", "List", "AlarmStatus")


# --- what changed

def _what_changed(
    store: HistoryStore, slots: AskHistory.Slots, said: str, window: Window | None, turn: Turn
) -> Done:
    """The devices that changed, each with what it is like now and since when; readings and Ingle's own chatter are left out."""
    window = window or _while_away(store, said, turn)
    changes = store.all_changes(since=window.since.timestamp(), until=window.until.timestamp())
    newest: dict[str, Change] = {}
    for change in changes:
        entity = turn.home.entities.get(change.entity_id)
        if entity is not None and not change.seen and _is_telling(entity) and _is_in(entity, slots, turn):
            newest.pop(change.entity_id, None)
            newest[change.entity_id] = change
    if not newest:
        return Done(reply=sentence(f"nothing changed {window.said}."))
    told_ones = list(newest.values())[-CHANGES_AT_MOST:]
    clauses = [_became(turn.home.entities[one.entity_id], one, turn.now) for one in told_ones]
    more = len(newest) - len(told_ones)
    and_more = f", and {more} more" if more else ""
    return Done(reply=sentence(f"{window.said}: {spoken_list(clauses)}{and_more}."), entities=tuple(newest))


def _is_telling(entity: Entity) -> bool:
    """What people would tell one another: no readings, no settings."""
    return entity.exposed and not entity.category and entity.domain not in ("sensor", "update", "number", "text", "select")


def _is_in(entity: Entity, slots: AskHistory.Slots, turn: Turn) -> bool:
    return slots.area in (None, entity.area) and slots.floor in (None, turn.home.floor_of(entity))


def _while_away(store: HistoryStore, said: str, turn: Turn) -> Window:
    """From when somebody left until they were back: as their phone tells, else since they were last heard."""
    if not _WHILE_AWAY.search(said):
        return past_window("today", turn.now) or Window(turn.now - AWAY, turn.now, "in the last 24 hours")
    absences = [one for entity in _people_of(turn) for one in _absences(store, entity, turn)]
    if absences:
        last = max(absences, key=lambda one: one.since)
        return Window(last.since, last.until or turn.now, f"since {spoken_past(last.since, turn.now).removeprefix('at ')}"
                      if last.until is None else _from_to(last.since, last.until, turn.now))
    asks: Iterable[Ask] = store.asks(speaker=turn.speaker, until=turn.now.timestamp() - 60, limit=1)
    heard = next((datetime.fromtimestamp(one.at, turn.now.tzinfo) for one in asks), turn.now - AWAY)
    since = max(heard, turn.now - AWAY)
    return Window(since, turn.now, f"since {spoken_past(since, turn.now).removeprefix('at ')}")


def _people_of(turn: Turn) -> list[Entity]:
    """Who asks, where they are known by a phone or as a person; else everybody."""
    people = [entity for entity in turn.home.entities.values() if entity.exposed and entity.domain in PEOPLE]
    mine = [entity for entity in people if turn.speaker and fold(turn.speaker)[0] in fold(entity.name.replace("'s", ""))]
    return mine or people


def _absences(store: HistoryStore, entity: Entity, turn: Turn) -> list[Stretch]:
    asked = _Asked([entity], "not_home", None, turn)
    return _stretches_of(entity, store.changes([entity.entity_id]), asked)


def _from_to(since: datetime, until: datetime, now: datetime) -> str:
    return f"from {spoken_past(since, now).removeprefix('at ')} to {spoken_past(until, now).removeprefix('at ')}"
