"""Hear recordings: what was said in each file, what it means in this home, and, where an Ingle runs, what it did about it.

A running Ingle is asked as if the words had been said to it (sensitive acts want a confirmation). With `--home`, or when none
runs, nothing is done: intents are those of `ingle interpret`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import CommandError

if TYPE_CHECKING:
    from ...skills.home.model import Home
    from ...skills.sentences import OwnSentences
    from ..assistant import Understands
    from ..bus import Bus
    from ..config import Config
    from ..events import TurnRecord
    from ..voice.hearing import Heard

HELP = "hear recordings, and act on them where an Ingle runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE.wav", type=Path, nargs="+", help="a recording, of any rate and number of channels")
    parser.add_argument("--home", metavar="HOME.yaml", type=Path, help="a home to understand it in, doing nothing")
    parser.add_argument("--area", help="the room it was said in (default: voice.area)")
    parser.add_argument("--json", action="store_true", help="print a JSON line a file")


def run(args: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_hear_all(args))


async def _hear_all(args: argparse.Namespace) -> int:
    """Every file in turn; one that can't be read is told, and the others go on."""
    import sys
    from dataclasses import replace

    from ...skills.sentences import OwnSentences
    from ..config import load
    from ..custom import household_skills
    from ..daemon import open_model
    from ..voice.endpoint import SileroVad
    from ..voice.hearing import Hearing, open_recognizer
    from ..voice.types import VoiceError

    config = load(args.config)
    if args.area:
        config = replace(config, voice=replace(config.voice, area=args.area))
    model, own = open_model(config), OwnSentences(household_skills(config).sentences)
    failed = 0
    async with _house(config, args.home) as (home, bus):
        hearing = Hearing(open_recognizer(config), home, model, own, config=config)
        vad = SileroVad()
        await hearing.prepare()         # what loads once is no file's time
        for file in args.files:
            try:
                line = await _hear(file, hearing, vad, _House(config, home, bus, model, own))
            except VoiceError as error:
                failed += 1
                print(json.dumps({"file": str(file), "error": str(error)}) if args.json else "", end="\n" if args.json else "")
                print(f"ingle: {error}", file=sys.stderr)
                continue
            print(json.dumps(line, ensure_ascii=False) if args.json else _told(line), flush=True)
        await hearing.recognizer.close()
    return 1 if failed else 0


class _House:
    """Where what was heard is understood: asked of a running Ingle, or only interpreted."""

    def __init__(self, config: Config, home: Home, bus: Bus | None, model: Understands, own: OwnSentences) -> None:
        self.config, self.home, self.bus, self.model, self.own = config, home, bus, model, own

    async def answer(self, text: str) -> dict[str, Any]:
        area = self.config.voice.area
        if self.bus is None:
            from .interpret import interpreted

            found = interpreted(self.model, self.home, {"text": text, "context": {"area": area}}, self.own)
            return {"intents": found["intents"], "commands": [], "reply": "", "done": False}
        record = await _asked(self.bus, text, area)
        data = record.to_dict()
        return {**{key: data[key] for key in ("text", "intents", "commands", "reply", "route", "id")}, "done": True,
                "turn_ms": data["timing_ms"]}


async def _hear(file: Path, hearing: Any, vad: Any, house: _House) -> dict[str, Any]:
    import asyncio
    import time

    from ..voice.audio import read

    began = time.perf_counter()
    samples = await asyncio.to_thread(read, file)
    read_ms = (time.perf_counter() - began) * 1000
    heard: Heard = await hearing.understand_recording(samples, vad)
    answering = time.perf_counter()
    nothing: dict[str, Any] = {"intents": [], "commands": [], "reply": "", "done": False}
    answer = await house.answer(heard.text) if heard.text else nothing
    turn_ms = answer.pop("turn_ms", {})
    timing = {"read": read_ms, **heard.timing_ms, "answer": (time.perf_counter() - answering) * 1000, **turn_ms,
              "total": (time.perf_counter() - began) * 1000}
    first = heard.readings[0] if heard.readings else None
    secret = answer.get("text", heard.text) != heard.text       # the PIN: told nowhere
    hypotheses = () if secret else heard.transcript.hypotheses
    return {
        "file": str(file), "text": heard.text,
        "hypotheses": [{"text": one.text, "score": round(one.score, 2)} for one in hypotheses],
        "repairs": [list(each) for each in first.repairs] if first else [],
        **answer, "timing_ms": {name: round(value, 1) for name, value in timing.items()},
    }


def _told(line: dict[str, Any]) -> str:
    reply = line["reply"] or ", ".join(
        f"{each['intent']} {json.dumps(each['slots'], ensure_ascii=False)}" for each in line["intents"])
    return f"{line['file']}: {line['text'] or '(nothing was said)'}" + (f"\n  {reply}" if reply else "")


async def _asked(bus: Bus, text: str, area: str | None) -> TurnRecord:
    import asyncio

    from ..events import Asked
    from .say import exchange

    try:
        async with asyncio.timeout(30):
            return await exchange(bus, Asked(text=text, area=area, via="voice"), stream=False)
    except TimeoutError:
        raise CommandError("no answer within 30 s") from None


@asynccontextmanager
async def _house(config: Config, file: Path | None) -> AsyncIterator[tuple[Home, Bus | None]]:
    """The home, and the bus of a running Ingle if there is one and no home was given."""
    from ..home_link import empty_home
    from ._client import connected, require_ingle
    from .devices import read_home
    from .interpret import home_of

    if file is not None:
        yield home_of(file), None
        return
    try:
        home = await read_home(config)
    except CommandError:
        if config.mqtt.embedded_port is None:
            raise
        yield empty_home(config.home), None
        return
    async with connected(config) as bus:
        await require_ingle(bus)
        yield home, bus
