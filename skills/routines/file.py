"""A routine, and the file that keeps them: `routines.yaml`, which people may edit."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

MAX_ROUTINES: Final = 200
MAX_BYTES: Final = 200_000

HEAD: Final = """\
# Routines. What is changed here is read again within seconds; Ingle writes here too, when one is made or removed by voice.
# - name: movie time                   # what it is called
#   when: I say movie time             # or: every weekday at seven; the front door opens after ten; it gets colder than 5 outside
#   do: dim the living room to 20 and close the blinds
#   if: somebody is home               # may be left out, as what follows
#   enabled: true
#   area: Living Room                  # where it is as if said: "turn on the lights" means the lights there
"""


class RoutinesError(Exception):
    """Something in the file that its owner can mend: one line with the file, the line and the cure."""


@dataclass(frozen=True, kw_only=True)
class Routine:
    """As it stands in the file."""

    name: str
    when: str
    do: str
    if_: str | None = None
    enabled: bool = True
    area: str | None = None
    speaker: str | None = None      # who made it: "I" in its words
    once: bool = False              # gone after it ran

    @property
    def phrase(self) -> str | None:
        """What has to be said, if it is a phrase that sets it off."""
        return spoken_phrase(self.when)


def spoken_phrase(when: str) -> str | None:
    """"I say movie time", "someone says 'movie time'" -> "movie time"; None: it is no phrase."""
    match = re.fullmatch(r"\s*(?:when(?:ever)?\s+)?(?:(?:i|we|you|someone|somebody|anyone) (?:hear me say|say|says|said|tell you)"
                         r"|you hear)\b\s*[:,]?\s*(?P<phrase>.+?)\s*", when, re.IGNORECASE)
    return match["phrase"].strip(" \"'“”") if match else None


@dataclass(frozen=True)
class _Lines:
    """A routine and where it stands: the lines [first, last) of the file."""

    routine: Routine
    first: int
    last: int


class RoutineFile:
    """`routines.yaml`: read with places for messages, changed a block at a time, so that comments stay."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._kept = ""             # without a path, all there is

    def read(self) -> tuple[list[_Lines], list[str]]:
        """The routines, and a line for each that cannot be used. Raises: RoutinesError: the file as a whole cannot be read."""
        text = self._text()
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or "cannot be read"
            raise RoutinesError(f"{self.path}{where}: not valid YAML: {problem}") from None
        if root is None:
            return [], []
        if not isinstance(root, yaml.SequenceNode):
            raise RoutinesError(f"{self.path}: must be a list of routines: begin each with `- name: …`")
        found: list[_Lines] = []
        faults: list[str] = []
        for node in root.value[:MAX_ROUTINES]:
            try:
                routine = self._routine(node)
                if any(other.routine.name.casefold() == routine.name.casefold() for other in found):
                    raise RoutinesError(f"{self._at(node)}: the name {routine.name!r} is there twice: change one")
                found.append(_Lines(routine, node.start_mark.line, _last_line(node)))
            except RoutinesError as error:
                faults.append(str(error))
        return found, faults

    def put(self, routine: Routine) -> None:
        """Write a routine over the one of its name, or at the end."""
        block = yaml.safe_dump([_plain(routine)], allow_unicode=True, sort_keys=False, width=1000)
        lines = self._text().splitlines(keepends=True) or HEAD.splitlines(keepends=True)
        place = self._place(routine.name)
        if place is None:
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            self._write("".join(lines) + block)
        else:
            self._write("".join([*lines[: place.first], block, *lines[place.last :]]))

    def remove(self, name: str) -> None:
        place = self._place(name)
        if place is not None:
            lines = self._text().splitlines(keepends=True)
            self._write("".join([*lines[: place.first], *lines[place.last :]]))

    def version(self) -> tuple[int, int]:
        """Changes whenever the file does."""
        if self.path is None:
            return hash(self._kept), len(self._kept)
        try:
            status = self.path.stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_size

    def _place(self, name: str) -> _Lines | None:
        found, _ = self.read()
        return next((each for each in found if each.routine.name.casefold() == name.casefold()), None)

    def _text(self) -> str:
        if self.path is None:
            return self._kept
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise RoutinesError(f"{self.path}: larger than {MAX_BYTES} bytes: this is no file of routines")
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise RoutinesError(f"{self.path}: cannot be read: {error}") from None

    def _write(self, text: str) -> None:
        """All of the new file, or the old one: also after a power cut."""
        if self.path is None:
            self._kept = text
            return
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def _at(self, node: yaml.Node) -> str:
        return f"{self.path or 'routines'}:{node.start_mark.line + 1}"

    def _routine(self, node: yaml.Node) -> Routine:
        """Raises: RoutinesError."""
        if not isinstance(node, yaml.MappingNode):
            raise RoutinesError(f"{self._at(node)}: must have `name`, `when` and `do`")
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in _KEYS:
                raise RoutinesError(f"{self._at(key)}: `{name}` is not a known key (known: {', '.join(_KEYS)})")
            values[_KEYS[name]] = self._value(name, value)
        if missing := [name for name in ("when", "do") if not values.get(name)]:
            raise RoutinesError(f"{self._at(node)}: `{missing[0]}` is missing")
        return Routine(**{"name": spoken_phrase(values["when"]) or values["when"], **values})

    def _value(self, name: str, node: yaml.Node) -> Any:
        kind = bool if name in ("enabled", "once") else str
        if not isinstance(node, yaml.ScalarNode):
            raise RoutinesError(f"{self._at(node)}: `{name}` must be {'true or false' if kind is bool else 'words'}")
        if kind is str:
            return str(node.value)      # as written: a time like 7:30 stays words
        if node.value.lower() not in ("true", "false", "yes", "no", "on", "off"):
            raise RoutinesError(f"{self._at(node)}: `{name}` must be true or false, not {node.value!r}")
        return node.value.lower() in ("true", "yes", "on")


_KEYS: Final[Mapping[str, str]] = {
    "name": "name", "when": "when", "do": "do", "if": "if_", "enabled": "enabled", "area": "area", "speaker": "speaker",
    "once": "once",
}


def _last_line(node: yaml.Node) -> int:
    """The line after the block; the mark of its end may stand on the next block's first line."""
    inner = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else [node]
    return max(each.end_mark.line + (1 if each.end_mark.column > 0 else 0) for each in inner)


def _plain(routine: Routine) -> dict[str, Any]:
    data: dict[str, Any] = {"name": routine.name, "when": routine.when, "do": routine.do}
    more = {"if": routine.if_, "area": routine.area, "speaker": routine.speaker}
    data |= {key: value for key, value in more.items() if value is not None}
    return data | ({} if routine.enabled else {"enabled": False}) | ({"once": True} if routine.once else {})
