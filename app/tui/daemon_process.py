"""The daemon as a child process, for a screen that finds none running: what it computes does not hold up the keys."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..config import Config

STOP_S: Final = 15.0            # the daemon itself gives turns under way 10 s
MAX_LINE_BYTES: Final = 64_000


class DaemonProcess:
    """`ingle run`, started when entered, asked to stop when left (and killed if it does not)."""

    def __init__(self, config: Config, simulate: Path | None = None) -> None:
        self._arguments = [sys.executable, "-m", "ingle.app.cli", "run"]
        if config.file is not None:
            self._arguments += ["--config", str(config.file)]
        if simulate is not None:
            self._arguments += ["--simulate", str(simulate)]
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._last_line = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, limit=MAX_LINE_BYTES,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if self._process is None or self._reading is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._reading.cancel()

    async def ended(self) -> str:
        """Return when it has ended by itself, with the reason: the last line it said, if it failed."""
        assert self._process is not None
        assert self._reading is not None
        await asyncio.wait({self._reading})
        status = await self._process.wait()
        if status < 0:
            return f"it was ended by signal {-status}"
        return "it was asked to stop" if status == 0 else self._last_line or f"it failed with status {status} and said nothing"

    async def _read(self, process: Process) -> None:
        """Keep the pipe empty, whatever comes, and the last line of it."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:          # a line longer than the limit: dropped
                continue
            if not line:
                return
            if text := line.decode("utf-8", "replace").strip():
                self._last_line = text.removeprefix("ingle: ")
