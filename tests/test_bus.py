"""The bus against real brokers: the same promises with amqtt (MQTT 3.1.1) and mosquitto (MQTT 5)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingle.app import bus as bus_module
from ingle.app.broker import EmbeddedBroker
from ingle.app.bus import BrokerRefused, BrokerUnreachable, Bus, BusError, BusFull, Message, Will
from ingle.app.config import BrokerAddress, ConfigError, Tls

from .conftest import MOSQUITTO, BrokerUnderTest, Mosquitto, free_port

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "BACKOFF_S", (0.02, 0.1))


async def read(bus: Bus, count: int, timeout_s: float = 5.0) -> list[Message]:
    got: list[Message] = []
    async with asyncio.timeout(timeout_s):
        async for message in bus.messages:
            got.append(message)
            if len(got) == count:
                break
    return got


async def test_what_is_published_arrives_in_order(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as sender, Bus(broker.address) as receiver:
        await receiver.subscribe("house/+/set")
        for number in range(200):
            await sender.publish("house/lamp/set", str(number))
        got = await read(receiver, 200)
    assert [message.payload.decode() for message in got] == [str(number) for number in range(200)]
    assert not got[0].retain


async def test_speaks_the_newest_version_the_broker_knows(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as bus:
        assert bus.protocol == ("5" if isinstance(broker, Mosquitto) else "3.1.1")


async def test_no_delay_on_the_socket(broker: BrokerUnderTest) -> None:
    """Without TCP_NODELAY a round trip against amqtt takes some 45 ms."""
    async with Bus(broker.address) as bus:
        await bus.subscribe("ping")
        clock = asyncio.get_running_loop().time
        took = []
        for _ in range(10):
            began = clock()
            await bus.publish("ping", "x")
            await read(bus, 1)
            took.append(clock() - began)
    assert min(took) < 0.03


async def test_retained_message_waits_for_a_late_subscriber(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as sender:
        await sender.publish("a/state", "on", retain=True)
        await sender.flush(timeout_s=5)
    async with Bus(broker.address) as late:
        await late.subscribe("a/state")
        assert await read(late, 1) == [Message("a/state", b"on", True)]


async def test_response_topic_and_correlation_on_mqtt_5(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as bus:
        await bus.subscribe("ask")
        await bus.publish("ask", "hello", response_topic="answer/here", correlation=b"\x00\x01")
        [message] = await read(bus, 1)
    expected = ("answer/here", b"\x00\x01") if isinstance(broker, Mosquitto) else (None, None)
    assert (message.response_topic, message.correlation) == expected


async def test_last_will_when_killed_and_none_on_a_clean_end(broker: BrokerUnderTest) -> None:
    will = Will(topic="ingle/status", payload="offline")
    async with Bus(broker.address) as watcher:
        await watcher.subscribe("ingle/status")
        async with Bus(broker.address, will=will) as clean:
            await clean.publish("ingle/status", "online")
        assert [message.payload for message in await read(watcher, 1)] == [b"online"]
        process = await _start_client_with_will(broker.address)
        process.kill()
        process.wait()
        assert [message.payload for message in await read(watcher, 1)] == [b"offline"]


async def test_nothing_is_lost_while_the_broker_is_away(broker: BrokerUnderTest) -> None:
    """Subscriptions come back, kept messages are there again, and what was published meanwhile is sent."""
    async with Bus(broker.address) as sender, Bus(broker.address) as receiver:
        await receiver.subscribe("house/#")
        await sender.keep("house/config", "lamp")
        assert [message.payload for message in await read(receiver, 1)] == [b"lamp"]
        await broker.stop()
        await _until(lambda: not sender.connected and not receiver.connected)
        for number in range(50):
            await sender.publish("house/set", str(number))
        await broker.start()
        async with asyncio.timeout(10):
            await receiver.wait_connected()
            await sender.flush(timeout_s=10)
        await sender.publish("house/set", "later")
        got = await _until_payload(receiver, b"later")
    payloads = [message.payload.decode() for message in got if message.topic == "house/set"]
    # Which of the two is back first is chance, and a broker does not keep what nobody subscribed to yet.
    assert payloads == [*map(str, range(50)), "later"][-len(payloads):]
    assert any(message.topic == "house/config" for message in got)


async def test_commands_queued_while_away_reach_a_device_that_is_back_first(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as sender:
        await broker.stop()
        await _until(lambda: not sender.connected)
        pause = asyncio.Event()
        async with Bus(broker.address, patient=True) as device:
            await device.subscribe("lamp/set")
            hold, sender._serve = sender._serve, _after(pause, sender._serve)  # type: ignore[method-assign]
            assert hold is not None
            for number in range(20):
                await sender.publish("lamp/set", str(number))
            await broker.start()
            await device.wait_connected()
            pause.set()
            got = await read(device, 20, 10)
    assert [message.payload.decode() for message in got] == [str(number) for number in range(20)]


async def test_what_is_subscribed_while_connecting_is_subscribed(broker: BrokerUnderTest) -> None:
    """As discovery does, which wants more topics with every announcement that comes in."""
    async with Bus(broker.address, patient=True) as bus:
        wanted = 0
        while not bus.connected:
            await bus.subscribe(f"thing{wanted}/state")
            wanted += 1
            await asyncio.sleep(0)
        for number in range(wanted):
            await bus.publish(f"thing{number}/state", "on")
        got = await read(bus, wanted)
    assert {message.topic for message in got} == {f"thing{number}/state" for number in range(wanted)}


async def test_unsubscribed_topics_stay_silent(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as bus:
        await bus.subscribe("a", "b")
        await bus.unsubscribe("a", "never")
        await bus.publish("a", "1")
        await bus.publish("b", "2")
        assert [message.topic for message in await read(bus, 1)] == ["b"]


async def test_a_flood_is_bounded_and_does_not_end_the_bus(embedded: BrokerUnderTest, monkeypatch: pytest.MonkeyPatch,
                                                           caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(bus_module, "MAX_INCOMING", 50)
    monkeypatch.setattr(bus_module, "MAX_PAYLOAD_BYTES", 1_000)
    async with Bus(embedded.address) as sender, Bus(embedded.address) as receiver:
        await receiver.subscribe("flood", "end")
        await sender.publish("flood", "x" * 2_000)
        for _ in range(200):
            await sender.publish("flood", "x")
        await sender.flush(timeout_s=10)
        await asyncio.sleep(0.2)
        assert len(await read(receiver, 50)) == 50
        await sender.publish("end", "")
        assert (await read(receiver, 1))[0].topic == "end"
    assert "messages were dropped" in caplog.text


async def test_queue_for_a_lost_broker_is_bounded(embedded: BrokerUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "MAX_OUTGOING", 10)
    async with Bus(embedded.address) as bus:
        await embedded.stop()
        await _until(lambda: not bus.connected)
        for _ in range(10):
            await bus.publish("x", "y")
        with pytest.raises(BusFull):
            await bus.publish("x", "y")


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "x" * 70_000])
async def test_bad_topics_are_refused(embedded: BrokerUnderTest, topic: str) -> None:
    async with Bus(embedded.address) as bus:
        with pytest.raises(BusError, match="cannot publish"):
            await bus.publish(topic, "x")


async def test_no_broker_is_said_at_once() -> None:
    with pytest.raises(BrokerUnreachable, match=r"no MQTT broker at mqtt://127\.0\.0\.1"):
        async with Bus(BrokerAddress(port=free_port())):
            pass


async def test_patient_bus_waits_for_the_broker() -> None:
    port = free_port()
    async with Bus(BrokerAddress(port=port), patient=True) as bus:
        await bus.publish("early", "bird")
        assert not bus.connected
        async with EmbeddedBroker(port):
            await asyncio.wait_for(bus.wait_connected(), 10)
            await bus.flush(timeout_s=5)


@needs_mosquitto
async def test_user_and_password(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    command = ["mosquitto_passwd", "-b", str(passwords), "ingle", "sesame"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    broker = Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {passwords}\n")
    await broker.start()
    try:
        async with Bus(replace(broker.address, username="ingle", password="sesame")) as bus:
            assert bus.connected
        for patient in (False, True):
            with pytest.raises(BrokerRefused, match=r"mqtt\.username"):
                async with Bus(replace(broker.address, username="ingle", password="wrong"), patient=patient) as bus:
                    await bus.wait_connected()
    finally:
        await broker.stop()


@needs_mosquitto
async def test_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    broker = Mosquitto(tmp_path, f"allow_anonymous true\ncertfile {cert}\nkeyfile {key}\n")
    await broker.start()
    try:
        async with Bus(replace(broker.address, tls=Tls(ca=str(cert)))) as bus:
            assert bus.protocol == "5"
        async with Bus(replace(broker.address, tls=Tls(insecure=True))) as bus:
            assert bus.connected
        with pytest.raises(BrokerRefused, match=r"mqtt\.tls\.ca"):
            async with Bus(replace(broker.address, tls=Tls())):
                pass
        with pytest.raises(BrokerRefused, match="certificate or key cannot be used"):
            async with Bus(replace(broker.address, tls=Tls(ca=str(tmp_path / "nowhere.pem")))):
                pass
    finally:
        await broker.stop()


async def test_a_taken_port_is_explained(embedded: BrokerUnderTest) -> None:
    with pytest.raises(ConfigError, match=r"an MQTT broker runs at .* already: set `mqtt.url`"):
        async with EmbeddedBroker(embedded.address.port):
            pass
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    with pytest.raises(ConfigError, match="another program uses"):
        async with EmbeddedBroker(server.sockets[0].getsockname()[1]):
            pass
    server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, made now so that it is not out of date."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )


    return cert, key


_CLIENT_WITH_WILL = """
import asyncio, sys
from ingle.app.bus import Bus, Will
from ingle.app.config import BrokerAddress
async def main():
    async with Bus(BrokerAddress(port=int(sys.argv[1])), will=Will(topic="ingle/status", payload="offline")):
        print("up", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def _start_client_with_will(address: BrokerAddress) -> subprocess.Popen[str]:
    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _CLIENT_WITH_WILL, str(address.port)], stdout=subprocess.PIPE, text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    return await asyncio.to_thread(start)   # the broker may live in this very loop


