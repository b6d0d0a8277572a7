"""Between the bus and the home: messages in become entities and states, service calls go out as commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final

from ..skills.home.act import Actuator
from ..skills.home.discovery import Discovery
from ..skills.home.model import Area, Floor, Home, Outcome, Publish, ServiceCall
from .bus import Bus, Message
from .config import Config, HomeConfig
from .topics import announcement_topic
from .typed import plain

log = logging.getLogger(__name__)

QUIET_S: Final = 0.3            # no retained message for so long: the home has been taken in
SETTLE_AT_MOST_S: Final = 15.0
TICK_S: Final = 1.0             # how late it may be noticed that a reading has grown old

OnSent = Callable[[Publish], None]
_on_sent: ContextVar[OnSent | None] = ContextVar("on_sent", default=None)


class HomeLink:
    """The home as the bus tells it, and the way back. `run` must be a running task while it is used."""

    def __init__(self, bus: Bus, config: Config) -> None:
        self.home = empty_home(config.home)
        self.discovery = Discovery(
            self.home, prefix=config.mqtt.discovery_prefix, overrides=_overrides(config.home),
            temperature_unit=config.temperature_unit,
        )
        self._bus = bus
        self._birth_topic = f"{config.mqtt.discovery_prefix}/status"
        self._own_topic = announcement_topic(config.mqtt.discovery_prefix)
        self._subscribed: frozenset[str] = frozenset()
        self._last_news = time.monotonic()
        self._actuator = Actuator(self.home, self.discovery, self._publish, confirm_s=config.confirm_s)

    async def run(self) -> None:
        """Keep the subscriptions as the discovered devices want them; never returns: cancel the task to end it."""
        await self._bus.subscribe(self._birth_topic)
        self.discovery.changed.set()
        while True:
            if self.discovery.changed.is_set():
                self.discovery.changed.clear()
                await self._follow(self.discovery.subscriptions())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self.discovery.changed.wait()
            self.discovery.tick()

    async def take(self, message: Message) -> None:
        """Take in any message of the bus. Ingle itself is no device of the home."""
        if message.topic == self._own_topic:
            return
        if message.retain:
            self._last_news = time.monotonic()
        self.discovery.handle(message.topic, message.payload, retain=message.retain)
        if message.topic == self._birth_topic and message.payload == b"online" and not message.retain:
            await self._read_again()

    async def settled(self) -> None:
        """Return when the retained announcements and states have come in: after a quiet moment."""
        self._last_news = time.monotonic()
        until = self._last_news + SETTLE_AT_MOST_S
        while (now := time.monotonic()) < min(until, self._last_news + QUIET_S):  # noqa: ASYNC110  # news postpones it
            await asyncio.sleep(min(until, self._last_news + QUIET_S) - now)

    async def perform(self, calls: Sequence[ServiceCall], on_sent: OnSent | None = None) -> list[Outcome]:
        """Send what the calls need and wait for the devices; `on_sent` hears of every message as it goes out."""
        token = _on_sent.set(on_sent)
        try:
            return await self._actuator.perform(calls)
        finally:
            _on_sent.reset(token)

    async def publish(self, messages: Sequence[Publish], on_sent: OnSent | None = None) -> None:
        """Send messages that are no service's; `on_sent` hears of each. Raises: BusError."""
        for message in messages:
            await self._bus.publish(message.topic, message.payload, retain=message.retain)
            if on_sent is not None:
                on_sent(message)

    async def _publish(self, message: Publish) -> None:
        await self._bus.publish(message.topic, message.payload, retain=message.retain)
        heard = _on_sent.get()
        if heard is not None:
            heard(message)

    async def _follow(self, wanted: frozenset[str]) -> None:
        new, gone = wanted - self._subscribed, self._subscribed - wanted
        self._subscribed = wanted
        if new:
            self._last_news = time.monotonic()
            await self._bus.subscribe(*sorted(new))
            self._last_news = time.monotonic()
        if gone:
            await self._bus.unsubscribe(*sorted(gone))

    async def _read_again(self) -> None:
        """Home Assistant came up, devices announce themselves anew: read what is retained again, too."""
        await self._bus.unsubscribe(*self._subscribed)
        self._subscribed = frozenset()
        self.discovery.changed.set()


def empty_home(plan: HomeConfig) -> Home:
    """The home before any device is known: its floors and areas."""
    floors = {floor.name: Floor(floor.name, floor.aliases) for floor in plan.floors}
    for area in plan.areas:
        if area.floor is not None:
            floors.setdefault(area.floor, Floor(area.floor))
    return Home(floors.values(), [Area(area.name, area.aliases, area.floor) for area in plan.areas])


def _overrides(plan: HomeConfig) -> dict[str, dict[str, object]]:
    return {device.entity: plain(device) for device in plan.devices}
