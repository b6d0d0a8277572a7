"""The short tones that say how things stand, made of sines."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from .audio import to_samples
from .types import SAMPLE_RATE, Sound

Earcon = Literal["listening", "understood", "nothing", "error"]

NOTES: Final[dict[str, tuple[float, ...]]] = {      # Hz, one after the other
    "listening": (660.0, 880.0), "understood": (880.0,), "nothing": (660.0, 494.0), "error": (330.0, 330.0),
}
NOTE_S: Final = 0.07
LOUDNESS: Final = 0.15


def earcon(which: Earcon) -> Sound:
    """A tone of at most a fifth of a second."""
    n = int(NOTE_S * SAMPLE_RATE)
    fade = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.01 * SAMPLE_RATE))
    notes = [LOUDNESS * fade * np.sin(2 * np.pi * hz * np.arange(n) / SAMPLE_RATE) for hz in NOTES[which]]
    return Sound(to_samples(np.concatenate(notes)), SAMPLE_RATE)
