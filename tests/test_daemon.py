"""`ingle run` as other programs see it: only MQTT, on amqtt and on mosquitto, and as a process that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ingle.app import bus as bus_module
from ingle.app import daemon as daemon_module
from ingle.app import home_link
from ingle.app.bus import Bus, Message
from ingle.app.config import Config, Mqtt
from ingle.app.daemon import Daemon
from ingle.app.events import TurnRecord
from ingle.skills.registry import load_skills

from .conftest import BrokerUnderTest, Mosquitto
from .scripted import Scripted, skills

LAMP = {"name": "Desk Lamp", "unique_id": "lamp1", "command_topic": "lamp/set", "state_topic": "lamp/state",
        "device": {"identifiers": ["d1"], "suggested_area": "Study"}}
SCRIPT: dict[str, Any] = {
    "lamp on": ("HassTurnOn", {"name": "desk lamp"}),
    "lamp off": ("HassTurnOff", {"name": "desk lamp"}),
    "add milk": ("HassShoppingListAddItem", {"item": ["milk"]}),
    "ten minutes": ("HassStartTimer", {"minutes": "ten"}),
    "hello": ("Chat", {}),
    "lamp on in a second": ("RunLater", {"intent": "HassTurnOn", "name": "desk lamp", "in": "one second"}),
}


class Client:
    """A program that knows only MQTT and Home Assistant discovery: it plays one lamp and asks."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.seen: list[Message] = []
        self._news = asyncio.Event()

    async def listen(self) -> None:
        async for message in self.bus.messages:
            if message.topic == "lamp/set" and not message.retain:
                await self.bus.publish("lamp/state", message.payload, retain=True)
            self.seen.append(message)
            self._news.set()

    async def until(self, found: Callable[[Message], bool], timeout_s: float = 10.0) -> Message:
        """The first message, seen or to come, for which `found`; it is taken away."""
        async with asyncio.timeout(timeout_s):
            while True:
                for message in self.seen:
                    if found(message):
                        self.seen.remove(message)
                        return message
                self._news.clear()
                await self._news.wait()

    async def on(self, topic: str) -> Message:
        return await self.until(lambda message: message.topic == topic)

    async def ask(self, text: str, **more: Any) -> dict[str, Any]:
        """By the contract: a request with an id, the record with the same on `ingle/turn`."""
        more = {"id": f"q{len(text)}", **more}
        await self.bus.publish("ingle/ask", json.dumps({"text": text, **more}))
        message = await self.until(lambda one: one.topic == "ingle/turn" and json.loads(one.payload)["id"] == more["id"])
        record: dict[str, Any] = json.loads(message.payload)
        return record


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr(bus_module, "BACKOFF_S", (0.02, 0.1))
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))


@pytest.fixture
def config(broker: BrokerUnderTest) -> Config:
    return Config(mqtt=Mqtt(url=str(broker.address)), confirm_s=0.5)


@pytest.fixture
async def client(broker: BrokerUnderTest) -> AsyncIterator[Client]:
    async with Bus(broker.address) as bus:
        client = Client(bus)
        await bus.subscribe("ingle/#", "lamp/set", "answers/#")
        await bus.keep("homeassistant/light/lamp/config", json.dumps(LAMP))
        await bus.keep("lamp/state", "OFF")
        listening = asyncio.create_task(client.listen())
        yield client
        listening.cancel()


async def test_a_home_announced_before_is_there_when_ready(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)) as daemon:
        assert (await client.on("ingle/status")).payload == b"online"
        assert daemon.home.entities["light.lamp"].state == "off"
        record = await client.ask("lamp on", area="Study", id="my id")
        assert record["commands"] == [{"topic": "lamp/set", "payload": "ON"}]
        assert record["intents"] == [
            {"intent": "HassTurnOn", "slots": {"name": "Desk Lamp"}, "entities": ["light.lamp"], "confidence": 0.98}]
        assert (record["id"], record["text"], record["area"], record["route"]) == ("my id", "lamp on", "Study", "local")
        assert "desk lamp" in record["reply"].lower()
        assert record["timing_ms"]["total"] > 0
    assert (await client.on("ingle/status")).payload == b"offline"


async def test_a_plain_string_and_a_device_that_comes_later(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)) as daemon:
        await client.bus.publish("ingle/ask", "hello")
        assert json.loads((await client.on("ingle/turn")).payload)["reply"] == "Mm-hm."
        await client.bus.publish("homeassistant/light/other/config", json.dumps({**LAMP, "name": "Other", "unique_id": "x"}))
        async with asyncio.timeout(5):
            while "light.other" not in daemon.home.entities:  # noqa: ASYNC110  # discovery sets no event for us
                await asyncio.sleep(0.01)


async def test_answers_go_where_they_are_wanted(client: Client, config: Config, broker: BrokerUnderTest) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        await client.ask("hello", id="1", reply_to="answers/one")
        assert json.loads((await client.on("answers/one")).payload)["id"] == "1"
        if isinstance(broker, Mosquitto):
            await client.bus.publish("ingle/ask", "hello", response_topic="answers/two", correlation=b"\x07")
            assert (await client.on("answers/two")).correlation == b"\x07"


