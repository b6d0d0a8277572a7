"""config.yaml changed in place: only the value itself is written anew, so that comments and order stay as they are.

    file = ConfigFile.open(path)
    file.change("limits.turns", "50")       # as it would be written in YAML; raises ConfigError, nothing is changed
    file.save()                             # all of the new file, or the old one, also after a power cut
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from .config import Config, ConfigError, parse
from .typed import plain

SECRET: Final = frozenset({"mqtt.password", "sensitive.pin"})
HEAD: Final = "# Ingle's configuration. Every key may be left out; README.md tells of all.\n"
_CONTINUED_FROM: Final = 16     # columns: a comment that begins so far right goes on from the line above


@dataclass(frozen=True)
class Setting:
    """One value of the configuration."""

    key: str                    # "limits.turns"
    value: Any                  # as it holds now, plain data
    default: Any
    kind: type | None           # bool, int, float, str; None: something composed
    about: str                  # of its section

    @property
    def changed(self) -> bool:
        return bool(self.value != self.default)


class ConfigFile:
    """The text of a configuration, valid at all times."""

    def __init__(self, path: Path, text: str) -> None:
        """Raises: ConfigError."""
        self.path = path
        self.text = text
        self.config = parse(text, path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """One that is not there yet is empty. Raises: ConfigError."""
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path, HEAD)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from None

    def settings(self) -> list[Setting]:
        """All there are, in the order of `Config`."""
        return list(_settings(self.config, Config(), ""))

    def comment(self, key: str) -> str:
        """What stands in the file beside a key, and in the lines of comments that go on from there; nothing without the key."""
        _, value = _find(self.text, key.split("."))
        if value is None:
            return ""
        first, *others = self.text[_end(value) :].split("\n")
        said = first.partition("#")[2].strip()
        for line in others if said else ():
            if not line.startswith(" " * _CONTINUED_FROM) or not line.lstrip().startswith("#"):
                break
            said += " " + line.strip().lstrip("#").strip()
        return said

    def change(self, key: str, written: str) -> None:
        """Give a key another value, as it would be written in YAML; nothing written: the default. Raises: ConfigError."""
        try:
            value = yaml.safe_load(written) if written.strip() else None
        except yaml.YAMLError as error:
            problem = " ".join(str(error).split())
            raise ConfigError(f"{self.path}: `{key}`: not valid YAML: {problem[:200]}") from None
        names = key.split(".")
        wanted = _with(yaml.safe_load(self.text), names, value)
        text = _edited(self.text, names, value)
        config = parse(text, self.path)
        if yaml.safe_load(text) != wanted:      # anchors, merge keys: what is written in one place holds in another
            raise ConfigError(f"{self.path}: `{key}` is written in a way that only you can change: edit the file.")
        self.config, self.text = config, text

    def save(self) -> None:
        """Raises: OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _mode_of(self.path))
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)


def written(value: Any) -> str:
    """A value as it is written in YAML, on one line; nothing for None."""
    if value is None:
        return ""
    return str(yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=100_000)).removesuffix("...\n").strip()


def _with(data: Any, names: list[str], value: Any) -> Any:
    """The same data with another value at a place."""
    inside = dict(data) if isinstance(data, Mapping) else {}
    inside[names[0]] = value if len(names) == 1 else _with(inside.get(names[0]), names[1:], value)
    return inside


def _edited(text: str, names: list[str], value: Any) -> str:
    """`text` with the value at its place, or with a line for it where there is none."""
    depth, node = _find(text, names)
    if depth == len(names):
        assert node is not None
        start, end = node.start_mark.index, _end(node)
        told = _in_flow(value) if _is_in_flow(text, names) else written(value)
        before = text[:start] if told else text[:start].rstrip(" ")
        gap = " " if told and before.endswith(":") else ""
        return f"{before}{gap}{told}{text[end:]}"
    rest = names[depth:]
    if depth == 0 and not (isinstance(node, yaml.MappingNode) and node.flow_style):
        return f"{text.rstrip()}\n\n{_lines(rest, value, 0)}".lstrip("\n")
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        at = node.start_mark.index + 1
        inner = value
        for name in reversed(rest[1:]):
            inner = {name: inner}
        return f"{text[:at]}{rest[0]}: {_in_flow(inner)}{', ' if node.value else ''}{text[at:]}"
    if isinstance(node, yaml.MappingNode):
        first = node.value[0][0].start_mark
        at = text.rfind("\n", 0, first.index) + 1
        return f"{text[:at]}{_lines(rest, value, first.column)}{text[at:]}"
    assert node is not None         # only an empty text has none
    line_start = text.rfind("\n", 0, node.start_mark.index) + 1                # `key:` with nothing, perhaps a comment
    line_end = text.find("\n", node.start_mark.index)
    indent = len(text[line_start:]) - len(text[line_start:].lstrip(" ")) + 2
    at = len(text) if line_end < 0 else line_end + 1
    before = text[:at] if text[:at].endswith("\n") else f"{text[:at]}\n"
    return f"{before}{_lines(rest, value, indent)}{text[at:]}"


def _lines(names: list[str], value: Any, indent: int) -> str:
    """"limits:", "  turns: 50"."""
    outer = [f"{' ' * (indent + 2 * step)}{name}:\n" for step, name in enumerate(names[:-1])]
    return "".join(outer) + f"{' ' * (indent + 2 * (len(names) - 1))}{names[-1]}: {written(value)}".rstrip() + "\n"


def _find(text: str, names: list[str]) -> tuple[int, yaml.Node | None]:
    """How many of the names are there, and the node of the last of them; (0, the whole) for none."""
    node = yaml.compose(text, yaml.SafeLoader)
    for depth, name in enumerate(names):
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        inside = next((value for key, value in pairs if key.value == name), None)
        if inside is None:
            return depth, node
        node = inside
    return len(names), node


def _end(node: yaml.Node) -> int:
    """Where a value ends: a block's own mark is behind the comments after it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _is_in_flow(text: str, names: list[str]) -> bool:
    return any(bool(getattr(_find(text, names[:depth])[1], "flow_style", False)) for depth in range(len(names)))


def _in_flow(value: Any) -> str:
    """Inside of { } words need quotes that they do not need elsewhere."""
    return json.dumps(value, ensure_ascii=False)


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0o600


def _settings(value: Any, default: Any, prefix: str) -> Iterator[Setting]:
    about = " ".join((type(value).__doc__ or "").split()) if prefix else ""
    for field in fields(value):
        key = f"{prefix}{field.name}"
        now, usual = getattr(value, field.name), getattr(default, field.name)
        if key == "file":
            continue
        if is_dataclass(now) and not isinstance(now, type):
            yield from _settings(now, usual, f"{key}.")
        else:
            kind = type(usual) if usual is not None else type(now) if now is not None else str
            yield Setting(key, plain(now), plain(usual), kind if kind in (bool, int, float, str) else None,
                          "" if about.startswith(type(value).__name__ + "(") else about)
