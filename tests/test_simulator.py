"""The simulated home: what it announces holds together, and its devices do what real ones do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.simulator import HomeFileError, Simulator, load_home, parse_home

ROOT = Path(__file__).parents[1]
HOMES = [ROOT / "app/homes/demo.yaml", *sorted((ROOT / "tests/homes").glob("*.yaml"))]


class Broker:
    """Takes what the simulated home says; the last word on each topic."""

    def __init__(self) -> None:
        self.last: dict[str, str] = {}
        self.retained: dict[str, bool] = {}

    async def publish(self, topic: str, payload: str, retain: bool) -> None:
        self.last[topic] = payload
        self.retained[topic] = retain

    def json(self, topic: str) -> Any:
        return json.loads(self.last[topic])


async def started(*entities: dict[str, Any], time_scale: float = 0.001) -> tuple[Simulator, Broker]:
    broker = Broker()
    home = parse_home({"entities": list(entities)}, name="test")
    simulator = Simulator(home, broker.publish, time_scale=time_scale)
    await simulator.start()
    return simulator, broker


async def settle() -> None:
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", HOMES, ids=lambda path: path.stem)
async def test_every_topic_announced_is_spoken_or_listened_to(path: Path) -> None:
    broker = Broker()
    simulator = Simulator(load_home(path), broker.publish)
    for device in simulator.devices.values():
        device.online = True
    await simulator.start()
    configs = {topic: json.loads(payload) for topic, payload in broker.last.items() if topic.endswith("/config")}
    listened = set(simulator._listeners)
    for topic, config in configs.items():
        for part in config.get("cmps", {"": config}).values():
            commands, reports = topics_of(part)
            assert commands <= listened, topic
            assert reports <= set(broker.last) | event_topics(part), topic
    assert len(simulator.devices) == sum(len(config.get("cmps", "1")) for config in configs.values())


COMMANDS = ("cmd_t", "set_pos_t", "set_fan_spd_t", "command_topic", "set_position_topic", "fan_speed_topic")


def topics_of(config: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Command and state topics of a discovery payload, `~` filled in."""
    commands, reports = set(), set()
    for key, value in config.items():
        if not isinstance(value, str) or key in ("avty_t", "availability_topic"):
            continue
        topic = config["~"] + value[1:] if value.startswith("~") else value
        if key == "~" or "tpl" in key or "template" in key:
            continue
        if key.endswith(COMMANDS) or (key.startswith("command_") and key.endswith("_topic")):
            commands.add(topic)
        elif key.endswith(("_t", "_topic")):
            reports.add(topic)
    return commands, reports


def event_topics(config: dict[str, Any]) -> set[str]:
    """Topics that may be silent: events, and what a player plays while it plays nothing."""
    silent = {"state_title_topic", "state_artist_topic"} | ({"state_topic"} if "event_types" in config else set())
    return {value for key, value in config.items() if key in silent}


async def test_a_json_light_obeys_and_reports() -> None:
    simulator, broker = await started(
        {"entity": "light.desk", "name": "Desk", "style": "zigbee2mqtt", "can": ["brightness", "color"]}
    )
    await simulator.handle("zigbee2mqtt/Desk/set", '{"state": "ON", "brightness": 40}')
    assert broker.json("zigbee2mqtt/Desk") == {
        "state": "ON", "brightness": 40, "color_mode": "rgb", "color": {"r": 255, "g": 255, "b": 255}
    }  # fmt: skip
    assert [command.payload for command in simulator.commands] == ['{"state": "ON", "brightness": 40}']


async def test_a_tasmota_light_has_scales_of_its_own() -> None:
    simulator, broker = await started(
        {"entity": "light.desk", "style": "tasmota", "can": ["brightness", "color_temp", "color"]}
    )
    await simulator.handle("tasmota_desk/cmnd/Dimmer", "40")
    await simulator.handle("tasmota_desk/cmnd/HSBColor", "240,100")
    state = broker.json("tasmota_desk/tele/STATE")
    assert (state["POWER"], state["Dimmer"], state["HSBColor"]) == ("ON", 40, "240,100")


async def test_a_template_light_speaks_in_one_line() -> None:
    simulator, broker = await started(
        {"entity": "light.bed", "style": "template", "can": ["brightness", "color_temp", "color", "effect"]}
    )
    await simulator.handle("home/bed/set", "on,128,,255-0-0,rainbow")
    assert broker.last["home/bed/state"] == "on,128,370,255-0-0,rainbow"
    await simulator.handle("home/bed/set", "off")
    assert broker.last["home/bed/state"].startswith("off,")


async def test_a_cover_takes_its_time_and_stops_where_it_is() -> None:
    simulator, broker = await started({"entity": "cover.blind", "can": ["position", "stop"]}, time_scale=0.01)
    await simulator.handle("home/blind/set", "OPEN")
    assert broker.last["home/blind/state"] == "opening"
    await asyncio.sleep(0.035)
    await simulator.handle("home/blind/set", "STOP")
    await settle()
    assert broker.last["home/blind/state"] == "open"
    assert 0 < int(broker.last["home/blind/position"]) < 100
    await simulator.handle("home/blind/position/set", "0")
    await asyncio.sleep(0.15)
    assert broker.last["home/blind/state"] == "closed"


