"""Simulated devices of every other kind: one class each, in the order of Home Assistant's list of MQTT components."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from .device import Device, number, on_off, whole_number
from .home_file import EntitySpec, HomeFileError
from .lights import Light
from .moving import Cover, Valve
from .wire import Channel


class Switch(Device):
    domain = "switch"
    idle = "off"

    def make_channels(self) -> list[Channel]:
        read, obey = on_off(self)
        return [Channel(name="state", obey=obey, read=read, command="command_topic", report="state_topic",
                        template="value_template")]  # fmt: skip


class Fan(Device):
    """Attributes percentage 0..100, preset_mode, oscillating, direction; `speeds`: steps of its own scale."""

    domain = "fan"
    idle = "off"

    def usual_attributes(self) -> dict[str, Any]:
        usual: dict[str, Any] = {"speeds": 100}
        if self.can("percentage"):
            usual["percentage"] = 50
        if self.can("preset_mode"):
            usual |= {"preset_modes": ["auto", "sleep", "turbo"], "preset_mode": "auto"}
        if self.can("oscillate"):
            usual["oscillating"] = False
        if self.can("direction"):
            usual["direction"] = "forward"
        return usual

    def make_channels(self) -> list[Channel]:
        read, obey = on_off(self)
        channels = [Channel(name="state", obey=obey, read=read, command="command_topic", report="state_topic",
                            template="state_value_template")]
        if self.can("percentage"):
            channels.append(Channel(name="percentage", obey=self._obey_speed, read=self._read_speed, number=True,
                                    command="percentage_command_topic", report="percentage_state_topic",
                                    template="percentage_value_template",
                                    command_template="percentage_command_template"))
        if self.can("preset_mode"):
            channels.append(Channel(name="preset_mode", obey=self.setter("preset_mode", options="preset_modes"),
                                    read=self.attribute("preset_mode"), command="preset_mode_command_topic",
                                    report="preset_mode_state_topic", template="preset_mode_value_template"))
        if self.can("oscillate"):
            channels.append(Channel(name="oscillation", obey=self._obey_oscillation, read=self._read_oscillation,
                                    command="oscillation_command_topic", report="oscillation_state_topic",
                                    template="oscillation_value_template"))
        if self.can("direction"):
            channels.append(Channel(name="direction", obey=self._obey_direction, read=self.attribute("direction"),
                                    command="direction_command_topic", report="direction_state_topic",
                                    template="direction_value_template"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        speeds = self.attributes["speeds"]
        scale = {"speed_range_min": 1, "speed_range_max": speeds} if self.can("percentage") and speeds != 100 else {}
        return scale | self.options("preset_modes")

    def _obey_speed(self, payload: str) -> None:
        speed = whole_number(payload, 0, self.attributes["speeds"])
        self.attributes["percentage"] = round(speed * 100 / self.attributes["speeds"])
        self.state = "on" if speed else "off"

    def _read_speed(self) -> str:
        return str(round(self.attributes["percentage"] * self.attributes["speeds"] / 100) if self.state == "on" else 0)

    def _obey_oscillation(self, payload: str) -> None:
        self.attributes["oscillating"] = {"oscillate_on": True, "oscillate_off": False}[payload]

    def _read_oscillation(self) -> str:
        return "oscillate_on" if self.attributes["oscillating"] else "oscillate_off"

    def _obey_direction(self, payload: str) -> None:
        if payload not in ("forward", "reverse"):
            raise ValueError(f"{payload!r} is no direction")
        self.attributes["direction"] = payload


class Lock(Device):
    """With a `code`, the command is JSON with the code in it, and a wrong code is refused."""

    domain = "lock"
    idle = "locked"
    _moves: ClassVar = {"LOCK": "locked", "UNLOCK": "unlocked", "OPEN": "open"}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=self._read, command="command_topic", report="state_topic",
                        template="value_template")]  # fmt: skip

    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = {"payload_open": "OPEN"} if self.can("open") else {}
        if self.spec.code:
            details |= {"code_format": "^\\d{4}$",
                        "command_template": '{"action": "{{ value }}", "code": "{{ code }}"}'}  # fmt: skip
        return details

    def go_astray(self) -> None:
        self.state = "jammed"

    def _obey(self, payload: str) -> None:
        if self.spec.code:
            wanted = json.loads(payload)
            if str(wanted.get("code")) != self.spec.code:
                raise ValueError("wrong code")
            payload = str(wanted["action"])
        if payload not in self._moves or (payload == "OPEN" and not self.can("open")):
            raise ValueError(f"{payload!r} is not a command")
        self.state = self._moves[payload]

    def _read(self) -> str:
        return (self.state or "").upper()


class Climate(Device):
    """The state is the hvac mode. Attributes temperature, current_temperature, fan_mode, preset_mode, swing_mode."""

    domain = "climate"
    idle = "heat"

    def usual_attributes(self) -> dict[str, Any]:
        fahrenheit = "F" in str(self.spec.attributes.get("temperature_unit", ""))
        low, high, now, target = (45, 95, 68, 70) if fahrenheit else (7, 35, 20.0, 21)
        usual: dict[str, Any] = {"hvac_modes": ["off", "heat", "cool", "auto"], "min_temp": low, "max_temp": high,
                                 "temp_step": 0.5, "current_temperature": now, "temperature": target}  # fmt: skip
        if self.can("fan_modes"):
            usual |= {"fan_modes": ["auto", "low", "medium", "high"], "fan_mode": "auto"}
        if self.can("preset_mode"):
            usual |= {"preset_modes": ["eco", "comfort", "away", "sleep"], "preset_mode": "comfort"}
        if self.can("swing_modes"):
            usual |= {"swing_modes": ["on", "off"], "swing_mode": "off"}
        return usual

    def make_channels(self) -> list[Channel]:
        channels = [
            Channel(name="current_temperature", read=self.attribute("current_temperature"), number=True,
                    report="current_temperature_topic", template="current_temperature_template"),
            Channel(name="action", read=self._action, report="action_topic", template="action_template"),
        ]  # fmt: skip
        if self.can("hvac_modes"):
            channels.append(self._choice("mode", "state", "hvac_modes"))
        if self.can("target_temperature"):
            channels.append(Channel(name="temperature", obey=self.number_setter("temperature", "min_temp", "max_temp"),
                                    read=self.attribute("temperature"), command="temperature_command_topic",
                                    report="temperature_state_topic", template="temperature_state_template",
                                    number=True))  # fmt: skip
        for feature, name in (("fan_modes", "fan_mode"), ("swing_modes", "swing_mode"), ("preset_mode", "preset_mode")):
            if self.can(feature):
                channels.append(self._choice(name, name, f"{name}s"))
        return channels

    def details(self) -> dict[str, Any]:
        details = self.options("min_temp", "max_temp", "temp_step", "fan_modes", "swing_modes", "preset_modes")
        if "F" in str(self.attributes.get("temperature_unit", "")):
            details["temperature_unit"] = "F"
        if self.can("hvac_modes"):
            details["modes"] = self.attributes["hvac_modes"]
        return details

    @property
    def tells_state(self) -> bool:
        return super().tells_state and self.can("hvac_modes")

    def go_astray(self) -> None:
        self.attributes["temperature"] = self.attributes["min_temp"]

    def _choice(self, name: str, attribute: str, options: str) -> Channel:
        """One of several words. Home Assistant calls a preset's template `value`, the others' `state`."""
        template = f"{name}_value_template" if name == "preset_mode" else f"{name}_state_template"

        def obey(payload: str) -> None:
            allowed = self.attributes[options] + (["none"] if name == "preset_mode" else [])
            if payload not in allowed:
                raise ValueError(f"{payload!r} is none of {allowed}")
            self.set({attribute: payload})

        read = (lambda: self.state) if attribute == "state" else self.attribute(attribute)
        return Channel(name=name, obey=obey, read=read, command=f"{name}_command_topic", report=f"{name}_state_topic",
                       template=template)  # fmt: skip

    def _action(self) -> str:
        """What it is doing now, from its mode and the two temperatures."""
        if self.state == "off":
            return "off"
        target, current = float(self.attributes["temperature"]), float(self.attributes["current_temperature"])
        if self.state in ("heat", "auto") and target > current:
            return "heating"
        if self.state in ("cool", "auto") and target < current:
            return "cooling"
        return "idle"


class WaterHeater(Device):
    """The state is the operation mode. Attributes temperature, current_temperature."""

    domain = "water_heater"
    idle = "eco"

    def usual_attributes(self) -> dict[str, Any]:
        return {"operation_list": ["off", "eco", "electric", "performance"], "min_temp": 40, "max_temp": 65,
                "temperature": 55, "current_temperature": 51.5}  # fmt: skip

    def make_channels(self) -> list[Channel]:
        return [
            Channel(name="mode", obey=self._obey_mode, read=lambda: self.state, command="mode_command_topic",
                    report="mode_state_topic", template="mode_state_template"),
            Channel(name="temperature", obey=self.number_setter("temperature", "min_temp", "max_temp"), number=True,
                    read=self.attribute("temperature"), command="temperature_command_topic",
                    report="temperature_state_topic", template="temperature_state_template"),
            Channel(name="current_temperature", read=self.attribute("current_temperature"), number=True,
                    report="current_temperature_topic", template="current_temperature_template"),
        ]  # fmt: skip

    def details(self) -> dict[str, Any]:
        return {"modes": self.attributes["operation_list"]} | self.options("min_temp", "max_temp")

    def go_astray(self) -> None:
        self.attributes["temperature"] = self.attributes["min_temp"]

    def _obey_mode(self, payload: str) -> None:
        if payload not in self.attributes["operation_list"]:
            raise ValueError(f"{payload!r} is none of {self.attributes['operation_list']}")
        self.state = payload


class Humidifier(Device):
    """Attributes humidity (target), current_humidity, mode."""

    domain = "humidifier"
    idle = "off"

    def usual_attributes(self) -> dict[str, Any]:
        return {"humidity": 50, "current_humidity": 42, "min_humidity": 30, "max_humidity": 80, "mode": "auto",
                "available_modes": ["auto", "sleep", "boost"]}  # fmt: skip

    def make_channels(self) -> list[Channel]:
        read, obey = on_off(self)
        channels = [
            Channel(name="state", obey=obey, read=read, command="command_topic", report="state_topic",
                    template="state_value_template"),
            Channel(name="target_humidity", obey=self.number_setter("humidity", "min_humidity", "max_humidity"),
                    read=self.attribute("humidity"), command="target_humidity_command_topic", number=True,
                    report="target_humidity_state_topic", template="target_humidity_state_template"),
            Channel(name="current_humidity", read=self.attribute("current_humidity"), number=True,
                    report="current_humidity_topic", template="current_humidity_template"),
        ]
        if self.can("modes"):
            channels.append(Channel(name="mode", obey=self.setter("mode", options="available_modes"),
                                    read=self.attribute("mode"), command="mode_command_topic",
                                    report="mode_state_topic", template="mode_state_template"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        modes = {"modes": self.attributes["available_modes"]} if self.can("modes") else {}
        return modes | self.options("min_humidity", "max_humidity")


class Vacuum(Device):
    """State docked, cleaning, returning, paused, idle; attributes battery_level, fan_speed."""

    domain = "vacuum"
    idle = "docked"
    _moves: ClassVar = {"start": "cleaning", "pause": "paused", "stop": "idle", "return_to_base": "returning",
                        "clean_spot": "cleaning", "locate": None}  # fmt: skip

    def usual_attributes(self) -> dict[str, Any]:
        return {"battery_level": 100, "fan_speed": "medium", "fan_speed_list": ["quiet", "medium", "max"]}

    def make_channels(self) -> list[Channel]:
        channels = [Channel(name="state", obey=self._obey, read=self._read, command="command_topic",
                            report="state_topic", whole=True)]
        if self.can("fan_speed"):
            channels.append(Channel(name="fan_speed", obey=self.setter("fan_speed", options="fan_speed_list"),
                                    command="set_fan_speed_topic"))
        if self.can("send_command"):
            channels.append(Channel(name="send_command", obey=lambda payload: None, command="send_command_topic"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        named = {"return_to_base": "return_home"}
        features = ["status", *(named.get(feature, feature) for feature in self.spec.can)]
        return {"supported_features": features} | (self.options("fan_speed_list") if self.can("fan_speed") else {})

    def go_astray(self) -> None:
        self.state = "error"

    def _obey(self, payload: str) -> None:
        if payload not in self._moves or not self.can(payload):
            raise ValueError(f"{payload!r} is not a command")
        self.state = self._moves[payload] or self.state
        if self.state == "returning" and self.later is not None:
            self.later(self.spec.travel_s, self._dock)

    def _dock(self) -> None:
        if self.state == "returning":
            self.state = "docked"

    def _read(self) -> str:
        report = {"state": self.state, "battery_level": self.attributes["battery_level"]}
        return json.dumps(report | (self.options("fan_speed") if self.can("fan_speed") else {}))


class LawnMower(Device):
    """State docked, mowing, paused, returning."""

    domain = "lawn_mower"
    idle = "docked"

    def make_channels(self) -> list[Channel]:
        channels = [Channel(name="activity", read=lambda: self.state, report="activity_state_topic",
                            template="activity_value_template")]
        for feature, name, activity in (("start", "start_mowing", "mowing"), ("pause", "pause", "paused"),
                                        ("dock", "dock", "returning")):
            if self.can(feature):
                channels.append(Channel(name=name, obey=self._mover(name, activity), command=f"{name}_command_topic"))
        return channels  # fmt: skip

    def go_astray(self) -> None:
        self.state = "error"

    def _mover(self, word: str, activity: str) -> Any:
        def obey(payload: str) -> None:
            if payload != word:
                raise ValueError(f"{payload!r} is not {word!r}")
            self.state = activity
            if activity == "returning" and self.later is not None:
                self.later(self.spec.travel_s, self._dock)

        return obey

    def _dock(self) -> None:
        if self.state == "returning":
            self.state = "docked"


class MediaPlayer(Device):
    """The community's mqtt_media_player schema. Attributes volume_level 0..1, is_volume_muted, media_title, …"""

    domain = "media_player"
    idle = "idle"
    _presses: ClassVar = {  # feature: (its command topic, default payload, the state it leads to)
        "play": ("command_play_topic", "Play", "playing"),
        "pause": ("command_pause_topic", "Pause", "paused"),
        "stop": ("command_stop_topic", "Stop", "idle"),
        "next": ("command_next_topic", "Next", "playing"),
        "previous": ("command_previous_topic", "Previous", "playing"),
        "turn_on": ("command_turn_on_topic", "on", "idle"),
        "turn_off": ("command_turn_off_topic", "off", "off"),
    }

    def usual_attributes(self) -> dict[str, Any]:
        return {"volume_level": 0.4, "is_volume_muted": False, "media_title": None, "media_artist": None}

    def make_channels(self) -> list[Channel]:
        channels = [Channel(name="state", read=lambda: self.state, report="state_state_topic")]
        for attribute, name in (("media_title", "title"), ("media_artist", "artist")):
            channels.append(Channel(name=name, read=self.attribute(attribute), report=f"state_{name}_topic"))
        channels += [self._press(feature, *press) for feature, press in self._presses.items() if self.can(feature)]
        if self.can("volume_set"):
            channels.append(Channel(name="volume", obey=self._obey_volume, read=self.attribute("volume_level"),
                                    command="command_volume_topic", report="state_volume_topic"))
        if self.can("volume_mute"):
            channels.append(Channel(name="mute", obey=self._obey_mute, read=self._read_mute,
                                    command="command_mute_topic", report="state_mute_topic"))
        if self.can("play_media"):
            channels.append(Channel(name="playmedia", obey=self._obey_play_media, command="command_playmedia_topic"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        """Every payload by name: bridges differ, and so do their defaults."""
        presses = {topic.replace("_topic", "_payload"): payload
                   for feature, (topic, payload, _) in self._presses.items() if self.can(feature)}  # fmt: skip
        mutes = {"command_mute_on_payload": "mute", "command_mute_off_payload": "unmute"} if self.can("volume_mute") else {}
        return presses | mutes

    def availability(self) -> dict[str, Any]:
        """This schema has it as one object."""
        return {"availability": {"topic": self.style.availability_topic(self.base), "payload_available": "online",
                                 "payload_not_available": "offline"}}  # fmt: skip

    def go_astray(self) -> None:
        self.state = "off" if self.state != "off" else "idle"

    def _press(self, feature: str, topic: str, payload: str, leads_to: str) -> Channel:
        def obey(pressed: str) -> None:
            if pressed != payload:
                raise ValueError(f"{pressed!r} is not {payload!r}")
            self.state = leads_to

        return Channel(name=feature, obey=obey, command=topic)

    def _obey_volume(self, payload: str) -> None:
        self.attributes["volume_level"] = number(payload, 0, 1)

    def _obey_mute(self, payload: str) -> None:
        self.attributes["is_volume_muted"] = {"mute": True, "unmute": False}[payload]

    def _read_mute(self) -> str:
        return "mute" if self.attributes["is_volume_muted"] else "unmute"

    def _obey_play_media(self, payload: str) -> None:
        wanted = json.loads(payload)
        self.attributes["media_title"] = str(wanted["media_id"])
        self.state = "playing"


class Siren(Device):
    """Without a command template Home Assistant sends JSON; a bare ON or OFF is understood too."""

    domain = "siren"
    idle = "off"

    def usual_attributes(self) -> dict[str, Any]:
        return {"available_tones": ["burglar", "fire"]}

    def make_channels(self) -> list[Channel]:
        read, _ = on_off(self)
        return [Channel(name="state", obey=self._obey, read=read, command="command_topic", report="state_topic",
                        template="state_value_template")]  # fmt: skip

    def details(self) -> dict[str, Any]:
        tones = self.options("available_tones") if self.can("tones") else {}
        return tones | {"support_duration": self.can("duration"), "support_volume_set": self.can("volume_set")}

    def _obey(self, payload: str) -> None:
        wanted = json.loads(payload) if payload.startswith("{") else {"state": payload}
        on_off(self)[1](str(wanted.pop("state")))
        self.attributes |= wanted


class Button(Device):
    """Takes a press; remembers how often, for whoever looks."""

    domain = "button"
    tells_state = False

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, command="command_topic")]

    def _obey(self, payload: str) -> None:
        if payload != "PRESS":
            raise ValueError(f"{payload!r} is not PRESS")
        self.attributes["presses"] = self.attributes.get("presses", 0) + 1


