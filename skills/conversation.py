"""Small talk about Ingle itself, and the words that only mean something after something else: yes, no, never mind.

The app answers "yes" and "no" to an open question, "the same for the bedroom" and "undo that" itself, as it alone knows the
conversation; what comes here has nothing to confirm, deny or repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Done, Turn, skill
from .later import LaterStore, phrase
from .timers import TimerStore, stop_ringing

JUST_NOW_S = 120.0          # "cancel that" is about what was set within this


@skill
class Nevermind:
    """Leave it; while something rings, silence it; "cancel that" takes back what was just set. "never mind" -> "Okay." """

    intent = "HassNevermind"

    @dataclass(frozen=True)
    class Slots:
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        timers: TimerStore | None = turn.services.get("timers")
        stopped = stop_ringing(timers) if timers is not None else None
        taken_back = cancel_newest(turn) if re.search(r"\b(?:cancel|scrap|delete|stop|forget)\b", turn.text.lower()) else None
        return stopped or taken_back or Done(reply="Okay.")


def cancel_newest(turn: Turn) -> Done | None:
    """Take back the timer, alarm, reminder or command for later that was set just now in this conversation; None: none was."""
    since = turn.now.timestamp() - JUST_NOW_S
    timers: TimerStore | None = turn.services.get("timers")
    later: LaterStore | None = turn.services.get("later")
    timer = timers.newest(turn.session, turn.area, since) if timers is not None else None
    command = later.newest(turn.session, turn.area, since) if later is not None else None
    if command is not None and later is not None and (timer is None or command[0] >= timer[0]):
        later.cancel(command[1].id)
        return Done(reply=f"Cancelled: I won't {phrase(command[1].intent, command[1].slots)}.", facts=(command[1],))
    if timer is not None and timers is not None:
        timers.cancel(timer[1])
        what = f"the reminder: {timer[1].name}" if timer[1].kind == "reminder" else f"the {timer[1].label}"
        return Done(reply=f"Cancelled {what}.", facts=(timer[1],))
    return None


@skill
class Respond:
    """Small talk with or about Ingle. "good morning" -> "Good morning." """

    intent = "HassRespond"

    @dataclass(frozen=True)
    class Slots:
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        text = " ".join(re.findall(r"[a-z']+", turn.text.lower().replace("’", "'")))
        for pattern, reply in _REPLIES:
            if re.search(pattern, text):
                return Done(reply=reply if isinstance(reply, str) else reply(turn))
        return Done(reply="I'm here. What can I do?")


def _greeting(turn: Turn) -> str:
    said = re.search(r"\b(morning|afternoon|evening)\b", turn.text.lower())
    if said is not None:
        return f"Good {said[1]}."
    hour = turn.now.hour
    part = "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
    return f"Good {part}."


def _can_do(turn: Turn) -> str:
    """What this home has, so that nothing is promised that is not there."""
    domains = {entity.domain for entity in turn.home.entities.values() if entity.exposed}
    things = [name for domain, name in (("light", "lights"), ("cover", "blinds"), ("climate", "heating"),
                                        ("media_player", "music"), ("lock", "locks")) if domain in domains]
    kept = "timers, reminders and lists"
    return f"I look after {', '.join(things)}, {kept}, and I answer questions about the house." if things else (
        f"I keep {kept}; devices appear here as soon as they announce themselves.")


# The first that fits is said. What is asked about Ingle is answered truly; the rest is manners.
_REPLIES: tuple[tuple[str, str | Callable[[Turn], str]], ...] = (
    (r"\bwhat (?:all |else )?(?:can|could|do|are) (?:you|i)\b.*\b(?:do|say|ask|help|able|for|control)\b|\bhow can you help\b"
     r"|\bwhat (?:skills|commands|things)\b|^help\b|\bwhat are you good\b|\bhow do (?:i|you) (?:use|work)\b", _can_do),
    (r"\blisten(?:ing)?\b|\brecord(?:ing)?\b|\bspy(?:ing)?\b|\bhear me\b",
     "What you say to me is worked out on this device, and I only act on what is said to me."),
    (r"\bmy data\b|\bprivacy\b|\bprivate\b|\bthe cloud\b|\binternet\b",
     "What you say is worked out on this device. Anything sent elsewhere is listed by the command ingle audit."),
    (r"\bwho (?:made|built|created|wrote|makes) you\b|\bwhere (?:do|are) you (?:come )?from\b",
     "I'm Ingle, an open source assistant that runs in this house."),
    (r"\byour name\b|\bwho are you\b|\bwhat are you\b|\bwho(?:'s| is) (?:this|there)\b|\bintroduce yourself\b",
     "I'm Ingle, the assistant of this house."),
    (r"\b(?:robot|bot|human|real|alive|person|ai)\b", "I'm Ingle, a program in this house."),
    (r"\bhow old\b|\bbirthday\b", "I'm as old as my last update."),
    (r"\bhow (?:are|r|is|have|goes|you)\b|\bhow's\b|\bhows\b|\bare you (?:ok|okay|well|doing)\b|\bwhat's up\b",
     "All well here, thank you."),
    (r"\bgood ?night\b|\bsleep well\b", "Good night."),
    (r"\bthank|\bthanks\b|\bcheers\b|\bta\b|\bappreciate|\bgrateful\b|\bgratitude\b", "You're welcome."),
    (r"\bbye\b|\bgoodbye\b|\bsee (?:you|ya)\b|\bfarewell\b|\blater\b|\bso long\b|\bcheerio\b", "Goodbye."),
    (r"\bsorry\b|\bapologi[sz]e\b", "No harm done."),
    (r"\bgood (?:job|work|one|girl|boy|bot)\b|\bwell done\b|\bnice\b|\bgreat\b|\bclever\b|\blove you\b|\bthe best\b",
     "Thank you."),
    (r"\bhello\b|\bhi\b|\bhey\b|\bhiya\b|\bhowdy\b|\bgood (?:morning|afternoon|evening|day)\b|\bmorning\b|\bevening\b|\byo\b",
     _greeting),
)


@skill
class Answer:
    """A yes or no with nothing open. "yes" -> "There is nothing to confirm." """

    intents = ("Confirm",)

    @dataclass(frozen=True)
    class Slots:
        name: str | None = None
        area: str | None = None
        floor: str | None = None
        domain: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        return Done(reply="There is nothing to confirm.")


@skill
class Deny:
    """A no with nothing open. "no" -> "All right, I'm not doing anything." """

    intent = "Deny"

    @dataclass(frozen=True)
    class Slots:
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        return Done(reply="All right, I'm not doing anything.")


@skill
class Repeat:
    """The last command again, with nothing to repeat. "and the bedroom too" -> "There is nothing to repeat." """

    intent = "Repeat"

    @dataclass(frozen=True)
    class Slots:
        rest: Mapping[str, Any] = field(default_factory=dict)  # whatever it names: there is nothing to apply it to

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        return Done(reply="There is nothing to repeat. Tell me what to do.")