async def test_a_reply_is_streamed_on_its_own_topic(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        record = await client.ask("lamp on", id="s/1")
    tokens = [json.loads(one.payload) for one in client.seen if one.topic == "ingle/reply/s_1"]
    assert "".join(token["token"] for token in tokens) == record["reply"]
    assert tokens[-1]["last"]


@pytest.mark.parametrize("payload", ["", "{", '{"text": 5}', "\\xff", "x" * 5_000, '{"text": "hello", "reply_to": "ingle/ask"}'])
async def test_a_bad_request_does_no_harm(client: Client, config: Config, payload: str) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        await client.bus.publish("ingle/ask", payload)
        assert (await client.ask("hello", id="after"))["reply"] == "Mm-hm."


async def test_a_bad_request_with_an_id_is_answered(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        record = await client.ask("", id="bad", reply_to="answers/bad")
        assert (record["route"], record["reply"]) == ("none", "The request is not valid: text is empty.")
        assert json.loads((await client.on("answers/bad")).payload) == record


async def test_lists_and_timers_are_mirrored(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        assert json.loads((await client.on("ingle/list/shopping")).payload) == {"name": "Shopping", "items": []}
        await client.ask("add milk")
        items = json.loads((await client.on("ingle/list/shopping")).payload)["items"]
        assert [(item["summary"].lower(), item["status"]) for item in items] == [("milk", "needs_action")]
        await client.ask("ten minutes")
        timer = await client.until(lambda message: message.topic.startswith("ingle/timer/"))
        assert json.loads(timer.payload)["duration_s"] == 600


async def test_what_was_put_off_is_done_and_told(client: Client, config: Config) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        first = await client.ask("lamp on in a second", id="later")
        assert first["commands"] == []
        second = json.loads((await client.on("ingle/turn")).payload)
        assert second["commands"] == [{"topic": "lamp/set", "payload": "ON"}]
        assert second["text"] == "lamp on in a second"


async def test_ingle_is_a_device_itself(client: Client, config: Config) -> None:
    await client.bus.subscribe("homeassistant/device/ingle/config")
    async with Daemon.open(config, understands=Scripted(SCRIPT)) as daemon:
        announced = json.loads((await client.on("homeassistant/device/ingle/config")).payload)
        names = ("state", "last_reply", "latency", "memory", "model", "mute", "microphone")
        assert set(announced["components"]) == {f"ingle_{name}" for name in names}
        await client.ask("hello")
        reading = await client.until(lambda one: one.topic == "ingle/device" and b"Mm-hm." in one.payload)
        assert json.loads(reading.payload)["memory_mb"] > 1
        assert not [entity for entity in daemon.home.entities if "ingle" in entity]


async def test_mute_is_a_switch_that_outlasts_a_restart(client: Client, config: Config) -> None:
    async def ends_on(payload: bytes) -> None:
        await client.until(lambda one: one.topic == "ingle/mute" and one.payload == payload)

    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        await ends_on(b"OFF")
        await client.bus.publish("ingle/mute/set", "ON")
        await ends_on(b"ON")
        await client.bus.publish("ingle/mute/set", "perhaps")       # told again as it is
        await ends_on(b"ON")
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        await ends_on(b"ON")
        await client.bus.publish("ingle/mute/set", "OFF")
        await ends_on(b"OFF")
    assert not (config.data_path / "muted").exists()


async def test_a_restarted_broker_loses_no_later_command(client: Client, config: Config, broker: BrokerUnderTest) -> None:
    async with Daemon.open(config, understands=Scripted(SCRIPT)) as daemon:
        await client.ask("lamp on", id="1")
        await broker.stop()
        async with asyncio.timeout(5):
            while daemon._bus.connected or client.bus.connected:  # noqa: ASYNC110  # no event for "lost"
                await asyncio.sleep(0.01)
        client.seen.clear()
        await broker.start()
        async with asyncio.timeout(10):
            await client.bus.wait_connected()
            assert (await client.on("ingle/status")).payload == b"online"
        record = await client.ask("lamp off", id="2")
        assert record["commands"] == [{"topic": "lamp/set", "payload": "OFF"}]
        assert "answer" not in record["reply"]


async def test_many_at_once_are_bounded(client: Client, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "MAX_TURNS", 3)
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        for number in range(50):
            await client.bus.publish("ingle/ask", json.dumps({"text": "hello", "id": f"n{number}", "session": str(number)}))
        records = [TurnRecord.from_dict(json.loads((await client.on("ingle/turn")).payload)) for _ in range(50)]
    assert {record.id for record in records} == {f"n{number}" for number in range(50)}
    assert {record.reply for record in records} >= {"Mm-hm."}


async def test_a_retained_request_is_old_news(client: Client, config: Config) -> None:
    await client.bus.publish("ingle/ask", "lamp on", retain=True)
    async with Daemon.open(config, understands=Scripted(SCRIPT)):
        assert (await client.ask("hello"))["reply"] == "Mm-hm."
        assert not [one for one in client.seen if one.topic == "lamp/set"]
    await client.bus.publish("ingle/ask", "", retain=True)


_PROCESS = """
import asyncio, sys
from ingle.app import config, custom, daemon
from tests.scripted import Scripted, skills
from ingle.skills.registry import load_skills
custom.load_skills = lambda **options: load_skills(skills(), **options)
daemon.open_model = lambda config: Scripted({})
asyncio.run(daemon.run(config.parse(f"mqtt: {{url: '{sys.argv[1]}'}}"), on_ready=lambda daemon: print("ready", flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_however_it_ends_it_is_offline(client: Client, config: Config, data_dir: Path, number: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROCESS, config.mqtt.url, stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent.parent, env={**os.environ, "INGLE_DATA_DIR": str(data_dir)},
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 15) == b"ready\n"
    assert json.loads((data_dir / "run.json").read_text()) == {"pid": process.pid, "url": config.mqtt.url}
    assert (await client.on("ingle/status")).payload == b"online"
    process.send_signal(number)
    code = await asyncio.wait_for(process.wait(), 10)
    assert (await client.on("ingle/status")).payload == b"offline"
    assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    assert (data_dir / "run.json").exists() == (number == signal.SIGKILL)
