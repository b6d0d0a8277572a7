"""Colours between the ways devices speak of them: RGB, hue/saturation, CIE xy, kelvin and mired; CSS colour names.

RGB is 0..255; hue 0..360 and saturation 0..100; xy in the CIE 1931 diagram; temperatures in kelvin unless named mired.
The xy matrices are the wide-gamut ones the lamp makers publish; kelvin to RGB is Tanner Helland's approximation.
"""

from __future__ import annotations

import colorsys
import math

Rgb = tuple[int, int, int]
Pair = tuple[float, float]

_CSS = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b
darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1
darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff
firebrick b22222 floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700
goldenrod daa520 gray 808080 green 008000 greenyellow adff2f grey 808080 homeassistant 18bcf2 honeydew f0fff0 hotpink ff69b4
indianred cd5c5c indigo 4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00
lemonchiffon fffacd lightblue add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3
lightgreen 90ee90 lightgrey d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa
lightslategray 778899 lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32
linen faf0e6 magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3
mediumpurple 9370db mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc
mediumvioletred c71585 midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead
navy 000080 navyblue 000080 oldlace fdf5e6 olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6
palegoldenrod eee8aa palegreen 98fb98 paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9
peru cd853f pink ffc0cb plum dda0dd powderblue b0e0e6 purple 800080 red ff0000 rosybrown bc8f8f royalblue 4169e1
saddlebrown 8b4513 salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0
skyblue 87ceeb slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4
tan d2b48c teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff
whitesmoke f5f5f5 yellow ffff00 yellowgreen 9acd32
"""

_words = _CSS.split()
CSS_COLORS: dict[str, Rgb] = {
    name: (int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16))
    for name, code in zip(_words[::2], _words[1::2], strict=True)
}


def named_rgb(name: str) -> Rgb | None:
    """The RGB of a CSS colour name, spaces and case aside ("Light Blue"); None when it is not one."""
    return CSS_COLORS.get(name.lower().replace(" ", "").replace("-", ""))


def hs_to_rgb(hue: float, saturation: float) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(hue / 360, saturation / 100, 1)
    return round(red * 255), round(green * 255), round(blue * 255)


def rgb_to_hs(red: float, green: float, blue: float) -> Pair:
    hue, saturation, _ = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    return round(hue * 360, 3), round(saturation * 100, 3)


def rgb_to_xy(red: float, green: float, blue: float) -> Pair:
    if red + green + blue == 0:
        return 0.0, 0.0
    r, g, b = (_linear(channel / 255) for channel in (red, green, blue))
    x = r * 0.664511 + g * 0.154324 + b * 0.162028
    y = r * 0.283881 + g * 0.668433 + b * 0.047685
    z = r * 0.000088 + g * 0.072310 + b * 0.986039
    total = x + y + z
    return round(x / total, 3), round(y / total, 3)


def xy_to_rgb(x: float, y: float) -> Rgb:
    """At full brightness."""
    y = y or 1e-11
    big_x, big_z = x / y, (1 - x - y) / y
    channels = [
        max(0.0, _companded(value))
        for value in (
            big_x * 1.656492 - 0.354851 - big_z * 0.255038,
            -big_x * 0.707196 + 1.655397 + big_z * 0.036152,
            big_x * 0.051713 - 0.121364 + big_z * 1.011530,
        )
    ]
    top = max(*channels, 1.0) if max(channels) > 1 else (max(channels) or 1.0)
    red, green, blue = (int(channel / top * 255) for channel in channels)
    return red, green, blue


def hs_to_xy(hue: float, saturation: float) -> Pair:
    return rgb_to_xy(*hs_to_rgb(hue, saturation))



def kelvin_to_mired(kelvin: float) -> int:
    return math.floor(1_000_000 / kelvin)


def mired_to_kelvin(mired: float) -> int:
    return math.floor(1_000_000 / mired)


def kelvin_to_rgb(kelvin: float) -> Rgb:
    """The colour of a black body; usable from 1000 to 40000 kelvin, clamped beyond."""
    hundreds = min(40_000.0, max(1_000.0, kelvin)) / 100
    red = 255.0 if hundreds <= 66 else 329.698727446 * (hundreds - 60) ** -0.1332047592
    if hundreds <= 66:
        green = 99.4708025861 * math.log(hundreds) - 161.1195681661
    else:
        green = 288.1221695283 * (hundreds - 60) ** -0.0755148492
    blue = 0.0 if hundreds <= 19 else 138.5177312231 * math.log(hundreds - 10) - 305.0447927307  # beyond 66: over 255
    return _byte(red), _byte(green), _byte(blue)


def rgb_to_rgbw(red: int, green: int, blue: int) -> tuple[int, int, int, int]:
    white = min(red, green, blue)
    return _rescaled((red, green, blue), (red - white, green - white, blue - white, white))  # type: ignore[return-value]


def rgb_to_rgbww(red: int, green: int, blue: int, min_kelvin: int, max_kelvin: int) -> tuple[int, int, int, int, int]:
    """The part of the colour that is the lamp's middle white goes to its two white channels."""
    middle = 2_000_000 / (1_000_000 / min_kelvin + 1_000_000 / max_kelvin)
    whites = kelvin_to_rgb(middle)
    level = min((channel / white if white else 1.0) for channel, white in zip((red, green, blue), whites, strict=True))
    rest = [channel - white * level for channel, white in zip((red, green, blue), whites, strict=True)]
    return _rescaled((red, green, blue), (*rest, level * 255, level * 255))  # type: ignore[return-value]


def rgbw_to_rgb(red: int, green: int, blue: int, white: int) -> Rgb:
    return _rescaled((red, green, blue, white), (red + white, green + white, blue + white))  # type: ignore[return-value]


def _rescaled(before: tuple[float, ...], after: tuple[float, ...]) -> tuple[int, ...]:
    """`after` scaled so that its largest channel is that of `before`."""
    top = max(after)
    factor = max(before) / top if top else 0.0
    return tuple(round(channel * factor) for channel in after)


def _linear(channel: float) -> float:
    return ((channel + 0.055) / 1.055) ** 2.4 if channel > 0.04045 else channel / 12.92


def _companded(channel: float) -> float:
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _byte(value: float) -> int:
    return round(min(255.0, max(0.0, value)))