class Scene(Device):
    domain = "scene"
    tells_state = False

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, command="command_topic")]

    def details(self) -> dict[str, Any]:
        return {"payload_on": "ON"}

    def _obey(self, payload: str) -> None:
        if payload != "ON":
            raise ValueError(f"{payload!r} is not ON")
        self.attributes["activations"] = self.attributes.get("activations", 0) + 1


class Number(Device):
    domain = "number"
    idle = "0"

    def usual_attributes(self) -> dict[str, Any]:
        return {"min": 0, "max": 100, "step": 1}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=lambda: self.state, command="command_topic",
                        report="state_topic", template="value_template", number=True)]  # fmt: skip

    def details(self) -> dict[str, Any]:
        return self.options("min", "max", "step", "unit_of_measurement")

    def go_astray(self) -> None:
        self.state = f"{self.attributes['min']:g}"

    def _obey(self, payload: str) -> None:
        self.state = f"{number(payload, self.attributes['min'], self.attributes['max']):g}"


class Select(Device):
    domain = "select"

    def usual_attributes(self) -> dict[str, Any]:
        return {"options": [self.state] if self.state is not None else []}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=lambda: self.state, command="command_topic",
                        report="state_topic", template="value_template")]  # fmt: skip

    def details(self) -> dict[str, Any]:
        return self.options("options")

    def go_astray(self) -> None:
        self.state = next((option for option in self.attributes["options"] if option != self.state), self.state)

    def _obey(self, payload: str) -> None:
        if payload not in self.attributes["options"]:
            raise ValueError(f"{payload!r} is none of {self.attributes['options']}")
        self.state = payload


