"""The end-to-end evaluation itself: enough of it, each file in order, and every command one that a device there obeys.

How well the model does is not tested but measured: `ingle scenario tests/e2e`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ingle.app.scenario import Ask, find, load
from ingle.app.scenario.judge import differences
from ingle.app.simulator import Simulator

FOLDER = Path(__file__).parent / "e2e"
FILES = find([FOLDER])


async def unheard(topic: str, payload: str, retain: bool) -> None:
    pass


def test_there_are_homes_and_sentences_enough() -> None:
    scenarios = [load(path) for path in FILES]
    assert len({scenario.home.name for scenario in scenarios}) >= 12
    assert sum(scenario.asks for scenario in scenarios) >= 500
    said = [step.ask.casefold() for scenario in scenarios for step in scenario.turns if isinstance(step, Ask)]
    assert len(set(said)) > 0.97 * len(said)
    sizes = sorted(len(scenario.home.entities) for scenario in scenarios)
    assert sizes[0] <= 3
    assert sizes[-1] >= 150


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_turn_says_what_must_come_of_it(path: Path) -> None:
    scenario = load(path)
    assert scenario.independent
    rooms = {area["name"] for area in scenario.home.areas}
    for step in scenario.turns:
        assert isinstance(step, Ask)
        assert step.area is None or step.area in rooms, step.ask
        assert not (step.expect.states and not step.expect.commands), step.ask


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_every_expected_command_is_obeyed_and_leads_to_the_expected_states(path: Path) -> None:
    scenario = load(path)
    home = Simulator(scenario.home, unheard, time_scale=0.0)
    await home.start()
    for step in scenario.turns:
        assert isinstance(step, Ask)
        await home.restore()
        for command in step.expect.commands:
            assert home.listens(command.topic) is not None, (step.ask, command.topic)
            await home.handle(command.topic, written(command.payload))
        for _ in range(30):         # covers take their way, in no time
            await asyncio.sleep(0)
        assert home.refused == [], step.ask
        states: dict[str, dict[str, Any]] = {
            entity_id: {"state": device.state, **device.attributes} for entity_id, device in home.devices.items()}
        assert differences(step.expect.states, states) == [], step.ask
    await home.close()


def written(payload: Any) -> str:
    return payload if isinstance(payload, str) else json.dumps(payload)
