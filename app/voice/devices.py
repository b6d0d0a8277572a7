"""Microphone and loudspeaker through sounddevice (PortAudio); a file as a microphone. Opening is the only thing that may fail."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .audio import frames, needed, read, resampled, to_floats, to_samples
from .types import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE, Samples, Sound, VoiceError

QUEUED_S: Final = 4.0               # of sound that may wait to be taken; then the oldest is dropped, and counted
SILENT_S: Final = 3.0               # without a frame: the microphone is gone


@dataclass(frozen=True)
class Device:
    """What PortAudio lists."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate: float
    default: bool


def devices() -> list[Device]:
    """All there are. Raises: VoiceError: sounddevice or PortAudio is not installed."""
    sounddevice = needed("sounddevice")
    chosen = {int(index) for index in sounddevice.default.device if index is not None}
    return [
        Device(index, str(each["name"]), int(each["max_input_channels"]), int(each["max_output_channels"]),
               float(each["default_samplerate"]), index in chosen)
        for index, each in enumerate(sounddevice.query_devices())
    ]


class Microphone:
    """A microphone, at SAMPLE_RATE; one that cannot is resampled. `dropped`: frames lost because nobody took them."""

    def __init__(self, device: str | int | None = None) -> None:
        self._device = device
        self.dropped = 0

    async def frames(self) -> AsyncIterator[Samples]:
        """Until closed. Raises: VoiceError: it cannot be opened, or is gone."""
        sounddevice, loop = needed("sounddevice"), asyncio.get_running_loop()
        queue: asyncio.Queue[Samples] = asyncio.Queue(int(QUEUED_S / FRAME_S))

        def put(samples: Samples) -> None:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(samples)

        def heard(data: Any, n: int, at: Any, status: Any) -> None:     # on PortAudio's thread
            with contextlib.suppress(RuntimeError):     # the loop is closed: the program ends
                loop.call_soon_threadsafe(put, np.asarray(data)[:, 0].copy())

        stream, rate = self._opened(sounddevice, heard)
        reframe = Reframer(rate)
        with stream:
            while True:
                try:
                    async with asyncio.timeout(SILENT_S):
                        samples = await queue.get()
                except TimeoutError:
                    raise VoiceError(f"the microphone {self._name()} gives no sound: is it unplugged?") from None
                for frame in reframe.take(samples):
                    yield frame

    def _opened(self, sounddevice: Any, heard: Any) -> tuple[Any, int]:
        """At our rate, else at the device's own."""
        problem: Exception | None = None
        for rate in (SAMPLE_RATE, None):
            try:
                actual = rate or int(sounddevice.query_devices(self._device, "input")["default_samplerate"])
                block = int(FRAME_S * actual)
                return sounddevice.InputStream(samplerate=actual, blocksize=block, device=self._device, channels=1, dtype="int16",
                                               callback=heard), actual
            except (sounddevice.PortAudioError, ValueError) as error:
                problem = error
        cure = "`ingle doctor --audio` lists what there is; set voice.input_device"
        raise VoiceError(f"the microphone {self._name()} cannot be opened ({problem}): {cure}") from None

    def _name(self) -> str:
        return "" if self._device is None else repr(self._device)


class Reframer:
    """Pieces of any size and rate as frames of FRAME_SAMPLES at SAMPLE_RATE."""

    def __init__(self, rate: int) -> None:
        self._stream = None if rate == SAMPLE_RATE else needed("soxr").ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16")
        self._left = np.zeros(0, np.int16)

    def take(self, samples: Samples) -> list[Samples]:
        """The frames that are complete."""
        new = samples if self._stream is None else self._stream.resample_chunk(samples)
        self._left = np.concatenate((self._left, new))
        n = len(self._left) // FRAME_SAMPLES * FRAME_SAMPLES
        done, self._left = self._left[:n], self._left[n:]
        return list(done.reshape(-1, FRAME_SAMPLES))


class Recording:
    """A file as a microphone: in real time, or as fast as it is taken."""

    def __init__(self, file: Path, *, real_time: bool = False) -> None:
        self._file, self._real_time = file, real_time

    async def frames(self) -> AsyncIterator[Samples]:
        """Raises: VoiceError: it cannot be read."""
        began = time.monotonic()
        for number, frame in enumerate(frames(await asyncio.to_thread(read, self._file))):
            if self._real_time:
                await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
            yield frame


class Loudspeaker:
    """A loudspeaker; opened for every sound, so that it may be plugged in at any time."""

    def __init__(self, device: str | int | None = None) -> None:
        self._device = device
        self._playing: asyncio.Event | None = None

    async def play(self, sound: Sound) -> None:
        """Raises: VoiceError: it cannot be opened."""
        sounddevice, loop, done = needed("sounddevice"), asyncio.get_running_loop(), asyncio.Event()
        try:
            rate = int(sounddevice.query_devices(self._device, "output")["default_samplerate"])
            samples = to_samples(await asyncio.to_thread(resampled, to_floats(sound.samples), sound.rate, rate))
            left = memoryview(samples.tobytes())

            def fill(data: Any, n: int, at: Any, status: Any) -> None:  # on PortAudio's thread
                nonlocal left
                piece, left = left[: len(data)], left[len(data) :]
                data[: len(piece)] = piece
                data[len(piece) :] = bytes(len(data) - len(piece))
                if len(piece) < len(data):
                    raise sounddevice.CallbackStop

            stream = sounddevice.RawOutputStream(
                samplerate=rate, device=self._device, channels=1, dtype="int16", callback=fill,
                finished_callback=lambda: loop.call_soon_threadsafe(done.set))
            self._playing = done
            with stream:
                await done.wait()
        except (sounddevice.PortAudioError, ValueError) as error:
            cure = "`ingle doctor --audio` lists what there is; set voice.output_device"
            raise VoiceError(f"the loudspeaker cannot be opened ({error}): {cure}") from None
        finally:
            self._playing = None

    async def stop(self) -> None:
        if self._playing is not None:
            self._playing.set()
