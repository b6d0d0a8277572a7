"""Where people's requests should be answered: the labels of the routing development set, mapped from what the sets annotate.

A row says which routes are right for a (scenario, intent) of hwu64 and SLURP, or an intent of CLINC150. Most have one. Two
stand where the set itself mixes both: "post this on my wall" can be sent to a language model or turned down, a joke may be
told here or fetched. `none` beside `cloud` is: beyond what this house can do, and honest to say so.

A home command acts on this house or on what the household keeps (devices, players, alarms, diary, lists): none may ever be sent
to the cloud. Questions about the same are counted apart.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from .generate import held_out

LOCAL: Final = frozenset({"local"})
KEPT: Final = frozenset({"local", "knowledge"})         # in the diary or in the household's notes
CLOUD: Final = frozenset({"cloud"})
BEYOND: Final = frozenset({"cloud", "none"})            # wants an account or a shop that no assistant here has
TALK: Final = frozenset({"local", "cloud", "none"})     # a joke, a game: answered here in a word, or by a larger model

# (scenario, intent) -> the right routes; None: every other intent of the scenario.
HWU64: Final[dict[tuple[str, str | None], frozenset[str]]] = {
    ("alarm", None): LOCAL, ("audio", None): LOCAL, ("iot", None): LOCAL, ("lists", None): LOCAL, ("music", None): LOCAL,
    ("calendar", None): KEPT,
    ("play", None): LOCAL, ("play", "game"): TALK,
    ("general", None): LOCAL, ("general", "joke"): TALK, ("general", "quirky"): TALK | KEPT,
    ("datetime", "query"): LOCAL, ("datetime", "convert"): CLOUD,       # with another place in it: cloud, see `_route_of`
    ("weather", None): LOCAL,                                           # likewise
    ("qa", None): CLOUD, ("qa", "maths"): LOCAL,
    ("news", None): CLOUD, ("recommendation", None): CLOUD, ("cooking", None): CLOUD,
    ("transport", None): CLOUD, ("transport", "taxi"): BEYOND, ("transport", "ticket"): BEYOND,
    ("email", None): BEYOND, ("social", None): BEYOND, ("takeaway", None): BEYOND,
}  # fmt: skip
# What must never leave, and whether it is a command or a question.
_HOME: Final = frozenset({"alarm", "audio", "calendar", "iot", "lists", "music", "play"})
_QUESTIONS: Final = frozenset({"query"})
_NOT_HOME: Final = frozenset({("play", "game")})

CLINC: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys((
        "alarm", "calculator", "cancel", "change_volume", "date", "goodbye", "greeting", "measurement_conversion", "next_song",
        "no", "play_music", "reminder", "reminder_update", "repeat", "shopping_list", "shopping_list_update", "smart_home",
        "thank_you",
        "time", "timer", "todo_list", "todo_list_update", "update_playlist", "weather", "what_can_i_ask_you", "what_song", "yes",
    ), LOCAL),
    **dict.fromkeys(("calendar", "calendar_update"), KEPT),
    **dict.fromkeys((
        "definition", "directions", "distance", "exchange_rate", "fun_fact", "meal_suggestion", "oos", "recipe",
        "restaurant_suggestion", "spelling", "timezone", "traffic", "translate",
    ), CLOUD),
    **dict.fromkeys(("make_call", "text"), BEYOND),
    **dict.fromkeys(("tell_joke", "flip_coin", "roll_dice"), TALK),
}  # fmt: skip
_CLINC_COMMANDS: Final = frozenset({
    "alarm", "calendar_update", "change_volume", "next_song", "play_music", "reminder_update", "shopping_list_update",
    "smart_home", "timer", "todo_list_update", "update_playlist",
})  # fmt: skip
_CLINC_QUESTIONS: Final = frozenset({"calendar", "reminder", "shopping_list", "todo_list", "what_song"})


@dataclass(frozen=True)
class Labelled:
    """A real request with where it should be answered."""

    text: str
    routes: frozenset[str]              # any of them is right
    home: Literal["command", "question", None]      # what must never leave the house
    source: str                         # "iot/hue_lightoff": what the set calls it


def development_set(data: Path) -> list[Labelled]:
    """hwu64's and SLURP's development halves and what is held out of CLINC150, none of it trained on. Raises: OSError."""
    found = [*_hwu64(data / "hwu64_dev.jsonl"), *_hwu64(data / "slurp_devel.jsonl"), *_clinc(data / "clinc_oos_dev.jsonl")]
    return list({each.text.casefold(): each for each in found}.values())


def labelled_in(path: Path) -> list[Labelled]:
    """The same, as it was written by `python -m ingle.engine.train.corpus.routes FOLDER > FILE`. Raises: OSError."""
    return [Labelled(each["text"], frozenset(each["routes"]), each["home"], each["source"]) for each in _entries(path)]


def _hwu64(path: Path) -> Iterator[Labelled]:
    for entry in _entries(path):
        key = (entry["scenario"], entry["intent"])
        routes = _route_of(key, {slot["type"] for slot in entry["slots"]})
        if routes:
            yield Labelled(entry["text"], routes, _home_of(key), "/".join(key))


def _route_of(key: tuple[str, str], slots: set[str]) -> frozenset[str] | None:
    if key in (("datetime", "query"), ("weather", "query")) and slots & {"place_name", "time_zone"}:
        return CLOUD
    return HWU64.get(key) or HWU64.get((key[0], None))


def _home_of(key: tuple[str, str]) -> Literal["command", "question", None]:
    if key[0] not in _HOME or key in _NOT_HOME:
        return None
    return "question" if key[1] in _QUESTIONS else "command"


def _clinc(path: Path) -> Iterator[Labelled]:
    for entry in _entries(path):
        intent, text = entry["intent"], entry["text"]
        routes = CLINC.get(intent)
        if intent in ("time", "weather") and " in " in text:
            routes = CLOUD                  # of another place
        if routes and held_out(text):
            yield Labelled(text, routes, _clinc_home_of(intent), intent)


def _clinc_home_of(intent: str) -> Literal["command", "question", None]:
    if intent in _CLINC_COMMANDS:
        return "command"
    return "question" if intent in _CLINC_QUESTIONS else None


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


if __name__ == "__main__":
    for one in development_set(Path(sys.argv[1])):
        entry = {"text": one.text, "routes": sorted(one.routes), "home": one.home, "source": one.source}
        print(json.dumps(entry, ensure_ascii=False))
