"""What the parts of the voice pipeline say to one another: audio, transcripts, and the small interfaces behind which a
recogniser, a synthesiser, a wake word, a microphone and a loudspeaker can be exchanged.

Audio inside Ingle is 16-bit, mono, 16 kHz, in frames of `FRAME_SAMPLES`; only a `Sound` to be played has a rate of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000         # Hz, of everything that is listened to
FRAME_SAMPLES: Final = 512          # of one frame, 32 ms: what the voice activity detector takes
FRAME_S: Final = FRAME_SAMPLES / SAMPLE_RATE

Samples = NDArray[np.int16]         # (n,), mono


# Log probabilities of other texts for the same sound, comparable with one another. Blocking: call it from a worker thread.
Rescore = Callable[[Sequence[str]], tuple[float, ...]]


class VoiceError(Exception):
    """Something about speech or audio that its owner can mend: one line that names it and the cure."""


@dataclass(frozen=True)
class Sound:
    """Something to be played."""

    samples: Samples
    rate: int                       # Hz


@dataclass(frozen=True)
class Hypothesis:
    """One reading of what was said."""

    text: str
    score: float = 0.0              # log probability (natural, of the whole text); comparable within one Transcript


@dataclass(frozen=True)
class Transcript:
    """What a recogniser understood, the likeliest reading first. Empty where nothing was said."""

    hypotheses: tuple[Hypothesis, ...] = ()
    no_speech: float = 0.0          # 0..1: how likely it is that nobody spoke; 0.0 where the recogniser can't tell
    rescore: Rescore | None = field(default=None, compare=False, repr=False)    # None where the recogniser can't

    @property
    def text(self) -> str:
        return self.hypotheses[0].text if self.hypotheses else ""


@dataclass(frozen=True)
class Phrases:
    """This home's own words, which recognition leans towards. In each tuple the likeliest to be said come first."""

    names: tuple[str, ...] = ()     # devices, scenes, lists, as they are called
    areas: tuple[str, ...] = ()     # rooms and floors
    people: tuple[str, ...] = ()
    values: tuple[str, ...] = ()    # options of devices, effects, values of the household's own lists
    vocabulary: tuple[str, ...] = ()    # single words of the household's own sentences
    sentences: tuple[str, ...] = () # whole sentences that can be said here: what a closed grammar is compiled from

    def words(self) -> tuple[str, ...]:
        """All but the sentences, none twice."""
        return tuple(dict.fromkeys((*self.names, *self.areas, *self.people, *self.values, *self.vocabulary)))


OnPartial = Callable[[Transcript], None]


class SpeechToText(Protocol):
    """A recogniser. One transcription at a time."""

    name: str                       # for records and `ingle doctor`: "whisper tiny.en int8"

    def lean_towards(self, phrases: Phrases) -> None:
        """Take this home's words; called again whenever they change. Cheap: what costs is done at the next transcription."""

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        """What was said in `speech`, whose end is the end of what was said.

        Args: on_partial: hears of what is understood so far, from a recogniser that can tell; never after the return.
        Raises: VoiceError: it can't be done now (a server that is gone); nothing is lost for the next one.
        """

    async def close(self) -> None: ...


class TextToSpeech(Protocol):
    """A synthesiser."""

    name: str

    def synthesize(self, text: str) -> AsyncIterator[Sound]:
        """One sentence as sound, in pieces as they become ready. Closing the iterator ends the work. Raises: VoiceError."""

    async def close(self) -> None: ...


class WakeWord(Protocol):
    """Listens all the time for a word or two."""

    words: tuple[str, ...]          # as they are said: "okay nabu"

    async def heard(self, frame: Samples) -> str | None:
        """Listen to one more frame; the word, where it has just been said. Raises: VoiceError."""

    def reset(self) -> None:
        """Forget what was listened to: after it was heard, or after a gap."""

    async def close(self) -> None: ...


class AudioSource(Protocol):
    """A microphone, a file or the network."""

    def frames(self) -> AsyncIterator[Samples]:
        """Frames of FRAME_SAMPLES until the source ends. Closing the iterator closes the device. Raises: VoiceError."""


class AudioSink(Protocol):
    """A loudspeaker, a file or the network."""

    async def play(self, sound: Sound) -> None:
        """Return when it was heard, or handed on in the pace of hearing. Raises: VoiceError."""

    async def stop(self) -> None:
        """Be silent at once; what is being played is dropped and `play` returns."""
