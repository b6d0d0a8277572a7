"""Discovery: what real bridges announce becomes entities, their states are followed, and commands go out as they must."""

from __future__ import annotations

import json
import logging
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.home import abbreviations
from ingle.skills.home.discovery import MAX_PAYLOAD_BYTES, Discovery, Unsupported, WrongCode
from ingle.skills.home.model import Area, Entity, Home, ServiceCall


class World:
    """A home and its discovery, with the bus's messages said in one word each."""

    def __init__(self, overrides: dict[str, Any] | None = None, areas: tuple[Area, ...] = ()) -> None:
        self.home = Home(areas=areas)
        self.discovery = Discovery(self.home, overrides=overrides)
        self.reports: list[tuple[str, str | None, str | None]] = []
        self.home.listen(lambda entity, before: self.reports.append((entity.entity_id, before, entity.state)))

    def announce(self, component: str, object_id: str = "thing", /, node: str = "", **config: Any) -> Entity | None:
        node = f"{node}/" if node else ""
        self.say(f"homeassistant/{component}/{node}{object_id}/config", config)
        return self.home.entities.get(f"{component}.{object_id}")

    def entity(self, component: str, /, **config: Any) -> Entity:
        entity = self.announce(component, "thing", **config)
        assert entity is not None
        return entity

    def say(self, topic: str, payload: Any) -> None:
        self.discovery.handle(topic, payload if isinstance(payload, str | bytes) else json.dumps(payload))

    def sent(self, entity_id: str, service: str, **data: Any) -> list[tuple[str, str]]:
        call = ServiceCall(entity_id=entity_id, service=service, data=data)
        return [(message.topic, message.payload) for message in self.discovery.publishes(call)]


@pytest.fixture
def world() -> World:
    return World()


# naming and place


def test_entity_id_is_component_and_object_id(world: World) -> None:
    world.announce("switch", "kettle", command_topic="k/set")
    world.announce("switch", "plug", node="0x01", command_topic="p/set", default_entity_id="switch.desk_plug")
    world.announce("switch", "other", command_topic="o/set", object_id="Porch Switch")
    assert list(world.home.entities) == ["switch.kettle", "switch.desk_plug", "switch.porch_switch"]


def test_two_of_one_name_keep_apart(world: World) -> None:
    world.announce("switch", "relay", node="a", command_topic="a/set")
    world.announce("switch", "relay", node="b", command_topic="b/set")
    assert list(world.home.entities) == ["switch.relay", "switch.relay_2"]
    assert world.sent("switch.relay_2", "turn_on") == [("b/set", "ON")]


@pytest.mark.parametrize(("payload", "name"), [
    ({"name": "Ceiling", "device": {"name": "Kitchen"}}, "Kitchen Ceiling"),
    ({"name": None, "device": {"name": "Kitchen Lamp"}}, "Kitchen Lamp"),
    ({"name": "Kitchen lamp left", "device": {"name": "Kitchen lamp"}}, "Kitchen lamp left"),
    ({"name": "Alone"}, "Alone"),
    ({"device": {"name": "Fridge"}}, "Fridge"),
    ({}, "Desk Lamp"),
])  # fmt: skip
def test_friendly_name(world: World, payload: dict[str, Any], name: str) -> None:
    entity = world.announce("switch", "desk_lamp", command_topic="x/set", **payload)
    assert entity is not None
    assert entity.name == name


def test_a_sensor_without_a_name_is_named_by_its_kind(world: World) -> None:
    entity = world.entity("sensor", state_topic="f", device_class="temperature", device={"name": "Fridge"})
    assert (entity.name, entity.device_name) == ("Fridge Temperature", "Fridge")


def test_suggested_area_is_taken_or_made() -> None:
    world = World(areas=(Area("Living Room", aliases=("lounge",)),))
    for number, said in enumerate(["living room", "Lounge", "Attic"]):
        world.announce("switch", f"s{number}", command_topic="x/set", device={"name": "D", "sa": said})
    assert [entity.area for entity in world.home.entities.values()] == ["Living Room", "Living Room", "Attic"]
    assert list(world.home.areas) == ["Living Room", "Attic"]


def test_the_household_knows_better() -> None:
    world = World({"switch.thing": {"name": "Kettle", "area": "Kitchen", "aliases": ["boiler"], "hidden": True}})
    entity = world.entity("switch", command_topic="x/set", name="Plug 7", device={"name": "D", "sa": "Hall"})
    assert (entity.name, entity.area, entity.aliases, entity.exposed) == ("Kettle", "Kitchen", ("boiler",), False)


def test_category_and_hidden_by_default(world: World) -> None:
    entity = world.entity("sensor", stat_t="s", ent_cat="diagnostic", en=False)
    assert (entity.category, entity.exposed) == ("diagnostic", False)


# shapes of the wild