class Text(Device):
    domain = "text"
    idle = ""

    def usual_attributes(self) -> dict[str, Any]:
        return {"max": 100}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=lambda: self.state, command="command_topic",
                        report="state_topic", template="value_template")]  # fmt: skip

    def details(self) -> dict[str, Any]:
        return self.options("max")

    def _obey(self, payload: str) -> None:
        if len(payload) > self.attributes["max"]:
            raise ValueError(f"longer than {self.attributes['max']} characters")
        self.state = payload


class Sensor(Device):
    domain = "sensor"

    def make_channels(self) -> list[Channel]:
        name = self.spec.device_class if self.style.json_state and self.spec.device_class else "state"
        return [Channel(name=name, read=lambda: self.state, report="state_topic", template="value_template",
                        number=_is_number(self.state))]  # fmt: skip

    def details(self) -> dict[str, Any]:
        return self.options("unit_of_measurement", "state_class", "options")


class BinarySensor(Device):
    domain = "binary_sensor"
    idle = "off"

    def make_channels(self) -> list[Channel]:
        name = self.spec.device_class if self.style.json_state and self.spec.device_class else "state"
        read, _ = on_off(self)
        return [Channel(name=name, read=read, report="state_topic", template="value_template")]


class DeviceTracker(Device):
    domain = "device_tracker"
    idle = "not_home"

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", read=lambda: self.state, report="state_topic", template="value_template")]

    def details(self) -> dict[str, Any]:
        return {"source_type": self.attributes.get("source_type", "router")}


