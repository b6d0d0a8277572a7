"""`voice:` of config.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit


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
class SatelliteConfig:
    """A microphone and loudspeaker elsewhere whose pipeline this Ingle is: a Wyoming satellite, another Ingle's or any."""

    url: str                            # tcp://bedroom:10700
    area: str | None = None             # the room it is in; None: as it says itself


@dataclass(frozen=True, kw_only=True)
class WyomingConfig:
    """The Wyoming protocol, spoken with others. Nothing listens unless it is named here."""

    listen: str | None = None           # `ingle run` as conversation agent, recogniser and voice for others
    satellites: tuple[SatelliteConfig, ...] = ()    # that `ingle run` connects to
    satellite: str = "tcp://127.0.0.1:10700"        # where `ingle satellite` waits for Home Assistant or another Ingle
    announce: bool = False              # tell of these on the local network, by zeroconf


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
    wyoming: WyomingConfig = field(default_factory=WyomingConfig)


def voice_problems(voice: VoiceConfig) -> Iterable[tuple[str, str]]:
    """(key, what is wrong with it and the cure)"""
    if not voice.wake_words and voice.wake_server is None:
        yield "voice.wake_words", "is empty: name at least one, like okay nabu."
    if not 1 <= voice.speech_to_text.threads <= 64:
        yield "voice.speech_to_text.threads", f"must be between 1 and 64, not {voice.speech_to_text.threads}."
    for key, value, least, most in (("pause_s", voice.pause_s, 0.2, 5), ("follow_up_s", voice.follow_up_s, 0, 60)):
        if not least <= value <= most:
            yield f"voice.{key}", f"must be between {least} and {most} seconds, not {value}."
    for key, engine, known in (
        ("speech_to_text", voice.speech_to_text.engine, ("auto", "whisper", "pocketsphinx")),
        ("text_to_speech", voice.text_to_speech.engine, ("auto", "espeak-ng", "piper")),
    ):
        if engine not in known and fault_in_address(engine):
            yield f"voice.{key}.engine", f"is {engine!r}: use {', '.join(known)} or tcp://host:port."
    yield from _wyoming_problems(voice)


def _wyoming_problems(voice: VoiceConfig) -> Iterable[tuple[str, str]]:
    wyoming = voice.wyoming
    named = [("wake_server", voice.wake_server), ("wyoming.listen", wyoming.listen), ("wyoming.satellite", wyoming.satellite)]
    named += [(f"wyoming.satellites[{place}].url", one.url) for place, one in enumerate(wyoming.satellites)]
    for key, address in named:
        if address is not None and fault_in_address(address):
            yield f"voice.{key}", f"is {address!r}: use an address like tcp://127.0.0.1:10700."


def fault_in_address(address: str) -> bool:
    """Whether this is no tcp://host:port."""
    try:
        parts = urlsplit(address)
        return parts.scheme != "tcp" or not parts.hostname or parts.port is None
    except ValueError:
        return True
