"""What keeps a temperature or a humidity: climate, water_heater, humidifier. Temperatures are in the device's own unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model import Publish
from ..payload import Unsupported
from .base import NONE, OnOff, Platform, wanted

_HVAC_MODES = ("auto", "off", "cool", "heat", "dry", "fan_only")
_OPERATION_MODES = ("off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")


class _Thermostat(Platform):
    """What climate and water_heater share: a mode that is the state, a target temperature, power."""

    state_topic_keys = ("mode_state_topic", "temperature_state_topic", "temperature_high_state_topic",
                        "temperature_low_state_topic", "power_state_topic", "current_temperature_topic")

    __slots__ = ()

    def set_up_temperature(self, low: float, high: float) -> None:
        config = self.config
        if config.has("temperature_command_topic") or config.has("temperature_low_command_topic"):
            self.feature("target_temperature")
        self.option("min_temp", config.number("min_temp", low))
        self.option("max_temp", config.number("max_temp", high))
        unit = config.text("temperature_unit")
        if unit:
            self.entity.unit = "°F" if "F" in unit.upper() else "°C"
        self.follow("current_temperature_topic", "current_temperature_template",
                    self.number_attribute("current_temperature"))
        self.follow("temperature_state_topic", "temperature_state_template", self.number_attribute("temperature"))

    def fahrenheit(self) -> bool:
        return "F" in (self.config.text("temperature_unit") or "").upper()

    def heard_mode(self, text: str) -> bool:
        if text == "":
            return False
        self.entity.state = None if text in (NONE, self.config.text("payload_reset", NONE)) else text
        return True

    def temperature(self, key: str, value: Any) -> Publish:
        """Home Assistant sends every temperature as a float: 21 goes out as 21.0."""
        return self.send(f"{key}_command_topic", float(value), f"{key}_command_template")

    def mode(self, value: Any) -> Publish:
        return self.send("mode_command_topic", value, "mode_command_template")

    def power(self, on: bool) -> Publish:
        payload = self.config.word("payload_on", "ON") if on else self.config.word("payload_off", "OFF")
        return self.send("power_command_topic", payload, "power_command_template")

    def modes(self) -> list[str]:
        raise NotImplementedError

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        if self.config.has("power_command_topic"):
            return [self.power(False)]
        if "off" not in self.modes():
            raise Unsupported(f"{self.entity.name} cannot be turned off")
        return [self.mode("off")]

    def turn_on(self, preferred: tuple[str, ...]) -> list[Publish]:
        if self.config.has("power_command_topic"):
            return [self.power(True)]
        running = [mode for mode in self.modes() if mode != "off"]
        choice = next((mode for mode in (self.entity.state, *preferred, *running) if mode in running), None)
        if choice is None:
            raise Unsupported(f"{self.entity.name} cannot be turned on")
        return [self.mode(choice)]


class Climate(_Thermostat):
    component = "climate"

    __slots__ = ()

    def set_up(self) -> None:
        low, high = (44.6, 95) if self.fahrenheit() else (7, 35)
        self.set_up_temperature(low, high)
        if self.config.has("temp_step"):    # its default is only for buttons: 21.5 is sent as it was said
            self.option("target_temp_step", self.config.number("temp_step", 1))
        self.set_up_choices()
        self.follow("mode_state_topic", "mode_state_template", self.heard_mode)
        self.follow("action_topic", "action_template", self.text_attribute("hvac_action"))
        self.follow("current_humidity_topic", "current_humidity_template", self.number_attribute("current_humidity"))
        self.follow("target_humidity_state_topic", "target_humidity_state_template", self.number_attribute("humidity"))
        for bound in ("high", "low"):
            self.follow(f"temperature_{bound}_state_topic", f"temperature_{bound}_state_template",
                        self.number_attribute(f"target_temp_{bound}"))

    def set_up_choices(self) -> None:
        config = self.config
        if config.has("mode_command_topic"):
            self.feature("hvac_modes")
            self.option("hvac_modes", self.modes())
        if config.has("fan_mode_command_topic"):
            self.feature("fan_modes")
            self.option("fan_modes", config.texts("fan_modes", ("auto", "low", "medium", "high")))
        if config.has("swing_mode_command_topic"):
            self.feature("swing_modes")
            self.option("swing_modes", config.texts("swing_modes", ("on", "off")))
        if config.has("swing_horizontal_mode_command_topic"):
            self.option("swing_horizontal_modes", config.texts("swing_horizontal_modes", ("on", "off")))
        if config.has("preset_mode_command_topic"):
            self.feature("preset_mode")
            self.option("preset_modes", ["none", *(mode for mode in config.texts("preset_modes") if mode != "none")])
        if config.has("target_humidity_command_topic"):
            self.feature("target_humidity")
            self.option("min_humidity", config.number("min_humidity", 30))
            self.option("max_humidity", config.number("max_humidity", 99))
        if config.has("power_command_topic"):
            self.feature("turn_on", "turn_off")
        self.follow("fan_mode_state_topic", "fan_mode_state_template", self.text_attribute("fan_mode"))
        self.follow("swing_mode_state_topic", "swing_mode_state_template", self.text_attribute("swing_mode"))
        self.follow("swing_horizontal_mode_state_topic", "swing_horizontal_mode_state_template",
                    self.text_attribute("swing_horizontal_mode"))
        self.follow("preset_mode_state_topic", "preset_mode_value_template", self.text_attribute("preset_mode"))

    def modes(self) -> list[str]:
        return self.config.texts("modes", _HVAC_MODES)

    def do_set_temperature(self, data: Mapping[str, Any]) -> list[Publish]:
        sent = [self.mode(data["hvac_mode"])] if data.get("hvac_mode") is not None else []
        for name, key in (("temperature", "temperature"), ("target_temp_low", "temperature_low"),
                          ("target_temp_high", "temperature_high")):
            if data.get(name) is not None:
                sent.append(self.temperature(key, data[name]))
        if not sent:
            raise Unsupported("temperature is missing")
        return sent

    def do_set_hvac_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.mode(wanted(data, "hvac_mode"))]

    def do_set_fan_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("fan_mode_command_topic", wanted(data, "fan_mode"), "fan_mode_command_template")]

    def do_set_swing_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("swing_mode_command_topic", wanted(data, "swing_mode"), "swing_mode_command_template")]

    def do_set_swing_horizontal_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("swing_horizontal_mode_command_topic", wanted(data, "swing_horizontal_mode"),
                          "swing_horizontal_mode_command_template")]

    def do_set_preset_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("preset_mode_command_topic", wanted(data, "preset_mode"), "preset_mode_command_template")]

    def do_set_humidity(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("target_humidity_command_topic", round(float(wanted(data, "humidity"))),
                          "target_humidity_command_template")]

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.turn_on(("heat_cool", "heat", "cool", "auto"))


class WaterHeater(_Thermostat):
    component = "water_heater"

    __slots__ = ()

    def set_up(self) -> None:
        low, high = (110, 140) if self.fahrenheit() else (43.3, 60)
        self.set_up_temperature(low, high)
        if self.config.has("mode_command_topic"):
            self.feature("modes")
            self.option("operation_list", self.modes())
        if self.config.has("power_command_topic"):
            self.feature("turn_on", "turn_off")
        self.follow("mode_state_topic", "mode_state_template", self.heard_mode)

    def modes(self) -> list[str]:
        return self.config.texts("modes", _OPERATION_MODES)

    def do_set_temperature(self, data: Mapping[str, Any]) -> list[Publish]:
        sent = [self.mode(data["operation_mode"])] if data.get("operation_mode") is not None else []
        return [*sent, self.temperature("temperature", wanted(data, "temperature"))]

    def do_set_operation_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.mode(wanted(data, "operation_mode"))]

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.turn_on(("eco", "electric", "gas", "heat_pump", "performance"))


class Humidifier(OnOff):
    component = "humidifier"

    __slots__ = ()

    def set_up(self) -> None:
        self.require("command_topic")
        self.require("target_humidity_command_topic")
        self.feature("turn_on", "turn_off", "target_humidity")
        self.option("min_humidity", self.config.number("min_humidity", 0))
        self.option("max_humidity", self.config.number("max_humidity", 100))
        if self.config.has("mode_command_topic"):
            self.feature("modes")
            self.option("available_modes", self.config.texts("modes"))
        self.follow_on_off("state_value_template")
        self.follow("target_humidity_state_topic", "target_humidity_state_template",
                    self.reset_by("payload_reset_humidity", self.number_attribute("humidity")))
        self.follow("current_humidity_topic", "current_humidity_template", self.number_attribute("current_humidity"))
        self.follow("mode_state_topic", "mode_state_template",
                    self.reset_by("payload_reset_mode", self.text_attribute("mode")))
        self.follow("action_topic", "action_template", self.text_attribute("action"))

    def reset_by(self, key: str, heard: Callable[[str], bool | None]) -> Callable[[str], bool | None]:
        return lambda text: heard(NONE if text == self.config.text(key, NONE) else text)

    def do_set_humidity(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("target_humidity_command_topic", round(float(wanted(data, "humidity"))),
                          "target_humidity_command_template")]

    def do_set_mode(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("mode_command_topic", wanted(data, "mode"), "mode_command_template")]
