"""What a sentence's meaning says about the intent: a second opinion for parses that begin in doubt.

The language model was cut small and taught on our own sentences; the sentence encoder that the knowledge store uses anyway was
taught on a billion pairs of other people's. A small head on its vector, fitted by `engine/train/prior.py`, gives the probability
of each intent, and where the language model is not sure which intent a parse begins with, the two are mixed:

    log p(intent) = log p_model(intent) + WEIGHT * max(log p_prior(intent), FLOOR)        (up to a constant)

Source: shallow fusion, arXiv:1503.03535. Where the model's first choice has more than `SURE`, no prior can change it, so none is
computed: it costs some three milliseconds, for one sentence in five or so.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from . import quant
from .encoder import Encoder, gelu
from .gguf import GGUFFile, ModelFileError
from .quant import F32

ENCODER: Final = Path(__file__).with_name("models") / "all-minilm-l6-v2.gguf"
HEAD: Final = Path(__file__).with_name("models") / "intent-prior.gguf"
ARCHITECTURE: Final = "ingle-intent-prior"

WEIGHT: Final = 0.5             # measured on the development halves of hwu64, SLURP and CLINC150; 0.3 to 0.8 differ little
FLOOR: Final = -8.0             # no intent is ruled out by its meaning alone
SURE: Final = 1 / (1 + math.exp(WEIGHT * FLOOR))    # from here on the prior cannot change the first choice


class Prior(Protocol):
    """Anything that knows how likely each intent is."""

    def __call__(self, text: str) -> Mapping[str, float]:
        """Log-probabilities by intent; an intent that is not in it is not known to the prior."""
        ...


class IntentPrior:
    """The head in a file, on the encoder's vector. The encoder is opened at the first doubt."""

    def __init__(self, file: GGUFFile, encoder: str | os.PathLike[str] = ENCODER) -> None:
        """Raises: ModelFileError: another kind of file, or a part is missing or of another shape."""
        if file.metadata.get("general.architecture") != ARCHITECTURE:
            raise ModelFileError("general.architecture", f"is not {ARCHITECTURE}")
        self.intents: tuple[str, ...] = tuple(file.metadata.get("intent_prior.intents", ()))
        self.hidden, self.hidden_bias = _tensor(file, "hidden.weight", 2), _tensor(file, "hidden.bias", 1)
        self.output, self.output_bias = _tensor(file, "output.weight", 2), _tensor(file, "output.bias", 1)
        n_hidden, n_embd = self.hidden.shape
        shapes = [self.hidden_bias.shape, self.output.shape, self.output_bias.shape]
        if shapes != [(n_hidden,), (len(self.intents), n_hidden), (len(self.intents),)]:
            raise ModelFileError("hidden.weight", "the parts of the head do not fit together")
        self.n_embd = n_embd
        self._encoder_path = encoder
        self._encoder: Encoder | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str] = HEAD) -> IntentPrior:
        """Raises: ModelFileError."""
        with GGUFFile(path) as file:
            return cls(file)

    def __call__(self, text: str) -> Mapping[str, float]:
        return dict(zip(self.intents, self.of_vector(self._encode(text)).tolist(), strict=True))

    def of_vector(self, vector: F32) -> F32:
        """(n_embd,) of length 1 -> log-probabilities (n_intents,)."""
        scaled = vector * np.float32(math.sqrt(self.n_embd))
        scores = self.output @ gelu(self.hidden @ scaled + self.hidden_bias) + self.output_bias
        shifted = scores - scores.max()
        found: F32 = shifted - np.log(np.exp(shifted).sum())
        return found

    def _encode(self, text: str) -> F32:
        if self._encoder is None:
            self._encoder = Encoder.open(self._encoder_path)
            if self._encoder.n_embd != self.n_embd:
                problem = f"expects vectors of {self.n_embd}, the encoder gives {self._encoder.n_embd}"
                raise ModelFileError("hidden.weight", problem)
        vector: F32 = self._encoder.embed([text])[0]
        return vector


def mix(log_p: F32, prior: F32) -> F32:
    """The model's log-probabilities with the prior's, both (n,). What the prior does not know, NaN, is to it one of n."""
    known: F32 = np.where(np.isnan(prior), np.float32(-math.log(len(prior))), np.maximum(prior, np.float32(FLOOR)))
    return log_p + np.float32(WEIGHT) * known


def _tensor(file: GGUFFile, name: str, n_dims: int) -> F32:
    info = file.tensors.get(name)
    if info is None or len(info.shape) != n_dims:
        raise ModelFileError(name, "is missing" if info is None else f"has {len(info.shape)} dimensions, not {n_dims}")
    return quant.dequantize(info.data, info.dtype, info.shape).copy()
