"""One turn, top to bottom: what was said is understood, routed, grounded in the home, done, and answered.

    async with Assistant.open("config.yaml") as ingle:
        turn = await ingle.ask("turn off the kitchen lights")
        print(turn.reply)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from ..engine.interpreter import Intent, Interpretation
from ..skills import preferences
from ..skills.api import Done, NeedsConfirmation, Turn, Unclear
from ..skills.history import Ask
from ..skills.home.model import Home, Outcome, Publish, ServiceCall
from ..skills.home.resolver import Context, Resolution, is_called, said_of
from ..skills.later import Command as LaterCommand
from ..skills.later import phrase
from ..skills.moments import spoken_moment, spoken_time
from ..skills.registry import Registry
from ..skills.routines import TELLING, Deed, Routine
from ..skills.schema import load_schema
from ..skills.sensitive import DOUBTFUL, check
from ..skills.sentences import OwnSentences
from ..skills.slots import spoken_list
from ..skills.timers import Timer, missed_said
from ..skills.why import Cause
from ..skills.wording import noun_of, sentence
from . import answers
from .bridge import understood_elsewhere
from .config import Config
from .custom import understood_as_own
from .events import Announced, AnnouncedKind, Asked, CommandRecord, IntentRecord, ReplyToken, Route, TurnRecord
from .governor import Limit
from .inside import Traces, Tracing
from .knowledge_link import is_unknown
from .meaning import as_meant, meaning, of_routines, while_ringing, whole_routine
from .outside import SHALL_I, Considered, Outside, Waiting
from .people import People, forbidden, may_ask, refusal
from .router import NO_KNOWLEDGE, Beyond, needed, route
from .services import Clock, Services
from .session import MAX_TRIES, Command, Pending, Session, Sessions
from .typed import plain
from .undo import Stores, before, restoring
from .usual import Usual

log = logging.getLogger(__name__)

WENT_WRONG: Final = "Something went wrong with that."
LATE_S: Final = 120.0           # a reminder this long after its time tells when it should have been
TOO_SLOW: Final = "That took too long, so I gave up."
CANNOT_YET: Final = "I can't do that yet."
NOTHING_TO_UNDO: Final = "There is nothing to undo."
CANNOT_UNDO: Final = "That can't be undone."
NOTHING_ASKED: Final = "I haven't asked anything."
LEFT_IT: Final = "OK, I left it."

_UNASKED: Final[Mapping[AnnouncedKind, str]] = {   # why something is said that nobody asked for
    "reminder": "a reminder is due", "missed": "came due while Ingle was off", "later": "put off until now",
    "routine": "a routine", "broadcast": "to be called out",
}
SEEN: Final = frozenset({"light", "switch", "fan", "cover", "media_player", "vacuum"})   # what shows that it obeyed
NOT_REPEATED: Final = frozenset({"HassRespond", "HassNevermind", "Confirm", "Deny", "Repeat"})   # "again" means what was before

PublishAll = Callable[[Sequence[Publish], Callable[[Publish], None]], Awaitable[None]]
Perform = Callable[[Sequence[ServiceCall], Callable[[Publish], None]], Awaitable[list[Outcome]]]
OnToken = Callable[[ReplyToken], None]


class Understands(Protocol):
    """Text to intents: the engine's `Interpreter`, or a scripted one in tests. Called from a worker thread."""

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation: ...


