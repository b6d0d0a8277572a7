"""A client for OpenAI-compatible chat completions: any provider, or the household's own big machine (vLLM, Ollama, llama.cpp).

    async for piece in Cloud(config, key=key, audit=audit).answer(text, need="long", turn=id):
        ...                                         # text as it comes; CloudError where it ends badly

What leaves is written into the audit before it leaves. What comes back is text and nothing else: bounded, cleaned for
speaking, never looked at for anything to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import random
import re
import ssl
import stat
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from .audit import Audit

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

Need = Literal["fresh", "long", "exact"]

KEY_VARIABLE: Final = "INGLE_CLOUD_KEY"
KEYRING_SERVICE: Final = "ingle-cloud"
ATTEMPTS: Final = 2
RETRY_AFTER_S: Final = 5.0          # the longest we wait where the server says how long
MAX_REPLY_BYTES: Final = 1 << 20    # on the wire, all in all
MAX_LINE_BYTES: Final = 1 << 16
MAX_COUNT: Final = 10_000_000       # tokens a server may say it counted
_BUSY: Final = frozenset({429, 502, 503, 504})      # statuses that say: nothing was done, come again

SYSTEM: Final = (
    "You answer for a voice assistant in a home. Reply in plain sentences that can be read out: no lists, no headings, no "
    "markup, no links. {length} Words in square brackets, such as [name 1], stand for something private: keep them as they "
    "are. If you cannot know, say so. Today is {date}."
)
LENGTHS: Final[Mapping[str, str]] = {
    "fresh": "Use one to three sentences.", "exact": "Use one to three sentences.", "long": "Use at most some 250 words.",
}  # fmt: skip


class CloudError(Exception):
    """No answer, or not a whole one. The message is for the record; `told` is what the person hears."""

    def __init__(self, problem: str, told: str) -> None:
        super().__init__(problem)
        self.told = told


class Unreachable(CloudError):
    def __init__(self, problem: str) -> None:
        super().__init__(problem, "I couldn't get through to the cloud.")


class Refused(CloudError):
    def __init__(self, problem: str) -> None:
        super().__init__(problem, "The cloud doesn't accept my key.")


class Busy(CloudError):
    def __init__(self, problem: str, retry_after_s: float | None = None) -> None:
        super().__init__(problem, "The cloud is too busy just now.")
        self.retry_after_s = retry_after_s


class Failed(CloudError):
    def __init__(self, problem: str) -> None:
        super().__init__(problem, "The cloud couldn't answer that.")


class TooSlow(CloudError):
    def __init__(self, problem: str) -> None:
        super().__init__(problem, "The cloud took too long.")


class KeyFault(Exception):
    """The key's file cannot be used: one line with the cure."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of a million tokens, in the household's currency; 0: not paid for."""

    input: float = 0.0
    output: float = 0.0

    def of(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where and how to ask: part of `cloud` in the configuration."""

    url: str
    model: str
    ca: str | None = None               # PEM file of the authority of a household's own server
    max_tokens: int = 600
    max_reply_chars: int = 2_000
    connect_s: float = 3.0
    first_token_s: float = 15.0
    total_s: float = 60.0

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@dataclass
class Usage:
    """What a request took, as far as is known."""

    tokens_in: int = 0
    tokens_out: int = 0


