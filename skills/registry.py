"""Finds the skills, checks them against the catalogue, and gives each intent its skill with typed slots.

Our own skills come in by the same door as anyone's: the entry point group `ingle.skills`. An entry point names a
module; the `@skill` classes of that module, or of the package of that name, are taken. A stranger's skill may have an intent of
its own, if it brings the sentences that lead to it (`sentences`), and runs apart (`isolation`).
"""

from __future__ import annotations

import keyword
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from . import api
from .api import Done, Skill, Turn
from .isolation import Isolated
from .own import OwnSkill
from .schema import load_schema
from .sentences import Sentences, SentencesError, read_sentences

GROUP: Final = "ingle.skills"
TIMEOUT_S: Final = 30.0  # that a skill may take, unless it says less
REST: Final = "rest"  # a field of this name takes every slot that has no field of its own, as a mapping
Step = Literal["up", "down"] | int | float  # what a slot of kind `step` holds: a direction, or a signed amount


class SkillError(Exception):
    """A skill cannot be used: the message names it and what is wrong. Raised at start-up, for its author to mend."""


class SlotError(ValueError):
    """A slot's value is not of its kind: the sentence was not normalised, or the catalogue and the caller disagree."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One intent's skill."""

    intent: str
    skill: Skill | Isolated | OwnSkill
    slots: type                         # the frozen dataclass `handle` gets for this intent
    origin: str                         # "ingle.skills.devices.power.TurnOn", for messages


class Registry:
    """The skills by intent."""

    def __init__(
        self, entries: Iterable[Entry], schema: Mapping[str, Any], sentences: Iterable[Sentences] = ()
    ) -> None:
        self.sentences = tuple(sentences)       # those that skills bring
        self._entries = {entry.intent: entry for entry in entries}
        self._schema = schema
        self._slot_kinds: Mapping[str, Any] = schema["slots"]

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries.values())

    def with_own(self, skills: Mapping[str, OwnSkill], sentences: Sentences) -> Registry:
        """With a household's own intents. Raises: SkillError: a skill has an intent of that name."""
        for intent in skills:
            if intent in self._entries:
                raise SkillError(f"{intent} is claimed by {sentences.origin} and {self._entries[intent].origin}")
        own = (
            Entry(intent=intent, skill=skill, slots=OwnSkill.Slots, origin=sentences.origin) for intent, skill in skills.items()
        )
        return Registry((*self.entries, *own), self._schema, (sentences, *self.sentences))

    def timeout_s(self, intent: str) -> float:
        """How long the intent's skill may take: its `timeout_s`, at most `TIMEOUT_S`."""
        return min(TIMEOUT_S, float(getattr(self._entries[intent].skill, "timeout_s", TIMEOUT_S)))

    def __contains__(self, intent: object) -> bool:
        return intent in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def skill(self, intent: str) -> Skill | Isolated | OwnSkill:
        """Raises: KeyError: no skill has that intent (ask `in` first)."""
        return self._entries[intent].skill

    def slots(self, intent: str, values: Mapping[str, Any]) -> Any:
        """Build the intent's typed Slots from normalised values; None counts as not said.

        Raises: KeyError: no skill has that intent. SlotError: an unknown slot, a missing one, or a wrong kind of value.
        """
        entry = self._entries[intent]
        known = {slot_name(field): field for field in fields(entry.slots)}
        given: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for slot, value in values.items():
            if value is None:
                continue
            spec = self._slot_kinds.get(slot)
            checked = value if spec is None else _checked(intent, slot, value, spec)
            if slot in known and slot != REST:
                given[known[slot].name] = checked
            else:
                rest[slot] = checked
        if REST in known:
            given[REST] = rest
        elif rest:
            raise SlotError(f"{intent} has no slot {', '.join(map(repr, rest))}")
        missing = [slot for slot, field in known.items() if _required(field) and field.name not in given]
        if missing:
            raise SlotError(f"{intent} needs the slot {', '.join(map(repr, missing))}")
        return entry.slots(**given)

    async def handle(self, intent: str, values: Mapping[str, Any], turn: Turn) -> Done:
        """Run the intent's skill on normalised slots. Raises: as `slots`; Unclear: a question, nothing was done."""
        return await self.skill(intent).handle(self.slots(intent, values), turn)


