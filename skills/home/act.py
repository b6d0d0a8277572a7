"""Acting: send what service calls come to, and wait until the devices themselves say that it is so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from .discovery import Discovery
from .expected import Checks, concrete, expected, satisfied
from .model import Entity, Home, Outcome, Publish, ServiceCall
from .payload import Unsupported

__all__ = ["Actuator", "satisfied"]

log = logging.getLogger(__name__)

Send = Callable[[Publish], Awaitable[None]]


@dataclass(eq=False)
class _Plan:
    """One call on its way: what is sent, what is expected, what was seen."""

    call: ServiceCall                       # as asked for
    entity: Entity | None
    messages: tuple[Publish, ...] = ()
    checks: Checks = ()
    before: str | None = None
    status: str | None = None               # settled as
    detail: str = ""
    met_before: frozenset[int] = field(default_factory=frozenset)   # which checks held already
    heard: bool = False                     # it has reported anything since the sending

    def settle(self, status: str, detail: str = "") -> None:
        if self.status is None:
            self.status, self.detail = status, detail

    def outcome(self) -> Outcome:
        after = self.entity.state if self.entity is not None else None
        return Outcome(call=self.call, status=self.status or "silent", before=self.before, after=after,
                       messages=self.messages, detail=self.detail)


class Actuator:
    """Carries out service calls.

    Args:
        publish: sends one message; what it raises makes the call's outcome "silent", with the reason as its detail.
        confirm_s: seconds a device may take to report what was asked for, counted from the sending.
    """

    def __init__(self, home: Home, discovery: Discovery, publish: Send, confirm_s: float = 2.0) -> None:
        self._home = home
        self._discovery = discovery
        self._publish = publish
        self._confirm_s = confirm_s

    async def perform(self, calls: Sequence[ServiceCall]) -> list[Outcome]:
        """Send everything at once, then wait for the reports; the outcomes are in the order of the calls."""
        plans = [self._plan(call) for call in calls]
        settled = asyncio.Event()

        def reported(entity: Entity, before: str | None) -> None:
            for plan in plans:
                if plan.entity is entity and plan.status is None:
                    _judge(plan, entity)
            if all(plan.status is not None for plan in plans):
                settled.set()

        stop_listening = self._home.listen(reported)
        try:
            await asyncio.gather(*(self._send(plan) for plan in plans))
            self._settle_unasked(plans)
            if any(plan.status is None for plan in plans):
                await _wait(settled, self._confirm_s)
        finally:
            stop_listening()
        for plan in plans:
            _give_up(plan)
        return [plan.outcome() for plan in plans]

    def _plan(self, call: ServiceCall) -> _Plan:
        entity = self._home.entities.get(call.entity_id)
        plan = _Plan(call=call, entity=entity)
        if entity is None:
            plan.settle("unsupported", f"there is no {call.entity_id}")
            return plan
        plan.before = entity.state
        meant = concrete(call, entity)
        try:
            plan.messages = self._discovery.publishes(meant)
        except Unsupported as error:
            plan.settle("unsupported", str(error))
            return plan
        plan.checks = expected(meant, entity)
        plan.met_before = frozenset(index for index, check in enumerate(plan.checks) if check.met(entity))
        return plan

    async def _send(self, plan: _Plan) -> None:
        """One call's messages, in their order."""
        try:
            for message in plan.messages:
                await self._publish(message)
        except Exception as error:  # whatever the bus raises: the person must hear that nothing happened
            log.warning("%s: not sent: %s", plan.call.entity_id, error)
            plan.settle("silent", f"not sent: {error}")

    def _settle_unasked(self, plans: Sequence[_Plan]) -> None:
        """Those nobody needs to wait for."""
        for plan in plans:
            entity = plan.entity
            if plan.status is not None or entity is None:
                continue
            if not entity.available:
                plan.settle("offline")
            elif entity.assumed:
                self._assume(plan, entity)
            elif not plan.checks:
                plan.settle("sent")
            elif len(plan.met_before) == len(plan.checks):
                plan.settle("already")

    def _assume(self, plan: _Plan, entity: Entity) -> None:
        """It reports nothing: it is taken to be as it was told."""
        before = entity.state
        for check in plan.checks:
            check.assume(entity)
        plan.settle("sent")
        if plan.checks:
            self._home.report(entity, before)


def _judge(plan: _Plan, entity: Entity) -> None:
    """A report came in after the sending: does it say what was asked for?"""
    if not plan.checks or entity.assumed or not entity.available:
        return
    plan.heard = True
    met = [check.met(entity) for check in plan.checks]
    if all(met):
        plan.settle("already" if len(plan.met_before) == len(plan.checks) else "confirmed")
    elif False not in met and True in met and _news(plan, met):
        plan.settle("confirmed")  # what it never reports cannot be waited for
    elif _underway(plan, entity) and not any(check.patient for check in plan.checks):
        plan.settle("confirmed", "moving")


def _underway(plan: _Plan, entity: Entity) -> bool:
    return all(check.met(entity) or check.underway(entity) for check in plan.checks)


def _news(plan: _Plan, met: Sequence[bool | None]) -> bool:
    """Whether something holds now that did not hold before."""
    return any(held and index not in plan.met_before for index, held in enumerate(met))


def _give_up(plan: _Plan) -> None:
    """The time is over: say what is known."""
    entity = plan.entity
    if plan.status is not None or entity is None:
        return
    met = [check.met(entity) for check in plan.checks]
    if False not in met and True in met:
        plan.settle("sent", "it does not report that")
    elif _underway(plan, entity):
        plan.settle("confirmed" if plan.heard else "already", "moving")
    else:
        plan.settle("silent", "" if entity.state is None else f"reports {entity.state}")


async def _wait(settled: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(settled.wait(), seconds)
    except TimeoutError:
        return
