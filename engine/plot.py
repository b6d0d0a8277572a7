"""A plot of a few lines as SVG, with nothing but text: for benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 200             # of each panel
_LEFT, _TOP, _BOTTOM, _RIGHT = 70, 28, 30, 16


def svg(title: str, x_label: str, x: Sequence[float], panels: Mapping[str, Sequence[float]]) -> str:
    """One panel below the other, each a line over the same x, its y beginning at 0.

    Raises: ValueError: nothing to draw, or a line that is not as long as x.
    """
    if len(x) < 2 or any(len(y) != len(x) for y in panels.values()):
        raise ValueError("each line has as many points as x, at least two")
    height = HEIGHT * len(panels) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="16" font-size="13">{escape(title)}</text>',
    ]
    for index, (label, y) in enumerate(panels.items()):
        parts += _panel(16 + index * HEIGHT, label, x_label, x, y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(top: int, label: str, x_label: str, x: Sequence[float], y: Sequence[float]) -> list[str]:
    most, first, last = max(*y, 1e-9) * 1.1, min(x), max(x)
    y0, y1 = top + HEIGHT - _BOTTOM, top + _TOP
    points = " ".join(
        f"{_LEFT + (a - first) / (last - first or 1) * (WIDTH - _LEFT - _RIGHT):.1f},{y0 - b / most * (y0 - y1):.1f}"
        for a, b in zip(x, y, strict=True)
    )
    return [
        f'<path d="M{_LEFT} {y1}V{y0}H{WIDTH - _RIGHT}" fill="none" stroke="#888"/>',
        f'<text x="{_LEFT}" y="{y1 - 6}">{escape(label)}</text>',
        f'<text x="{_LEFT - 6}" y="{y0}" text-anchor="end">0</text>',
        f'<text x="{_LEFT - 6}" y="{y1 + 8}" text-anchor="end">{most:.3g}</text>',
        f'<text x="{_LEFT}" y="{y0 + 14}">{first:g}</text>',
        f'<text x="{WIDTH - _RIGHT}" y="{y0 + 14}" text-anchor="end">{last:g} {escape(x_label)}</text>',
        f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="1.5"/>',
    ]
