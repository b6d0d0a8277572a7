"""Who caused a state: a sentence, a command put off, a routine. Every command Ingle sends is noted with its `Cause`; a state
that a device reports soon after is that cause's doing, any other came from outside: a switch on the wall, an app, the device.

    causes = Causes(home, database, clock)
    with causes.acting(Cause(kind="said", turn_id=…, text="turn on the hall light", at=now)):
        …perform…                       # `causes.sent(entity ids)` notes what the cause in force commands
    causes.of("light.hall")             # the newest Change of its state, with its cause or None
    causes.listen(heard)                # heard(change) for every change of a state: the history keeps them

What Ingle caused outlives a restart (bounded); what came from outside is remembered as long as the process runs.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from ..skills.home.model import Entity, Home
from ..skills.storage import transaction
from ..skills.why import Cause, Change
from .typed import Mismatch, build

MAX_KEPT: Final = 1_000         # changes on disk
SOON_S: Final = 10.0            # a state reported within this of its command is the command's doing
SLOW_S: Final = 120.0           # the same for what takes its way: covers, valves, robots
ON_THE_WAY: Final = frozenset({
    "opening", "closing", "locking", "unlocking", "returning", "arming", "pending", "buffering", "starting"})
SLOW: Final = frozenset({"cover", "valve", "vacuum", "lawn_mower", "lock", "climate", "media_player"})


@dataclass(frozen=True)
class _Sent:
    cause: Cause
    at_s: float                         # time.monotonic()


_in_force: ContextVar[Cause | None] = ContextVar("cause", default=None)


@dataclass
class Causes:
    """Watches the home's states and tells whose doing they are."""

    home: Home
    database: sqlite3.Connection
    clock: Callable[[], datetime]
    _sent: dict[str, _Sent] = field(default_factory=dict, init=False)
    _newest: dict[str, Change] = field(default_factory=dict, init=False)
    _listeners: list[Callable[[Change], None]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.home.listen(self._reported)

    @contextmanager
    def acting(self, cause: Cause) -> Iterator[None]:
        """Whatever is commanded in this block (and the tasks it starts) is this cause's doing."""
        token = _in_force.set(cause)
        try:
            yield
        finally:
            _in_force.reset(token)

    def sent(self, entity_ids: Iterable[str]) -> None:
        """Commands go out to these, for the cause in force."""
        cause = _in_force.get()
        if cause is not None:
            self._sent |= {entity_id: _Sent(cause, time.monotonic()) for entity_id in entity_ids}

    @property
    def in_force(self) -> Cause | None:
        return _in_force.get()

    def of(self, entity_id: str, state: Callable[[str | None], bool] = lambda state: True) -> Change | None:
        """The newest change of an entity to a state that `state` takes; None: there was none that is remembered."""
        newest = self._newest.get(entity_id)
        if newest is not None and state(newest.state):
            return newest
        rows = self.database.execute("SELECT * FROM caused WHERE entity_id = ? ORDER BY id DESC", (entity_id,))
        return next((change for row in rows if (change := self._change(row)) is not None and state(change.state)), None)

    def latest(self) -> Change | None:
        """The newest change that was Ingle's doing."""
        row = self.database.execute("SELECT * FROM caused ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else self._change(row)

    def listen(self, heard: Callable[[Change], None]) -> None:
        self._listeners.append(heard)

    def _reported(self, entity: Entity, before: str | None) -> None:
        if entity.state == before or entity.state is None:
            return
        change = Change(entity_id=entity.entity_id, before=before, state=entity.state, at=self.clock(),
                        cause=self._cause_of(entity))
        if before is not None or change.cause is not None:      # the first report of a state is no change of it
            self._newest[entity.entity_id] = change
            if change.cause is not None:
                self._keep(change, change.cause)
        for heard in tuple(self._listeners):
            heard(change)

    def _cause_of(self, entity: Entity) -> Cause | None:
        sent = self._sent.get(entity.entity_id)
        limit_s = SLOW_S if entity.domain in SLOW else SOON_S
        if sent is None or time.monotonic() - sent.at_s > limit_s:
            return None
        if entity.state not in ON_THE_WAY:      # it is there: what changes it next is somebody else
            del self._sent[entity.entity_id]
        return sent.cause

    def _keep(self, change: Change, cause: Cause) -> None:
        told = json.dumps({**asdict(cause), "at": cause.at.isoformat()}, ensure_ascii=False)
        with transaction(self.database):
            self.database.execute(
                "INSERT INTO caused (entity_id, before, state, at, cause) VALUES (?, ?, ?, ?, ?)",
                (change.entity_id, change.before, change.state, change.at.timestamp(), told))
            self.database.execute("DELETE FROM caused WHERE id <= (SELECT max(id) FROM caused) - ?", (MAX_KEPT,))

    def _change(self, row: sqlite3.Row) -> Change | None:
        zone = self.clock().tzinfo
        data: Mapping[str, Any] = json.loads(row["cause"])
        try:
            cause = build(Cause, {**data, "at": datetime.fromisoformat(data["at"])}, ignore_unknown=True)
        except (Mismatch, KeyError, ValueError):        # written by another version
            return None
        return Change(entity_id=row["entity_id"], before=row["before"], state=row["state"],
                      at=datetime.fromtimestamp(row["at"], zone), cause=cause)
