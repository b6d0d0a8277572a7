"""Plain data (from JSON or YAML) to dataclasses, checked, with errors that name the place: for config and events."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Mismatch(Exception):
    """`path` ("home.areas[2].floor") does not hold what it should; `problem` says so in half a sentence."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def build(cls: type[T], data: Any, path: str = "", *, ignore_unknown: bool = False) -> T:
    """Return `data`, a mapping, as an instance of the dataclass `cls`. Raises: Mismatch.

    Missing keys, and keys left empty, take the field's default. Unknown keys are refused with a suggestion, unless
    `ignore_unknown`.
    """
    if not isinstance(data, Mapping):
        raise Mismatch(path, f"must be a mapping, not {_kind(data)}")
    kind: Any = cls     # mypy takes `type[T]` for no Hashable
    known, hints = _fields(kind), _hints(kind)
    if not ignore_unknown:
        _refuse_unknown(data, known, path)
    values = {}
    for name, field in known.items():
        if name in data and not _left_empty(data[name], hints[name]):
            values[name] = _value(hints[name], data[name], _join(path, name), ignore_unknown)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Mismatch(_join(path, name), "is missing")
    return cls(**values)


def plain(value: Any) -> Any:
    """The reverse: dataclasses, tuples and mappings as what `json.dumps` takes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def suggestion(word: str, known: list[str]) -> str:
    """What to add to "is not known": the nearest known word in brackets, or all of them, or nothing."""
    close = get_close_matches(word, known, n=1)
    if close:
        return f" (did you mean `{close[0]}`?)"
    return f" (known: {', '.join(sorted(known))})" if known else ""


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


@cache
def _fields(cls: Any) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(cls) if field.init}


def _refuse_unknown(data: Mapping[Any, Any], known: Mapping[str, Any], path: str) -> None:
    for key in data:
        if key not in known:
            raise Mismatch(_join(path, str(key)), f"is not a known key{suggestion(str(key), list(known))}")


def _left_empty(data: Any, hint: Any) -> bool:
    return data is None and type(None) not in get_args(hint) and hint is not Any


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _value(hint: Any, data: Any, path: str, loose: bool) -> Any:
    """`data` as the type `hint`. Raises: Mismatch."""
    if hint is Any or hint is object:
        return data
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, data, path, ignore_unknown=loose)
    origin = get_origin(hint)
    if origin is None:
        return _scalar(hint, data, path)
    return _GENERIC[origin](hint, data, path, loose)


def _scalar(hint: type, data: Any, path: str) -> Any:
    # bool is an int in Python, and 5 is a good float; neither the other way round.
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, hint) or (isinstance(data, bool) and hint is not bool):
        raise Mismatch(path, f"must be {_NAMES.get(hint, hint.__name__)}, not {_kind(data)}")
    return data


def _union(hint: Any, data: Any, path: str, loose: bool) -> Any:
    options = get_args(hint)
    if data is None and type(None) in options:
        return None
    problems = []
    for option in options:
        if option is not type(None):
            try:
                return _value(option, data, path, loose)
            except Mismatch as mismatch:
                problems.append(mismatch)
    raise problems[0]


def _literal(hint: Any, data: Any, path: str, loose: bool) -> Any:
    choices = get_args(hint)
    if data not in choices:
        raise Mismatch(path, f"must be one of {', '.join(map(str, choices))}, not {data!r}")
    return data


def _sequence(hint: Any, data: Any, path: str, loose: bool) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise Mismatch(path, f"must be a list, not {_kind(data)}")
    item = get_args(hint)[0]
    return tuple(_value(item, entry, f"{path}[{place}]", loose) for place, entry in enumerate(data))


def _mapping(hint: Any, data: Any, path: str, loose: bool) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise Mismatch(path, f"must be a mapping, not {_kind(data)}")
    _, item = get_args(hint)
    return {str(key): _value(item, entry, _join(path, str(key)), loose) for key, entry in data.items()}


def _kind(data: Any) -> str:
    return "nothing" if data is None else _NAMES.get(type(data), type(data).__name__)


_NAMES: dict[type, str] = {
    str: "a string", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping", list: "a list",
    tuple: "a list",
}
_GENERIC: dict[Any, Callable[[Any, Any, str, bool], Any]] = {
    Union: _union, types.UnionType: _union, Literal: _literal, tuple: _sequence, Mapping: _mapping, dict: _mapping,
}
