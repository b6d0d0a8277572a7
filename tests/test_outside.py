"""The way out of a household as a turn goes it: asked, refused, put off, on record; and the commands that show it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingle.app.cli import main
from ingle.app.commands.route import routed, score
from ingle.app.config import Config
from ingle.app.events import Asked
from ingle.app.outside import KEPT, WAITS_S, Waiting
from ingle.app.power import Power, Reach
from ingle.app.privacy import PrivacyConfig
from ingle.app.router import Beyond, route
from ingle.engine.interpreter import Intent, Interpretation, Trace
from ingle.engine.train.corpus.routes import Labelled, labelled_in
from ingle.skills.home.model import Home

from .clouds import PATIENT, House, Server, house
from .scripted import Scripted
from .worlds import family_house

NEWS = Beyond(need="fresh", confidence=0.99)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with Server().running() as server, house(tmp_path, server) as at:
        yield at


async def said(at: House, beyond: Beyond = NEWS, text: str = "what is in the news", **asked: str) -> tuple[str, str]:
    considered = await at.outside.consider(beyond, Asked(text=text, **asked))  # type: ignore[arg-type]
    return considered.verdict.do, considered.reply


async def test_each_signal_is_heeded(at: House) -> None:
    assert await said(at) == ("cloud", "")
    at.power.value = Power(charging=False, percent=80)
    assert await said(at) == ("later", "I can look that up when I'm plugged in. Shall I do it then?")
    at.way.value = Reach(connected=False)
    assert (await said(at, Beyond(need="long", confidence=1.0)))[1] == (
        "I can do that when I'm online and I'm plugged in. Shall I do it then?")
    at.power.value = Power(charging=True)
    at.way.value = Reach(connected=True, round_trip_ms=900)
    assert (await said(at))[0] == "later"
    at.way.value = Reach(connected=True, round_trip_ms=9, metered=True)
    assert (await said(at))[0] == "later"


async def test_a_device_s_name_in_it_makes_it_ask(tmp_path: Path) -> None:
    async with Server().running() as server, house(tmp_path, server, home=family_house()) as at:
        assert (await said(at, text="switch the coffee machine off"))[0] == "ask"
        assert (await said(at, text="who invented coffee"))[0] == "cloud"


async def test_privacy_by_person_room_and_topic(tmp_path: Path) -> None:
    privacy = PrivacyConfig(default="allow", people={"Ben": "never"}, areas={"Nursery": "never"}, topics={"long": "ask"})
    async with Server().running() as server, house(tmp_path, server, cloud=replace(PATIENT, privacy=privacy)) as at:
        assert (await said(at))[0] == "cloud"
        assert (await said(at, speaker="ben"))[0] == "refuse"
        assert (await said(at, area="Nursery"))[0] == "refuse"
        assert (await said(at, Beyond(need="long", confidence=1.0)))[0] == "ask"


async def test_an_open_breaker_counts_as_offline(at: House) -> None:
    assert at.cloud is not None
    for _ in range(3):
        at.cloud.breaker.failed()
    assert (await said(at))[0] == "later"


async def test_what_was_put_off_is_asked_once_when_it_may_be(at: House) -> None:
    asked: list[Waiting] = []

    async def ask(waiting: Waiting) -> None:
        asked.append(waiting)

    at.power.value = Power(charging=False)
    assert at.outside.keep(NEWS, Asked(text="what is in the news", area="Kitchen", session="s")) == KEPT
    await at.outside.ask_waiting(ask)
    assert asked == []
    at.power.value = Power(charging=True)
    await at.outside.ask_waiting(ask)
    await at.outside.ask_waiting(ask)
    assert [(each.asked.text, each.asked.area, each.asked.session, each.need) for each in asked] == [
        ("what is in the news", "Kitchen", "s", "fresh")]


async def test_nobody_wants_the_news_of_the_day_before(at: House) -> None:
    at.outside.keep(NEWS, Asked(text="what is in the news"))
    at.clock.tick(seconds=WAITS_S + 1)
    await at.outside.ask_waiting(lambda waiting: pytest.fail("it is too late"))
    assert at.outside.waiting() == []


# the model's own judgement


def cloud(confidence: float, of_its_kind: float | None = None) -> Interpretation:
    pieces = () if of_its_kind is None else (("<I:Cloud>", of_its_kind), ("<S:need>", 0.5))
    return Interpretation(intents=(Intent("Cloud", {"need": "fresh"}, confidence),), confidence=confidence, trace=Trace(pieces))


def test_the_kind_counts_and_not_which_of_its_needs() -> None:
    assert route(cloud(0.4, of_its_kind=0.97)).beyond == Beyond(need="fresh", confidence=0.97)
    assert route(cloud(0.97)).beyond is not None
    unsure = route(cloud(0.4))
    assert (unsure.beyond, unsure.route) == (None, "local")


def test_the_weather_of_another_town_is_not_measured_here() -> None:
    def weather(**slots: str) -> Interpretation:
        return Interpretation(intents=(Intent("HassGetWeather", slots, 0.95),), confidence=0.95)

    assert route(weather(name="paris"), home=Home()).beyond is not None
    assert route(weather(name="outside"), home=Home()).beyond is None
    assert route(weather(), home=Home()).beyond is None


def test_with_a_command_beside_it_nothing_goes_out() -> None:
    both = Interpretation(intents=(Intent("HassTurnOff", {"area": "kitchen"}, 0.97), Intent("Cloud", {"need": "fresh"}, 0.97)),
                          confidence=0.95)  # fmt: skip
    decision = route(both)
    assert decision.beyond is None
    assert [intent.intent for intent in decision.intents] == ["HassTurnOff"]
    assert decision.left_out == "Ask me the rest by itself."


# the commands


def test_routes_as_if_everything_spoke_for_it() -> None:
    model = Scripted({"news": ("Cloud", {"need": "fresh"}), "lights": ("HassTurnOn", {"domain": "light"}),
                      "where": ("AskKnowledge", {"query": "stopcock"})})  # fmt: skip
    came = [routed(model, text)["route"] for text in ("news", "lights", "where", "mumble")]
    assert came == ["cloud", "local", "knowledge", "none"]


def test_the_score_counts_what_left() -> None:
    model = Scripted({"news": ("Cloud", {"need": "fresh"}), "oops": ("Cloud", {"need": "fresh"})})
    labelled = [Labelled("news", frozenset({"cloud"}), None, ""), Labelled("oops", frozenset({"local"}), "command", ""),
                Labelled("mumble", frozenset({"none"}), "question", "")]  # fmt: skip
    result = score(model, labelled)
    assert (result["accuracy"], result["home_commands_sent_to_cloud"], result["home_questions_sent_to_cloud"]) == (0.6667, 1, 0)
    assert result["decision_ms"] < 1


def test_the_development_set_is_large_and_labelled() -> None:
    labelled = labelled_in(Path(__file__).parent / "routes" / "requests.jsonl")
    assert len(labelled) >= 1_500
    assert all(each.routes for each in labelled)
    assert sum(each.home == "command" for each in labelled) > 500


async def test_the_record_can_be_read_and_explained(
    at: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ingle.app.events import IntentRecord, TurnRecord

    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path))
    considered = await at.outside.consider(NEWS, Asked(text="what is in the news"))
    assert await at.sentences("what is in the news", id="abc123")
    at.outside.record(TurnRecord(id="abc123", text="what is in the news", route="cloud"), considered, None)
    local = TurnRecord(id="def456", text="my pin is 4711", route="local", intents=(IntentRecord(intent="HassTurnOn"),))
    at.outside.record(local, None, None)
    assert main(["audit"]) == 0
    assert '"what is in the news"' in capsys.readouterr().out
    assert main(["audit", "explain", "abc"]) == 0
    out = capsys.readouterr().out
    assert "policy line 13 decided (fresh: cloud)" in out
    assert "yes  charging" in out
    assert "round_trip_ms = 5.0" in out
    assert main(["audit", "list", "--route", "local", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["intents"] == ["HassTurnOn"]
    assert "4711" not in out
    assert main(["audit", "explain", "zzz"]) == 1
    assert main(["audit", "verify"]) == 0
    path = tmp_path / "audit" / "audit.jsonl"
    path.write_text(path.read_text().replace('"cloud"', '"local"', 1))
    assert main(["audit", "verify"]) == 1
    assert "was changed after it was written" in capsys.readouterr().err


def test_a_cloud_of_the_configuration_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingle.app.audit import Audit
    from ingle.app.outside import open_cloud

    config = Config(cloud=replace(PATIENT, url="https://example.com/v1"))
    opened = open_cloud(config, Audit(tmp_path))
    assert opened is not None
    assert opened.endpoint.address == ("example.com", 443)
    assert open_cloud(Config(), Audit(tmp_path)) is None
