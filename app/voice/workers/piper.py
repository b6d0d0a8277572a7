"""piper through its package.

    python -m ingle.app.voice.workers.piper VOICE.onnx
"""

from __future__ import annotations

import sys

from .wire import Requests, put


def main(voice: str) -> int:
    from piper import PiperVoice

    speaker = PiperVoice.load(voice)
    requests = Requests()
    while (request := requests.next()) is not None:
        number, rate = request["number"], 0
        for chunk in speaker.synthesize(request["text"]):
            if requests.newest != number:
                break
            rate = chunk.sample_rate
            put(number, rate, chunk.audio_int16_bytes)
        put(number, rate, b"")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
