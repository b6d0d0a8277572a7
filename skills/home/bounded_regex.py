"""Regular expressions from strangers: refused when their cost on a long text could explode.

Python's `re` backtracks and cannot be stopped, so a pattern is judged before it runs: the product of the choices its parse
tree leaves open, at the length of the text at hand, must stay under a budget.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the parse tree has no public door
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_PATTERN_CHARS = 256
MAX_STEPS = 2_000_000                   # about a tenth of a second


class Costly(ValueError):
    """A pattern that could take too long on this text."""


def compiled(pattern: str, text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compile `pattern` for use on `text`. Raises: Costly; ValueError: not a pattern."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise Costly(f"a pattern of {len(pattern)} characters")
    expression, repeats, factor = _judged(pattern, ignore_case)
    if factor * float(len(text) + 1) ** (repeats + 1) > MAX_STEPS:
        raise Costly(f"the pattern {pattern!r} could take too long on {len(text)} characters")
    return expression


@lru_cache(maxsize=128)
def _judged(pattern: str, ignore_case: bool) -> tuple[re.Pattern[str], int, float]:
    try:
        tree = parser.parse(pattern)
        expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    repeats, factor = _cost(tree, inside_repeat=False)
    return expression, repeats, factor


def _cost(tree: Any, *, inside_repeat: bool) -> tuple[int, float]:
    """Open-ended repeats one after another, and the product of all other choices."""
    repeats, factor = 0, 1.0
    for op, argument in tree:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, body = argument
            if low != high and inside_repeat:
                raise Costly("a repeat inside a repeat")
            inner_repeats, inner_factor = _cost(body, inside_repeat=inside_repeat or high > 1)
            repeats += inner_repeats + (low != high and high > 1)
            factor *= inner_factor * (2 if (low, high) == (0, 1) else 1) * (low or 1 if low == high else 1)
        elif op is sre.BRANCH:
            if inside_repeat:
                raise Costly("alternatives inside a repeat")
            costs = [_cost(branch, inside_repeat=False) for branch in argument[1]]
            repeats += max(cost[0] for cost in costs)
            factor *= sum(cost[1] for cost in costs)
        elif op in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            raise Costly("a reference to a group")
        elif op in (sre.SUBPATTERN, sre.ATOMIC_GROUP, sre.ASSERT, sre.ASSERT_NOT):
            inner_repeats, inner_factor = _cost(_body(op, argument), inside_repeat=inside_repeat)
            repeats += inner_repeats
            factor *= inner_factor
    return repeats, factor


def _body(op: Any, argument: Any) -> Any:
    if op is sre.SUBPATTERN:
        return argument[3]
    return argument if op is sre.ATOMIC_GROUP else argument[1]
