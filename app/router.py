"""Where a turn is answered: on this device, from the household's knowledge, in the cloud, or not at all. Pure decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..engine.interpreter import Intent, Interpretation
from .events import Route

SURE: Final = 0.35          # an act understood with less confidence is asked about instead of done

NOT_SURE: Final = "I'm not sure what you want. Say it another way?"
ASK_BACK: Final = "What should I do?"
NO_CLOUD: Final = "I can't look that up from here."
NO_KNOWLEDGE: Final = "I don't have anything about that."
CHAT: Final = "Mm-hm."

WITHOUT_ACT: Final = frozenset({"NotForUs", "Chat", "Cloud", "Unclear"})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`intents` are those to carry out; without any, `reply` is all that happens."""

    route: Route
    reason: str
    intents: tuple[Intent, ...] = ()
    reply: str = ""


def route(interpretation: Interpretation) -> Decision:
    """Decide by what was understood; the reason goes into the turn record."""
    acts = tuple(intent for intent in interpretation.intents if intent.intent not in WITHOUT_ACT)
    if not acts:
        return _without_act(interpretation)
    unsure = min(acts, key=lambda intent: intent.confidence)
    if unsure.confidence < SURE:
        return Decision(route="local", reason=f"{unsure.intent} with confidence {unsure.confidence:.2f}", reply=NOT_SURE)
    if any(intent.intent == "AskKnowledge" for intent in acts):
        return Decision(route="knowledge", reason="a question about the household", intents=acts)
    return Decision(route="local", reason=_named(acts), intents=acts)


def _without_act(interpretation: Interpretation) -> Decision:
    kind = interpretation.intents[0].intent if interpretation.intents else "NotForUs"
    if kind == "Chat":
        return Decision(route="local", reason="a remark, nothing to do", reply=CHAT)
    if kind == "Cloud":
        need = interpretation.intents[0].slots.get("need", "more")
        return Decision(route="none", reason=f"{need} knowledge from beyond the house, and no cloud is set up", reply=NO_CLOUD)
    if kind == "Unclear":
        return Decision(route="local", reason="meant for us, but what is wanted cannot be told", reply=ASK_BACK)
    return Decision(route="none", reason="not said to us")


def _named(acts: tuple[Intent, ...]) -> str:
    return ", ".join(f"{intent.intent} {intent.confidence:.2f}" for intent in acts)
