"""What can be found out while setting up: which devices announce themselves on a broker, and how loud the microphone is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from ...bus import Bus, BusError
from ...config import Config
from ...home_link import HomeLink

LISTEN_S: Final = 2.0
NOWHERE: Final = "No room"
QUIET_DBFS, LOUD_DBFS = -60.0, -10.0


@dataclass(frozen=True)
class Found:
    """What announces itself: (name, room) of each device."""

    devices: tuple[tuple[str, str | None], ...] = ()
    problem: str = ""               # why nothing could be found

    @property
    def rooms(self) -> list[str]:
        return sorted({room for _, room in self.devices if room})

    def by_room(self) -> dict[str, list[str]]:
        rooms: dict[str, list[str]] = {}
        for name, room in sorted(self.devices, key=lambda device: (device[1] is None, device[1] or "", device[0])):
            rooms.setdefault(room or NOWHERE, []).append(name)
        return rooms


async def find(config: Config) -> Found:
    """Listen for a moment to what is retained on the configured broker. Never raises."""
    try:
        async with Bus(replace(config.mqtt_address, client_id=None)) as bus:
            link = HomeLink(bus, config)
            following = asyncio.create_task(link.run())
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LISTEN_S):
                        async for message in bus.messages:
                            await link.take(message)
            finally:
                following.cancel()
    except BusError as error:
        return Found(problem=str(error))
    entities = [entity for entity in link.home.entities.values() if entity.exposed and entity.category is None]
    return Found(tuple((entity.name, entity.area) for entity in entities))


async def microphone_levels(config: Config) -> AsyncIterator[float]:
    """How loud it is, 0..1, some times a second. Raises: VoiceError: there is no microphone, or no `ingle[voice]`."""
    import numpy as np

    from ...voice.devices import Microphone

    async for frame in Microphone(config.voice.input_device).frames():
        power = float(np.square(frame.astype(np.float64) / 32768.0).mean())
        dbfs = 10 * np.log10(max(power, 1e-12))
        yield float(min(1.0, max(0.0, (dbfs - QUIET_DBFS) / (LOUD_DBFS - QUIET_DBFS))))
