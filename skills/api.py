"""What a skill is: an intent, typed slots, and `handle`, which says what became true.

Ingle's own skills come in by the same door as anyone's: the entry point group `ingle.skills`. See ARCHITECTURE.md, "Skills".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from .home.model import Entity, Home, Outcome, ServiceCall
from .home.resolver import Context, Resolution, Said


class Unclear(Exception):
    """Asked back to the person, as it stands; nothing was changed.

    `choices` are the entity ids the question is about: an answer that picks among them completes the turn.
    Where they are not entities (timers, lists), `labels` says what each is called; the one picked becomes the slot `name`.
    """

    def __init__(self, question: str, *, choices: Sequence[str] = (), labels: Sequence[str] = ()) -> None:
        super().__init__(question)
        self.question = question
        self.choices = tuple(choices)
        self.labels = tuple(labels)


class NeedsConfirmation(Unclear):
    """A sensitive act was heard: it is done when the next answer is yes (or the PIN)."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a skill did. The reply is spoken as it stands, unless a model words `facts` better and the checker agrees."""

    reply: str
    facts: tuple[Any, ...] = ()
    entities: tuple[str, ...] = ()           # entity ids the intent was about; later "it", "them"
    slots: Mapping[str, Any] | None = None   # slots as normalised, for the turn record; None: as heard
    asks: str | None = None                  # an open question at the end of the reply, if any
    sources: tuple[str, ...] = ()            # documents and notes the reply is taken from, for the turn record


@dataclass(kw_only=True)
class Turn:
    """What a skill may see and do while it handles one intent of one turn."""

    id: str
    text: str                       # the whole utterance as heard
    area: str | None                # the room it was heard in
    via: str                        # "text" or "voice"
    speaker: str | None
    now: datetime                   # aware, in the household's zone
    home: Home
    context: Context                # what the last turns were about
    perform: Callable[[Sequence[ServiceCall]], Awaitable[list[Outcome]]]  # acts and waits for confirmations
    session: str | None = None      # the conversation, where the client names one
    confidence: float = 1.0         # 0..1: how sure the model is of this intent
    confirmed: bool = False         # the person said yes to a NeedsConfirmation of this very act
    chosen: tuple[str, ...] = ()    # entity ids the person picked when asked which one
    explain: Callable[[Resolution], None] = field(default=lambda resolution: None)  # into the turn record
    services: Mapping[str, Any] = field(default_factory=dict)  # stores by name: "timers", "lists", …

    def resolve(self, said: Said, *, domains: frozenset[str] | None = None) -> Resolution:
        """Ground what was said in this home; the reasons go into the turn record. Raises: Unclear.

        What only the sentence tells ("lights" or "light", "in the whole house") is added here: see `resolver.heard`.
        """
        from .home.resolver import heard, resolve

        picked = self._picked(domains)
        if picked:
            resolution = Resolution(entities=picked, reason="picked in the answer")
        else:
            resolution = resolve(self.home, heard(said, self.text), self.context, domains=domains)
        self.explain(resolution)
        if resolution.question is not None:
            raise Unclear(resolution.question, choices=[entity.entity_id for entity in resolution.choices])
        return resolution

    def _picked(self, domains: frozenset[str] | None) -> tuple[Entity, ...]:
        """What the person picked when asked, of these domains."""
        entities = (self.home.entities[one] for one in self.chosen if one in self.home.entities)
        return tuple(entity for entity in entities if domains is None or entity.domain in domains)


@runtime_checkable
class Skill(Protocol):
    """One intent, or several of one kind (`intents`). `Slots` is a frozen dataclass, or one per intent in a mapping."""

    intents: ClassVar[tuple[str, ...]]
    Slots: ClassVar[type]

    async def handle(self, slots: Any, turn: Turn) -> Done: ...


S = TypeVar("S", bound=type)
_registered: list[type] = []


def skill(cls: S) -> S:
    """Class decorator: makes a class a skill. Its `intent = "…"` or `intents = (…)` and `Slots` are checked at start-up."""
    if "intents" not in cls.__dict__:
        cls.intents = (cls.intent,)  # type: ignore[attr-defined]
    _registered.append(cls)
    return cls
