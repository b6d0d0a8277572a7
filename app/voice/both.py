"""Whisper with a second opinion: pocketsphinx, which knows nothing but this home, adds readings, and Whisper scores them all.

The two are wrong in different ways: Whisper writes good English that is not said here, pocketsphinx only what is said here. Its
readings cost next to nothing, as it decodes while somebody speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import replace
from typing import Final

from .readings import words_of
from .types import Hypothesis, OnPartial, Phrases, Samples, SpeechToText, Transcript

SECOND: Final = 3                   # readings of the second recogniser at most


class SecondOpinion:
    """`first` decides; it must be able to score other texts (`Transcript.rescore`), or `second` is not asked."""

    def __init__(self, first: SpeechToText, second: SpeechToText) -> None:
        self.name = f"{first.name} with {second.name}"
        self._first, self._second = first, second

    def lean_towards(self, phrases: Phrases) -> None:
        self._first.lean_towards(phrases)
        self._second.lean_towards(phrases)

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        other: asyncio.Queue[Samples | None] = asyncio.Queue()

        async def passed_on() -> AsyncIterator[Samples]:
            try:
                async for frame in speech:
                    other.put_nowait(frame)
                    yield frame
            finally:
                other.put_nowait(None)

        second = asyncio.create_task(self._second.transcribe(_until_none(other), on_partial=on_partial))
        try:
            first = await self._first.transcribe(passed_on())
            return await asyncio.to_thread(_together, first, await second)
        finally:
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()


def _together(first: Transcript, second: Transcript) -> Transcript:
    """The first's readings and those of the second that are new, with the first's scores for them. Blocking."""
    known = {" ".join(words_of(one.text)) for one in first.hypotheses}
    new = [one.text for one in second.hypotheses if " ".join(words_of(one.text)) not in known][:SECOND]
    if not new or first.rescore is None or not first.hypotheses:
        return first
    best = first.hypotheses[0]
    written = [f"{text[:1].upper()}{text[1:]}." for text in new]
    base, *scores = first.rescore([best.text, *written])        # on its own scale, which is not that of the beam
    added = (Hypothesis(text, best.score + score - base) for text, score in zip(written, scores, strict=True))
    return replace(first, hypotheses=tuple(sorted((*first.hypotheses, *added), key=lambda one: -one.score)))


async def _until_none(queue: asyncio.Queue[Samples | None]) -> AsyncIterator[Samples]:
    while (frame := await queue.get()) is not None:
        yield frame
