"""Reading a repository: over HTTP(S), or from a folder (a USB stick). Nothing that is read here is trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient import FetcherInterface

from .errors import UpdateError

CHUNK: Final = 1 << 16
TIMEOUT_S: Final = 20.0
PATIENCE_S: Final = 30.0        # after which a download must have kept up the least rate
LEAST_RATE: Final = 512         # bytes/s: 25 MB then take 14 hours


class Fetcher(FetcherInterface):
    """python-tuf's way to read a URL, from an offset on where wanted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pool: Any = None

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self.from_offset(url, 0)

    def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
        """The bytes of `url` from `offset` on. Raises: DownloadError, of it SlowRetrievalError and DownloadHTTPError."""
        chunks = self._file(url, offset) if urlsplit(url).scheme == "file" else self._http(url, offset)
        return self._keeping_up(chunks)

    def _keeping_up(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        began, n_bytes = self._clock(), 0
        for chunk in chunks:
            n_bytes += len(chunk)
            spent_s = self._clock() - began
            if spent_s > PATIENCE_S and n_bytes < LEAST_RATE * spent_s:
                raise SlowRetrievalError(f"{n_bytes} bytes in {spent_s:.0f} s")
            yield chunk

    def _file(self, url: str, offset: int) -> Iterator[bytes]:
        path = Path(unquote(urlsplit(url).path))
        try:
            with path.open("rb") as file:
                file.seek(offset)
                while chunk := file.read(CHUNK):
                    yield chunk
        except (FileNotFoundError, NotADirectoryError):
            raise DownloadHTTPError(f"{path}: there is no such file", 404) from None
        except OSError as error:
            raise DownloadError(f"{path}: {error.strerror}") from None

    def _http(self, url: str, offset: int) -> Iterator[bytes]:
        if self._pool is None:
            self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=urllib3.Retry(3, redirect=3))
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            answer = self._pool.request("GET", url, preload_content=False, headers=headers)
            try:
                if answer.status not in (200, 206):
                    raise DownloadHTTPError(f"{url}: HTTP status {answer.status}", answer.status)
                yield from _after(answer.stream(CHUNK), offset if answer.status == 200 else 0)
            finally:
                answer.close()
        except urllib3.exceptions.TimeoutError as error:
            raise SlowRetrievalError(f"{url}: {error}") from None
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"{url}: {error}") from None


def _after(chunks: Iterator[bytes], n_skipped: int) -> Iterator[bytes]:
    """From a server that knows no ranges: the whole file, of which the beginning is passed over."""
    for chunk in chunks:
        if n_skipped < len(chunk):
            yield chunk[n_skipped:]
        n_skipped = max(0, n_skipped - len(chunk))


def base_url(source: str) -> str:
    """A repository's place as a URL without a slash at its end. Raises: UpdateError."""
    parts = urlsplit(source)
    if parts.scheme in ("http", "https", "file") and (parts.hostname or parts.scheme == "file"):
        return source.rstrip("/")
    if "://" in source:
        raise UpdateError(f"{source}: not a repository's place: use https://…, http://… or a folder")
    return Path(source).absolute().as_uri()