def test_zigbee2mqtt_light(world: World) -> None:
    entity = world.announce(
        "light", "light", node="0x0017880103", schema="json", brightness=True, brightness_scale=254, name=None,
        command_topic="zigbee2mqtt/Desk/set", state_topic="zigbee2mqtt/Desk", effect=True,
        effect_list=["blink", "breathe"], supported_color_modes=["xy", "color_temp"], max_mireds=500, min_mireds=153,
        object_id="desk", unique_id="0x0017_light", device={"ids": ["z"], "name": "Desk", "mf": "Philips"},
        availability=[{"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"}],
        origin={"name": "Zigbee2MQTT", "sw": "2.0", "url": "https://www.zigbee2mqtt.io"},
    )  # fmt: skip
    entity = world.home.entities["light.desk"]
    assert {"brightness", "color", "color_temp", "effect", "turn_on"} <= entity.features
    assert entity.attributes["min_color_temp_kelvin"] == 2000
    world.say("zigbee2mqtt/Desk", {"state": "ON", "brightness": 127, "color_mode": "color_temp", "color_temp": 370})
    assert entity.state == "on"
    assert (entity.attributes["brightness"], entity.attributes["color_temp_kelvin"]) == (128, 2702)
    world.say("zigbee2mqtt/Desk", {"state": "ON", "color_mode": "xy", "color": {"x": 0.701, "y": 0.299}})
    assert "color_temp_kelvin" not in entity.attributes
    assert entity.attributes["rgb_color"][0] == 255
    assert world.reports[-1] == ("light.desk", "on", "on")
    topic = "zigbee2mqtt/Desk/set"
    assert world.sent("light.desk", "turn_on", brightness_pct=40) == [(topic, '{"state":"ON","brightness":102}')]
    assert world.sent("light.desk", "turn_on", color_temp_kelvin=2700) == [(topic, '{"state":"ON","color_temp":370}')]
    assert world.sent("light.desk", "turn_on", color_name="red") == [
        (topic, '{"state":"ON","color":{"x":0.701,"y":0.299}}')
    ]
    assert world.sent("light.desk", "turn_off", transition=2) == [(topic, '{"state":"OFF","transition":2}')]
    assert world.sent("light.desk", "turn_on", brightness_pct=0) == [(topic, '{"state":"OFF"}')]


def test_tasmota_device_and_shared_topics(world: World) -> None:
    world.announce(
        "light", "1A2B3C_LI_1", name="Bulb", cmd_t="~cmnd/POWER", stat_t="~tele/STATE", val_tpl="{{value_json.POWER}}",
        pl_off="OFF", pl_on="ON", avty_t="~tele/LWT", pl_avail="Online", pl_not_avail="Offline", uniq_id="1A2B3C_LI_1",
        bri_cmd_t="~cmnd/Dimmer", bri_stat_t="~tele/STATE", bri_scl=100, on_cmd_type="brightness",
        bri_val_tpl="{{value_json.Dimmer}}", rgb_cmd_t="~cmnd/Color2", rgb_stat_t="~tele/STATE",
        rgb_val_tpl="{{value_json.Color.split(',')[0:3]|join(',')}}", clr_temp_cmd_t="~cmnd/CT",
        clr_temp_stat_t="~tele/STATE", clr_temp_val_tpl="{{value_json.CT}}", **{"~": "tasmota/"},
    )  # fmt: skip
    entity = world.home.entities["light.1A2B3C_LI_1"]
    world.say("tasmota/tele/STATE", {"POWER": "ON", "Dimmer": 40, "Color": "255,0,0,0,0", "CT": 153})
    assert (entity.state, entity.attributes["brightness"]) == ("on", 102)
    assert len(world.reports) == 1, "one message is one report, however many properties it has"
    world.say("tasmota/tele/LWT", "Offline")
    assert not entity.available
    sent = world.sent("light.1A2B3C_LI_1", "turn_on", brightness_pct=50, color_name="lime")
    assert sent == [("tasmota/cmnd/Color2", "0,255,0"), ("tasmota/cmnd/Dimmer", "50")]
    assert world.sent("light.1A2B3C_LI_1", "turn_on") == [("tasmota/cmnd/Dimmer", "40")]
    assert world.sent("light.1A2B3C_LI_1", "turn_off") == [("tasmota/cmnd/POWER", "OFF")]


def test_esphome_sensor_and_binary_sensor(world: World) -> None:
    sensor = world.announce("sensor", "outside", stat_t="esp/sensor/outside/state", dev_cla="temperature",
                            unit_of_meas="°C", stat_cla="measurement", name="Outside", avty_t="esp/status")
    door = world.announce("binary_sensor", "door", stat_t="esp/door", dev_cla="door", name="Door")
    assert sensor is not None
    assert door is not None
    world.say("esp/sensor/outside/state", "21.5")
    world.say("esp/door", "ON")
    assert (sensor.state, sensor.unit, sensor.device_class) == ("21.5", "°C", "temperature")
    assert door.state == "on"


def test_shelly_true_and_false(world: World) -> None:
    entity = world.entity("switch", cmd_t="shelly/command/switch:0", stat_t="shelly/status/switch:0", pl_on="on",
                          pl_off="off", stat_on=True, stat_off=False, val_tpl="{{ value_json.output }}")
    world.say("shelly/status/switch:0", {"id": 0, "output": True})
    assert entity.state == "on"
    assert world.sent("switch.thing", "toggle") == [("shelly/command/switch:0", "off")]


def test_device_discovery(world: World) -> None:
    device = {"name": "Hall Node", "ids": "n1", "sa": "Hall"}
    config: dict[str, Any] = {
        "dev": device, "o": {"name": "own"}, "avty_t": "n/avail", "qos": 0, "~": "n",
        "cmps": {
            "temp": {"p": "sensor", "stat_t": "~/temp", "uniq_id": "n_t", "dev_cla": "temperature", "name": "Temperature"},
            "relay": {"p": "switch", "cmd_t": "~/relay/set", "stat_t": "~/relay", "uniq_id": "n_r", "name": None,
                      "def_ent_id": "switch.hall_relay"},
        },
    }  # fmt: skip
    world.say("homeassistant/device/node1/config", config)
    assert {entity.name for entity in world.home.entities.values()} == {"Hall Node Temperature", "Hall Node"}
    assert {entity.area for entity in world.home.entities.values()} == {"Hall"}
    world.say("n/relay", "ON")
    assert world.home.entities["switch.hall_relay"].state == "on"
    message = world.discovery.publishes(ServiceCall(entity_id="switch.hall_relay", service="turn_off"))[0]
    assert (message.topic, message.payload, message.qos) == ("n/relay/set", "OFF", 0)
    config["cmps"]["temp"] = {"p": "sensor"}            # only its platform: it is gone
    world.say("homeassistant/device/node1/config", config)
    assert list(world.home.entities) == ["switch.hall_relay"]
    assert world.home.entities["switch.hall_relay"].state == "on", "what stays keeps its state"
    world.say("homeassistant/device/node1/config", "")
    assert not world.home.entities
    assert world.discovery.subscriptions() == {"homeassistant/+/+/config", "homeassistant/+/+/+/config"}


