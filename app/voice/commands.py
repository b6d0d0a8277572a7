"""Sentences as people command a home, filled with this home's names: what a recogniser of few words is made for.

They are no grammar of what Ingle understands, only examples of how words follow one another.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Final

from .types import Phrases

SEED: Final = 1
EACH: Final = 6                     # sentences for every name, room, person
NUMBERS: Final = 3                  # times through all numbers

NUMBER_WORDS: Final = tuple("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
""".split())  # noqa: SIM905
TENS: Final = NUMBER_WORDS[20:28]

OF_A_NAME: Final = (
    "turn on the {name}", "turn off the {name}", "turn the {name} on", "turn the {name} off", "switch on the {name}",
    "switch off the {name}", "switch the {name} off please", "turn on {name}", "turn off {name}", "turn {name} off",
    "open the {name}", "close the {name}", "is the {name} on", "is the {name} open", "is the {name} locked",
    "lock the {name}", "unlock the {name}", "start the {name}", "start {name}", "stop the {name}", "stop {name}",
    "pause the {name}", "set the {name} to {n} percent", "set the {name} to {n} degrees", "set {name} to {n} degrees",
    "dim the {name} to {n} percent", "make the {name} {color}", "turn the {name} {color}", "turn up the {name}",
    "turn down the {name}", "turn {name} down to {n} percent", "set the volume of the {name} to {n} percent",
    "what is the {name}", "what's the {name}", "activate {name}", "send {name} home", "send {name} back to the dock",
    "tell {name} to clean the {area}", "turn on the {name} in the {area}", "could you turn on the {name}",
    "please turn off the {name}", "add {thing} to the {name}", "what's on the {name}",
    "turn the {name} on and the {name} off", "set the {name} to {value}",
)  # fmt: skip
OF_A_ROOM: Final = (
    "turn on the lights in the {area}", "turn off the lights in the {area}", "turn on the {area} lights",
    "turn off the {area} lights", "turn the {area} light off", "turn the {area} lights {color}",
    "set the {area} lights to {n} percent", "dim the lights in the {area}", "close the blinds in the {area}",
    "open the curtains in the {area}", "what's the temperature in the {area}", "how warm is it in the {area}",
    "is anybody in the {area}", "clean the {area}", "vacuum the {area}", "play music in the {area}",
    "turn off everything in the {area}", "are the lights on in the {area}", "could you put the lights on in the {area}",
    "lights off in the {area}",
)  # fmt: skip
OF_A_PERSON: Final = ("where is {person}", "is {person} home", "is {person} at home", "tell {person} dinner is ready")
OF_A_VALUE: Final = ("{value}", "{value} please", "set it to {value}", "play {value}")
OF_A_NUMBER: Final = (
    "set a timer for {n} minutes", "set a {n} minute timer", "start a timer for {n} seconds", "set a timer for {n} hours",
    "set an alarm for {n}", "wake me at {n}", "wake me up at {n} thirty", "set it to {n} percent", "set it to {n} degrees",
    "set the temperature to {n}", "set the volume to {n} percent", "{n} percent", "{n} degrees", "remind me in {n} minutes",
    "set a timer for {n} minutes and {n} seconds", "add {n} minutes to the timer", "half past {n}", "a quarter to {n}",
)  # fmt: skip
ALONE: Final = (
    "turn on the lights", "turn off the lights", "turn everything off", "turn it on", "turn it off", "turn it up",
    "turn it down", "make it brighter", "make it warmer", "make it cooler", "stop", "cancel", "yes", "no", "never mind",
    "pause", "play", "next", "louder", "quieter", "cancel the timer", "how long is left on the timer", "stop the alarm",
    "what time is it", "what day is it", "what's the date", "what's the weather like", "will it rain tomorrow",
    "good night", "good morning", "lock all the doors", "are all the windows closed", "did i leave anything on",
    "what did you say", "undo that", "do it again", "open the blinds", "close the blinds", "close the curtains", "mute",
    "unmute", "next song", "play some music", "add milk to the shopping list", "what's on the shopping list", "thank you",
)  # fmt: skip
COLORS: Final = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "white", "warm white", "cool white")
THINGS: Final = (
    "milk", "bread", "eggs", "butter", "cheese", "coffee", "tea", "sugar", "apples", "bananas", "onions", "rice", "pasta",
    "soap", "toilet paper", "washing powder", "batteries", "dog food", "cat food", "tomatoes", "chicken", "juice", "water",
    "olive oil",
)  # fmt: skip


def household_sentences(phrases: Phrases) -> list[str]:
    """Some thousand sentences, the same ones for the same phrases."""
    return list(_sentences(phrases, random.Random(SEED)))


def _sentences(phrases: Phrases, chance: random.Random) -> Iterator[str]:
    fill = {
        "name": phrases.names or ("light",), "area": phrases.areas or ("kitchen",), "person": phrases.people or ("mum",),
        "value": phrases.values or ("auto",), "color": COLORS, "thing": THINGS, "n": NUMBER_WORDS,
    }
    for patterns, slot in ((OF_A_NAME, "name"), (OF_A_ROOM, "area"), (OF_A_PERSON, "person"), (OF_A_VALUE, "value")):
        for phrase in fill[slot]:
            for pattern in chance.sample(patterns, min(EACH, len(patterns))):
                yield _filled(pattern.replace(f"{{{slot}}}", phrase, 1), fill, chance)
        for pattern in patterns:
            yield _filled(pattern, fill, chance)
    for number in (*NUMBER_WORDS, *(f"{tens} {ones}" for tens in TENS for ones in NUMBER_WORDS[1:10])):
        for pattern in chance.sample(OF_A_NUMBER, NUMBERS):
            yield _filled(pattern.replace("{n}", number, 1), fill, chance)
    yield from (_filled(pattern, fill, chance) for thing in THINGS for pattern in (f"add {thing} to the shopping list",))
    yield from ALONE
    yield from phrases.sentences


def _filled(pattern: str, fill: dict[str, tuple[str, ...]], chance: random.Random) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: chance.choice(fill[slot[1]]), pattern)
