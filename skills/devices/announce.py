"""Telling the house something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..api import Done, Turn, Unclear, skill


class Broadcast(Protocol):
    """`turn.services["broadcast"]`: speaks a message in a room, on a floor, or everywhere (both None)."""

    async def announce(self, message: str, *, area: str | None, floor: str | None) -> None: ...


@skill
class BroadcastMessage:
    """ "tell everyone dinner is ready" -> "Announced: dinner is ready." """

    intent = "HassBroadcast"

    @dataclass(frozen=True, kw_only=True)
    class Slots:
        area: str | None = None
        floor: str | None = None
        message: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if not slots.message:
            raise Unclear("What shall be announced?")
        broadcast: Broadcast | None = turn.services.get("broadcast")
        if broadcast is None:
            return Done(reply="Nothing here can make announcements.")
        await broadcast.announce(slots.message, area=slots.area, floor=slots.floor)
        where = f" in the {slots.area.lower()}" if slots.area else f", {slots.floor.lower()}" if slots.floor else ""
        return Done(reply=f"Announced{where}: {slots.message.rstrip('.')}.", facts=(slots.message,))
