"""A voice pipeline whose ears and mouth follow a script, so that only the pipeline itself is tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np

from ingle.app.events import Asked, ReplyToken, TurnRecord
from ingle.app.voice.hearing import Heard
from ingle.app.voice.pipeline import State, Turned, VoicePipeline
from ingle.app.voice.readings import Reading
from ingle.app.voice.settings import VoiceConfig
from ingle.app.voice.types import FRAME_S, FRAME_SAMPLES, Hypothesis, Samples, Sound, Transcript, VoiceError

# Frames are told apart by the value of their samples.
SILENCE, WAKE, SPEECH, ECHO = 0, 7, 3000, 300


def frames(kind: int, seconds: float = FRAME_S) -> list[Samples]:
    return [np.full(FRAME_SAMPLES, kind, np.int16) for _ in range(max(1, round(seconds / FRAME_S)))]


def command(seconds: float = 0.6, pause: float = 0.8) -> list[Samples]:
    """Wake word, a breath, a command, silence."""
    return [*frames(WAKE), *frames(SILENCE, 0.2), *frames(SPEECH, seconds), *frames(SILENCE, pause)]


class ScriptedWake:
    words = ("okay test",)

    async def heard(self, frame: Samples) -> str | None:
        return self.words[0] if frame[0] == WAKE else None

    def reset(self) -> None:
        """Nothing is remembered."""

    async def close(self) -> None:
        """Nothing is open."""


def vad(frame: Samples) -> float:
    return 0.95 if frame[0] in (SPEECH, ECHO) else 0.02


class ScriptedEars:
    """Understands its script's next text, whatever was said; remembers how much sound it got."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self.got: list[list[int]] = []

    async def understand(self, speech: AsyncIterable[Samples]) -> Heard:
        self.got.append([int(frame[0]) async for frame in speech])
        text = self._texts.pop(0) if self._texts else ""
        return Heard(Transcript((Hypothesis(text),) if text else ()), (Reading(text, 0.0),) if text else ())


class ScriptedVoice:
    name = "scripted"

    def __init__(self) -> None:
        self.said: list[str] = []

    async def synthesize(self, text: str) -> AsyncIterator[Sound]:
        self.said.append(text)
        yield Sound(np.ones(160, np.int16), 16_000)

    async def close(self) -> None:
        """Nothing is open."""


class Speaker:
    """Plays a sound until it is let go on, or stopped."""

    def __init__(self, *, holds: bool = False) -> None:
        self.played: list[Sound] = []
        self.stopped = 0
        self._go_on = asyncio.Event()
        if not holds:
            self._go_on.set()

    async def play(self, sound: Sound) -> None:
        self.played.append(sound)
        await self._go_on.wait()

    async def stop(self) -> None:
        self.stopped += 1

    def go_on(self) -> None:
        self._go_on.set()


class Source:
    """A microphone that gives these frames, and knows whether it is open. `breaks`: after so many frames, once."""

    def __init__(self, given: Sequence[Samples], *, breaks: int | None = None, forever: bool = False) -> None:
        self._given, self._breaks, self._forever = list(given), breaks, forever
        self.is_open = False
        self.opened = 0

    async def frames(self) -> AsyncIterator[Samples]:
        self.is_open, self.opened = True, self.opened + 1
        try:
            while self._given:
                if self._breaks == 0:
                    self._breaks = None
                    raise VoiceError("the microphone is gone")
                self._breaks = None if self._breaks is None else self._breaks - 1
                yield self._given.pop(0)
                await settle()
            while self._forever:
                yield frames(SILENCE)[0]
                await asyncio.sleep(0)
        finally:
            self.is_open = False


async def settle() -> None:
    """Let tasks that can go on do so."""
    for _ in range(8):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds. Raises: TimeoutError."""
    async with asyncio.timeout(10):
        while not holds():      # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0)


class World:
    """A pipeline and all that is around it."""

    def __init__(
        self, texts: Sequence[str], replies: Sequence[str] = (), *, speaker: Speaker | None = None, **settings: Any
    ) -> None:
        self.ears, self.voice = ScriptedEars(texts), ScriptedVoice()
        self.speaker = speaker or Speaker()
        self.asked: list[Asked] = []
        self.turns: list[Turned] = []
        self.states: list[State] = []
        self._replies = list(replies)
        self.pipeline = VoicePipeline(
            wake=ScriptedWake(), vad=vad, understand=self.ears.understand, answer=self._answer, speech=self.voice,
            sink=self.speaker, settings=VoiceConfig(**{"earcons": False, **settings}), on_state=self.states.append,
            on_turn=self.turns.append,
        )

    async def hear(self, *given: Sequence[Samples]) -> None:
        for each in given:
            for frame in each:
                await self.pipeline.take(frame)
                await settle()

    async def _answer(self, asked: Asked, on_token: Callable[[ReplyToken], None]) -> TurnRecord:
        self.asked.append(asked)
        reply = self._replies.pop(0) if self._replies else "Done."
        for index, word in enumerate(reply.split()):
            on_token(ReplyToken(id=asked.id, index=index, token=word if index == 0 else f" {word}"))
        on_token(ReplyToken(id=asked.id, index=99, token="", last=True))
        return TurnRecord(id=asked.id, text=asked.text, reply=reply)
