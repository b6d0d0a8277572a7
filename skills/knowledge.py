"""Remembering, forgetting, and answering from what the household wrote down or said.

The store itself is handed in as `turn.services["knowledge"]`; here stands what is said to people about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from .api import Done, NeedsConfirmation, Turn, Unclear, skill

NOTHING: Final = "I don't have anything about that."
NO_STORE: Final = "I have nowhere to keep that."
THAT_LASTS: Final = timedelta(minutes=10)       # so long "forget that" means the note made last
NAMED_AT_MOST: Final = 3                        # notes named in a question back

_PRIVATELY = re.compile(
    r"\b(?:privately|in private|secretly|in secret|as a secret|keep (?:it|this|that) (?:private|secret))\b[,:]?\s*",
    re.IGNORECASE)
_ALL = re.compile(r"\b(?:everything|all)\b", re.IGNORECASE)
_EVERYTHING = re.compile(
    r"(?:everything|all)(?: (?:i|we) (?:told|said to) you| you (?:know|remember)(?: about (?:us|me))?)?", re.IGNORECASE)
_POINTING = frozenset({"", "that", "it", "this", "that note", "that again", "the last note", "what i just said"})


class Note(Protocol):
    """Something that was said to be remembered."""

    @property
    def id(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def modified_at(self) -> float: ...         # Unix seconds: when it was said last


class Answered(Protocol):
    """An answer; without sources it says that there is none."""

    @property
    def reply(self) -> str: ...

    @property
    def sources(self) -> Sequence[str]: ...     # "Boiler manual, page 12 (/manuals/boiler.pdf)"


class Keeper(Protocol):
    """The household's knowledge, as a skill sees it."""

    def may_tell_private(self, *, via: str, area: str | None) -> bool: ...

    async def ask(self, question: str, *, area: str | None, devices: Iterable[str], with_private: bool) -> Answered: ...

    async def remember(
        self, said: str, *, speaker: str | None, area: str | None, private: bool, now: float,
    ) -> Note: ...

    async def notes(self) -> Sequence[Note]: ...

    async def notes_about(self, said: str) -> Sequence[Note]: ...

    async def forget(self, ids: Sequence[int]) -> int: ...


@skill
class AskKnowledge:
    """A question to the household's papers and notes. "where is the water shut-off?" -> "…, from House notes." """

    intent = "AskKnowledge"

    @dataclass(frozen=True)
    class Slots:
        query: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        keeper = _keeper(turn)
        if keeper is None:
            return Done(reply=NOTHING)
        told = await keeper.ask(slots.query or turn.text, area=turn.area, devices=_devices_here(turn),
                                with_private=keeper.may_tell_private(via=turn.via, area=turn.area))
        return Done(reply=told.reply, sources=tuple(told.sources), facts=(told,))


@skill
class Remember:
    """Keep a note. "remember that the spare key is at number 14" -> "Noted: the spare key is at number 14." """

    intent = "Remember"

    @dataclass(frozen=True)
    class Slots:
        message: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        said = _PRIVATELY.sub("", slots.message or "").strip(" ,.;:")
        if not said:
            raise Unclear("What should I remember?")
        keeper = _keeper(turn)
        if keeper is None:
            return Done(reply=NO_STORE)
        private = bool(_PRIVATELY.search(turn.text))
        note = await keeper.remember(said, speaker=turn.speaker, area=turn.area, private=private, now=turn.now.timestamp())
        noted = f"Noted{', privately' if private else ''}: {_inside(note.text)}"
        return Done(reply=noted, facts=(note,))


@skill
class Forget:
    """Delete notes. "forget what I said about the key" -> "Forgotten: the spare key is at number 14." Files are not touched."""

    intent = "Forget"

    @dataclass(frozen=True)
    class Slots:
        message: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        keeper = _keeper(turn)
        if keeper is None:
            return Done(reply="There is nothing to forget.")
        said = (slots.message or "").strip(" .,;:")
        if _EVERYTHING.fullmatch(said):
            return await _forget_everything(keeper, turn)
        meant = await _last_note(keeper, turn) if said.lower() in _POINTING else list(await keeper.notes_about(said))
        if not meant:
            return Done(reply="I have no note about that.")
        if len(meant) > 1 and not _ALL.search(turn.text):
            raise Unclear(f"I have {len(meant)} notes about that: {_some(meant)} Which one should I forget?")
        await keeper.forget([note.id for note in meant])
        told = _inside(meant[0].text) if len(meant) == 1 else f"{len(meant)} notes."
        return Done(reply=f"Forgotten: {told}")


async def _forget_everything(keeper: Keeper, turn: Turn) -> Done:
    """Raises: NeedsConfirmation, unless it was confirmed."""
    notes = await keeper.notes()
    if not notes:
        return Done(reply="There are no notes to forget.")
    if not turn.confirmed:
        raise NeedsConfirmation(f"Forget all {len(notes)} notes?" if len(notes) > 1 else "Forget the one note there is?")
    n = await keeper.forget([note.id for note in notes])
    return Done(reply=f"Forgotten: {n} notes." if n > 1 else "Forgotten.")


async def _last_note(keeper: Keeper, turn: Turn) -> list[Note]:
    """The note that was just made. Raises: Unclear: none was."""
    last = max(await keeper.notes(), key=lambda note: note.modified_at, default=None)
    if last is None or turn.now.timestamp() - last.modified_at > THAT_LASTS.total_seconds():
        raise Unclear("What should I forget?")
    return [last]


def _keeper(turn: Turn) -> Keeper | None:
    return turn.services.get("knowledge")


def _devices_here(turn: Turn) -> list[str]:
    """What stands in the room: "how do I descale this?" means something of it."""
    if turn.area is None:
        return []
    return [entity.name for entity in turn.home.entities.values() if entity.exposed and entity.area == turn.area]


def _some(notes: Sequence[Note]) -> str:
    return " ".join(f"“{note.text}”" for note in notes[:NAMED_AT_MOST]) + (" …" if len(notes) > NAMED_AT_MOST else "")


def _inside(text: str) -> str:
    """A note's text after a colon: the capital it was given goes, unless a name begins it."""
    first, _, rest = text.partition(" ")
    return f"{first.lower()} {rest}" if first in _SMALL else text


_SMALL: Final = frozenset(["The", "A", "An", "My", "Our", "His", "Her", "Their", "We", "You", "It", "There", "This", "That"])
