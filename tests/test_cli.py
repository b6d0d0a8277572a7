"""The command line as its users meet it: real processes, one-line errors, exit statuses."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.app import daemon
from ingle.app.cli import COMMANDS, main
from ingle.app.commands.interpret import delayed_command

from .scripted import Scripted

ROOT = Path(__file__).parent.parent
# `ingle` with the scripted model: everything else is as installed.
LAUNCHER = """
import sys
from ingle.app import cli, custom, daemon
from ingle.skills.registry import load_skills
from tests.scripted import Scripted, skills
custom.load_skills = lambda **options: load_skills(skills(), **options)
daemon.open_model = lambda config: Scripted({
    "kettle on": ("HassTurnOn", {"name": "kettle"}), "hello": ("Chat", {}),
    "lights off": ("HassTurnOff", {"area": "kitchen", "domain": "light"}),
})
sys.exit(cli.main(sys.argv[1:]))
"""
HOME = """
home: {areas: [{name: Kitchen}]}
entities:
  - {entity: switch.kettle, name: Kettle, area: Kitchen, state: "off"}
  - {entity: light.ceiling, name: Ceiling, area: Kitchen, state: "on"}
"""


def ingle(*arguments: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LAUNCHER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=ROOT)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("mqtt: {url: 'embedded:0'}\nconfirm_s: 1\n")
    (tmp_path / "home.yaml").write_text(HOME)
    return tmp_path


@pytest.fixture
def running(files: Path) -> Iterator[Path]:
    """`ingle run` with an embedded broker on a free port and a simulated home."""
    arguments = ["run", "--config", str(files / "config.yaml"), "--simulate", str(files / "home.yaml")]
    process = subprocess.Popen([sys.executable, "-c", LAUNCHER, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Ingle is ready: 2 entities, broker mqtt://127.0.0.1:")
    yield files / "config.yaml"
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def test_say_and_devices_find_the_running_ingle(running: Path) -> None:
    done = ingle("say", "kettle", "on", "--config", str(running))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert "kettle" in done.stdout.lower()
    record = json.loads(ingle("say", "lights off", "--json", "--area", "Kitchen", "--config", str(running)).stdout)
    assert (record["area"], record["route"]) == ("Kitchen", "local")
    assert record["intents"][0]["entities"] == ["light.ceiling"]
    listed = json.loads(ingle("devices", "--json", "--config", str(running)).stdout)
    assert {one["entity_id"]: one["state"] for one in listed} == {"switch.kettle": "on", "light.ceiling": "off"}
    assert "Kettle" in ingle("devices", "--config", str(running)).stdout
    overheard = ingle("say", "something else", "--config", str(running))
    assert (overheard.returncode, overheard.stdout) == (0, "")
    assert "not said to us" in overheard.stderr
    findings = {one["what"]: one for one in json.loads(ingle("doctor", "--json", "--config", str(running)).stdout)}
    assert findings["Ingle"]["detail"] == "online"


def test_a_second_home_can_be_simulated_beside_it(running: Path, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("entities: [{entity: fan.loft, name: Loft Fan}]")
    command = [sys.executable, "-c", LAUNCHER, "simulate", str(tmp_path / "more.yaml"), "--config", str(running)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("more.yaml is simulated on mqtt://127.0.0.1:")
    assert "fan.loft" in ingle("devices", "--config", str(running)).stdout
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_a_second_daemon_says_where_the_first_is(running: Path, tmp_path: Path, data_dir: Path) -> None:
    port = json.loads((data_dir / "run.json").read_text())["url"].rpartition(":")[2]
    (tmp_path / "second.yaml").write_text(f"mqtt: {{url: 'embedded:{port}'}}")
    done = ingle("run", "--config", str(tmp_path / "second.yaml"))
    assert done.returncode == 1
    assert done.stderr.startswith("ingle: an MQTT broker runs at 127.0.0.1:")


def test_interpret_prints_what_is_meant(files: Path) -> None:
    (files / "asks.jsonl").write_text('{"text": "lights off", "context": {"area": "Hall"}}\n\n{"text": "hello"}\n')
    done = ingle("interpret", str(files / "asks.jsonl"), "--home", str(files / "home.yaml"))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"text": "lights off",
         "intents": [{"intent": "HassTurnOff", "slots": {"area": "Kitchen", "domain": "light"}, "confidence": 0.98}]},
        {"text": "hello", "intents": []},
    ]


@pytest.mark.parametrize("command", ["", *COMMANDS, "version"])
def test_every_command_has_help_and_takes_a_config(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert "--config FILE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["say", "hello"], "no MQTT broker at mqtt://127.0.0.1:"),
        (["say", "  "], "text is empty"),
        (["devices"], "start Ingle with `ingle run`"),
        (["run", "--simulate", "nowhere.yaml"], "nowhere.yaml: there is no such home file"),
        (["simulate", "nowhere.yaml"], "nowhere.yaml: there is no such home file"),
        (["simulate", "demo", "--speed", "0"], "--speed must be above 0"),
        (["interpret", "nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (["doctor", "--config", "nowhere.yaml"], ""),
        (["say", "hello", "--config", "nowhere.yaml"], "nowhere.yaml: no such file or directory"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(daemon, "open_model", lambda config: Scripted())
    (tmp_path / "config.yaml").write_text("mqtt: {url: 'embedded:1'}")
    assert main(arguments) == 1
    printed = capsys.readouterr()
    if message:
        assert message in printed.err
        assert printed.err.startswith("ingle: ")
        assert printed.err.count("\n") == 1


@pytest.mark.parametrize("line", ["{", "[]", '{"text": 5}', '{"text": "a", "context": 5}'])
def test_interpret_names_the_bad_line(line: str, files: Path) -> None:
    (files / "asks.jsonl").write_text(f'{{"text": "hello"}}\n{line}\n')
    done = ingle("interpret", str(files / "asks.jsonl"))
    assert done.returncode == 1
    assert "asks.jsonl:2" in done.stderr or "a line must be like" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_command_line_is_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2


def test_without_a_daemon_a_broker_alone_is_told_apart(tmp_path: Path) -> None:
    from .conftest import Amqtt

    async def ask() -> subprocess.CompletedProcess[str]:
        broker = Amqtt()
        await broker.start()
        (tmp_path / "config.yaml").write_text(f"mqtt: {{url: '{broker.address}'}}")
        try:
            return await asyncio.to_thread(ingle, "say", "hello", "--config", str(tmp_path / "config.yaml"))
        finally:
            await broker.stop()

    done = asyncio.run(ask())
    assert done.returncode == 1
    assert "Ingle is not running on mqtt://127.0.0.1:" in done.stderr


@pytest.mark.parametrize(("text", "delay", "command", "length"), [
    ("turn off the lights in 1 hour 5 minutes", "1 hour 5 minutes", "turn off the lights", {"hours": 1, "minutes": 5}),
    ("in 90 seconds turn off the lights", "90 seconds", "turn off the lights", {"minutes": 1, "seconds": 30}),
    ("ten minutes from now open the blind", "ten minutes", "open the blind", {"minutes": 10}),
    ("kettle on after half an hour, please", "half an hour", "kettle on please", {"minutes": 30}),
])  # fmt: skip
def test_a_delayed_command_is_called_as_home_assistant_does(
    text: str, delay: str, command: str, length: dict[str, int]
) -> None:
    assert delayed_command(text, {"in": delay}, {}) == ("HassStartTimer", {**length, "conversation_command": command})


def test_a_command_for_a_moment_stays_what_it_is() -> None:
    assert delayed_command("lamp on at noon", {"at": "noon"}, {"name": "Lamp"}) == ("RunLater", {"name": "Lamp"})
