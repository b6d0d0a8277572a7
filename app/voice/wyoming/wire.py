"""Events of the Wyoming protocol over TCP: connections and servers that bear anything that is sent to them.

An event is a line of JSON (`type`, `data`, the lengths of what follows), then more data as JSON, then a payload of bytes. The
package `wyoming` has the events; its reader takes any length that it is told, so it is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event

from ..devices import Reframer
from ..types import Samples, Sound, VoiceError

log = logging.getLogger(__name__)

MAX_LINE: Final = 1 << 16           # bytes
MAX_DATA: Final = 1 << 20
MAX_PAYLOAD: Final = 1 << 22
MAX_TEXT: Final = 10_000            # characters
MAX_CONNECTIONS: Final = 32         # of one server
CONNECT_S: Final = 5.0
EVENT_S: Final = 10.0               # for the rest of an event, and for whoever reads what we send
RATES: Final = range(4_000, 192_001)
CHANNELS: Final = range(1, 9)
WIDTHS: Final = (2, 4)              # bytes of a sample
PIECE_S: Final = 0.1                # of sound in one event


class WireError(VoiceError):
    """What came is not the Wyoming protocol; one line that may be told to whoever sent it."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None: the other side is done. Raises: WireError, ConnectionError, TimeoutError."""
    line = await _line(reader)
    if not line:
        return None
    head = _json_object(line)
    kind, data = head.get("type"), head.get("data") or {}
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise WireError("an event has a `type` and, if anything, an object of `data`")
    n_data, n_payload = _length(head, "data_length", MAX_DATA), _length(head, "payload_length", MAX_PAYLOAD)
    try:
        async with asyncio.timeout(EVENT_S):
            more = await reader.readexactly(n_data)
            payload = await reader.readexactly(n_payload)
    except asyncio.IncompleteReadError:
        raise WireError("the connection ended in the middle of an event") from None
    return Event(kind, {**data, **(_json_object(more) if more else {})}, payload or None)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:                  # longer than the reader's limit
        raise WireError(f"a line is longer than {MAX_LINE} bytes") from None


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("not JSON") from None
    if not isinstance(data, dict):
        raise WireError("not a JSON object")
    return data


def _length(head: dict[str, Any], key: str, most: int) -> int:
    length = head.get(key) or 0
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= most:
        raise WireError(f"`{key}` must be a whole number up to {most}")
    return length


class Connection:
    """One peer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._sending = asyncio.Lock()
        self.peer = str(writer.get_extra_info("peername"))

    async def receive(self) -> Event | None:
        """Raises: WireError, ConnectionError, TimeoutError."""
        return await read_event(self._reader)

    async def send(self, *messages: Any) -> None:
        """Events of the package `wyoming`, whole and in order. Raises: ConnectionError, TimeoutError: nobody reads them."""
        async with self._sending, asyncio.timeout(EVENT_S):
            for message in messages:
                await async_write_event(message.event(), self._writer)

    async def send_sound(self, sound: Sound) -> None:
        """As chunks, without start and stop."""
        n = int(PIECE_S * sound.rate)
        for start in range(0, len(sound.samples), n):
            await self.send(chunk_of(sound.samples[start : start + n], sound.rate))

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()


@asynccontextmanager
async def connected(uri: str) -> AsyncIterator[Connection]:
    """Raises: VoiceError: nobody is there, or the connection broke; the message names the server."""
    host, port = address(uri)
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=MAX_LINE)
    except (OSError, TimeoutError) as error:
        raise VoiceError(f"the Wyoming server {uri} does not answer ({_told(error)}): start it, or correct the address") from None
    connection = Connection(reader, writer)
    try:
        yield connection
    except (OSError, TimeoutError) as error:
        raise VoiceError(f"the connection to {uri} broke ({_told(error)})") from None
    except WireError as error:
        raise VoiceError(f"{uri} does not speak Wyoming: {error}") from None
    finally:
        await connection.close()


@asynccontextmanager
async def serving(uri: str, session: Callable[[Connection], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve every connection with `session` until the block ends. Yields: the address, with the port that port 0 became.

    What breaks in one connection is logged and ends that one. Raises: VoiceError: it cannot listen there.
    """
    host, port = address(uri)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(tasks) >= MAX_CONNECTIONS:
            log.warning("%s: too many connections", uri)
            writer.close()
            return
        task = asyncio.create_task(_one_session(Connection(reader, writer), session))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    try:
        server = await asyncio.start_server(accept, host, port, limit=MAX_LINE)
    except OSError as error:
        raise VoiceError(f"cannot listen on {uri} ({_told(error)}): is another program there?") from None
    try:
        yield f"tcp://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one_session(connection: Connection, session: Callable[[Connection], Awaitable[None]]) -> None:
    try:
        await session(connection)
    except VoiceError as error:
        log.warning("%s: %s", connection.peer, error)
        with contextlib.suppress(OSError, TimeoutError):
            await connection.send(Error(text=str(error)))
    except (OSError, TimeoutError) as error:
        log.info("%s: the connection ended (%s)", connection.peer, _told(error))
    except Exception:
        log.exception("%s: a session failed", connection.peer)
    finally:
        await connection.close()


