"""The way of a spoken turn, frame by frame: wake word → speech → text → answer → reply spoken while it is generated.

    frames ──► asleep ──wake word──► listening ──end of speech──► answering ──reply over──► asleep
                  ▲                      │  nothing said              │  question ──► listening (no wake word needed)
                  └──────────────────────┘                           └─ wake word, or speech over it ──► listening

`take` is called with every frame and never waits for recognition or speech: that is a task of its own, at most one at a time.
What is heard while it runs is kept for `PREROLL_S`, so that a barge-in begins with its first word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from ..events import Asked, ReplyToken, TurnRecord
from .audio import SILENCE_DBFS, level_dbfs
from .earcons import Earcon, earcon
from .endpoint import Endpointer, Patience, Vad
from .hearing import Heard
from .reading_aloud import sentences
from .settings import VoiceConfig
from .types import FRAME_S, AudioSink, AudioSource, Samples, Sound, TextToSpeech, Transcript, VoiceError, WakeWord

log = logging.getLogger(__name__)

PREROLL_S: Final = 0.5
SPEECH_OVER_S: Final = 0.35         # of speech over the reply that stops it
SPEECH_OVER: Final = 0.8            # probability that it is speech
ECHO_LEARNED_S: Final = 0.4         # of a reply: all that is heard meanwhile is taken for it
ABOVE_ECHO_DB: Final = 8.0          # by which it must be louder than the reply itself sounds in the microphone
ECHO_FADES: Final = 0.95            # of its remembered level, a frame
REOPEN_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)    # between tries to open a microphone that is gone

SOUNDS_AHEAD: Final = 8             # pieces synthesised before they are heard

State = Literal["asleep", "listening", "answering", "muted", "no microphone"]
Answer = Callable[[Asked, Callable[[ReplyToken], None]], Awaitable[TurnRecord]]
Understand = Callable[[AsyncIterator[Samples]], Awaitable[Heard]]

T = TypeVar("T")


@dataclass(frozen=True)
class Turned:
    """A turn is over: for whoever shows or measures it."""

    heard: Heard
    record: TurnRecord | None       # None: nothing was understood
    interrupted: bool = False


class VoicePipeline:
    """One microphone and one loudspeaker in one room.

    Args:
        understand: speech to text (`Hearing.understand`).
        answer: a turn of the assistant; its tokens are spoken as they come.
        on_state, on_turn, on_level: hear of what happens; they must not block.
    """

    def __init__(
        self, *, wake: WakeWord, vad: Vad, understand: Understand, answer: Answer, speech: TextToSpeech, sink: AudioSink,
        settings: VoiceConfig, on_state: Callable[[State], None] = lambda state: None,
        on_turn: Callable[[Turned], None] = lambda turned: None, on_level: Callable[[float], None] = lambda dbfs: None,
    ) -> None:
        self.state: State = "asleep"
        self.frames_taken = 0
        self._wake, self._vad, self._understand, self._answer = wake, vad, understand, answer
        self._speech, self._sink, self._settings = speech, sink, settings
        self._on_state, self._on_turn, self._on_level = on_state, on_turn, on_level
        self._preroll: deque[Samples] = deque(maxlen=int(PREROLL_S / FRAME_S))
        self._utterance: asyncio.Queue[Samples | None] | None = None
        self._endpoint = Endpointer()
        self._turn: asyncio.Task[None] | None = None
        self._speaking = False
        self._over_s = 0.0              # how long somebody has been speaking over the reply
        self._spoken_s = 0.0            # how long the reply has been heard
        self._echo_dbfs = SILENCE_DBFS  # how loud the reply sounds in the microphone
        self._unmuted = asyncio.Event()
        self._unmuted.set()
        self._closed = asyncio.Event()  # the microphone is closed, as `mute` promises

    # the microphone

    async def run(self, source: AudioSource) -> None:
        """Listen until the source ends. A microphone that breaks or is unplugged is opened again when it is back."""
        tries = 0
        while True:
            await self._unmuted.wait()
            self._closed.clear()
            try:
                async with aclosing(source.frames()) as frames:     # type: ignore[type-var]
                    async for frame in frames:
                        tries = 0
                        await self.take(frame)
                        if not self._unmuted.is_set():
                            break
                    else:
                        await self.finish()
                        return
            except VoiceError as error:
                log.warning("no microphone: %s", error)
                self._become("no microphone")
                self._drop_utterance()
                await asyncio.sleep(REOPEN_S[min(tries, len(REOPEN_S) - 1)])
                tries += 1
                self._become("asleep")
            finally:
                self._closed.set()

    async def mute(self) -> None:
        """Close the microphone. Returns when it is closed; what was being said is dropped."""
        self._unmuted.clear()
        self._drop_utterance()
        await self.stop_speaking()
        self._become("muted")

    async def closed(self) -> None:
        """Return when the microphone is closed."""
        await self._closed.wait()

    def unmute(self) -> None:
        self._become("asleep")
        self._wake.reset()
        self._unmuted.set()

    async def finish(self) -> None:
        """Wait for the turn under way."""
        if self._utterance is not None:
            self._utterance.put_nowait(None)
            self._utterance = None
        if self._turn is not None:
            await asyncio.gather(self._turn, return_exceptions=True)

    # a frame

    async def take(self, frame: Samples) -> None:
        """One more frame of FRAME_SAMPLES."""
        self.frames_taken += 1
        level = level_dbfs(frame)
        self._on_level(level)
        word = await self._wake.heard(frame)
        if self._utterance is not None:
            self._listen(frame)
        elif word is not None:
            log.info("wake word %s", word)
            await self._begin(after_wake=True)
        elif self.state == "answering":
            await self._speech_over(frame, level)
        self._preroll.append(frame)

    def _listen(self, frame: Samples) -> None:
        assert self._utterance is not None
        self._utterance.put_nowait(frame)
        match self._endpoint.take(self._vad(frame)):
            case "ended":
                self._utterance.put_nowait(None)
                self._utterance = None
                self._become("answering")
            case "nothing":
                self._drop_utterance()
                self._tone("nothing")
                self._become("asleep")

    async def _begin(self, *, after_wake: bool, wait_s: float | None = None) -> None:
        """Listen to a command, from now on, or with what was said already over a reply."""
        await self.stop_speaking()
        self._drop_utterance()
        patience = Patience(pause=self._settings.pause_s)
        if wait_s is not None:
            patience = Patience(pause=self._settings.pause_s, to_begin=wait_s)
        self._endpoint = Endpointer(patience)
        self._utterance = asyncio.Queue()
        if not after_wake:
            for frame in self._preroll:
                self._utterance.put_nowait(frame)
                self._endpoint.take(self._vad(frame))
        self._become("listening")
        if after_wake:
            self._tone("listening")
        self._turn = asyncio.create_task(self._one_turn(self._utterance))

    async def _speech_over(self, frame: Samples, level: float) -> None:
        """Somebody may be speaking over the reply; the reply itself, heard by the microphone, is not somebody."""
        if not self._speaking or self._settings.barge_in != "speech":
            return
        probability, self._spoken_s = self._vad(frame), self._spoken_s + FRAME_S
        is_speech = self._spoken_s > ECHO_LEARNED_S and probability >= SPEECH_OVER and level > self._echo_dbfs + ABOVE_ECHO_DB
        self._over_s = self._over_s + FRAME_S if is_speech else 0.0
        if not is_speech:
            self._echo_dbfs = max(level, ECHO_FADES * self._echo_dbfs + (1 - ECHO_FADES) * level)
        if self._over_s >= SPEECH_OVER_S:
            await self._begin(after_wake=False)

    # a turn

    async def _one_turn(self, utterance: asyncio.Queue[Samples | None]) -> None:
        """From the first frame of a command to the end of the reply."""
        try:
            heard = await self._understand(_until_none(utterance))
            if not heard.text:
                self._tone("nothing")
                self._on_turn(Turned(heard, None))
                return
            record = await self._reply_to(heard)
            if record.intents and not record.reply:
                self._tone("understood")        # `brief`: it is seen to be done
            self._on_turn(Turned(heard, record))
            if "?" in record.reply and self._settings.follow_up_s > 0:
                asyncio.get_running_loop().call_soon(self._follow_up)
        except VoiceError as error:
            log.warning("%s", error)
            self._tone("error")
            self._on_turn(Turned(Heard(Transcript()), None))
        finally:
            if self._turn is asyncio.current_task() and self._utterance is None and self.state == "answering":
                self._become("asleep")

    def _follow_up(self) -> None:
        """A question was asked: the answer needs no wake word."""
        if self._utterance is None and self.state == "asleep":
            self._preroll.clear()
            self._following = asyncio.create_task(self._begin(after_wake=False, wait_s=self._settings.follow_up_s))

    async def _reply_to(self, heard: Heard) -> TurnRecord:
        """Ask, and speak the reply sentence by sentence while it comes."""
        tokens: asyncio.Queue[str | None] = asyncio.Queue()
        speaking = asyncio.create_task(self._speak(_until_none(tokens)))
        try:
            asked = Asked(text=heard.text, area=self._settings.area, via="voice")
            answering = self._answer(asked, lambda token: tokens.put_nowait(token.token))
            record = await asyncio.shield(asyncio.ensure_future(answering))     # an act is not stopped half-way
            tokens.put_nowait(None)
            await speaking
            return record
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, pieces: AsyncIterator[str]) -> None:
        """Sentence by sentence; the next one is synthesised while one is heard."""
        ready: asyncio.Queue[Sound | None] = asyncio.Queue(SOUNDS_AHEAD)
        making = asyncio.create_task(self._synthesize(pieces, ready))
        try:
            async for sound in _until_none(ready):
                self._begin_speaking()
                await self._sink.play(sound)
            await making
        finally:
            self._speaking = False
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    async def _synthesize(self, pieces: AsyncIterator[str], ready: asyncio.Queue[Sound | None]) -> None:
        try:
            async for sentence in sentences(pieces):
                async with aclosing(self._speech.synthesize(sentence)) as sounds:      # type: ignore[type-var]
                    async for sound in sounds:
                        await ready.put(sound)
        except VoiceError as error:
            log.warning("the reply is not spoken: %s", error)
        await ready.put(None)

    def _begin_speaking(self) -> None:
        if not self._speaking:
            self._speaking, self._over_s, self._spoken_s, self._echo_dbfs = True, 0.0, 0.0, SILENCE_DBFS

    async def stop_speaking(self) -> None:
        """Be silent at once. The act that the reply is about goes on."""
        turn, self._turn = self._turn, None
        if turn is not None and not turn.done():
            turn.cancel()
            await self._sink.stop()
            await asyncio.gather(turn, return_exceptions=True)
        self._speaking = False

    def _drop_utterance(self) -> None:
        """What is being said is not answered."""
        if self._utterance is not None:
            self._utterance = None
            if self._turn is not None:
                self._turn.cancel()
                self._turn = None

    def _tone(self, which: Earcon) -> None:
        if self._settings.earcons:
            self._playing = asyncio.create_task(self._play_quietly(which))

    async def _play_quietly(self, which: Earcon) -> None:
        with contextlib.suppress(VoiceError):
            await self._sink.play(earcon(which))

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)


async def _until_none(queue: asyncio.Queue[T | None]) -> AsyncIterator[T]:
    while (item := await queue.get()) is not None:
        yield item
