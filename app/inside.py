"""What goes on inside, for who wants to look: a turn's story, and how Ingle itself is doing. Told only when asked.

    traces = Traces()
    tracing = Tracing(); tracing.understood(…); …; traces.keep(tracing.trace(record))
    `ingle/inside/get` {"turn": ID}  → `ingle/inside/turn`, a `TurnTrace`        (of one of the last turns)
    `ingle/inside/get` {}            → `ingle/inside/now`, a `Vitals`
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .events import Event, IntentRecord, TurnRecord
from .typed import plain

if TYPE_CHECKING:               # the screen imports this too, and needs none of them
    from ..engine.interpreter import Interpretation
    from ..skills.home.model import Outcome
    from ..skills.home.resolver import Resolution
    from .outside import Considered, Outside

KEPT: Final = 32                # turns
MAX_CANDIDATES: Final = 12      # of one resolution
MAX_PIECES: Final = 240         # of one parse


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One piece that the model wrote."""

    text: str
    p: float                    # 0..1 among the pieces that the grammar allowed; 1.0 also where it was forced


@dataclass(frozen=True, kw_only=True)
class Understood:
    """One call of the language model."""

    text: str
    pieces: tuple[Piece, ...] = ()
    intents: tuple[IntentRecord, ...] = ()      # slots as said
    n_forced: int = 0                           # pieces that the grammar left no choice about
    n_prompt: int = 0                           # tokens read
    n_written: int = 0                          # tokens written
    n_ctx: int = 0                              # tokens there is room for
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One device that the resolver looked at."""

    entity_id: str
    score: float                # 0..1
    why: str


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """From words to devices, or to a question."""

    entities: tuple[str, ...] = ()
    looked_at: tuple[Looked, ...] = ()          # best first
    reason: str = ""
    question: str | None = None


@dataclass(frozen=True, kw_only=True)
class Acted:
    """One command and what its device made of it."""

    entity_id: str
    service: str
    status: str                 # as `skills.home.model.Outcome`


@dataclass(frozen=True, kw_only=True)
class Considering:
    """Whether to ask outside the house."""

    do: str
    reason: str
    conditions: Mapping[str, bool] = field(default_factory=dict)
    signals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A step of the turn."""

    name: str
    start_ms: float             # from the beginning of the turn
    took_ms: float


@dataclass(frozen=True, kw_only=True)
class TurnTrace(Event):
    """A turn's story; `TurnRecord` of the same id is what came of it."""

    id: str
    understood: tuple[Understood, ...] = ()
    resolved: tuple[Resolved, ...] = ()
    acted: tuple[Acted, ...] = ()
    considered: Considering | None = None
    spans: tuple[Span, ...] = ()
    total_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Vitals(Event):
    """How Ingle is doing now."""

    model: str = ""
    memory_mb: float = 0.0
    turns: int = 0                              # since it was started
    charging: bool = True
    battery_percent: float | None = None        # None: there is no battery
    temperature_c: float | None = None          # None: there is no sensor
    temperature_limit_c: float = 0.0
    compute_left_s: float = 0.0
    compute_s: float = 0.0                      # that turns may take of a minute
    cloud: bool = False                         # whether one is set up
    requests_today: int = 0
    requests_per_day: int = 0
    money_today: float = 0.0
    money_per_day: float = 0.0


class Tracing:
    """A trace while its turn is worked on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._understood: list[Understood] = []
        self._resolved: list[Resolved] = []
        self._acted: list[Acted] = []
        self._spans: list[Span] = []

    def understood(self, text: str, what: Interpretation, began: float) -> None:
        """The model (or one of the household's own sentences) was asked from `began` (`time.perf_counter`) until now."""
        self.span("understand", began)
        self._understood.append(Understood(
            text=text, pieces=tuple(Piece(text=piece, p=round(p, 4)) for piece, p in what.trace.pieces[:MAX_PIECES]),
            intents=tuple(IntentRecord(intent=each.intent, slots=plain(each.slots), confidence=round(each.confidence, 4))
                          for each in what.intents),
            n_forced=what.trace.forced, n_prompt=what.timing.prompt_tokens, n_written=what.timing.written_tokens,
            n_ctx=what.timing.n_ctx, notes=what.notes))
        at = began
        for name, took_ms in (("read", what.timing.prefill_ms), ("write", what.timing.decode_ms)):
            if took_ms:
                self._add(f"  {name}", at, took_ms)
                at += took_ms / 1000

    def resolved(self, what: Resolution) -> None:
        ranked = sorted(what.candidates, key=lambda each: -each.score)[:MAX_CANDIDATES]
        self._resolved.append(Resolved(
            entities=tuple(entity.entity_id for entity in what.entities), reason=what.reason, question=what.question,
            looked_at=tuple(Looked(entity_id=each.entity_id, score=round(each.score, 3), why=each.why) for each in ranked)))

    def acted(self, outcomes: Iterable[Outcome], began: float) -> None:
        self.span("devices", began)
        self._acted += [Acted(entity_id=one.call.entity_id, service=one.call.service, status=one.status) for one in outcomes]

    def span(self, name: str, began: float) -> None:
        """A step went from `began` (`time.perf_counter`) until now."""
        self._add(name, began, (time.perf_counter() - began) * 1000)

    def _add(self, name: str, began: float, took_ms: float) -> None:
        start_ms = max(0.0, (began - self._began) * 1000)
        self._spans.append(Span(name=name, start_ms=round(start_ms, 2), took_ms=round(took_ms, 2)))

    def trace(self, record: TurnRecord, considered: Considered | None) -> TurnTrace:
        """All of it, when the turn is over."""
        return TurnTrace(
            id=record.id, understood=tuple(self._understood), resolved=tuple(self._resolved), acted=tuple(self._acted),
            considered=None if considered is None else Considering(
                do=considered.verdict.do, reason=considered.verdict.reason, conditions=dict(considered.conditions),
                signals=plain(considered.signals)),
            spans=tuple(sorted(self._spans, key=lambda span: (span.start_ms, -span.took_ms))),
            total_ms=record.timing_ms.get("total", 0.0))


class Traces:
    """Those of the last turns, in memory only."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._traces: OrderedDict[str, TurnTrace] = OrderedDict()

    def keep(self, trace: TurnTrace) -> None:
        self._traces[trace.id] = trace
        while len(self._traces) > self._kept:
            self._traces.popitem(last=False)

    def get(self, turn_id: str) -> TurnTrace | None:
        return self._traces.get(turn_id)


def vitals(outside: Outside, *, model: str, memory_mb: float, turns: int) -> Vitals:
    """What the governor, the budget and the process say now."""
    governor, budget = outside.governor, outside.budget
    power, temperature_c = governor.reading
    spent = budget.spent()
    return Vitals(
        model=model, memory_mb=memory_mb, turns=turns, charging=power.charging, battery_percent=power.percent,
        temperature_c=temperature_c, temperature_limit_c=governor.limits.temperature_c,
        compute_left_s=round(governor.compute_left_s, 2), compute_s=governor.limits.compute_s_per_minute,
        cloud=outside.is_set_up, requests_today=spent.requests, requests_per_day=budget.requests,
        money_today=round(spent.money, 4), money_per_day=budget.money)
