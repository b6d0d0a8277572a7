"""Our engine behind the OpenAI-compatible HTTP interface: `GET /v1/models`, `POST /v1/chat/completions`, streamed or whole.

A house's stronger machine can serve its weaker ones (`cloud.url`), and any client that speaks the interface can use the engine.
One answer is written at a time; some more may wait, the rest is told to come again. Nothing asked is kept or logged.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MAX_BODY_BYTES: Final = 1 << 20
MAX_MESSAGES: Final = 200
MAX_TOKENS: Final = 2_048
MAX_WAITING: Final = 8
MAX_S: Final = 120.0                # of one answer
ROLES: Final = frozenset({"system", "user", "assistant"})


class Writes(Protocol):
    """A model that can go on with a conversation: `engine.chat.Completions`."""

    def write(self, messages: Sequence[tuple[str, str]], *, max_tokens: int, max_s: float, temperature: float, top_p: float,
              stop: Sequence[str]) -> Iterator[str]: ...  # fmt: skip

    def count(self, messages: Sequence[tuple[str, str]]) -> int: ...


class BadRequest(Exception):
    """What was asked is not valid; one line that says why."""


class Crowded(Exception):
    """Too many wait already."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    messages: tuple[tuple[str, str], ...]
    stream: bool = False
    usage: bool = False                 # tell the tokens at the end of a stream, too
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


def application(model: Writes, name: str, *, key: str | None = None, max_tokens: int = MAX_TOKENS) -> Starlette:
    """The ASGI application.

    Args:
        key: what clients must show as their bearer token; None: nothing.
        max_tokens: an answer ends here, whatever length was asked for.
    """
    desk = _Desk(model)

    async def models(request: Request) -> Response:
        listed = {"id": name, "object": "model", "created": 0, "owned_by": "ingle"}
        return _denied(request, key) or JSONResponse({"object": "list", "data": [listed]})

    async def completions(request: Request) -> Response:
        if denied := _denied(request, key):
            return denied
        try:
            asked = _read(await _body(request), max_tokens)
            return await _answer(desk, name, asked)
        except BadRequest as bad:
            return _error(400, "invalid_request_error", str(bad))
        except Crowded:
            return _error(429, "rate_limit_exceeded", "too many requests wait already", {"Retry-After": "2"})

    return Starlette(routes=[
        Route("/v1/models", models), Route("/v1/chat/completions", completions, methods=["POST"]),
        Route("/health", lambda request: JSONResponse({"status": "ok"})),
    ])  # fmt: skip


