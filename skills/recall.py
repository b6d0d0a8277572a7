"""What was asked for before: "play the song I asked for this morning", from the record of requests (`history`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .api import Turn
from .history import HistoryStore
from .past import past_window

_MUSIC: Final = r"(?:songs?|music|tracks?|tunes?|album|artist|band|playlist|podcast|station|radio|audiobook|book|one|thing|piece)"
_ASKED: Final = r"(?:ask(?:ed)?|request(?:ed)?|play(?:ed)?|put on|listen(?:ed)? to)"
_EARLIER: Final = re.compile(    # a noun before it: "I asked" alone may be the name of a song
    rf"\b(?:{_MUSIC}|what)(?: that| which)? (?:i|we|you)(?: \w+)? {_ASKED}\b"
    rf"|\b(?:same|that|last|previous) {_MUSIC} (?:as|again|from)\b|\b(?:what|{_MUSIC}) we were listening\b")


def refers_back(text: str) -> bool:
    """Whether the sentence means something by when it was asked for, not by its name."""
    return _EARLIER.search(" ".join(re.findall(r"[\w']+", text.lower().replace("’", "'")))) is not None


def asked_before(turn: Turn, intent: str, slot: str) -> Mapping[str, Any] | None:
    """The slots of the newest request of this intent that named `slot`, by who asks now, in the time that was said.

    What was asked in this conversation and room goes before what was asked elsewhere. None: there is none.
    """
    store: HistoryStore | None = turn.services.get("history")
    if store is None:
        return None
    window = past_window(turn.text, turn.now)
    since, until = (window.since.timestamp(), window.until.timestamp()) if window else (0.0, None)
    asks = store.asks(speaker=turn.speaker, since=since, until=until, limit=2_000)
    if re.search(r"\bfirst\b", turn.text.lower()):
        asks.reverse()
    here = [ask for ask in asks if (ask.session, ask.area) == (turn.session, turn.area)]
    found = (
        one["slots"] for ask in (*here, *asks) for one in ask.intents
        if one.get("intent") == intent and (one.get("slots") or {}).get(slot)
    )
    return next(found, None)
