"""What `ingle run` speaks Wyoming for: its own service, the satellites of the house, and telling the network of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec

from ....skills.home.model import Home
from ....skills.sentences import OwnSentences
from ...assistant import Understands
from ...config import Config
from ...events import Announced
from ..hearing import Heard, Hearing, open_recognizer
from ..pipeline import Answer, Understand
from ..synthesis import open_voice
from ..types import Samples, TextToSpeech, VoiceError, WakeWord
from .announce import announced
from .hub import SatelliteLink
from .service import Service
from .wire import serving

log = logging.getLogger(__name__)


class WyomingLink:
    """`run` it; `tell` what is said unasked; `mute` the satellites.

    Args:
        understands: the language model, for the recogniser to judge readings by.
        answer: a turn of the assistant.
        open_wake_word: for satellites that have none.
    """

    def __init__(
        self, config: Config, home: Home, understands: Understands, own: OwnSentences, answer: Answer,
        open_wake_word: Callable[[], WakeWord],
    ) -> None:
        self._config, self._home, self._understands, self._own = config, home, understands, own
        self._answer, self._open_wake_word = answer, open_wake_word
        self._satellites: list[SatelliteLink] = []
        self._muted = False

    async def run(self) -> None:
        """Until cancelled. What cannot be had is logged, and the rest goes on."""
        async with AsyncExitStack() as stack:
            understand = await self._recognizer(stack)
            voice = await self._voice(stack)
            await self._serve(stack, Service(self._answer, understand=understand, voice=voice))
            if self._config.voice.wyoming.satellites and (understand is None or voice is None):
                log.error("satellites need a recogniser and a voice: none is connected")
            elif understand is not None and voice is not None:
                self._connect(stack, understand, voice)
            await asyncio.Event().wait()

    def tell(self, said: Announced) -> None:
        for satellite in self._satellites:
            satellite.tell(said)

    def mute(self, muted: bool) -> None:
        self._muted = muted
        for satellite in self._satellites:
            satellite.mute(muted)

    async def _serve(self, stack: AsyncExitStack, service: Service) -> None:
        wyoming = self._config.voice.wyoming
        if wyoming.listen is None:
            return
        try:
            where = await stack.enter_async_context(serving(wyoming.listen, service.session))
            log.info("Wyoming on %s", where)
            if wyoming.announce:
                await stack.enter_async_context(announced(where, "Ingle"))
        except VoiceError as error:
            log.error("no Wyoming service: %s", error)

    def _connect(self, stack: AsyncExitStack, understand: Understand, voice: TextToSpeech) -> None:
        for satellite in self._config.voice.wyoming.satellites:
            link = SatelliteLink(
                satellite, understand=understand, answer=self._answer, voice=voice,
                settings=self._config.voice, open_wake_word=self._open_wake_word)
            link.mute(self._muted)
            self._satellites.append(link)
            task = asyncio.create_task(link.run())
            stack.push_async_callback(_ended, task)

    async def _recognizer(self, stack: AsyncExitStack) -> Understand | None:
        """One for all, which transcribes one after the other. Without satellites it is loaded when somebody first speaks."""
        if not can_recognize(self._config):
            return None
        hearing: Hearing | None = None
        one_at_a_time = asyncio.Lock()

        async def opened() -> Hearing:
            nonlocal hearing
            if hearing is None:
                recognizer = await asyncio.to_thread(open_recognizer, self._config)
                stack.push_async_callback(recognizer.close)
                hearing = Hearing(recognizer, self._home, self._understands, self._own, config=self._config)
            return hearing

        async def understand(frames: AsyncIterator[Samples]) -> Heard:
            async with one_at_a_time:
                return await (await opened()).understand(frames)

        if self._config.voice.wyoming.satellites:
            try:
                await opened()
            except VoiceError as error:
                log.error("no recogniser for satellites: %s", error)
                return None
        return understand

    async def _voice(self, stack: AsyncExitStack) -> TextToSpeech | None:
        try:
            voice = open_voice(self._config)
        except VoiceError as error:
            log.warning("no voice for Wyoming: %s", error)
            return None
        stack.push_async_callback(voice.close)
        return voice


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def can_recognize(config: Config) -> bool:
    """Whether a recogniser is configured elsewhere or installed here. Loads nothing."""
    elsewhere = config.voice.speech_to_text.engine.startswith("tcp://")
    return elsewhere or any(find_spec(package) is not None for package in ("faster_whisper", "pocketsphinx"))
