"""The scenarios: that they all come out as written, with the model that ships; and that the judge lets nothing pass.

One scenario by hand: `ingle scenario tests/scenarios/HassTurnOff/name.yaml`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingle.app.config import Config
from ingle.app.daemon import Daemon, open_model
from ingle.app.events import CommandRecord, IntentRecord, TurnRecord
from ingle.app.scenario import OpenIngle, ScenarioError, find, load, report, run, run_files
from ingle.app.scenario.form import Expect
from ingle.app.scenario.judge import Seen, judge
from ingle.app.simulator import Command
from ingle.app.typed import build
from ingle.engine.interpreter import Intent, Interpretation, Interpreter

FOLDER = Path(__file__).parent / "scenarios"
SCENARIOS = find([FOLDER])
WISHES_IN_REACH = {6, 7, 8, 9, 10, 11, 13, 14, 18, 19, 20, 21, 25, 26}


@pytest.fixture(scope="session")
def model() -> Interpreter:
    return open_model(Config())


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
async def test_scenario(path: Path, model: Interpreter) -> None:
    result = await run(load(path), lambda config: Daemon.open(config, understands=model))
    assert result.passed, "\n" + "\n".join(map(report.failure, result.failures))


def test_there_are_enough_of_them() -> None:
    scenarios = [load(path) for path in SCENARIOS]
    assert sum(scenario.asks for scenario in scenarios) >= 150
    assert {scenario.wish for scenario in scenarios} >= WISHES_IN_REACH
    assert all(path.name.startswith(f"{load(path).wish:02}_") for path in (FOLDER / "wishes").glob("*.yaml"))


# the judge


def seen(
    *commands: tuple[str, str], reply: str = "Done.", intents: tuple[IntentRecord, ...] = (), **more: Any
) -> Seen:
    sent = tuple(CommandRecord(topic=topic, payload=payload) for topic, payload in commands)
    record = TurnRecord(id="t", text="", route="local", commands=sent, reply=reply, intents=intents)
    return Seen(record=record, commands=[Command(topic, payload) for topic, payload in commands], **more)


def expect(**what: Any) -> Expect:
    return build(Expect, what)


SWITCHED = seen(("home/pump/set", "ON"), reply="Turned on the pump.")
JSON_LIGHT = seen(("z/desk/set", '{"state":"ON","brightness":102}'))
TURNED_ON = IntentRecord(intent="HassTurnOn", slots={"name": "Pump", "area": "Cellar"}, entities=("switch.pump",))


@pytest.mark.parametrize(
    ("wanted", "came", "complaint"),
    [
        ({"commands": [{"topic": "home/pump/set", "payload": "ON"}]}, SWITCHED, None),
        ({}, SWITCHED, "+ home/pump/set  ON"),
        ({"commands": [{"topic": "home/pump/set", "payload": "OFF"}]}, SWITCHED, "- home/pump/set  OFF"),
        ({"commands": [{"topic": "home/pump/set", "payload": "on"}]}, SWITCHED, "- home/pump/set  on"),
        ({"commands": [{"topic": "home/pump/set", "payload": "ON"}] * 2}, SWITCHED, "- home/pump/set  ON"),
        ({"commands": [{"topic": "z/desk/set", "payload": {"brightness": 102.0, "state": "ON"}}]}, JSON_LIGHT, None),
        ({"commands": [{"topic": "z/desk/set", "payload": {"state": "ON"}}]}, JSON_LIGHT, "- z/desk/set"),
        ({"reply": "done."}, seen(), "reply"),
        ({"reply": {"contains": "DONE", "lacks": "sorry"}}, seen(), None),
        ({"reply": {"lacks": "done"}}, seen(), "'done' is in"),
        ({"reply": {"one_of": ["OK.", "Done."]}}, seen(), None),
        ({"reply": {"matches": "Don"}}, seen(), "does not match"),
        ({"route": "cloud"}, seen(), "expected cloud, came local"),
        ({"sources": ["a.md"]}, seen(), "- a.md"),
        ({"intents": [{"intent": "HassTurnOn"}]}, seen(intents=(TURNED_ON,)), None),
        ({"intents": []}, seen(intents=(TURNED_ON,)), "+ HassTurnOn"),
        (
            {"intents": [{"intent": "HassTurnOn", "slots": {"area": "cellar", "name": "pump"}}]},
            seen(intents=(TURNED_ON,)),
            None,
        ),
        ({"intents": [{"intent": "HassTurnOn", "slots": {"name": "pump"}}]}, seen(intents=(TURNED_ON,)), "- HassTurnOn"),
        ({"intents": [{"intent": "HassTurnOn", "entities": []}]}, seen(intents=(TURNED_ON,)), "- HassTurnOn"),
        ({"states": {"light.x": {"state": "on"}}}, seen(states={"light.x": {"state": "off"}}), "expected state 'on'"),
        ({}, seen(refused=["lock.x: wrong code"]), "refused a command"),
        ({"refused": True}, seen(), "should have refused"),
    ],
)
def test_the_judge(wanted: Mapping[str, Any], came: Seen, complaint: str | None) -> None:
    problems = judge(expect(**wanted), came)
    if complaint is None:
        assert problems == []
    else:
        assert complaint in "\n".join(problems)


def test_a_record_that_tells_other_commands_than_the_bus_is_found_out() -> None:
    honest = seen(("a/set", "ON"))
    silent = Seen(record=seen().record, commands=honest.commands)
    wanted = expect(commands=[{"topic": "a/set", "payload": "ON"}])
    assert judge(wanted, honest) == []
    assert "the bus carried" in judge(wanted, silent)[0]


# the runner, with a model that has a script


class Scripted:
    """Understands what it was told to: sentence -> intent and slots."""

    def __init__(self, script: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        self._script = script

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        intent, slots = self._script[text]
        return Interpretation(intents=(Intent(intent, slots, 0.99),), confidence=0.99)


SCRIPT = {"pump on": ("HassTurnOn", {"name": "pump"}), "pump off": ("HassTurnOff", {"name": "pump"})}
HOME: dict[str, Any] = {"home": {"areas": [{"name": "Cellar"}]}, "entities": [{"entity": "switch.pump", "area": "Cellar"}]}
ON, OFF = ({"topic": "home/pump/set", "payload": payload} for payload in ("ON", "OFF"))


def scripted() -> OpenIngle:
    def open_ingle(config: Config) -> AbstractAsyncContextManager[Daemon]:
        return Daemon.open(config, understands=Scripted(SCRIPT))

    return open_ingle


def written(folder: Path, *turns: dict[str, Any], **more: Any) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump({"home": HOME, "turns": list(turns), **more}), encoding="utf-8")
    return path


async def test_a_conversation_with_a_restart_of_everything(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"ask": "pump on", "expect": {"commands": [ON], "states": {"switch.pump": {"state": "on"}}}},
        {"publish": {"topic": "elsewhere/set", "payload": "ON"}},
        {"restart": "broker"},
        {"ask": "pump off", "expect": {"commands": [OFF]}},
        {"restart": "ingle"},
        {"expect_entities": {"present": ["switch.pump"], "absent": ["switch.ghost"]}},
        {"world": {"remove": "switch.pump"}},
        {"expect_entities": {"absent": ["switch.pump"]}},
    )
    result = await run(load(path), scripted())
    assert result.failures == []
    assert result.turns == 2


async def test_what_goes_wrong_is_told_turn_by_turn(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"ask": "pump on", "expect": {"commands": []}},
        {"ask": "pump off", "expect": {"commands": [OFF], "reply": "Nothing happened."}},
        {"expect_entities": {"present": ["switch.ghost"]}},
        {"world": {"set": {"switch.ghost": {"state": "on"}}}},
    )
    lines: list[str] = []
    assert await run_files([path], scripted(), as_json=True, write=lines.append) == 1
    told = json.loads("\n".join(lines))
    assert (told["turns"], told["failed"]) == (2, 4)
    assert [failure["turn"] for failure in told["failures"]] == [0, 1, 2, 3]


async def test_independent_turns_find_the_home_as_its_file_has_it_each_time(tmp_path: Path) -> None:
    then = {"commands": [ON], "reply": {"lacks": "already"}, "states": {"switch.pump": {"state": "on"}}}
    on = {"ask": "pump on", "expect": then}
    assert (await run(load(written(tmp_path, on, on, independent=True)), scripted())).failures == []
    assert [failure.place for failure in (await run(load(written(tmp_path, on, on)), scripted())).failures] == [1]


async def test_a_device_that_should_have_been_left_alone_is_counted(tmp_path: Path) -> None:
    home = {**HOME, "entities": [*HOME["entities"], {"entity": "switch.heater", "area": "Cellar"}]}
    heater = {"topic": "home/heater/set", "payload": "ON"}
    path = written(
        tmp_path,
        {"ask": "pump on", "expect": {"commands": [heater]}},       # another device
        {"ask": "pump off", "expect": {"commands": [ON]}},          # the right one, told the wrong thing
        {"ask": "pump off", "expect": {"commands": []}},            # nothing should have been
        {"ask": "pump on", "expect": {"commands": [ON]}},
        home=home,
    )
    lines: list[str] = []
    await run_files([path], scripted(), as_json=True, write=lines.append)
    told = json.loads("\n".join(lines))
    assert (told["turns"], told["failed"], told["wrong_device_turns"]) == (4, 3, 2)
    assert [failure["wrong_devices"] for failure in told["failures"]] == [["switch.pump"], [], ["switch.pump"]]
    lines.clear()
    await run_files([path], scripted(), write=lines.append)
    assert "3 failed in 1 of them (25.0 % right), a wrong device acted on in 2 (50.0 %)" in lines[-1]


async def test_a_broker_that_is_not_ours_is_left_as_it_was(tmp_path: Path) -> None:
    from ingle.app.broker import EmbeddedBroker
    from ingle.app.bus import Bus

    path = written(tmp_path, {"ask": "pump on", "expect": {"commands": [ON]}})
    async with EmbeddedBroker(0) as broker:
        result = await run(load(path), scripted(), broker_url=str(broker.address))
        assert result.failures == []
        async with Bus(broker.address) as bus:
            await bus.subscribe("#")
            await bus.publish("end", "")
            first = await anext(aiter(bus.messages))
            assert first.topic == "end"


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        ({"aks": "pump on"}, "did you mean `ask`"),
        ({"ask": "pump on", "expect": {"reply": {"matches": "("}}}, "not a regular expression"),
        ({"ask": "pump on", "expect": {"comands": []}}, "did you mean `commands`"),
        ({"restart": "router"}, "one of broker, ingle"),
    ],
)
def test_a_faulty_scenario_is_refused_with_its_place(turn: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=says) as caught:
        load(written(tmp_path, turn))
    assert "turns[0]" in str(caught.value)


def test_a_home_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"homes/nowhere\.yaml"):
        load(written(tmp_path, home="nowhere"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        find([tmp_path / "none"])
