"""How a device's properties travel: the topics and payload shapes of the firmwares people have.

A device offers `Channel`s (its properties); a `Style` says on which topics they are commanded and reported, and how the
discovery message describes that. Facts come from the firmwares' and Home Assistant's documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .home_file import EntitySpec

Message = tuple[str, str]           # topic, payload


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One property of a device on the wire. Keys are those of Home Assistant's discovery payload; "": it has none."""

    name: str                                       # "state" is the main one
    obey: Callable[[str], None] | None = None       # a command came; raises ValueError: nonsense
    read: Callable[[], str | None] | None = None    # value to report; None: nothing yet
    command: str = ""                               # key of the command topic
    report: str = ""                                # key of the state topic
    template: str = ""                              # key of the template that picks the value out of a JSON state
    command_template: str = ""                      # key of the template that wraps the value in JSON
    variable: str = "value"                         # the command template's variable
    number: bool = False                            # a JSON number, not a string
    tasmota: str = ""                               # Tasmota's name for it, where it has one
    whole: bool = False                             # `read` is the JSON object of the whole device (JSON light, vacuum)


class Style:
    """Topics of one firmware. The plain one: a topic for each property, plain values."""

    name = "plain"
    json_state = False              # all properties in one JSON message
    json_commands = False           # a JSON object on the main command topic sets several properties
    abbreviated = False

    def bases(self, spec: EntitySpec) -> tuple[str, ...]:
        """Base topics in order of preference: the first that no other device has."""
        return f"home/{spec.object_id}", f"home/{spec.object_id}_{spec.domain}"

    def command_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/set" if channel.name == "state" else f"{base}/{channel.name}/set"

    def state_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/{channel.name}"

    def key(self, channel: Channel) -> str:
        return channel.name

    def availability_topic(self, base: str) -> str:
        return f"{base}/availability"

    def availability_payload(self, online: bool) -> str:
        return "online" if online else "offline"

    def availability(self, base: str) -> dict[str, Any]:
        return {"availability_topic": self.availability_topic(base)}

    def config_topic(self, prefix: str, spec: EntitySpec) -> str:
        return f"{prefix}/{spec.domain}/{spec.object_id}/config"

    def identity(self, spec: EntitySpec) -> dict[str, Any]:
        """How the entity gets its id and name: here by the topic, and by a name without a device's name."""
        return {"name": spec.name if spec.device is None else member_name(spec)}

    def device(self, spec: EntitySpec) -> dict[str, Any]:
        device: dict[str, Any] = {"identifiers": [f"sim_{slug(spec.device or spec.entity_id)}"]}
        if spec.device:
            device["name"] = spec.device
        if spec.area:
            device["suggested_area"] = spec.area
        return device

    def describe(self, channel: Channel, base: str) -> dict[str, Any]:
        """Return the discovery keys of one property."""
        keys: dict[str, Any] = {}
        if channel.command:
            keys[channel.command] = self.command_topic(base, channel)
        if channel.report:
            keys[channel.report] = self.state_topic(base, channel)
            if self.json_state and channel.template and not channel.whole:
                keys[channel.template] = f"{{{{ value_json.{self.key(channel)} }}}}"
        return keys

    def state_messages(self, base: str, channels: Iterable[Channel]) -> list[Message]:
        """Return what the device says about itself now."""
        read = [(channel, channel.read()) for channel in channels if channel.read is not None]
        known = [(channel, value) for channel, value in read if value is not None]
        if not self.json_state:
            return [(self.state_topic(base, channel), value) for channel, value in known]
        whole: dict[str, Any] = {}
        for channel, value in known:
            whole |= json.loads(value) if channel.whole else {self.key(channel): _json_value(channel, value)}
        return [(self.state_topic(base, known[0][0]), json.dumps(whole))] if known else []


