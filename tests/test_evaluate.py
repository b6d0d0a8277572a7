"""The score on people's sentences counts what it says it counts."""

from __future__ import annotations

import pytest

from ingle.engine.interpreter import Intent, Interpretation
from ingle.engine.train.corpus.canonical import Frame
from ingle.engine.train.evaluate import calibration_error, score
from ingle.skills.schema import load_schema

UNDERSTOOD = {
    "lights off": ("HassTurnOff",), "lamp on": ("HassTurnOff",), "dim it": (), "any news": ("Cloud",), "he left": ("Undo",),
}  # fmt: skip
GOLD = {
    "lights off": "HassTurnOff", "lamp on": "HassTurnOn", "dim it": "HassLightSet", "any news": "Cloud", "he left": "NotForUs",
}  # fmt: skip


class Script:
    """A model with a script."""

    def interpret(self, text: str, *, asked: bool = False) -> Interpretation:
        return Interpretation(tuple(Intent(intent, {}, 1.0) for intent in UNDERSTOOD[text]), 1.0)


def test_right_refused_and_left_alone_are_counted_apart() -> None:
    result = score(Script(), [(text, (Frame(intent),)) for text, intent in GOLD.items()], load_schema())
    assert (result.ours, result.right, result.refused) == (3, 1, 1)
    assert (result.others, result.left_alone) == (2, 1)
    assert len(result.confusions) == 3
    assert result.line() == "3 ours: intent 33.3 %, refused 33.3 %; 2 others: left alone 50.0 %; calibration error 60.0 %"


def test_the_calibration_error_is_nothing_where_confidence_is_the_share_that_is_right() -> None:
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False), (1.0, True)]) == 0
    assert calibration_error([(0.9, False), (0.5, True)]) == pytest.approx(0.7)
    assert calibration_error([]) == 0
