"""The household's MQTT broker, as one `async with` and one `async for`. The only module that knows the MQTT library.

    async with Bus(config.mqtt.address) as bus:
        await bus.subscribe("ingle/turn")
        await bus.publish("ingle/ask", "turn off the kitchen lights")
        async for message in bus.messages:
            print(message.topic, message.payload)

It connects, and connects again whenever it must: with subscriptions restored, kept messages sent again and nothing
lost of what was published meanwhile. MQTT 5 where the broker speaks it, else 3.1.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import secrets
import socket
import ssl
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .config import BrokerAddress
from .topics import fault_in_topic

log = logging.getLogger(__name__)

QOS: Final = 1
KEEPALIVE_S: Final = 20
HANDSHAKE_S: Final = 5.0            # to connect, and to be welcomed
BACKOFF_S: Final = (0.1, 30.0)      # the first and the longest wait between two attempts
STEADY_S: Final = 5.0               # a connection that lasted this long resets the wait
MAX_OUTGOING: Final = 5_000         # messages that wait for a connection or an acknowledgement
MAX_INCOMING: Final = 20_000        # messages that wait for us, and their bytes; a retained home is a few thousand
MAX_INCOMING_BYTES: Final = 16 << 20
MAX_PAYLOAD_BYTES: Final = 512 << 10
FILTERS_PER_SUBSCRIBE: Final = 100

_WRONG_VERSION: Final = frozenset({1, 132})     # 3.1.1's and 5's "unacceptable protocol version"
_BAD_CREDENTIALS: Final = frozenset({4, 5, 134, 135})
# Nagle's algorithm and delayed acknowledgements wait for each other: a QoS 1 round trip against amqtt took 47 ms with
# them, 0.9 ms without.
_SOCKET_OPTIONS: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


class BusError(Exception):
    """The bus cannot do what was asked; one line that says why."""


class BrokerUnreachable(BusError):
    """No broker answers at the address."""


class BrokerRefused(BusError):
    """The broker answers and does not let us in: credentials or certificates are wrong. Not tried again by itself."""


class BusFull(BusError):
    """Too many messages wait to be sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that came in."""

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None       # MQTT 5: where an answer is wanted
    correlation: bytes | None = None        # MQTT 5: goes back with the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes for us, retained, when we are gone without a word."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    payload: bytes
    retain: bool
    response_topic: str | None
    correlation: bytes | None


class Bus:
    """One client of one broker.

    Args:
        will: the last will, sent retained by the broker when this client vanishes.
        patient: keep trying when no broker answers at first, instead of raising; a refusal raises in both cases.
    Raises, on entering: BrokerUnreachable, BrokerRefused.
    """

    def __init__(self, address: BrokerAddress, *, will: Will | None = None, patient: bool = False) -> None:
        self.address = address
        self._will = will
        self._patient = patient
        self._identifier = address.client_id or f"ingle-{secrets.token_hex(5)}"
        self._protocols = [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311]
        self._settled = False
        self._client: aiomqtt.Client | None = None
        self._filters: dict[str, None] = {}                     # an ordered set
        self._kept: dict[str, str] = {}
        self._outbox: OrderedDict[int, _Outgoing] = OrderedDict()  # not yet acknowledged, oldest first
        self._next_key = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._acknowledged = asyncio.Event()
        self._inbox = _Inbox()
        self._up = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._failure: BusError | None = None

    async def __aenter__(self) -> Self:
        self._first = asyncio.get_running_loop().create_future()
        self._loop_task = asyncio.create_task(self._stay_connected(), name="bus")
        if self._patient:
            self._first.add_done_callback(lambda first: first.cancelled() or first.exception())
            return self
        try:
            await self._first
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(TimeoutError):
            if self.connected:
                await self.flush(timeout_s=2.0)
        await self._stop()

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    @property
    def protocol(self) -> str | None:
        """"5" or "3.1.1", as spoken with this broker; None before the first connection."""
        if self._first is None or not self._first.done():
            return None
        return "5" if self._protocols[0] is aiomqtt.ProtocolVersion.V5 else "3.1.1"

    async def wait_connected(self) -> None:
        """Return when there is a connection. Raises: BrokerRefused."""
        waiting = asyncio.ensure_future(self._up.wait())
        try:
            await asyncio.wait({waiting, *self._tasks()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._failure is not None:
            raise self._failure

    @property
    def messages(self) -> AsyncIterator[Message]:
        """Every message of every subscription, in order of arrival, across reconnections. One reader at a time."""
        return self._messages()

    async def subscribe(self, *filters: str) -> None:
        """Subscribe now and after every reconnection. Retained messages come again each time."""
        new = [topic for topic in filters if topic not in self._filters]
        self._filters.update(dict.fromkeys(new))
        if self._client is not None and self.connected:
            await self._subscribe(self._client, new)

    async def unsubscribe(self, *filters: str) -> None:
        gone = [topic for topic in filters if self._filters.pop(topic, self) is None]
        if self._client is not None and self.connected and gone:
            with contextlib.suppress(aiomqtt.MqttError):    # a lost connection forgets them anyway
                await self._client.unsubscribe(gone)

    async def publish(
        self, topic: str, payload: str | bytes, *, retain: bool = False, response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        """Put one message on the wire, or queue it for the next connection; `flush` waits for acknowledgements.

        A message whose acknowledgement was lost with the connection is sent again: at least once, QoS 1.
        Raises: BusFull; BusError: nothing can be published to that topic.
        """
        self.post(topic, payload, retain=retain, response_topic=response_topic, correlation=correlation)
        await asyncio.sleep(0)          # until it is on the wire

    def post(
        self, topic: str, payload: str | bytes, *, retain: bool = False, response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        """As `publish`, for callers that cannot wait: it goes out when the event loop comes round. In order with the rest."""
        if fault := fault_in_topic(topic):
            raise BusError(f"cannot publish to {topic[:80]!r}: the topic {fault}")
        if len(self._outbox) >= MAX_OUTGOING:
            raise BusFull(f"{MAX_OUTGOING} messages wait for the broker at {self.address} already")
        body = payload.encode("utf-8", "replace") if isinstance(payload, str) else payload
        key, self._next_key = self._next_key, self._next_key + 1
        self._outbox[key] = _Outgoing(topic, body, retain, response_topic, correlation)
        if self._client is not None and self.connected:
            self._send(self._client, key)

    async def keep(self, topic: str, payload: str) -> None:
        """Publish retained, and again after every reconnection: a restarted broker may have forgotten it.

        An empty payload clears it.
        """
        self.post_kept(topic, payload)
        await asyncio.sleep(0)

    def post_kept(self, topic: str, payload: str) -> None:
        """As `keep`, for callers that cannot wait."""
        if payload:
            self._kept[topic] = payload
        else:
            self._kept.pop(topic, None)
        self.post(topic, payload, retain=True)

    async def flush(self, *, timeout_s: float) -> None:
        """Return when the broker has acknowledged everything published. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self._outbox:
                self._acknowledged.clear()
                await self._acknowledged.wait()

    # the connection

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                await self._settle_version()
                async with self._new_client(self._will) as client:
                    await self._serve(client)
            except (aiomqtt.MqttError, BusError, OSError, ValueError) as error:
                if self._speak_older(error):
                    continue
                if time.monotonic() - began > STEADY_S:
                    attempt = 0
                failure = self._as_bus_error(error)
                if self._give_up(failure):
                    return
                log.log(logging.WARNING if attempt == 0 else logging.DEBUG, "%s; trying again", failure)
            finally:
                self._lost()
            attempt += 1
            await asyncio.sleep(_backoff_s(attempt))

    async def _settle_version(self) -> None:
        """Find out, once, which MQTT the broker speaks, by a client without a will.

        A broker of 3.1.1 refuses a 5 by its number, but amqtt first reads on and takes the properties of a 5's will for
        the length of its topic: with a will the answer would be silence.
        """
        if self._will is not None and not self._settled:
            async with self._new_client(None):
                self._settled = True

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Bring the new connection up to date, then stay until it is lost (MqttError) or we stop (cancelled)."""
        known = list(self._filters)
        await self._subscribe(client, known)
        self._client = client
        self._send_again(client)
        self._up.set()
        self._subscribe_later(client, [topic for topic in self._filters if topic not in set(known)])
        log.info("connected to %s, MQTT %s", self.address, "5" if self._protocols[0] == 5 else "3.1.1")
        if self._first is not None and not self._first.done():
            self._first.set_result(None)
        async for _ in client.messages:     # nothing comes out here, see _Inbox.feed: this waits for the end
            pass

    def _speak_older(self, error: Exception) -> bool:
        """Whether the broker does not know this version of MQTT and there is an older one to try."""
        refused = _reason(error) in _WRONG_VERSION and len(self._protocols) > 1
        if refused:
            self._protocols.pop(0)
        return refused

    def _give_up(self, failure: BusError) -> bool:
        """Whether the first connection failed for good; whoever waits for it is told. Later ones are tried for ever."""
        first = self._first
        if first is None or first.done() or (self._patient and not isinstance(failure, BrokerRefused)):
            return False
        self._failure = failure
        first.set_exception(failure)
        self._inbox.close(failure)
        return True

    def _lost(self) -> None:
        self._up.clear()
        self._client = None
        for task in self._sending:
            task.cancel()
        self._sending.clear()

    async def _stop(self) -> None:
        for task in self._tasks():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await task
        self._inbox.close(None)

    def _tasks(self) -> tuple[asyncio.Task[None], ...]:
        return (self._loop_task,) if self._loop_task is not None else ()

    def _new_client(self, will: Will | None) -> aiomqtt.Client:
        protocol = self._protocols[0]
        client = aiomqtt.Client(
            self.address.host,
            self.address.port,
            username=self.address.username,
            password=self.address.password,
            identifier=self._identifier,
            protocol=protocol,
            clean_session=None if protocol is aiomqtt.ProtocolVersion.V5 else True,
            will=aiomqtt.Will(will.topic, will.payload, QOS, True) if will else None,
            keepalive=KEEPALIVE_S,
            timeout=HANDSHAKE_S,
            tls_context=self._tls_context(),
            socket_options=_SOCKET_OPTIONS,
            queue_type=self._inbox.feed,  # type: ignore[arg-type]  # called like the class, gives an instance
            logger=_mqtt_log,
        )
        client.pending_calls_threshold = MAX_OUTGOING
        return client

    def _tls_context(self) -> ssl.SSLContext | None:
        tls = self.address.tls
        if tls is None:
            return None
        try:
            context = ssl.create_default_context(cafile=tls.ca)
            if tls.cert and tls.key:
                context.load_cert_chain(tls.cert, tls.key)
        except OSError as error:            # SSLError is one
            raise BrokerRefused(f"mqtt.tls: a certificate or key cannot be used: {error}") from None
        if tls.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _as_bus_error(self, error: Exception) -> BusError:
        if isinstance(error, BusError):
            return error
        if _reason(error) in _BAD_CREDENTIALS:
            return BrokerRefused(f"the broker at {self.address} refuses us ({error}): check mqtt.username and password")
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return BrokerRefused(f"the broker at {self.address} shows a certificate we cannot trust; check mqtt.tls.ca")
        return BrokerUnreachable(f"no MQTT broker at {self.address}: {error}")

    async def _subscribe(self, client: aiomqtt.Client, filters: list[str]) -> None:
        for start in range(0, len(filters), FILTERS_PER_SUBSCRIBE):
            await self._subscribe_batch(client, filters[start : start + FILTERS_PER_SUBSCRIBE])

    def _subscribe_later(self, client: aiomqtt.Client, filters: list[str]) -> None:
        """Those that were asked for while the connection was being brought up to date."""
        task = asyncio.create_task(self._subscribe(client, filters))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _subscribe_batch(self, client: aiomqtt.Client, filters: list[str]) -> None:
        """Raises: MqttError, while the connection is not in use yet. Later, a lost one leaves it to the next."""
        established = client is self._client
        while client is self._client or not established:
            try:
                codes = await client.subscribe([(topic, QOS) for topic in filters])
            except aiomqtt.MqttError as error:
                if not established:
                    raise
                log.debug("subscribing again: %s", error)
                await asyncio.sleep(BACKOFF_S[0])
                continue
            numbers = [code if isinstance(code, int) else int(code.value) for code in codes]
            refused = [topic for topic, number in zip(filters, numbers, strict=False) if number >= 128]
            if refused:
                log.warning("the broker refuses subscriptions to %s", ", ".join(refused[:5]))
            return

    # what goes out

    def _send_again(self, client: aiomqtt.Client) -> None:
        """Kept messages first, unless a newer value waits; then all that was never acknowledged, in order."""
        waiting = {message.topic for message in self._outbox.values()}
        for topic, payload in self._kept.items():
            if topic not in waiting:
                key, self._next_key = self._next_key, self._next_key + 1
                self._outbox[key] = _Outgoing(topic, payload.encode("utf-8", "replace"), True, None, None)
        for key in self._outbox:
            self._send(client, key)

    def _send(self, client: aiomqtt.Client, key: int) -> None:
        task = asyncio.create_task(self._deliver(client, key, self._outbox[key]))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, client: aiomqtt.Client, key: int, message: _Outgoing) -> None:
        try:
            await client.publish(
                message.topic, message.payload, QOS, message.retain, self._properties(message), timeout=math.inf,
            )
        except aiomqtt.MqttError:
            return                          # it stays in the outbox for the next connection
        except ValueError as error:         # the library's own check of topic or size: trying again is no use
            log.error("cannot publish to %r: %s", message.topic[:80], error)
        self._outbox.pop(key, None)
        self._acknowledged.set()

    def _properties(self, message: _Outgoing) -> Properties | None:
        if self._protocols[0] is not aiomqtt.ProtocolVersion.V5:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if message.response_topic is not None:
            properties.ResponseTopic = message.response_topic
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        return properties

    async def _messages(self) -> AsyncIterator[Message]:
        while True:
            try:
                yield await self._inbox.get()
            except StopAsyncIteration:
                return


class _Inbox:
    """What came in and was not read yet, bounded in number and bytes; what is too much is dropped and counted."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._dropped = 0
        self._arrived = asyncio.Event()
        self._closed: BusError | bool | None = False    # False: open; None: we left; else why

    def feed(self, maxsize: int = 0) -> asyncio.Queue[aiomqtt.Message]:
        """What one connection gets as its queue. It hands on at once, so that messages outlive the connection."""
        return _Feed(self)

    def offer(self, message: Message) -> None:
        size = len(message.payload)
        full = len(self._messages) >= MAX_INCOMING or self._bytes + size > MAX_INCOMING_BYTES
        if full or size > MAX_PAYLOAD_BYTES:
            self._dropped += 1
        else:
            self._messages.append(message)
            self._bytes += size
        self._arrived.set()

    async def get(self) -> Message:
        """Raises: StopAsyncIteration: the bus was left; BusError: it gave up."""
        while not self._messages:
            if isinstance(self._closed, BusError):
                raise self._closed
            if self._closed is None:
                raise StopAsyncIteration
            self._report_drops()
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages.popleft()
        self._bytes -= len(message.payload)
        return message

    def close(self, why: BusError | None) -> None:
        if self._closed is False:
            self._closed = why
        self._arrived.set()

    def _report_drops(self) -> None:
        if self._dropped and not self._messages:
            log.warning("%d messages were dropped: too large, or faster than they could be read", self._dropped)
            self._dropped = 0


