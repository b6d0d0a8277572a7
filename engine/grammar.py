"""What the model may write after a sentence: intents with slots, as the catalogue allows them (ARCHITECTURE.md).

    parse  := intent+ <end>            one of `act: false` stands alone
    intent := <I:name> (<S:slot> value)*    slots in the catalogue's order, none twice unless `many`
    value  := span | number | step | <V:value>, by the slot's kind
    span   := a run of whole words of the sentence          number := span | digits
    step   := (<up> | <down>) number?

`Grammar` is compiled once; a `Cursor` follows one parse and says at each point which tokens may come next. As no piece
of the vocabulary crosses a space, a span is a run of the sentence's tokens: the cursor keeps the places where what was
written so far may stand (several, while a word occurs twice) and never looks at strings.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .gguf import ModelFileError
from .tokenizer import Tokenizer

log = logging.getLogger(__name__)

MAX_INTENTS = 8
MAX_SPAN_WORDS = 24
MAX_DIGITS = 5

Ids = npt.NDArray[np.int64]


class NotAllowed(ValueError):
    """A token that the grammar does not allow at this point."""


@dataclass(frozen=True)
class Span:
    """Words `first`..`last` of the sentence, inclusive."""

    first: int
    last: int


@dataclass(frozen=True)
class Digits:
    text: str                       # "50", "-2.5"


@dataclass(frozen=True)
class Choice:
    value: str                      # one of an enum's values, or "all"


@dataclass(frozen=True)
class Step:
    direction: str                  # "up" or "down"
    by: Span | Digits | None = None


Value = Span | Digits | Choice | Step


@dataclass
class Parsed:
    """One intent as written so far."""

    intent: str
    slots: list[tuple[str, Value]] = field(default_factory=list)


@dataclass(frozen=True)
class _Slot:
    name: str
    token: int
    kind: str
    many: bool
    choices: Mapping[int, str]      # token of <V:value> → value


@dataclass(frozen=True)
class _Intent:
    name: str
    act: bool
    slots: tuple[_Slot, ...]        # in the catalogue's order

    def place(self, token: int) -> int:
        return next(index for index, slot in enumerate(self.slots) if slot.token == token)


class Grammar:
    """The catalogue in a model's tokens."""

    def __init__(self, schema: Mapping[str, Any], tokenizer: Tokenizer) -> None:
        """Compile `skills.schema.load_schema()`'s data. What the vocabulary has no piece for is not offered.

        Raises: ModelFileError: the vocabulary was not made for this language.
        """
        pieces = _Pieces(tokenizer)
        self.parse = pieces.required("<parse>")
        self.end = pieces.required("<end>")
        self.asked = tokenizer.id("<asked>")
        self.directions = {token: name for name in ("up", "down") if (token := pieces.id(f"<{name}>")) is not None}
        self.digits = _digit_tokens(tokenizer)
        slots = {name: slot for name, spec in schema["slots"].items() if (slot := _slot(name, spec, pieces))}
        self.intents = {
            token: _Intent(name, bool(spec["act"]), tuple(slots[slot] for slot in spec["slots"] if slot in slots))
            for name, spec in schema["intents"].items()
            if (token := pieces.id(f"<I:{name}>")) is not None
        }
        if not self.intents:
            raise ModelFileError("tokenizer.ggml.tokens", "has no <I:intent> piece", "use a model trained for Ingle")
        pieces.report()
        self._many = frozenset(name for name, slot in slots.items() if slot.many)
        self._after: dict[tuple[Any, ...], Ids] = {}

    def start(self, words: Sequence[str], tokens: Sequence[Sequence[int]], *, max_tokens: int = 160) -> Cursor:
        """A cursor for one sentence: its words, and the tokens of each (at least one).

        After `max_tokens` nothing new is begun: the value in hand is finished, which takes at most as many tokens as
        the sentence has, and the parse ends.
        """
        return Cursor(self, Sentence(words, tokens), max_tokens)

    def is_many(self, slot: str) -> bool:
        """Whether the slot may be repeated in one intent."""
        return slot in self._many

    def after(self, intent: _Intent | None, slot: int, *, more: bool, words: bool) -> Ids:
        """Tokens that may follow a complete value: a slot, an intent, the end.

        Args: intent: the one being written, None at the start; slot: place of its last slot, -1 for none;
            more: another intent may come; words: the sentence has words that can be a span.
        """
        key = (intent and intent.name, slot, more, words)
        if key not in self._after:
            self._after[key] = np.asarray(sorted(self._following(intent, slot, more, words)), np.int64)
        return self._after[key]

    def _following(self, intent: _Intent | None, place: int, more: bool, words: bool) -> Iterator[int]:
        if intent is None:
            yield from self.intents
            return
        yield self.end
        for index, slot in enumerate(intent.slots):
            if (index > place or (index == place and slot.many)) and self._offers(slot, words):
                yield slot.token
        if more and intent.act:
            yield from (token for token, other in self.intents.items() if other.act)

    def _offers(self, slot: _Slot, words: bool) -> bool:
        """Whether a value can be written for the slot: nothing may lead into a dead end."""
        if slot.kind == "step":
            return bool(self.directions)
        can_be_words = words and slot.kind in ("span", "number")
        can_be_digits = self.digits is not None and slot.kind == "number"
        return can_be_words or can_be_digits or bool(slot.choices)


