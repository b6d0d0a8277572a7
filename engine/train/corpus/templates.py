"""Home Assistant's own sentence templates (package home-assistant-intents), walked at random through hassil's parse trees.

They are for coverage of its wording; their share of the corpus is small, as people do not talk in templates.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import home_assistant_intents
from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, RuleReference, TextChunk
from hassil.parse_expression import parse_sentence

from . import DoesNotFit
from .canonical import Frame
from .fill import sort_value
from .lexicon import device_name

Rng = random.Random
_KINDS = {"cover": "blind|curtain|shutter", "todo": "list", "alarm_control_panel": "alarm_panel", "weather": "sensor",
          "person": "person", "input_boolean": "switch", "input_button": "button",
          "automation": "script", "device_tracker": "person"}  # fmt: skip
_SORTS = {"temperature": "temp", "position": "position", "fan_speed": "percentage", "brightness": "brightness",
          "color_temperature": "kelvin", "volume": "volume", "volume_step_up": "number", "volume_step_down": "number",
          "timer_seconds": "seconds", "timer_minutes": "minutes", "timer_hours": "hours", "timer_name": "timer",
          "search_query": "media", "message": "message", "shopping_list_item": "item", "todo_list_item": "item",
          "area": "area", "floor": "floor"}  # fmt: skip
_STEP_SIGNS = {"volume_step_up": "up", "volume_step_down": "down"}


class Templates:
    """Draws sentences of Home Assistant's English templates with slot values from our lexicons."""

    def __init__(self) -> None:
        path = Path(home_assistant_intents.__file__).parent / "data" / "en.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        self._rules: dict[str, str] = data["expansion_rules"]
        self._lists: dict[str, Any] = data["lists"]
        self._blocks: dict[str, list[dict[str, Any]]] = {
            intent: [block for block in entry["data"] if "conversation_command" not in json.dumps(block)]
            for intent, entry in data["intents"].items()
        }

    def draw(self, rng: Rng) -> tuple[str, tuple[Frame, ...]]:
        """One sentence with its frame. Raises: DoesNotFit: the template cannot be expressed in our slots."""
        intent = rng.choices(list(self._blocks), [len(blocks) ** 0.5 for blocks in self._blocks.values()])[0]
        block = rng.choice(self._blocks[intent])
        slots: dict[str, str] = {slot: str(value) for slot, value in (block.get("slots") or {}).items()}
        walker = _Walker(self, intent, block, rng, slots)
        text = walker.walk(_parsed(rng.choice(block["sentences"])))
        if intent == "HassRespond":
            slots = {}
        return " ".join(text.split()), (Frame(intent, tuple(slots.items())),)


@cache
def _parsed(template: str) -> Expression:
    return parse_sentence(template).expression


class _Walker:
    """One random walk through a template; collects the slots on the way."""

    def __init__(self, templates: Templates, intent: str, block: dict[str, Any], rng: Rng, slots: dict[str, str]) -> None:
        self.templates, self.intent, self.block, self.rng, self.slots = templates, intent, block, rng, slots

    def walk(self, node: Expression) -> str:
        if isinstance(node, TextChunk):
            return node.original_text
        if isinstance(node, Alternative):
            return self.walk(self.rng.choice(node.items))
        if isinstance(node, Permutation):
            return " ".join(self.walk(item) for item in self.rng.sample(node.items, len(node.items)))
        if isinstance(node, Group):
            return "".join(self.walk(item) for item in node.items)
        if isinstance(node, RuleReference):
            return self.walk(_parsed(self._rule(node.rule_name)))
        if isinstance(node, ListReference):
            return self._list(node)
        raise DoesNotFit(f"template node {type(node).__name__}")

    def _rule(self, name: str) -> str:
        return str((self.block.get("expansion_rules") or {}).get(name) or self.templates._rules[name])

    def _list(self, node: ListReference) -> str:
        name, slot = node.list_name, node.slot_name
        if name == "name":
            text = device_name(self._kind(), self.rng)
            return self._keep(slot, text, text)
        if name in _SORTS:
            text = sort_value(_SORTS[name], None, self.rng)
            return self._keep(slot, text, f"{_STEP_SIGNS[name]} {text}" if name in _STEP_SIGNS else text)
        values = (self.templates._lists.get(name) or {}).get("values")
        if not values:
            raise DoesNotFit(f"template list {name}")
        value = self.rng.choice(values)
        text = self.walk(_parsed(value["in"]))
        numeric = isinstance(value["out"], int)
        return self._keep(slot, text, text if numeric else str(value["out"]))

    def _kind(self) -> str:
        domains: Callable[[str], str] = lambda domain: _KINDS.get(domain, domain)  # noqa: E731
        context = (self.block.get("requires_context") or {}).get("domain") or self.slots.get("domain") or "device"
        domain = self.rng.choice(context) if isinstance(context, list) else context
        return domains(domain if not isinstance(domain, dict) else domain["value"])

    def _keep(self, slot: str, text: str, value: str) -> str:
        if slot in self.slots:
            raise DoesNotFit(f"two values for {slot}")
        self.slots[slot] = value
        return text
