"""What happens to a sentence on its way: fillers, slips of the finger, mishearings, lost or added punctuation.

Every change keeps the spans of the answer in step with the words, so the answer copies what was really said.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ...text import PUNCTUATION
from .forms import Example, Value

Rng = random.Random
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    letter: {row[i] for row in _KEYS for i in range(len(row)) if letter in row and abs(i - row.index(letter)) == 1}
    for letter in "".join(_KEYS)
}
_OPENERS = (
    "please", "hey", "ok", "okay", "um", "uh", "so", "right", "well", "hi", "erm", "oh", "yo", "could you", "can you",
    "would you", "can you please", "could you please", "please can you", "i want you to", "i need you to", "go ahead and",
    "just", "quickly", "oi", "listen", "alright", "hello", "i'd like you to", "will you", "be a dear and", "kindly",
)  # fmt: skip
_WAKE = ("ingle", "hey ingle", "ok ingle", "alexa", "computer", "jarvis", "hey jarvis", "olly", "google", "hey google",
         "siri", "hey siri", "hey house", "ok google", "cortana", "assistant", "hey nabu", "ok nabu")  # fmt: skip
_CLOSERS = (
    "please", "thanks", "thank you", "for me", "will you", "would you", "ok", "cheers", "now", "if you can", "for me please",
    "mate", "love", "dear", "if you don't mind", "real quick", "when you can", "ta", "then", "right away", "alright",
)  # fmt: skip
# What a recogniser hears instead. Words on both sides are common; the answer copies the wrong word where it lies in a span.
_HEARD = {
    "to": ("two", "too"), "two": ("to", "too"), "for": ("four", "fore"), "four": ("for",), "the": ("da", "a"),
    "lights": ("lice", "likes", "light"), "light": ("like", "lite", "lights"), "off": ("of",), "of": ("off",),
    "lamp": ("lamb", "lump"), "dim": ("dem", "team"), "blinds": ("blind", "blinds are"), "fan": ("van", "fun"),
    "heating": ("eating", "heeding"), "heat": ("eat", "heed"), "set": ("said", "sat"), "turn": ("tern", "torn", "turned"),
    "close": ("clothes", "clothe"), "hall": ("hole", "haul"), "kitchen": ("chicken", "kitten"), "bedroom": ("bed room",),
    "living": ("leaving", "lifting"), "bathroom": ("bath room", "bathrooms"), "their": ("there",), "there": ("their",),
    "on": ("an", "own"), "in": ("and", "an"), "and": ("an", "in"), "timer": ("time are", "tima"), "alarm": ("a larm",),
    "lock": ("look", "log"), "door": ("dough", "doors"), "window": ("windows",), "garage": ("garbage",), "pause": ("paws",),
    "play": ("plate", "pray"), "volume": ("volumes",), "hour": ("our",), "minutes": ("minute", "minute's"),
    "eight": ("ate",), "ten": ("tan", "then"), "twenty": ("plenty",), "is": ("his", "as"), "open": ("opened", "hope in"),
    "switch": ("which", "swish"), "study": ("steady",), "office": ("off is", "officer"), "garden": ("guarding",),
    "down": ("town",), "up": ("app",), "curtains": ("certain", "curtain"), "speaker": ("speakers",), "warm": ("worm",),
    "bright": ("bride", "brite"), "add": ("at", "ad"), "list": ("lift", "listen"), "remind": ("rewind",), "me": ("be",),
    "what's": ("watts",), "vacuum": ("back room", "vacume"), "mute": ("moot",), "red": ("read",), "blue": ("blew",),
    "bread": ("bred",), "flour": ("flower",), "thermostat": ("thermos stat", "thermal stat"), "please": ("pleas",),
}  # fmt: skip
_TYPED = {"you": "u", "please": "pls", "are": "r", "your": "ur", "what's": "whats", "minutes": "mins", "seconds": "secs",
          "don't": "dont", "i'm": "im", "it's": "its", "that's": "thats", "can't": "cant", "and": "n", "to": "2",
          "is": "iz", "temperature": "temp", "living": "livin", "something": "smth", "tomorrow": "tmrw", "because": "bc",
          "okay": "k", "percent": "pct", "thanks": "thx", "volume": "vol", "light": "lite", "the": "teh"}  # fmt: skip


def add_noise(example: Example, rng: Rng) -> Example:
    """One example as it may really come in. Changes it in place and returns it."""
    _punctuate(example, rng)
    if example.acts and rng.random() < 0.16:
        insert(example, 0, rng.choice(_OPENERS).split())
    if example.acts and rng.random() < 0.10:
        insert(example, _end(example), rng.choice(_CLOSERS).split())
    if example.intents[0][0] not in ("NotForUs",) and rng.random() < 0.05:
        insert(example, 0, rng.choice(_WAKE).split() + [","] * (rng.random() < 0.3))
    if rng.random() < 0.07:
        _fill_in(example, rng)
    fate = rng.random()
    if fate < 0.10:
        _some_words(example, rng, _typo, 2)
    elif fate < 0.15:
        _some_words(example, rng, lambda word, _: _TYPED.get(word, word), 3)
    elif fate < 0.24:
        _some_words(example, rng, lambda word, rng: rng.choice(_HEARD.get(word, (word,))), 2, only=_HEARD)
    return example


def insert(example: Example, place: int, new: list[str]) -> None:
    """Put words in before `place`; a span that starts there starts after them."""
    example.words[place:place] = new
    for value in _spans(example):
        if value.first >= place:
            value.first += len(new)
        if value.last >= place:
            value.last += len(new)


def _remove(example: Example, place: int) -> None:
    del example.words[place]
    for value in _spans(example):
        if value.first > place:
            value.first -= 1
        if value.last >= place:
            value.last -= 1


def _spans(example: Example) -> list[Value]:
    return [value for _, slots in example.intents for _, value in slots if value.first >= 0]


def _end(example: Example) -> int:
    return len(example.words) - (example.words[-1] in PUNCTUATION)


def _punctuate(example: Example, rng: Rng) -> None:
    """Speech has no punctuation; what is typed has some."""
    if rng.random() < 0.55:
        inside = {i for value in _spans(example) for i in (value.first, value.last)}
        for place in range(len(example.words) - 1, -1, -1):
            if example.words[place] in PUNCTUATION and place not in inside and len(example.words) > 1:
                _remove(example, place)
    elif example.words[-1] not in PUNCTUATION and rng.random() < 0.5:
        example.words.append(rng.choice((".", ".", "!", "?" if not example.acts else ".")))


def _fill_in(example: Example, rng: Rng) -> None:
    """An "um" between two words, not inside a span."""
    places = [
        place
        for place in range(1, len(example.words))
        if not any(value.first < place <= value.last for value in _spans(example))
    ]
    if places:
        insert(example, rng.choice(places), rng.choice(("um", "uh", "er", "like", "you know", "erm", ", um ,")).split())


def _some_words(
    example: Example, rng: Rng, change: Callable[[str, Rng], str], most: int, only: dict[str, tuple[str, ...]] | None = None
) -> None:
    places = [i for i, word in enumerate(example.words) if word.isalpha() and (only is None or word in only)]
    for place in rng.sample(places, min(len(places), rng.randint(1, most))):
        new = change(example.words[place], rng).split()
        if not new:
            continue
        example.words[place] = new[0]
        for word in reversed(new[1:]):
            _widen(example, place, word)


def _widen(example: Example, place: int, word: str) -> None:
    """Put `word` behind the word at `place`, into every span that holds it."""
    example.words.insert(place + 1, word)
    for value in _spans(example):
        if value.first > place:
            value.first += 1
        if value.last >= place:
            value.last += 1


def _typo(word: str, rng: Rng) -> str:
    if len(word) < 4:
        return word
    place = rng.randint(0, len(word) - 2)
    kind = rng.random()
    if kind < 0.35:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind < 0.6:
        return word[:place] + word[place + 1 :]
    if kind < 0.8:
        return word[:place] + word[place] + word[place:]
    near = sorted(_NEIGHBOURS.get(word[place], ()))
    return word[:place] + (rng.choice(near) if near else word[place]) + word[place + 1 :]
