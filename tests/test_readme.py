"""README.md says what the program does: its examples run, its help and its conversation are the program's own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ingle.app.config import load
from ingle.engine.interpreter import MODEL

from . import readme

TEXT = readme.README.read_text(encoding="utf-8")
needs_model = pytest.mark.skipif(not MODEL.exists(), reason="no model file")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def generated(name: str) -> list[str]:
    match = re.search(rf"<!-- generated: {name} -->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)
    assert match, f"README.md has no block {name}"
    return match[1].splitlines()


def test_the_help_is_the_program_s() -> None:
    assert generated("help") == "\n".join(readme.help_text()).splitlines()


@needs_model
def test_the_conversation_is_the_program_s() -> None:
    assert generated("session") == "\n".join(readme.session()).splitlines()


def test_the_numbers_name_machine_and_date() -> None:
    assert re.search(r"p50 [\d.]+ ms   p95 [\d.]+ ms", "\n".join(generated("bench")))
    assert re.search(r"\d+ cores.*\d{4}-\d\d-\d\d", "\n".join(generated("bench")))
    assert len(generated("scores")) == 2 + len(readme.SCORED)


def test_the_configuration_is_one(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    file = tmp_path / "config.yaml"
    file.write_text(example, encoding="utf-8")
    assert load(file).mqtt.url == yaml.safe_load(example)["mqtt"]["url"]


@needs_model
def test_a_program_that_knows_only_mqtt(tmp_path: Path) -> None:
    program = next(block for block in blocks("python") if "aiomqtt" in block)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert '"127.0.0.1", 1883' in program
    with readme.running(tmp_path, port=port):
        printed = run(program.replace('"127.0.0.1", 1883', f'"127.0.0.1", {port}'), tmp_path)
    assert printed.startswith("Set the reading lamp to 40%.")
    assert "lamp1/set" in printed


@needs_model
def test_the_whole_in_one_process(tmp_path: Path) -> None:
    program = next(block for block in blocks("python") if "Assistant.open" in block)
    (tmp_path / "config.yaml").write_text(f"mqtt: {{url: 'embedded:0'}}\ndata_dir: {tmp_path / 'data'}\n", encoding="utf-8")
    first, second = run(program, tmp_path).splitlines()
    assert first == "12."
    assert "milk" in second
    assert "bread" in second


def run(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
