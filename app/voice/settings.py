"""`voice:` of config.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class SpeechToTextConfig:
    engine: str = "auto"                # auto, whisper, pocketsphinx, or a Wyoming server: tcp://host:10300
    model: str | None = None            # a folder of faster-whisper's; None: the voice extra's tiny.en
    threads: int = 2


@dataclass(frozen=True, kw_only=True)
class TextToSpeechConfig:
    engine: str = "auto"                # auto, espeak-ng, piper, or a Wyoming server: tcp://host:10200
    voice: str | None = None            # espeak-ng's name of a voice, or piper's .onnx file


@dataclass(frozen=True, kw_only=True)
class VoiceConfig:
    """Speech in and out. Nothing that is heard leaves the device or is kept, but for servers and folders named here."""

    area: str | None = None             # the room this microphone is in
    wake_words: tuple[str, ...] = ("okay nabu",)
    wake_server: str | None = None      # a Wyoming server that listens for them instead: tcp://host:10400
    speech_to_text: SpeechToTextConfig = field(default_factory=SpeechToTextConfig)
    text_to_speech: TextToSpeechConfig = field(default_factory=TextToSpeechConfig)
    input_device: str | int | None = None       # as `ingle doctor --audio` lists them; None: the system's
    output_device: str | int | None = None
    earcons: bool = True
    barge_in: Literal["speech", "wake_word", "off"] = "speech"      # what stops a reply
    pause_s: float = 0.6                # of silence that ends a command
    follow_up_s: float = 6.0            # in which a question is answered without the wake word
    keep_recordings: str | None = None  # a folder for what is said to it; None: kept nowhere


def voice_problems(voice: VoiceConfig) -> Iterable[tuple[str, str]]:
    """(key, what is wrong with it and the cure)"""
    if not voice.wake_words and voice.wake_server is None:
        yield "voice.wake_words", "is empty: name at least one, like okay nabu."
    if not 1 <= voice.speech_to_text.threads <= 64:
        yield "voice.speech_to_text.threads", f"must be between 1 and 64, not {voice.speech_to_text.threads}."
    for key, value, least, most in (("pause_s", voice.pause_s, 0.2, 5), ("follow_up_s", voice.follow_up_s, 0, 60)):
        if not least <= value <= most:
            yield f"voice.{key}", f"must be between {least} and {most} seconds, not {value}."
    engine = voice.speech_to_text.engine
    if engine not in ("auto", "whisper", "pocketsphinx") and not engine.startswith("tcp://"):
        yield "voice.speech_to_text.engine", f"is {engine!r}: use auto, whisper, pocketsphinx or tcp://host:port."
