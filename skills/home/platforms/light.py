"""Lights in Home Assistant's three schemas: default (a topic a property), json, template.

A call is first turned into what this light can show (`Want`): a colour into one of its colour modes, a percentage into
0..255; then each schema writes its messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import colors
from ..model import Publish
from ..payload import BadPayload, Unsupported, as_number, compact_json, json_object
from .base import NONE, OnOff, reported_number

DEFAULT_MIN_KELVIN = 2_000
DEFAULT_MAX_KELVIN = 6_535

_COLOR = ("rgb", "rgbw", "rgbww", "hs", "xy")
_COLOR_MODES = frozenset({*_COLOR, "color_temp", "white", "brightness", "onoff"})


@dataclass(frozen=True)
class Want:
    """What a light shall show, in its own terms."""

    brightness: int | None = None           # 1..255
    mode: str | None = None                 # one of its colour modes, with the values of that mode:
    color: tuple[float, ...] = ()           # channels 0..255; or hue 0..360, saturation 0..100; or x, y
    kelvin: int | None = None
    white: int | None = None                # 0..255
    effect: str | None = None
    transition: float | None = None         # seconds
    flash: str | None = None


class Light(OnOff):
    """What the three schemas share."""

    component = "light"

    __slots__ = ("last_color", "last_kelvin", "modes")

    def set_up(self) -> None:
        self.modes = self.color_modes()
        self.last_color: tuple[float, ...] | None = None    # as reported: what tells which of two was changed
        self.last_kelvin: float | None = None
        self.describe_modes()
        self.feature("turn_on", "turn_off")
        if self.has_effect():
            self.feature("effect")
            self.option("effect_list", self.config.texts("effect_list"))
        self.follow_all()

    # what each schema says

    def color_modes(self) -> frozenset[str]:
        raise NotImplementedError

    def has_brightness(self) -> bool:
        return bool(self.modes - {"onoff"})

    def has_effect(self) -> bool:
        raise NotImplementedError

    def follow_all(self) -> None:
        raise NotImplementedError

    def turn_on(self, want: Want) -> list[Publish]:
        raise NotImplementedError

    # what it can

    def describe_modes(self) -> None:
        self.option("supported_color_modes", sorted(self.modes or {"onoff"}))
        if self.has_brightness():
            self.feature("brightness")
        if self.modes & set(_COLOR):
            self.feature("color")
        if "white" in self.modes:
            self.feature("white")
        if self.modes & {"color_temp", "rgbww"}:
            self.feature("color_temp")
            low, high = self.kelvin_range()
            self.option("min_color_temp_kelvin", low)
            self.option("max_color_temp_kelvin", high)

    def kelvin_range(self) -> tuple[int, int]:
        low = self.config.number("min_kelvin", 0) or _kelvin(self.config.number("max_mireds", 0)) or DEFAULT_MIN_KELVIN
        high = self.config.number("max_kelvin", 0) or _kelvin(self.config.number("min_mireds", 0)) or DEFAULT_MAX_KELVIN
        return int(min(low, high)), int(max(low, high))

    # services

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        brightness = _brightness(data)
        if brightness == 0:
            return self.do_turn_off(data)
        return self.turn_on(self.wanted(data, brightness))

    def wanted(self, data: Mapping[str, Any], brightness: int | None) -> Want:
        """Raises: Unsupported."""
        if brightness is not None and "brightness" not in self.entity.features:
            raise Unsupported(f"{self.entity.name} cannot be dimmed")
        effect = data.get("effect")
        if effect is not None and "effect" not in self.entity.features:
            raise Unsupported(f"{self.entity.name} has no effects")
        want = Want(brightness=brightness, effect=effect, transition=data.get("transition"), flash=data.get("flash"))
        kelvin = data.get("color_temp_kelvin")
        if kelvin is not None:
            return self.want_kelvin(want, int(kelvin))
        if data.get("white") is not None:
            if "white" not in self.modes:
                raise Unsupported(f"{self.entity.name} has no white channel")
            return replace(want, mode="white", white=round(float(data["white"])))
        rgb = _rgb(data)
        return want if rgb is None else self.want_color(want, data, rgb)

    def want_kelvin(self, want: Want, kelvin: int) -> Want:
        """A temperature, or the nearest colour where the light has only colours."""
        if "color_temp" in self.modes:
            return replace(want, mode="color_temp", kelvin=kelvin)
        if not self.modes & set(_COLOR):
            raise Unsupported(f"{self.entity.name} has no colour temperature")
        return self.want_color(want, {}, colors.kelvin_to_rgb(kelvin))

    def want_color(self, want: Want, data: Mapping[str, Any], rgb: colors.Rgb) -> Want:
        for mode in _preferred(data):
            if mode in self.modes:
                return replace(want, mode=mode, color=self.in_mode(mode, data, rgb))
        raise Unsupported(f"{self.entity.name} has no colours")

    def in_mode(self, mode: str, data: Mapping[str, Any], rgb: colors.Rgb) -> tuple[float, ...]:
        if mode == "rgb":
            return rgb
        if mode == "rgbw":
            return colors.rgb_to_rgbw(*rgb)
        if mode == "rgbww":
            return colors.rgb_to_rgbww(*rgb, *self.kelvin_range())
        if mode == "hs":
            return tuple(data["hs_color"]) if data.get("hs_color") else colors.rgb_to_hs(*rgb)
        return tuple(data["xy_color"]) if data.get("xy_color") else colors.rgb_to_xy(*rgb)

    def scaled(self, channels: Sequence[float], want: Want) -> tuple[int, ...]:
        """Channels dimmed by the brightness, for a light that has no other way to be dimmed."""
        level = want.brightness or self.entity.attributes.get("brightness") or 255
        return tuple(int(channel * level / 255) for channel in channels)

    # reports

    def as_kelvin(self, value: float) -> float:
        """A reported temperature, mired unless the config says kelvin. Raises: BadPayload."""
        if value <= 0:
            raise BadPayload(f"a colour temperature of {value}")
        return value if self.config.flag("color_temp_kelvin") else colors.mired_to_kelvin(value)

    def show_brightness(self, value: float, scale: float) -> None:
        self.set("brightness", min(255, round(value / scale * 255)))

    def show_color(self, mode: str, values: Sequence[float], *, beside: bool = False) -> None:
        """A colour reported in one way is kept in all, as Home Assistant does.

        `beside`: the message tells a temperature too, and not which of the two the lamp shows: the one that changed.
        """
        unchanged, self.last_color = self.last_color == tuple(values), tuple(values)
        if beside and unchanged and self.entity.attributes.get("color_mode") == "color_temp":
            return
        rgb, hs, xy = _all_ways(mode, values)
        self.set("color_mode", mode)
        self.set("rgb_color", list(rgb))
        self.set("hs_color", list(hs))
        self.set("xy_color", list(xy))
        self.set("color_temp_kelvin", None)

    def show_kelvin(self, kelvin: float, *, beside: bool = False) -> None:
        unchanged, self.last_kelvin = self.last_kelvin == kelvin, kelvin
        if beside and unchanged and self.entity.attributes.get("color_mode") in _COLOR:
            return
        self.set("color_mode", "color_temp")
        self.set("color_temp_kelvin", round(kelvin))
        for name in ("rgb_color", "hs_color", "xy_color"):
            self.set(name, None)


class JsonLight(Light):
    """One JSON message for everything."""

    __slots__ = ()

    def color_modes(self) -> frozenset[str]:
        self.require("command_topic")
        listed = {mode for mode in self.config.texts("supported_color_modes") if mode in _COLOR_MODES}
        older = {mode for mode in (*_COLOR, "color_temp") if not listed and self.legacy(mode)}
        return frozenset(listed or older)

    def legacy(self, key: str) -> bool:
        """Before `supported_color_modes` each mode had a boolean of its own."""
        value = self.config.get(key)
        return value is True or (isinstance(value, str) and value.lower() == "true")

    def has_brightness(self) -> bool:
        return self.config.flag("brightness") or super().has_brightness()

    def has_effect(self) -> bool:
        return self.config.flag("effect") or self.config.has("effect_list")

    def follow_all(self) -> None:
        self.follow("state_topic", None, self.heard_json)

    def turn_on(self, want: Want) -> list[Publish]:
        message: dict[str, Any] = {"state": "ON"}
        if want.mode in _COLOR:
            message["color"] = self.color_object(want)
        if want.flash is not None:
            message["flash"] = self.config.number(f"flash_time_{want.flash}", 10 if want.flash == "long" else 2)
        if want.transition is not None:
            message["transition"] = want.transition
        if want.brightness is not None:
            message["brightness"] = self.device_brightness(want.brightness)
        if want.kelvin is not None:
            message["color_temp"] = self.device_temperature(want.kelvin)
        if want.effect is not None:
            message["effect"] = want.effect
        if want.white is not None:
            message["white"] = round(want.white / 255 * self.config.number("white_scale", 255))
        return [self.send("command_topic", compact_json(message))]

    def color_object(self, want: Want) -> dict[str, float]:
        if want.mode in ("hs", "xy"):
            return dict(zip(want.mode.replace("hs", "hs"), want.color, strict=False))
        channels = want.color if self.has_brightness() else self.scaled(want.color, want)
        names = {"rgb": "rgb", "rgbw": "rgbw", "rgbww": "rgbcw"}[want.mode or "rgb"]
        return dict(zip(names, channels, strict=False))

    def device_brightness(self, brightness: int) -> int:
        return max(1, round(brightness / 255 * self.config.number("brightness_scale", 255)))

    def device_temperature(self, kelvin: int) -> int:
        return kelvin if self.config.flag("color_temp_kelvin") else colors.kelvin_to_mired(kelvin)

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        message: dict[str, Any] = {"state": "OFF"}
        if data.get("transition") is not None:
            message["transition"] = data["transition"]
        return [self.send("command_topic", compact_json(message))]

    def heard_json(self, text: str) -> bool:
        report = json_object(text)
        if report is None:
            raise BadPayload(f"not a JSON object: {text[:60]!r}")
        if "state" in report:
            state = report["state"]
            self.entity.state = {"ON": "on", "OFF": "off"}.get(str(state).upper(), None if state is None else self.entity.state)
        brightness = report.get("brightness")
        if brightness and self.has_brightness():
            self.show_brightness(as_number("brightness", brightness), self.config.number("brightness_scale", 255))
        self.heard_color(report)
        effect = report.get("effect")
        if isinstance(effect, str) and "effect" in self.entity.features:
            self.set("effect", effect)
        return True

    def heard_color(self, report: Mapping[str, Any]) -> None:
        mode, color, temperature = report.get("color_mode"), report.get("color"), report.get("color_temp")
        beside = mode is None and bool(temperature) and isinstance(color, dict)
        if isinstance(color, dict) and mode != "color_temp" and self.modes & set(_COLOR):
            values = _from_object(color)
            if values is not None:
                self.show_color(*values, beside=beside)
        elif isinstance(mode, str) and mode in self.modes:
            self.set("color_mode", mode)
        if temperature and mode in (None, "color_temp"):
            self.show_kelvin(self.as_kelvin(as_number("color_temp", temperature)), beside=beside)


class DefaultLight(Light):
    """A command topic, a state topic and templates for each property."""

    __slots__ = ()

    def color_modes(self) -> frozenset[str]:
        self.require("command_topic")
        modes = {mode for mode in (*_COLOR, "color_temp", "white") if self.config.has(f"{mode}_command_topic")}
        if not modes and self.config.has("brightness_command_topic"):
            modes = {"brightness"}
        return frozenset(modes)

    def has_brightness(self) -> bool:
        """Colour channels alone can be dimmed too, by scaling them."""
        return self.config.has("brightness_command_topic") or bool(self.modes & {"rgb", "rgbw", "rgbww", "white"})

    def has_effect(self) -> bool:
        return self.config.has("effect_command_topic")

    def follow_all(self) -> None:
        self.follow("state_topic", "state_value_template" if self.config.has("state_value_template") else "value_template",
                    self.heard_on_off)
        self.follow("brightness_state_topic", "brightness_value_template", self.heard_brightness)
        self.follow("color_temp_state_topic", "color_temp_value_template", self.heard_temperature)
        self.follow("effect_state_topic", "effect_value_template", self.text_attribute("effect"))
        self.follow("color_mode_state_topic", "color_mode_value_template", self.text_attribute("color_mode"))
        for mode in _COLOR:
            self.follow(f"{mode}_state_topic", f"{mode}_value_template", self.heard_channels(mode))

    def turn_on(self, want: Want) -> list[Publish]:
        kind = self.config.word("on_command_type", "last")
        if kind == "brightness" and want.brightness is None and want.white is None:
            want = replace(want, brightness=self.entity.attributes.get("brightness") or 255)
        on = self.send("command_topic", self.config.word("payload_on", "ON"))
        sent = [on] if kind == "first" else []
        sent += self.color_messages(want) + self.level_messages(want)
        return [*sent, on] if kind == "last" or not sent else sent

    def color_messages(self, want: Want) -> list[Publish]:
        mode = want.mode
        if mode in ("rgb", "rgbw", "rgbww"):
            return [self.channels(mode, want.color if self.has_level_topic() else self.scaled(want.color, want))]
        if mode in ("hs", "xy"):
            return [self.pair(mode, want.color)]
        return []

    def level_messages(self, want: Want) -> list[Publish]:
        sent = []
        if want.brightness is not None and self.has_level_topic():
            scale = self.config.number("brightness_scale", 255)
            level = max(1, round(want.brightness / 255 * scale))
            sent.append(self.send("brightness_command_topic", level, "brightness_command_template"))
        elif want.brightness is not None and want.mode not in ("rgb", "rgbw", "rgbww", "white"):
            sent.append(self.dimmed_channels(want))
        if want.kelvin is not None:
            value = want.kelvin if self.config.flag("color_temp_kelvin") else colors.kelvin_to_mired(want.kelvin)
            sent.append(self.send("color_temp_command_topic", value, "color_temp_command_template"))
        if want.effect is not None:
            sent.append(self.send("effect_command_topic", want.effect, "effect_command_template"))
        if want.white is not None:
            scale = self.config.number("white_scale", 255)
            sent.append(self.send("white_command_topic", min(round(want.white / 255 * scale), int(scale))))
        return sent

    def has_level_topic(self) -> bool:
        return self.config.has("brightness_command_topic")

    def dimmed_channels(self, want: Want) -> Publish:
        """The colour it shows now, scaled: the only way to dim a light that has channels and no brightness topic."""
        rgb = self.entity.attributes.get("rgb_color") or (255, 255, 255)
        for mode, color in (("rgb", tuple(rgb)), ("rgbw", (*rgb, 0)), ("rgbww", (*rgb, 0, 0))):
            if mode in self.modes:
                return self.channels(mode, self.scaled(color, want))
        scale = self.config.number("white_scale", 255)
        return self.send("white_command_topic", min(round((want.brightness or 255) / 255 * scale), int(scale)))

    def channels(self, mode: str, values: Sequence[float]) -> Publish:
        names = ("red", "green", "blue", *{"rgbw": ("white",), "rgbww": ("cold_white", "warm_white")}.get(mode, ()))
        return self.send(f"{mode}_command_topic", ",".join(str(value) for value in values), f"{mode}_command_template",
                         **dict(zip(names, values, strict=True)))

    def pair(self, mode: str, values: Sequence[float]) -> Publish:
        names = {"hs": ("hue", "sat"), "xy": ("x", "y")}[mode]
        return self.send(f"{mode}_command_topic", ",".join(str(value) for value in values), f"{mode}_command_template",
                         **dict(zip(names, values, strict=True)))

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_off", "OFF"))]

    def heard_brightness(self, text: str) -> bool:
        if text in ("", NONE):
            return False
        value = reported_number(text)
        if value > 0:  # zero says "off" in a second way; what it was set to stays
            self.show_brightness(value, self.config.number("brightness_scale", 255))
        return True

    def heard_temperature(self, text: str) -> bool:
        if text in ("", NONE):
            return False
        topics = {self.config.topic(f"{mode}_state_topic") for mode in _COLOR}
        beside = self.config.topic("color_temp_state_topic") in topics
        self.show_kelvin(self.as_kelvin(reported_number(text)), beside=beside)
        return True

    def heard_channels(self, mode: str) -> Callable[[str], bool]:
        def heard(text: str) -> bool:
            if text in ("", NONE):
                return False
            values = [reported_number(part) for part in text.split(",")]
            if len(values) != {"rgb": 3, "rgbw": 4, "rgbww": 5}.get(mode, 2):
                raise BadPayload(f"{mode}: {text[:40]!r}")
            if mode.startswith("rgb") and not self.has_level_topic() and max(values):
                self.show_brightness(max(values), 255)
            beside = self.config.topic(f"{mode}_state_topic") == self.config.topic("color_temp_state_topic")
            self.show_color(mode, values, beside=beside)
            return True

        return heard


class TemplateLight(Light):
    """One command topic; templates write and read everything."""

    __slots__ = ()

    def color_modes(self) -> frozenset[str]:
        for key in ("command_topic", "command_on_template", "command_off_template"):
            self.require(key)
        modes = set()
        if all(self.config.has(f"{channel}_template") for channel in ("red", "green", "blue")):
            modes.add("rgb")
        if self.config.has("color_temp_template"):
            modes.add("color_temp")
        if not modes and self.config.has("brightness_template"):
            modes.add("brightness")
        return frozenset(modes)

    def has_brightness(self) -> bool:
        return self.config.has("brightness_template")

    def has_effect(self) -> bool:
        return self.config.has("effect_list") or self.config.has("effect_template")

    def follow_all(self) -> None:
        self.follow("state_topic", None, self.heard_all)

    def turn_on(self, want: Want) -> list[Publish]:
        variables: dict[str, Any] = {"state": "on"}
        if want.brightness is not None:
            variables["brightness"] = want.brightness
        if want.kelvin is not None:
            variables["color_temp"] = (
                want.kelvin if self.config.flag("color_temp_kelvin") else colors.kelvin_to_mired(want.kelvin)
            )
        if want.mode == "rgb":
            channels = want.color if self.has_brightness() else self.scaled(want.color, want)
            variables.update(zip(("red", "green", "blue"), channels, strict=True))
            variables["hue"], variables["sat"] = colors.rgb_to_hs(*want.color[:3])
        if want.effect is not None:
            variables["effect"] = want.effect
        if want.transition is not None:
            variables["transition"] = want.transition
        if want.flash is not None:
            variables["flash"] = want.flash
        return [self.send("command_topic", None, "command_on_template", **variables)]

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        variables = {"transition": data["transition"]} if data.get("transition") is not None else {}
        return [self.send("command_topic", None, "command_off_template", state="off", **variables)]

    def heard_all(self, text: str) -> bool:
        state = self.read("state", text)
        if state is not None:
            self.entity.state = {"on": "on", "off": "off", NONE: None}.get(state, self.entity.state)
        brightness = self.read("brightness", text)
        if brightness not in (None, "", NONE):
            level = reported_number(str(brightness))
            if level > 0:
                self.show_brightness(level, 255)
        self.heard_color(text)
        effect = self.read("effect", text)
        if effect:
            self.set("effect", effect)
        return True

    def heard_color(self, text: str) -> None:
        channels = [self.read(name, text) for name in ("red", "green", "blue")]
        temperature = self.read("color_temp", text)
        has_color = "rgb" in self.modes and all(channel not in (None, "", NONE) for channel in channels)
        has_temperature = "color_temp" in self.modes and temperature not in (None, "", NONE)
        beside = has_color and has_temperature
        if has_color:
            self.show_color("rgb", [reported_number(str(channel)) for channel in channels], beside=beside)
        if has_temperature:
            self.show_kelvin(self.as_kelvin(reported_number(str(temperature))), beside=beside)

    def read(self, name: str, text: str) -> str | None:
        template = self.config.template(f"{name}_template")
        return template.render(text) if template is not None else (text if name == "state" else None)


SCHEMAS = {"json": JsonLight, "template": TemplateLight, "basic": DefaultLight, "default": DefaultLight}


def _kelvin(mireds: float) -> int:
    return colors.mired_to_kelvin(mireds) if mireds > 0 else 0


def _brightness(data: Mapping[str, Any]) -> int | None:
    if data.get("brightness") is not None:
        return max(0, min(255, round(float(data["brightness"]))))
    if data.get("brightness_pct") is not None:
        return max(0, min(255, round(float(data["brightness_pct"]) * 255 / 100)))
    return None


def _rgb(data: Mapping[str, Any]) -> colors.Rgb | None:
    """The colour a call asks for, however it says it. Raises: Unsupported."""
    if data.get("color_name") is not None:
        rgb = colors.named_rgb(str(data["color_name"]))
        if rgb is None:
            raise Unsupported(f"there is no colour {data['color_name']}")
        return rgb
    if data.get("rgb_color") is not None:
        red, green, blue = (int(channel) for channel in data["rgb_color"])
        return red, green, blue
    if data.get("hs_color") is not None:
        return colors.hs_to_rgb(*data["hs_color"])
    if data.get("xy_color") is not None:
        return colors.xy_to_rgb(*data["xy_color"])
    return None


def _preferred(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Colour modes, best first, for the way the colour was said: Home Assistant's own order."""
    if data.get("hs_color") is not None:
        return "hs", "rgb", "rgbw", "rgbww", "xy"
    if data.get("xy_color") is not None:
        return "xy", "hs", "rgb", "rgbw", "rgbww"
    return "rgb", "rgbw", "rgbww", "hs", "xy"


