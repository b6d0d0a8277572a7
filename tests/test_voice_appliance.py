"""An appliance with many options, in the household's own sentences: its words lead the recogniser, by voice as by text."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from ingle.app.commands.interpret import home_of
from ingle.app.config import Config
from ingle.app.custom import household_skills
from ingle.app.voice.hearing import Hearing
from ingle.app.voice.types import Hypothesis, OnPartial, Phrases, Samples, Transcript
from ingle.skills.sentences import OwnSentences

from .scripted import Scripted

HERE = Path(__file__).parent
COFFEE = yaml.safe_load((HERE / "scenarios" / "CustomSentences" / "coffee.yaml").read_text())["config"]["custom_sentences"]


class Mishears:
    """A recogniser that hears what it is told to."""

    name = "scripted"

    def __init__(self, *texts: str) -> None:
        self.phrases = Phrases()
        self._texts = texts

    def lean_towards(self, phrases: Phrases) -> None:
        self.phrases = phrases

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        async for _ in speech:
            pass
        return Transcript(tuple(Hypothesis(text, -float(place)) for place, text in enumerate(self._texts)))

    async def close(self) -> None:
        """Nothing is open."""


async def _hear(*texts: str) -> tuple[str, Phrases]:
    config = Config(custom_sentences=COFFEE)
    recognizer, home = Mishears(*texts), home_of(HERE.parent / "app" / "homes" / "demo.yaml")
    hearing = Hearing(recognizer, home, Scripted(), OwnSentences(household_skills(config).sentences), config=config)

    async def said() -> AsyncIterator[Samples]:
        yield np.zeros(512, np.int16)

    return (await hearing.understand(said())).text, recognizer.phrases


async def test_the_recogniser_is_told_the_words_of_the_household() -> None:
    _, phrases = await _hear("hello")
    heard = {value.lower() for value in phrases.values}
    assert {"dark roast", "light roast", "espresso", "cappuccino", "oat", "a lot of"} <= heard


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("make me a large dark roast coffee with oat milk", "make me a large dark roast coffee with oat milk"),
        ("make me a large dark rose coffee with oat milk", "make me a large dark roast coffee with oat milk"),
        ("make me a small light toast latte", "make me a small light roast latte"),
        ("make me a large espresso with goat milk", "make me a large espresso with oat milk"),
    ],
)
async def test_what_sounds_like_an_option_is_one(heard: str, meant: str) -> None:
    text, _ = await _hear(heard)
    assert " ".join(text.lower().rstrip(".").split()) == meant
