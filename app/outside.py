"""The way out of the house: whether a request may go to the cloud, what of it leaves, what comes back, and the record of it all.

    considered = await outside.consider(beyond, asked)      # signals read, the policy applied: pure but for the reading
    async for sentence in outside.answer(beyond, asked): …  # sent, with everything private taken out; sentences to be spoken

What was put off ("I can look that up when I'm plugged in") is kept on disk and asked when the policy lets it out.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from ..skills.home.model import Home
from ..skills.storage import StorageError, open_database, transaction
from .audit import Audit, AuditError
from .cloud import Busy, Cloud, CloudError, KeyFault, Need, Usage, estimated_tokens, find_key, sentences
from .config import Config, ConfigError
from .events import Asked, TurnRecord
from .governor import MIGRATIONS, Budget, Governor, Limit
from .knowledge_link import KnowledgeLink
from .policy import Verdict, decide
from .power import Link, NoLink, Power, Reach, Source, SysfsThermal, Told, Way, machine_power
from .privacy import Redactor, Stripped
from .router import Beyond
from .services import Clock

log = logging.getLogger(__name__)

DATABASE: Final = "outside.db"
AUDIT: Final = "audit"
MAX_WAITING: Final = 50
WAITS_S: Final = 24 * 3600.0        # after that nobody wants to know any more
LOOK_EVERY_S: Final = 30.0          # whether what waits may go out
PERSONS: Final = frozenset({"person", "device_tracker"})

NOT_SET_UP: Final = "I can't look that up from here."
SHALL_I: Final = "I would have to ask outside the house. Shall I?"
FORBIDDEN: Final = "I'm not allowed to ask that outside the house."
NO_RECORD: Final = "I couldn't keep a record of it, so I didn't ask outside the house."
BROKE_OFF: Final = "The answer broke off there."
USED_UP: Final = "I've asked outside as often as I may today."
KEPT: Final = "I'll do that as soon as I can."
TOO_MANY_WAITING: Final = "Too much waits for that already."
_DO: Final[Mapping[Need, str]] = {"fresh": "look that up", "exact": "look that up", "long": "do that"}


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One request with what was decided about it, and why."""

    verdict: Verdict
    conditions: Mapping[str, bool]
    signals: Mapping[str, Any]          # the values behind the conditions, for the record
    reply: str                          # unless it goes out: what is said, a question where a yes changes something


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A request that was put off until the policy lets it out."""

    id: int
    asked: Asked
    need: Need


class OverBudget(CloudError):
    def __init__(self) -> None:
        super().__init__("the day's budget is used up", USED_UP)


class Outside:
    """The way out for one household. All but `cloud` and `link` is there without a cloud, too: then nothing goes out."""

    def __init__(
        self, config: Config, *, home: Home, knowledge: KnowledgeLink, clock: Clock, audit: Audit, database: sqlite3.Connection,
        cloud: Cloud | None, link: Way, power: Source[Power], temperature: Source[float | None],
    ) -> None:
        self.audit = audit
        self._link, self._temperature = link, temperature
        self._reach, self._power = Told(link, _told_reach), Told(power, _told_power)
        self.governor = Governor(config.limits, power=self._power, temperature=temperature)
        self.budget = Budget(database, requests=config.cloud.requests_per_day, money=config.cloud.money_per_day, clock=clock)
        self._config, self._home, self._knowledge, self._clock = config, home, knowledge, clock
        self._database, self._cloud = database, cloud
        self._kept = asyncio.Event()
        self._known = Redactor()
        self._known_by: object = None       # the names that it knows

    @classmethod
    def open(cls, config: Config, home: Home, knowledge: KnowledgeLink, clock: Clock) -> Self:
        """On the household's data. Raises: ConfigError."""
        try:
            audit = Audit(config.data_path / AUDIT)
            database = open_database(config.data_path / DATABASE, MIGRATIONS)
        except (AuditError, StorageError) as error:
            raise ConfigError(f"`data_dir` {config.data_path}: {error}") from None
        cloud = open_cloud(config, audit)
        link = Link(*cloud.endpoint.address) if cloud is not None else NoLink()
        return cls(
            config, home=home, knowledge=knowledge, clock=clock, audit=audit, database=database, cloud=cloud, link=link,
            power=machine_power(), temperature=SysfsThermal(),
        )

    def close(self) -> None:
        self._database.close()

    @property
    def is_set_up(self) -> bool:
        """Whether there is a cloud to ask."""
        return self._cloud is not None

    # signals from the bus

    @property
    def topics(self) -> tuple[str, ...]:
        """What somebody else may tell us about power and network."""
        signals = self._config.signals
        return tuple(each for each in (signals.charging_topic, signals.connected_topic) if each)

    def hear(self, topic: str, payload: bytes) -> None:
        """Any message of the bus."""
        if topic == self._config.signals.charging_topic:
            self._power.hear(payload)
        elif topic == self._config.signals.connected_topic:
            self._reach.hear(payload)

    # deciding

    async def consider(self, beyond: Beyond, asked: Asked, *, confirmed: bool = False) -> Considered:
        """Read the signals and apply the policy. Args: confirmed: the person has just said yes to it."""
        await self._link.refresh()
        return self._judge(beyond, asked, confirmed)

    def _judge(self, beyond: Beyond, asked: Asked, confirmed: bool) -> Considered:
        reach, power, cloud = self._reach.read(), self._power.read(), self._config.cloud
        topics = [beyond.need, *(["unknown_here"] if beyond.unknown_here else [])]
        setting = cloud.privacy.setting(speaker=asked.speaker, area=asked.area, topics=topics)
        broken = self._cloud is not None and self._cloud.breaker.is_open
        quick = reach.round_trip_ms is None or reach.round_trip_ms <= cloud.quick_ms
        conditions = {
            "home": False, "sure": beyond.sure, "names_home": "device" in self._redactor(asked).redact(asked.text).kinds,
            "fresh": beyond.need == "fresh", "long": beyond.need == "long", "exact": beyond.need == "exact",
            "unknown_here": beyond.unknown_here, "set_up": self._cloud is not None,
            "connected": reach.connected and not broken, "quick": quick, "metered": reach.metered,
            "charging": power.charging, "allowed": setting == "allow" or (confirmed and setting != "never"),
            "forbidden": setting == "never", "within_budget": self.budget.allows(self._price(asked.text)),
        }
        verdict = decide(cloud.policy, conditions, confirmed=confirmed)
        spent = self.budget.spent()
        signals = {
            "confidence": round(beyond.confidence, 3), "round_trip_ms": reach.round_trip_ms, "link": reach.problem or "reached",
            "breaker_open": broken, "battery_percent": power.percent, "temperature_c": self._temperature.read(),
            "privacy": setting, "speaker": asked.speaker, "area": asked.area, "confirmed": confirmed,
            "requests_today": spent.requests, "money_today": round(spent.money, 6),
        }
        return Considered(verdict=verdict, conditions=conditions, signals=signals, reply=_reply(verdict, beyond, conditions))

    def _redactor(self, asked: Asked, private: list[str] | None = None) -> Redactor:
        """Knows this home's names; made anew only where they changed, for in a large home that takes some milliseconds."""
        entities = self._home.entities.values()
        names = {kind: tuple((each.name, *each.aliases) for each in entities if (each.domain in PERSONS) is (kind == "people"))
                 for kind in ("people", "devices")}  # fmt: skip
        key = (asked.speaker, names["people"], names["devices"], tuple(private or ()))
        if self._known_by != key:
            pin = self._config.sensitive.pin
            people = [*self._config.cloud.privacy.people, *([asked.speaker] if asked.speaker else [])]
            self._known = Redactor(
                people=[*people, *(name for each in names["people"] for name in each)],
                devices=[name for each in names["devices"] for name in each], secrets=[pin] if pin else [], private=private or [],
            )
            self._known_by = key
        return self._known

    def _price(self, text: str) -> float:
        """What a request may cost at most."""
        return self._config.cloud.price.of(estimated_tokens(text) + 150, self._config.cloud.max_tokens)

    # asking

    async def answer(self, beyond: Beyond, asked: Asked) -> AsyncIterator[str]:
        """The cloud's answer, sentence by sentence; where it fails, the last one says so. Never raises."""
        assert self._cloud is not None      # the policy lets nothing out without one
        letter = await self._letter(asked)
        usage, paid, said = Usage(), 0.0, False
        most = self._price(letter.text)

        def pay() -> None:
            nonlocal paid
            if not self.budget.allows(most):
                raise OverBudget
            self.budget.add(requests=1, money=most)
            paid += most

        pieces = self._cloud.answer(letter.text, need=beyond.need, turn=asked.id, pay=pay, usage=usage)
        try:
            async with aclosing(pieces), aclosing(sentences(pieces, self._config.cloud.max_reply_chars)) as spoken:
                async for sentence in spoken:
                    said = True
                    yield letter.restored(sentence)
        except CloudError as error:
            log.warning("turn %s: the cloud: %s", asked.id, error)
            if not isinstance(error, Busy | OverBudget):
                self._link.failed()
            yield BROKE_OFF if said else error.told
        except AuditError as error:
            log.error("turn %s: nothing was sent: %s", asked.id, error)
            yield NO_RECORD
        else:
            if not said:
                yield "The cloud had nothing to say to that."
        finally:
            cost = self._config.cloud.price.of(usage.tokens_in, usage.tokens_out)
            self.budget.add(money=min(0.0, cost - paid))

    async def _letter(self, asked: Asked) -> Stripped:
        """What is asked, fit to leave."""
        private = await self._knowledge.private_about(asked.text)
        return self._redactor(asked, private).redact(asked.text)

    # what was put off

    def keep(self, beyond: Beyond, asked: Asked) -> str:
        """Keep a request until the policy lets it out. Returns: what to say."""
        (waiting,) = self._database.execute("SELECT count(*) FROM waiting").fetchone()
        if waiting >= MAX_WAITING:
            return TOO_MANY_WAITING
        with transaction(self._database):
            self._database.execute(
                "INSERT INTO waiting (text, need, area, speaker, via, session, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (asked.text, beyond.need, asked.area, asked.speaker, asked.via, asked.session, self._clock().timestamp()))
        self._kept.set()
        return KEPT

    def waiting(self) -> list[Waiting]:
        """What waits, oldest first."""
        rows = self._database.execute("SELECT * FROM waiting ORDER BY id").fetchall()
        return [Waiting(id=row["id"], need=row["need"], asked=Asked(
            text=row["text"], area=row["area"], speaker=row["speaker"], via=row["via"], session=row["session"])) for row in rows]

    async def run(self, ask: Callable[[Waiting], Awaitable[None]]) -> None:
        """Ask what waits as soon as it may go out; never returns: cancel the task to end it."""
        while True:
            await self.ask_waiting(ask)
            self._kept.clear()
            if not self.waiting():
                await self._kept.wait()
            await asyncio.sleep(LOOK_EVERY_S)

    async def ask_waiting(self, ask: Callable[[Waiting], Awaitable[None]]) -> None:
        """Ask now what may go out. Each leaves the disk before it is asked: once at most."""
        too_old = self._clock().timestamp() - WAITS_S
        with transaction(self._database):
            self._database.execute("DELETE FROM waiting WHERE asked_at < ?", (too_old,))
        for each in self.waiting():
            considered = await self.consider(Beyond(need=each.need, confidence=1.0), each.asked, confirmed=True)
            if considered.verdict.do == "cloud":
                with transaction(self._database):
                    self._database.execute("DELETE FROM waiting WHERE id = ?", (each.id,))
                await ask(each)

    # the record

    def record(self, record: TurnRecord, considered: Considered | None, limit: Limit | None) -> None:
        """Put a turn's decision on record; without its words: what was said stays in the house, also in its records."""
        facts: dict[str, Any] = {"turn": record.id, "route": record.route, "intents": [each.intent for each in record.intents]}
        if considered is not None:
            facts |= {"do": considered.verdict.do, "line": considered.verdict.line, "rule": str(considered.verdict.rule),
                      "conditions": dict(considered.conditions), "signals": dict(considered.signals)}  # fmt: skip
        if limit is not None:
            facts |= {"limit": limit.name, "detail": limit.detail}
        try:
            self.audit.write("decision" if limit is None else "limit", durable=False, **facts)
        except AuditError as error:         # what was done here is done; only what would leave must not without a record
            log.error("turn %s is not on record: %s", record.id, error)


def open_cloud(config: Config, audit: Audit) -> Cloud | None:
    """The configured cloud; None without. Raises: ConfigError: its key, or the package it needs."""
    endpoint = config.cloud_endpoint
    if endpoint is None:
        return None
    try:
        import httpx  # noqa: F401  # now, not in the middle of a turn
    except ImportError:
        raise ConfigError("`cloud.url` needs the package httpx: pip install 'ingle[cloud]'.") from None
    key_file = config.cloud.key_file
    try:
        key = find_key(endpoint.url, config.resolved(key_file) if key_file else None)
    except KeyFault as fault:
        raise ConfigError(f"`cloud.key_file`: {fault}.") from None
    return Cloud(endpoint, key=key, audit=audit)


def audit_folder(config: Config) -> Path:
    """Where the record of a household is."""
    return config.data_path / AUDIT


def _told_power(own: Power, charging: bool) -> Power:
    return Power(charging=charging, percent=own.percent)


def _told_reach(own: Reach, connected: bool) -> Reach:
    """A house that says it is offline is believed; one that says it is online must still be able to reach the endpoint."""
    return own if connected else Reach(connected=False, problem="told so on the bus")


def _reply(verdict: Verdict, beyond: Beyond, conditions: Mapping[str, bool]) -> str:
    """What is said in place of an answer."""
    do = _DO[beyond.need]
    if verdict.do == "later":
        when = " and ".join(verdict.until) or "that is possible"
        return f"I can {do} when {when}. Shall I do it then?"
    if verdict.do == "ask":
        return SHALL_I
    if verdict.do == "refuse":
        return FORBIDDEN if conditions["forbidden"] else NOT_SET_UP
    return ""
