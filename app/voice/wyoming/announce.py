"""Telling the local network of a Wyoming service by zeroconf (DNS-SD), so that Home Assistant finds it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from ..audio import needed
from ..types import VoiceError
from .wire import address

SERVICE: Final = "_wyoming._tcp.local."     # what Home Assistant looks for
EVERYWHERE: Final = ("0.0.0.0", "::", "")


@asynccontextmanager
async def announced(uri: str, name: str) -> AsyncIterator[None]:
    """Tell of tcp://host:port while the block runs, on the interface of that host alone. Raises: VoiceError."""
    host, port = address(uri)
    zeroconf = needed("zeroconf")
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    try:
        where = _own_address() if host in EVERYWHERE else socket.gethostbyname(host)
        network = AsyncZeroconf(interfaces=[where], ip_version=zeroconf.IPVersion.V4Only)
    except OSError as error:
        raise VoiceError(f"{uri} cannot be announced ({error}): set voice.wyoming.announce to false") from None
    info = AsyncServiceInfo(SERVICE, f"{name}.{SERVICE}", addresses=[ipaddress.ip_address(where).packed], port=port)
    try:
        await network.async_register_service(info, allow_name_change=True)
        yield
    finally:
        await network.async_close()         # says goodbye


def _own_address() -> str:
    """This machine's address in its local network. Nothing is sent. Raises: OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("224.0.0.251", 5353))
        return str(probe.getsockname()[0])