class _Desk:
    """One answer at a time, written in a thread of its own; who hangs up ends his."""

    def __init__(self, model: Writes) -> None:
        self.model = model
        self._turn = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises: Crowded."""
        if self._waiting >= MAX_WAITING:
            raise Crowded
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def write(self, asked: _Asked) -> AsyncIterator[str]:
        """The pieces of an answer. To be used within `turn`."""
        pieces: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        loop, gone = asyncio.get_running_loop(), threading.Event()

        def tell(piece: str | Exception | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def work() -> None:
            try:
                for piece in self.model.write(
                    asked.messages, max_tokens=asked.max_tokens, max_s=MAX_S, temperature=asked.temperature, top_p=asked.top_p,
                    stop=asked.stop,
                ):
                    if gone.is_set():
                        return
                    tell(piece)
                tell(None)
            except Exception as error:
                tell(error)

        working = asyncio.create_task(asyncio.to_thread(work))
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            gone.set()
            await asyncio.shield(working)


async def _answer(desk: _Desk, name: str, asked: _Asked) -> Response:
    head = {"id": f"chatcmpl-{uuid.uuid4().hex[:24]}", "created": int(time.time()), "model": name}
    stack = desk.turn()
    await stack.__aenter__()            # before the response begins: who must come again is told by its status
    if asked.stream:
        return StreamingResponse(_streamed(desk, stack, head, asked), media_type="text/event-stream")
    try:
        pieces = [piece async for piece in desk.write(asked)]
    except ValueError as error:
        raise BadRequest(str(error)) from None
    finally:
        await stack.__aexit__(None, None, None)
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(pieces)}, "finish_reason": _reason(asked, pieces)}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": _usage(desk, asked, len(pieces))})


async def _streamed(desk: _Desk, stack: Any, head: Mapping[str, Any], asked: _Asked) -> AsyncIterator[str]:
    def event(delta: Mapping[str, str], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _event({**head, "object": "chat.completion.chunk", "choices": [choice]})

    pieces = []
    try:
        yield event({"role": "assistant", "content": ""})
        async for piece in desk.write(asked):
            pieces.append(piece)
            yield event({"content": piece})
        yield event({}, _reason(asked, pieces))
        if asked.usage:
            usage = _usage(desk, asked, len(pieces))
            yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        yield "data: [DONE]\n\n"
    except ValueError as error:
        yield _event({"error": {"message": str(error), "type": "invalid_request_error"}})
    finally:
        await stack.__aexit__(None, None, None)


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _reason(asked: _Asked, pieces: Sequence[str]) -> str:
    return "length" if len(pieces) >= asked.max_tokens else "stop"


def _usage(desk: _Desk, asked: _Asked, written: int) -> dict[str, int]:
    read = desk.model.count(asked.messages)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


# --- what is asked


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadRequest(f"the request is larger than {MAX_BODY_BYTES} bytes")
    return body


def _read(body: bytes, max_tokens: int) -> _Asked:
    """Raises: BadRequest."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the request is not valid JSON") from None
    if not isinstance(data, dict):
        raise BadRequest("the request is not a JSON object")
    options = data.get("stream_options")
    tokens = data.get("max_completion_tokens") or data.get("max_tokens") or 256
    return _Asked(
        messages=_messages(data.get("messages")), stream=data.get("stream") is True,
        usage=isinstance(options, dict) and options.get("include_usage") is True,
        max_tokens=min(int(_number(tokens, "max_tokens", 1, MAX_TOKENS)), max_tokens),
        temperature=_number(data.get("temperature"), "temperature", 0, 2, default=0.0),
        top_p=_number(data.get("top_p"), "top_p", 0.001, 1, default=1.0), stop=_stop(data.get("stop")),
    )  # fmt: skip


def _messages(given: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_MESSAGES:
        raise BadRequest(f"`messages` must be a list of 1 to {MAX_MESSAGES}")
    messages = []
    for place, each in enumerate(given):
        role, content = (each.get("role"), _content(each.get("content"))) if isinstance(each, dict) else (None, None)
        if role not in ROLES or content is None:
            raise BadRequest(f"`messages[{place}]` must have a role ({', '.join(sorted(ROLES))}) and text as its content")
        messages.append((str(role), content))
    return tuple(messages)


def _content(given: Any) -> str | None:
    """Text, or a list of parts that are text."""
    if isinstance(given, str):
        return given
    if isinstance(given, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in given):
        return "".join(part["text"] for part in given)
    return None


def _number(given: Any, name: str, least: float, most: float, *, default: float | None = None) -> float:
    if given is None and default is not None:
        return default
    if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
        raise BadRequest(f"`{name}` must be from {least} to {most}")
    return float(given)


def _stop(given: Any) -> tuple[str, ...]:
    stop = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    if len(stop) > 4 or not all(isinstance(each, str) and each for each in stop):
        raise BadRequest("`stop` must be at most four texts")
    return tuple(stop)


def _denied(request: Request, key: str | None) -> Response | None:
    shown = request.headers.get("authorization", "")
    if key is None or hmac.compare_digest(shown.encode(), f"Bearer {key}".encode()):
        return None
    return _error(401, "invalid_api_key", "the key is missing or wrong")


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": code, "code": code}}, status, headers=dict(headers or {}))
