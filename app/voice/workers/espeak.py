"""espeak-ng through its library.

    python -m ingle.app.voice.workers.espeak LIBRARY DATA_FOLDER|- VOICE
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from .wire import Requests, put

SYNCHRONOUS = 2                 # espeak_AUDIO_OUTPUT: the callback gets the sound, and espeak_Synth returns when it is made
PIECE_MS = 60
CHARACTERS = 1                  # espeak_POSITION_TYPE
UTF8_WITH_PAUSE = 0x1001        # espeakCHARS_UTF8 | espeakENDPAUSE
ON_SYNTH = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Voice(ctypes.Structure):
    """espeak_VOICE: what is asked for."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("identifier", ctypes.c_char_p), ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte), ("variant", ctypes.c_ubyte), ("xx1", ctypes.c_ubyte), ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )  # fmt: skip


def choose(espeak: ctypes.CDLL, voice: str) -> bool:
    """A voice by its name, else by a language ("en-gb"), as espeak-ng's own program does."""
    if espeak.espeak_SetVoiceByName(voice.encode()) == 0:
        return True
    return bool(espeak.espeak_SetVoiceByProperties(ctypes.byref(Voice(languages=voice.encode()))) == 0)


def main(library: str, data: str, voice: str) -> int:
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(SYNCHRONOUS, PIECE_MS, None if data == "-" else data.encode(), 0)
    if rate <= 0 or not choose(espeak, voice):
        print(f"espeak-ng has no voice {voice!r}", file=sys.stderr)
        return 1
    requests, number, sound = Requests(), 0, bytearray()

    def made(samples: Any, n_samples: int, _: Any) -> int:
        if requests.newest != number:
            return 1            # end this sentence
        if samples and n_samples > 0:
            sound.extend(ctypes.string_at(samples, 2 * n_samples))
        return 0

    callback = ON_SYNTH(made)           # it must live as long as it may be called
    espeak.espeak_SetSynthCallback(callback)
    while (request := requests.next()) is not None:
        number, text = request["number"], request["text"].encode()
        espeak.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, CHARACTERS, 0, UTF8_WITH_PAUSE, None, None)
        if sound:               # a sentence as one piece: it takes a hundredth of the time that it will be heard
            put(number, rate, bytes(sound))
            sound.clear()
        put(number, rate, b"")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