def load_skills(
    points: Iterable[EntryPoint] | None = None, schema: Mapping[str, Any] | None = None, *,
    on_fault: Callable[[SkillError], None] | None = None,
) -> Registry:
    """Load every installed skill.

    Args:
        points: entry points to load; None: those of the group `ingle.skills`.
        schema: the catalogue; None: `load_schema()`.
        on_fault: hears of a stranger's skills that cannot be used, and they are left out; None: that is raised.
    Raises: SkillError: a skill that cannot be imported, does not fit the catalogue, or claims an intent another has.
    """
    catalogue = load_schema() if schema is None else schema
    entries: dict[str, Entry] = {}
    sentences: dict[str, Sentences] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
        try:
            found = [(entry, said) for cls in _classes(point) for entry, said in _entries_of(cls, catalogue)]
        except SkillError as error:
            if on_fault is None or not is_stranger(point.module):
                raise
            on_fault(error)
            continue
        for entry, said in found:
            other = entries.setdefault(entry.intent, entry)
            if other is not entry and other.origin != entry.origin:
                raise SkillError(f"{entry.intent} is claimed by two skills: {other.origin} and {entry.origin}")
            if said is not None:
                sentences[entry.origin] = said
    return Registry(entries.values(), catalogue, sentences.values())


def is_stranger(module: str) -> bool:
    """Whether a skill of this module is not one of Ingle's own."""
    return not module.startswith(f"{__package__}.")


def slot_name(field: Field[Any]) -> str:
    """The slot a field stands for: `for_` is the slot `for`, as Python keeps that word for itself."""
    bare = field.name.removesuffix("_")
    return bare if keyword.iskeyword(bare) else field.name


def _classes(point: EntryPoint) -> list[type]:
    try:
        point.load()
    except (Exception, SystemExit) as error:  # a stranger's module may fail in any way; the start-up says which and how
        raise SkillError(f"the skills of {point.value} cannot be loaded: {error}") from error
    found = [
        cls
        for cls in api._registered
        if cls.__module__ == point.module or cls.__module__.startswith(f"{point.module}.")
    ]
    if not found:
        raise SkillError(f"{point.value} has no @skill class")
    return found


def _entries_of(cls: type, catalogue: Mapping[str, Any]) -> list[tuple[Entry, Sentences | None]]:
    """The class's intents, with the sentences it brings for them."""
    origin = f"{cls.__module__}.{cls.__qualname__}"
    intents: tuple[str, ...] = getattr(cls, "intents", ())
    slots = getattr(cls, "Slots", None)
    if not intents or slots is None or not callable(getattr(cls, "handle", None)):
        raise SkillError(f"{origin} needs `intent` or `intents`, a `Slots` dataclass and `handle`")
    try:
        instance: Skill = cls()
    except Exception as error:
        raise SkillError(f"{origin} cannot be made: {error}") from error
    sentences = _sentences_of(cls, origin)
    skill: Skill | Isolated = Isolated(instance, origin) if is_stranger(cls.__module__) else instance
    entries = []
    for intent in intents:
        own: Any = slots.get(intent) if isinstance(slots, Mapping) else slots
        if sentences is not None and intent in sentences.intents and intent not in catalogue["intents"]:
            _check_own_slots(origin, intent, own, sentences)
        else:
            _check_slots(origin, intent, own, catalogue)
        entries.append((Entry(intent=intent, skill=skill, slots=own, origin=origin), sentences))
    return entries


