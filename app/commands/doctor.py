"""Say what Ingle finds on this machine and in its configuration, and what to do about what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..config import Config

HELP = "check machine, configuration, model and broker"

PACKAGES = (
    "numpy", "sentencepiece", "pyyaml", "aiomqtt", "paho-mqtt", "amqtt", "minijinja", "rapidfuzz", "platformdirs", "psutil",
)
EXTRAS = {"textual": "the screen: pip install 'ingle[tui]'"}
MIB = 2**20


@dataclass(frozen=True)
class Finding:
    what: str
    verdict: Literal["ok", "note", "wrong"]
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument("--audio", action="store_true", help="look at microphone, loudspeaker and what speech needs instead")
    parser.add_argument("--health", action="store_true", help="how Ingle has done since its start, and what telemetry sends next")


def run(args: argparse.Namespace) -> int:
    import json

    examine = _examine_audio if args.audio else _examine_health if args.health else _examine
    findings = list(examine(args.config))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            print(f"{finding.verdict:5}  {finding.what:{width}}  {finding.detail}")
    return 1 if any(finding.verdict == "wrong" for finding in findings) else 0


def _examine_audio(file: str | None) -> Iterator[Finding]:
    from ..config import load
    from ..voice.check import examine

    yield from (Finding(*found) for found in examine(load(file)))


def _examine_health(file: str | None) -> Iterator[Finding]:
    """The figures as they are, here; and, word for word, the export that leaves next, if any does."""
    import json

    from ..config import load
    from ..model_link import slots_of
    from ..telemetry import LOCAL, NEXT, Figures

    config = load(file)
    active = slots_of(config).active()
    yield Finding("model", "ok", f"{active.version}, slot {active.slot}{', on trial' if active.trial else ''}")
    try:
        kept = json.loads((config.data_path / LOCAL).read_bytes())
        kept.pop("model")
        for name, value in Figures(**kept).summary().items():
            yield Finding(name, "ok", "nothing measured" if value is None else str(value))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        yield Finding("figures", "note", "none yet: they are kept while `ingle run` runs")
    if not config.telemetry.exports:
        yield Finding("telemetry", "ok", "off: nothing leaves")
        return
    path = config.data_path / NEXT
    waiting = path.read_text(encoding="utf-8") if path.exists() else "none yet"
    yield Finding("telemetry", "note", f"on (ε {config.telemetry.epsilon}); leaves next: {waiting}")


def _examine(file: str | None) -> Iterator[Finding]:
    yield from _machine()
    yield from _packages()
    from ..config import ConfigError, load

    try:
        config = load(file)
    except ConfigError as error:
        yield Finding("configuration", "wrong", str(error))
        return
    yield Finding("configuration", "ok", str(config.file) if config.file else "none found, the defaults hold")
    yield _profile(config)
    yield _data_dir(config)
    yield _model(config)
    yield _skills()
    yield from _broker(config)


def _machine() -> Iterator[Finding]:
    import platform

    version = platform.python_version()
    good = platform.python_version_tuple() >= ("3", "11")
    yield Finding("Python", "ok" if good else "wrong", version if good else f"{version}: Ingle needs 3.11 or newer")
    yield Finding("machine", "ok", f"{platform.machine()}, {platform.system()} {platform.release()}")


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    missing, found = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("packages", "wrong" if missing else "ok",
                  f"missing: {', '.join(missing)}: pip install ingle" if missing else ", ".join(found))
    for name, use in EXTRAS.items():
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "note", f"not installed; {use}")


def _profile(config: Config) -> Finding:
    from ..profile import Machine, choose

    machine = Machine.here()
    choice = choose(machine)
    if config.profile == "auto":
        return Finding("profile", "ok", f"{choice.profile}: {choice.why} ({machine})")
    sizes, detail = ("low", "mid", "high"), f"{config.profile}, as configured ({machine})"
    if sizes.index(config.profile) <= sizes.index(choice.profile):
        return Finding("profile", "ok", detail)
    return Finding("profile", "note", f"{detail}; {choice.profile} would suit it: {choice.why}")


def _data_dir(config: Config) -> Finding:
    import tempfile

    path = config.data_path
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return Finding("data_dir", "ok", f"{path}, writable")
    except OSError as error:
        return Finding("data_dir", "wrong", f"{path}: {error.strerror}: set data_dir or INGLE_DATA_DIR")


def _model(config: Config) -> Finding:
    import time

    from ...engine.gguf import ModelFileError
    from ..daemon import model_path, open_model

    path, began = model_path(config), time.perf_counter()
    try:
        open_model(config)
        took_ms = (time.perf_counter() - began) * 1000
        return Finding("model", "ok", f"{path.name}, {path.stat().st_size / MIB:.1f} MiB, opened in {took_ms:.0f} ms")
    except (ModelFileError, OSError) as error:
        return Finding("model", "wrong", str(error))


def _skills() -> Finding:
    from ...skills.registry import SkillError, load_skills

    try:
        return Finding("skills", "ok", f"{len(load_skills())} intents")
    except SkillError as error:
        return Finding("skills", "wrong", str(error))


def _broker(config: Config) -> Iterator[Finding]:
    import asyncio

    from ..bus import BusError
    from . import CommandError

    try:
        yield from asyncio.run(_ask_broker(config))
    except (CommandError, BusError) as error:
        embedded = config.mqtt.embedded_port is not None
        yield Finding("broker", "note" if embedded else "wrong",
                      "embedded; Ingle is not running now: start it with `ingle run`" if embedded else str(error))


async def _ask_broker(config: Config) -> list[Finding]:
    from . import CommandError
    from ._client import connected, require_ingle

    async with connected(config) as bus:
        broker = Finding("broker", "ok", f"{bus.address}, MQTT {bus.protocol}")
        try:
            await require_ingle(bus)
        except CommandError:
            return [broker, Finding("Ingle", "note", "not running on this broker: start it with `ingle run`")]
        return [broker, Finding("Ingle", "ok", "online")]
