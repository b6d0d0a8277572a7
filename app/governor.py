"""Operational limits: what one device may be asked to do at once, in a minute, when it is warm, and in a day outside.

    governor = Governor(limits, power=source, temperature=source)
    with governor.turn() as limit:                  # None, or the limit that was met: told, not worked on
        ...
        governor.charge(seconds)                    # compute that was spent
        if limit := governor.beyond_commands(): ... # what is no device command leaves a reserve for those that are

Decides and counts; what is said at a limit is spoken and recorded by the caller.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..skills.storage import transaction
from .power import Power, Source

READ_EVERY_S: Final = 2.0           # a sensor is a file of the kernel's: not for every turn
COOLER_BY_C: Final = 5.0            # hysteresis: as much cooler than the limit, and it is over
FULLER_BY: Final = 5.0              # of the battery, in percent
WARM_REFILL: Final = 0.25           # of the compute that comes back in a minute, while it is warm


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Part of the configuration: `limits`."""

    turns: int = 100                        # at once
    tokens: int = 600                       # of one answer that a model here writes (`ingle serve`)
    compute_s_per_minute: float = 30.0      # that turns may take of a minute
    reserve: float = 0.3                    # of that, which only device commands may use
    temperature_c: float = 80.0             # from here on only device commands, until it is 5 degrees cooler
    battery_percent: float = 10.0           # from here down the same, until it is charged or has 5 more


@dataclass(frozen=True)
class Limit:
    """A limit that was met."""

    name: str                               # turns, compute, temperature, battery
    told: str                               # to the person
    detail: str                             # for the record


class Governor:
    """Counts what turns take. Times are of `clock`, in seconds, which never goes back."""

    def __init__(
        self, limits: Limits, *, power: Source[Power], temperature: Source[float | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._power, self._temperature, self._clock = power, temperature, clock
        self._bucket = limits.compute_s_per_minute
        self._filled_at = clock()
        self._turns = 0
        self._warm = self._low = False
        self._read_at = -math.inf
        self._reading: tuple[Power, float | None] = (Power(charging=True), None)

    @property
    def compute_left_s(self) -> float:
        """What may be computed at once now; below 0 when the last turn took more than there was."""
        self._refill()
        return self._bucket

    @property
    def reading(self) -> tuple[Power, float | None]:
        """Power and degrees Celsius as last read; None: there is no sensor."""
        self._sense()
        return self._reading

    @property
    def is_warm(self) -> bool:
        self._sense()
        return self._warm

    @property
    def is_low(self) -> bool:
        """Whether the battery is nearly empty."""
        self._sense()
        return self._low

    @contextmanager
    def turn(self) -> Iterator[Limit | None]:
        """Be counted while a turn is worked on. Yields: the limit that forbids even a device command; None: go on."""
        limit = self._at_the_door()
        self._turns += 1
        try:
            yield limit
        finally:
            self._turns -= 1

    def charge(self, seconds: float) -> None:
        """Compute was spent."""
        self._refill()
        self._bucket -= seconds

    def beyond_commands(self) -> Limit | None:
        """The limit that forbids what is no device command; None: there is enough for it."""
        self._sense()
        power, temperature = self._reading
        if self._warm:
            detail = f"{temperature:.0f} °C, the limit is {self.limits.temperature_c:g}" if temperature is not None else "warm"
            return Limit("temperature", "I'm too warm for that just now. Device commands still work.", detail)
        if self._low:
            percent = power.percent or 0.0
            return Limit("battery", "My battery is too low for that. Device commands still work.", f"battery at {percent:.0f} %")
        return self._compute(self.limits.reserve * self.limits.compute_s_per_minute)

    def _at_the_door(self) -> Limit | None:
        if self._turns >= self.limits.turns:
            return Limit("turns", "Too much is being asked at once.", f"{self._turns} turns at once")
        return self._compute(0.0)

    def _compute(self, kept_s: float) -> Limit | None:
        """A limit where no more than `kept_s` is left."""
        left = self.compute_left_s
        if left > kept_s:
            return None
        wait_s = max(1, math.ceil((kept_s - left) / self._refill_rate()))
        told = f"I've a lot to do. Ask me again in {wait_s} second{'s' * (wait_s > 1)}."
        return Limit("compute", told, f"{left:.1f} s of compute left of {self.limits.compute_s_per_minute:g}")

    def _refill(self) -> None:
        now = self._clock()
        self._sense()
        most = self.limits.compute_s_per_minute
        self._bucket = min(most, self._bucket + (now - self._filled_at) * self._refill_rate())
        self._filled_at = now

    def _refill_rate(self) -> float:
        """Seconds of compute a second."""
        return self.limits.compute_s_per_minute / 60 * (WARM_REFILL if self._warm else 1.0)

    def _sense(self) -> None:
        """Read the sensors now and then; warm and low last until it is clearly otherwise."""
        now = self._clock()
        if now - self._read_at < READ_EVERY_S:
            return
        self._read_at = now
        power, temperature = self._reading = (self._power.read(), self._temperature.read())
        limit_c = self.limits.temperature_c - (COOLER_BY_C if self._warm else 0.0)
        self._warm = temperature is not None and temperature >= limit_c
        enough = self.limits.battery_percent + (FULLER_BY if self._low else 0.0)
        self._low = not power.charging and power.percent is not None and power.percent <= enough


# --- the day's allowance outside

MIGRATIONS: Final = (
    """CREATE TABLE spent (day TEXT PRIMARY KEY, requests INTEGER NOT NULL, money REAL NOT NULL) STRICT""",
    # What was put off until the policy lets it out.
    """CREATE TABLE waiting (
        id INTEGER PRIMARY KEY, text TEXT NOT NULL, need TEXT NOT NULL, area TEXT, speaker TEXT, via TEXT NOT NULL,
        session TEXT, asked_at REAL NOT NULL
    ) STRICT""",
)


@dataclass(frozen=True)
class Spent:
    """In one day."""

    requests: int
    money: float


class Budget:
    """Requests and money of the household's day, on disk: what was reserved counts, even if we were killed right after."""

    def __init__(
        self, database: sqlite3.Connection, *, requests: int, money: float, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._clock = database, clock
        self.requests, self.money = requests, money

    def spent(self) -> Spent:
        row = self._database.execute("SELECT requests, money FROM spent WHERE day = ?", (self._day(),)).fetchone()
        return Spent(row["requests"], row["money"]) if row is not None else Spent(0, 0.0)

    def allows(self, money: float = 0.0) -> bool:
        """Whether one more request, which may cost so much, is within the day's allowance."""
        spent = self.spent()
        return spent.requests < self.requests and (money <= 0 or spent.money + money <= self.money)

    def add(self, *, requests: int = 0, money: float = 0.0) -> None:
        """Count a request, or correct what one costs (money may be negative)."""
        with transaction(self._database):
            self._database.execute(
                "INSERT INTO spent (day, requests, money) VALUES (?, ?, ?) ON CONFLICT (day) DO UPDATE SET"
                " requests = requests + excluded.requests, money = max(0, money + excluded.money)",
                (self._day(), requests, money))

    def _day(self) -> str:
        return self._clock().date().isoformat()