def _from_object(color: Mapping[str, Any]) -> tuple[str, list[float]] | None:
    for mode, names in (("rgbww", "rgbcw"), ("rgbw", "rgbw"), ("rgb", "rgb"), ("xy", "xy"), ("hs", "hs")):
        if all(name in color for name in names):
            return mode, [as_number(name, color[name]) for name in names]
    if "hue" in color and "saturation" in color:
        return "hs", [as_number("hue", color["hue"]), as_number("saturation", color["saturation"])]
    return None


def _all_ways(mode: str, values: Sequence[float]) -> tuple[colors.Rgb, colors.Pair, colors.Pair]:
    if mode == "hs":
        hs = (values[0], values[1])
        return colors.hs_to_rgb(*hs), hs, colors.hs_to_xy(*hs)
    if mode == "xy":
        xy = (values[0], values[1])
        rgb = colors.xy_to_rgb(*xy)
        return rgb, colors.rgb_to_hs(*rgb), xy
    red, green, blue = (max(0, min(255, round(value))) for value in values[:3])
    rgb = (red, green, blue)
    if mode == "rgbw":
        rgb = colors.rgbw_to_rgb(*rgb, max(0, min(255, round(values[3]))))
    return rgb, colors.rgb_to_hs(*rgb), colors.rgb_to_xy(*rgb)
