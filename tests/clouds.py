"""A cloud to test with: an HTTP server on loopback that speaks chat completions, well or badly, and keeps every byte it was sent.

And the way out of a household whose signals are what a test says they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ingle.app.audit import Audit
from ingle.app.cloud import Cloud
from ingle.app.config import CloudConfig, Config
from ingle.app.events import Asked
from ingle.app.governor import MIGRATIONS
from ingle.app.outside import Outside
from ingle.app.power import Fixed, Power, Reach
from ingle.app.privacy import PrivacyConfig
from ingle.app.services import Services
from ingle.skills.home.model import Home
from ingle.skills.storage import open_database

from .turns import Clock

ANSWER: Final = ("The capital", " of France", " is Paris.", " It lies on the Seine.")
FAULTS: Final = ("slow", "silent", "cut", "cut_first", "401", "429", "500", "503", "garbage", "binary", "endless", "long_line",
                 "redirect", "wrong_json", "error_event", "no_http", "drop")  # fmt: skip
GOOD: Final = ("ok", "whole", "no_done", "crlf")


@dataclass
class Server:
    """Behaves as `plan` says, one word a request; without more of it: ok."""

    plan: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)        # each request as it came over the wire: head and body
    port: int = 0
    answer: Sequence[str] = ANSWER
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(task := asyncio.create_task(self._serve_one(reader, writer)))
        task.add_done_callback(self._serving.discard)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")      # whoever only tries the connection sends none
            length = re.search(rb"content-length: *(\d+)", head.lower())
            body = await reader.readexactly(int(length.group(1)) if length else 0)
            self.heard.append(head + body)
            await self._behave(self.plan.pop(0) if self.plan else "ok", writer)
        writer.close()

    async def _behave(self, how: str, writer: asyncio.StreamWriter) -> None:
        if how == "drop":
            return
        if how == "silent":
            await asyncio.sleep(3.0)
            return
        if how == "no_http":
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        elif how in ("401", "429", "500", "503"):
            more = "Retry-After: 0\r\n" if how == "429" else ""
            writer.write(f"HTTP/1.1 {how} No\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        elif how == "redirect":
            writer.write(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/steal\r\nContent-Length: 0\r\n\r\n")
        elif how in ("whole", "wrong_json"):
            choice = {"message": {"content": "".join(self.answer)}, "finish_reason": "stop"}
            said = json.dumps({"choices": [choice]} if how == "whole" else [1]).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + said)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            await self._stream(how, writer)
        await writer.drain()

    async def _stream(self, how: str, writer: asyncio.StreamWriter) -> None:
        if how == "cut_first":
            return
        if how in ("garbage", "binary", "long_line", "error_event"):
            writer.write(_BAD_STREAMS[how])
            return
        end = b"\r\n\r\n" if how == "crlf" else b"\n\n"
        for place, piece in enumerate(self.answer):
            writer.write(b"data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}).encode() + end)
            if how == "slow" and place == 1:
                await writer.drain()
                await asyncio.sleep(3.0)
            if how == "cut" and place == 2:
                return
        while how == "endless":
            writer.write(b'data: {"choices": [{"delta": {"content": "and on and on "}}]}\n\n')
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}' + end)
        if how != "no_done":
            writer.write(b"data: [DONE]" + end)


_BAD_STREAMS: Final = {
    "garbage": b"data: {]\n\n", "binary": b"data: \xff\xfe\x00\n\n", "long_line": b"data: " + b"x" * (1 << 17),
    "error_event": b'data: {"error": {"message": "overloaded"}}\n\n',
}  # fmt: skip


class FixedWay(Fixed[Reach]):
    """A way to the cloud that is as it was told."""

    async def refresh(self) -> None:
        pass

    def failed(self) -> None:
        pass


@dataclass
class House:
    """The way out of one household, with every signal in hand."""

    outside: Outside
    cloud: Cloud | None
    audit: Audit
    way: FixedWay
    power: Fixed[Power]
    temperature: Fixed[float | None]
    clock: Clock

    async def sentences(self, text: str, **asked: Any) -> list[str]:
        from ingle.app.router import Beyond

        return [said async for said in self.outside.answer(Beyond(need="exact", confidence=1.0), Asked(text=text, **asked))]


PATIENT: Final = CloudConfig(
    url="http://127.0.0.1:9/v1", model="test", privacy=PrivacyConfig(default="allow"), requests_per_day=1_000_000,
)
IMPATIENT: Final = replace(PATIENT, connect_s=0.5, first_token_s=0.5, total_s=1.5)


@asynccontextmanager
async def house(
    folder: Path, server: Server | None, *, cloud: CloudConfig = PATIENT, home: Home | None = None, key: str | None = "sk-secret",
    config: Callable[[Config], Config] = lambda config: config,
) -> AsyncIterator[House]:
    """A house beside a server; None: without a cloud."""
    settings = config(Config(cloud=replace(cloud, url=server.url if server else None), data_dir=str(folder)))
    clock, audit = Clock(), Audit(folder / "audit")
    database = open_database(":memory:", MIGRATIONS)
    endpoint = settings.cloud_endpoint
    client = Cloud(endpoint, key=key, audit=audit) if endpoint is not None else None
    way, power = FixedWay(Reach(connected=server is not None, round_trip_ms=5.0)), Fixed(Power(charging=True))
    temperature: Fixed[float | None] = Fixed(None)
    services = Services(settings, folder / "ingle.db", clock)
    outside = Outside(
        settings, home=home or Home(), knowledge=services.knowledge, clock=clock, audit=audit, database=database, cloud=client,
        link=way, power=power, temperature=temperature,
    )
    try:
        yield House(outside=outside, cloud=client, audit=audit, way=way, power=power, temperature=temperature, clock=clock)
    finally:
        outside.close()
        services.close()


def left(audit: Audit) -> list[bytes]:
    """What the record says that left, as it must have looked on the wire, the key put back."""
    return [_on_the_wire(entry.facts) for entry in audit.entries() if entry.kind == "sent"]


def _on_the_wire(sent: dict[str, Any], key: str = "sk-secret") -> bytes:
    path = "/" + sent["url"].split("/", 3)[3]
    head = [f"{sent['method']} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent["headers"].items())]
    return "\r\n".join(head).replace("(secret)", f"Bearer {key}").encode() + b"\r\n\r\n" + sent["body"].encode()


def lowered(request: bytes) -> bytes:
    """A request with its header names as httpx keeps them: they go out capitalised."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    parts = (each.partition(b":") for each in fields)
    return b"\r\n".join([first, *(name.lower() + colon + value for name, colon, value in parts)]) + b"\r\n\r\n" + body
