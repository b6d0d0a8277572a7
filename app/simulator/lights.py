"""Simulated lights, in the three schemas of Home Assistant's MQTT light: default, JSON and template."""

from __future__ import annotations

import colorsys
import json
from collections.abc import Callable
from typing import Any

from .device import Device, number, on_off, whole_number
from .wire import Channel

EFFECTS = ["none", "rainbow", "candle", "colorloop"]
KELVIN_RANGE = (2000, 6535)


class Light(Device):
    """State on/off; attributes brightness 0..255, color_temp_kelvin, rgb_color [r, g, b], effect, color_mode."""

    domain = "light"
    idle = "off"

    def __new__(cls, spec: Any, base: str) -> Light:
        kind = {"zigbee2mqtt": JsonLight, "esphome": JsonLight, "template": TemplateLight}.get(spec.style, DefaultLight)
        return object.__new__(kind)

    def usual_attributes(self) -> dict[str, Any]:
        usual: dict[str, Any] = {}
        if self.can("brightness"):
            usual["brightness"] = 255
        if self.can("color_temp"):
            usual["color_temp_kelvin"] = 2703  # 370 mired
        if self.can("color"):
            usual["rgb_color"] = [255, 255, 255]
        if self.can("effect"):
            usual |= {"effect": "none", "effect_list": EFFECTS}
        return usual

    # physical changes

    def switch(self, on: bool) -> None:
        self.state = "on" if on else "off"

    def set_brightness(self, value: float) -> None:
        self.attributes["brightness"] = whole_number(str(value), 0, 255)
        self.switch(self.attributes["brightness"] > 0)

    def set_kelvin(self, kelvin: float) -> None:
        self.attributes["color_temp_kelvin"] = whole_number(str(kelvin), *KELVIN_RANGE)
        self.attributes["color_mode"] = "color_temp"
        self.switch(True)

    def set_rgb(self, red: float, green: float, blue: float) -> None:
        self.attributes["rgb_color"] = [whole_number(str(part), 0, 255) for part in (red, green, blue)]
        self.attributes["color_mode"] = "rgb"
        self.switch(True)

    def set_effect(self, effect: str) -> None:
        if effect not in self.attributes["effect_list"]:
            raise ValueError(f"{effect!r} is none of {self.attributes['effect_list']}")
        self.attributes["effect"] = effect
        self.switch(True)

    def color_mode(self) -> str:
        """Return the mode it shines in, in Home Assistant's words."""
        mode = self.attributes.get("color_mode")
        if mode == "color_temp" or (mode is None and self.can("color_temp")):
            return "color_temp"
        if self.can("color"):
            return "rgb"
        return "brightness" if self.can("brightness") else "onoff"


class DefaultLight(Light):
    """The default schema: a topic or template for each property. Tasmota's own scales where that is the style."""

    def make_channels(self) -> list[Channel]:
        read, obey = on_off(self)
        channels = [Channel(name="state", obey=obey, read=read, command="command_topic", report="state_topic",
                            template="state_value_template")]
        tasmota = self.style.name == "tasmota"
        if self.can("brightness"):
            scale = 100 if tasmota else 255
            channels.append(self._number("brightness", "Dimmer", self._read_brightness(scale),
                                         lambda payload: self.set_brightness(number(payload, 0, scale) * 255 / scale)))
        if self.can("color_temp"):
            channels.append(self._number("color_temp", "CT", lambda: str(mired(self.attributes["color_temp_kelvin"])),
                                         lambda payload: self.set_kelvin(1e6 / number(payload, 153, 500))))
        if self.can("color"):
            channels.append(self._color())
        if self.can("effect"):
            channels.append(Channel(name="effect", obey=self.set_effect, read=self.attribute("effect"),
                                    command="effect_command_topic", report="effect_state_topic",
                                    template="effect_value_template", tasmota="Scheme"))
        return channels  # fmt: skip

    def details(self) -> dict[str, Any]:
        tasmota = {"brightness_scale": 100, "on_command_type": "brightness"} if self.style.name == "tasmota" else {}
        return (tasmota if self.can("brightness") else {}) | self.options("effect_list")

    def _number(self, name: str, tasmota: str, read: Callable[[], str], obey: Callable[[str], None]) -> Channel:
        return Channel(name=name, obey=obey, read=read, command=f"{name}_command_topic", report=f"{name}_state_topic",
                       template=f"{name}_value_template", tasmota=tasmota, number=True)  # fmt: skip

    def _read_brightness(self, scale: int) -> Callable[[], str]:
        return lambda: str(round(self.attributes["brightness"] * scale / 255))

    def _color(self) -> Channel:
        """Tasmota takes hue and saturation; the plain style red, green, blue."""
        if self.style.name == "tasmota":
            return Channel(name="hs", obey=self._obey_hs, read=self._read_hs, command="hs_command_topic",
                           report="hs_state_topic", template="hs_value_template", tasmota="HSBColor")  # fmt: skip
        return Channel(name="rgb", obey=lambda payload: self.set_rgb(*_parts(payload, 3)), command="rgb_command_topic",
                       read=lambda: ",".join(map(str, self.attributes["rgb_color"])), report="rgb_state_topic",
                       template="rgb_value_template")  # fmt: skip

    def _obey_hs(self, payload: str) -> None:
        self.set_rgb(*from_hs(*_parts(payload, 2)))

    def _read_hs(self) -> str:
        return "{:.0f},{:.0f}".format(*to_hs(self.attributes["rgb_color"]))


