"""A household's own sentences, in the form of Home Assistant's custom sentences (hassil templates): read, checked, matched.

    language: en
    intents:
      MakeCoffee:                       # an intent of your own: what it does stands in `intent_script`
        data:
          - sentences: ["(make|brew) [me] [a] [{size}] [{roast}] <drink> [with <extra>]"]
            slots: {machine: kitchen}   # slots that every such sentence has
      HassTurnOn:                       # one of Ingle's: another way to say it
        data:
          - sentences: ["let there be light [in [the] {area}]"]
            slots: {domain: light}
    lists: {size: {values: [small, {in: "(large|big)", out: L}]}, shots: {range: {from: 1, to: 3}}}
    expansion_rules: {drink: "(coffee|brew)", extra: "[{shots}] shot[s]"}

`{name}`, `{area}` and `{floor}` are this home's. What an intent does is in `own` (`intent_script`), read from the same files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from .home.model import Home
from .schema import load_schema

if TYPE_CHECKING:
    from hassil import Expression, Intents, RecognizeResult, SlotList

MAX_FILE_BYTES: Final = 1_000_000
MAX_FILES: Final = 200
MAX_NUMBERS: Final = 200        # of a range, as words
MAX_TEXT_CHARS: Final = 300     # a longer sentence is not matched
KEYS: Final = frozenset({
    "language", "intents", "lists", "expansion_rules", "skip_words", "responses", "intent_script", "settings",
})
RESPONSE: Final = "_response"   # beside the slots: the key of the response that the block of sentences names
OF_THE_HOME: Final = ("name", "area", "floor")
SKIP_WORDS: Final = (           # said around a request and part of none; a file may have its own `skip_words`
    "please", "can you", "could you", "would you", "will you", "i would like you to", "i'd like you to", "hey", "okay", "just",
    "for me", "now", "thanks", "thank you",
)  # fmt: skip


class SentencesError(Exception):
    """A file of sentences cannot be used: one line with the file, the place in it, and what is wrong."""


@dataclass(frozen=True)
class Heard:
    """A sentence that fits a template."""

    intent: str
    slots: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Sentences:
    """The sentences of one source: a file, a folder, a mapping.

    Args:
        data: as in the files, checked (`read_sentences` makes it).
        origin: for messages: "sentences/coffee.yaml".
    """

    data: Mapping[str, Any]
    origin: str
    _of_home: dict[Home, tuple[int, dict[str, SlotList]]] = field(default_factory=dict, init=False)

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(self.data.get("intents") or {})

    def hear(self, text: str, home: Home, *, area: str | None = None) -> Heard | None:
        """The intent of the template that fits the whole of `text`, the one with the most literal words; None: none does.

        Args:
            area: the room it was heard in: `requires_context: {area: {slot: true}}` makes a slot of it.
        """
        from hassil import recognize_best

        if len(text) > MAX_TEXT_CHARS:
            return None
        context = {} if area is None else {"area": area}
        found = recognize_best(text, self._compiled, slot_lists=self._lists_of(home), intent_context=context)
        if found is None:
            return None
        slots = _slots(found)
        if found.response not in (None, "default") and self.data.get("responses"):
            slots[RESPONSE] = found.response
        return Heard(found.intent.name, slots)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word that these sentences can have, sorted: what speech recognition should listen for."""
        texts = [text for expression in self._expressions() for text in _texts(expression)]
        found = {word for text in (*texts, *self._numbers()) for word in re.findall(r"[^\W\d_][\w']*", text.lower())}
        return tuple(sorted(word for word in found if len(word) > 1 or word in ("a", "i")))     # "s" of "shot[s]" is no word

    @cached_property
    def slots(self) -> Mapping[str, frozenset[str]]:
        """The slots that each intent's sentences can fill."""
        return {
            name: frozenset(
                {str(slot) for block in spec.data for slot in block.slots}
                | {ref.slot_name for block in spec.data for sentence in block.sentences
                   for ref in _group(sentence.expression).list_references(
                       {**self._compiled.expansion_rules, **block.expansion_rules})}
            )
            for name, spec in self._compiled.intents.items()
        }

    @cached_property
    def _compiled(self) -> Intents:
        from hassil import Intents

        return Intents.from_dict({"skip_words": list(SKIP_WORDS), **self.data})

    def _expressions(self) -> Iterator[Expression]:
        for intent in self._compiled.intents.values():
            for block in intent.data:
                yield from (sentence.expression for sentence in block.sentences)
                yield from (rule.expression for rule in block.expansion_rules.values())
                yield from _list_expressions(block.slot_lists.values())
        yield from (rule.expression for rule in self._compiled.expansion_rules.values())
        yield from _list_expressions(self._compiled.slot_lists.values())

    @cached_property
    def _needs_home(self) -> bool:
        """Whether a template has `{name}`, `{area}` or `{floor}`."""
        text = str([self.data.get("intents"), self.data.get("expansion_rules")])
        return any(re.search(rf"\{{{name}[:}}]", text) for name in OF_THE_HOME)

    def _numbers(self) -> Iterator[str]:
        """The numbers of ranges, in words."""
        from hassil import RangeSlotList
        from unicode_rbnf import RbnfEngine

        ranges = [one for one in self._compiled.slot_lists.values() if isinstance(one, RangeSlotList)]
        for one in ranges:
            engine = RbnfEngine.for_language(one.words_language or str(self.data["language"]))
            for number in islice(one.get_numbers(), MAX_NUMBERS):
                yield str(engine.format_number(number).text)

    def _lists_of(self, home: Home) -> dict[str, SlotList]:
        """`{name}`, `{area}` and `{floor}`: made anew only after the home has changed."""
        if not self._needs_home:
            return {}
        known = self._of_home.get(home)
        if known is None or known[0] != home.version:
            self._of_home.clear()
            known = self._of_home[home] = (home.version, _home_lists(home))
        return {name: one for name, one in known[1].items() if name not in (self.data.get("lists") or {})}


