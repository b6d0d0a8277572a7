"""The words of a question in a passage, highlighted."""

from __future__ import annotations

import re

from textual.content import Content

from ...knowledge.words import content as telling
from ...knowledge.words import stem, words

STYLE = "bold $text-warning"


def highlighted(text: str, query: str) -> Content:
    """`text` with every telling word that the question has too, whatever its ending."""
    wanted = {stem(word) for word in telling(query)}
    content = Content(text)
    for match in re.finditer(r"\w+", text):
        if wanted & set(map(stem, words(match[0]))):
            content = content.stylize(STYLE, match.start(), match.end())
    return content
