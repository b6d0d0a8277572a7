"""The broker inside the process (amqtt), so that everything works out of the box. Loopback only; MQTT 3.1.1."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import ItemsView, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from .config import BrokerAddress, ConfigError

if TYPE_CHECKING:
    from amqtt.broker import Broker
    from amqtt.session import Session

log = logging.getLogger(__name__)

SHUTDOWN_S: Final = 5.0
LOOPBACK: Final = "127.0.0.1"
_CONNECT_3_1_1 = bytes.fromhex("100c00044d5154540402000a0000")     # clean session, keep alive 10 s, no client id


class EmbeddedBroker:
    """`async with EmbeddedBroker(port) as broker:` then `broker.address`. Port 0: any free one.

    Raises, on entering: ConfigError: the port is taken; says whether by an MQTT broker, and what to write instead.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._broker: Broker | None = None

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress(host=LOOPBACK, port=self._port)

    async def __aenter__(self) -> Self:
        await self._choose_port()
        _quieten()
        self._broker = _broker_class()({
            "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{self._port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        })
        self._broker._subscriptions = _Steady()
        await self._broker.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if self._broker is not None:
            broker, self._broker = self._broker, None
            await _shut_down(broker)

    async def _choose_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, self._port))
            except OSError:
                raise ConfigError(await self._taken()) from None
            self._port = probe.getsockname()[1]

    async def _taken(self) -> str:
        where = f"{LOOPBACK}:{self._port}"
        if await speaks_mqtt(LOOPBACK, self._port):
            return (f"an MQTT broker runs at {where} already: set `mqtt.url` to mqtt://{where} to use it, "
                    "or to embedded:1884 for one of our own beside it")
        return f"another program uses {where}: set `mqtt.url` to embedded:1884, or stop that program"


def _broker_class() -> type[Broker]:
    """amqtt's broker, mended; imported when it is needed, as a household with a broker of its own never does."""
    from amqtt.broker import Broker

    class Mended(Broker):  # type: ignore[misc]  # amqtt is untyped
        async def _publish_retained_messages_for_subscription(
            self, subscription: tuple[str, int], session: Session
        ) -> None:
            """amqtt 0.12 sends a client that comes what is retained under everybody's subscriptions: only its own are."""
            subscribers = self._subscriptions.get(subscription[0], ())
            if any(each.client_id == session.client_id for each, _ in subscribers):
                await super()._publish_retained_messages_for_subscription(subscription, session)

    return Mended


class _Steady(dict[str, Any]):
    """A dict that may grow while it is gone through.

    amqtt 0.12 awaits while it goes through its subscriptions, so that a client which subscribed at that moment threw
    out the one that was just connecting ("dictionary changed size during iteration").
    """

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(super().__iter__()))

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # dict's own kind of view cannot be made elsewhere
        return dict(super().items()).items()


async def speaks_mqtt(host: str, port: int, *, timeout_s: float = 2.0) -> bool:
    """Whether an MQTT broker answers there (also when it would not let us in)."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_CONNECT_3_1_1)
                return (await reader.readexactly(2)) == b"\x20\x02"     # CONNACK, two bytes follow
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def _shut_down(broker: Broker) -> None:
    # amqtt says goodbye to its clients before it stops listening: one that is quickly back holds it up for ever. And a
    # reader that is cancelled at the very moment of a message goes on reading (Python 3.11's wait_for): hang up first.
    for server in broker._servers.values():
        server.instance.close()
    writers = [handler.writer for _, handler in broker._sessions.values() if handler.writer is not None]
    try:
        async with asyncio.timeout(SHUTDOWN_S):
            await asyncio.gather(*(writer.close() for writer in writers), return_exceptions=True)
            await broker.shutdown()
    except Exception as error:
        log.warning("the embedded broker did not end cleanly: %r", error)


def _quieten() -> None:
    """A client that hangs up is no news for the household; a broker that fails is."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
