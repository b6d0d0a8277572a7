"""What commands share that talk to a running Ingle over the bus."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from .. import topics
from ..bus import BrokerUnreachable, Bus
from ..config import BrokerAddress, Config, Mqtt
from ..daemon_file import RUN_FILE
from . import CommandError

ONLINE_S: Final = 2.0       # the retained `online` comes at once, if there is one


def broker_address(config: Config) -> BrokerAddress:
    """The configured broker; with `embedded` that of the Ingle that runs now, as it has written down."""
    if config.mqtt.embedded_port is None:
        return replace(config.mqtt_address, client_id=None)     # two clients of one id would throw each other out
    url = running_url(config)
    return Mqtt(url=url).address if url else BrokerAddress(port=config.mqtt.embedded_port or 1883)


@asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Bus]:
    """Raises: CommandError: nothing runs there; BrokerRefused."""
    address = broker_address(config)
    try:
        async with Bus(address) as bus:
            yield bus
    except BrokerUnreachable as error:
        cure = "start Ingle with `ingle run`" if config.mqtt.embedded_port is not None else "start it, or correct mqtt.url"
        raise CommandError(f"{error}; {cure}") from None


async def require_ingle(bus: Bus) -> None:
    """Return when Ingle is online on this broker; messages before that are eaten. Raises: CommandError."""
    await bus.subscribe(topics.STATUS)
    try:
        async with asyncio.timeout(ONLINE_S):
            async for message in bus.messages:
                if message.topic == topics.STATUS and message.payload == b"online":
                    return
    except TimeoutError:
        raise CommandError(f"Ingle is not running on {bus.address}: start it with `ingle run`") from None


def running_url(config: Config) -> str | None:
    """Where the Ingle answers that runs on our data, on this machine; None: there is none."""
    try:
        data = json.loads((config.data_path / RUN_FILE).read_text(encoding="utf-8"))
        os.kill(int(data["pid"]), 0)
        return str(data["url"])
    except PermissionError:                 # it runs, as another user
        return str(data["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
