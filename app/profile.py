"""Which profile this machine gets where the configuration says `auto`: by memory, cores and power, with the reason."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

Profile = Literal["low", "mid", "high"]

MIB: Final = 2**20
HIGH_MIB: Final = 900           # boards of "1 GB" keep some of it for graphics
MID_MIB: Final = 200            # and so do those of "256 MB"
HIGH_CORES: Final = 2
CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What of the machine is ours to use."""

    memory_mib: int
    cores: int
    battery_percent: float | None = None    # None: mains power
    limited: bool = False                   # the memory is a container's share, not the machine's

    @classmethod
    def here(cls, *, cgroup: Path = CGROUP) -> Self:
        import psutil

        total, limit = psutil.virtual_memory().total, _memory_limit(cgroup)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        return cls(
            memory_mib=int(min(total, limit)) // MIB, cores=cores, limited=limit < total,
            battery_percent=None if battery is None or battery.power_plugged else battery.percent,
        )  # fmt: skip

    def __str__(self) -> str:
        power = "mains power" if self.battery_percent is None else f"battery at {self.battery_percent:.0f}%"
        of = "a container's share of memory" if self.limited else "memory"
        return f"{self.memory_mib} MiB of {of}, {self.cores} core{'s' if self.cores != 1 else ''}, {power}"


@dataclass(frozen=True)
class Choice:
    profile: Profile
    why: str                    # what decided, as a clause


def choose(machine: Machine) -> Choice:
    """The largest profile that the machine carries."""
    if machine.memory_mib < MID_MIB:
        return Choice("low", f"below {MID_MIB} MiB there is room for commands only")
    if machine.memory_mib < HIGH_MIB:
        return Choice("mid", f"below {HIGH_MIB} MiB there is no room for the larger model and speech")
    if machine.cores < HIGH_CORES:
        return Choice("mid", "one core is too slow for the larger model and speech")
    if machine.battery_percent is not None:
        return Choice("mid", "on battery the larger model would empty it")
    return Choice("high", "there is room and power for the larger model and speech")


def profile_for(configured: Literal["auto", "low", "mid", "high"]) -> Profile:
    """As configured; `auto`: what this machine carries."""
    return choose(Machine.here()).profile if configured == "auto" else configured


def _memory_limit(cgroup: Path) -> float:
    """Bytes that the innermost control group allows; infinity: none does."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return int((cgroup / name).read_text(encoding="ascii"))
        except (OSError, ValueError):       # not there, or "max"
            continue
    return float("inf")