class Breaker:
    """After some failures in a row nobody asks for a while, then one tries; each further failure doubles the while."""

    def __init__(
        self, *, after: int = 3, open_s: float = 30.0, at_most_s: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._after, self._open_s, self._at_most_s, self._clock = after, open_s, at_most_s, clock
        self._failures = 0
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def succeeded(self) -> None:
        self._failures, self._open_until = 0, float("-inf")

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._after:
            wait_s = min(self._at_most_s, self._open_s * 2.0 ** min(self._failures - self._after, 30))
            self._open_until = self._clock() + wait_s


class Cloud:
    """One endpoint.

    Args:
        key: sent as a bearer token; never into the record.
        transport: httpx's way to the network, for tests.
    """

    def __init__(
        self, endpoint: Endpoint, *, key: str | None, audit: Audit, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker()
        self._key, self._audit, self._transport = key, audit, transport
        self._tls = _tls(endpoint)          # once: reading the authorities takes longer than asking

    async def answer(
        self, text: str, *, need: Need, turn: str, pay: Callable[[], None] = lambda: None, usage: Usage | None = None,
    ) -> AsyncGenerator[str, None]:
        """Ask, and yield the answer as it comes.

        Args:
            text: what is asked, with everything private taken out.
            pay: called before each attempt; may raise a CloudError to forbid it.
            usage: filled in as the server tells, or by estimate.
        Raises: CloudError, also in the middle of an answer.
        """  # fmt: skip
        usage = usage if usage is not None else Usage()
        deadline = time.monotonic() + self.endpoint.total_s
        body = self._body(text, need)
        usage.tokens_in = estimated_tokens(body.decode())
        try:
            async with contextlib.aclosing(self._attempts(body, turn, deadline, pay, usage)) as pieces:
                n_chars = 0
                async for piece in pieces:
                    n_chars += len(piece)
                    yield piece
                    if n_chars >= 2 * self.endpoint.max_reply_chars:    # what is spoken of it is bounded by `sentences`
                        break
        except CloudError as error:
            self.breaker.failed()
            self._audit.write("failed", durable=False, turn=turn, problem=str(error))
            raise
        self.breaker.succeeded()
        tokens = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out}
        self._audit.write("received", durable=False, turn=turn, chars=n_chars, **tokens)

    def _body(self, text: str, need: Need) -> bytes:
        system = SYSTEM.format(length=LENGTHS[need], date=datetime.now(UTC).date().isoformat())
        return json.dumps({
            "model": self.endpoint.model, "stream": True, "max_tokens": self.endpoint.max_tokens,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
        }, ensure_ascii=False).encode()  # fmt: skip

    async def _attempts(
        self, body: bytes, turn: str, deadline: float, pay: Callable[[], None], usage: Usage
    ) -> AsyncGenerator[str, None]:
        """Try, and try once more where nothing was done by the first: not reached, or sent away."""
        for attempt in range(1, ATTEMPTS + 1):
            pay()
            began = False
            try:
                async with contextlib.aclosing(self._attempt(body, turn, attempt, deadline, usage)) as pieces:
                    async for piece in pieces:
                        began = True
                        yield piece
                return
            except (Unreachable, Busy) as error:
                wait_s = _wait_s(error)
                if began or attempt == ATTEMPTS or wait_s > RETRY_AFTER_S or time.monotonic() + wait_s >= deadline:
                    raise
                await asyncio.sleep(wait_s)

    async def _attempt(self, body: bytes, turn: str, attempt: int, deadline: float, usage: Usage) -> AsyncGenerator[str, None]:
        import httpx

        limits = httpx.Limits(max_keepalive_connections=0)      # a stale connection would fail after the request had left
        timeout = httpx.Timeout(None, connect=self.endpoint.connect_s)
        async with httpx.AsyncClient(
            timeout=timeout, limits=limits, verify=self._tls, follow_redirects=False, transport=self._transport,
        ) as client:
            request = client.build_request(
                "POST", f"{self.endpoint.url.rstrip('/')}/chat/completions", content=body, headers=self._headers()
            )
            await asyncio.to_thread(        # on disk before it leaves: a slow disk must not hold up the house
                self._audit.write, "sent", turn=turn, attempt=attempt, method=request.method, url=str(request.url),
                headers=_without_secrets(request.headers), body=request.content.decode(),
            )
            first_by = min(deadline, time.monotonic() + self.endpoint.connect_s + self.endpoint.first_token_s)
            response = await self._sent(client, request, first_by)
            try:
                async with contextlib.aclosing(_pieces(response, first_by, deadline, usage)) as pieces:
                    async for piece in pieces:
                        yield piece
            finally:
                await response.aclose()

    async def _sent(self, client: httpx.AsyncClient, request: httpx.Request, first_by: float) -> httpx.Response:
        """The response once its headers are here. Raises: CloudError."""
        import httpx

        try:
            response = await _by(first_by, client.send(request, stream=True), "no answer began in time")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"not connected: {error!r}") from None
        except (httpx.HTTPError, ssl.SSLError, ValueError) as error:      # ValueError: h11's, for what is no HTTP
            raise Failed(f"the connection failed: {error!r}") from None
        if response.status_code != 200:
            await response.aclose()
            raise _status_error(response.status_code, response.headers)
        return response

    def _headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return {"User-Agent": "ingle", "Content-Type": "application/json", "Accept": "text/event-stream",
                "Accept-Encoding": "identity", **key}  # fmt: skip


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    """Who is on the other side is always checked: against the household's own authority, else certifi's list."""
    import certifi

    if urlsplit(endpoint.url).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)      # not used; it would trust nobody
    return ssl.create_default_context(cafile=endpoint.ca or certifi.where())


# --- the answer, piece by piece


