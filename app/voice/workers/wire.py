"""The two ends that every worker has: requests in, sound out."""

from __future__ import annotations

import json
import queue
import struct
import sys
import threading
from typing import Any


class Requests:
    """Lines from stdin, read while a sentence is made."""

    def __init__(self) -> None:
        self.newest = 0
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            self.newest = request["number"]
            self._lines.put(request)
        self.newest = -1        # whoever asked is gone: end at once
        self._lines.put(None)

    def next(self) -> dict[str, Any] | None:
        return self._lines.get()


def put(number: int, rate: int, sound: bytes) -> None:
    sys.stdout.buffer.write(struct.pack("<III", number, rate, len(sound)) + sound)
    sys.stdout.buffer.flush()
