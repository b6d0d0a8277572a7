"""The textual screen: plain `ingle`. A client of the bus like any other; needs textual (`pip install ingle[tui]`)."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import BrokerAddress, Config


async def show(config: Config, address: BrokerAddress | None = None, *, simulate: Path | None = None) -> None:
    """Show the screen until it is left.

    Args:
        address: the broker of an Ingle that runs; None: find it, or start one (and stop it at the end).
        simulate: a home file whose devices an Ingle that we start simulates.
    """
    from .client import Client

    first = config.file is None and address is None and simulate is None
    async with Client.open(config, address=address, simulate=simulate, set_up_first=first) as client:
        screen = await asyncio.to_thread(import_module, ".app", __name__)   # while the daemon starts
        await screen.IngleApp(client).run_async()
