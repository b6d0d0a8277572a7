"""Recognisers, voices and wake words of Wyoming servers, behind our own interfaces. A server that is gone is tried again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

from wyoming.asr import Transcribe
from wyoming.error import Error
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice
from wyoming.wake import Detect, Detection

from ..reading_aloud import read_aloud
from ..types import SAMPLE_RATE, Hypothesis, OnPartial, Phrases, Samples, Sound, Transcript, VoiceError
from .wire import STOP, Connection, chunk_of, connected, sound_in, start_of, text_in

ANSWER_S: Final = 30.0              # for a transcript after the end of speech, for the next piece of sound
MAX_NAMES: Final = 500              # told to a recogniser for it to lean towards


class WyomingSpeechToText:
    """A recogniser elsewhere (faster-whisper, speech-to-phrase, …): tcp://host:10300."""

    def __init__(self, uri: str) -> None:
        self.name = f"Wyoming {uri}"
        self._uri = uri
        self._names: list[str] = []
        self._terms: list[str] = []

    def lean_towards(self, phrases: Phrases) -> None:
        self._names = [*phrases.names, *phrases.areas, *phrases.people][:MAX_NAMES]
        self._terms = list(phrases.values[:MAX_NAMES])

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        """Sound is sent while it is spoken; what a server understands meanwhile is told to `on_partial`."""
        async with connected(self._uri) as server:
            await server.send(
                Transcribe(language="en", transcript_names=self._names or None, transcript_terms=self._terms or None),
                start_of(SAMPLE_RATE))
            answer = asyncio.create_task(_transcript(server, on_partial))
            try:
                async for samples in speech:
                    await server.send(chunk_of(samples, SAMPLE_RATE))
                await server.send(STOP)
                async with asyncio.timeout(ANSWER_S):
                    return await answer
            finally:
                answer.cancel()
                await asyncio.gather(answer, return_exceptions=True)

    async def close(self) -> None:
        """Nothing is kept open between two utterances."""


async def _transcript(server: Connection, on_partial: OnPartial | None) -> Transcript:
    heard = ""
    while (event := await _answer(server)).type != "transcript":
        if event.type == "transcript-chunk":
            heard += text_in(event)
            if on_partial is not None:
                on_partial(_certain(heard))
    return _certain(text_in(event))


def _certain(text: str) -> Transcript:
    return Transcript((Hypothesis(text.strip()),) if text.strip() else ())


class WyomingTextToSpeech:
    """A synthesiser elsewhere (piper, …): tcp://host:10200."""

    def __init__(self, uri: str, voice: str | None = None) -> None:
        self.name = f"Wyoming {uri}"
        self._uri = uri
        self._voice = SynthesizeVoice(name=voice) if voice else None

    async def synthesize(self, text: str) -> AsyncIterator[Sound]:
        said = read_aloud(text)
        if not said:
            return
        async with connected(self._uri) as server:
            await server.send(Synthesize(text=said, voice=self._voice))
            while True:
                async with asyncio.timeout(ANSWER_S):
                    event = await _answer(server)
                if event.type == "audio-stop":
                    return
                if event.type == "audio-chunk":
                    yield sound_in(event)

    async def close(self) -> None:
        """Nothing is kept open between two sentences."""


class WyomingWakeWord:
    """Wake words that a server listens for (openWakeWord, microWakeWord): tcp://host:10400. One connection, kept open."""

    def __init__(self, uri: str, words: Sequence[str] = ()) -> None:
        self.words = tuple(words)
        self._uri = uri
        self._stack: AsyncExitStack | None = None
        self._server: Connection | None = None
        self._detections: asyncio.Task[str] | None = None

    async def heard(self, frame: Samples) -> str | None:
        try:
            server = self._server or await self._open()
            await server.send(chunk_of(frame, SAMPLE_RATE))
        except (OSError, TimeoutError) as error:
            await self.close()
            raise VoiceError(f"the connection to {self._uri} broke ({error})") from None
        if self._detections is None or not self._detections.done():
            return None
        try:
            word = self._detections.result()
        except (VoiceError, OSError) as error:
            await self.close()
            raise VoiceError(f"the wake word server {self._uri}: {error}") from None
        self._detections = asyncio.create_task(self._next_detection(server))
        return word

    def reset(self) -> None:
        """The server forgets by itself: it gets one stream without end, and a gap in it is silence."""

    async def close(self) -> None:
        if self._detections is not None:
            self._detections.cancel()
        stack, self._stack, self._server, self._detections = self._stack, None, None, None
        if stack is not None:
            with contextlib.suppress(VoiceError):
                await stack.aclose()

    async def _open(self) -> Connection:
        self._stack = AsyncExitStack()
        server = self._server = await self._stack.enter_async_context(connected(self._uri))
        names = [word.replace(" ", "_") for word in self.words]
        await server.send(Detect(names=names or None), start_of(SAMPLE_RATE))
        self._detections = asyncio.create_task(self._next_detection(server))
        return server

    async def _next_detection(self, server: Connection) -> str:
        while (event := await _answer(server)).type != "detection":
            pass
        name = Detection.from_event(event).name
        return name.replace("_", " ") if isinstance(name, str) else (self.words or ("",))[0]


async def _answer(server: Connection) -> Event:
    """The next event that is not an error. Raises: VoiceError: it is one, or the server is gone."""
    event = await server.receive()
    if event is None:
        raise VoiceError("it went away without an answer")
    if event.type == "error":
        raise VoiceError(f"it says: {Error.from_event(event).text!s:.200}" if "text" in event.data else "it failed")
    return event