async def _pieces(response: httpx.Response, first_by: float, deadline: float, usage: Usage) -> AsyncGenerator[str, None]:
    """The text in the response, streamed or whole. Raises: CloudError: not a whole one."""
    whole = response.headers.get("content-type", "").startswith("application/json")
    stream = _Stream(usage)
    lines = _whole(response, first_by) if whole else _lines(response, first_by, deadline, stream)
    async with contextlib.aclosing(lines):
        async for line in lines:
            piece = stream.message(line) if whole else stream.event(line)
            if piece:
                usage.tokens_out += stream.counts * estimated_tokens(piece)
                yield piece
            if stream.done:
                return
    if not stream.finished:
        raise Failed("the answer was cut off")


@dataclass
class _Stream:
    """What the lines of one answer have come to."""

    usage: Usage
    done: bool = False                  # nothing more is wanted
    finished: bool = False              # the model came to its end; some servers then say no [DONE]
    begun: bool = False
    counts: int = 1                     # 0: the server counted the tokens itself

    def event(self, line: str) -> str:
        """The text of one line of an event stream. Raises: CloudError: it is garbage."""
        if not line.startswith("data:"):
            return ""                   # a comment, an event's name, an empty line
        data = line[5:].strip()
        if data == "[DONE]":
            self.done = True
            return ""
        return self._text(_json(data), "delta")

    def message(self, body: str) -> str:
        self.done = True
        return self._text(_json(body), "message")

    def _text(self, data: dict[str, Any], where: str) -> str:
        if data.get("error"):
            raise Failed(f"the server says: {str(data['error'])[:200]}")
        self._count(data.get("usage"))
        choices = data.get("choices")
        if not isinstance(choices, list):
            raise Failed("the answer has no choices")
        choice = choices[0] if choices and isinstance(choices[0], dict) else {}
        self.finished = self.finished or choice.get("finish_reason") is not None
        part = choice.get(where)
        text = part.get("content") if isinstance(part, dict) else None
        self.begun = self.begun or bool(text)
        return text if isinstance(text, str) else ""

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict):
            read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if isinstance(read, int) and isinstance(written, int) and 0 <= min(read, written) <= max(read, written) < MAX_COUNT:
                self.usage.tokens_in, self.usage.tokens_out, self.counts = read, written, 0


async def _lines(response: httpx.Response, first_by: float, deadline: float, stream: _Stream) -> AsyncGenerator[str, None]:
    """The lines of the body as they come. Raises: CloudError: too long, too late, cut, not UTF-8."""
    held, total = b"", 0
    chunks = response.aiter_raw()       # closed with the response
    while chunk := await _next(deadline if stream.begun else first_by, chunks):
        total += len(chunk)
        held += chunk
        if total > MAX_REPLY_BYTES or (len(held) > MAX_LINE_BYTES and b"\n" not in held):
            raise Failed("the answer is too long")
        *lines, held = held.split(b"\n")
        for line in lines:
            yield _text(line).rstrip("\r")
    if held:
        yield _text(held)


async def _whole(response: httpx.Response, first_by: float) -> AsyncGenerator[str, None]:
    body, chunks = b"", response.aiter_raw()
    while len(body) <= MAX_REPLY_BYTES and (chunk := await _next(first_by, chunks)):
        body += chunk
    if len(body) > MAX_REPLY_BYTES:
        raise Failed("the answer is too long")
    yield _text(body)


async def _next(limit: float, chunks: AsyncIterator[bytes]) -> bytes:
    """The next chunk of a body; empty at its end."""
    import httpx

    try:
        return await _by(limit, anext(chunks, b""), "the answer stopped coming")
    except (httpx.HTTPError, httpx.StreamError, ssl.SSLError, ValueError) as error:
        raise Failed(f"the connection broke: {error!r}") from None


async def _by(moment: float, doing: Awaitable[T], problem: str) -> T:
    """The result, if it is there by a moment of `time.monotonic`. Raises: TooSlow."""
    try:
        async with asyncio.timeout(max(0.0, moment - time.monotonic())):
            return await doing
    except TimeoutError:
        raise TooSlow(problem) from None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Failed("the answer is not UTF-8 text") from None


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Failed("the answer is not JSON") from None
    if not isinstance(data, dict):
        raise Failed("the answer is not a JSON object")
    return data


def _status_error(status: int, headers: Mapping[str, str]) -> CloudError:
    if status in (401, 403):
        return Refused(f"HTTP {status}")
    if status in _BUSY:
        given = headers.get("retry-after", "")
        return Busy(f"HTTP {status}", float(given) if given.isdigit() else None)
    return Failed(f"HTTP {status}")


