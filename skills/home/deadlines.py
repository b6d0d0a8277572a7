"""What devices announce about time: `off_delay` (a motion sensor falls back to off), `expire_after` (a reading grows old)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .payload import BadPayload

TIMED: Final = ("off_delay", "expire_after")
LONGEST_S: Final = 366 * 86_400


def delays_of(component: str, raw: Mapping[str, Any]) -> dict[str, float]:
    """Seconds by key, of a discovery payload with long keys. Raises: BadPayload."""
    keys = {"binary_sensor": TIMED, "sensor": ("expire_after",)}.get(component, ())
    return {key: _seconds(key, raw[key]) for key in keys if raw.get(key)}


def _seconds(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadPayload(f"{key}: not a number of seconds")
    try:
        seconds = float(value)
    except ValueError:
        raise BadPayload(f"{key}: not a number of seconds") from None
    if not 0 < seconds <= LONGEST_S:    # also false for NaN
        raise BadPayload(f"{key}: {value} is no number of seconds")
    return seconds


class Deadlines:
    """When what is due, by entity id and key. The clock is handed in: seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}

    def set(self, entity_id: str, key: str, seconds: float) -> None:
        self._due[entity_id, key] = self._clock() + seconds

    def drop(self, entity_id: str, *keys: str) -> None:
        for key in keys or TIMED:
            self._due.pop((entity_id, key), None)

    def past(self) -> list[tuple[str, str]]:
        """Those that are due now; each is told once."""
        now = self._clock()
        past = [each for each, due in self._due.items() if due <= now]
        for each in past:
            del self._due[each]
        return past
