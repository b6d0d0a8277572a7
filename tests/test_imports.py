"""Imports point one way: app -> skills, knowledge, engine; knowledge -> engine; skills and engine -> nothing of ours."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "app": {"app", "skills", "knowledge", "engine"},
    "knowledge": {"knowledge", "engine"},
    "skills": {"skills"},
    "engine": {"engine"},
}
MQTT_LIBRARIES = {"aiomqtt", "paho"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {other}"
        for file in sorted((ROOT / room).rglob("*.py"))
        for other, line in _rooms_imported(file)
        if other not in MAY_IMPORT[room]
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_bus_knows_the_mqtt_library() -> None:
    knowing = {
        str(file.relative_to(ROOT)) for room in MAY_IMPORT for file in (ROOT / room).rglob("*.py")
        for module, _ in _modules(file) if module.split(".")[0] in MQTT_LIBRARIES
    }
    assert knowing == {"app/bus.py"}


def test_the_command_line_starts_without_the_heavy_things() -> None:
    code = "import sys, ingle.app.cli as cli; cli.parser(); print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["numpy", "aiomqtt", "paho", "amqtt", "textual", "yaml", "asyncio", "sqlite3", "minijinja", "rapidfuzz", "torch"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _rooms_imported(file: Path) -> Iterator[tuple[str, int]]:
    package = file.relative_to(ROOT).parts[:-1]
    for module, line in _modules(file):
        depth = len(module) - len(module.lstrip("."))
        parts = module.lstrip(".").split(".")
        if depth > len(package):            # `from ..skills` inside app/: the root is `ingle`
            yield parts[0], line
        elif depth > 0:
            yield package[0], line
        elif parts[0] == "ingle" and len(parts) > 1:
            yield parts[1], line


def _modules(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.module is None or node.module == "ingle":
                base = "." * node.level or "ingle."
                yield from ((base + name.name, node.lineno) for name in node.names)
            else:
                yield f"{'.' * node.level}{node.module}", node.lineno
        elif isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
