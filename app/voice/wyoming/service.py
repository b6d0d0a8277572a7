"""Ingle as a Wyoming service: the conversation agent of Home Assistant, and a recogniser and a voice for whoever wants one.

    transcript                         → handled-start, handled-chunk…, handled, handled-stop; not-handled: it was not for us
    transcribe, audio-start, …, audio-stop          → transcript
    synthesize                                      → audio-start, audio-chunk…, audio-stop
    synthesize-start, synthesize-chunk…, synthesize-stop    → the same a sentence at a time, then synthesize-stopped

Who asks here was heard or typed something elsewhere, we cannot tell which: it counts as heard, so sensitive acts are confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from importlib.metadata import version
from typing import Any, Final

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled
from wyoming.info import AsrModel, AsrProgram, Attribution, HandleModel, HandleProgram, Info, TtsProgram, TtsVoice
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from ...events import MAX_TEXT_CHARS, Asked, ReplyToken
from ..pipeline import Answer, Understand
from ..synthesis import sounds
from ..types import SAMPLE_RATE, Samples, Sound, TextToSpeech, VoiceError
from .wire import STOP, Connection, Listening, WireError, name_in, start_of, text_in

LONGEST_S: Final = 60.0             # of one recording to transcribe


class Service:
    """One house's assistant for any number of connections.

    Args:
        answer: a turn of the assistant.
        understand: speech to text; None: there is no recogniser here.
        voice: text to speech; None: there is none here.
    """

    def __init__(self, answer: Answer, *, understand: Understand | None = None, voice: TextToSpeech | None = None) -> None:
        self._answer, self._understand, self._voice = answer, understand, voice

    async def session(self, connection: Connection) -> None:
        """Answer until the other side goes. Raises: WireError: what came is no Wyoming."""
        while (event := await connection.receive()) is not None:
            match event.type:
                case "describe":
                    await connection.send(self.info())
                case "ping":
                    await connection.send(Pong(text=event.data.get("text") if isinstance(event.data.get("text"), str) else None))
                case "transcript":
                    await self._handle(connection, event)
                case "transcribe" if self._understand is not None:
                    await self._transcribe(connection, self._understand)
                case "synthesize" if self._voice is not None:
                    await _speak(connection, sounds(_once(text_in(event)), self._voice))
                case "synthesize-start" if self._voice is not None:
                    await _speak(connection, sounds(_text(connection), self._voice))
                    await connection.send(SynthesizeStopped())

    def info(self) -> Info:
        """What there is: of a recogniser and a voice only what can be used."""
        asr = [] if self._understand is None else [AsrProgram(
            **artifact("ingle", "Leans towards the names of this home"), models=[AsrModel(**artifact("home"), languages=["en"])])]
        tts = [] if self._voice is None else [TtsProgram(
            **artifact("ingle", "Reads numbers, units and times in words"), supports_synthesize_streaming=True,
            voices=[TtsVoice(**artifact(self._voice.name), languages=["en"])])]
        handle = HandleProgram(
            **artifact("ingle", "Commands and questions about this home, on this device"), supports_handled_streaming=True,
            supports_home_control=True, models=[HandleModel(**artifact("ingle"), languages=["en"])])
        return Info(asr=asr, tts=tts, handle=[handle])

    async def _handle(self, connection: Connection, event: Event) -> None:
        text, pieces = text_in(event), asyncio.Queue[ReplyToken]()
        if not text.strip() or len(text) > MAX_TEXT_CHARS:
            await connection.send(NotHandled(text="Nothing was said." if not text.strip() else "That was too long."))
            return
        conversation = name_in(event, "conversation_id")
        asked = Asked(text=text, session=conversation and f"wyoming {conversation}", area=name_in(event, "area"), via="voice")
        answering = asyncio.ensure_future(self._answer(asked, pieces.put_nowait))
        context = event.data.get("context") if isinstance(event.data.get("context"), dict) else None
        await connection.send(HandledStart(context=context))
        while not (token := await pieces.get()).last:
            await connection.send(HandledChunk(text=token.token))
        record = await answering
        said = Handled(text=record.reply, context=context) if record.reply else NotHandled(text="", context=context)
        await connection.send(said, HandledStop())

    async def _transcribe(self, connection: Connection, understand: Understand) -> None:
        heard = await understand(_speech(connection))
        await connection.send(Transcript(text=heard.text, language="en"))


async def _speak(connection: Connection, said: AsyncIterator[Sound]) -> None:
    rate = 0
    async with aclosing(said) as pieces:        # type: ignore[type-var]
        async for sound in pieces:
            if not rate:
                await connection.send(start_of(sound.rate))
            rate = sound.rate
            await connection.send_sound(sound)
    await connection.send(*([STOP] if rate else [start_of(SAMPLE_RATE), STOP]))


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def _text(connection: Connection) -> AsyncIterator[str]:
    """Pieces of text until their end; `synthesize` in between repeats it for servers that take no pieces."""
    while (event := await connection.receive()) is not None and event.type != "synthesize-stop":
        if event.type == "synthesize-chunk":
            yield text_in(event)


async def _speech(connection: Connection) -> AsyncIterator[Samples]:
    """Frames until the end of speech. Raises: WireError: it has none, or no sound; the connection is of no more use then."""
    listening, heard_s = Listening(), 0.0
    while (event := await connection.receive()) is not None:
        if event.type == "audio-stop":
            return
        if event.type == "audio-chunk":
            for frame in listening.take(event):
                heard_s += len(frame) / SAMPLE_RATE
                yield frame
        if heard_s > LONGEST_S:
            raise WireError(f"more than {LONGEST_S:.0f} s of speech")
    raise VoiceError("the connection ended before the speech did")


def artifact(name: str, description: str | None = None) -> dict[str, Any]:
    """What the protocol wants to know of every part of a program."""
    return {"name": name, "attribution": Attribution(name="Ingle", url=""), "installed": True, "description": description,
            "version": version("ingle")}
