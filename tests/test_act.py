"""Acting: what is sent, and what the outcome says of it, on devices that obey, dawdle, refuse or are gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ingle.skills.home.act import Actuator, satisfied
from ingle.skills.home.discovery import Discovery
from ingle.skills.home.model import Entity, Home, Outcome, Publish, ServiceCall

CONFIRM_S = 0.15


class House:
    """Devices as functions of a command topic: what they publish when they are told something."""

    def __init__(self) -> None:
        self.home = Home()
        self.discovery = Discovery(self.home)
        self.sent: list[tuple[str, str]] = []
        self.devices: dict[str, Callable[[str], list[tuple[float, str, str]]]] = {}
        self.actuator = Actuator(self.home, self.discovery, self._publish, confirm_s=CONFIRM_S)

    async def _publish(self, message: Publish) -> None:
        self.sent.append((message.topic, message.payload))
        device = self.devices.get(message.topic)
        for delay_s, topic, payload in device(message.payload) if device else ():
            asyncio.get_running_loop().call_later(delay_s, self.discovery.handle, topic, payload)

    def announce(self, entity_id: str, **config: Any) -> Entity:
        component, object_id = entity_id.split(".")
        self.discovery.handle(f"homeassistant/{component}/{object_id}/config", json.dumps(config))
        return self.home.entities[entity_id]

    def switch(self, name: str, delay_s: float = 0.0) -> Entity:
        """One that does as it is told."""
        self.devices[f"{name}/set"] = lambda payload: [(delay_s, name, payload)]
        return self.announce(f"switch.{name}", command_topic=f"{name}/set", state_topic=name)

    async def perform(self, entity_id: str, service: str, **data: Any) -> Outcome:
        return (await self.actuator.perform([ServiceCall(entity_id=entity_id, service=service, data=data)]))[0]


@pytest.fixture
def house() -> House:
    return House()


async def test_confirmed_by_its_own_report(house: House) -> None:
    house.switch("kettle")
    outcome = await house.perform("switch.kettle", "turn_on")
    assert (outcome.status, outcome.before, outcome.after) == ("confirmed", None, "on")
    assert outcome.messages == (Publish(topic="kettle/set", payload="ON"),)


async def test_already_so_is_sent_all_the_same_and_not_waited_for(house: House) -> None:
    house.announce("switch.kettle", command_topic="kettle/set", state_topic="kettle")    # never answers
    house.discovery.handle("kettle", "ON")
    started = time.perf_counter()
    outcome = await house.perform("switch.kettle", "turn_on")
    assert time.perf_counter() - started < CONFIRM_S / 2
    assert (outcome.status, house.sent) == ("already", [("kettle/set", "ON")])


async def test_silent(house: House) -> None:
    house.announce("switch.kettle", command_topic="kettle/set", state_topic="kettle")
    house.discovery.handle("kettle", "OFF")
    outcome = await house.perform("switch.kettle", "turn_on")
    assert (outcome.status, outcome.after, outcome.detail) == ("silent", "off", "reports off")


async def test_a_device_that_reports_the_wrong_thing_is_not_confirmed(house: House) -> None:
    house.announce("switch.kettle", command_topic="kettle/set", state_topic="kettle")
    house.devices["kettle/set"] = lambda payload: [(0.0, "kettle", "OFF")]
    outcome = await house.perform("switch.kettle", "turn_on")
    assert (outcome.status, outcome.after) == ("silent", "off")


async def test_offline_is_sent_and_returns_at_once(house: House) -> None:
    house.announce("switch.kettle", command_topic="kettle/set", state_topic="kettle", availability_topic="avail")
    house.discovery.handle("avail", "offline")
    started = time.perf_counter()
    outcome = await house.perform("switch.kettle", "turn_on")
    assert time.perf_counter() - started < CONFIRM_S / 2
    assert (outcome.status, house.sent) == ("offline", [("kettle/set", "ON")])


async def test_without_a_state_topic_it_is_sent_and_assumed(house: House) -> None:
    entity = house.announce("switch.blind_plug", command_topic="p/set")
    outcome = await house.perform("switch.blind_plug", "turn_on")
    assert (outcome.status, outcome.after, entity.state) == ("sent", "on", "on")


async def test_a_button_is_sent(house: House) -> None:
    house.announce("button.bell", command_topic="bell/set")
    assert (await house.perform("button.bell", "press")).status == "sent"


async def test_what_it_cannot_do_is_not_sent(house: House) -> None:
    house.switch("kettle")
    outcome = await house.perform("switch.kettle", "open_cover")
    assert (outcome.status, outcome.messages, house.sent) == ("unsupported", (), [])
    assert (await house.perform("switch.nowhere", "turn_on")).status == "unsupported"


async def test_toggle_is_confirmed_by_the_other_state(house: House) -> None:
    house.switch("kettle")
    house.discovery.handle("kettle", "ON")
    outcome = await house.perform("switch.kettle", "toggle")
    assert (outcome.status, outcome.after, outcome.call.service) == ("confirmed", "off", "toggle")


async def test_all_at_once_each_with_its_own_outcome(house: House) -> None:
    for number in range(20):
        house.switch(f"s{number}", delay_s=CONFIRM_S / 3)
    house.announce("switch.dead", command_topic="dead/set", state_topic="dead")
    calls = [ServiceCall(entity_id=f"switch.s{number}", service="turn_on") for number in range(20)]
    started = time.perf_counter()
    outcomes = await house.actuator.perform([*calls, ServiceCall(entity_id="switch.dead", service="turn_on")])
    assert time.perf_counter() - started < CONFIRM_S * 3
    assert [outcome.status for outcome in outcomes] == ["confirmed"] * 20 + ["silent"]
    assert [outcome.call.entity_id for outcome in outcomes[:3]] == ["switch.s0", "switch.s1", "switch.s2"]


async def test_a_bus_that_refuses_is_told(house: House) -> None:
    house.switch("kettle")

    async def refuse(message: Publish) -> None:
        raise ConnectionError("no broker")

    outcome = (await Actuator(house.home, house.discovery, refuse, confirm_s=CONFIRM_S).perform(
        [ServiceCall(entity_id="switch.kettle", service="turn_on")]))[0]
    assert (outcome.status, outcome.detail) == ("silent", "not sent: no broker")


async def test_nobody_listens_any_more_afterwards(house: House) -> None:
    house.switch("kettle")
    await house.perform("switch.kettle", "turn_on")
    assert not house.home._listeners


def lamp(house: House) -> Entity:
    return house.announce("light.desk", schema="json", command_topic="d/set", state_topic="d", brightness=True,
                          brightness_scale=100, supported_color_modes=["xy", "color_temp"], effect=True, effect_list=["fire"])


async def test_brightness_in_the_device_s_own_steps(house: House) -> None:
    lamp(house)
    house.devices["d/set"] = lambda payload: [(0.0, "d", payload)]
    assert (await house.perform("light.desk", "turn_on", brightness_pct=33)).status == "confirmed"
    assert (await house.perform("light.desk", "turn_on", brightness_pct=33)).status == "already"
    assert (await house.perform("light.desk", "turn_on", brightness_pct=60)).status == "confirmed"
    assert (await house.perform("light.desk", "turn_on", brightness_pct=0)).after == "off"


async def test_a_lamp_that_stays_dim_is_silent(house: House) -> None:
    lamp(house)
    house.devices["d/set"] = lambda payload: [(0.0, "d", '{"state":"ON","brightness":5}')]
    assert (await house.perform("light.desk", "turn_on", brightness_pct=80)).status == "silent"


@pytest.mark.parametrize("color", ["red", "blue", "orange", "purple", "pink", "cyan"])
async def test_a_colour_comes_back_as_the_device_writes_it(house: House, color: str) -> None:
    lamp(house)
    house.devices["d/set"] = lambda payload: [(0.0, "d", json.dumps({**json.loads(payload), "color_mode": "xy"}))]
    assert (await house.perform("light.desk", "turn_on", color_name=color)).status == "confirmed"


async def test_another_colour_does_not_confirm(house: House) -> None:
    lamp(house)
    house.devices["d/set"] = lambda payload: [(0.0, "d", '{"state":"ON","color_mode":"xy","color":{"x":0.2,"y":0.7}}')]
    assert (await house.perform("light.desk", "turn_on", color_name="red")).status == "silent"


async def test_white_within_a_few_mired(house: House) -> None:
    lamp(house)
    house.devices["d/set"] = lambda payload: [(0.0, "d", '{"state":"ON","color_mode":"color_temp","color_temp":369}')]
    assert (await house.perform("light.desk", "turn_on", color_temp_kelvin=2700)).status == "confirmed"


async def test_what_is_never_reported_is_sent(house: House) -> None:
    lamp(house)
    house.discovery.handle("d", '{"state":"ON"}')
    outcome = await house.perform("light.desk", "turn_on", effect="fire")
    assert outcome.status == "sent", "it is on already, and says nothing of effects"


def blind(house: House, **config: Any) -> Entity:
    return house.announce("cover.blind", command_topic="b/set", state_topic="b", position_topic="b/pos",
                          set_position_topic="b/pos/set", **config)


async def test_a_cover_that_sets_out_is_confirmed_moving(house: House) -> None:
    blind(house)
    house.discovery.handle("b", "closed")
    house.discovery.handle("b/pos", "0")
    house.devices["b/set"] = lambda payload: [(0.0, "b", "opening")]
    outcome = await house.perform("cover.blind", "open_cover")
    assert (outcome.status, outcome.detail, outcome.after) == ("confirmed", "moving", "opening")


async def test_a_cover_half_open_is_not_already_open(house: House) -> None:
    blind(house)
    house.discovery.handle("b", "open")
    house.discovery.handle("b/pos", "50")
    house.devices["b/set"] = lambda payload: [(0.0, "b/pos", "60")]
    outcome = await house.perform("cover.blind", "open_cover")
    assert (outcome.status, outcome.detail) == ("confirmed", "moving")


async def test_a_cover_going_the_wrong_way_is_silent(house: House) -> None:
    blind(house)
    house.discovery.handle("b/pos", "50")
    house.discovery.handle("b", "open")
    house.devices["b/pos/set"] = lambda payload: [(0.0, "b", "closing")]
    assert (await house.perform("cover.blind", "set_cover_position", position=80)).status == "silent"


async def test_a_position_reached(house: House) -> None:
    blind(house)
    house.discovery.handle("b/pos", "50")
    house.devices["b/pos/set"] = lambda payload: [(0.0, "b/pos", "79")]
    outcome = await house.perform("cover.blind", "set_cover_position", position=80)
    assert (outcome.status, outcome.detail) == ("confirmed", "")


async def test_stopping_what_moves(house: House) -> None:
    blind(house)
    house.discovery.handle("b", "opening")
    house.devices["b/set"] = lambda payload: [(0.0, "b", "open")]
    assert (await house.perform("cover.blind", "stop_cover")).status == "confirmed"


async def test_a_lock_that_jams_is_silent_and_says_so(house: House) -> None:
    house.announce("lock.door", command_topic="l/set", state_topic="l")
    house.devices["l/set"] = lambda payload: [(0.0, "l", "LOCKING"), (0.02, "l", "JAMMED")]
    outcome = await house.perform("lock.door", "lock")
    assert (outcome.status, outcome.detail) == ("silent", "reports jammed")


async def test_a_slow_lock_is_confirmed_when_it_has_locked(house: House) -> None:
    house.announce("lock.door", command_topic="l/set", state_topic="l")
    house.devices["l/set"] = lambda payload: [(0.0, "l", "LOCKING"), (0.03, "l", "LOCKED")]
    outcome = await house.perform("lock.door", "lock")
    assert (outcome.status, outcome.detail, outcome.after) == ("confirmed", "", "locked")
    house.devices["l/set"] = lambda payload: [(0.0, "l", "UNLOCKING")]
    outcome = await house.perform("lock.door", "unlock")
    assert (outcome.status, outcome.detail) == ("confirmed", "moving"), "the time was over first"


async def test_a_wrong_code_is_not_sent(house: House) -> None:
    house.announce("alarm_control_panel.home", command_topic="a/set", state_topic="a", code="1234")
    outcome = await house.perform("alarm_control_panel.home", "alarm_disarm", code="9")
    assert (outcome.status, house.sent) == ("unsupported", [])


def entity_with(domain: str, state: str | None, **attributes: Any) -> Entity:
    return Entity(entity_id=f"{domain}.x", domain=domain, name="X", state=state, attributes=attributes)


@pytest.mark.parametrize(("domain", "state", "attributes", "service", "data", "holds"), [
    ("switch", "on", {}, "turn_on", {}, True),
    ("switch", None, {}, "turn_on", {}, False),
    ("light", "on", {"brightness": 101}, "turn_on", {"brightness_pct": 40}, True),
    ("light", "on", {"brightness": 90}, "turn_on", {"brightness_pct": 40}, False),
    ("light", "off", {}, "turn_on", {"brightness_pct": 0}, True),
    ("fan", "on", {"percentage": 66, "percentage_step": 100 / 3}, "set_percentage", {"percentage": 50}, True),
    ("fan", "on", {"percentage": 33, "percentage_step": 100 / 3}, "set_percentage", {"percentage": 50}, False),
    ("fan", "on", {"oscillating": False}, "oscillate", {"oscillating": True}, False),
    ("cover", "open", {}, "open_cover", {}, True),
    ("cover", "open", {"current_position": 40}, "open_cover", {}, False),
    ("cover", "closed", {"current_position": 0}, "close_cover", {}, True),
    ("cover", "open", {"current_tilt_position": 49}, "set_cover_tilt_position", {"tilt_position": 50}, True),
    ("lock", "unlocked", {}, "lock", {}, False),
    ("climate", "heat", {"temperature": 21.0}, "set_temperature", {"temperature": 21}, True),
    ("climate", "heat", {"temperature": 20.5, "target_temp_step": 0.5}, "set_temperature", {"temperature": 21}, False),
    ("climate", "heat", {}, "set_hvac_mode", {"hvac_mode": "heat"}, True),
    ("vacuum", "docked", {}, "return_to_base", {}, True),
    ("media_player", "playing", {"volume_level": 0.3}, "volume_set", {"volume_level": 0.3}, True),
    ("media_player", "playing", {"is_volume_muted": True}, "volume_mute", {"is_volume_muted": True}, True),
    ("media_player", "playing", {}, "media_next_track", {}, False),
    ("number", "15", {"step": 1}, "set_value", {"value": 15}, True),
    ("number", "20", {"step": 1}, "set_value", {"value": 15}, False),
    ("select", "eco", {}, "select_option", {"option": "eco"}, True),
    ("alarm_control_panel", "armed_home", {}, "alarm_arm_home", {}, True),
    ("light", "on", {}, "turn_on", {"brightness_pct": "much"}, False),
])  # fmt: skip
def test_satisfied(domain: str, state: str | None, attributes: dict[str, Any], service: str, data: dict[str, Any],
                   holds: bool) -> None:
    call = ServiceCall(entity_id=f"{domain}.x", service=service, data=data)
    assert satisfied(call, entity_with(domain, state, **attributes)) is holds
