"""Carrying out what a skill decided: asks where it must, sends, and tells what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..api import Done, Turn
from ..home.model import Entity, Outcome, ServiceCall
from ..sensitive import check
from ..wording import Phrase, Told, report
from .targets import Target


@dataclass(frozen=True, kw_only=True)
class Act:
    """What shall happen to one device, and how it is told."""

    entity: Entity
    phrase: Phrase
    service: str | None = None          # None: nothing is sent, as `status` is known beforehand
    data: dict[str, Any] = field(default_factory=dict)
    status: str = "unsupported"         # of an act without a service

    @property
    def call(self) -> ServiceCall | None:
        if self.service is None:
            return None
        return ServiceCall(entity_id=self.entity.entity_id, service=self.service, data=self.data)


def cannot(entity: Entity, what: str) -> Act:
    """The device cannot do that: "be dimmed", "change colour"."""
    return Act(entity=entity, phrase=Phrase(done="", tell="", was="", cannot=what))


async def carry_out(turn: Turn, target: Target, acts: Sequence[Act], *, code: str | None = None) -> Done:
    """Do the acts and say what is true now.

    Raises: NeedsConfirmation: an act is sensitive (`skills.sensitive`); nothing was sent.
    """
    calls = [(act.entity, act.call) for act in acts if act.call is not None]
    check(turn, calls, code=code)
    outcomes = await turn.perform([call for _, call in calls]) if calls else []
    became = iter(outcomes)
    told = [_told(act, None if act.service is None else next(became)) for act in acts]
    return Done(
        reply=report(told, whole=target.whole),
        facts=tuple(outcomes),
        entities=tuple(dict.fromkeys(act.entity.entity_id for act in acts)),
    )


def _told(act: Act, outcome: Outcome | None) -> Told:
    if outcome is None:
        return Told(act.entity, act.phrase, act.status)
    if outcome.status == "unsupported" and "code" in act.entity.features:
        # That it can arm or lock is known by now: what it does not take is the code.
        wants = "another code" if "code" in act.data else "a code"
        return Told(act.entity, replace(act.phrase, cannot=wants), "refused")
    return Told(act.entity, act.phrase, outcome.status, moving=outcome.detail == "moving")
