"""Be a microphone and loudspeaker for Home Assistant or for an Ingle elsewhere: a Wyoming satellite.

The other side connects (voice.wyoming.satellites of an Ingle; the Wyoming integration of Home Assistant) and understands, acts
and answers. The microphone is open only while somebody is connected, and sound leaves only after the wake word.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import Config
    from ..voice.types import AudioSink, AudioSource, Samples, Sound, WakeWord

HELP = "be a microphone for Home Assistant or another Ingle"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--listen", metavar="URI", help="where to wait (default: voice.wyoming.satellite, tcp://127.0.0.1:10700)")
    parser.add_argument("--area", help="the room it is in (default: voice.area)")
    parser.add_argument("--input", metavar="FILE.wav", type=Path, help="for the microphone: what is said after the wake word")
    parser.add_argument("--output", metavar="FILE.wav", type=Path, help="for the loudspeaker")


def run(args: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    """Until SIGTERM or SIGINT."""
    import asyncio
    import signal

    from ..config import load
    from ..voice.audio import needed

    needed("wyoming")
    from ..voice.wyoming.announce import announced
    from ..voice.wyoming.satellite import Satellite

    config, stop = load(args.config), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    area = args.area or config.voice.area
    async with AsyncExitStack() as stack:
        source, wake = _ears(config, args.input)
        sink = await stack.enter_async_context(_mouth(config, args.output))
        satellite = Satellite(source, sink, wake, name=f"Ingle {area}" if area else "Ingle satellite", area=area)
        where = await stack.enter_async_context(satellite.serving(args.listen or config.voice.wyoming.satellite))
        if config.voice.wyoming.announce:
            await stack.enter_async_context(announced(where, f"Ingle satellite {area or ''}".strip()))
        print(f"Ingle's satellite is ready on {where}", flush=True)
        await stop.wait()
    return 0


def _ears(config: Config, recording: Path | None) -> tuple[AudioSource, WakeWord]:
    """Raises: VoiceError: there is no such wake word."""
    from ..voice.devices import Microphone, Recording
    from ..voice.live import open_wake_word

    if recording is not None:
        return Recording(recording, real_time=True), _AtOnce()
    return Microphone(config.voice.input_device), open_wake_word(config)


@asynccontextmanager
async def _mouth(config: Config, file: Path | None) -> AsyncIterator[AudioSink]:
    from ..voice.devices import Loudspeaker

    if file is None:
        yield Loudspeaker(config.voice.output_device)
        return
    sink = _File()
    yield sink
    sink.write(file)


class _AtOnce:
    """A wake word that was said just before."""

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ("recording",)
        self._heard = False

    async def heard(self, frame: Samples) -> str | None:
        first, self._heard = not self._heard, True
        return self.words[0] if first else None

    def reset(self) -> None:
        self._heard = False

    async def close(self) -> None:
        """Nothing is open."""


class _File:
    """A loudspeaker whose sound is kept, to be written to a file."""

    def __init__(self) -> None:
        self._sounds: list[Sound] = []

    async def play(self, sound: Sound) -> None:
        self._sounds.append(sound)

    async def stop(self) -> None:
        """What was said was said."""

    def write(self, file: Path) -> None:
        """All of it, at the rate of the first."""
        import wave

        if not self._sounds:
            return
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(self._sounds[0].rate)
            out.writeframes(b"".join(sound.samples.astype("<i2").tobytes() for sound in self._sounds))
