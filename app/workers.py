"""Several Ingles on one broker, and several ears in one home: each request is answered once.

`Workers`: the broker gives each request to one Ingle (a shared subscription); that one claims it before all, and renews the claim
while it works. Where a claim is not renewed, as its worker was killed, the others bid for it: the first bid in the broker's order
wins, which all see alike.

`Together`: what several rooms heard as one sentence is answered in the loudest of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ..skills.words import fold
from .bus import Message
from .events import Asked, BadAsk, new_id, parse_ask

log = logging.getLogger(__name__)

LEASE_S: Final = 3.0                # a claim that is not renewed for so long is free
RENEW_S: Final = 1.0
MAX_OPEN: Final = 1_000             # requests under way in the whole house
SAME_S: Final = 1.0                 # within which one sentence reaches all who hear it


@dataclass
class _Open:
    """A request that is not answered yet."""

    message: Message
    digest: str
    alive_at: float                 # when it came, or its claim was renewed
    id: str | None = None
    owner: str | None = None
    round: int = 0                  # how often it was claimed: a bid is for the next
    task: asyncio.Task[None] | None = None


class Workers:
    """One Ingle among several.

    Args:
        post: publishes a claim to all.
        begin: starts to answer a request under an id; the task's end is the answer.
    """

    def __init__(
        self, *, post: Callable[[str], None], begin: Callable[[Message, str], asyncio.Task[None] | None],
        clock: Callable[[], float] = time.monotonic, lease_s: float = LEASE_S, renew_s: float = RENEW_S,
    ) -> None:
        self.name = new_id()
        self._post, self._begin, self._clock = post, begin, clock
        self._lease_s, self._renew_s = lease_s, renew_s
        self._open: deque[_Open] = deque(maxlen=MAX_OPEN)

    def heard(self, message: Message) -> None:
        """A request came by, for whomever."""
        self._open.append(_Open(message=message, digest=_digest(message.payload), alive_at=self._clock()))

    def assigned(self, message: Message) -> None:
        """The broker gave a request to us."""
        self._claim(_digest(message.payload), 1, _turn_id(message.payload))

    def claimed(self, payload: bytes) -> None:
        """Somebody, perhaps we, claims a request or renews the claim."""
        claim = _read(payload)
        if claim is None:
            return
        held = next((each for each in self._open if each.digest == claim["digest"] and each.owner == claim["worker"]
                     and each.id == claim["id"]), None)  # fmt: skip
        if held is not None and claim.get("done") is True:
            self._open.remove(held)
            return
        if held is not None:
            held.alive_at = self._clock()
            return
        wanted = (claim["digest"], claim["round"] - 1)
        free = next((each for each in self._open if (each.digest, each.round) == wanted), None)
        if free is not None:
            self._give(free, claim)

    def answered(self, id: str) -> None:
        """A turn's record came by: nobody need answer that any more."""
        for each in [each for each in self._open if each.id == id]:
            self._open.remove(each)

    async def run(self) -> None:
        """Renew our claims and bid for what nobody works on; never returns: cancel the task to end it."""
        while True:
            await asyncio.sleep(self._renew_s)
            self.look()

    def look(self) -> None:
        """Once."""
        now = self._clock()
        for each in tuple(self._open):
            if each.owner == self.name and each.task is not None and not each.task.done():
                self._claim(each.digest, each.round, each.id or "")
            elif each.owner != self.name and now - each.alive_at > self._lease_s:
                log.warning("a request is not worked on any more: bidding for it")
                self._claim(each.digest, each.round + 1, each.id or _turn_id(each.message.payload))

    def _give(self, request: _Open, claim: dict[str, Any]) -> None:
        if request.task is not None:        # it was ours, and the others take us for dead
            request.task.cancel()
            request.task = None
        request.owner, request.round, request.id = claim["worker"], claim["round"], claim["id"]
        request.alive_at = self._clock()
        if request.owner == self.name:
            request.task = self._begin(request.message, claim["id"])
            if request.task is None:        # refused at once
                self._claim(request.digest, request.round, claim["id"], done=True)
            else:
                request.task.add_done_callback(lambda task: self._ended(request, task))

    def _ended(self, request: _Open, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._claim(request.digest, request.round, request.id or "", done=True)

    def _claim(self, digest: str, round: int, id: str, *, done: bool = False) -> None:
        claim = {"worker": self.name, "digest": digest, "round": round, "id": id}
        self._post(json.dumps({**claim, "done": True} if done else claim))


def _read(payload: bytes) -> dict[str, Any] | None:
    """A claim; None: this is none."""
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    kinds = {"worker": str, "digest": str, "round": int, "id": str}
    good = isinstance(data, dict) and all(isinstance(data.get(key), kind) for key, kind in kinds.items())
    return data if good else None


def _turn_id(payload: bytes) -> str:
    """The request's own, or one that its turn will have."""
    proposed = new_id()
    try:
        return parse_ask(payload, id=proposed).id
    except BadAsk as bad:
        return bad.id or proposed


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


@dataclass(frozen=True)
class _Heard:
    words: tuple[str, ...]
    area: str
    level_db: float
    at: float


@dataclass
class Together:
    """What was heard in the last moments, in all rooms. Args: wait_s: for the other rooms, before one answers; 0: not at all."""

    wait_s: float
    clock: Callable[[], float] = time.monotonic
    _heard: deque[_Heard] = field(default_factory=lambda: deque(maxlen=100))

    def hear(self, asked: Asked) -> None:
        """Every request of the house, in the broker's order."""
        if self.wait_s > 0 and asked.via == "voice" and asked.area is not None:
            level = asked.level_db if asked.level_db is not None else float("-inf")
            self._heard.append(_Heard(tuple(fold(asked.text)), asked.area, level, self.clock()))

    async def better_room(self, asked: Asked) -> str | None:
        """The room that heard the same sentence better, and so answers it; None: this one does. The first of equals wins."""
        if self.wait_s <= 0 or asked.via != "voice" or asked.area is None:
            return None
        await asyncio.sleep(self.wait_s)
        words, since = tuple(fold(asked.text)), self.clock() - self.wait_s - SAME_S
        same = [each for each in self._heard if each.words == words and each.at >= since]
        best = max(same, key=lambda each: each.level_db, default=None)      # max keeps the first of equals
        return best.area if best is not None and best.area != asked.area else None