def _slot(name: str, spec: Mapping[str, Any], pieces: _Pieces) -> _Slot | None:
    token = pieces.id(f"<S:{name}>")
    if token is None:
        return None
    values = [*spec["values"], *spec["also"]]
    choices = {found: value for value in values if (found := pieces.id(f"<V:{value}>")) is not None}
    return _Slot(name, token, spec["kind"], spec["many"], choices)


class _Pieces:
    """Looks control pieces up and remembers which are missing."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.missing: list[str] = []

    def id(self, piece: str) -> int | None:
        token = self.tokenizer.id(piece)
        if token is None and piece not in self.missing:
            self.missing.append(piece)
        return token

    def required(self, piece: str) -> int:
        token = self.tokenizer.id(piece)
        if token is None:
            raise ModelFileError("tokenizer.ggml.tokens", f"has no piece {piece}", "use a model trained for Ingle")
        return token

    def report(self) -> None:
        if self.missing:
            log.warning("the model does not know, and so never answers with: %s", " ".join(self.missing))


class _DigitTokens(NamedTuple):
    """How the vocabulary spells a number that is not in the sentence."""

    prefixes: tuple[tuple[int, ...], ...]   # before the first digit: ("▁",), and ("▁-",) or ("▁", "-") of a negative
    minus: tuple[int, ...]                  # which of them is the negative's
    digits: Mapping[int, str]
    point: int | None


def _digit_tokens(tokenizer: Tokenizer) -> _DigitTokens | None:
    digits = {token: digit for digit in "0123456789" if (token := tokenizer.id(digit)) is not None}
    some = next(iter(digits.values()), "0")
    plain, minus = (tuple(tokens) for tokens in tokenizer.encode_words([some, f"-{some}"]))
    if plain[-1] not in digits or minus[-1] not in digits:
        return None     # a vocabulary that does not split digits: numbers are then only offered as words
    return _DigitTokens((plain[:-1], minus[:-1]), minus[:-1], digits, tokenizer.id("."))


class Sentence:
    """The sentence's tokens in a row, and where its words begin."""

    def __init__(self, words: Sequence[str], tokens: Sequence[Sequence[int]]) -> None:
        self.tokens = [token for word in tokens for token in word]
        self.word_of = [index for index, word in enumerate(tokens) for _ in word]   # token's place → word's place
        self.solid = [not _is_punctuation(word) for word in words]
        self.begins = [self._begins_word(at) for at in range(len(self.tokens) + 1)]  # the end counts as a beginning
        self.starts = [at for at, word in enumerate(self.word_of) if self.begins[at] and self._reaches_solid(word)]

    def _begins_word(self, at: int) -> bool:
        return at in (0, len(self.tokens)) or self.word_of[at] != self.word_of[at - 1]

    def _reaches_solid(self, word: int) -> bool:
        """Whether a span from `word` can come to hold more than punctuation."""
        return any(self.solid[word : word + MAX_SPAN_WORDS])

    def span(self, first: int, end: int) -> Span | None:
        """The tokens from `first` up to `end`, if they are whole words and not only punctuation."""
        if not self.begins[end]:
            return None
        span = Span(self.word_of[first], self.word_of[end - 1])
        return span if any(self.solid[span.first : span.last + 1]) else None

    def next(self, first: int, at: int) -> int | None:
        """The token that continues a span from `first` at `at`, None where it must stop."""
        if at == len(self.tokens):
            return None
        n_words = self.word_of[at] - self.word_of[first] + 1
        return self.tokens[at] if n_words <= MAX_SPAN_WORDS else None


