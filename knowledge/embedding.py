"""Passages to what is stored of their meaning, by the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ..engine.encoder import Encoded, Encoder
from ..engine.native import usual_threads
from .reader import Tokenizes, open_reader
from .store import Vectors
from .vectors import to_bits, to_int8

F32 = npt.NDArray[np.float32]

MODEL: Final = Path(__file__).parent.parent / "engine" / "models" / "all-minilm-l6-v2.gguf"
TOGETHER: Final = 16            # passages of one call


class Embeds(Protocol):
    """Sentence vectors: the engine's `Encoder`."""

    name: str

    @property
    def tokenizer(self) -> Tokenizes: ...

    @property
    def n_embd(self) -> int: ...

    def embed(self, texts: list[str]) -> F32: ...

    def encode(self, texts: list[str]) -> Iterator[Encoded]: ...


def model_path() -> Path:
    """The encoder that ships with Ingle."""
    from ..engine import __path__ as folders

    found = (Path(folder) / "models" / MODEL.name for folder in folders)
    return next((path for path in found if path.exists()), MODEL)


def open_encoder() -> Encoder:
    """Raises: ModelFileError."""
    return Encoder.open(model_path())


def vectors_of(encoder: Embeds, passages: Sequence[tuple[str, str]]) -> Iterator[Vectors]:
    """For each (context, text), in order: the passage's vector, and one for each of its lines, all out of one pass.

    A line's vector is pooled from the states it has inside its passage, together with those of the context, so that
    "It is behind the washing machine." under "Water shut-off" is near to both.
    """
    batches = [passages[first : first + TOGETHER] for first in range(0, len(passages), TOGETHER)]
    if len(batches) < 2:
        for batch in batches:
            yield from _embedded(encoder, batch)
        return
    with ThreadPoolExecutor(usual_threads()) as threads:        # the encoder lets go of the interpreter while it computes
        try:
            for made in threads.map(lambda batch: _embedded(encoder, batch), batches):
                yield from made
        finally:
            threads.shutdown(cancel_futures=True)


def _embedded(encoder: Embeds, passages: Sequence[tuple[str, str]]) -> list[Vectors]:
    found, reader = [], open_reader()
    states = encoder.encode([f"{context}\n{text}" for context, text in passages])
    for (context, text), encoded in zip(passages, states, strict=True):
        whole = encoded.vector()
        lines = [encoded.vector((0, len(context)), span) for span in _lines(text, len(context) + 1)]
        found.append(Vectors(bits=to_bits(whole).tobytes(), vector=to_int8(whole).tobytes(),
                             sentences=to_int8(np.stack(lines)).tobytes(), tokens=reader.project(encoded.states).tobytes()))
    return found


def _lines(text: str, begin: int) -> Iterator[tuple[int, int]]:
    for line in text.split("\n"):
        yield begin, begin + len(line)
        begin += len(line) + 1

