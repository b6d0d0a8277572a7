"""What the router and the governor go by: power, warmth, and the way to the cloud. Small sources, each read for itself.

A source is anything with `read()`; the real ones read the kernel, the network or the bus, and tests hand in a `Fixed` or a
simulated sensor tree (`root=`).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import psutil

log = logging.getLogger(__name__)

SYS: Final = Path("/sys")
MAINS: Final = frozenset({"Mains", "USB", "Wireless"})      # kinds of supply, as the kernel calls them
PLAUSIBLE_C: Final = (-40.0, 150.0)                         # what a thermal zone may say; others are broken or mean nothing
METERED_S: Final = 2.0                                      # for NetworkManager's answer
_METERED_YES: Final = frozenset({1, 3})                     # NMMetered: yes, guessed yes
_ON: Final = frozenset({"1", "on", "true", "yes", "online", "charging", "plugged", "mains"})
_OFF: Final = frozenset({"0", "off", "false", "no", "offline", "discharging", "unplugged", "battery"})

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """One signal."""

    def read(self) -> T_co: ...


class Fixed(Generic[T]):
    """A source that says what it was told last."""

    def __init__(self, value: T) -> None:
        self.value = value

    def read(self) -> T:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Power:
    """How this device is fed."""

    charging: bool                      # on mains power, whether or not a battery takes any
    percent: float | None = None        # of the battery; None: there is none


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whether the cloud's endpoint can be reached now, and how."""

    connected: bool
    round_trip_ms: float | None = None
    metered: bool = False
    problem: str = ""                   # why it cannot


# --- power


def machine_power(sys: Path = SYS) -> Source[Power]:
    """The machine's own: /sys/class/power_supply, or psutil where there is no such thing (not Linux)."""
    supplies = sys / "class" / "power_supply"
    return SysfsPower(supplies) if supplies.is_dir() else PsutilPower()


class SysfsPower:
    """As the Linux kernel tells (Documentation/ABI/testing/sysfs-class-power). A board without a battery is on mains."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self) -> Power:
        supplies = [_facts(folder) for folder in _folders(self._root)]
        batteries = [each for each in supplies if each.get("type") == "Battery" and each.get("scope") != "Device"
                     and each.get("present", "1") != "0"]  # fmt: skip
        if not batteries:
            return Power(charging=True)
        percents = [float(each["capacity"]) for each in batteries if each.get("capacity", "").isdigit()]
        plugged = any(each.get("type") in MAINS and each.get("online") not in (None, "0") for each in supplies)
        filling = any(each.get("status") in ("Charging", "Full") for each in batteries)
        percent = sum(percents) / len(percents) if percents else None
        return Power(charging=plugged or filling, percent=percent)


class PsutilPower:
    """As psutil tells: macOS, Windows, FreeBSD. Without a battery: on mains."""

    def read(self) -> Power:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        if battery is None:
            return Power(charging=True)
        return Power(charging=bool(battery.power_plugged), percent=float(battery.percent))


class Told(Generic[T]):
    """A source that somebody else may speak for: a topic on the bus (an UPS, the machine this is built into).

    Args: own: what holds until something was said. taken: the reading with what was said in it.
    """

    def __init__(self, own: Source[T], taken: Callable[[T, bool], T]) -> None:
        self.own, self._taken = own, taken
        self.said: bool | None = None

    def hear(self, payload: bytes) -> None:
        """A message on the topic; one that is neither yes nor no is logged, and the one before it holds."""
        word = payload.decode("utf-8", "replace").strip().strip('"').lower()
        if word in _ON | _OFF:
            self.said = word in _ON
        elif not word:
            self.said = None            # a cleared topic: nobody speaks for it any more
        else:
            log.warning("%r is neither on nor off", word[:40])

    def read(self) -> T:
        own = self.own.read()
        return own if self.said is None else self._taken(own, self.said)


# --- warmth


class SysfsThermal:
    """The warmest of the kernel's thermal zones in °C; None: there are none."""

    def __init__(self, sys: Path = SYS) -> None:
        self._root = sys / "class" / "thermal"

    def read(self) -> float | None:
        zones = (_text(folder / "temp") for folder in _folders(self._root) if folder.name.startswith("thermal_zone"))
        warm = [int(each) / 1000 for each in zones if each.removeprefix("-").isdigit()]
        return max((each for each in warm if PLAUSIBLE_C[0] < each < PLAUSIBLE_C[1]), default=None)


