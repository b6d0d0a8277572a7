"""Boards that understand by themselves (engine/firmware/): their lines become requests on the bus.

A board tells what was said and what it makes of it, a JSON line each. The request carries both (`Asked.understood`), so
that an Ingle on the bus grounds and does it without a model of its own being asked; who may do what, what wants a yes and
how it is answered is as for any request.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any, Final

from ..engine.interpreter import Intent, Interpretation
from ..skills.schema import load_schema
from .events import Asked, BadEvent, IntentRecord

log = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 16_384


def asked_of(line: bytes, *, area: str | None = None) -> Asked | None:
    """The request that a board's line is; None: it is none, such as its status, or nothing was understood.

    Raises: BadEvent: it is no line of a board.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise BadEvent("the board's line is no JSON") from None
    if not isinstance(data, dict):
        raise BadEvent("the board's line is no JSON object")
    if "error" in data:
        log.warning("the board: %s", data["error"])
    text, intents = data.get("text"), data.get("intents")
    if not isinstance(text, str) or not isinstance(intents, list) or not intents:
        return None
    return Asked.from_dict({"text": text, "area": area, "understood": intents})


def understood_elsewhere(asked: Asked) -> Interpretation | None:
    """What a board made of it; None where it said nothing, or something that is not in the catalogue."""
    if not asked.understood or not all(_is_known(intent) for intent in asked.understood):
        return None
    intents = tuple(Intent(one.intent, one.slots, one.confidence) for one in asked.understood)
    return Interpretation(intents=intents, confidence=math.prod(intent.confidence for intent in intents))


def _is_known(record: IntentRecord) -> bool:
    schema = load_schema()
    spec = schema["intents"].get(record.intent)
    if spec is None or not 0 <= record.confidence <= 1:
        return False
    return all(slot in spec["slots"] and _is_said(value, schema["slots"][slot]["many"]) for slot, value in record.slots.items())


def _is_said(value: Any, many: bool) -> bool:
    if many:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)
