"""The household's knowledge for the skills: opened at the first question, used in worker threads, its folders watched."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from .config import Config

if TYPE_CHECKING:
    from ..knowledge.household import Knowledge
    from ..knowledge.passages import Answer, DocumentInfo, Source

log = logging.getLogger(__name__)

DATABASE: Final = "knowledge.db"
WATCH_EVERY_S: Final = 60.0
SHARED: Final = 60                  # passages looked at for words that a request shares with them

T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """An answer in the words of the skills."""

    reply: str
    sources: tuple[str, ...]
    answer: Answer


class KnowledgeLink:
    """`turn.services["knowledge"]`. Nothing is loaded until it is needed: most turns are about the lights."""

    def __init__(self, config: Config, path: Path | str) -> None:
        self._config = config
        self._path = path
        self._knowledge: Knowledge | None = None
        self._opening = threading.Lock()

    def opened(self) -> Knowledge:
        """Raises: KnowledgeError, ModelFileError."""
        from ..knowledge.household import Knowledge

        with self._opening:
            if self._knowledge is None:
                self._knowledge = Knowledge.open(self._path)
            return self._knowledge

    def close(self) -> None:
        if self._knowledge is not None:
            self._knowledge.close()

    def may_tell_private(self, *, via: str, area: str | None) -> bool:
        """Whether private passages may be told to who asks this way, in this room."""
        policy = self._config.knowledge
        if via in policy.private_via:
            return True
        return area is not None and area.casefold() in {name.casefold() for name in policy.private_areas}

    async def ask(self, question: str, *, area: str | None, devices: Iterable[str], with_private: bool) -> Told:
        names = tuple(devices)
        answer = await self._do(lambda store: store.ask(question, area=area, devices=names, with_private=with_private))
        return Told(answer.reply, tuple(described(passage.source) for passage in answer.passages[:1]), answer)

    async def remember(
        self, said: str, *, speaker: str | None, area: str | None, private: bool, now: float,
    ) -> DocumentInfo:
        return await self._do(lambda store: store.remember(said, speaker=speaker, area=area, private=private, now=now))

    async def notes(self) -> Sequence[DocumentInfo]:
        return await self._do(lambda store: store.documents("note"))

    async def notes_about(self, said: str) -> Sequence[DocumentInfo]:
        return await self._do(lambda store: store.notes_about(said))

    async def forget(self, ids: Sequence[int]) -> int:
        return await self._do(lambda store: store.forget(ids))

    async def private_about(self, text: str) -> list[str]:
        """What is kept privately and shares words with `text`: none of it may leave with it."""
        return await asyncio.to_thread(self._private_about, text)

    def _private_about(self, text: str) -> list[str]:
        if str(self._path) != ":memory:" and not Path(self._path).exists():
            return []                   # nothing was ever kept: the encoder need not be loaded for this
        store = self.opened()
        if not any(document.private for document in store.documents()):
            return []
        return [passage.text for passage in store.only_words(text, SHARED) if passage.source.private]

    async def _do(self, work: Callable[[Knowledge], T]) -> T:
        return await asyncio.to_thread(lambda: work(self.opened()))

    async def watch(self) -> None:
        """Take in what changes in the configured folders; never returns: cancel the task to end it."""
        folders = [self._config.resolved(folder) for folder in self._config.knowledge.folders]
        while True:
            for folder in folders:
                await asyncio.to_thread(self._take_in, folder)
            await asyncio.sleep(WATCH_EVERY_S)

    def _take_in(self, folder: Path) -> None:
        from ..engine.gguf import ModelFileError
        from ..knowledge.errors import KnowledgeError

        try:
            for done in self.opened().add(folder):
                if done.problem:
                    log.debug("not read: %s", done.problem)
                elif done.change != "unchanged":
                    log.info("%s %s: %d passages", done.change, done.location, done.passages)
        except (KnowledgeError, ModelFileError, OSError) as error:
            log.warning("knowledge: %s", error)


def is_unknown(facts: Sequence[object]) -> bool:
    """Whether a skill's facts are that the household has nothing about something; what is withheld is something."""
    return any(isinstance(fact, Told) and not fact.sources and not fact.answer.withheld for fact in facts)


def described(source: Source) -> str:
    """A source as the turn record names it."""
    places = [source.brief, *([source.heading] if source.heading else [])]
    return f"{', '.join(places)} ({source.location})"