def test_from_entity_to_device_discovery(world: World) -> None:
    world.announce("switch", "relay", command_topic="n/set", unique_id="u")
    world.say("homeassistant/switch/relay/config", {"migrate_discovery": True})
    world.say("homeassistant/device/node/config", {"cmps": {"relay": {"p": "switch", "cmd_t": "n/set", "uniq_id": "u"}}})
    assert list(world.home.entities) == ["switch.relay"]


def test_all_abbreviations_are_long_keys() -> None:
    assert len(abbreviations.ENTITY) > 280
    assert not set(abbreviations.ENTITY) & set(abbreviations.ENTITY.values())


# life of an entity


def test_a_config_sent_again_updates_in_place(world: World) -> None:
    entity = world.entity("light", schema="json", cmd_t="l/set", stat_t="l", brightness=True, name="Old")
    world.say("l", {"state": "ON", "brightness": 10})
    again = world.entity("light", schema="json", cmd_t="l/set2", stat_t="l", brightness=True, name="New", fx_list=["a"])
    assert again is entity
    assert (entity.name, entity.state, entity.attributes["brightness"]) == ("New", "on", 10)
    assert world.sent("light.thing", "turn_off") == [("l/set2", '{"state":"OFF"}')]
    world.entity("light", schema="json", cmd_t="l/set2", stat_t="l", name="New")
    assert "effect_list" not in entity.attributes
    assert "brightness" not in entity.features


def test_an_empty_payload_removes(world: World) -> None:
    world.entity("switch", cmd_t="x/set", stat_t="x")
    assert "x" in world.discovery.subscriptions()
    world.discovery.changed.clear()
    world.say("homeassistant/switch/thing/config", b"")
    assert not world.home.entities
    assert "x" not in world.discovery.subscriptions()
    assert world.discovery.changed.is_set()


def test_one_topic_for_many_is_replayed_to_those_who_come_later(world: World) -> None:
    world.announce("sensor", "a", stat_t="z", val_tpl="{{ value_json.a }}")
    world.say("z", {"a": 1, "b": 2})
    late = world.announce("sensor", "b", stat_t="z", val_tpl="{{ value_json.b }}")
    assert late is not None
    assert late.state == "2", "the retained message came once, for the first of them"


def test_a_message_about_something_else_is_no_report(world: World) -> None:
    world.entity("sensor", stat_t="z", val_tpl="{{ value_json.battery }}")
    world.say("z", {"linkquality": 3})
    assert world.reports == []


@pytest.mark.parametrize(("mode", "said", "available"), [
    ("all", "on off", False), ("all", "on -", True), ("any", "on off", True), ("any", "off off", False),
    ("latest", "off on", True), ("latest", "on off", False),
])  # fmt: skip
def test_availability_modes(world: World, mode: str, said: str, available: bool) -> None:
    entity = world.entity("switch", cmd_t="x/set", availability_mode=mode, availability=[
        {"topic": "a0", "pl_avail": "on", "pl_not_avail": "off"}, {"t": "a1", "pl_avail": "on", "pl_not_avail": "off"}])
    for number, word in enumerate(said.split()):
        world.say(f"a{number}", word)
    assert entity.available is available


def test_json_attributes_do_not_overwrite_our_scales(world: World) -> None:
    entity = world.entity("light", schema="json", cmd_t="l/set", stat_t="l", brightness=True, bri_scl=100, json_attr_t="l")
    world.say("l", {"state": "ON", "brightness": 100, "linkquality": 80})
    assert (entity.attributes["brightness"], entity.attributes["linkquality"]) == (255, 80)


def test_a_state_topic_may_have_a_wildcard_level(world: World) -> None:
    entity = world.entity("sensor", stat_t="+/BTtoMQTT/AABB", val_tpl="{{ value_json.tempc }}")
    world.say("gateway/BTtoMQTT/AABB", {"tempc": 21})
    assert entity.state == "21"
    assert "+/BTtoMQTT/AABB" in world.discovery.subscriptions()


# components: what is sent and what is understood


TOPIC = {"command_topic": "c", "state_topic": "s"}


