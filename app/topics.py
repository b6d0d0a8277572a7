"""Ingle's own topics on the bus. Part of the contract with other programs: see README.md."""

from __future__ import annotations

import re
from typing import Final

STATUS: Final = "ingle/status"      # retained: "online" when ready, "offline" as last will
SHARED_ASK: Final = "$share/ingle/ingle/ask"    # the same, each to one of several Ingles (`mqtt.shared`)
CLAIM: Final = "ingle/claim"        # among several Ingles: who works on which request
ASK: Final = "ingle/ask"            # in: a JSON object with `text`, or a plain string
TURN: Final = "ingle/turn"          # out: every turn's record
REPLY: Final = "ingle/reply"        # out: ingle/reply/<turn id>, the reply's tokens as they come
LIST: Final = "ingle/list"          # retained: ingle/list/<slug>
TIMER: Final = "ingle/timer"        # retained: ingle/timer/<id>; cleared when the timer is gone
REMINDER: Final = "ingle/reminder"  # retained: ingle/reminder/<id>; cleared when the reminder is gone
ANNOUNCE: Final = "ingle/announce"  # out: what Ingle says unasked: a reminder, what was missed, what a routine has to tell
MODEL: Final = "ingle/model/announce"   # in: somebody says that there is a new model; what it holds is not looked at
TELEMETRY: Final = "ingle/telemetry"    # retained: the last export, where telemetry.mqtt is on
INSIDE_GET: Final = "ingle/inside/get"      # in: {"turn": ID} or {}: what goes on inside is told only when asked (app/inside.py)
INSIDE_TURN: Final = "ingle/inside/turn"    # out: a turn's story
INSIDE_NOW: Final = "ingle/inside/now"      # out: how Ingle is doing
MUTE: Final = "ingle/mute"          # retained: ON, microphones are closed, or OFF
MUTE_SET: Final = "ingle/mute/set"  # in: ON or OFF
MICROPHONE: Final = "ingle/microphone"  # retained: "open" or "closed", as whoever has the device says
DEVICE: Final = "ingle/device"      # retained: Ingle's own readings, announced through discovery

_NOT_IN_A_LEVEL = re.compile(r"[/+#\0]")


def reply_topic(turn_id: str) -> str:
    """Where the tokens of a turn's reply go. What cannot be in a level of a topic becomes `_`."""
    return f"{REPLY}/{_NOT_IN_A_LEVEL.sub('_', turn_id)}"


def announcement_topic(discovery_prefix: str) -> str:
    """Where Ingle announces itself as a device."""
    return f"{discovery_prefix}/device/ingle/config"


def fault_in_topic(topic: str) -> str | None:
    """Why nothing can be published to `topic`, as the end of a sentence; None when it can be."""
    if not topic:
        return "is empty"
    if len(topic.encode("utf-8", "replace")) > 65_535:
        return "is longer than 65535 bytes"
    if any(character in topic for character in "+#\0"):
        return "has a wildcard (+ or #) or a NUL in it"
    return None
