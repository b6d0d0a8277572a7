"""The catalogue of intents and slots (`intents.yaml`), as plain data.

It is plain data because three rooms that may not import each other read it: the skills check their slots against it, the
app hands it to the engine, which compiles the decoding grammar from it, and the corpus is written in its terms.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def load_schema() -> dict[str, Any]:
    """Return the catalogue with slot groups expanded.

    Returns: {"slots": {slot: {"kind": "span|number|step|enum", "values": [...], "also": [...], "many": bool}},
              "intents": {intent: {"slots": [slot, ...], "act": bool}}}
    `RunLater` lists every slot, as it carries those of its inner intent.
    """
    raw = yaml.safe_load(files(__package__).joinpath("intents.yaml").read_text(encoding="utf-8"))
    slots = {
        name: {
            "kind": spec["kind"],
            "values": _values(spec, raw),
            "also": list(spec.get("also", ())),
            "many": bool(spec.get("many", False)),
        }
        for name, spec in raw["slots"].items()
    }
    intents = {
        name: {"slots": _expand(spec["slots"], raw), "act": bool(spec.get("act", True))}
        for name, spec in raw["intents"].items()
    }
    return {"slots": slots, "intents": intents}


def _values(spec: dict[str, Any], raw: dict[str, Any]) -> list[str]:
    values = spec.get("values", ())
    if values == "intents":
        return [name for name, intent in raw["intents"].items() if intent.get("act", True) and name != "RunLater"]
    return [str(value) for value in values]


def _expand(names: list[str], raw: dict[str, Any]) -> list[str]:
    """Slots in the catalogue's order, which is the order in which the model writes them."""
    wanted: set[str] = set()
    for name in names:
        wanted.update(raw["slots"] if name == "*" else raw["groups"].get(name, (name,)))
    return [slot for slot in raw["slots"] if slot in wanted]
