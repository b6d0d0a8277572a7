"""`ingle skill`: a package to begin with passes its own tests and is found; the docs come from the code."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ingle.app import cli
from ingle.app.commands.skill import markdown, write_skill
from ingle.skills import api
from ingle.skills.home.model import Home
from ingle.skills.isolation import Isolated
from ingle.skills.registry import GROUP, SkillError, load_skills
from ingle.skills.schema import load_schema
from ingle.skills.sentences import OwnSentences
from ingle.skills.testing import turn

from .scripted import skills


@pytest.fixture(autouse=True)
def _no_strangers_stay() -> Iterator[None]:
    yield
    api._registered[:] = [cls for cls in api._registered if cls.__module__.startswith("ingle.")]


def test_a_new_skill_passes_its_own_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["skill", "new", "good-night", "--folder", str(tmp_path / "skill")]) == 0
    assert "5 files" in capsys.readouterr().out
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path / "skill",
                          capture_output=True, text=True, timeout=120, check=False)
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_a_new_skill_is_found_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_skill("star-gazing", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    registry = load_skills([*skills(), EntryPoint("star-gazing", "ingle_skill_star_gazing", GROUP)])
    heard = OwnSentences(registry.sentences).hear("star gazing twice", Home())
    assert heard is not None
    assert (heard.intent, heard.slots) == ("StarGazing", {"times": 2})
    assert isinstance(registry.skill("StarGazing"), Isolated)
    assert (registry.timeout_s("StarGazing"), registry.timeout_s("HassTurnOn")) == (10.0, 30.0)
    told = "\n".join(markdown(registry))
    assert "### StarGazing" in told
    assert "`[do] star gazing [in [the] {area}] [{times}|{count:times} times]`" in told


@pytest.mark.parametrize("name", ["Good Night", "2nd", "a_b", "-x", "x-"])
def test_a_name_that_is_none_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["skill", "new", "--", name]) == 1
    assert "is no name of a skill" in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert cli.main(["skill", "new", "x", "--folder", str(tmp_path)]) == 1
    assert "is not empty" in capsys.readouterr().err


def test_every_intent_is_documented() -> None:
    registry = load_skills(skills())
    told = "\n".join(markdown(registry))
    assert all(f"### {intent}\n" in told for intent in registry)
    assert set(registry) <= set(load_schema()["intents"])


def _stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> EntryPoint:
    (tmp_path / "odd_skill.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "odd_skill", raising=False)
    return EntryPoint("odd", "odd_skill", GROUP)


@pytest.mark.parametrize("text", ["import no_such_module", "raise SystemExit(1)", "x = 1", "def broken("])
def test_a_faulty_stranger_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    point, faults = _stranger(tmp_path, monkeypatch, text), list[SkillError]()
    registry = load_skills([*skills(), point], on_fault=faults.append)
    assert "HassTurnOn" in registry
    assert len(faults) == 1
    assert "odd_skill" in str(faults[0])


OWN = '''
from dataclasses import dataclass
from ingle.skills.api import Done, skill

@skill
class Odd:
    """Odd."""
    intent = "Odd"
    sentences = {{"language": "en", "intents": {{"Odd": {{"data": [{{"sentences": ["odd {{1..9:n}}"]}}]}}}}}}
    @dataclass(frozen=True)
    class Slots:
        {slots}
    async def handle(self, slots, turn):
        return Done(reply=f"{{slots.n}}")
'''


def test_sentences_may_stand_in_the_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_skills([_stranger(tmp_path, monkeypatch, OWN.format(slots="n: int = 0"))])
    heard = OwnSentences(registry.sentences).hear("odd seven", Home())
    assert heard is not None
    assert asyncio.run(registry.handle("Odd", heard.slots, turn(Home()))).reply == "7"


def test_sentences_that_fill_no_slot_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SkillError, match=r"odd_skill\.Odd: Slots of Odd lacks n, which its sentences fill"):
        load_skills([_stranger(tmp_path, monkeypatch, OWN.format(slots="pass"))])