def _wait_s(error: CloudError) -> float:
    given = error.retry_after_s if isinstance(error, Busy) else None
    return given if given is not None else random.uniform(0.1, 0.4)


def _without_secrets(headers: httpx.Headers) -> dict[str, str]:
    return {name: "(secret)" if name == "authorization" else value for name, value in headers.items()}


def estimated_tokens(text: str) -> int:
    """Some four characters a token, as English has."""
    return max(1, len(text) // 4)


# --- the answer as it is spoken

_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])[\"”’)]?\s+|\n+")
_MARKUP: Final = (
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),                # links and pictures
    (re.compile(r"https?://\S+"), ""),
    (re.compile(r"^\s*(?:#+|[-*•]|>|\d+[.)])\s+", re.MULTILINE), ""),
    (re.compile(r"```\w*|[`*]|(?<!\w)_+|_+(?!\w)"), ""),
    (re.compile(r"<[/a-zA-Z][^>]*>"), ""),
)  # fmt: skip


async def sentences(pieces: AsyncIterator[str], max_chars: int) -> AsyncGenerator[str, None]:
    """An answer sentence by sentence, fit to be spoken, at most `max_chars` in all; it then ends with a whole sentence,
    or, if there is none, with an ellipsis. Raises: what `pieces` raises, after the last whole sentence."""
    speech = _Speech(max_chars)
    try:
        async for piece in pieces:
            for sentence in speech.hear(piece):
                yield sentence
            if speech.full:
                return
    except CloudError:
        if speech.ends_a_sentence:
            yield speech.rest()
        raise
    if last := speech.rest():
        yield last


class _Speech:
    """Text as it comes, cut into sentences."""

    def __init__(self, max_chars: int) -> None:
        self._held, self._left = "", max_chars
        self._told = self.full = False

    def hear(self, piece: str) -> list[str]:
        """The sentences that are whole now and have room."""
        *whole, self._held = _split(self._held + piece)
        told = []
        for sentence in filter(None, map(spoken, whole)):
            if len(sentence) > self._left:
                self.full = True
                break
            told.append(sentence)
            self._left -= len(sentence) + 1
        self._told = self._told or bool(told)
        if not self.full and len(self._held) > self._left:
            self.full = True
            if not self._told:
                told.append(spoken(self._held[: max(0, self._left)]) + "…")
        return told

    @property
    def ends_a_sentence(self) -> bool:
        return self._held.rstrip().endswith((".", "!", "?", "…"))

    def rest(self) -> str:
        return spoken(self._held)


def _split(text: str) -> list[str]:
    """Whole sentences, then what is left."""
    parts, at = [], 0
    for match in _SENTENCE_END.finditer(text):
        parts.append(text[at : match.end()])
        at = match.end()
    return [*parts, text[at:]]


def spoken(text: str) -> str:
    """Text without markup, control characters and line breaks."""
    for pattern, instead in _MARKUP:
        text = pattern.sub(instead, text)
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


# --- the key and the address


def find_key(url: str, key_file: Path | None) -> str | None:
    """The environment's INGLE_CLOUD_KEY, else a file that only its owner may read, else the system's keyring, else none.

    Raises: KeyFault: the file cannot be used.
    """
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        return key
    if key_file is not None:
        return _key_in(key_file)
    return _key_in_keyring(urlsplit(url).hostname or "")


def _key_in(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFault(f"{path} can be read by others: chmod 600 {path}")
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFault(f"{path}: {getattr(error, 'strerror', None) or 'not a key'}") from None
    if not key or len(key.split()) != 1:
        raise KeyFault(f"{path}: must hold the key and nothing else")
    return key


def _key_in_keyring(host: str) -> str | None:
    try:
        import keyring
    except ImportError:
        return None
    try:
        found = keyring.get_password(KEYRING_SERVICE, host)
    except Exception:                   # no keyring runs here, as on most small boards; each kind has its own errors
        return None
    return str(found) if found else None


def fault_in_url(url: str) -> str | None:
    """What is wrong with an endpoint's address, as the end of a sentence; None: nothing."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # checked when it is looked at
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not a web address: use one like https://api.example.com/v1"
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"must hold no credentials: put the key into {KEY_VARIABLE} or `cloud.key_file`"
    if parts.scheme == "http" and not _is_near(parts.hostname):
        return "would send in the clear: use https:// beyond the household's own network"
    return None


def _is_near(host: str) -> bool:
    """A name or address of this machine or of a household's own network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal", ".localhost"))
