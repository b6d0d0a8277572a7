"""A cloud for scenarios: our own OpenAI-compatible server, with a model that always says the same."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any


class CloudError(Exception):
    """There is no server to be had: one line with the cure."""


class _Says:
    def __init__(self, answer: str) -> None:
        self._answer = answer

    def write(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int, max_s: float, temperature: float, top_p: float,
        stop: Sequence[str],
    ) -> Iterator[str]:
        return iter(self._answer.splitlines(keepends=True))

    def count(self, messages: Sequence[tuple[str, str]]) -> int:
        return 1


@asynccontextmanager
async def serving(model: Any, name: str, **options: Any) -> AsyncIterator[str]:
    """Serve a model on loopback; `options` are those of `openai_server.application`. Yields: the URL. Raises: CloudError."""
    try:
        import uvicorn

        from ..openai_server import application
    except ImportError:
        raise CloudError("`cloud` needs starlette and uvicorn: pip install 'ingle[serve,cloud]'") from None
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = application(model, name, **options)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            await task


def answering(answer: str) -> AbstractAsyncContextManager[str]:
    """A server that always says `answer`."""
    return serving(_Says(answer), "scenario")