class OwnSentences:
    """All sources together: the first that has the sentence wins."""

    def __init__(self, sources: Iterable[Sentences] = ()) -> None:
        self.sources = tuple(sources)

    def hear(self, text: str, home: Home, *, area: str | None = None) -> Heard | None:
        found = (source.hear(text, home, area=area) for source in self.sources)
        return next((heard for heard in found if heard is not None), None)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of all of them, for speech recognition."""
        return tuple(sorted({word for source in self.sources for word in source.words}))


def _slots(found: RecognizeResult) -> dict[str, Any]:
    values = {entity.name: entity.text_clean if entity.is_wildcard else entity.value for entity in found.entities_list}
    return {name: value for name, value in values.items() if value not in (None, "")}


def _home_lists(home: Home) -> dict[str, SlotList]:
    from hassil import TextSlotList

    things = [entity for entity in list(home.entities.values()) if entity.exposed]     # it may change meanwhile
    names = [
        (name, entity.name, {"domain": entity.domain, "area": entity.area})
        for entity in things for name in (entity.name, *entity.aliases)
    ]
    areas = [(name, area.name) for area in home.areas.values() for name in (area.name, *area.aliases)]
    floors = [(name, floor.name) for floor in home.floors.values() for name in (floor.name, *floor.aliases)]
    made: dict[str, list[Any]] = {"name": names, "area": areas, "floor": floors}
    return {name: TextSlotList.from_tuples(values, name=name, allow_template=False) for name, values in made.items()}


def _list_expressions(lists: Iterable[SlotList]) -> Iterator[Expression]:
    for one in lists:
        yield from (value.text_in for value in getattr(one, "values", ()))


def _group(expression: Expression) -> Any:
    """An expression that can list its references: a bare one is a group of itself."""
    from hassil import Group

    return expression if isinstance(expression, Group) else Group(items=[expression])


def _texts(expression: Expression) -> Iterator[str]:
    """The literal words of a template; one that is written in parts ("shot[s]") is also put together."""
    from hassil import Group, Sequence, TextChunk

    if isinstance(expression, TextChunk):
        yield expression.original_text
    elif isinstance(expression, Group):
        for item in expression.items:
            yield from _texts(item)
        pairs = zip(expression.items, expression.items[1:], strict=False) if isinstance(expression, Sequence) else ()
        for before, after in pairs:
            yield from (first + second for first in _texts(before) for second in _texts(after)
                        if first and second and not first[-1].isspace() and not second[0].isspace())


# --- reading

def read_sentences(source: Path | Mapping[str, Any], origin: str) -> Sentences:
    """The sentences of a folder (every `*.yaml` in it), a file, or a mapping. Raises: SentencesError.

    Args:
        origin: what a mapping is called in messages: "config.yaml: custom_sentences".
    """
    if isinstance(source, Mapping):
        return _checked(source, origin)
    merged: dict[str, Any] = {}
    for path in _files(source):
        data = _load(path)
        _checked({**data, **_shared(source, path)}, str(path), of_folder=source.is_dir())
        _merge(merged, data, str(path))
    return _checked(merged, str(source))


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise SentencesError(f"{source}: there is no such file or folder")
    files = sorted(path for path in source.rglob("*.y*ml") if path.suffix in (".yaml", ".yml"))
    if not files:
        raise SentencesError(f"{source}: there is no *.yaml in it")
    if len(files) > MAX_FILES:
        raise SentencesError(f"{source}: {len(files)} files, {MAX_FILES} are allowed")
    return files


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SentencesError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SentencesError(f"{path}: cannot be read: {_one_line(error)}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise SentencesError(f"{path}: not valid YAML: {_one_line(error)}") from None
    if not isinstance(data, Mapping):
        raise SentencesError(f"{path}: must be a mapping with `language` and `intents`")
    return dict(data)


def _shared(folder: Path, path: Path) -> dict[str, Any]:
    """Lists and rules may stand in other files of the folder: a file is checked with all of them."""
    if not folder.is_dir():
        return {}
    shared: dict[str, Any] = {"lists": {}, "expansion_rules": {}}
    for other in _files(folder):
        data = _load(other)
        for key, known in shared.items():
            if isinstance(data.get(key), Mapping):
                known.update(data[key])
    return shared


def _merge(into: dict[str, Any], data: Mapping[str, Any], origin: str) -> None:
    """Blocks of one intent join; what has one name in two files must be one thing."""
    if into.setdefault("language", data.get("language")) != data.get("language"):
        both = f"{data.get('language')!r} beside {into['language']!r}"
        raise SentencesError(f"{origin}: language: {both}: one folder, one language")
    for name, spec in (data.get("intents") or {}).items():
        known = into.setdefault("intents", {}).setdefault(name, {"data": []})
        known["data"] = [*known["data"], *spec["data"]]
    for key in ("lists", "expansion_rules", "intent_script"):
        for name, value in (data.get(key) or {}).items():
            if into.setdefault(key, {}).setdefault(name, value) != value:
                raise SentencesError(f"{origin}: {key}.{name}: is defined otherwise in another file")
    responses = into.setdefault("responses", {}).setdefault("intents", {})
    responses.update(((data.get("responses") or {}).get("intents")) or {})
    if data.get("skip_words"):
        into["skip_words"] = [*into.get("skip_words", ()), *data["skip_words"]]


# --- checking: every fault is told with its place

def _checked(data: Mapping[str, Any], origin: str, *, of_folder: bool = False) -> Sentences:
    """Raises: SentencesError."""
    for place, problem in _problems(data, of_folder):
        raise SentencesError(f"{origin}: {place}: {problem}" if place else f"{origin}: {problem}")
    plain = {"lists": {}, "expansion_rules": {}, **{key: value for key, value in data.items() if value is not None}}
    intents = {
        name: {"data": [{**block, "sentences": _several(block["sentences"])} for block in spec["data"]]}
        for name, spec in (data.get("intents") or {}).items()
    }
    sentences = Sentences({**plain, "intents": intents}, origin)
    if not of_folder:
        try:
            sentences.hear("", Home())      # the library refuses what no check above has thought of
        except Exception as error:
            raise SentencesError(f"{origin}: cannot be used: {_one_line(error)}") from None
    return sentences


def _problems(data: Mapping[str, Any], of_folder: bool) -> Iterator[tuple[str, str]]:
    for key in data:
        if key not in KEYS:
            yield str(key), f"is not a key of a file of sentences (known: {', '.join(sorted(KEYS))})"
    if not isinstance(data.get("language"), str):
        yield "language", "is missing: write `language: en`"
    for key in ("intents", "lists", "expansion_rules", "responses", "intent_script"):
        if not isinstance(data.get(key) or {}, Mapping):
            yield key, "must be a mapping"
    words = data.get("skip_words")
    if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        yield "skip_words", "must be a list of words"
    if not data.get("intents") and not of_folder:
        yield "intents", "is missing: there is nothing to say"
    yield from _list_problems(data.get("lists") or {}, "lists")
    rules = data.get("expansion_rules") or {}
    known_lists = {*(data.get("lists") or {}), *OF_THE_HOME}
    for name, body in rules.items():
        yield from _template_problems(f"expansion_rules.{name}", body, known_lists, rules)
    yield from _cycles(rules)
    for name, spec in (data.get("intents") or {}).items():
        yield from _intent_problems(str(name), spec, known_lists, rules)


def _intent_problems(name: str, spec: Any, lists: set[str], rules: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    place = f"intents.{name}"
    if not isinstance(spec, Mapping) or not isinstance(spec.get("data"), Sequence) or isinstance(spec.get("data"), str):
        yield place, "needs `data`, a list of blocks with `sentences`"
        return
    for number, block in enumerate(spec["data"]):
        here = f"{place}.data[{number}]"
        if not isinstance(block, Mapping) or not block.get("sentences"):
            yield here, "needs `sentences`, a list of templates"
            continue
        for key in ("slots", "lists", "expansion_rules", "requires_context", "excludes_context"):
            if not isinstance(block.get(key) or {}, Mapping):
                yield f"{here}.{key}", "must be a mapping"
                return
        yield from _list_problems(block.get("lists") or {}, f"{here}.lists")
        for place_, template in enumerate(_several(block["sentences"])):
            yield from _template_problems(
                f"{here}.sentences[{place_}]", template, lists | set(block.get("lists") or {}),
                {**rules, **(block.get("expansion_rules") or {})}, intent=name)
        yield from _slot_problems(name, f"{here}.slots", block.get("slots") or {})


def _template_problems(
    place: str, template: Any, lists: set[str], rules: Mapping[str, Any], *, intent: str | None = None
) -> Iterator[tuple[str, str]]:
    from hassil import parse_sentence
    from hassil.expression import Group, ListReference, RuleReference
    from hassil.parser import ParseError

    if not isinstance(template, str) or not template.strip():
        yield place, f"must be a template in quotes, not {template!r}"
        return
    try:
        top = parse_sentence(template).expression
    except (ParseError, ValueError, RecursionError) as error:
        yield place, f"{template!r} is not a template: {_one_line(error)}"
        return
    waiting: list[Any] = [top]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Group):
            waiting += one.items
        elif isinstance(one, RuleReference) and one.rule_name not in rules:
            yield place, f"there is no <{one.rule_name}> in expansion_rules"
        elif isinstance(one, ListReference):
            if one.list_name not in lists and not re.fullmatch(r"\d+\.\.\d+(,\d+)?", one.list_name):
                yield place, f"there is no list {{{one.list_name}}}: add it to `lists`"
            elif intent is not None:
                yield from _slot_problems(intent, place, {one.slot_name: None})


def _slot_problems(intent: str, place: str, slots: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """An intent of the catalogue has the catalogue's slots; one of the household's own has any."""
    spec = load_schema()["intents"].get(intent)
    for slot in slots if spec is not None else ():
        if slot not in spec["slots"]:
            yield place, f"{intent} is Ingle's own and has no slot {slot} (it has: {', '.join(spec['slots']) or 'none'})"


def _list_problems(lists: Any, where: str) -> Iterator[tuple[str, str]]:
    from hassil.intents import _parse_list

    for name, spec in (lists.items() if isinstance(lists, Mapping) else ()):
        place = f"{where}.{name}"
        if not isinstance(spec, Mapping) or len(set(spec) & {"values", "range", "wildcard"}) != 1:
            yield place, "needs one of `values`, `range` (with from and to) and `wildcard: true`"
            continue
        for number, value in enumerate(spec.get("values") or ()):
            if not isinstance(value.get("in") if isinstance(value, Mapping) else value, str):
                unquoted = " (YAML takes a bare yes or no for that)" if isinstance(value, bool) else ""
                yield f"{place}.values[{number}]", f"must be words in quotes, or {{in: …, out: …}}, not {value!r}{unquoted}"
        if "values" in spec and not spec["values"]:
            yield f"{place}.values", "is empty"
        try:
            _parse_list(str(name), dict(spec))
        except Exception as error:      # whatever it makes of what it did not expect
            yield place, f"cannot be used: {_one_line(error)}"


def _cycles(rules: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A rule that needs itself would be expanded for ever."""
    needs = {str(name): set(re.findall(r"<([^<>]+)>", str(body))) for name, body in rules.items()}
    for name in needs:
        reached, waiting = set[str](), set(needs[name])
        while waiting:
            one = waiting.pop()
            reached.add(one)
            waiting |= needs.get(one, set()) - reached
        if name in reached:
            yield f"expansion_rules.{name}", "needs itself"


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
