"""Telemetry as it runs: counts turns, closes intervals, and hands exports to those whom the household has named."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import topics
from .assistant import WENT_WRONG
from .config import Config
from .events import TurnRecord
from .telemetry import Export, Telemetry, otlp, prometheus, sensors

log = logging.getLogger(__name__)

LOOK_S: Final = 30.0
OTLP_TIMEOUT_S: Final = 10.0
LOOPBACK: Final = "127.0.0.1"

Keep = Callable[[str, str], None]       # publishes (topic, payload), retained


@dataclass
class TelemetryLink:
    """Counts always, for `ingle doctor --health`; exports nothing unless the configuration says where to."""

    config: Config
    keep: Keep
    model: Callable[[], str]

    def __post_init__(self) -> None:
        wanted = self.config.telemetry
        self.telemetry = Telemetry(
            self.config.data_path, epsilon=wanted.epsilon, sample=wanted.sample, interval_s=wanted.interval_s, model=self.model,
        )
        self._export: Export | None = None      # the last one that has left

    def turn_ended(self, record: TurnRecord) -> None:
        if record.timing_ms:
            self.telemetry.take(record, failed=WENT_WRONG in record.reply)

    async def run(self) -> None:
        """Never returns: cancel the task to end it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_on())
            if self.config.telemetry.exports:
                tasks.create_task(self._close_intervals())
            if self.config.telemetry.prometheus_port is not None:
                tasks.create_task(self._serve(self.config.telemetry.prometheus_port))

    async def _look_on(self) -> None:
        while True:
            self.telemetry.look_at_machine()
            try:
                await asyncio.to_thread(self.telemetry.keep_local)
            except OSError as error:
                log.warning("the health figures are not kept: %s", error)
            await asyncio.sleep(LOOK_S)

    async def _close_intervals(self) -> None:
        if self.config.telemetry.mqtt:
            self.keep(*sensors(self.config.mqtt.discovery_prefix, topics.TELEMETRY))
        while True:
            await asyncio.sleep(self.config.telemetry.interval_s)
            try:
                export = await asyncio.to_thread(self.telemetry.close_interval)
            except OSError as error:
                log.warning("telemetry is not exported, as it cannot be shown before: %s", error)
                continue
            if export is not None:
                await self.send(export)

    async def send(self, export: Export) -> None:
        """Let an export leave, by all the ways that are configured."""
        self._export = export
        if self.config.telemetry.mqtt:
            self.keep(topics.TELEMETRY, export.as_json())
        if self.config.telemetry.otlp is not None:
            try:
                await asyncio.to_thread(_post, self.config.telemetry.otlp, otlp(export, time.time_ns()))
            except (OSError, ValueError) as error:
                log.warning("telemetry does not reach %s: %s", self.config.telemetry.otlp, error)

    async def _serve(self, port: int) -> None:
        try:
            server = await asyncio.start_server(self._answer, LOOPBACK, port)
        except OSError as error:
            log.error("the Prometheus endpoint cannot be had on port %d: %s", port, error.strerror)
            return
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, whatever it is: there is one page."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(OTLP_TIMEOUT_S):
                request = await reader.readuntil(b"\r\n\r\n")
                found = request.startswith(b"GET /metrics ")
                body = prometheus(self._export).encode() if found and self._export else b""
                status = "200 OK" if found else "404 Not Found"
                head = (f"HTTP/1.1 {status}", "Content-Type: text/plain; version=0.0.4", f"Content-Length: {len(body)}",
                        "Connection: close", "", "")
                writer.write("\r\n".join(head).encode() + body)
                await writer.drain()
        writer.close()


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=OTLP_TIMEOUT_S) as answer:
        json.loads(answer.read(65_536) or b"{}")
