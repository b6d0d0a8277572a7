"""A scenario file: a home, what is said in it, and all that must come of it. Read from YAML, checked, as dataclasses.

    home: two_rooms             # tests/homes/two_rooms.yaml beside the scenarios, or the home itself written here
    config: {confirm_s: 0.3}    # overrides of config.yaml
    cloud: "It is Paris."       # a cloud is set up that answers everything so; without it there is none
    independent: true           # each turn is a conversation of its own, in the home as its file has it
    wish: 21                    # the wish it carries, if any
    turns:
      - ask: "turn off the kitchen lights, please"
        area: Hall
        expect: {route: local, intents: […], commands: […], reply: "…", states: {light.ceiling: {state: "off"}}}
      - world: {set: {light.ceiling: {state: "on"}}}
      - unasked: {commands: [{topic: home/hall/set, payload: "ON"}], announced: ["A reminder: feed the cat."]}

Within `expect`, what is not named is not compared, save for `commands`: without it, none may be sent. A reply is compared as a
whole, or by `{contains, lacks, one_of, matches}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from ..simulator import HomeFile, HomeFileError, load_home, parse_home
from ..typed import Mismatch, build, suggestion

SHIPPED: Final = Path(__file__).parents[1]     # has the demo home
Json = str | int | float | Mapping[str, Any]


class ScenarioError(Exception):
    """A scenario file cannot be run: names the file, the place and the cure."""


@dataclass(frozen=True, kw_only=True)
class ExpectedIntent:
    intent: str
    slots: Mapping[str, Any] | None = None          # all of them, as grounded; order and capitals do not matter
    entities: tuple[str, ...] | None = None         # all of them, in any order


@dataclass(frozen=True, kw_only=True)
class ExpectedCommand:
    topic: str
    payload: Json                                   # JSON is compared as JSON: 50 is 50.0, keys in any order


@dataclass(frozen=True, kw_only=True)
class ReplyRule:
    """Capitals do not matter, except to `matches`."""

    contains: str | tuple[str, ...] = ()
    lacks: str | tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    matches: str | None = None                      # a regular expression for the whole reply


@dataclass(frozen=True, kw_only=True)
class Expect:
    route: str | None = None
    intents: tuple[ExpectedIntent, ...] | None = None
    commands: tuple[ExpectedCommand, ...] = ()      # one more or one less fails
    reply: str | ReplyRule | None = None
    sources: tuple[str, ...] | None = None
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the simulated devices afterwards
    refused: bool = False                           # a device must refuse a command, for a wrong PIN say


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Say something and judge what comes of it."""

    ask: str
    area: str | None = None
    session: str = "scenario"
    via: Literal["text", "voice"] = "text"
    speaker: str | None = None
    expect: Expect = field(default_factory=Expect)


@dataclass(frozen=True, kw_only=True)
class WorldChange:
    set: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by hand: entity: {state, attributes…}
    offline: str | tuple[str, ...] = ()
    online: str | tuple[str, ...] = ()
    remove: str | tuple[str, ...] = ()              # taken out of the house, its discovery cleared


@dataclass(frozen=True, kw_only=True)
class World:
    """Something happens in the house."""

    world: WorldChange


@dataclass(frozen=True, kw_only=True)
class Restart:
    restart: Literal["broker", "ingle"]


@dataclass(frozen=True, kw_only=True)
class Wait:
    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Foreign:
    topic: str
    payload: Json = ""
    retain: bool = False


@dataclass(frozen=True, kw_only=True)
class PublishForeign:
    """A message of somebody else on the bus: a bridge, a ghost, an intruder."""

    publish: Foreign


@dataclass(frozen=True, kw_only=True)
class Presence:
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExpectEntities:
    """Which entities Ingle must know, or must not know, within `entities_s`."""

    expect_entities: Presence


@dataclass(frozen=True, kw_only=True)
class OfItself:
    commands: tuple[ExpectedCommand, ...] = ()      # since the last turn: all of them, in any order
    announced: tuple[str, ...] = ()                 # what was said on ingle/announce, word for word


@dataclass(frozen=True, kw_only=True)
class Unasked:
    """What Ingle does without being asked, within `unasked_s`: a routine, a command for later, a reminder."""

    unasked: OfItself


Step = Ask | World | Restart | Wait | PublishForeign | ExpectEntities | Unasked
_STEPS: dict[str, type[Step]] = {
    "ask": Ask, "world": World, "restart": Restart, "wait_s": Wait, "publish": PublishForeign,
    "expect_entities": ExpectEntities, "unasked": Unasked,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scenario:
    file: Path
    home: HomeFile
    turns: tuple[Step, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    cloud: str | None = None                        # what the cloud answers; None: no cloud is set up
    independent: bool = False                       # each turn in a conversation of its own, in the home as its file has it
    wish: int | None = None

    @property
    def asks(self) -> int:
        return sum(isinstance(step, Ask) for step in self.turns)


@dataclass(frozen=True, kw_only=True)
class _File:
    """What a file may hold at its top."""

    home: str | Mapping[str, Any]
    turns: tuple[Any, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    cloud: str | None = None
    independent: bool = False
    wish: int | None = None


def find(paths: list[Path]) -> list[Path]:
    """Return the scenario files in files and folders, sorted. Raises: ScenarioError."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.rglob("*.yaml"))
        elif path.is_file():
            files.append(path)
        else:
            raise ScenarioError(f"{path}: there is no such file or folder")
    if not files:
        raise ScenarioError(f"{', '.join(map(str, paths))}: no *.yaml in there")
    return files


def load(path: Path) -> Scenario:
    """Read one scenario file. Raises: ScenarioError."""
    try:
        data = build(_File, yaml.safe_load(path.read_text(encoding="utf-8")))
        steps = tuple(_step(raw, place) for place, raw in enumerate(data.turns))
        home = _home(data.home, path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {' '.join(str(error).split())}") from None
    except (Mismatch, HomeFileError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    return Scenario(file=path, home=home, turns=steps, config=data.config, cloud=data.cloud, independent=data.independent,
                    wish=data.wish)


def _step(raw: object, place: int) -> Step:
    where = f"turns[{place}]"
    kind = next((key for key in _STEPS if isinstance(raw, Mapping) and key in raw), None)
    if kind is None:
        word = next(iter(raw), "") if isinstance(raw, Mapping) else str(raw)
        raise Mismatch(where, f"is no step{suggestion(str(word), list(_STEPS))}")
    step = build(_STEPS[kind], raw, where)
    if isinstance(step, Ask) and isinstance(step.expect.reply, ReplyRule) and step.expect.reply.matches:
        _check_pattern(step.expect.reply.matches, where)
    return step


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise Mismatch(f"{where}.expect.reply.matches", f"is not a regular expression: {error}") from None


def _home(home: str | Mapping[str, Any], scenario: Path) -> HomeFile:
    """A home written in the scenario, or by name: `homes/NAME.yaml` beside or above it, or one that ships."""
    if not isinstance(home, str):
        return parse_home(home, name=str(scenario))
    if home.endswith(".yaml"):
        return load_home(scenario.parent / home)
    for folder in (*scenario.absolute().parents, SHIPPED):
        candidate = folder / "homes" / f"{home}.yaml"
        if candidate.is_file():
            return load_home(candidate)
    raise Mismatch("home", f"there is no homes/{home}.yaml beside or above the scenario")


def words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """One or several, as several."""
    return (value,) if isinstance(value, str) else value