@pytest.mark.parametrize(("component", "config", "service", "data", "sent"), [
    ("light", {"cmd_t": "c"}, "turn_on", {}, [("c", "ON")]),
    ("light", {"cmd_t": "c", "bri_cmd_t": "b", "bri_scl": 100}, "turn_on", {"brightness_pct": 50},
     [("b", "50"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "bri_cmd_t": "b", "on_cmd_type": "first"}, "turn_on", {"brightness_pct": 50},
     [("c", "ON"), ("b", "128")]),
    ("light", {"cmd_t": "c", "rgb_cmd_t": "r"}, "turn_on", {"brightness_pct": 50}, [("r", "128,128,128"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "rgb_cmd_t": "r", "rgb_cmd_tpl": "{{ '#%02x%02x%02x' | format(red, green, blue) }}"},
     "turn_on", {"color_name": "orange"}, [("r", "#ffa500"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "hs_cmd_t": "h"}, "turn_on", {"color_name": "blue"}, [("h", "240.0,100.0"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "xy_cmd_t": "x"}, "turn_on", {"color_name": "red"}, [("x", "0.701,0.299"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "clr_temp_cmd_t": "t", "clr_temp_k": True}, "turn_on", {"color_temp_kelvin": 2700},
     [("t", "2700"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "rgbw_cmd_t": "r"}, "turn_on", {"rgb_color": [255, 128, 128]},
     [("r", "253,0,0,255"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "fx_cmd_t": "f", "fx_list": ["fire"]}, "turn_on", {"effect": "fire"},
     [("f", "fire"), ("c", "ON")]),
    ("light", {"cmd_t": "c", "whit_cmd_t": "w", "whit_scl": 100}, "turn_on", {"white": 128}, [("w", "50"), ("c", "ON")]),
    ("light", {"schema": "json", "cmd_t": "c", "sup_clrm": ["rgb"]}, "turn_on", {"color_name": "red"},
     [("c", '{"state":"ON","color":{"r":255,"g":0,"b":0}}')]),
    ("light", {"schema": "json", "cmd_t": "c", "sup_clrm": ["hs"]}, "turn_on", {"hs_color": [30, 80]},
     [("c", '{"state":"ON","color":{"h":30,"s":80}}')]),
    ("light", {"schema": "json", "cmd_t": "c", "sup_clrm": ["color_temp"], "clr_temp_k": True}, "turn_on",
     {"color_temp_kelvin": 3000, "brightness_pct": 100}, [("c", '{"state":"ON","brightness":255,"color_temp":3000}')]),
    ("light", {"schema": "template", "cmd_t": "c", "cmd_on_tpl": "on,{{ brightness | default('-') }},{{ red | default('') }}",
               "cmd_off_tpl": "off", "bri_tpl": "{{ value }}", "r_tpl": "1", "g_tpl": "1", "b_tpl": "1"},
     "turn_on", {"brightness_pct": 40, "color_name": "red"}, [("c", "on,102,255")]),
    ("switch", {"cmd_t": "c", "pl_on": 1, "pl_off": 0}, "turn_off", {}, [("c", "0")]),
    ("switch", {"cmd_t": "c", "cmd_tpl": '{"relay":"{{ value }}"}'}, "turn_on", {}, [("c", '{"relay":"ON"}')]),
    ("fan", {"cmd_t": "c", "pct_cmd_t": "p"}, "set_percentage", {"percentage": 40}, [("p", "40")]),
    ("fan", {"cmd_t": "c", "pct_cmd_t": "p", "spd_rng_max": 3}, "set_percentage", {"percentage": 50}, [("p", "2")]),
    ("fan", {"cmd_t": "c", "pct_cmd_t": "p", "spd_rng_min": 2, "spd_rng_max": 4}, "set_percentage", {"percentage": 100},
     [("p", "4")]),
    ("fan", {"cmd_t": "c", "pct_cmd_t": "p"}, "set_percentage", {"percentage": 0}, [("c", "OFF")]),
    ("fan", {"cmd_t": "c", "osc_cmd_t": "o"}, "oscillate", {"oscillating": True}, [("o", "oscillate_on")]),
    ("fan", {"cmd_t": "c", "pr_mode_cmd_t": "m", "pr_modes": ["auto"]}, "set_preset_mode", {"preset_mode": "auto"},
     [("m", "auto")]),
    ("fan", {"cmd_t": "c", "dir_cmd_t": "d"}, "set_direction", {"direction": "reverse"}, [("d", "reverse")]),
    ("cover", {"cmd_t": "c", "pl_open": "UP"}, "open_cover", {}, [("c", "UP")]),
    ("cover", {"cmd_t": "c", "set_pos_t": "p", "pos_open": 0, "pos_clsd": 100}, "set_cover_position", {"position": 30},
     [("p", "70")]),
    ("cover", {"cmd_t": "c", "set_pos_t": "p", "set_pos_tpl": '{ "position": {{ position }} }'}, "set_cover_position",
     {"position": 30}, [("p", '{ "position": 30 }')]),
    ("cover", {"tilt_cmd_t": "t", "tilt_max": 180}, "set_cover_tilt_position", {"tilt_position": 50}, [("t", "90")]),
    ("cover", {"set_pos_t": "p"}, "close_cover", {}, [("p", "0")]),
    ("valve", {"cmd_t": "c"}, "close_valve", {}, [("c", "CLOSE")]),
    ("valve", {"cmd_t": "c", "pos": True}, "set_valve_position", {"position": 25}, [("c", "25")]),
    ("lock", {"cmd_t": "c"}, "unlock", {}, [("c", "UNLOCK")]),
    ("lock", {"cmd_t": "c", "cod_form": "^\\d{4}$", "cmd_tpl": '{"a":"{{ value }}","c":"{{ code }}"}'}, "unlock",
     {"code": "1234"}, [("c", '{"a":"UNLOCK","c":"1234"}')]),
    ("climate", {"temp_cmd_t": "t"}, "set_temperature", {"temperature": 21}, [("t", "21.0")]),
    ("climate", {"temp_cmd_t": "t", "temp_cmd_tpl": "{{ value | int }}"}, "set_temperature", {"temperature": 21.5},
     [("t", "21")]),
    ("climate", {"temp_hi_cmd_t": "h", "temp_lo_cmd_t": "l"}, "set_temperature",
     {"target_temp_low": 19, "target_temp_high": 23}, [("l", "19.0"), ("h", "23.0")]),
    ("climate", {"mode_cmd_t": "m", "modes": ["off", "heat"]}, "turn_off", {}, [("m", "off")]),
    ("climate", {"mode_cmd_t": "m", "pow_cmd_t": "p"}, "turn_on", {}, [("p", "ON")]),
    ("climate", {"fan_mode_cmd_t": "f"}, "set_fan_mode", {"fan_mode": "low"}, [("f", "low")]),
    ("climate", {"hum_cmd_t": "h"}, "set_humidity", {"humidity": 45}, [("h", "45")]),
    ("water_heater", {"mode_cmd_t": "m"}, "set_operation_mode", {"operation_mode": "eco"}, [("m", "eco")]),
    ("humidifier", {"cmd_t": "c", "hum_cmd_t": "h"}, "set_humidity", {"humidity": 45.0}, [("h", "45")]),
    ("vacuum", {"cmd_t": "c"}, "return_to_base", {}, [("c", "return_to_base")]),
    ("vacuum", {"cmd_t": "c", "sup_feat": ["fan_speed"], "set_fan_spd_t": "f", "fanspd_lst": ["max"]}, "set_fan_speed",
     {"fan_speed": "max"}, [("f", "max")]),
    ("lawn_mower", {"dock_cmd_t": "d"}, "dock", {}, [("d", "dock")]),
    ("siren", {"cmd_t": "c"}, "turn_on", {}, [("c", '{"state":"ON"}')]),
    ("siren", {"cmd_t": "c", "av_tones": ["fire"]}, "turn_on", {"tone": "fire", "duration": 5},
     [("c", '{"state":"ON","tone":"fire","duration":5}')]),
    ("button", {"cmd_t": "c"}, "press", {}, [("c", "PRESS")]),
    ("scene", {"cmd_t": "c", "pl_on": "movie"}, "turn_on", {}, [("c", "movie")]),
    ("number", {"cmd_t": "c"}, "set_value", {"value": 15.0}, [("c", "15")]),
    ("number", {"cmd_t": "c", "min": 0, "step": 0.5}, "set_value", {"value": 2.5}, [("c", "2.5")]),
    ("select", {"cmd_t": "c", "ops": ["a", "b"]}, "select_option", {"option": "b"}, [("c", "b")]),
    ("text", {"cmd_t": "c"}, "set_value", {"value": "hello"}, [("c", "hello")]),
    ("update", {"cmd_t": "c", "stat_t": "s", "pl_inst": "go"}, "install", {}, [("c", "go")]),
    ("alarm_control_panel", TOPIC, "alarm_arm_home", {}, [("c", "ARM_HOME")]),
    ("alarm_control_panel", {**TOPIC, "code": "1234"}, "alarm_disarm", {"code": "1234"}, [("c", "DISARM")]),
    ("alarm_control_panel", {**TOPIC, "code": "REMOTE_CODE", "cmd_tpl": '{"action":"{{ action }}","code":"{{ code }}"}'},
     "alarm_arm_away", {"code": "99"}, [("c", '{"action":"ARM_AWAY","code":"99"}')]),
    ("media_player", {"command_play_topic": "p", "command_play_payload": "go"}, "media_play", {}, [("p", "go")]),
    ("media_player", {"command_pause_topic": "p"}, "media_pause", {}, [("p", "Pause")]),
    ("media_player", {"command_playpause_topic": "p"}, "media_play", {}, [("p", "PlayPause")]),
    ("media_player", {"command_volume_topic": "v"}, "volume_set", {"volume_level": 0.3}, [("v", "0.3")]),
    ("media_player", {"command_mute_topic": "m"}, "volume_mute", {"is_volume_muted": True}, [("m", "mute")]),
    ("media_player", {"command_playmedia_topic": "x"}, "play_media",
     {"media_content_id": "jazz", "media_content_type": "music"}, [("x", '{"media_type":"music","media_id":"jazz"}')]),
    ("media_player", {"command_turn_off_topic": "o"}, "turn_off", {}, [("o", "off")]),
])  # fmt: skip
def test_commands(world: World, component: str, config: dict[str, Any], service: str, data: dict[str, Any],
                  sent: list[tuple[str, str]]) -> None:
    world.entity(component, **config)
    assert world.sent(f"{component}.thing", service, **data) == sent


@pytest.mark.parametrize(("component", "config", "messages", "state", "attributes"), [
    ("light", {"cmd_t": "c", "stat_t": "s", "bri_cmd_t": "b", "bri_stat_t": "bs", "bri_scl": 100},
     [("s", "ON"), ("bs", "40")], "on", {"brightness": 102}),
    ("light", {"cmd_t": "c", "stat_t": "s", "rgb_cmd_t": "r", "rgb_stat_t": "rs"}, [("s", "ON"), ("rs", "255,0,0")], "on",
     {"rgb_color": [255, 0, 0], "hs_color": [0.0, 100.0], "brightness": 255}),
    ("light", {"schema": "template", "cmd_t": "c", "stat_t": "s", "cmd_on_tpl": "x", "cmd_off_tpl": "x",
               "stat_tpl": "{{ value.split(',')[0] }}", "bri_tpl": "{{ value.split(',')[1] }}"}, [("s", "on,99")], "on",
     {"brightness": 99}),
    ("fan", {"cmd_t": "c", "stat_t": "s", "pct_cmd_t": "p", "pct_stat_t": "ps", "spd_rng_max": 3},
     [("s", "ON"), ("ps", "2")], "on", {"percentage": 66}),
    ("fan", {"cmd_t": "c", "stat_t": "s", "osc_cmd_t": "o", "osc_stat_t": "os"}, [("os", "oscillate_on")], None,
     {"oscillating": True}),
    ("cover", {"cmd_t": "c", "stat_t": "s", "stat_opening": "UP", "pos_t": "p"}, [("p", "40"), ("s", "UP")], "opening",
     {"current_position": 40}),
    ("cover", {"cmd_t": "c", "pos_t": "p", "pos_open": 0, "pos_clsd": 255}, [("p", "255")], "closed",
     {"current_position": 0}),
    ("cover", {"cmd_t": "c", "stat_t": "z", "val_tpl": "STOP", "stat_stopped": "STOP", "pos_t": "z",
               "pos_tpl": "{{ value_json.position }}"}, [("z", '{"position": 0}')], "closed", {"current_position": 0}),
    ("cover", {"cmd_t": "c", "tilt_cmd_t": "t", "tilt_status_t": "ts", "tilt_max": 180}, [("ts", "90")], None,
     {"current_tilt_position": 50}),
    ("valve", {"cmd_t": "c", "stat_t": "s", "pos": True}, [("s", '{"state":"opening","position":10}')], "opening",
     {"current_position": 10}),
    ("valve", {"cmd_t": "c", "stat_t": "s", "pos": True}, [("s", "0")], "closed", {"current_position": 0}),
    ("lock", {"cmd_t": "c", "stat_t": "s"}, [("s", "JAMMED")], "jammed", {}),
    ("climate", {"mode_cmd_t": "m", "mode_stat_t": "ms", "temp_cmd_t": "t", "temp_stat_t": "ts", "curr_temp_t": "ct",
                 "act_t": "a"}, [("ms", "heat"), ("ts", "21.5"), ("ct", "19"), ("a", "heating")], "heat",
     {"temperature": 21.5, "current_temperature": 19, "hvac_action": "heating"}),
    ("humidifier", {"cmd_t": "c", "stat_t": "s", "hum_cmd_t": "h", "hum_stat_t": "hs"}, [("s", "ON"), ("hs", "45")], "on",
     {"humidity": 45}),
    ("vacuum", {"cmd_t": "c", "stat_t": "s"}, [("s", '{"state":"cleaning","battery_level":80,"fan_speed":"max"}')],
     "cleaning", {"battery_level": 80, "fan_speed": "max"}),
    ("lawn_mower", {"dock_cmd_t": "d", "act_stat_t": "s"}, [("s", "mowing")], "mowing", {}),
    ("siren", {"cmd_t": "c", "stat_t": "s"}, [("s", '{"state":"ON","tone":"fire"}')], "on", {"tone": "fire"}),
    ("number", {"cmd_t": "c", "stat_t": "s"}, [("s", "15.0")], "15", {}),
    ("select", {"cmd_t": "c", "stat_t": "s", "ops": ["a"]}, [("s", "a"), ("s", "zzz")], "a", {}),
    ("device_tracker", {"stat_t": "s", "json_attr_t": "j"}, [("s", "home"), ("j", '{"latitude": 1.5}')], "home",
     {"latitude": 1.5}),
    ("alarm_control_panel", TOPIC, [("s", "armed_away")], "armed_away", {}),
    ("update", {"stat_t": "s"}, [("s", '{"installed_version":"1","latest_version":"2"}')], "on", {"latest_version": "2"}),
    ("media_player", {"state_state_topic": "s", "state_volume_topic": "v", "state_mute_topic": "m",
                      "state_title_topic": "t"}, [("s", "stopped"), ("v", "0.4"), ("m", "mute"), ("t", "So What")], "idle",
     {"volume_level": 0.4, "is_volume_muted": True, "media_title": "So What"}),
    ("sensor", {"stat_t": "s"}, [("s", "5"), ("s", "None")], None, {}),
])  # fmt: skip
def test_states(world: World, component: str, config: dict[str, Any], messages: list[tuple[str, str]], state: str | None,
                attributes: dict[str, Any]) -> None:
    entity = world.entity(component, **config)
    for topic, payload in messages:
        world.say(topic, payload)
    assert entity.state == state
    assert {key: entity.attributes.get(key) for key in attributes} == attributes


def test_a_lamp_that_reports_colour_and_white_together_shows_what_changed(world: World) -> None:
    both = {"schema": "template", "cmd_t": "c", "stat_t": "s", "cmd_on_tpl": "x", "cmd_off_tpl": "x", "stat_tpl": "on",
            "r_tpl": "{{ value_json.r }}", "g_tpl": "{{ value_json.g }}", "b_tpl": "{{ value_json.b }}",
            "clr_temp_tpl": "{{ value_json.ct }}"}  # fmt: skip
    entity = world.entity("light", **both)
    world.say("s", {"r": 255, "g": 0, "b": 0, "ct": 370})
    world.say("s", {"r": 0, "g": 255, "b": 0, "ct": 370})
    assert entity.attributes["color_mode"] == "rgb"
    world.say("s", {"r": 0, "g": 255, "b": 0, "ct": 250})
    assert (entity.attributes["color_mode"], entity.attributes["color_temp_kelvin"]) == ("color_temp", 4000)


def test_an_event_says_what_and_when(world: World) -> None:
    entity = world.entity("event", stat_t="s", evt_typ=["press"])
    world.say("s", {"event_type": "press"})
    world.say("s", {"event_type": "not one of them"})
    assert entity.attributes["event_type"] == "press"
    assert entity.state is not None
    assert entity.state.startswith("20")


def test_a_player_that_counts_to_a_hundred(world: World) -> None:
    entity = world.entity("media_player", state_volume_topic="v", command_volume_topic="vc")
    world.say("v", "40")
    assert entity.attributes["volume_level"] == 0.4
    assert world.sent("media_player.thing", "volume_set", volume_level=0.3) == [("vc", "30")]


def test_the_toggling_key_is_not_pressed_against_the_wish(world: World) -> None:
    world.entity("media_player", state_state_topic="s", command_playpause_topic="p")
    world.say("s", "playing")
    assert world.sent("media_player.thing", "media_play") == []
    assert world.sent("media_player.thing", "media_pause") == [("p", "PlayPause")]


@pytest.mark.parametrize(("component", "config", "service", "data", "error"), [
    ("light", {"cmd_t": "c"}, "turn_on", {"brightness_pct": 50}, Unsupported),
    ("light", {"cmd_t": "c"}, "turn_on", {"color_name": "red"}, Unsupported),
    ("light", {"schema": "json", "cmd_t": "c", "sup_clrm": ["rgb"]}, "turn_on", {"color_name": "mauvish"}, Unsupported),
    ("switch", {"cmd_t": "c"}, "open_cover", {}, Unsupported),
    ("cover", {"cmd_t": "c", "pl_stop": None}, "stop_cover", {}, Unsupported),
    ("cover", {"cmd_t": "c"}, "set_cover_position", {"position": 40}, Unsupported),
    ("lock", {"cmd_t": "c", "cod_form": "^\\d{4}$"}, "unlock", {"code": "12"}, WrongCode),
    ("alarm_control_panel", {**TOPIC, "code": "1234"}, "alarm_disarm", {"code": "1"}, WrongCode),
    ("alarm_control_panel", {**TOPIC, "code": "1234"}, "alarm_arm_home", {}, WrongCode),
    ("number", {"cmd_t": "c", "max": 10}, "set_value", {"value": 11}, Unsupported),
    ("number", {"cmd_t": "c"}, "set_value", {"value": "loud"}, Unsupported),
    ("select", {"cmd_t": "c", "ops": ["a"]}, "select_option", {"option": "z"}, Unsupported),
    ("vacuum", {"cmd_t": "c"}, "locate", {}, Unsupported),
    ("sensor", {"stat_t": "s"}, "turn_on", {}, Unsupported),
])  # fmt: skip
def test_what_it_cannot_do(world: World, component: str, config: dict[str, Any], service: str, data: dict[str, Any],
                           error: type[Unsupported]) -> None:
    world.entity(component, **config)
    with pytest.raises(error):
        world.sent(f"{component}.thing", service, **data)


# strangers


@pytest.mark.parametrize("config", [
    {"command_topic": "home/#"}, {"command_topic": "home/+/set"}, {"command_topic": "$SYS/broker"},
    {"command_topic": "a\x00b"}, {"command_topic": ""}, {"command_topic": 7}, {"command_topic": ["a"]}, {},
    {"command_topic": "c", "state_topic": "#"}, {"command_topic": "c", "state_topic": "+"},
    {"command_topic": "c", "state_topic": "$SYS/#"}, {"command_topic": "c", "qos": 3},
    {"command_topic": "c", "value_template": "{{ value"}, {"command_topic": "c", "value_template": 5},
    {"command_topic": "c", "availability": "yes"}, {"command_topic": "c", "availability_mode": "sometimes"},
    {"command_topic": "c", "availability": [{"topic": "#"}]}, {"command_topic": "c", "name": ["x"]},
    {"command_topic": "c", "name": "x" * 5000}, {"command_topic": "c", "device": {"name": {"a": 1}}}, {"~": 5},
    {"command_topic": "x" * 600}, {"command_topic": "c", "enabled_by_default": "perhaps"},
])  # fmt: skip
def test_a_bad_config_is_logged_once_and_skipped(
    world: World, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert world.announce("switch", **config) is None
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None, "refused on purpose, not by accident"
    assert len(world.discovery.subscriptions()) == 2


@pytest.mark.parametrize("payload", ["{", "[]", "7", "null", b"\xff\xfe", "[" * 100_000, "x" * (MAX_PAYLOAD_BYTES + 1)])
def test_what_is_no_config(world: World, payload: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    world.say("homeassistant/switch/thing/config", payload)
    assert not world.home.entities
    assert len(caplog.records) == 1


def test_a_bad_update_leaves_what_was_there(world: World) -> None:
    world.entity("switch", cmd_t="x/set", stat_t="x")
    world.announce("switch", cmd_t="#")
    assert world.sent("switch.thing", "turn_on") == [("x/set", "ON")]


def test_a_unique_id_is_not_pointed_elsewhere(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.announce("lock", "front_door", command_topic="door/set", unique_id="lock-1")
    world.announce("lock", "stranger", command_topic="attacker/set", unique_id="lock-1")
    assert list(world.home.entities) == ["lock.front_door"]
    assert world.sent("lock.front_door", "lock") == [("door/set", "LOCK")]
    assert "lock-1" in caplog.text
    world.say("homeassistant/lock/front_door/config", "")
    world.announce("lock", "moved", command_topic="door/set", unique_id="lock-1")
    assert list(world.home.entities) == ["lock.moved"]


def test_a_broken_state_is_logged_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    entity = world.entity("sensor", stat_t="s", val_tpl="{{ value_json.a.b }}")
    for _ in range(3):
        world.say("s", "{}")
    assert entity.state is None
    assert len(caplog.records) == 1


def test_control_characters_do_not_reach_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.say("homeassistant/switch/a\nFAKE/config", "{}")
    assert all("\n" not in record.getMessage() for record in caplog.records)


def test_components_that_are_no_entities_are_passed_over(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.say("homeassistant/device_automation/x/config", {"automation_type": "trigger", "topic": "t", "type": "a"})
    world.say("homeassistant/status", "online")
    assert not world.home.entities
    assert not caplog.records


COMPONENTS = ("light", "switch", "fan", "cover", "valve", "lock", "climate", "water_heater", "humidifier", "vacuum",
              "lawn_mower", "siren", "button", "scene", "number", "select", "text", "sensor", "binary_sensor", "update",
              "device_tracker", "alarm_control_panel", "event", "media_player", "device")
KEYS = st.sampled_from([*abbreviations.ENTITY, *abbreviations.ENTITY.values(), "schema", "brightness", "effect", "min", "~",
                        "state_state_topic", "state_volume_topic", "command_play_topic", "options", "max_temp"])
SCALARS = (st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
           | st.sampled_from(["s", "c", "json", "template", "{{ value }}", "{{ value_json.x }}", "rgb", "color_temp", "0"]))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
                      max_leaves=6)
PAYLOADS = st.sampled_from(["", "ON", "40", "-1", "1e400", "nan", "None", "255,0,0", "0", "{}", "[]", "open",
                            '{"state":"ON","brightness":"x","color":{"x":null,"y":1},"color_temp":0}',
                            '{"state":"ON","color":{"h":1e9,"s":-5},"color_mode":"hs","brightness":1e300}',
                            '{"state":[],"position":{},"battery_level":"a","event_type":[]}'])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COMPONENTS), st.dictionaries(KEYS, VALUES, max_size=12), st.lists(PAYLOADS, max_size=4),
       st.dictionaries(st.sampled_from(["brightness_pct", "color_name", "rgb_color", "position", "temperature", "percentage",
                                        "value", "code", "effect", "volume_level", "color_temp_kelvin"]), VALUES))
def test_no_json_breaks_it(component: str, config: dict[str, Any], payloads: list[str], data: dict[str, Any]) -> None:
    world = World()
    errors: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lambda record: errors.append(record) if record.exc_info else None  # type: ignore[method-assign]
    logger = logging.getLogger("ingle.skills.home.discovery")
    logger.addHandler(handler)
    try:
        world.announce(component, **{"command_topic": "c", "state_topic": "s", **config})
        for payload in payloads:
            world.say("s", payload)
        for entity_id in list(world.home.entities):
            for service in ("turn_on", "turn_off", "set_cover_position", "set_temperature", "set_percentage", "set_value"):
                try:
                    world.sent(entity_id, service, **data)
                except Unsupported:
                    continue
        world.say(f"homeassistant/{component}/thing/config", "")
    finally:
        logger.removeHandler(handler)
    assert not errors, errors[0].getMessage() + str(errors[0].exc_info)
    assert not world.home.entities
    assert len(world.discovery.subscriptions()) == 2


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=80))
def test_no_message_breaks_it(topic: str, payload: bytes) -> None:
    Discovery(Home()).handle(topic, payload)
    Discovery(Home()).handle(f"homeassistant/{topic}/config", payload)


def test_two_thousand_entities_stay_small_and_quick() -> None:
    world = World()
    tracemalloc.start()
    for number in range(2_000):
        world.announce(
            "sensor", f"s{number}", state_topic=f"zigbee2mqtt/device {number // 10}", unique_id=f"u{number}",
            value_template=f"{{{{ value_json.p{number % 10} }}}}", device_class="temperature", name=f"Sensor {number}",
            unit_of_measurement="°C", state_class="measurement",
            device={"identifiers": [f"zigbee2mqtt_{number // 10}"], "name": f"Device {number // 10}", "model": "X", "sw": "1"},
            availability=[{"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"}],
            origin={"name": "Zigbee2MQTT", "sw": "1.40.0", "url": "https://www.zigbee2mqtt.io"},
        )  # fmt: skip
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(world.home.entities) == 2_000
    assert held_bytes < 12_000_000
    started = time.perf_counter()
    for number in range(200):
        world.say(f"zigbee2mqtt/device {number}", {f"p{place}": 20 + place for place in range(10)})
    assert time.perf_counter() - started < 1.0
    assert world.home.entities["sensor.s1999"].state == "29"


@pytest.mark.parametrize(("unit", "bounds"), [("fahrenheit", (44.6, 95.0)), ("celsius", (7.0, 35.0))])
def test_a_thermostat_without_a_unit_counts_in_the_households(unit: str, bounds: tuple[float, float]) -> None:
    home = Home()
    discovery = Discovery(home, temperature_unit=unit)
    discovery.handle("homeassistant/climate/hall/config", json.dumps({"temperature_command_topic": "t/set"}))
    entity = home.entities["climate.hall"]
    assert (entity.attributes["min_temp"], entity.attributes["max_temp"]) == bounds
    assert entity.unit == ("°F" if unit == "fahrenheit" else "°C")


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def timed(component: str, **config: Any) -> tuple[Discovery, Entity, Seconds]:
    home, clock = Home(), Seconds()
    discovery = Discovery(home, clock=clock)
    discovery.handle(f"homeassistant/{component}/hall/config", json.dumps({"state_topic": "s", **config}))
    return discovery, home.entities[f"{component}.hall"], clock


def test_a_motion_sensor_with_off_delay_is_off_again() -> None:
    discovery, entity, clock = timed("binary_sensor", off_dly=30)
    discovery.handle("s", "ON")
    clock.now = 20
    discovery.handle("s", "ON")         # begins anew
    clock.now = 45
    discovery.tick()
    assert entity.state == "on"
    clock.now = 50
    discovery.tick()
    assert entity.state == "off"


def test_a_reading_past_expire_after_is_offline_until_the_next() -> None:
    discovery, entity, clock = timed("sensor", exp_aft="60", availability_topic="lwt")
    discovery.handle("s", "21")
    clock.now = 61
    discovery.tick()
    discovery.handle("lwt", "online")   # the bridge is there, the sensor is not
    assert (entity.state, entity.available) == ("21", False)
    discovery.handle("s", "22")
    assert (entity.state, entity.available) == ("22", True)


@pytest.mark.parametrize("bad", [[1], "soon", -3, 1e300, True, float("nan")])
def test_a_delay_that_is_none_is_refused(bad: Any) -> None:
    home = Home()
    Discovery(home).handle("homeassistant/sensor/x/config", json.dumps({"state_topic": "s", "expire_after": bad}))
    assert not home.entities