def address(uri: str) -> tuple[str, int]:
    """tcp://host:port. Raises: VoiceError."""
    try:
        parts = urlsplit(uri)
        if parts.scheme == "tcp" and parts.hostname and parts.port is not None:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise VoiceError(f"{uri!r} is not an address like tcp://127.0.0.1:10700")


def text_in(event: Event, key: str = "text") -> str:
    """Raises: WireError: there is none, or too much of it."""
    text = event.data.get(key)
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise WireError(f"`{event.type}` needs a `{key}` of at most {MAX_TEXT} characters")
    return text


def name_in(event: Event, key: str) -> str | None:
    """A short text of the event's `context`, where there is one."""
    context = event.data.get("context")
    name = context.get(key) if isinstance(context, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable() else None


class Listening:
    """Audio events as frames of ours. Of several channels the first is taken."""

    def __init__(self) -> None:
        self._format: tuple[int, int, int] | None = None
        self._reframer = Reframer(16_000)

    def take(self, event: Event) -> list[Samples]:
        """The frames that are complete now. Raises: WireError: no sound that we know."""
        rate, width, channels = _format_in(event)
        if self._format != (rate, width, channels):
            self._format, self._reframer = (rate, width, channels), Reframer(rate)
        return self._reframer.take(_samples_in(event, width, channels))


def sound_in(event: Event) -> Sound:
    """A chunk to be played. Raises: WireError."""
    rate, width, channels = _format_in(event)
    return Sound(_samples_in(event, width, channels), rate)


def _format_in(event: Event) -> tuple[int, int, int]:
    rate, width, channels = (event.data.get(key) for key in ("rate", "width", "channels"))
    if not (isinstance(rate, int) and rate in RATES and width in WIDTHS and isinstance(channels, int) and channels in CHANNELS):
        raise WireError("sound must be of 16 or 32 bits, 4 to 192 kHz and at most 8 channels")
    return rate, int(width), channels


def _samples_in(event: Event, width: int, channels: int) -> Samples:
    payload = event.payload or b""
    if len(payload) % (width * channels):
        raise WireError("a piece of sound ends in the middle of a sample")
    if width == 2:
        return np.frombuffer(payload, "<i2")[::channels].astype(np.int16)
    return (np.frombuffer(payload, "<i4")[::channels] >> 16).astype(np.int16)


def chunk_of(samples: Samples, rate: int) -> AudioChunk:
    return AudioChunk(rate=rate, width=2, channels=1, audio=samples.astype("<i2").tobytes())


def start_of(rate: int) -> AudioStart:
    return AudioStart(rate=rate, width=2, channels=1)


STOP: Final = AudioStop()


def _told(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
