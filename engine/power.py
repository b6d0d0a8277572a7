"""Energy, where the kernel tells: Intel's RAPL counters of whole processors, or a battery's discharge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

POWERCAP: Final = Path("/sys/class/powercap")
POWER_SUPPLY: Final = Path("/sys/class/power_supply")


@dataclass(frozen=True)
class Meter:
    """A way to read joules used so far. `source` is `rapl` or `battery`."""

    source: str
    counters: tuple[Path, ...]          # RAPL: microjoules, which start anew at `wraps`; battery: microwatts now
    wraps: tuple[int, ...] = ()

    @classmethod
    def find(cls, powercap: Path = POWERCAP, power_supply: Path = POWER_SUPPLY) -> Self | None:
        """The machine's meter, None where it has none or does not let us read it (RAPL often wants root)."""
        packages = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        readable = [zone for zone in packages if _number(zone / "energy_uj") is not None]
        if readable:
            wraps = tuple(_number(zone / "max_energy_range_uj") or 0 for zone in readable)
            return cls("rapl", tuple(zone / "energy_uj" for zone in readable), wraps)
        batteries = [path for path in sorted(power_supply.glob("*/power_now")) if _number(path)]
        discharging = [path for path in batteries if _text(path.with_name("status")) == "Discharging"]
        return cls("battery", tuple(discharging)) if discharging else None

    def joules(self, work: Callable[[], object]) -> float:
        """What the machine used while `work` ran, whatever else ran beside."""
        began, before = time.monotonic(), self._read()
        work()
        after, taken_s = self._read(), time.monotonic() - began
        if self.source == "battery":
            return taken_s * (sum(before) + sum(after)) / 2 / 1e6
        used = [b - a if b >= a else b - a + wrap for a, b, wrap in zip(before, after, self.wraps, strict=True)]
        return sum(used) / 1e6

    def _read(self) -> list[int]:
        return [_number(path) or 0 for path in self.counters]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None