async def test_members_of_one_zigbee_device_share_a_message_and_an_announcement() -> None:
    parts = [
        {"entity": f"sensor.bath_{kind}", "name": f"Bath {kind}", "device": "Bath", "device_class": kind,
         "state": state, "style": "zigbee2mqtt"}
        for kind, state in (("temperature", "21.5"), ("humidity", "60"))
    ]  # fmt: skip
    simulator, broker = await started(*parts)
    assert broker.json("zigbee2mqtt/Bath") == {"temperature": 21.5, "humidity": 60}
    assert broker.json("homeassistant/device/bath/config")["cmps"].keys() == {"bath_temperature", "bath_humidity"}
    await simulator.remove("sensor.bath_humidity")
    assert broker.json("homeassistant/device/bath/config")["cmps"].keys() == {"bath_temperature"}
    await simulator.remove("sensor.bath_temperature")
    assert broker.last["homeassistant/device/bath/config"] == ""


@pytest.mark.parametrize(
    ("knob", "expected"),
    [
        ({}, "ON"),
        ({"deaf": True}, "OFF"),
        ({"offline": True}, None),
        ({"stuck": True}, "OFF"),
        ({"wrong": True}, "OFF"),
    ],
)
async def test_misbehaviour(knob: dict[str, Any], expected: str | None) -> None:
    simulator, broker = await started({"entity": "switch.pump", **knob})
    await simulator.handle("home/pump/set", "ON")
    assert broker.last.get("home/pump/state") == expected
    assert broker.last["home/pump/availability"] == ("offline" if "offline" in knob else "online")
    assert [command.topic for command in simulator.commands] == ["home/pump/set"]  # heard all the same


async def test_a_slow_device_answers_later() -> None:
    simulator, broker = await started({"entity": "switch.pump", "slow_s": 0.03})
    await simulator.handle("home/pump/set", "ON")
    assert broker.last["home/pump/state"] == "OFF"
    await settle()
    assert broker.last["home/pump/state"] == "ON"


async def test_every_stray_message_is_a_command_and_no_state_is() -> None:
    simulator, _ = await started({"entity": "switch.pump"})
    for topic in ("home/pump/state", "homeassistant/switch/x/config", "ingle/ask", "$SYS/x"):
        await simulator.handle(topic, "ON")
    await simulator.handle("home/nobody/set", "ON", retain=True)
    assert simulator.commands == []
    await simulator.handle("home/nobody/set", "ON")
    assert [command.topic for command in simulator.take_commands()] == ["home/nobody/set"]
    assert simulator.commands == []


async def test_a_wrong_pin_is_refused() -> None:
    simulator, broker = await started({"entity": "lock.door", "code": "1234"})
    await simulator.handle("home/door/set", '{"action": "UNLOCK", "code": "9999"}')
    assert broker.last["home/door/state"] == "LOCKED"
    assert "wrong code" in simulator.refused[0]
    await simulator.handle("home/door/set", '{"action": "UNLOCK", "code": "1234"}')
    assert broker.last["home/door/state"] == "UNLOCKED"


async def test_a_birth_message_makes_devices_say_how_they_are() -> None:
    simulator, broker = await started({"entity": "switch.pump", "retain": False})
    assert broker.retained["home/pump/state"] is False
    del broker.last["home/pump/state"]
    await simulator.handle("homeassistant/status", "online")
    assert broker.last["home/pump/state"] == "OFF"


async def test_withdrawing_leaves_nothing_behind() -> None:
    simulator, broker = await started({"entity": "switch.pump"}, {"entity": "light.desk", "style": "zigbee2mqtt"})
    await simulator.withdraw()
    assert {payload for topic, payload in broker.last.items() if broker.retained[topic]} == {""}


@pytest.mark.parametrize(
    ("home", "says"),
    [
        ([], "needs a list `entities:`"),
        ({"entities": [{"name": "x"}]}, "needs `entity: <domain>.<object_id>`"),
        ({"entities": [{"entity": "switch.a", "stat": "on"}]}, "did you mean `state`"),
        ({"entities": [{"entity": "switch.a", "state": True}]}, "in quotes"),
        ({"entities": [{"entity": "switch.a"}, {"entity": "switch.a"}]}, "listed twice"),
        ({"entities": [{"entity": "switch.a", "style": "z2m"}]}, "zigbee2mqtt"),
        ({"entities": [{"entity": "toaster.a"}]}, "no MQTT device is a toaster"),
        ({"entities": [{"entity": "switch.a", "topic": "a/#"}]}, "wildcard"),
    ],
)
async def test_a_faulty_home_is_refused_with_the_cure(home: Any, says: str) -> None:
    with pytest.raises(HomeFileError, match=says) as caught:
        Simulator(parse_home(home, name="test.yaml"), Broker().publish)
    assert "\n" not in str(caught.value)


ALL_KINDS = load_home(HOMES[0])
OBJECTS = st.dictionaries(st.text(max_size=9), st.none()).map(json.dumps)
PAYLOADS = st.one_of(st.text(max_size=12), st.floats().map(str), OBJECTS)


@given(data=st.data(), payloads=st.lists(PAYLOADS, max_size=20))
async def test_nonsense_moves_nothing_and_breaks_nothing(data: st.DataObject, payloads: list[str]) -> None:
    broker = Broker()
    simulator = Simulator(ALL_KINDS, broker.publish, time_scale=0)
    await simulator.start()
    for payload in payloads:
        topic = data.draw(st.sampled_from(sorted(simulator._listeners)))
        await simulator.handle(topic, payload)
    await simulator.close()
    assert len(simulator.commands) == len(payloads)
