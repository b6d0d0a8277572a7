"""From what was said to the entities of this home: names, areas, floors, kinds, "it", "all", "except".

`resolve` decides which devices are meant or what to ask, `choose` reads the answer to such a question, `ground` gives
slots this home's own words, `is_called` knows a name, `said_of` makes a `Said` of slots and the sentence. This is the
door; behind it are `said` (the types), `names` (the index), `kinds`, `search` (the steps), `questions` and `grounding`.
"""

from __future__ import annotations

from .grounding import ground, is_called
from .questions import choose, which_one
from .said import Candidate, Context, Resolution, Said, heard, said_of
from .search import resolve

__all__ = [
    "Candidate", "Context", "Resolution", "Said", "choose", "ground", "heard", "is_called", "resolve", "said_of", "which_one",
]  # fmt: skip