class JsonLight(Light):
    """The JSON schema: one object both ways, here with `supported_color_modes`."""

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=self._read, command="command_topic", report="state_topic",
                        whole=True)]  # fmt: skip

    def details(self) -> dict[str, Any]:
        modes = [mode for mode, feature in (("color_temp", "color_temp"), ("rgb", "color")) if self.can(feature)]
        details: dict[str, Any] = {"schema": "json", "brightness": self.can("brightness")}
        details["supported_color_modes"] = modes or (["brightness"] if self.can("brightness") else ["onoff"])
        if self.can("effect"):
            details |= {"effect": True} | self.options("effect_list")
        return details

    def _obey(self, payload: str) -> None:
        wanted = json.loads(payload) if payload.startswith("{") else {"state": payload}
        if not isinstance(wanted, dict):
            raise ValueError("a JSON light takes an object")
        if wanted.get("state") == "TOGGLE":
            self.switch(self.state != "on")
        elif "state" in wanted:
            on_off(self)[1](str(wanted["state"]))
        if "brightness" in wanted:
            self.set_brightness(wanted["brightness"])
        if "color_temp" in wanted:
            self.set_kelvin(1e6 / number(str(wanted["color_temp"]), 153, 500))
        if "color" in wanted:
            self.set_rgb(*_rgb_of(wanted["color"]))
        if "effect" in wanted:
            self.set_effect(str(wanted["effect"]))

    def _read(self) -> str:
        report: dict[str, Any] = {"state": "ON" if self.state == "on" else "OFF", "color_mode": self.color_mode()}
        if self.can("brightness"):
            report["brightness"] = self.attributes["brightness"]
        if self.can("color_temp"):
            report["color_temp"] = mired(self.attributes["color_temp_kelvin"])
        if self.can("color"):
            report["color"] = dict(zip("rgb", self.attributes["rgb_color"], strict=True))
        return json.dumps(report | self.options("effect"))


class TemplateLight(Light):
    """The template schema: one line of text both ways, `on,<brightness>,<mired>,<r>-<g>-<b>,<effect>`."""

    def make_channels(self) -> list[Channel]:
        return [Channel(name="state", obey=self._obey, read=self._read, command="command_topic", report="state_topic")]

    def details(self) -> dict[str, Any]:
        holes = ["on"]
        details: dict[str, Any] = {"schema": "template", "command_off_template": "off",
                                   "state_template": "{{ value.split(',')[0] }}"}  # fmt: skip
        for place, (feature, hole, keys) in enumerate(_TEMPLATE_PARTS, start=1):
            holes.append(hole if self.can(feature) else "")
            if self.can(feature):
                details |= {key: f"{{{{ value.split(','){pick.format(place)} }}}}" for key, pick in keys.items()}
        details["command_on_template"] = ",".join(holes)
        return details | self.options("effect_list")

    def _obey(self, payload: str) -> None:
        power, *parts = payload.split(",")
        if power == "off":
            return self.switch(False)
        if power != "on" or len(parts) != len(_TEMPLATE_PARTS):
            raise ValueError(f"{payload!r} does not fit the template")
        self.switch(True)
        brightness, mireds, color, effect = parts
        if brightness:
            self.set_brightness(number(brightness, 0, 255))
        if mireds:
            self.set_kelvin(1e6 / number(mireds, 153, 500))
        if color.strip("-"):
            self.set_rgb(*_parts(color, 3, "-"))
        if effect:
            self.set_effect(effect)
        return None

    def _read(self) -> str:
        values = [
            str(self.attributes.get("brightness", "")),
            str(mired(self.attributes["color_temp_kelvin"])) if self.can("color_temp") else "",
            "-".join(map(str, self.attributes.get("rgb_color", []))),
            str(self.attributes.get("effect", "")),
        ]
        return ",".join(["on" if self.state == "on" else "off", *values])


# In the order of the line: the feature, its place in a command, and how the state's value is picked out.
_TEMPLATE_PARTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("brightness", "{{ brightness | default('') }}", {"brightness_template": "[{}]"}),
    ("color_temp", "{{ color_temp | default('') }}", {"color_temp_template": "[{}]"}),
    ("color", "{{ red | default('') }}-{{ green | default('') }}-{{ blue | default('') }}",
     {"red_template": "[{}].split('-')[0]", "green_template": "[{}].split('-')[1]",
      "blue_template": "[{}].split('-')[2]"}),
    ("effect", "{{ effect | default('') }}", {"effect_template": "[{}]"}),
)  # fmt: skip


def mired(kelvin: float) -> int:
    return round(1e6 / kelvin)


def from_hs(hue: float, saturation: float) -> tuple[int, int, int]:
    """Hue 0..360 and saturation 0..100, at full value, as red, green, blue 0..255."""
    red, green, blue = colorsys.hsv_to_rgb(number(str(hue), 0, 360) / 360, number(str(saturation), 0, 100) / 100, 1)
    return round(red * 255), round(green * 255), round(blue * 255)


def to_hs(rgb: list[int]) -> tuple[float, float]:
    hue, saturation, _ = colorsys.rgb_to_hsv(*(part / 255 for part in rgb))
    return hue * 360, saturation * 100


def _rgb_of(color: dict[str, Any]) -> tuple[float, ...]:
    if {"h", "s"} <= color.keys():
        return from_hs(color["h"], color["s"])
    return color["r"], color["g"], color["b"]


def _parts(payload: str, count: int, separator: str = ",") -> list[float]:
    parts = payload.split(separator)[:count]  # Tasmota adds the brightness as a third part to hue and saturation
    if len(parts) != count:
        raise ValueError(f"{payload!r} has not {count} parts")
    return [float(part) for part in parts]