class _Feed(asyncio.Queue[aiomqtt.Message]):
    """Always empty: whatever is put in goes to the inbox."""

    def __init__(self, inbox: _Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self._inbox.offer(_message(item))


def _message(message: aiomqtt.Message) -> Message:
    properties: Any = message.properties
    payload = message.payload if isinstance(message.payload, bytes) else bytes(message.payload)
    return Message(
        str(message.topic), payload, bool(message.retain),
        getattr(properties, "ResponseTopic", None), getattr(properties, "CorrelationData", None),
    )


def _reason(error: Exception) -> int | None:
    """The broker's reason code, of MQTT 3.1.1 or 5, where it gave one."""
    code: Any = error.rc if isinstance(error, MqttConnectError) else None
    value: int | None = getattr(code, "value", code)
    return value


def _backoff_s(attempt: int) -> float:
    """Doubling, with jitter, so that a house full of clients does not come back in one instant."""
    first, longest = BACKOFF_S
    return min(longest, first * 2.0 ** min(attempt - 1, 16)) * random.uniform(0.5, 1.0)


def matches(topic: str, topic_filter: str) -> bool:
    """Whether a subscription to `topic_filter` gets messages on `topic`."""
    return aiomqtt.Topic(topic).matches(topic_filter)


_mqtt_log = logging.getLogger("ingle.mqtt")
_mqtt_log.setLevel(logging.ERROR)   # what matters of the library's messages comes to us as exceptions