class SysfsDraw:
    """What the machine draws, in watts since the last reading: RAPL, or a discharging battery. None: nobody says."""

    def __init__(self, sys: Path = SYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._zones = sys / "class" / "powercap"
        self._supplies = sys / "class" / "power_supply"
        self._clock = clock
        self._before: tuple[float, int] | None = None

    def read(self) -> float | None:
        counters = [_text(folder / "energy_uj") for folder in _folders(self._zones) if folder.name.count(":") == 1]
        used = [int(each) for each in counters if each.isdigit()]
        if used:
            return self._since(sum(used))
        batteries = (_facts(folder) for folder in _folders(self._supplies))
        now = [int(each["power_now"]) / 1e6 for each in batteries
               if each.get("status") == "Discharging" and each.get("power_now", "").isdigit()]  # fmt: skip
        return sum(now) if now else None

    def _since(self, microjoules: int) -> float | None:
        now, before = self._clock(), self._before
        self._before = (now, microjoules)
        if before is None or now <= before[0] or microjoules < before[1]:       # the counter began anew
            return None
        return (microjoules - before[1]) / 1e6 / (now - before[0])


# --- the way to the cloud


class Way(Source[Reach], Protocol):
    """Whether an endpoint can be reached. `read` never waits: it says what is known."""

    async def refresh(self) -> None:
        """Find out anew where what is known is too old. Never raises."""

    def failed(self) -> None:
        """Somebody could not get through: what is known is too old."""


class NoLink:
    """There is nothing to reach."""

    def read(self) -> Reach:
        return Reach(connected=False, problem="no cloud is set up")

    async def refresh(self) -> None:
        pass

    def failed(self) -> None:
        pass


class Link:
    """Whether an endpoint can be reached: a TCP connection is made and dropped, not a byte sent; known for `lasts_s`."""

    def __init__(
        self, host: str, port: int, *, timeout_s: float = 2.0, lasts_s: float = 30.0,
        metered: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._timeout_s, self._lasts_s = timeout_s, lasts_s
        self._metered = metered or is_metered
        self._reach = Reach(connected=False, problem="not tried yet")
        self._tried_at = float("-inf")

    def read(self) -> Reach:
        return self._reach

    async def refresh(self) -> None:
        if time.monotonic() - self._tried_at > self._lasts_s:
            self._reach = await self._try()
            self._tried_at = time.monotonic()

    def failed(self) -> None:
        self._tried_at = float("-inf")

    async def _try(self) -> Reach:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(self._host, self._port)
        except TimeoutError:
            return Reach(connected=False, problem=f"no answer within {self._timeout_s:g} s")
        except OSError as error:
            return Reach(connected=False, problem=error.strerror or type(error).__name__)
        round_trip_ms = (time.monotonic() - began) * 1000
        writer.close()
        return Reach(connected=True, round_trip_ms=round(round_trip_ms, 1), metered=await self._metered())


async def is_metered() -> bool:
    """As NetworkManager has it; where it does not run: no."""
    busctl = shutil.which("busctl")
    if busctl is None:
        return False
    name, path = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
    process = await asyncio.create_subprocess_exec(
        busctl, "--system", "get-property", name, path, name, "Metered",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(METERED_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    word, _, number = out.decode("ascii", "replace").strip().partition(" ")
    return word == "u" and number.isdigit() and int(number) in _METERED_YES


# --- files of the kernel's


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except OSError:
        return []


def _facts(folder: Path) -> Mapping[str, str]:
    names = ("type", "scope", "present", "online", "status", "capacity", "power_now")
    return {name: text for name in names if (text := _text(folder / name))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
