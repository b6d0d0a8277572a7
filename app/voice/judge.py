"""What the house makes of a text: `readings.Judge` over one home, its model and its own sentences. Nothing is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...engine.interpreter import Intent
from ...skills.home.model import Entity, Home
from ...skills.home.resolver import Context, is_called, resolve, said_of
from ...skills.schema import load_schema
from ...skills.sensitive import OPENING, way_in
from ...skills.sentences import OwnSentences
from ...skills.words import fold
from ..assistant import Understands
from ..custom import understood_as_own
from ..meaning import meaning
from ..router import WITHOUT_ACT
from .readings import Judgement

GUARDED: Final = frozenset({"lock", "alarm_control_panel", "siren", "valve"})
ALMOST: Final = 0.7                 # known by a name like the one that was heard
NAMES_NO_DEVICE: Final = ("Timer", "List", "Alarm", "Reminder", "RunLater", "Knowledge", "Note")   # in an intent's name


class HomeJudge:
    """Judges texts as heard in one room. Called from a worker thread."""

    def __init__(self, home: Home, understands: Understands, own: OwnSentences, area: str | None = None) -> None:
        self._home, self._understands, self._own = home, understands, own
        self._context = Context(area=area)

    def __call__(self, text: str) -> Judgement:
        if understood_as_own(self._own, text, self._home, self._context.area) is not None:
            return Judgement(1.0, own=True)
        understood = self._understands.interpret(text)
        acts = [intent for intent in understood.intents if intent.intent not in WITHOUT_ACT]
        if not acts:
            return Judgement(understood.confidence, acts=False)
        meant = [self._meant(intent, text) for intent in acts]
        entities = [entity for found, _ in meant for entity in found]
        return Judgement(
            confidence=min(intent.confidence for intent in acts), known=min(known for _, known in meant),
            guarded=bool(set(fold(text)) & OPENING) and any(map(_is_guarded, entities)),
        )

    def _meant(self, intent: Intent, text: str) -> tuple[tuple[Entity, ...], float]:
        """The devices an intent is about, those that a question back would name included, and how well they are known."""
        if intent.intent not in load_schema()["intents"] or any(part in intent.intent for part in NAMES_NO_DEVICE):
            return (), 1.0
        slots, _ = meaning(self._home, intent.intent, intent.slots, self._context, text)
        if not _names_something(slots):
            return (), 1.0
        found = resolve(self._home, said_of(slots, text), self._context)
        devices = found.entities or found.choices
        by_name = "name" not in slots or is_called(self._home, slots["name"])
        return devices, (1.0 if by_name else ALMOST) if devices else 0.0


def _names_something(slots: Mapping[str, Any]) -> bool:
    return any(isinstance(slots.get(slot), str) and slots[slot] for slot in ("name", "area", "floor"))


def _is_guarded(entity: Entity) -> bool:
    return entity.domain in GUARDED or way_in(entity) is not None
