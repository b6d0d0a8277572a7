"""The training corpus: a seeded stream of examples from patterns, people, templates and compositions of them."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...text import PUNCTUATION, prepare
from . import DoesNotFit
from .canonical import Frame
from .fill import fill, sort_value
from .forms import Example, Pattern, Schema, Value, build
from .noise import add_noise
from .people import Said, clinc, hwu64
from .reader import read_patterns

if TYPE_CHECKING:
    from .templates import Templates

# Shares of the stream. People's own words are repeated often for their number, as nothing teaches more.
_SHARES = {"patterns": 0.56, "people": 0.17, "joined": 0.14, "templates": 0.08, "cut": 0.02, "delayed": 0.03}
_BALANCE = 0.55  # an intent is drawn in proportion to (its patterns) ** this
_ANSWERS = {"Confirm", "Deny", "HassNevermind", "Repeat"}
_ASKED_CHOICE, _ASKED_ANSWER, _ASKED_OTHER = 0.9, 0.5, 0.03
_MORE = {"NotForUs": 2.0}    # a microphone hears more of it than of anything
_JOINTS = ("and", "and", "and", "and then", "then", ", and", ",", "and also", ", then", "also", ". and", "plus", "after that")
HELD_OUT = 12  # one in so many sentences of the people's sets is never trained on: `held_out`


class Corpus:
    """An endless, deterministic stream of examples.

    Args:
        schema: `skills.schema.load_schema()`.
        data: folder of the development data (hwu64, CLINC150); None: without people's sentences.
        seed: the same seed gives the same stream.
    """

    def __init__(self, schema: Schema, *, data: Path | None, seed: int = 0, templates: bool = True) -> None:
        self.schema, self.rng = schema, random.Random(seed)
        self.dropped: Counter[str] = Counter()
        self._patterns = _by_intent([p for p in read_patterns() if not _other_assistant(p)])
        self._weights = [len(patterns) ** _BALANCE * _MORE.get(group, 1.0) for group, patterns in self._patterns.items()]
        self._people = [said for said in people(data) if not held_out(said[0])] if data else []
        self._people_weights = _balanced(self._people)
        self._templates = _templates() if templates else None

    def __iter__(self) -> Iterator[Example]:
        while True:
            yield self.draw()

    def draw(self) -> Example:
        """The next example."""
        makers = {"patterns": self._pattern, "people": self._person, "joined": self._joined, "templates": self._template,
                  "cut": self._cut, "delayed": self._delayed}  # fmt: skip
        while True:
            kind = self.rng.choices(list(_SHARES), list(_SHARES.values()))[0]
            try:
                return self._after_a_question(add_noise(makers[kind](), self.rng))
            except DoesNotFit as error:
                self.dropped[f"{kind}: {error}"] += 1

    def _after_a_question(self, example: Example) -> Example:
        """Answers mostly come after a question of ours, and a choice hardly ever comes without one; so does, seldom, all else."""
        intent, slots = example.intents[0]
        share = _ASKED_CHOICE if intent == "Confirm" and slots else _ASKED_ANSWER if intent in _ANSWERS else _ASKED_OTHER
        example.asked = len(example.intents) == 1 and self.rng.random() < share
        return example

    def _pattern(self) -> Example:
        intent = self.rng.choices(list(self._patterns), self._weights)[0]
        pattern = self.rng.choice(self._patterns[intent])
        text, frames = fill(pattern, self.rng)
        return build(text, frames, self.schema, pattern.source)

    def _person(self) -> Example:
        if not self._people:
            return self._pattern()
        text, frames = self.rng.choices(self._people, cum_weights=self._people_weights)[0]
        return build(text, frames, self.schema, "people")

    def _template(self) -> Example:
        if self._templates is None:
            return self._pattern()
        text, frames = self._templates.draw(self.rng)
        return build(text, frames, self.schema, "templates")

    def _joined(self) -> Example:
        """Two or three short commands in one breath."""
        parts: list[Example] = []
        while len(parts) < (3 if self.rng.random() < 0.15 else 2):
            part = self._template() if self.rng.random() < 0.2 else self._pattern()
            if part.acts and len(part.words) <= 11 and part.intents[0][0] not in _STANDS_ALONE:
                parts.append(part)
        return join(parts, [self.rng.choice(_JOINTS).split() for _ in parts[1:]])

    def _delayed(self) -> Example:
        """A command for later: "in ten minutes" before or behind one for now."""
        part = self._template() if self.rng.random() < 0.3 else self._pattern()
        if len(part.intents) > 1 or part.intents[0][0] not in _CAN_WAIT or len(part.words) > 12:
            raise DoesNotFit("nothing that can wait")
        slot, openers = self.rng.choice((("in", ("in", "after", "in about")), ("at", ("at", "at around"))))
        when = sort_value(slot, None, self.rng).split()
        return delay(part, slot, prepare(" ".join(when)).split(), self.rng.choice(openers).split(), self.schema, self.rng)

    def _cut(self) -> Example:
        """A command broken off before it said what is meant."""
        whole = self._pattern()
        starts = [value.first for _, slots in whole.intents for _, value in slots if value.first > 1]
        if not whole.acts or not starts:
            raise DoesNotFit("nothing to cut")
        return Example(words=whole.words[: min(starts)], intents=[("Unclear", [])], source="cut", acts=False)


_STANDS_ALONE = {"Confirm", "Deny", "HassNevermind", "HassRespond", "Repeat", "Undo", "AskKnowledge", "Remember",
                 "CreateRoutine", "SetReminder", "HassBroadcast", "Forget", "Snooze"}  # fmt: skip


_CAN_WAIT = {"HassTurnOn", "HassTurnOff", "HassLightSet", "HassSetPosition", "HassClimateSetTemperature", "HassFanSetSpeed",
             "HassVacuumStart", "HassVacuumReturnToBase", "HassMediaPause", "HassSetVolume", "SetMode", "ArmAlarm"}  # fmt: skip


def delay(
    part: Example, slot: str, when: list[str], opener: list[str], schema: Schema, rng: random.Random
) -> Example:
    """`part` put off: its intent in RunLater, its slots kept, `when` in the slot "in" or "at"."""
    (intent, slots), before = part.intents[0], rng.random() < 0.4
    while part.words and part.words[-1] in PUNCTUATION:
        part.words.pop()
    first = len(opener) if before else len(part.words) + len(opener)
    if before:
        for _, value in slots:
            if value.first >= 0:
                shift = len(opener) + len(when)
                value.first, value.last = value.first + shift, value.last + shift
    words = [*opener, *when, *part.words] if before else [*part.words, *opener, *when]
    own = [("intent", Value(pieces=(f"<V:{intent}>",))), (slot, Value(first=first, last=first + len(when) - 1))]
    order = schema["intents"]["RunLater"]["slots"]
    later = sorted([*slots, *own], key=lambda pair: order.index(pair[0]))
    return Example(words=words, intents=[("RunLater", later)], source="delayed")


def _templates() -> Templates:
    from .templates import Templates  # needs hassil and home-assistant-intents: only where a model is trained

    return Templates()


def join(parts: list[Example], joints: list[list[str]]) -> Example:
    """Several examples as one sentence, the spans moved along."""
    words: list[str] = []
    intents: list[tuple[str, list[tuple[str, Value]]]] = []
    for part, joint in zip(parts, [[], *joints], strict=True):
        while words and joint and words[-1] in ".!?":
            words.pop()
        words += joint
        for _, slots in part.intents:
            for _, value in slots:
                if value.first >= 0:
                    value.first, value.last = value.first + len(words), value.last + len(words)
        intents += part.intents
        words += part.words
    return Example(words=words, intents=intents, source="joined")


def people(data: Path) -> list[Said]:
    """What people said, from the development data that may be trained on."""
    return [*hwu64(data / "hwu64_train.jsonl"), *clinc(data / "clinc_oos_dev.jsonl")]


def held_out(text: str) -> bool:
    """Is this sentence kept from training, to measure on?"""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % HELD_OUT == 0


def _balanced(said: list[Said]) -> list[float]:
    counts = Counter(frames[0].intent for _, frames in said)
    total, cumulative = 0.0, []
    for _, frames in said:
        total += counts[frames[0].intent] ** (_BALANCE - 1)
        cumulative.append(total)
    return cumulative


def _by_intent(patterns: list[Pattern]) -> dict[str, list[Pattern]]:
    """Patterns by what they ask: their intents in order."""
    groups: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        groups.setdefault(_group(pattern.frames), []).append(pattern)
    return groups


def _group(frames: tuple[Frame, ...]) -> str:
    """Sentences of several commands are one group: their combinations would outweigh the rest."""
    if len(frames) > 1:
        return "several"
    intent = frames[0].intent
    inner = dict(frames[0].slots)
    return f"{intent} {inner.get('domain', '')}" if intent in ("HassTurnOn", "HassTurnOff", "HassGetState") else intent


def _other_assistant(pattern: Pattern) -> bool:
    """"alexa, …" as not-for-us clashes with people who call any assistant by that name; left out."""
    first = pattern.text.split()[:2]
    return pattern.frames[0].intent == "NotForUs" and any(word in _ASSISTANTS for word in first)


_ASSISTANTS = {"alexa", "siri", "google", "cortana", "bixby"}
