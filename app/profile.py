"""What kind of machine this is: how much of Ingle runs on it."""

from __future__ import annotations

from typing import Final, Literal

Profile = Literal["low", "mid", "high"]

MIB: Final = 2**20
HIGH_MB: Final = 1024               # of memory
HIGH_CORES: Final = 2
MID_MB: Final = 200


def profile_for(configured: Literal["auto", "low", "mid", "high"]) -> Profile:
    """As configured; `auto`: by the memory and the processors that are here."""
    if configured != "auto":
        return configured
    import psutil

    return profile_of(psutil.virtual_memory().total / MIB, psutil.cpu_count() or 1)


def profile_of(memory_mb: float, cores: int) -> Profile:
    """Of a machine."""
    if memory_mb >= HIGH_MB and cores >= HIGH_CORES:
        return "high"
    return "mid" if memory_mb >= MID_MB else "low"
