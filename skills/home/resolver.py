"""From what was said to the entities of this home: names, areas, floors, kinds, "it", "all", "except".

`resolve` decides which devices are meant or what to ask, `choose` reads the answer to such a question, `ground` gives
slots this home's own words, `called` and `is_called` know a name, `said_of` makes a `Said` of slots and the sentence. This is the
door; behind it are `said` (the types), `names` (the index), `kinds`, `search` (the steps), `questions` and `grounding`.
"""

from __future__ import annotations

from .grounding import called, ground, is_called
from .questions import choose, which_one
from .said import Candidate, Context, Resolution, Said, heard, said_of
from .search import resolve

__all__ = [
    "Candidate", "Context", "Resolution", "Said", "called", "choose", "ground", "heard", "is_called", "resolve", "said_of",
    "which_one",
]  # fmt: skip