class Zigbee2Mqtt(Style):
    """zigbee2mqtt: one JSON state topic, JSON (or a bare main value) on `/set`, `/set/<property>`; device discovery."""

    name = "zigbee2mqtt"
    json_state = True
    json_commands = True
    abbreviated = True

    def bases(self, spec: EntitySpec) -> tuple[str, ...]:
        return f"zigbee2mqtt/{spec.device or spec.name}", f"zigbee2mqtt/{spec.object_id}"

    def command_topic(self, base: str, channel: Channel) -> str:
        merged = channel.name == "state" or channel.command_template
        return f"{base}/set" if merged else f"{base}/set/{channel.name}"

    def state_topic(self, base: str, channel: Channel) -> str:
        return base

    def availability_payload(self, online: bool) -> str:
        return json.dumps({"state": super().availability_payload(online)})

    def availability(self, base: str) -> dict[str, Any]:
        pick = "{{ value_json.state }}"
        return {
            "availability": [
                {"topic": "zigbee2mqtt/bridge/state", "value_template": pick},
                {"topic": self.availability_topic(base), "value_template": pick},
            ],
            "availability_mode": "all",
        }

    def config_topic(self, prefix: str, spec: EntitySpec) -> str:
        return f"{prefix}/device/{slug(spec.device or spec.entity_id)}/config"

    def identity(self, spec: EntitySpec) -> dict[str, Any]:
        return {"name": member_name(spec), "default_entity_id": spec.entity_id}

    def device(self, spec: EntitySpec) -> dict[str, Any]:
        return super().device(spec) | {"name": spec.device or spec.name, "manufacturer": "Simulated Zigbee"}

    def describe(self, channel: Channel, base: str) -> dict[str, Any]:
        keys = super().describe(channel, base)
        if channel.command_template and channel.name != "state":
            hole = f"{{{{ {channel.variable} }}}}"
            keys[channel.command_template] = f'{{"{channel.name}": {hole if channel.number else _quoted(hole)} }}'
        return keys


class Tasmota(Style):
    """Tasmota's own discovery of old: `cmnd`, `tele`, `~`, abbreviations, `Online`/`Offline`."""

    name = "tasmota"
    json_state = True
    abbreviated = True

    def bases(self, spec: EntitySpec) -> tuple[str, ...]:
        name = slug(spec.device or spec.object_id)
        return f"tasmota_{name}", f"tasmota_{name}_{spec.domain}"

    def key(self, channel: Channel) -> str:
        return channel.tasmota or ("POWER" if channel.name == "state" else _camel(channel.name))

    def command_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/cmnd/{self.key(channel)}"

    def state_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/tele/STATE"

    def availability_topic(self, base: str) -> str:
        return f"{base}/tele/LWT"

    def availability_payload(self, online: bool) -> str:
        return "Online" if online else "Offline"

    def availability(self, base: str) -> dict[str, Any]:
        return super().availability(base) | {"payload_available": "Online", "payload_not_available": "Offline"}

    def device(self, spec: EntitySpec) -> dict[str, Any]:
        return super().device(spec) | {"name": spec.device or spec.name, "manufacturer": "Simulated Tasmota"}

    def identity(self, spec: EntitySpec) -> dict[str, Any]:
        return {"name": member_name(spec)}


class EspHome(Style):
    """ESPHome: `<node>/<component>/<object>/command|state`, one node for each device, abbreviations."""

    name = "esphome"
    abbreviated = True

    def node(self, spec: EntitySpec) -> str:
        return slug(spec.device or f"esp {spec.object_id}").replace("_", "-")

    def bases(self, spec: EntitySpec) -> tuple[str, ...]:
        return (f"{self.node(spec)}/{spec.domain}/{spec.object_id}",)

    def command_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/command" if channel.name == "state" else f"{base}/{channel.name}/command"

    def state_topic(self, base: str, channel: Channel) -> str:
        return f"{base}/state" if channel.name == "state" else f"{base}/{channel.name}/state"

    def availability_topic(self, base: str) -> str:
        return f"{base.partition('/')[0]}/status"

    def config_topic(self, prefix: str, spec: EntitySpec) -> str:
        return f"{prefix}/{spec.domain}/{self.node(spec)}/{spec.object_id}/config"

    def identity(self, spec: EntitySpec) -> dict[str, Any]:
        return {"name": member_name(spec), "object_id": spec.object_id}

    def device(self, spec: EntitySpec) -> dict[str, Any]:
        return super().device(spec) | {"name": spec.device or spec.name, "manufacturer": "Simulated ESPHome"}


class Template(Style):
    """As plain; its lights speak Home Assistant's template schema."""

    name = "template"


_STYLES = (Style(), Zigbee2Mqtt(), Tasmota(), EspHome(), Template())
BY_NAME: Mapping[str, Style] = {style.name: style for style in _STYLES}


def slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text.lower()).strip("_")


def member_name(spec: EntitySpec) -> str | None:
    """The entity's own part of its friendly name; None where it bears its device's name."""
    device = spec.device or spec.name
    if spec.name == device:
        return None
    return spec.name.removeprefix(f"{device} ")


