"""A model with a script: the interpreter's interface, and sentences it was told the meaning of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from ingle.engine.interpreter import Intent, Interpretation
from ingle.skills.registry import GROUP

Parse = tuple[str, dict[str, Any]]      # (intent, slots as said)


class Scripted:
    """Understands what is in its script; everything else is not for it, unless `otherwise` says so."""

    def __init__(self, script: Mapping[str, Parse | list[Parse]] | None = None, *, otherwise: str = "NotForUs") -> None:
        self.script: dict[str, Parse | list[Parse]] = dict(script or {})
        self.otherwise = otherwise
        self.confidence = 0.98
        self.heard: list[tuple[str, bool]] = []     # (text, whether a question was open)

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        self.heard.append((text, asked))
        said = self.script.get(text, (self.otherwise, {}))
        intents = tuple(Intent(name, slots, self.confidence) for name, slots in ([said] if isinstance(said, tuple) else said))
        return Interpretation(intents=intents, confidence=self.confidence)


def skills() -> list[EntryPoint]:
    """Our own skills as pyproject.toml declares them now, whatever was declared when it was last installed."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points: dict[str, str] = project["entry-points"][GROUP]
    return [EntryPoint(name, value, GROUP) for name, value in points.items()]
