"""What may leave the house: a short ordered table that its owner can read and rewrite (`cloud.policy`), and its application.

    policy:
      - {when: [not connected], do: later}      # the first line whose conditions all hold decides
      - {when: [fresh], do: cloud}

Pure: the same table and conditions give the same verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Do = Literal["here", "cloud", "ask", "later", "refuse"]

# What a line may ask about, each true or false for one request.
CONDITIONS: Final[Mapping[str, str]] = {
    "home": "something to do in this house, or to know about it",
    "sure": "the model is sure that it is about the world beyond the house",
    "names_home": "it names a device of this house",
    "fresh": "what is wanted changes by the day: news, prices, traffic",
    "long": "a long text is wanted: a story, a plan",
    "exact": "a fact is wanted that must be right",
    "unknown_here": "the household's own papers and notes had no answer",
    "set_up": "a cloud is configured",
    "connected": "its endpoint can be reached",
    "quick": "within `quick_ms`",
    "metered": "over a connection that is paid for by volume",
    "charging": "this device is on mains power",
    "allowed": "privacy says allow, or the person has just said yes",
    "forbidden": "privacy says never",
    "within_budget": "the day's requests and money are not used up",
}

# In which circumstances what was put off would go out, as the person is told.
_WHEN_TOLD: Final[Mapping[str, str]] = {
    "not charging": "I'm plugged in", "not connected": "I'm online", "not quick": "the connection is quicker",
    "metered": "the connection isn't metered", "not within_budget": "tomorrow's allowance begins",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A line of the table. `when`: conditions, each with or without "not " before it; none: always."""

    when: tuple[str, ...] = ()
    do: Do                              # here: not sent; cloud; ask: after a yes; later: offered for later; refuse

    def holds(self, conditions: Mapping[str, bool]) -> bool:
        return all(conditions[each.removeprefix("not ")] is not each.startswith("not ") for each in self.when)

    def __str__(self) -> str:
        return f"{', '.join(self.when) or 'always'}: {self.do}"


DEFAULT: Final[tuple[Rule, ...]] = (
    Rule(when=("home",), do="here"),
    Rule(when=("not sure",), do="here"),
    Rule(when=("not set_up",), do="refuse"),
    Rule(when=("forbidden",), do="refuse"),
    Rule(when=("not connected",), do="later"),
    Rule(when=("not charging",), do="later"),
    Rule(when=("not quick",), do="later"),
    Rule(when=("metered",), do="later"),
    Rule(when=("not within_budget",), do="later"),
    Rule(when=("unknown_here",), do="ask"),
    Rule(when=("names_home",), do="ask"),
    Rule(when=("not allowed",), do="ask"),
    Rule(when=("fresh",), do="cloud"),
    Rule(when=("long",), do="cloud"),
    Rule(when=("exact",), do="cloud"),
    Rule(do="here"),
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the table says to one request."""

    do: Do
    line: int                           # in the table, from 1; 0: no line held
    rule: Rule | None = None
    until: tuple[str, ...] = ()         # with "later": what would have to be otherwise, in words for people

    @property
    def reason(self) -> str:
        return f"policy line {self.line} ({self.rule})" if self.rule else "no line of the policy holds"


def decide(policy: Sequence[Rule], conditions: Mapping[str, bool], *, confirmed: bool = False) -> Verdict:
    """Return the first line that holds.

    Args:
        conditions: a truth value for each of `CONDITIONS`.
        confirmed: the person said yes to this very request: lines that would ask are passed over.
    What concerns this home, and what privacy forbids, stays here whatever the table says.
    """
    held = [(line, rule) for line, rule in enumerate(policy, start=1) if rule.holds(conditions)]
    for line, rule in held:
        if rule.do == "ask" and confirmed:
            continue
        do = _at_most(rule.do, conditions)
        until = _until(each for _, each in held if each.do == "later") if do == "later" else ()
        return Verdict(do=do, line=line, rule=rule, until=until)
    return Verdict(do="here", line=0)


def _at_most(do: Do, conditions: Mapping[str, bool]) -> Do:
    """What no table can overrule: what is about this home stays, and nothing leaves against the person's word."""
    if do in ("here", "refuse"):
        return do
    if conditions["home"]:
        return "here"
    if conditions["forbidden"]:
        return "refuse"
    return "ask" if do == "cloud" and not conditions["allowed"] else do


def fault(policy: Sequence[Rule]) -> str | None:
    """What is wrong with a table, as the end of a sentence; None: nothing."""
    for line, rule in enumerate(policy, start=1):
        for each in rule.when:
            if each.removeprefix("not ") not in CONDITIONS:
                return f"asks in line {line} about {each!r}: known are {', '.join(CONDITIONS)}."
        if "home" in rule.when and rule.do not in ("here", "refuse"):
            return f"would send in line {line} what is about this home: that always stays here."
    return None


def _until(rules: Iterable[Rule]) -> tuple[str, ...]:
    said = (_WHEN_TOLD.get(each) for rule in rules for each in rule.when)
    return tuple(dict.fromkeys(each for each in said if each is not None))
