"""`ingle voice`: a microphone and a loudspeaker for the Ingle that runs, or for one started for it, with a level meter."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from ...skills.home.model import Home
from ...skills.sentences import OwnSentences
from .. import topics
from ..bus import Bus, Message
from ..commands import CommandError
from ..config import Config
from ..custom import household_skills
from ..daemon import Daemon, open_model
from ..events import Asked, BadEvent, ReplyToken, TurnRecord
from ..home_link import HomeLink
from .devices import Loudspeaker, Microphone, devices
from .endpoint import SileroVad
from .hearing import Hearing, open_recognizer
from .mute import MuteSwitch, Watched, microphone_payload
from .pipeline import Answer, State, Turned, VoicePipeline
from .synthesis import open_voice
from .types import VoiceError, WakeWord
from .wake import MicroWakeWord

METER: Final = 30                   # characters
METER_EVERY: Final = 3              # frames
FLOOR_DBFS: Final = -60.0
ANSWER_S: Final = 60.0


async def listen(config: Config) -> int:
    """Listen until interrupted. Returns: the exit status. Raises: VoiceError: no microphone, a package is missing; BusError."""
    if not any(device.inputs for device in devices()):
        raise VoiceError("there is no microphone on this machine; `ingle hear FILE.wav` takes recordings")
    async with AsyncExitStack() as stack:
        home, answer, mute = await stack.enter_async_context(_house(config))
        own = OwnSentences(household_skills(config).sentences)
        recognizer, speech = open_recognizer(config), open_voice(config)
        stack.push_async_callback(recognizer.close)
        stack.push_async_callback(speech.close)
        wake = open_wake_word(config)
        stack.push_async_callback(wake.close)
        hearing = Hearing(recognizer, home, open_model(config), own, config=config)
        screen = _Screen(wake.words)
        pipeline = VoicePipeline(
            wake=wake, vad=SileroVad(), understand=hearing.understand, answer=answer, speech=speech,
            sink=Loudspeaker(config.voice.output_device), settings=config.voice, on_state=screen.state, on_turn=screen.turn,
            on_level=screen.level)
        await mute.obey(pipeline)           # before the device is opened for the first time
        muting = asyncio.create_task(mute.follow(pipeline))
        stack.callback(muting.cancel)
        await hearing.prepare()
        await pipeline.run(Watched(Microphone(config.voice.input_device), mute.tell))
    return 0


def open_wake_word(config: Config) -> WakeWord:
    """The configured one. Raises: VoiceError."""
    if config.voice.wake_server is not None:
        from .wyoming import WyomingWakeWord

        return WyomingWakeWord(config.voice.wake_server, config.voice.wake_words)
    words = [str(config.resolved(word)) if word.endswith(".json") else word for word in config.voice.wake_words]
    return MicroWakeWord(words)


@asynccontextmanager
async def _house(config: Config) -> AsyncIterator[tuple[Home, Answer, MuteSwitch]]:
    """The home, the way to ask and the switch that mutes: over the bus where an Ingle runs, else one in this process."""
    from ..commands._client import connected, require_ingle

    try:
        async with connected(config) as bus:
            await require_ingle(bus)
    except CommandError:
        if config.mqtt.embedded_port is None:
            raise
        async with Daemon.open(config) as daemon:
            switch = MuteSwitch(daemon.tell_microphone)
            daemon.on_mute = switch.set
            switch.set(daemon.muted)
            yield daemon.home, lambda asked, on_token: daemon.assistant.answer(asked, on_token=on_token), switch
        return
    async with connected(config) as bus:
        there = _Remote(bus, HomeLink(bus, config))
        tasks = [asyncio.create_task(there.read()), asyncio.create_task(there.link.run())]
        try:
            await bus.subscribe(topics.TURN, topics.MUTE)
            await there.link.settled()
            yield there.link.home, there.answer, there.mute
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Remote:
    """A running Ingle, asked over the bus."""

    def __init__(self, bus: Bus, link: HomeLink) -> None:
        self.link = link
        self.mute = MuteSwitch(lambda is_open: bus.post_kept(topics.MICROPHONE, microphone_payload(is_open)))
        self._bus = bus
        self._waiting: dict[str, asyncio.Future[TurnRecord]] = {}
        self._tokens: dict[str, Callable[[ReplyToken], None]] = {}

    async def read(self) -> None:
        async for message in self._bus.messages:
            self._take(message)
            await self.link.take(message)

    async def answer(self, asked: Asked, on_token: Callable[[ReplyToken], None]) -> TurnRecord:
        """Raises: VoiceError: no answer in time."""
        topic = topics.reply_topic(asked.id)
        self._waiting[asked.id] = asyncio.get_running_loop().create_future()
        self._tokens[topic] = on_token
        try:
            await self._bus.subscribe(topic)
            await self._bus.publish(topics.ASK, asked.payload())
            async with asyncio.timeout(ANSWER_S):
                return await self._waiting[asked.id]
        except TimeoutError:
            raise VoiceError(f"no answer within {ANSWER_S:g} s: is Ingle still running?") from None
        finally:
            del self._waiting[asked.id], self._tokens[topic]
            await self._bus.unsubscribe(topic)

    def _take(self, message: Message) -> None:
        with contextlib.suppress(ValueError, BadEvent):
            if message.topic in self._tokens:
                self._tokens[message.topic](ReplyToken.from_dict(json.loads(message.payload)))
            elif message.topic == topics.MUTE:
                self.mute.take(message.payload)
            elif message.topic == topics.TURN:
                record = TurnRecord.from_dict(json.loads(message.payload))
                if record.id in self._waiting and not self._waiting[record.id].done():
                    self._waiting[record.id].set_result(record)


class _Screen:
    """One line that moves: the level and the state; above it what was said."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._state: State = "asleep"
        self._words = " or ".join(f'"{word}"' for word in words)
        self._frames = 0

    def state(self, state: State) -> None:
        self._state = state

    def level(self, dbfs: float) -> None:
        self._frames += 1
        if self._frames % METER_EVERY == 0 and sys.stdout.isatty():
            filled = round(METER * min(1.0, max(0.0, 1 - dbfs / FLOOR_DBFS)))
            told = f"say {self._words}" if self._state == "asleep" else self._state
            print(f"\r[{'#' * filled}{' ' * (METER - filled)}] {told:40}", end="", flush=True)

    def turn(self, turned: Turned) -> None:
        if turned.record is None:
            print("\r(not understood)" + " " * 60)
        else:       # the record's text, not ours: a PIN is not shown
            print(f"\r> {turned.record.text}{' ' * 60}\n{turned.record.reply}")
