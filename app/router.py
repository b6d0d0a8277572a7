"""Where a turn is answered: on this device, from the household's knowledge, in the cloud, or not at all. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ..engine.interpreter import Intent, Interpretation
from ..skills.home.model import Home
from ..skills.sensitive import DOUBTFUL
from ..skills.weather import is_measured_here
from .cloud import Need
from .events import Route

SURE: Final = 0.35          # an act understood with less confidence is asked about instead of done
SURE_BORNE_OUT: Final = 0.18    # the same, where a thing of this home bears the very name that was understood
SURE_OF_EACH: Final = 0.45  # of several in one sentence: a sentence that was cut wrongly has a part like this
SURE_OF_CLOUD: Final = 0.95  # that it is about the world beyond the house: below, it may be a command that was not understood

NOT_SURE: Final = "I'm not sure what you want. Say it another way?"
ASK_BACK: Final = "What should I do?"
REST_BY_ITSELF: Final = "Ask me the rest by itself."
NO_KNOWLEDGE: Final = "I don't have anything about that."
CHAT: Final = "Mm-hm."

WITHOUT_ACT: Final = frozenset({"NotForUs", "Chat", "Cloud", "Unclear"})


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """What is wanted from beyond the house, as the model judges it. Whether it may leave is the policy's matter."""

    need: Need
    confidence: float                   # of the model, that it is about the world beyond the house
    unknown_here: bool = False          # it was asked of the household's papers and notes first, and they had nothing

    @property
    def sure(self) -> bool:
        return self.confidence >= SURE_OF_CLOUD


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`intents` are those to carry out; without any, `reply` is all that happens. `left_out` tells of parts that are not.

    `beyond`: the whole of it is for the world outside.
    """

    route: Route
    reason: str
    intents: tuple[Intent, ...] = ()
    reply: str = ""
    left_out: str = ""
    beyond: Beyond | None = None


def route(
    interpretation: Interpretation, borne_out: Callable[[Intent], bool] = lambda intent: False, home: Home | None = None,
) -> Decision:
    """Decide by what was understood; the reason goes into the turn record.

    Args:
        borne_out: whether this home has a thing of exactly the name that was understood.
        home: whose weather is measured; None: nobody's.
    """
    acts = tuple(intent for intent in interpretation.intents if intent.intent not in WITHOUT_ACT)
    if not acts:
        return _without_act(interpretation)
    unsure = _unsure(interpretation, borne_out)
    if all(intent in unsure for intent in acts):
        least = min(acts, key=lambda intent: intent.confidence)
        return Decision(route="local", reason=f"{least.intent} with confidence {least.confidence:.2f}", reply=NOT_SURE)
    if unsure:
        return _in_part(tuple(intent for intent in acts if intent not in unsure), unsure)
    if beyond := _weather_elsewhere(interpretation, acts, home or Home()):
        return Decision(route="none", reason="the weather of another place", beyond=beyond)
    rest = REST_BY_ITSELF if any(_is_beyond(intent) for intent in interpretation.intents) else ""
    if any(intent.intent == "AskKnowledge" for intent in acts):
        return Decision(route="knowledge", reason="a question about the household", intents=acts, left_out=rest)
    return Decision(route="local", reason=_named(acts), intents=acts, left_out=rest)


def _is_beyond(intent: Intent) -> bool:
    """It goes out alone or not at all: what else stands in the sentence concerns nobody outside."""
    return intent.intent == "Cloud" and intent.confidence >= SURE_OF_CLOUD


def _weather_elsewhere(interpretation: Interpretation, acts: tuple[Intent, ...], home: Home) -> Beyond | None:
    """What is measured here says nothing of another town."""
    place = acts[0].slots.get("name")
    if len(acts) > 1 or acts[0].intent != "HassGetWeather" or not isinstance(place, str) or is_measured_here(home, place):
        return None
    return Beyond(need="fresh", confidence=_of_its_kind(interpretation))


def _unsure(interpretation: Interpretation, borne_out: Callable[[Intent], bool]) -> tuple[Intent, ...]:
    """The parts of the sentence that were meant for us and not understood well enough to be done."""
    parts = [intent for intent in interpretation.intents if intent.intent not in WITHOUT_ACT - {"Unclear"}]
    least = SURE_OF_EACH if len(parts) > 1 else SURE_BORNE_OUT if parts and borne_out(parts[0]) else SURE
    return tuple(intent for intent in parts if intent.intent == "Unclear" or intent.confidence < least)


def _in_part(clear: tuple[Intent, ...], unsure: tuple[Intent, ...]) -> Decision:
    """What is clear is done and the rest is told. As the sentence may be cut wrongly, nothing of it is clearer than that:
    a sensitive act in it is asked about."""
    least = min(DOUBTFUL, *(intent.confidence for intent in unsure))
    intents = tuple(replace(intent, confidence=min(intent.confidence, least)) for intent in clear)
    reason = f"{_named(clear)}; left out: {_named(unsure)}"
    told = f"I'm not sure about {_part(unsure)}, so I left that."
    return Decision(route="local", reason=reason, intents=intents, left_out=told)


def _part(unsure: tuple[Intent, ...]) -> str:
    """What was heard of it, in the speaker's words."""
    spans = (intent.slots.get(slot) for intent in unsure for slot in ("name", "area", "item", "floor"))
    said = next((span for span in spans if isinstance(span, str)), None)
    return f'"{said}"' if said else "the rest"


def _without_act(interpretation: Interpretation) -> Decision:
    kind = interpretation.intents[0].intent if interpretation.intents else "NotForUs"
    if kind == "Chat":
        return Decision(route="local", reason="a remark, nothing to do", reply=CHAT)
    if kind == "Cloud":
        return _beyond(interpretation)
    if kind == "Unclear":
        return Decision(route="local", reason="meant for us, but what is wanted cannot be told", reply=ASK_BACK)
    return Decision(route="none", reason="not said to us")


def needed(slots: Mapping[str, object]) -> Need:
    """What kind of knowledge a Cloud intent asks for; one that does not say is held to be for a fact."""
    return _NEEDS.get(str(slots.get("need")), "exact")


def _beyond(interpretation: Interpretation) -> Decision:
    beyond = Beyond(need=needed(interpretation.intents[0].slots), confidence=_of_its_kind(interpretation))
    reason = f"{beyond.need} knowledge from beyond the house, {beyond.confidence:.2f}"
    if not beyond.sure:                 # it may be a command for this house: it does not even come before the policy
        return Decision(route="local", reason=f"{reason}: not sure enough", reply=NOT_SURE)
    return Decision(route="none", reason=reason, beyond=beyond)


def _of_its_kind(interpretation: Interpretation) -> float:
    """How sure the model is of the (first) intent itself, whatever its slots: news or prices, it is not for this house."""
    intent, pieces = interpretation.intents[0], interpretation.trace.pieces
    return pieces[0][1] if pieces and pieces[0][0] == f"<I:{intent.intent}>" else intent.confidence


_NEEDS: Final[dict[str, Need]] = {"fresh": "fresh", "long": "long", "exact": "exact"}


def _named(acts: tuple[Intent, ...]) -> str:
    return ", ".join(f"{intent.intent} {intent.confidence:.2f}" for intent in acts)