class AlarmControlPanel(Device):
    """States disarmed, armed_home, armed_away, armed_night, triggered. With a `code`, disarming wants it."""

    domain = "alarm_control_panel"
    idle = "disarmed"
    _moves: ClassVar = {"ARM_HOME": "armed_home", "ARM_AWAY": "armed_away", "ARM_NIGHT": "armed_night",
                        "DISARM": "disarmed"}  # fmt: skip

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=lambda: self.state, command="command_topic",
                        report="state_topic", template="value_template")]  # fmt: skip

    def details(self) -> dict[str, Any]:
        details: dict[str, Any] = {"supported_features": list(self.spec.can), "code_arm_required": False}
        if self.spec.code:
            details |= {"code": "REMOTE_CODE", "code_disarm_required": True,
                        "command_template": '{"action": "{{ action }}", "code": "{{ code }}"}'}  # fmt: skip
        return details

    def _obey(self, payload: str) -> None:
        action, code = payload, ""
        if self.spec.code:
            wanted = json.loads(payload)
            action, code = str(wanted["action"]), str(wanted.get("code"))
        if action == "DISARM" and self.spec.code and code != self.spec.code:
            raise ValueError("wrong code")
        if action not in self._moves:
            raise ValueError(f"{action!r} is not a command")
        self.state = self._moves[action]