class Assistant:
    """Answers what is asked about one home. Turns of different sessions run at the same time.

    Args:
        understands: the language model.
        perform: sends service calls to the devices and waits for them (`HomeLink.perform`).
        services: the skills' stores; more may be put into `services.by_name`.
        outside: the way to the cloud, the limits, and the record of what was decided.
        publish: sends messages of the household's own intents (`HomeLink.publish`); None: they cannot send any.
    """

    def __init__(
        self, config: Config, *, understands: Understands, registry: Registry, home: Home, perform: Perform,
        services: Services, outside: Outside, clock: Clock, publish: PublishAll | None = None,
    ) -> None:
        self.home = home
        self.services = services
        services.attach(home)
        self.on_turn: Callable[[TurnRecord], None] = lambda record: None    # hears of every turn, also of those put off
        self.on_announced: Callable[[Announced], None] = lambda said: None  # hears what is said unasked, for who can speak it
        self._config = config
        self._understands = understands
        self._registry = registry
        self._perform = perform
        self._publish = publish
        self._own = OwnSentences(registry.sentences)
        self._people = People(config.people, config.guests)
        self._usual = Usual(services.preferences, self._people, home)
        self._outside = outside
        self._clock = clock
        self.traces = Traces()                  # of the last turns, for who wants to look inside
        self._sessions = Sessions(config.undo_s)
        self._stores = Stores(services.lists, services.timers, services.later)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: Config | str | Path | None = None, *, understands: Understands | None = None
    ) -> AsyncIterator[Assistant]:
        """The whole of Ingle: broker (if embedded), bus, home, model, stores. Ready when entered.

        Args:
            config: a configuration or its file; None: the usual places.
            understands: another model than the configured one.
        Raises: ConfigError, BusError, ModelFileError.
        """
        from .daemon import assembled

        async with assembled(config, understands=understands) as parts:
            yield parts.assistant

    async def ask(
        self, text: str, *, area: str | None = None, session: str | None = None, via: Literal["text", "voice"] = "text",
        speaker: str | None = None,
    ) -> TurnRecord:
        """Answer one utterance. Never raises on what is said."""
        return await self.answer(Asked(text=text, area=area, session=session, via=via, speaker=speaker))

    async def stream(
        self, text: str, *, area: str | None = None, session: str | None = None, via: Literal["text", "voice"] = "text",
        speaker: str | None = None,
    ) -> AsyncIterator[ReplyToken]:
        """The reply to one utterance as it comes, ended by a token with `last`."""
        tokens: asyncio.Queue[ReplyToken] = asyncio.Queue()
        asked = Asked(text=text, area=area, session=session, via=via, speaker=speaker)
        answering = asyncio.create_task(self.answer(asked, on_token=tokens.put_nowait))
        try:
            while True:
                token = await tokens.get()
                yield token
                if token.last:
                    break
        finally:
            await asyncio.shield(answering)     # whoever stops listening does not stop the act half-way

    async def answer(self, asked: Asked, *, on_token: OnToken = lambda token: None) -> TurnRecord:
        """Answer one `Asked`; turns of one session wait for one another."""
        session = self._sessions.of(asked)
        async with session.lock:
            session.begin(asked.area)
            work = _Work(asked, session, on_token)
            work.secret = answers.tells_code(asked.text, session.pending, pin=self._config.sensitive.pin)
            try:
                with self.services.causes.acting(self._cause("said", work)):
                    await self._within_limits(work)
            except Exception:
                log.exception("turn %s failed", asked.id)
                work.say(WENT_WRONG)
        return self._finish(work)

    async def act_later(self, command: LaterCommand) -> None:
        """Do now what was put off; `on_turn` hears what came of it."""
        asked = Asked(text=command.text, area=command.area, via=_via(command.via), speaker=command.speaker)
        session = Session()
        session.begin(command.area)
        session.mention(command.recent, command.recent_area)
        work = _Work(asked, session, lambda token: None)
        work.route, work.reasons = "local", ["put off until now"]
        with self.services.causes.acting(self._cause("later", work)):
            await self._carry_out(work, Command(intent=command.intent, slots=command.slots))
        if work.question is not None:
            work.say("Nobody was there to answer, so I left it.")
        self._finish(work)
        self._announce("later", work, command.session)

    def missed(self, command: LaterCommand) -> None:
        """Tell (`on_turn`) of what was put off and came due while Ingle was off: too late to be wanted."""
        work = _Work(Asked(text=command.text, area=command.area), Session(), lambda token: None)
        work.route, work.reasons = "local", ["came due while Ingle was off"]
        when = spoken_moment(command.due, self._clock())
        work.say(f"I was off {when}, so I did not {phrase(command.intent, command.slots)}.")
        log.warning("not done, as it came due while Ingle was off: %s (%r)", command.intent, command.text)
        self._finish(work)
        self._announce("missed", work, command.session)

    def timer_due(self, timer: Timer) -> None:
        """A reminder is told, and what was missed; what rings is heard by itself."""
        if timer.state == "missed" or timer.kind in ("reminder", "event"):
            kind: Literal["missed", "reminder"] = "missed" if timer.state == "missed" else "reminder"
            self.tell(missed_said(timer) if kind == "missed" else _reminding(timer, self._clock()), kind=kind,
                      text=str(timer.name or timer.label), area=timer.area, session=timer.session, speaker=timer.speaker)

    def tell(
        self, said: str, *, kind: AnnouncedKind, text: str, area: str | None = None, session: str | None = None,
        speaker: str | None = None,
    ) -> None:
        """Say something unasked: a turn record without a question, and an announcement for who can speak it."""
        work = _Work(Asked(text=text, area=area, session=session, speaker=speaker), Session(), lambda token: None)
        work.route, work.reasons = "local", [_UNASKED[kind]]
        work.say(said)
        self._finish(work)
        self._announce(kind, work, session)

    def _announce(self, kind: AnnouncedKind, work: _Work, session: str | None) -> None:
        asked = work.asked
        self.on_announced(Announced(id=asked.id, text=" ".join(work.replies), kind=kind, area=asked.area, session=session,
                                    speaker=asked.speaker))

    def _cause(self, kind: Literal["said", "later"], work: _Work) -> Cause:
        asked = work.asked
        text = answers.HIDDEN if work.secret or answers.names_code(asked.text) else asked.text
        return Cause(kind=kind, turn_id=asked.id, text=text, at=self._clock(), speaker=asked.speaker, area=asked.area)

    # routines

    async def run_routine(self, routine: Routine, because: str, chain: tuple[str, ...]) -> None:
        """Do what a routine says, as it was set off; `on_turn` hears what came of it."""
        work = _Work(Asked(text=routine.do, area=routine.area, speaker=routine.speaker), Session(), lambda token: None)
        work.session.begin(routine.area)
        await self._do_routine(work, routine, because, chain)
        if work.question is not None:
            work.say("Nobody was there to answer, so I left it.")
        record = self._finish(work)
        if work.question is not None or not record.intents:
            self._announce("routine", work, None)

    def routine_stopped(self, routine: Routine, said: str) -> None:
        self.tell(said, kind="routine", text=routine.do, area=routine.area)

    async def _do_routine(self, work: _Work, routine: Routine, because: str, chain: tuple[str, ...]) -> None:
        """Its words are understood as when it was saved; what they do was confirmed then."""
        work.route = "local"
        work.reasons.append(f'the routine "{routine.name}": {because}')
        telling = TELLING.match(routine.do.strip())
        if telling is not None:
            work.say(f"{sentence(telling['what'] or because)}.")
            return
        cause = Cause(kind="routine", turn_id=work.asked.id, text=routine.do, at=self._clock(), routine=routine.name,
                      trigger=because, chain=chain, speaker=routine.speaker, area=routine.area)
        with self.services.causes.acting(cause):
            commands = await self._clause(routine.do, work.session.context)
            for command in commands:
                await self._carry_out(work, command, confirmed=True, text=routine.do)
        if not commands:
            work.say(f'I don\'t understand "{routine.do}", which the routine "{routine.name}" says.')

    async def _clause(self, text: str, context: Context) -> list[Command]:
        """What a clause would have done, in this home's words; [] unless all of it is understood."""
        understood = await asyncio.to_thread(self._understood, Asked(text=text, area=context.area), False, False)
        decision = route(understood, lambda intent: is_called(self.home, intent.slots.get("name")), self.home)
        if decision.left_out or decision.beyond is not None:
            return []
        return [Command(intent=each.intent, slots=self._values(each.intent, each.slots, context, text)[0],
                        confidence=each.confidence) for each in as_meant(self.home, decision.intents, text)]

    async def _deeds(self, text: str, turn: Turn) -> Sequence[Deed]:
        """`turn.services["interpret"]`."""
        return [Deed(command.intent, command.slots) for command in await self._clause(text, turn.context)]

    async def ask_waiting(self, waiting: Waiting) -> None:
        """Ask the cloud now what was put off until it could be; `on_turn` hears the answer."""
        work = _Work(waiting.asked, Session(), lambda token: None)
        work.reasons.append("put off until now")
        work.say(f"You wanted to know: {waiting.asked.text.strip()}")
        await self._ask_outside(work, Beyond(need=waiting.need, confidence=1.0), waiting.asked)
        self._finish(work)
        self._announce("later", work, waiting.asked.session)

    # one turn

    async def _within_limits(self, work: _Work) -> None:
        """The turn, unless too much is going on for even a device command."""
        with self._outside.governor.turn() as limit:
            if limit is not None:
                work.stop_at(limit)
                return
            await self._turn(work)

    async def _turn(self, work: _Work) -> None:
        pending = work.session.pending
        routine = self.services.routines.said(work.asked.text)
        if routine is not None:
            await self._do_routine(work, routine, f'you said "{work.asked.text.strip()}"', (routine.name,))
            self._ask_what_is_open(work)
            return
        understood = await self._interpret(work, asked=pending is not None)
        if pending is not None and await self._answered(work, pending, understood.intents):
            return
        if await self._is_liking(work, understood):
            return
        understood = replace(understood, intents=while_ringing(
            whole_routine(understood.intents, work.asked.text), self.services.timers.rings))
        decision = route(understood, lambda intent: is_called(self.home, intent.slots.get("name")), self.home)
        work.route = decision.route
        work.reasons.append(decision.reason)
        work.say(decision.reply)
        if decision.beyond is not None:
            await self._consider_outside(work, decision.beyond)
        intents = of_routines(decision.intents, work.asked.text, self.services.routines)
        for intent in as_meant(self.home, intents, work.asked.text):
            await self._do(work, intent)
        work.say(decision.left_out)
        self._ask_what_is_open(work)

    async def _interpret(self, work: _Work, *, asked: bool) -> Interpretation:
        began = time.perf_counter()
        likes = self._usual.counts_for(work.asked)
        understood = await asyncio.to_thread(self._understood, work.asked, asked, likes)
        work.timing["interpret"] = _ms_since(began)
        self._outside.governor.charge(work.timing["interpret"] / 1000)
        work.tracing.understood(work.asked.text, understood, began)
        work.resolving_since = time.perf_counter()
        return understood

    def _understood(self, asked: Asked, after_question: bool, likes: bool) -> Interpretation:
        """As one of the household's own sentences, as asking for what is liked, as a board did, else by the model."""
        own = understood_as_own(self._own, asked.text, self.home, asked.area)
        usual = self._usual.hear(asked) if likes and own is None else None
        if usual is not None:
            return Interpretation(intents=(usual,), confidence=usual.confidence)
        return own or understood_elsewhere(asked) or self._understands.interpret(asked.text, asked=after_question)

    async def _is_liking(self, work: _Work, understood: Interpretation) -> bool:
        """Whether this told what somebody likes; if so, it is remembered and nothing is done."""
        liked = await asyncio.to_thread(
            self._usual.told, work.asked, understood.intents, lambda text: self._understands.interpret(text).intents,
            lambda intent, slots: meaning(self.home, intent, slots, work.session.context, work.asked.text)[0])
        if liked:
            work.route = "local"
            work.reasons.append("told what is liked")
            work.note(Command(intent="Remember", slots={"message": work.asked.text}), ())
            work.say(self._usual.keep(liked))
        return bool(liked)

    async def _do_usual(self, work: _Work, intent: Intent) -> None:
        """What is liked is done, told or forgotten."""
        meant = self._usual.meant(work.asked, intent.slots)
        if intent.intent == preferences.APPLY and meant:
            for one in meant:
                await self._carry_out(work, Command(intent=one.intent, slots=one.slots))
            return
        work.note(Command(intent=intent.intent, slots=intent.slots), ())
        work.say(self._usual.answer(intent.intent, meant))

    async def _do(self, work: _Work, intent: Intent) -> None:
        """One intent of the sentence: those of the conversation here, all others by their skill."""
        session = work.session
        if intent.intent == "Repeat" and session.last is not None:
            command = answers.repeated(session.last, self._grounded(work, "Repeat", intent.slots), self.home)
            sure = min(intent.confidence, DOUBTFUL)    # "what did you say?" must not open the door once more
            await self._carry_out(work, replace(command, confidence=sure), chosen=command.entities)
        elif intent.intent in preferences.INTENTS:
            await self._do_usual(work, intent)
        elif intent.intent == "Undo" and "Undo" not in self._registry:
            await self._undo(work, intent)
        elif intent.intent in ("Confirm", "Deny") and intent.intent not in self._registry:
            work.say(NOTHING_ASKED if intent.intent == "Confirm" else LEFT_IT)
        else:
            slots = self._grounded(work, intent.intent, intent.slots)
            await self._carry_out(work, Command(intent=intent.intent, slots=slots, confidence=intent.confidence))

    def _grounded(self, work: _Work, intent: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """The slots as values, in this home's words. What could not be read is told in the record."""
        said = self._people.at_home(said, work.asked.speaker, work.asked.text)
        slots, unread = self._values(intent, said, work.session.context, work.asked.text)
        work.reasons += unread
        return slots

    def _values(self, intent: str, said: Mapping[str, Any], context: Context, text: str) -> tuple[dict[str, Any], list[str]]:
        if intent not in load_schema()["intents"]:      # the household's own, or a skill's: its sentences gave the values
            return dict(said), []
        return meaning(self.home, intent, said, context, text)

    async def _carry_out(
        self, work: _Work, command: Command, *, chosen: tuple[str, ...] = (), confirmed: bool = False,
        text: str | None = None,
    ) -> None:
        """Hand the command to its skill; what it says, asks or breaks becomes part of the turn."""
        if command.intent == "Cloud":           # a yes to "Shall I?"
            await self._agreed_outside(work, command, text or work.asked.text)
            return
        if command.intent == "AskKnowledge" and (limit := self._outside.governor.beyond_commands()) is not None:
            work.stop_at(limit)
            return
        if command.intent not in self._registry:
            work.note(command, ())
            work.say(NO_KNOWLEDGE if work.route == "knowledge" else CANNOT_YET)
            return
        person = self._people.of(work.asked.speaker, work.asked.via)
        if person is not None and not may_ask(person, command.intent):
            work.note(command, ())
            work.say(f"{person.name} may not do that.")
            return
        turn = self._skill_turn(work, command, chosen=chosen, confirmed=confirmed, text=text)
        stored = self._stores.stored(command.intent)
        try:
            async with asyncio.timeout(self._registry.timeout_s(command.intent)):
                done = await self._registry.handle(command.intent, command.slots, turn)
        except Unclear as question:
            work.note(command, ())
            work.open_question(question, command, self._config.question_s, chosen=chosen)
        except TimeoutError:
            log.error("turn %s: the skill of %s took too long", work.asked.id, command.intent)
            work.note(command, ())
            work.say(TOO_SLOW)
        except Exception:   # a skill, maybe a stranger's: the turn goes on
            log.exception("turn %s: the skill of %s failed", work.asked.id, command.intent)
            work.note(command, ())
            work.say(WENT_WRONG)
        else:
            self._done(work, command, done)
            if command.intent == "AskKnowledge" and is_unknown(done.facts):
                await self._offer_outside(work)
        if (put_back := self._stores.put_back(stored)) is not None:
            work.session.undo.record_put_back(work.asked.id, put_back)

    def _done(self, work: _Work, command: Command, done: Done) -> None:
        entities = tuple(done.entities)
        work.note(command, entities, done.slots)
        work.session.mention(entities, _common_area(self.home, entities))
        if command.intent not in NOT_REPEATED:
            work.session.last = replace(command, entities=entities)
        work.sources += done.sources
        if self._config.brief and self._is_seen(work.asked, done):
            work.reasons.append("seen in the room, without words")
        else:
            work.say(done.reply)
        if done.asks:
            work.open_question(Unclear(done.asks), command, self._config.question_s)

    def _is_seen(self, asked: Asked, done: Done) -> bool:
        """Whether who spoke sees it happen: all of it in that room, and as it was asked for."""
        entities = [self.home.entities[one] for one in done.entities if one in self.home.entities]
        here = asked.via == "voice" and asked.area is not None and bool(entities)
        seen = all(one.area == asked.area and one.domain in SEEN for one in entities)
        outcomes = [one for one in done.facts if isinstance(one, Outcome)]
        return here and seen and bool(outcomes) and all(one.status == "confirmed" for one in outcomes) and not done.asks

    def _skill_turn(
        self, work: _Work, command: Command, *, chosen: tuple[str, ...] = (), confirmed: bool = False,
        text: str | None = None,
    ) -> Turn:
        asked = work.asked
        return Turn(
            id=asked.id, text=asked.text if text is None else text, area=asked.area, via=asked.via, speaker=asked.speaker,
            session=asked.session, now=self._clock(), home=self.home, context=work.session.context, confirmed=confirmed,
            chosen=chosen, confidence=command.confidence, perform=lambda calls: self._act(work, calls), explain=work.explain,
            services={
                **self.services.by_name, "interpret": self._deeds, "undo": work.session.undo, "publish": self._publisher(work),
            },
        )

    def _publisher(self, work: _Work) -> Callable[[Sequence[Publish]], Awaitable[None]] | None:
        """Sends messages and notes them in the turn's record."""
        publish = self._publish
        if publish is None:
            return None

        async def send(messages: Sequence[Publish]) -> None:
            work.acting()
            await publish(messages, work.sent)

        return send

    async def _act(self, work: _Work, calls: Sequence[ServiceCall]) -> list[Outcome]:
        """Send the calls, wait for the devices, remember how it was before. Raises: Unclear: the speaker may not."""
        person = self._people.of(work.asked.speaker, work.asked.via)
        if person is not None and (denied := forbidden(person, calls, self.home)) is not None:
            raise Unclear(refusal(person, *denied))
        was = before(self.home, calls)
        work.acting()
        began = time.perf_counter()
        self.services.causes.sent(call.entity_id for call in calls)
        outcomes = await self._perform(calls, work.sent)
        work.timing["confirm"] = work.timing.get("confirm", 0.0) + _ms_since(began)
        work.tracing.acted(outcomes, began)
        work.session.undo.record(work.asked.id, was, outcomes)
        work.resolving_since = time.perf_counter()
        return outcomes

    # beyond the house

    async def _consider_outside(self, work: _Work, beyond: Beyond) -> None:
        """What this house cannot answer goes out if the policy lets it; else what is so is said, and offered."""
        if (limit := self._outside.governor.beyond_commands()) is not None:
            work.stop_at(limit)
            return
        considered = work.considered = await self._outside.consider(beyond, work.asked)
        work.reasons.append(considered.verdict.reason)
        if considered.verdict.do == "cloud":
            await self._ask_outside(work, beyond, work.asked)
        elif considered.verdict.do in ("ask", "later"):
            slots = {"need": beyond.need, "unknown_here": beyond.unknown_here, "later": considered.verdict.do == "later"}
            command = Command(intent="Cloud", slots=slots)
            work.open_question(NeedsConfirmation(considered.reply), command, self._config.question_s)
        else:
            work.say(considered.reply)

    async def _offer_outside(self, work: _Work) -> None:
        """The household's papers had nothing: where it may be asked outside, that is offered; it never goes out by itself."""
        beyond = Beyond(need="exact", confidence=1.0, unknown_here=True)
        considered = await self._outside.consider(beyond, work.asked)
        if considered.verdict.do in ("ask", "cloud"):
            work.considered = considered
            command = Command(intent="Cloud", slots={"need": beyond.need, "unknown_here": True})
            work.open_question(NeedsConfirmation(SHALL_I), command, self._config.question_s)

    async def _agreed_outside(self, work: _Work, command: Command, text: str) -> None:
        """The person said yes: to asking outside now, or to doing it later."""
        beyond = Beyond(need=needed(command.slots), confidence=1.0, unknown_here=bool(command.slots.get("unknown_here")))
        asked = replace(work.asked, text=text)
        if command.slots.get("later"):
            work.say(self._outside.keep(beyond, asked))
            return
        considered = work.considered = await self._outside.consider(beyond, asked, confirmed=True)
        work.reasons.append(considered.verdict.reason)
        if considered.verdict.do == "cloud":
            await self._ask_outside(work, beyond, asked)
        else:
            work.route = "none"
            work.say(considered.reply)

    async def _ask_outside(self, work: _Work, beyond: Beyond, asked: Asked) -> None:
        """What the cloud says is said, sentence by sentence as it comes, and nothing else is done with it."""
        work.route = "cloud"
        began = time.perf_counter()
        async for said in self._outside.answer(beyond, asked):
            work.timing.setdefault("first_sentence", _ms_since(began))
            work.say(said)
        work.timing["cloud"] = _ms_since(began)
        work.tracing.span("cloud", began)

    # questions and their answers

    async def _answered(self, work: _Work, pending: Pending, intents: Sequence[Intent]) -> bool:
        """Whether this was an answer to the open question; if so, it is dealt with."""
        session, policy = work.session, self._config.sensitive
        answer = answers.read_answer(
            pending, work.asked.text, intents, home=self.home, pin=policy.pin, needs_pin=_is_sensitive(pending),
        )
        if answer.kind == "none":
            return False                        # not said to us: the question stays open
        session.pending = None
        if answer.kind == "other":
            return False
        work.route = "local"
        work.reasons.append(f"{answer.kind} to {pending.question!r}")
        if answer.kind == "wrong":
            self._ask_again(work, pending, answer.reply)
        elif answer.kind == "no":
            work.say(LEFT_IT)
        else:
            await self._complete(work, pending, answer)
            self._ask_what_is_open(work)
        return True

    async def _complete(self, work: _Work, pending: Pending, answer: answers.Answer) -> None:
        """The original command, with what the answer adds."""
        session, command = work.session, pending.command
        session.offer(pending.choices)
        if answer.kind == "yes":
            await self._carry_out(work, command, chosen=pending.chosen, confirmed=True, text=pending.text)
        elif answer.kind == "picked" and answer.chosen[0] in self.home.entities:
            await self._carry_out(work, command, chosen=answer.chosen, text=pending.text)
        elif answer.kind == "picked":
            slot = "name" if "name" in load_schema()["intents"][command.intent]["slots"] else "trigger"     # of a routine
            await self._carry_out(work, replace(command, slots={**command.slots, slot: answer.chosen[0]}), text=pending.text)
        else:
            added = self._grounded(work, command.intent, _known(command.intent, answer.slots))
            await self._carry_out(work, replace(command, slots={**command.slots, **added}), text=pending.text)

    def _ask_again(self, work: _Work, pending: Pending, reply: str) -> None:
        work.say(reply if pending.tries < MAX_TRIES else LEFT_IT)
        if pending.tries < MAX_TRIES:
            work.session.pending = replace(pending, tries=pending.tries + 1)

    def _ask_what_is_open(self, work: _Work) -> None:
        """The question comes last, after what was done."""
        if work.question is not None:
            work.say(work.question.question)
            work.session.pending = work.question
            work.session.offer(work.question.choices)

    # undo

    async def _undo(self, work: _Work, intent: Intent) -> None:
        """Put back what the last act changed; one that would open the house is asked about like any other."""
        # "no, I meant the desk lamp": a name that is not the undo's own must not be read into it
        slots = self._grounded(work, "Undo", intent.slots) if intent.slots else {}
        command = Command(intent="Undo", slots=slots, confidence=intent.confidence)
        work.note(command, ())
        was = work.session.undo.take(self._meant_by_undo(work, command))
        if not was:
            work.say(NOTHING_TO_UNDO)
            return
        for put_back in was.put_back:
            work.say(put_back())
        known = [(self.home.entities[one.entity_id], one) for one in was.before if one.entity_id in self.home.entities]
        calls = [(entity, call) for entity, one in known for call in restoring(entity, one)]
        if not calls:
            work.say("" if was.put_back else CANNOT_UNDO)
            return
        try:
            check(self._skill_turn(work, command), calls)
        except NeedsConfirmation:
            work.say("That would open the house again. Say so by name.")
            return
        outcomes = await self._act(work, [call for _, call in calls])
        work.session.undo.take()                # an undo is not itself undone by the next one
        entities = tuple(dict.fromkeys(outcome.call.entity_id for outcome in outcomes))
        work.intents[-1] = replace(work.intents[-1], entities=entities)
        work.say(_undone(self.home, outcomes))

    def _meant_by_undo(self, work: _Work, command: Command) -> Callable[[str], bool]:
        """Which devices' last change is to be undone: those named, else whichever it was."""
        if not any(command.slots.get(slot) for slot in ("name", "area", "floor", "domain", "device_class")):
            return lambda entity_id: True
        try:
            found = self._skill_turn(work, command).resolve(said_of(command.slots, work.asked.text))
        except Unclear:
            return lambda entity_id: True
        ids = {entity.entity_id for entity in found.entities}
        return lambda entity_id: entity_id in ids

    def _finish(self, work: _Work) -> TurnRecord:
        record = work.finish()
        if record.intents and not work.secret:
            self.services.history.asked(_kept(work, self._clock().timestamp()))
        self._outside.record(record, work.considered, work.limit)
        if not work.secret:
            self.traces.keep(work.tracing.trace(record, work.considered))
        self.on_turn(record)
        return record


@dataclass
class _Work:
    """A turn while it is worked on: what the record will say."""

    asked: Asked
    session: Session
    on_token: OnToken
    began: float = field(default_factory=time.perf_counter)
    route: Route = "none"
    reasons: list[str] = field(default_factory=list)
    intents: list[IntentRecord] = field(default_factory=list)
    commands: list[CommandRecord] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    sources: tuple[str, ...] = ()
    timing: dict[str, float] = field(default_factory=dict)
    question: Pending | None = None
    resolving_since: float | None = None
    tokens: int = 0
    tracing: Tracing = field(default_factory=Tracing)
    secret: bool = False            # what was said is the household's PIN
    considered: Considered | None = None    # whether to ask outside
    limit: Limit | None = None      # that was met

    def say(self, text: str) -> None:
        """Add a sentence to the reply and send it on its way."""
        if not text:
            return
        for word in (f" {text}" if self.replies else text).split(" "):
            piece = word if self.tokens == 0 else f" {word}"
            if piece.strip():
                self._emit(piece)
        self.replies.append(text)

    def note(self, command: Command, entities: tuple[str, ...], slots: Mapping[str, Any] | None = None) -> None:
        said = command.slots if slots is None else slots
        self.intents.append(IntentRecord(
            intent=command.intent, slots=plain({name: value for name, value in said.items() if value is not None}),
            entities=entities, confidence=round(command.confidence, 4),
        ))

    def open_question(
        self, question: Unclear, command: Command, lasts_s: float, *, chosen: tuple[str, ...] = ()
    ) -> None:
        """Remember the first question of the turn; what else is unclear waits until it is asked for again."""
        if not _wants_answer(question):
            self.say(question.question)
        elif self.question is None:
            self.question = Pending(
                question=question.question, command=command, text=self.asked.text, choices=question.choices,
                labels=question.labels, confirms=isinstance(question, NeedsConfirmation), chosen=chosen,
                expires_at=time.monotonic() + lasts_s,
            )

    def stop_at(self, limit: Limit) -> None:
        """What is too much is told and goes on record."""
        self.limit = limit
        self.route = "none"
        self.reasons.append(f"limit {limit.name}: {limit.detail}")
        self.say(limit.told)

    def explain(self, resolution: Resolution) -> None:
        self.tracing.resolved(resolution)
        if resolution.reason:
            self.reasons.append(resolution.reason)

    def acting(self) -> None:
        if self.resolving_since is not None:
            self.timing["resolve"] = self.timing.get("resolve", 0.0) + _ms_since(self.resolving_since)
            self.tracing.span("resolve", self.resolving_since)
            self.resolving_since = None

    def sent(self, message: Publish) -> None:
        self.commands.append(CommandRecord(topic=message.topic, payload=message.payload))
        self.timing.setdefault("act", _ms_since(self.began))    # from being asked to the first command on the bus

    def finish(self) -> TurnRecord:
        self.acting()
        self._emit("", last=True)
        self.timing["total"] = _ms_since(self.began)
        return TurnRecord(
            id=self.asked.id, text=self.told, area=self.asked.area, route=self.route, reason="; ".join(self.reasons),
            intents=tuple(map(_without_code, self.intents)), commands=tuple(self.commands),
            reply=" ".join(self.replies),
            sources=self.sources,
            timing_ms={name: round(value, 2) for name, value in self.timing.items()},
        )

    @property
    def codes(self) -> list[str]:
        return [str(one.slots["code"]) for one in self.intents if one.slots.get("code")]

    @property
    def told(self) -> str:
        """What was said, without the PIN or a panel's code: records go to everyone on the bus, and to the disk."""
        return answers.HIDDEN if self.secret else answers.without_codes(self.asked.text, self.codes)

    def _emit(self, piece: str, *, last: bool = False) -> None:
        self.on_token(ReplyToken(id=self.asked.id, index=self.tokens, token=piece, last=last))
        self.tokens += 1


def _without_code(intent: IntentRecord) -> IntentRecord:
    return replace(intent, slots={**intent.slots, "code": answers.HIDDEN}) if intent.slots.get("code") else intent


def _kept(work: _Work, at: float) -> Ask:
    """What is remembered of a turn: never a code."""
    intents = tuple(
        {"intent": one.intent, "slots": {slot: value for slot, value in one.slots.items() if slot != "code"},
         "entities": list(one.entities)}
        for one in work.intents
    )
    asked = work.asked
    return Ask(at=at, text=work.told, session=asked.session, speaker=asked.speaker, area=asked.area, intents=intents)


def _reminding(timer: Timer, now: datetime) -> str:
    """"Anna, a reminder: feed the cat."; of one that comes late, when it should have been."""
    late = timer.ends_at is not None and now.timestamp() - timer.ends_at.timestamp() > LATE_S
    when = f" for {spoken_time(timer.ends_at)}" if late and timer.ends_at else ""
    if timer.kind == "event" and timer.moment is not None:
        return f"Coming up: {timer.name}, {spoken_moment(timer.moment, now)}."
    said = f"a reminder{when}: {timer.name}."
    return f"{timer.speaker[:1].upper()}{timer.speaker[1:]}, {said}" if timer.speaker else f"A{said[1:]}"


def _wants_answer(question: Unclear) -> bool:
    """ "I don't know a printer." is told, not asked: what is said next is no answer to it."""
    return bool(question.choices) or isinstance(question, NeedsConfirmation) or "?" in question.question


def _is_sensitive(pending: Pending) -> bool:
    """Confirmations of acts on devices want the PIN where there is one; "clear the list?" wants a yes."""
    return pending.confirms and any("." in choice for choice in pending.choices) and not pending.labels


def _known(intent: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    known = load_schema()["intents"].get(intent, {"slots": slots})["slots"]
    return {slot: value for slot, value in slots.items() if slot in known}


def _common_area(home: Home, entities: Sequence[str]) -> str | None:
    areas = {home.entities[one].area for one in entities if one in home.entities}
    return areas.pop() if len(areas) == 1 else None


def _undone(home: Home, outcomes: Sequence[Outcome]) -> str:
    names = [noun_of(home.entities[one.call.entity_id]).text for one in outcomes if one.status not in ("silent", "unsupported")]
    silent = [noun_of(home.entities[one.call.entity_id]).text for one in outcomes if one.status == "silent"]
    told = [f"Put back {spoken_list(list(dict.fromkeys(names)))}."] if names else []
    return " ".join([*told, *(sentence(f"{name} didn't answer.") for name in dict.fromkeys(silent))]) or CANNOT_UNDO


def _via(via: str) -> Literal["text", "voice"]:
    return "voice" if via == "voice" else "text"


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