async def _until(condition: object, timeout_s: float = 5.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.01)


async def _until_payload(bus: Bus, payload: bytes) -> list[Message]:
    got: list[Message] = []
    while not got or got[-1].payload != payload:
        got += await read(bus, 1)
    return got


def _after(event: asyncio.Event, serve: object) -> object:
    async def serve_later(client: object) -> None:
        await event.wait()
        assert callable(serve)
        await serve(client)

    return serve_later




async def test_what_is_subscribed_while_it_connects_is_subscribed(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as sender:
        for number in range(30):
            await sender.publish(f"early/{number}", "x", retain=True)
        await sender.flush(timeout_s=5)
    async with Bus(broker.address, patient=True) as bus:
        for number in range(30):
            await bus.subscribe(f"early/{number}")
            await asyncio.sleep(0.001)
        assert {message.topic for message in await read(bus, 30)} == {f"early/{number}" for number in range(30)}


async def test_the_embedded_broker_s_subscriptions_may_grow_while_it_goes_through_them() -> None:
    """amqtt awaits while it does, and threw out the client that was just connecting."""
    async with EmbeddedBroker(0) as broker, Bus(broker.address) as bus:
        await bus.subscribe("a/#", "b/#")
        assert broker._broker is not None
        subscriptions = broker._broker._subscriptions
        for topic in subscriptions:
            subscriptions[f"{topic}/more"] = []
        for topic, _ in subscriptions.items():
            subscriptions[f"{topic}/again"] = []
        grown = dict(subscriptions)
    assert {"a/#/more", "a/#/more/again"} <= set(grown)


async def test_a_client_gets_no_retained_messages_that_only_others_want(broker: BrokerUnderTest) -> None:
    async with Bus(broker.address) as first:
        await first.publish("theirs/1", "x", retain=True)
        await first.publish("mine/1", "y", retain=True)
        await first.subscribe("theirs/#")
        async with Bus(broker.address) as second:
            await second.subscribe("mine/#")
            await first.publish("mine/2", "z")
            got = [message.topic async for message in _up_to(second, "mine/2")]
    assert got == ["mine/1", "mine/2"]


async def _up_to(bus: Bus, topic: str) -> AsyncIterator[Message]:
    async for message in bus.messages:
        yield message
        if message.topic == topic:
            return
