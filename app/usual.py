"""What people like, as the assistant uses it: hears that somebody tells or asks for it, and says which commands it comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..engine.interpreter import Intent
from ..skills import preferences
from ..skills.home.model import Home
from ..skills.preferences import Preference, PreferenceStore
from ..skills.sentences import OwnSentences
from ..skills.slots import spoken_list
from .custom import understood_as_own
from .events import Asked
from .people import People
from .router import SURE

NONE_KNOWN: Final = "You haven't told me what you like there."
PLACES: Final = ("name", "area", "floor")

Understand = Callable[[str], Sequence[Intent]]
Meaning = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class Usual:
    """The preferences of who asks."""

    def __init__(self, store: PreferenceStore, people: People, home: Home) -> None:
        self._store = store
        self._people = people
        self._home = home
        self._sentences = OwnSentences([preferences.sentences()])

    def counts_for(self, asked: Asked) -> bool:
        """Whether who asks has said what they like, so that "my usual" means something."""
        return bool(self._of(asked))

    def hear(self, asked: Asked) -> Intent | None:
        """A request for what is liked ("my usual"); None: it is none. Reads nothing from disk, and may run on any thread."""
        heard = understood_as_own(self._sentences, asked.text, self._home, asked.area)
        return heard.intents[0] if heard is not None else None

    def told(self, asked: Asked, intents: Sequence[Intent], understand: Understand, meaning: Meaning) -> list[Preference]:
        """What somebody tells that they like; [] where the sentence tells nothing of that kind.

        Args:
            intents: as the sentence was understood.
            understand: the model, for what is liked said as an order. Called where the sentence was taken for a note.
            meaning: an intent's slots in this home's words.
        """
        if not preferences.states_liking(asked.text):
            return []
        if any(intent.intent == "Remember" for intent in intents) or not intents:
            intents = understand(preferences.without_liking(asked.text))
        meant = [(one.intent, self._placed(meaning(one.intent, one.slots), asked)) for one in intents if one.confidence >= SURE]
        if not meant or not all(preferences.is_preferable(intent, slots) for intent, slots in meant):
            return []
        return [Preference(person=self._person(asked), intent=intent, slots=slots) for intent, slots in meant]

    def keep(self, liked: Sequence[Preference]) -> str:
        """Remember; what to say about it."""
        for one in liked:
            self._store.keep(one)
        return f"Noted: {'you like' if liked[0].person else 'liked here:'} {spoken_list([one.spoken() for one in liked])}."

    def meant(self, asked: Asked, slots: Mapping[str, Any]) -> list[Preference]:
        """Those that a request is for."""
        return preferences.fitting(self._of(asked), slots, self._home, asked.area)

    def answer(self, intent: str, meant: Sequence[Preference]) -> str:
        """What to say to a question about them, or to their being forgotten (which is done)."""
        if not meant:
            return NONE_KNOWN
        said = spoken_list([one.spoken() for one in meant])
        if intent == preferences.TELL:
            return f"{'You like' if meant[0].person else 'Liked here:'} {said}."
        for one in meant:
            self._store.forget(one)
        return f"Forgotten: {said}."

    def _of(self, asked: Asked) -> list[Preference]:
        return self._store.of(self._person(asked))

    def _person(self, asked: Asked) -> str:
        """Under which name preferences are kept: a known person's own, "" for who is not known."""
        person = self._people.known(asked.speaker)
        return "" if person is None else person.name

    def _placed(self, slots: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """With the room it was said in, where no place was said."""
        said = {slot: value for slot, value in slots.items() if value is not None and (slot, value) != ("name", "it")}
        return said if asked.area is None or any(slot in said for slot in PLACES) else {**said, "area": asked.area}

