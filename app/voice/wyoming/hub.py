"""The pipeline of microphones elsewhere: Ingle connects to Wyoming satellites and does for each what `ingle voice` does here.

A satellite listens for the wake word itself, or sends all it hears and the hub listens for it. Its microphone and loudspeaker
are a source and a sink of `VoicePipeline`; a connection that ends is made again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.vad import VoiceStopped
from wyoming.wake import Detection

from ...events import Announced
from ..endpoint import SileroVad, Vad
from ..hearing import Heard
from ..pipeline import Answer, State, Understand, VoicePipeline
from ..settings import SatelliteConfig, VoiceConfig
from ..synthesis import sounds
from ..types import FRAME_S, FRAME_SAMPLES, Samples, Sound, TextToSpeech, VoiceError, WakeWord
from .wire import PIECE_S, STOP, Connection, Listening, WireError, chunk_of, connected, start_of

log = logging.getLogger(__name__)

AGAIN_S: Final = (1.0, 2.0, 5.0)                 # between tries to connect
PING_S: Final = 5.0
SILENT_S: Final = 20.0              # without any event, a pong included: the satellite is gone
INFO_S: Final = 5.0
WAITING: Final = 250                # frames of sound not yet taken, 8 s
MAX_TO_TELL: Final = 20
SILENT_FRAME: Final = np.zeros(FRAME_SAMPLES, np.int16)
SILENCE_S: Final = 6.0              # ends any utterance, one that never began included

LISTEN_NOW: Final = RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS)


class SatelliteLink:
    """One satellite, for as long as `run` runs.

    Args:
        understand, answer, voice: as `VoicePipeline` takes them.
        open_wake_word: for a satellite that does not listen for one itself.
        open_vad: tells when somebody speaks; it keeps a state, so each session has its own.
    """

    def __init__(
        self, satellite: SatelliteConfig, *, understand: Understand, answer: Answer, voice: TextToSpeech, settings: VoiceConfig,
        open_wake_word: Callable[[], WakeWord], open_vad: Callable[[], Vad] = SileroVad,
    ) -> None:
        self.url, self.area = satellite.url, satellite.area
        self._understand, self._answer, self._voice = understand, answer, voice
        self._settings, self._open_wake_word, self._open_vad = settings, open_wake_word, open_vad
        self._to_tell: deque[str] = deque(maxlen=MAX_TO_TELL)
        self._muted = False
        self._remote: _Remote | None = None

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            try:
                async with connected(self.url) as connection:
                    await self._session(connection)
                failures = 0
            except VoiceError as error:
                if failures == 0:
                    log.warning("satellite %s: %s", self.url, error)
                failures += 1
            except Exception:
                log.exception("satellite %s: its session failed", self.url)
                failures += 1
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])

    def tell(self, said: Announced) -> None:
        """Speak what is for its room, as soon as nobody is speaking there."""
        if said.area is None or (self.area or "").casefold() == said.area.casefold():
            self._to_tell.append(said.text)
            if self._remote is not None:
                self._remote.free.set()

    def mute(self, muted: bool) -> None:
        """Have it close its microphone, or open it again."""
        self._muted = muted
        if self._remote is not None:
            self._remote.put(PauseSatellite() if muted else RunSatellite())

    async def _session(self, connection: Connection) -> None:
        """Until the connection ends. Raises: VoiceError: it is no satellite."""
        info = await _info(connection)
        self.area = self.area or info.area
        self._remote = remote = _Remote(connection, self._open_wake_word, can_listen=bool(info.supports_trigger))
        pipeline = VoicePipeline(
            wake=remote, vad=self._open_vad(), understand=lambda frames: self._understood(remote, frames), answer=self._answer,
            speech=self._voice, sink=remote, settings=replace(self._settings, area=self.area, earcons=False),
            on_state=remote.became)
        log.info("satellite %s in %s is connected", self.url, self.area or "no room")
        remote.put(PauseSatellite() if self._muted else RunSatellite())
        work = [asyncio.create_task(each) for each in (
            remote.receive(), remote.send(), remote.ping(), pipeline.run(remote), self._tell(remote))]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (VoiceError, OSError, TimeoutError) as error:
            log.warning("satellite %s: %s", self.url, error)
        finally:
            self._remote = None
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await pipeline.stop_speaking()
            await remote.close()

    async def _understood(self, remote: _Remote, frames: AsyncIterator[Samples]) -> Heard:
        heard = await self._understand(frames)
        remote.understood(heard.text)
        return heard

    async def _tell(self, remote: _Remote) -> None:
        """Speak announcements, one after the other, while nothing else is said."""
        while True:
            await remote.free.wait()
            while self._to_tell and not remote.busy:
                async with aclosing(sounds(_once(self._to_tell.popleft()), self._voice)) as spoken:     # type: ignore[type-var]
                    async for sound in spoken:
                        await remote.play(sound)
                remote.end_sound()
            remote.free.clear()


class _Remote:
    """A satellite as microphone, wake word and loudspeaker of a pipeline."""

    def __init__(self, connection: Connection, open_wake_word: Callable[[], WakeWord], *, can_listen: bool) -> None:
        self.words: tuple[str, ...] = ()
        self.free = asyncio.Event()             # to tell what is to be told
        self.free.set()
        self.busy = False
        self._connection, self._open_wake_word, self._can_listen = connection, open_wake_word, can_listen
        self._listening = Listening()
        self._frames: asyncio.Queue[Samples] = asyncio.Queue(WAITING)
        self._out: asyncio.Queue[Any] = asyncio.Queue()
        self._wake: WakeWord | None = None      # ours, where the satellite has none
        self._called: str | None = None         # the wake word that the satellite heard
        self._streaming = False                 # the satellite sends what is said, until it is told the transcript
        self._rate = 0                          # of the sound being sent; 0: none is
        self._heard_at = 0.0                    # when the sound sent so far will have been heard
        self._spoke_at = time.monotonic()       # when the satellite last sent anything

    # events

    def put(self, *messages: Any) -> None:
        for message in messages:
            self._out.put_nowait(message)

    async def send(self) -> None:
        while True:
            await self._connection.send(await self._out.get())

    async def ping(self) -> None:
        """Raises: VoiceError: it is gone without a word."""
        while time.monotonic() - self._spoke_at < SILENT_S:
            self.put(Ping())
            await asyncio.sleep(PING_S)
        raise VoiceError(f"nothing came for {SILENT_S:.0f} s")

    async def receive(self) -> None:
        while (event := await self._connection.receive()) is not None:
            self._spoke_at = time.monotonic()
            match event.type:
                case "audio-chunk":
                    for frame in self._listening.take(event):
                        self._take(frame)
                case "run-pipeline":
                    self._begin(event)
                case "streaming-stopped" if self._streaming:    # it has heard the end of speech itself, or its recording is over
                    for _ in range(int(SILENCE_S / FRAME_S)):
                        self._take(SILENT_FRAME)
                case "detection":
                    name = event.data.get("name")
                    self._called = name.replace("_", " ") if isinstance(name, str) else "wake word"
                case "ping":
                    self.put(Pong())

    def _take(self, frame: Samples) -> None:
        if self._frames.full():             # we are too slow: what is oldest is lost
            self._frames.get_nowait()
        self._frames.put_nowait(frame)

    def _begin(self, event: Event) -> None:
        """The satellite starts to send what it hears, or says anew that it will go on."""
        self._streaming = True
        if event.data.get("start_stage") == PipelineStage.WAKE.value:
            self._wake = self._wake or self._open_wake_word()
        else:
            self._called = self._called or "wake word"
            self._take(SILENT_FRAME)        # in which it is heard: nothing of what follows is lost

    # as a source, a wake word and a sink

    async def frames(self) -> AsyncIterator[Samples]:
        while True:
            yield await self._frames.get()

    async def heard(self, frame: Samples) -> str | None:
        word, self._called = self._called, None
        if self._wake is not None and (found := await self._wake.heard(frame)) is not None:
            self.put(Detection(name=found.replace(" ", "_")))
            word = found
        return word

    def reset(self) -> None:
        if self._wake is not None:
            self._wake.reset()

    async def close(self) -> None:
        if self._wake is not None:
            await self._wake.close()

    async def play(self, sound: Sound) -> None:
        """Sent at once; returns when it will have been heard."""
        if not self._rate:
            self._heard_at = time.monotonic()
            self.put(start_of(sound.rate))
        self._rate = sound.rate
        n = int(PIECE_S * sound.rate)
        self.put(*(chunk_of(sound.samples[at : at + n], sound.rate) for at in range(0, len(sound.samples), n)))
        self._heard_at += len(sound.samples) / sound.rate
        await asyncio.sleep(max(0.0, self._heard_at - time.monotonic()))

    async def stop(self) -> None:
        self.end_sound()

    def end_sound(self) -> None:
        if self._rate:
            self._rate = 0
            self.put(STOP)

    # what the pipeline does

    def understood(self, text: str) -> None:
        self._streaming = False
        self.put(Transcript(text=text, language="en"))

    def became(self, state: State) -> None:
        self.busy = state in ("listening", "answering")
        match state:
            case "listening" if not self._streaming and self._can_listen:
                self._streaming = True          # a question was asked: it needs no wake word
                self._called = None
                self.put(LISTEN_NOW)
            case "answering":
                self.put(VoiceStopped())
            case "asleep":
                self.end_sound()
                if self._streaming:             # nothing was said
                    self.understood("")
                self.free.set()


async def _info(connection: Connection) -> Any:
    """What a satellite says of itself. Raises: VoiceError: it is none."""
    await connection.send(Describe())
    async with asyncio.timeout(INFO_S):
        while (event := await connection.receive()) is not None:
            if event.type == "info":
                with suppress(TypeError, KeyError, ValueError, AttributeError):     # whatever else is in it
                    if (satellite := Info.from_event(event).satellite) is not None:
                        return satellite
                raise WireError("it says that it is no satellite")
    raise WireError("it went away")


async def _once(text: str) -> AsyncIterator[str]:
    yield text
