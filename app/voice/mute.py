"""Whether Ingle must not listen: kept over restarts, so that a power cut does not open a microphone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final, Protocol

from .types import AudioSource, Samples

ON: Final = "ON"                    # as the switch says it on the bus: microphones are closed
OFF: Final = "OFF"


def microphone_payload(is_open: bool) -> str:
    return "open" if is_open else "closed"


class Mute:
    """A file in `folder` says that it is on; no file, that it is not."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "muted"
        self.on = self._file.exists()

    @property
    def payload(self) -> str:
        return ON if self.on else OFF

    def take(self, payload: bytes) -> bool:
        """Obey what came on the switch's command topic. Returns: whether it was ON or OFF. Raises: OSError: it is not kept."""
        if payload not in (ON.encode(), OFF.encode()):
            return False
        self.on = payload == ON.encode()
        if self.on:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            os.fsync(file)
            os.close(file)
        else:
            self._file.unlink(missing_ok=True)
        return True


class Mutable(Protocol):
    """`VoicePipeline`: what has a microphone."""

    async def mute(self) -> None: ...

    def unmute(self) -> None: ...


class MuteSwitch:
    """Between the house and one microphone: what is wanted of it, and whether it is open.

    Args: tell: hears whether the device is open, at every change.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self.tell = tell
        self._on = False
        self._changed = asyncio.Event()

    def take(self, payload: bytes) -> None:
        """What is on the switch's state topic."""
        self.set(payload == ON.encode())

    def set(self, on: bool) -> None:
        if on != self._on:
            self._on = on
            self._changed.set()

    async def obey(self, pipeline: Mutable) -> None:
        """Do what is wanted now, where it has changed."""
        if self._changed.is_set():
            self._changed.clear()
            if self._on:
                await pipeline.mute()
            else:
                pipeline.unmute()

    async def follow(self, pipeline: Mutable) -> None:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            await self.obey(pipeline)


class Watched:
    """A source that tells when its device is open (it gives frames) and when it is closed again."""

    def __init__(self, source: AudioSource, tell: Callable[[bool], None]) -> None:
        self._source, self._tell = source, tell

    async def frames(self) -> AsyncIterator[Samples]:
        is_open = False
        try:
            async with aclosing(self._source.frames()) as frames:       # type: ignore[type-var]
                async for frame in frames:
                    if not is_open:
                        is_open = True
                        self._tell(True)
                    yield frame
        finally:
            self._tell(False)
