"""What may leave: the default table in all its cases, and what no table of a household's can overrule."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.config import Config, ConfigError, parse
from ingle.app.policy import CONDITIONS, DEFAULT, Rule, Verdict, decide
from ingle.app.policy import fault as fault_in

_CONDITIONS = st.fixed_dictionaries({name: st.booleans() for name in CONDITIONS})
_WORDS = st.sampled_from([word for name in CONDITIONS for word in (name, f"not {name}")])
_RULES = st.lists(st.builds(lambda when, do: Rule(when=tuple(when), do=do), st.lists(_WORDS, max_size=3),
                            st.sampled_from(["here", "cloud", "ask", "later", "refuse"])), max_size=8)  # fmt: skip


def judged(*, connected: bool, charging: bool, allowed: bool, quick: bool, needs: bool, limit: bool) -> Verdict:
    """A request for news in the circumstances given; without `needs` it is for this house."""
    conditions = dict.fromkeys(CONDITIONS, False) | {
        "home": not needs, "sure": True, "fresh": needs, "set_up": True, "connected": connected, "quick": quick,
        "charging": charging, "allowed": allowed, "forbidden": False, "within_budget": not limit,
    }  # fmt: skip
    return decide(DEFAULT, conditions)


@pytest.mark.parametrize("case", list(itertools.product([False, True], repeat=6)))
def test_each_of_the_64_cases(case: tuple[bool, ...]) -> None:
    connected, charging, allowed, quick, needs, limit = case
    verdict = judged(connected=connected, charging=charging, allowed=allowed, quick=quick, needs=needs, limit=limit)
    if not needs:
        assert verdict.do == "here"
    elif not (connected and charging and quick) or limit:
        assert verdict.do == "later"
        assert ("I'm online" in verdict.until) is not connected
        assert ("I'm plugged in" in verdict.until) is not charging
    else:
        assert verdict.do == ("cloud" if allowed else "ask")


@given(_CONDITIONS)
def test_the_default_lets_out_only_what_everything_speaks_for(conditions: dict[str, bool]) -> None:
    if decide(DEFAULT, conditions).do == "cloud":
        assert all(conditions[each] for each in ("sure", "set_up", "connected", "quick", "charging", "allowed", "within_budget"))
        assert not any(conditions[each] for each in ("home", "forbidden", "metered", "names_home", "unknown_here"))


@given(_RULES, _CONDITIONS, st.booleans())
def test_no_table_overrules_privacy_or_lets_out_the_home(rules: list[Rule], conditions: dict[str, bool], confirmed: bool) -> None:
    verdict = decide(rules, conditions, confirmed=confirmed)
    assert verdict == decide(rules, dict(reversed(conditions.items())), confirmed=confirmed)
    if verdict.do in ("cloud", "ask", "later"):
        assert not conditions["home"]
        assert not conditions["forbidden"]
    if verdict.do == "cloud":
        assert conditions["allowed"]


def test_a_yes_passes_over_the_lines_that_ask_and_no_others() -> None:
    conditions = dict.fromkeys(CONDITIONS, True) | {"home": False, "forbidden": False, "metered": False}
    assert decide(DEFAULT, conditions).do == "ask"
    assert decide(DEFAULT, conditions, confirmed=True).do == "cloud"
    assert decide(DEFAULT, {**conditions, "charging": False}, confirmed=True).do == "later"


def test_the_reason_names_the_line() -> None:
    verdict = judged(connected=True, charging=False, allowed=True, quick=True, needs=True, limit=False)
    assert verdict.reason == "policy line 6 (not charging: later)"


def test_the_shipped_table_is_the_default() -> None:
    assert Config().cloud.policy == DEFAULT
    assert fault_in(DEFAULT) is None


@pytest.mark.parametrize(("text", "message"), [
    ("cloud: {policy: [{when: [charged], do: cloud}]}", "`cloud.policy` asks in line 1 about 'charged'"),
    ("cloud: {policy: [{when: [home], do: cloud}]}", "would send in line 1 what is about this home"),
    ("cloud: {policy: [{when: [fresh], do: send}]}", "`cloud.policy[0].do` must be one of here, cloud, ask, later, refuse"),
    ("cloud: {url: 'http://api.example.com/v1', model: m}", "would send in the clear"),
    ("cloud: {url: 'https://user:pw@example.com/v1', model: m}", "must hold no credentials"),
    ("cloud: {url: 'https://example.com/v1'}", "`cloud.model` is missing"),
    ("cloud: {key: abc}", "`cloud.key` is not a known key"),
    ("cloud: {privacy: {topics: {news: never}}}", "`cloud.privacy.topics` has 'news'"),
    ("cloud: {privacy: {default: maybe}}", "must be one of never, ask, allow"),
    ("cloud: {total_s: 0}", "`cloud.total_s` must be more than 0"),
    ("limits: {reserve: 1.5}", "`limits.reserve` must be from 0"),
    ("signals: {charging_topic: 'a/#'}", "`signals.charging_topic` has a wildcard"),
])  # fmt: skip
def test_a_configuration_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert message in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1", "http://big-box:8000/v1", "http://box.lan/v1", "http://[::1]:1/v1",
                                 "http://192.168.1.5:11434/v1", "https://api.example.com/v1"])  # fmt: skip
def test_a_household_s_own_machine_may_be_asked_in_the_clear(url: str) -> None:
    assert parse(f"cloud: {{url: '{url}', model: m}}").cloud.url == url
