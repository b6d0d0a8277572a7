"""A large home costs what it must: memory by the entity, and no more names looked at than in a small one."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import islice

from ingle.app.entities_bench import Measured, _announced, compared, table
from ingle.skills.home import names
from ingle.skills.home.discovery import Discovery
from ingle.skills.home.model import Home
from ingle.skills.home.names import names_of

from .worlds import large_home

MAX_BYTES = 5_000       # an entity with its names


def _home(entities: int) -> tuple[Home, Discovery]:
    home = Home()
    discovery = Discovery(home, prefix="homeassistant")
    for topic, payload in islice(_announced(), 2 * entities):
        discovery.handle(topic, payload.encode(), retain=True)
    return home, discovery


def test_an_entity_takes_little_memory() -> None:
    names_of(_home(20)[0])                      # what is made once is made
    gc.collect()
    tracemalloc.start()
    home, discovery = _home(500)
    index = names_of(home)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(home.entities) == 500
    assert index.labels
    assert taken / 500 < MAX_BYTES, discovery


def test_no_more_names_are_looked_at_than_in_a_small_home() -> None:
    index = names_of(large_home(2_000))
    found = index.search(("room", "7", "left", "lamp"), lambda entity: True)
    assert found
    [looked_up] = index._lookups.values()
    assert len(looked_up.scores) <= names.SCORED_AT_MOST


def test_the_figures() -> None:
    few, many = Measured(40, [10.0] * 20, 100_000_000), Measured(2_040, [11.0] * 20, 109_000_000)
    figures = compared(few, many)
    assert figures["command.p95_growth_percent"] == 10.0
    assert figures["memory.bytes_per_entity"] == 4500
    assert "+10 %" in table(figures, 2_040, 20)[0]
