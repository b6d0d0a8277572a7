"""Speaking: with espeak-ng in a process of its own, that dies, is interrupted, is not there; a reply spoken as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from ingle.app.config import parse
from ingle.app.voice.synthesis import WorkerVoice, espeak_voice, open_voice, sounds
from ingle.app.voice.types import Sound, TextToSpeech, VoiceError

from .voice.scripted import ScriptedVoice


@pytest.fixture
async def voice() -> AsyncIterator[WorkerVoice]:
    voice = espeak_voice()
    yield voice
    await voice.close()


async def _said(voice: TextToSpeech, text: str) -> Sound:
    pieces = [sound async for sound in voice.synthesize(text)]
    return Sound(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate)


async def test_it_speaks(voice: WorkerVoice) -> None:
    short, long = await _said(voice, "Yes."), await _said(voice, "The living room is at 21.5 °C, and the door is open.")
    assert short.rate == long.rate == 22_050
    assert 0.2 < len(short.samples) / short.rate < 2 < len(long.samples) / long.rate < 8
    assert np.abs(long.samples).max() > 3000


def _is_like(said: Sound, other: Sound) -> bool:
    """espeak-ng says the same sentence a few samples longer or shorter, depending on what it said before."""
    return abs(len(said.samples) - len(other.samples)) < 0.02 * len(other.samples)


async def test_numbers_are_read_by_us_not_by_the_synthesiser(voice: WorkerVoice) -> None:
    said, meant = await _said(voice, "18:30, 3 kWh"), await _said(voice, "six thirty PM, three kilowatt hours")
    assert _is_like(said, meant)


async def test_nothing_to_say_is_silence(voice: WorkerVoice) -> None:
    assert [sound async for sound in voice.synthesize("…😀\n")] == []


async def test_a_sentence_that_is_broken_off_leaves_nothing_in_the_next(voice: WorkerVoice) -> None:
    expected = await _said(voice, "Next.")
    for _ in range(5):
        long = voice.synthesize("A sentence which goes on and on. " * 8)
        await anext(long)
        await long.aclose()  # type: ignore[attr-defined]
        assert _is_like(await _said(voice, "Next."), expected)


async def test_it_is_started_again_when_it_was_killed(voice: WorkerVoice) -> None:
    await _said(voice, "One.")
    worker = voice._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()
    assert len((await _said(voice, "Two.")).samples) > 1000
    os.kill(voice._worker.pid, signal.SIGKILL)      # not noticed yet  # type: ignore[union-attr]
    with contextlib.suppress(VoiceError):
        await _said(voice, "Three.")
    assert len((await _said(voice, "Four.")).samples) > 1000


async def test_a_voice_that_is_not_there_is_named() -> None:
    voice = espeak_voice("klingonese")
    with pytest.raises(VoiceError, match="has no voice 'klingonese'"):
        await _said(voice, "Hello.")
    for text, problem in (
        ("{engine: piper, voice: none.onnx}", r"none\.onnx: piper needs"), ("{voice: other.onnx}", r"other\.onnx: piper needs"),
        ("{engine: piper}", "piper needs a voice's"),
    ):
        with pytest.raises(VoiceError, match=problem):
            open_voice(parse(f"voice: {{text_to_speech: {text}}}"))


@pytest.mark.parametrize("program", [
    "import sys; sys.stdout.buffer.write(b'x' * 1000)", "import sys; sys.stdout.buffer.write(b'\\xff' * 12); input()",
    "raise SystemExit(3)",
])  # fmt: skip
async def test_a_worker_that_talks_nonsense_harms_nothing(program: str) -> None:
    with pytest.raises(VoiceError, match="nonsense broke off"):
        await _said(WorkerVoice("nonsense", [sys.executable, "-c", program]), "Hello.")


async def test_a_worker_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="cannot be started"):
        await _said(WorkerVoice("missing", [str(tmp_path / "missing")]), "Hello.")


async def test_a_reply_is_spoken_while_it_is_still_being_written() -> None:
    voice, goes_on = ScriptedVoice(), asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        yield "The first sentence."
        await goes_on.wait()
        yield " The second one."

    spoken = sounds(pieces(), voice)
    await anext(spoken)
    assert voice.said == ["The first sentence."]
    goes_on.set()
    assert len([sound async for sound in spoken]) == 1
    assert voice.said == ["The first sentence.", "The second one."]


async def test_a_sentence_that_cannot_be_spoken_is_passed_over() -> None:
    class Stutters(ScriptedVoice):
        async def synthesize(self, text: str) -> AsyncIterator[Sound]:
            if text.startswith("Bad"):
                raise VoiceError("no")
            async for sound in super().synthesize(text):
                yield sound

    async def pieces() -> AsyncIterator[str]:
        yield "One. Bad one. Three."

    voice = Stutters()
    assert len([sound async for sound in sounds(pieces(), voice)]) == 2


async def test_what_breaks_the_reply_is_told() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "One. "
        raise LookupError("gone")

    with pytest.raises(LookupError):
        [sound async for sound in sounds(pieces(), ScriptedVoice())]
