"""The header: whether Ingle is there, where, and how fast it was."""

from __future__ import annotations

import time
from typing import Final

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from ...events import TurnRecord
from ..client import Link, Readings
from ..safe_text import fit
from .exchange import QUIET

SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPIN_S: Final = 0.2
WORDS: Final = {"connecting": "connecting", "starting": "starting", "online": "online", "away": "not running",
                "lost": "connection lost", "failed": "stopped"}
COLORS: Final = {"connecting": "warning", "starting": "warning", "online": "success", "away": "error", "lost": "error",
                 "failed": "error"}


class StatusBar(Static):
    """One line: name and connection on the left; model, memory and latency on the right, as far as there is room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = Link(state="connecting")
        self._since = time.monotonic()
        self._readings = Readings()
        self._latency = ""
        self._spinning: Timer | None = None

    def on_mount(self) -> None:
        self._spinning = self.set_interval(SPIN_S, self.refresh)

    def take_link(self, link: Link) -> None:
        if link.state != self._link.state:
            self._since = time.monotonic()
        self._link = link
        if self._spinning is not None:
            (self._spinning.resume if self._waits else self._spinning.pause)()
        self.refresh()

    def take_readings(self, readings: Readings) -> None:
        self._readings = readings
        self.refresh()

    def take_record(self, record: TurnRecord) -> None:
        """How long the last turn took: to the first command on the bus, and in all."""
        total, act = record.timing_ms.get("total"), record.timing_ms.get("act")
        if total is not None:
            self._latency = f"last turn {total:.0f} ms" + (f" (acted after {act:.0f})" if act is not None else "")
            self.refresh()

    @property
    def _waits(self) -> bool:
        return self._link.state in ("connecting", "starting", "lost")

    def render(self) -> Content:
        left, room = self._left(), self.size.width
        for parts in (self._facts(), self._facts()[-1:], []):
            right = Content.styled("  ·  ".join(parts), QUIET)
            if left.cell_length + right.cell_length + 2 <= room:
                break
        return Content.assemble(left, " " * max(1, room - left.cell_length - right.cell_length), right)

    def _left(self) -> Content:
        color, waited_s = f"$text-{COLORS[self._link.state]}", time.monotonic() - self._since
        mark = SPINNER[int(waited_s / SPIN_S) % len(SPINNER)] if self._waits else "●"
        words = WORDS[self._link.state]
        detail = fit(self._link.detail, at_most=max(0, self.size.width - len(words) - 16))
        seconds = f"  {waited_s:.0f} s" if self._waits else ""
        return Content.assemble(("Ingle", "bold"), "  ", (f"{mark} {words}", color), (f"  {detail}{seconds}", QUIET))

    def _facts(self) -> list[str]:
        memory = self._readings.memory_mb
        facts = [fit(self._readings.model, at_most=24), f"{memory:.0f} MB" if memory else "", self._latency]
        return [fact for fact in facts if fact]
