"""A process of its own that speaks with piper (GPL: never loaded into Ingle). Run by `synthesis.py`, as a file.

In and out as `espeak_worker.py`.

    python piper_worker.py VOICE.onnx
"""

from __future__ import annotations

import sys

from espeak_worker import Requests, put     # a neighbour: this runs as a file, not as a part of the package


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
