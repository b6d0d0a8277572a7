"""A process of its own that speaks with espeak-ng's library (GPL: never loaded into Ingle). Run by `synthesis.py`, as a file.

In: a line of JSON for each sentence, {"number", "text"}; a newer one ends the one before. Out: pieces of sound, each behind
`number, rate, n_bytes` (little-endian uint32); a piece of 0 bytes ends the sentence. Rate: Hz; sound: 16-bit, mono.

    python espeak_worker.py LIBRARY DATA_FOLDER|- VOICE
"""

from __future__ import annotations

import ctypes
import json
import queue
import struct
import sys
import threading
from typing import Any

SYNCHRONOUS = 2                 # espeak_AUDIO_OUTPUT: the callback gets the sound, and espeak_Synth returns when it is made
PIECE_MS = 60
CHARACTERS = 1                  # espeak_POSITION_TYPE
UTF8_WITH_PAUSE = 0x1001        # espeakCHARS_UTF8 | espeakENDPAUSE
ON_SYNTH = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


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


def main(library: str, data: str, voice: str) -> int:
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(SYNCHRONOUS, PIECE_MS, None if data == "-" else data.encode(), 0)
    if rate <= 0 or espeak.espeak_SetVoiceByName(voice.encode()) != 0:
        print(f"espeak-ng has no voice {voice!r}", file=sys.stderr)
        return 1
    requests, number = Requests(), 0

    @ON_SYNTH
    def made(samples: Any, n_samples: int, _: Any) -> int:
        if requests.newest != number:
            return 1            # end this sentence
        if samples and n_samples > 0:
            put(number, rate, ctypes.string_at(samples, 2 * n_samples))
        return 0

    espeak.espeak_SetSynthCallback(made)
    while (request := requests.next()) is not None:
        number, text = request["number"], request["text"].encode()
        espeak.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, CHARACTERS, 0, UTF8_WITH_PAUSE, None, None)
        put(number, rate, b"")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
