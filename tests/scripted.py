"""A model with a script: the interpreter's interface, and sentences it was told the meaning of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any

from ingle.engine.interpreter import Intent, Interpretation

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
    """Our own skills by module, so that these tests do not hang on what is installed beside them."""
    names = ("devices", "questions", "conversation", "timers", "alarms", "lists", "later", "calculate")
    points = [EntryPoint(name, f"ingle.skills.{name}", "ingle.skills") for name in names]
    return [point for point in points if find_spec(point.value) is not None]