def _is_punctuation(word: str) -> bool:
    return all(unicodedata.category(char)[0] in "PZC" for char in word)


class _SpanReading:
    """All the places of the sentence where the tokens written so far may stand."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        self.places = [(start, start) for start in sentence.starts]     # (first token, next token)

    def next(self) -> set[int]:
        following = (self.sentence.next(*place) for place in self.places)
        return {token for token in following if token is not None}

    def take(self, token: int) -> None:
        self.places = [(first, at + 1) for first, at in self.places if self.sentence.next(first, at) == token]

    def value(self) -> Span | None:
        """The first place where it is a whole span."""
        spans = (self.sentence.span(first, at) for first, at in self.places if at > first)
        return next((span for span in spans if span is not None), None)


class _DigitReading:
    """A number spelled out: an optional minus, up to MAX_DIGITS digits, one point among them."""

    def __init__(self, tokens: _DigitTokens) -> None:
        self.tokens = tokens
        self.taken: tuple[int, ...] = ()        # the prefix so far
        self.body = ""                          # digits and point so far
        self.alive = True

    def next(self) -> set[int]:
        if not self.alive:
            return set()
        if self.body:
            return self._next_in_body()
        found: set[int] = set()
        for prefix in self.tokens.prefixes:
            if prefix == self.taken:
                found |= set(self.tokens.digits)
            elif prefix[: len(self.taken)] == self.taken:
                found.add(prefix[len(self.taken)])
        return found

    def _next_in_body(self) -> set[int]:
        n_digits = len(self.body.replace(".", ""))
        if n_digits == MAX_DIGITS:
            return set()
        point = {self.tokens.point} if self.tokens.point is not None and "." not in self.body else set()
        return set(self.tokens.digits) | point

    def take(self, token: int) -> None:
        self.alive = token in self.next()
        if self.body or (self.taken in self.tokens.prefixes and token in self.tokens.digits):
            self.body += self.tokens.digits.get(token, ".")
        else:
            self.taken += (token,)

    def value(self) -> Digits | None:
        if not self.alive or not self.body or self.body.endswith("."):
            return None
        return Digits(("-" if self.taken == self.tokens.minus else "") + self.body)


_Reading = _SpanReading | _DigitReading


class Cursor:
    """Where one parse stands. `allowed` is never empty before `done`."""

    def __init__(self, grammar: Grammar, sentence: Sentence, max_tokens: int) -> None:
        self.grammar = grammar
        self.sentence = sentence
        self.intents: list[Parsed] = []
        self.done = False
        self.n_tokens = 0
        self._max_tokens = max_tokens
        self._intent: _Intent | None = None     # being written
        self._slot = -1                         # place of its last slot
        self._expects_value = False             # a slot was named; no token of its value has come
        self._direction: str | None = None      # of the step being written
        self._bare_step = False                 # the direction is all of it so far
        self._readings: list[_Reading] = []     # of the words or digits being written
        self._allowed: Ids | None = None

    def allowed(self) -> Ids:
        """Tokens that may come next, ascending; empty when done."""
        if self._allowed is None:
            self._allowed = self._compute_allowed()
        return self._allowed

    def forced(self) -> int | None:
        """The next token where there is no choice."""
        allowed = self.allowed()
        return int(allowed[0]) if len(allowed) == 1 else None

    def advance(self, token: int) -> None:
        """Take the next token. Raises: NotAllowed: the cursor stays where it was."""
        if token not in self.allowed():
            raise NotAllowed(f"token {token} may not come here")
        self.n_tokens += 1
        self._allowed = None
        if self._expects_value:
            self._begin_value(token)
        elif self._continues(token):
            self._take(token)
        else:
            self._close()
            self._begin(token)

    @property
    def _spent(self) -> bool:
        return self.n_tokens >= self._max_tokens

    @property
    def _current_slot(self) -> _Slot:
        assert self._intent is not None
        return self._intent.slots[self._slot]

    def _compute_allowed(self) -> Ids:
        if self.done:
            return np.empty(0, np.int64)
        if self._expects_value:
            return _ids(self._first_of_value())
        following = self._continuing()
        if self._value_pending():
            return _ids(following)
        closing = self._after()
        return closing if self._spent or not following else _ids(following | set(closing.tolist()))

    def _after(self) -> Ids:
        if self._spent and self._intent is not None:
            return np.asarray([self.grammar.end], np.int64)
        more = len(self.intents) < MAX_INTENTS
        return self.grammar.after(self._intent, self._slot, more=more, words=bool(self.sentence.starts))

    def _first_of_value(self) -> set[int]:
        slot = self._current_slot
        if slot.kind == "step":
            return set(self.grammar.directions)
        first = set(slot.choices)
        for reading in self._new_readings(slot.kind):
            first |= reading.next()
        return first

    def _new_readings(self, kind: str) -> list[_Reading]:
        readings: list[_Reading] = []
        if kind in ("span", "number", "step"):
            readings.append(_SpanReading(self.sentence))
        if kind in ("number", "step") and self.grammar.digits is not None:
            readings.append(_DigitReading(self.grammar.digits))
        return readings

    def _continuing(self) -> set[int]:
        found: set[int] = set()
        for reading in self._readings:
            found |= reading.next()
        return found

    def _continues(self, token: int) -> bool:
        return token in self._continuing()

    def _value_pending(self) -> bool:
        """Whether what was written of a value is not yet one. A step's bare direction is."""
        return bool(self._readings) and not self._bare_step and self._written() is None

    def _written(self) -> Span | Digits | None:
        """What the words or digits so far mean; as said, where both are possible."""
        values = (reading.value() for reading in self._readings)
        return next((value for value in values if value is not None), None)

    def _begin_value(self, token: int) -> None:
        self._expects_value = False
        slot = self._current_slot
        if token in slot.choices:
            self._put(Choice(slot.choices[token]))
            return
        self._readings = self._new_readings(slot.kind)
        if slot.kind == "step":
            self._direction, self._bare_step = self.grammar.directions[token], True
        else:
            self._take(token)

    def _take(self, token: int) -> None:
        self._bare_step = False
        for reading in self._readings:
            reading.take(token)

    def _close(self) -> None:
        """A value ends because something else begins."""
        if self._direction is not None:
            self._put(Step(self._direction, self._written()))
        elif self._readings:
            value = self._written()
            assert value is not None
            self._put(value)
        self._readings, self._direction, self._bare_step = [], None, False

    def _put(self, value: Value) -> None:
        self.intents[-1].slots.append((self._current_slot.name, value))

    def _begin(self, token: int) -> None:
        if token == self.grammar.end:
            self.done = True
        elif token in self.grammar.intents:
            self._intent, self._slot = self.grammar.intents[token], -1
            self.intents.append(Parsed(self._intent.name))
        else:
            assert self._intent is not None
            self._slot, self._expects_value = self._intent.place(token), True


def _ids(tokens: set[int]) -> Ids:
    return np.asarray(sorted(tokens), np.int64)
