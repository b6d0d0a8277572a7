"""What `ingle doctor --audio` finds: devices, level, how long sound takes to come in, recogniser, voice, wake words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any, Final, Literal

import numpy as np

from ..config import Config
from .audio import level_dbfs
from .devices import Microphone, devices
from .hearing import open_recognizer
from .types import FRAME_S, VoiceError

MEASURED_S: Final = 1.0
QUIET_DBFS: Final = -75.0           # below it a microphone is likely muted
LOUD_DBFS: Final = -12.0            # above it, without anybody speaking, it is likely overdriven

Verdict = Literal["ok", "note", "wrong"]


def examine(config: Config) -> Iterator[tuple[str, Verdict, str]]:
    """(what, verdict, detail)"""
    try:
        found = devices()
    except VoiceError as error:
        yield "audio", "note", str(error)
        found = []
    for device in found:
        kind = " and ".join(kind for kind, n in (("microphone", device.inputs), ("loudspeaker", device.outputs)) if n)
        default = ", default" if device.default else ""
        yield f"device {device.index}", "ok", f"{device.name}: {kind}, {device.rate:.0f} Hz{default}"
    if any(device.inputs for device in found):
        yield _microphone(config)
    else:
        yield "microphone", "note", "there is none; `ingle hear` takes recordings, everything else runs"
    yield _opened("speech to text", lambda: open_recognizer(config).name)
    yield _opened("text to speech", lambda: _voice(config))
    yield _opened("wake words", lambda: _wake_words(config))


def _microphone(config: Config) -> tuple[str, Verdict, str]:
    try:
        level, first_ms = asyncio.run(_measured(config))
    except VoiceError as error:
        return "microphone", "wrong", str(error)
    detail = f"{level:.0f} dBFS, first sound after {first_ms:.0f} ms"
    if level < QUIET_DBFS:
        return "microphone", "note", f"{detail}: very quiet: is it muted?"
    if level > LOUD_DBFS:
        return "microphone", "note", f"{detail}: very loud: turn it down"
    return "microphone", "ok", detail


async def _measured(config: Config) -> tuple[float, float]:
    """The level, and how long the first frame took. Raises: VoiceError."""
    began, first, heard = time.perf_counter(), 0.0, []
    async with aclosing(Microphone(config.voice.input_device).frames()) as frames:     # type: ignore[type-var]
        async for frame in frames:
            first = first or time.perf_counter() - began
            heard.append(frame)
            if len(heard) * FRAME_S >= MEASURED_S:
                break
    return level_dbfs(np.concatenate(heard)), first * 1000


def _opened(what: str, opened: Callable[[], str]) -> tuple[str, Verdict, str]:
    began = time.perf_counter()
    try:
        return what, "ok", f"{opened()}, opened in {(time.perf_counter() - began) * 1000:.0f} ms"
    except (VoiceError, ImportError) as error:
        return what, "note", str(error)


def _voice(config: Config) -> str:
    from .synthesis import open_voice

    return open_voice(config).name


def _wake_words(config: Config) -> str:
    from .live import open_wake_word

    word: Any = open_wake_word(config)
    return ", ".join(word.words)
