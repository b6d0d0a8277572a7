"""Conversations: what was talked about, which question is open, what was done last. Kept in memory, bounded."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..skills.home.resolver import Context
from .events import Asked
from .undo import UndoLog

MAX_SESSIONS: Final = 200
MAX_RECENT: Final = 20
FORGET_S: Final = 15 * 60.0         # after so long, "it" means nothing any more
MAX_TRIES: Final = 2                # answers that are none, before a question is dropped


@dataclass(frozen=True, kw_only=True)
class Command:
    """One intent as it was carried out."""

    intent: str
    slots: Mapping[str, Any]
    confidence: float = 1.0
    entities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A question of ours that is open, and the command it is about."""

    question: str
    command: Command
    text: str = ""                      # the sentence the command was said in
    choices: tuple[str, ...] = ()       # entity ids, or ids of timers and the like
    labels: tuple[str, ...] = ()        # what the latter are called
    confirms: bool = False              # a yes (or the PIN) does it
    chosen: tuple[str, ...] = ()        # what an earlier answer picked
    expires_at: float = 0.0             # time.monotonic()
    tries: int = 0


@dataclass
class Session:
    """One conversation. Turns in it come one after the other: hold `lock`."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    context: Context = field(default_factory=Context)
    pending: Pending | None = None
    last: Command | None = None
    undo: UndoLog = field(default_factory=UndoLog)
    mentioned: tuple[str, ...] = ()     # in the turn under way
    used_at: float = field(default_factory=time.monotonic)

    def begin(self, area: str | None) -> None:
        """A new turn: what is too old is forgotten."""
        now = time.monotonic()
        if now - self.used_at > FORGET_S:
            self.context, self.last = Context(), None
        if self.pending is not None and now > self.pending.expires_at:
            self.pending = None
        self.used_at = now
        self.context = replace(self.context, area=area)
        self.mentioned = ()

    def mention(self, entities: Sequence[str], area: str | None) -> None:
        """These were acted on or answered about: later "it", "them", "there"."""
        if entities:
            self.mentioned = tuple(dict.fromkeys((*self.mentioned, *entities)))     # "them" are those of the whole sentence
            recent = tuple(dict.fromkeys((*entities, *self.context.recent)))[:MAX_RECENT]
            self.context = replace(self.context, recent=recent, last=self.mentioned, recent_area=area)

    def offer(self, choices: Sequence[str]) -> None:
        """These were to choose from: later "the other one"."""
        self.context = replace(self.context, offered=tuple(choices))


class Sessions:
    """The conversations by name. Without one, everything that one person asks in one room in one way is one conversation.

    Args: undo_s: how long what was done can be undone.
    """

    def __init__(self, undo_s: float = float("inf")) -> None:
        self._undo_s = undo_s
        self._sessions: OrderedDict[tuple[str | None, ...], Session] = OrderedDict()

    def of(self, asked: Asked) -> Session:
        key = (asked.session,) if asked.session is not None else (None, asked.area, asked.via, asked.speaker)
        session = self._sessions.get(key) or self._sessions.setdefault(key, Session(undo=UndoLog(self._undo_s)))
        self._sessions.move_to_end(key)
        while len(self._sessions) > MAX_SESSIONS:
            oldest = next((one for one, value in self._sessions.items() if not value.lock.locked()), None)
            if oldest is None or oldest == key:
                break
            del self._sessions[oldest]
        return session
