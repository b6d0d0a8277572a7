"""What can go wrong with an update. Whatever it is, the model that runs goes on running."""

from __future__ import annotations

from typing import Literal

# The attacks of the TUF specification (1.5.2) that an updater must stand, and what else a package can be wrong with.
Attack = Literal[
    "arbitrary software", "endless data", "extraneous dependencies", "fast-forward", "indefinite freeze", "malicious mirror",
    "mix-and-match", "rollback", "slow retrieval", "key compromise", "wrong software",
]


class UpdateError(Exception):
    """An update cannot be made; one line that says why and what to do."""


class Refused(UpdateError):
    """What was offered is not taken, as it may be an attack, which is named."""

    def __init__(self, attack: Attack, problem: str) -> None:
        super().__init__(f"refused ({attack} attack): {problem}; the present model is kept")
        self.attack = attack
        self.problem = problem


class Incompatible(UpdateError):
    """A genuine release that does not fit this Ingle."""


class Damaged(UpdateError):
    """Bytes that are not what they should be: of a package, a delta or a slot."""


class ClockNotTrusted(UpdateError):
    """Without the time nobody can say whether metadata has expired."""


class Unreachable(UpdateError):
    """The repository cannot be read now."""
