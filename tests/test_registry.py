"""Skills come in by entry points: found, checked against the catalogue, given typed slots."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from ingle.skills import api
from ingle.skills.registry import GROUP, Registry, SkillError, SlotError, load_skills
from ingle.skills.schema import load_schema

DEVICES = EntryPoint("devices", "ingle.skills.devices", GROUP)

SKILL = '''
from dataclasses import dataclass
from ingle.skills.api import Done, skill

@skill
class {name}:
    """A stranger's skill."""
    intent = "{intent}"
    @dataclass(frozen=True)
    class Slots:
        {slots}
    async def handle(self, slots, turn):
        return Done(reply="Done.")
'''


@pytest.fixture(autouse=True)
def _no_strangers_stay() -> Iterator[None]:
    """What a stranger registered is gone after its test."""
    yield
    api._registered[:] = [cls for cls in api._registered if cls.__module__.startswith("ingle.")]


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a distribution of one skill, as pip would lay it out; returns its entry point."""

    def install(intent: str, slots: str = "pass", *, module: str = "stranger", name: str = "Theirs") -> EntryPoint:
        (tmp_path / f"{module}.py").write_text(SKILL.format(name=name, intent=intent, slots=slots))
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{module} = {module}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, module, raising=False)
        return next(point for point in entry_points(group=GROUP) if point.name == module)

    return install


def devices() -> Registry:
    return load_skills([DEVICES])


def test_the_device_skills_fit_the_catalogue() -> None:
    registry = devices()
    assert {"HassTurnOn", "HassLightSet", "SetMode", "DisarmAlarm", "HassBroadcast"} <= set(registry)
    assert set(registry) <= set(load_schema()["intents"])


def test_every_installed_skill_loads() -> None:
    assert "HassTurnOn" in load_skills()


def test_a_strangers_skill_comes_in_by_the_same_door(stranger) -> None:
    registry = load_skills([DEVICES, stranger("HassNevermind")])
    assert "HassNevermind" in registry
    assert "HassTurnOn" in registry


def test_a_clash_stops_the_start_and_names_both(stranger) -> None:
    point = stranger("HassNevermind", name="Theirs")
    other = stranger("HassNevermind", module="another", name="Ours")
    with pytest.raises(SkillError, match=r"HassNevermind.*another\.Ours.*stranger\.Theirs"):
        load_skills([point, other])


@pytest.mark.parametrize(
    ("intent", "slots", "message"),
    [
        ("HassNoSuchThing", "pass", "no intent HassNoSuchThing"),
        ("HassNevermind", "loudness: int = 0", "no slot loudness"),
        ("HassSetVolume", "name: str = ''", "lacks area, floor, volume_level"),
        ("HassSetVolume", "volume_level: str = ''\n        rest: dict = None", "volume_level .* is a number"),
        ("HassSetVolumeRelative", "volume_step: int = 0\n        rest: dict = None", "volume_step .* is a step"),
        ("HassListAddItem", "item: str = ''\n        name: str = ''", "item .* is repeated"),
    ],
)
def test_slots_that_do_not_fit_the_catalogue_stop_the_start(stranger, intent: str, slots: str, message: str) -> None:
    with pytest.raises(SkillError, match=message):
        load_skills([stranger(intent, slots)])


def test_a_module_that_does_not_load_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_skills.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SkillError, match=r"broken_skills cannot be loaded: division by zero"):
        load_skills([EntryPoint("broken", "broken_skills", GROUP)])


def test_a_module_without_skills_is_named() -> None:
    with pytest.raises(SkillError, match="json has no @skill class"):
        load_skills([EntryPoint("empty", "json", GROUP)])


def test_slots_are_typed() -> None:
    values = {"area": "kitchen", "brightness": 40, "except_name": ["desk lamp"], "color": None}
    slots = devices().slots("HassLightSet", values)
    assert (slots.area, slots.brightness, slots.except_name, slots.color) == ("kitchen", 40, ("desk lamp",), None)


def test_a_slot_that_is_a_word_of_python_has_an_underscore() -> None:
    slots = devices().slots("HassTurnOn", {"name": "fan", "for": "ten minutes", "if": "it's hot"})
    assert (slots.for_, slots.if_) == ("ten minutes", "it's hot")


def test_rest_takes_what_has_no_field(stranger) -> None:
    registry = load_skills([stranger("RunLater", "at: str = ''\n        rest: dict = None")])
    slots = registry.slots("RunLater", {"at": "nine", "area": "Kitchen", "brightness": 3})
    assert (slots.at, slots.rest) == ("nine", {"area": "Kitchen", "brightness": 3})


@pytest.mark.parametrize(
    ("intent", "values", "message"),
    [
        ("HassTurnOn", {"brightness": 40}, "no slot 'brightness'"),
        ("HassLightSet", {"brightness": "loud"}, "brightness is a number"),
        ("HassLightSet", {"brightness": True}, "brightness is a number"),
        ("HassLightSet", {"brightness_step": "sideways"}, "brightness_step is a step"),
        ("HassTurnOn", {"domain": "rocket"}, "domain is a enum"),
        ("HassTurnOn", {"name": 7}, "name is a span"),
    ],
)
def test_values_of_another_kind_are_refused(intent: str, values: dict[str, object], message: str) -> None:
    with pytest.raises(SlotError, match=message):
        devices().slots(intent, values)


@pytest.mark.parametrize("step", ["up", "down", 10, -2.5])
def test_a_step_is_a_direction_or_a_signed_number(step: object) -> None:
    assert devices().slots("HassLightSet", {"brightness_step": step}).brightness_step == step
