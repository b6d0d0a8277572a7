"""Limits: compute as a bucket with a reserve, warmth and battery with hysteresis, turns at once, and a short soak."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.governor import MIGRATIONS, Budget, Governor, Limit, Limits
from ingle.app.power import Fixed, Power
from ingle.skills.storage import open_database

from .soak_governor import LIMIT_C, soak
from .turns import Clock


class Bench:
    """A governor whose clock and sensors are in hand."""

    def __init__(self, **limits: float) -> None:
        self.now = 0.0
        self.power: Fixed[Power] = Fixed(Power(charging=True, percent=50))
        self.temperature: Fixed[float | None] = Fixed(40.0)
        settings = Limits(**limits)  # type: ignore[arg-type]
        self.governor = Governor(settings, power=self.power, temperature=self.temperature, clock=lambda: self.now)

    def door(self) -> Limit | None:
        with self.governor.turn() as limit:
            return limit

    def later(self, seconds: float) -> None:
        self.now += seconds


def test_commands_keep_a_reserve_of_the_compute() -> None:
    bench = Bench(compute_s_per_minute=10, reserve=0.3)
    bench.governor.charge(6.9)
    assert bench.governor.beyond_commands() is None
    bench.governor.charge(0.2)
    limit = bench.governor.beyond_commands()
    assert limit is not None
    assert (limit.name, limit.told) == ("compute", "I've a lot to do. Ask me again in 1 second.")
    assert bench.door() is None
    bench.governor.charge(3.0)
    assert bench.door() is not None
    bench.later(1.0)
    assert bench.door() is None             # a sixth of a second came back, of a debt of a tenth


def test_the_wait_that_is_told_is_long_enough() -> None:
    bench = Bench(compute_s_per_minute=10, reserve=0.3)
    bench.governor.charge(12.0)
    limit = bench.governor.beyond_commands()
    assert limit is not None
    bench.later(float(limit.told.split()[-2]))
    assert bench.governor.compute_left_s >= 3.0


def test_warmth_lasts_until_it_is_clearly_cooler() -> None:
    bench = Bench(temperature_c=80)
    readings = [(79.9, False), (80.0, True), (76.0, True), (75.1, True), (74.9, False), (79.0, False), (81.0, True)]
    for celsius, warm in readings:
        bench.temperature.value = celsius
        bench.later(10)
        assert bench.governor.is_warm is warm, celsius
        limit = bench.governor.beyond_commands()
        assert (limit is not None and limit.name == "temperature") is warm
        assert bench.door() is None
    bench.temperature.value = None          # the sensor is gone
    bench.later(10)
    assert not bench.governor.is_warm


def test_a_low_battery_lasts_until_it_is_clearly_fuller() -> None:
    bench = Bench(battery_percent=10)
    for charging, percent, low in [(False, 11, False), (False, 10, True), (False, 14, True), (False, 16, False), (False, 5, True),
                                   (True, 5, False)]:  # fmt: skip
        bench.power.value = Power(charging=charging, percent=percent)
        bench.later(10)
        assert bench.governor.is_low is low
        assert (bench.governor.beyond_commands() is not None) is low


def test_less_comes_back_while_it_is_warm() -> None:
    bench = Bench(compute_s_per_minute=60, temperature_c=80)
    bench.governor.charge(50)
    bench.temperature.value = 90.0
    bench.later(10)
    bench.governor.charge(0)
    before = bench.governor.compute_left_s
    bench.later(4)
    assert bench.governor.compute_left_s - before == pytest.approx(1.0)


def test_so_many_turns_at_once_and_no_more() -> None:
    bench = Bench(turns=3)
    with ExitStack() as stack:
        assert [stack.enter_context(bench.governor.turn()) for _ in range(3)] == [None] * 3
        limit = bench.door()
        assert limit is not None
        assert limit.name == "turns"
    assert bench.door() is None


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 5))))
def test_no_minute_computes_more_than_twice_the_limit(turns: list[tuple[float, float]]) -> None:
    """A full bucket and what comes back in a minute, and the one turn that was begun with little left."""
    bench, spent = Bench(compute_s_per_minute=10), []
    for pause, cost in turns:
        bench.later(pause)
        if bench.door() is None:
            bench.governor.charge(cost)
            spent.append((bench.now, cost))
    for start, _ in spent:
        assert sum(cost for at, cost in spent if start <= at < start + 60) <= 2 * 10 + 5 + 1e-6


def test_a_day_s_spending_is_on_disk(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "outside.db"
    budget = Budget(open_database(path, MIGRATIONS), requests=2, money=1.0, clock=clock)
    budget.add(requests=1, money=0.9)
    again = Budget(open_database(path, MIGRATIONS), requests=2, money=1.0, clock=clock)
    assert not again.allows(0.2)
    assert again.allows(0.1)
    again.add(requests=1)
    assert not again.allows()
    clock.tick(days=1)
    assert again.allows(0.2)


def test_twice_the_load_for_some_minutes(tmp_path: Path) -> None:
    """A short `python -m tests.soak_governor`."""
    result = soak(12, tmp_path)
    assert max(result.temperature_c) < LIMIT_C
    assert result.worst_wait_s < 30
    assert result.commands > 100
    assert result.commands_refused == 0
    assert 0.3 < result.questions_refused / result.questions < 0.8
