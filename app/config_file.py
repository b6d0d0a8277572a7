"""config.yaml changed in place: comments and order stay, and nothing is written that `config.parse` would refuse.

    file = ConfigFile.open(path)
    file.change("limits.turns", "50")       # as it would be written in YAML; raises ConfigError, nothing is changed
    file.save()                             # all of the new file, or the old one, also after a power cut

Needs ruamel.yaml (`pip install ingle[tui]`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Self

from .config import Config, ConfigError, parse
from .typed import plain

SECRET: Final = frozenset({"mqtt.password", "sensitive.pin"})
HEAD: Final = "# Ingle's configuration. Every key may be left out; README.md tells of all.\n"


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
        """What stands in the file beside a key; nothing where the key is not there."""
        data: Any = _yaml().load(self.text)
        *outer, last = key.split(".")
        for name in outer:
            data = data.get(name) if isinstance(data, Mapping) else None
        if not isinstance(data, Mapping) or last not in data:
            return ""
        tokens = data.ca.items.get(last) or ()      # type: ignore[attr-defined]  # ruamel's own mapping
        lines = [line.strip().lstrip("#").strip() for token in tokens if hasattr(token, "value")
                 for line in token.value.split("\n\n")[0].splitlines()]
        return " ".join(line for line in lines if line)

    def change(self, key: str, written: str) -> None:
        """Give a key another value, as it would be written in YAML; nothing written: the default. Raises: ConfigError."""
        yaml = _yaml()
        try:
            data = yaml.load(self.text)
            value = yaml.load(written) if written.strip() else None
        except Exception as error:      # ruamel's errors have no common base but Exception
            raise ConfigError(f"{self.path}: `{key}`: not valid YAML: {' '.join(str(error).split())[:200]}") from None
        data = data if data is not None else yaml.load("{}")
        _put(data, key.split("."), value, keep=bool(written.strip()))
        out = io.StringIO()
        yaml.dump(data, out)
        text = out.getvalue()
        if not isinstance(data, Mapping) or not data:
            text = HEAD
        self.config = parse(text, self.path)
        self.text = text

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
    import yaml

    return str(yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=100_000)).removesuffix("...\n").strip()


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 140
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _put(data: Any, names: list[str], value: Any, *, keep: bool) -> None:
    for name in names[:-1]:
        if not isinstance(data.get(name), Mapping):
            if not keep:
                return
            data[name] = {}
        data = data[name]
    if keep:
        data[names[-1]] = value
    else:
        data.pop(names[-1], None)


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