def abbreviate(payload: dict[str, Any], base: str) -> dict[str, Any]:
    """Shorten keys, and topics by `~`, as firmwares with little memory do."""
    short: dict[str, Any] = {"~": base}
    for key, value in payload.items():
        if isinstance(value, str) and key.endswith("_topic") and value.startswith(base):
            value = "~" + value.removeprefix(base)
        elif key == "device":
            value = {_DEVICE_SHORT.get(inner, inner): item for inner, item in value.items()}
        short[_SHORT.get(key, key)] = value
    return short


def _json_value(channel: Channel, value: str) -> Any:
    try:
        return json.loads(value) if channel.number else value
    except ValueError:  # a number that is not known now: "unknown"
        return value


def _quoted(text: str) -> str:
    return f'"{text}"'


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


_DEVICE_SHORT = {"identifiers": "ids", "manufacturer": "mf", "suggested_area": "sa"}
_SHORT = {
    "action_topic": "act_t", "action_template": "act_tpl", "availability": "avty", "availability_topic": "avty_t",
    "availability_mode": "avty_mode", "brightness_command_topic": "bri_cmd_t", "brightness_scale": "bri_scl",
    "brightness_state_topic": "bri_stat_t", "brightness_value_template": "bri_val_tpl",
    "color_temp_command_topic": "clr_temp_cmd_t", "color_temp_state_topic": "clr_temp_stat_t",
    "color_temp_value_template": "clr_temp_val_tpl", "command_topic": "cmd_t", "command_template": "cmd_tpl",
    "components": "cmps", "current_temperature_topic": "curr_temp_t", "current_temperature_template": "curr_temp_tpl",
    "default_entity_id": "def_ent_id", "device": "dev", "device_class": "dev_cla", "effect_command_topic": "fx_cmd_t",
    "effect_list": "fx_list", "effect_state_topic": "fx_stat_t", "effect_value_template": "fx_val_tpl",
    "entity_category": "ent_cat", "fan_mode_command_topic": "fan_mode_cmd_t", "fan_mode_state_topic": "fan_mode_stat_t",
    "fan_mode_state_template": "fan_mode_stat_tpl", "fan_speed_list": "fanspd_lst", "hs_command_topic": "hs_cmd_t",
    "hs_state_topic": "hs_stat_t", "hs_value_template": "hs_val_tpl", "max_humidity": "max_hum",
    "min_humidity": "min_hum",
    "mode_command_topic": "mode_cmd_t", "mode_state_topic": "mode_stat_t", "mode_state_template": "mode_stat_tpl",
    "object_id": "obj_id", "on_command_type": "on_cmd_type", "options": "ops", "origin": "o",
    "oscillation_command_topic": "osc_cmd_t", "oscillation_state_topic": "osc_stat_t",
    "oscillation_value_template": "osc_val_tpl", "payload_available": "pl_avail",
    "payload_not_available": "pl_not_avail",
    "payload_on": "pl_on", "payload_off": "pl_off", "percentage_command_topic": "pct_cmd_t",
    "percentage_state_topic": "pct_stat_t", "percentage_value_template": "pct_val_tpl", "platform": "p",
    "position_topic": "pos_t", "position_template": "pos_tpl", "preset_mode_command_topic": "pr_mode_cmd_t",
    "preset_mode_state_topic": "pr_mode_stat_t", "preset_mode_value_template": "pr_mode_val_tpl",
    "preset_modes": "pr_modes",
    "rgb_command_topic": "rgb_cmd_t", "rgb_state_topic": "rgb_stat_t", "rgb_value_template": "rgb_val_tpl",
    "send_command_topic": "send_cmd_t", "set_fan_speed_topic": "set_fan_spd_t", "set_position_topic": "set_pos_t",
    "set_position_template": "set_pos_tpl", "speed_range_max": "spd_rng_max", "speed_range_min": "spd_rng_min",
    "state_class": "stat_cla", "state_topic": "stat_t", "state_value_template": "stat_val_tpl",
    "supported_color_modes": "sup_clrm", "supported_features": "sup_feat",
    "target_humidity_command_topic": "hum_cmd_t", "target_humidity_state_topic": "hum_stat_t",
    "target_humidity_state_template": "hum_state_tpl", "temperature_command_topic": "temp_cmd_t",
    "temperature_state_topic": "temp_stat_t", "temperature_state_template": "temp_stat_tpl",
    "temperature_unit": "temp_unit",
    "tilt_command_topic": "tilt_cmd_t", "tilt_status_topic": "tilt_status_t", "tilt_status_template": "tilt_status_tpl",
    "unique_id": "uniq_id", "unit_of_measurement": "unit_of_meas", "value_template": "val_tpl",
}  # fmt: skip