def _sentences_of(cls: type, origin: str) -> Sentences | None:
    """What the class's `sentences` holds: a mapping, or the name of a file beside its module. Raises: SkillError."""
    given = getattr(cls, "sentences", None)
    if given is None:
        return None
    module = sys.modules[cls.__module__]
    source = given if isinstance(given, Mapping) else Path(module.__file__ or "").parent / str(given)
    try:
        return read_sentences(source, f"{origin}.sentences")
    except SentencesError as error:
        raise SkillError(f"{origin}: {error}") from None


def _check_own_slots(origin: str, intent: str, slots: Any, sentences: Sentences) -> None:
    """Raises: SkillError: the sentences fill a slot that Slots does not have."""
    if not (isinstance(slots, type) and is_dataclass(slots)):
        raise SkillError(f"{origin}: the Slots of {intent} must be a frozen dataclass")
    have = {slot_name(field) for field in fields(slots)}
    if REST not in have and (unknown := sorted(sentences.slots[intent] - have)):
        raise SkillError(f"{origin}: Slots of {intent} lacks {', '.join(unknown)}, which its sentences fill")


def _check_slots(origin: str, intent: str, slots: Any, catalogue: Mapping[str, Any]) -> None:
    """Raises: SkillError: Slots and the catalogue do not name the same slots, or a field cannot hold its slot."""
    if not (isinstance(slots, type) and is_dataclass(slots) and slots.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise SkillError(f"{origin}: the Slots of {intent} must be a frozen dataclass")
    if intent not in catalogue["intents"]:
        raise SkillError(f"{origin}: the catalogue has no intent {intent}")
    hints = get_type_hints(slots)
    said = set(catalogue["intents"][intent]["slots"])
    have = {slot_name(field): hints[field.name] for field in fields(slots)}
    takes_rest = have.pop(REST, None) is not None
    if unknown := sorted(set(have) - said):
        raise SkillError(f"{origin}: the catalogue has no slot {', '.join(unknown)} for {intent}")
    if not takes_rest and (untaken := sorted(said - set(have))):
        # A slot that nobody reads would be said and silently ignored: "open the valve if it stays dry" would open it.
        raise SkillError(f"{origin}: Slots of {intent} lacks {', '.join(untaken)} (or a field `{REST}`)")
    for slot, hint in have.items():
        if wrong := _misfit(hint, catalogue["slots"][slot]):
            raise SkillError(f"{origin}: the slot {slot} of {intent} {wrong}")


def _misfit(hint: Any, spec: Mapping[str, Any]) -> str | None:
    """What is wrong with a field's type for a slot of this kind, or None."""
    allowed = set(_members(hint)) - {type(None)}
    if Any in allowed:
        return None
    if spec["many"]:
        many = any(get_origin(member) is tuple for member in allowed)
        return None if many else "is repeated: make it tuple[str, ...]"
    if spec["kind"] == "number":
        return None if allowed & {int, float} and allowed <= {int, float} else "is a number: make it int, float or both"
    if spec["kind"] == "step":
        wanted = {"up", "down"}
        literals = {value for member in allowed if get_origin(member) is Literal for value in get_args(member)}
        words = str in allowed or literals >= wanted
        return None if words and allowed & {int, float} else "is a step: make it Step"
    if spec["kind"] == "enum":
        literals = {value for member in allowed if get_origin(member) is Literal for value in get_args(member)}
        return None if str in allowed or literals >= set(spec["values"]) else "is an enum: make it str"
    return None if str in allowed else "is words as said: make it str"


def _members(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(member for part in get_args(hint) for member in _members(part))
    return (hint,)


def _checked(intent: str, slot: str, value: Any, spec: Mapping[str, Any]) -> Any:
    """The value, if it is of its slot's kind; a repeated one as a tuple. Raises: SlotError."""
    if spec["many"]:
        values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        return tuple(_checked(intent, slot, item, {**spec, "many": False}) for item in values)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "number": number,
        "step": number or value in ("up", "down"),
        "enum": value in spec["values"] or value in spec["also"],
        "span": isinstance(value, str),
    }[spec["kind"]]
    if not fits:
        raise SlotError(f"{intent}: the slot {slot} is a {spec['kind']}, not {value!r}")
    return value


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
