"""Words of questions and passages: which carry meaning, which are the same word, and what kind of answer is wanted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import yaml

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_LITTLE_WORDS: Final = """
a about again all am an and any anything are as at be been before being but by can cant could d did do does doing done don
dont for from get give go going got had has have having he her here hers him his how i id if im in into is isnt it its itll
ive just keep know let like ll look m many me mean mine more much must my need needs no not now of off oh ok okay on one or
our ours out over own please put re really remember remind right s said say see shall she should so some something still
sure t tell than thank thanks that thats the their theirs them then there theres these they thing things this those to told
too um us ve very want was we were what whats when whens where wheres whether which who whos whose why will with would you
your yours erm ehm uh hey hi listen quick question wonder find check out forgot forgotten recall happen use used using have
supposed
"""
# Words that tell nothing of what a question is about.
STOP: Final = frozenset(_LITTLE_WORDS.split())
# What a question asks for is judged by `wanted`; these words of it add little to what it is about.
ASKING: Final = frozenset(["time", "times", "day", "days", "date", "long", "often", "name", "called", "kind", "type", "place"])


def words(text: str) -> list[str]:
    """Lower case, without accents and possessives: "Anna's café" → ["anna", "cafe"]."""
    plain = text.lower()
    if not plain.isascii():
        folded = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in folded if not unicodedata.combining(char)).replace("’", "'")
    return [word.removesuffix("'s").replace("'", "") for word in _WORD.findall(plain)]


def content(text: str) -> list[str]:
    """The words that tell what a question is about, each once."""
    return list(dict.fromkeys(word for word in words(text) if word not in STOP))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A rough common form: "batteries", "battery" → "batteri"; "descaling", "descale" → "descal"."""
    if len(word) <= 3 or word.isdigit():
        return word
    for ending, rest in (("ies", "i"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("ation", "at"), ("ers", "er"),
                         ("es", ""), ("s", ""), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word.endswith(("ss", "us", "is"))):
            word = word[: -len(ending)] + rest
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    if word.endswith("y") and len(word) > 3:
        word = word[:-1] + "i"
    return word.removesuffix("e") if len(word) > 4 else word


@cache
def same_words() -> dict[str, frozenset[str]]:
    """For the stem of a word the others that are used for it (`same_words.txt`)."""
    found: dict[str, set[str]] = {}
    for line in files(__package__).joinpath("same_words.txt").read_text(encoding="utf-8").splitlines():
        group = words(line) if not line.startswith("#") else []
        for word in group:
            found.setdefault(stem(word), set()).update(group)
    return {each: frozenset(others) for each, others in found.items()}


@lru_cache(maxsize=512)         # of one question: a passage's text is looked at once for each of its sentences
def stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, words(text)))


@dataclass(frozen=True)
class AnswerKind:
    """A kind of answer, as `kinds.yaml` describes it."""

    plain: bool                 # there or not; the other kinds leave room for doubt
    words: frozenset[str]       # of a question, that only ask for the kind
    asked: re.Pattern[str]      # in a question
    found: re.Pattern[str]      # in a text that has such an answer


@cache
def kinds() -> dict[str, AnswerKind]:
    """In the order in which a question is compared with them."""
    data = yaml.safe_load(files(__package__).joinpath("kinds.yaml").read_text(encoding="utf-8"))
    parts = {name: part.replace(" ", "") for name, part in data["parts"].items()}

    def any_of(expressions: list[str], flags: int) -> re.Pattern[str]:
        joined = "|".join(expressions)
        for name, part in parts.items():
            joined = joined.replace(f"{{{name}}}", part)
        return re.compile(joined, flags | re.MULTILINE)

    return {name: AnswerKind(
        plain=bool(each.get("plain")), words=frozenset(map(str, each["words"])), asked=any_of(each["asked"], re.IGNORECASE),
        found=any_of(each["found"], 0 if each.get("case") else re.IGNORECASE),
    ) for name, each in data["kinds"].items()}


def wanted(question: str) -> str | None:
    """What kind of answer is asked for; None: any sentence will do."""
    said = " ".join(question.replace("’", "'").split())
    return next((name for name, kind in kinds().items() if kind.asked.search(said)), None)


def has(kind: str, text: str) -> bool:
    """Whether a text holds such an answer."""
    return bool(kinds()[kind].found.search(text))


_HOWTO = re.compile(r"\bhow (?:do|can|should|would|to|does|d)\b|\bwhat (?:do|should) (?:i|we|you) do\b|\bsteps\b")


def is_howto(question: str) -> bool:
    """Whether steps are asked for, which may be several sentences."""
    return bool(_HOWTO.search(question.lower()))


_TO_AN_ASSISTANT = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,30}\b(?:previous|prior|above|earlier|all|your|these)\b"
    r".{0,20}\b(?:rules?|instructions?|prompts?)\b"
    r"|\binstructions? (?:to|for) (?:the |all |any |every )?(?:ai|assistants?|language models?|chatbots?|system)\b"
    r"|^\W*(?:system|assistant|ai|ingle)\s*:|\byou are now\b|\b(?:dear|hey|hello) (?:ai|assistant|ingle)\b", re.IGNORECASE)


def speaks_to_assistant(sentence: str) -> bool:
    """Whether a sentence of a document tries to give an assistant orders. It is never obeyed; it is not quoted either."""
    return bool(_TO_AN_ASSISTANT.search(sentence))


FACTS: Final = re.compile(r"\d+(?:[.,:/-]\d+)*|\b[A-Z][\w-]*\b")


def facts(text: str) -> set[str]:
    """The numbers, names and codes in a text: what a reply may not make up."""
    return set(FACTS.findall(text))


def told(reply: str, passages: Iterable[str]) -> bool:
    """Whether every fact of a reply stands in one of the passages."""
    known = " ".join(passages).lower()
    return all(fact.lower() in known for fact in facts(reply))