class EventEntity(Device):
    """Reports only when something happens: a `world` step sets its state to one of the event types."""

    domain = "event"
    tells_state = False
    retains = False

    def usual_attributes(self) -> dict[str, Any]:
        return {"event_types": ["press", "double_press", "hold"]}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", read=self._read, report="state_topic")]

    def details(self) -> dict[str, Any]:
        return self.options("event_types")

    def _read(self) -> str | None:
        return json.dumps({"event_type": self.state}) if self.state else None


class Update(Device):
    """State on: a newer version is there. Attributes installed_version, latest_version."""

    domain = "update"
    idle = "off"

    def usual_attributes(self) -> dict[str, Any]:
        return {"installed_version": "1.0.0", "latest_version": "1.1.0" if self.state == "on" else "1.0.0"}

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=self._read, command="command_topic", report="state_topic")]

    def details(self) -> dict[str, Any]:
        return {"payload_install": "INSTALL"}

    def _obey(self, payload: str) -> None:
        if payload != "INSTALL":
            raise ValueError(f"{payload!r} is not INSTALL")
        self.attributes["installed_version"] = self.attributes["latest_version"]
        self.state = "off"

    def _read(self) -> str:
        return json.dumps(self.options("installed_version", "latest_version"))


KINDS: dict[str, type[Device]] = {
    kind.domain: kind
    for kind in (
        AlarmControlPanel, BinarySensor, Button, Climate, Cover, DeviceTracker, EventEntity, Fan, Humidifier,
        LawnMower, Light, Lock, MediaPlayer, Number, Scene, Select, Sensor, Siren, Switch, Text, Update, Vacuum, Valve,
        WaterHeater,
    )
}  # fmt: skip


def make(spec: EntitySpec, base: str) -> Device:
    """Return the device an entity describes. Raises: HomeFileError: there is no such kind."""
    if spec.domain == "media_player" and spec.style != "plain":
        raise HomeFileError(f"{spec.entity_id}: media players have one schema of their own: leave `style` out")
    if spec.domain not in KINDS:
        raise HomeFileError(f"{spec.entity_id}: no MQTT device is a {spec.domain}; known: {', '.join(sorted(KINDS))}")
    return KINDS[spec.domain](spec, base)


def _is_number(state: str | None) -> bool:
    try:
        return state is not None and float(state) == float(state)
    except ValueError:
        return False
