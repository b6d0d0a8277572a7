"""`ingle satellite`: this machine's microphone and loudspeaker for a pipeline elsewhere, Home Assistant's or another Ingle's.

The other side connects. While it wants us (run-satellite … pause-satellite) the microphone is open and the wake word is listened
for here; only after it is anything sent, until the other side has understood, and at most `LONGEST_S`. Otherwise the device is
closed. The first to say run-satellite has it, until that connection ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import numpy as np
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Info
from wyoming.info import Satellite as SatelliteInfo
from wyoming.ping import Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import StreamingStarted, StreamingStopped
from wyoming.snd import Played
from wyoming.wake import Detection

from ..pipeline import REOPEN_S
from ..types import FRAME_S, SAMPLE_RATE, AudioSink, AudioSource, Samples, Sound, VoiceError, WakeWord
from .service import artifact
from .wire import Connection, chunk_of, serving, sound_in

log = logging.getLogger(__name__)

LONGEST_S: Final = 30.0             # of sending, when nobody tells us that it is enough
GATHER_S: Final = 0.1               # for the next piece of sound, so that a sentence is played as one
MAX_SOUND_S: Final = 60.0           # waiting to be played; what is beyond is dropped


class Satellite:
    """One microphone and loudspeaker.

    Args: wake: None: everything heard is sent, and the other side listens for the wake word.
    """

    def __init__(
        self, source: AudioSource, sink: AudioSink, wake: WakeWord | None, *, name: str = "Ingle satellite",
        area: str | None = None,
    ) -> None:
        self._source, self._sink, self._wake = source, sink, wake
        self._name, self._area = name, area
        self._owner: Connection | None = None

    @asynccontextmanager
    async def serving(self, uri: str) -> AsyncIterator[str]:
        """Wait for others there. Yields: the address. Raises: VoiceError."""
        async with serving(uri, self.session) as where:
            yield where

    async def session(self, connection: Connection) -> None:
        """Raises: WireError: what came is no Wyoming."""
        run = _Run(connection, self._source, self._sink, self._wake)
        try:
            while (event := await connection.receive()) is not None:
                match event.type:
                    case "describe":
                        await connection.send(self.info())
                    case "ping":
                        await connection.send(Pong())
                    case "run-satellite" if self._owner not in (None, connection):
                        await connection.send(Error(text="this satellite is in use", code="in-use"))
                    case "run-satellite":
                        self._owner = connection
                        run.start()
                    case _ if self._owner is connection:
                        await run.take(event)
        finally:
            await run.end()
            if self._owner is connection:
                self._owner = None

    def info(self) -> Info:
        words = list(self._wake.words) if self._wake else None
        return Info(satellite=SatelliteInfo(
            **artifact(self._name), area=self._area, has_vad=False, active_wake_words=words,
            max_active_wake_words=len(words) if words else None, supports_trigger=True))


class _Run:
    """The devices, while one connection has them."""

    def __init__(self, connection: Connection, source: AudioSource, sink: AudioSink, wake: WakeWord | None) -> None:
        self._connection, self._source, self._sink, self._wake = connection, source, sink, wake
        self._tasks: list[asyncio.Task[None]] = []
        self._sounds: asyncio.Queue[Sound | None] = asyncio.Queue()     # None: the end of a reply
        self._waiting_s = 0.0               # of sound in it
        self._sending = False               # what is heard is sent
        self._sent_s = 0.0
        self._unwanted = False              # the rest of a reply that the wake word stopped

    def start(self) -> None:
        """Open the microphone; nothing if it is."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._play())]

    async def end(self) -> None:
        """Close the microphone, be silent. Returns when it is closed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self._sending = [], False
        await self._sink.stop()

    async def take(self, event: Event) -> None:
        """An event of the other side. Raises: WireError."""
        match event.type:
            case "pause-satellite":
                await self.end()
            case "run-pipeline" if self._tasks:         # answer a question: no wake word
                await self._begin(None)
            case "transcript" | "error":
                await self._enough()
            case "audio-start":
                self._unwanted = False
            case "audio-chunk" if not self._unwanted:
                sound = sound_in(event)
                self._waiting_s += len(sound.samples) / sound.rate
                if self._waiting_s <= MAX_SOUND_S:
                    self._sounds.put_nowait(sound)
            case "audio-stop" if not self._unwanted:
                self._sounds.put_nowait(None)

    # the microphone

    async def _listen(self) -> None:
        """A microphone that is gone is opened again when it is back."""
        tries = 0
        while True:
            try:
                if self._wake is None:
                    await self._connection.send(RunPipeline(
                        start_stage=PipelineStage.WAKE, end_stage=PipelineStage.TTS, restart_on_end=True))
                async with aclosing(self._source.frames()) as frames:       # type: ignore[type-var]
                    async for frame in frames:
                        tries = 0
                        await self._heard(frame)
                await self._enough()        # a recording has an end
                return
            except VoiceError as error:
                log.warning("no microphone: %s", error)
                await self._enough()
                await asyncio.sleep(REOPEN_S[min(tries, len(REOPEN_S) - 1)])
                tries += 1

    async def _heard(self, frame: Samples) -> None:
        word = await self._wake.heard(frame) if self._wake is not None else None
        if self._wake is None or self._sending:
            await self._connection.send(chunk_of(frame, SAMPLE_RATE))
            self._sent_s += FRAME_S
            if self._sent_s > LONGEST_S and self._wake is not None:
                log.warning("the other side understood nothing for %d s", LONGEST_S)
                await self._enough()
        elif word is not None:
            await self._be_silent()
            await self._begin(word)

    async def _begin(self, word: str | None) -> None:
        self._sending, self._sent_s = True, 0.0
        pipeline = RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS, wake_word_name=word)
        await self._connection.send(*([Detection(name=word.replace(" ", "_"))] if word else []), pipeline, StreamingStarted())

    async def _enough(self) -> None:
        if self._sending:
            self._sending = False
            await self._connection.send(StreamingStopped())

    # the loudspeaker

    async def _play(self) -> None:
        while True:
            sound = await self._sounds.get()
            if sound is None:
                await self._connection.send(Played())
                continue
            pieces, ended = await self._gathered(sound)
            self._waiting_s -= sum(len(piece) for piece in pieces) / sound.rate
            try:
                await self._sink.play(Sound(np.concatenate(pieces), sound.rate))
            except VoiceError as error:
                log.warning("no loudspeaker: %s", error)
            if ended:
                await self._connection.send(Played())

    async def _gathered(self, sound: Sound) -> tuple[list[Samples], bool]:
        """What comes in one go, and whether it ends the reply."""
        pieces = [sound.samples]
        while True:
            try:
                async with asyncio.timeout(GATHER_S):
                    more = await self._sounds.get()
            except TimeoutError:
                return pieces, False
            if more is None:
                return pieces, True
            pieces.append(more.samples)

    async def _be_silent(self) -> None:
        """The wake word over a reply: it is over."""
        self._unwanted = True
        self._waiting_s = 0.0
        while not self._sounds.empty():
            self._sounds.get_nowait()
        await self._sink.stop()
