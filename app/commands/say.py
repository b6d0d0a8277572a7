"""Ask a running Ingle one thing, over the bus, and print its reply as it comes."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from . import CommandError

if TYPE_CHECKING:
    from ..bus import Bus
    from ..config import Config
    from ..events import Asked, TurnRecord

HELP = "ask a running Ingle one thing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="+", help="what to say")
    parser.add_argument("--area", help="the room it is said in")
    parser.add_argument("--session", help="the conversation it belongs to (default: that of the room)")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="how long to wait (default: 30)")
    parser.add_argument("--json", action="store_true", help="print the turn's record")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from ..config import load
    from ..events import BadAsk, parse_ask

    text = " ".join(args.text)
    try:
        parse_ask(text.encode("utf-8", "replace"))
    except BadAsk as bad:
        raise CommandError(str(bad)) from None
    record = asyncio.run(_ask(load(args.config), text, args))
    if args.json:
        print(record.payload())
    elif not record.reply:
        print(f"ingle: nothing was done: {record.reason}", file=sys.stderr)
    return 0


async def _ask(config: Config, text: str, args: argparse.Namespace) -> TurnRecord:
    import asyncio

    from ..events import Asked
    from ._client import connected, require_ingle

    asked = Asked(text=text, area=args.area, session=args.session)
    async with connected(config) as bus:
        await require_ingle(bus)
        try:
            async with asyncio.timeout(args.timeout):
                return await exchange(bus, asked, stream=not args.json)
        except TimeoutError:
            raise CommandError(f"no answer within {args.timeout:g} s") from None


async def exchange(bus: Bus, asked: Asked, *, stream: bool) -> TurnRecord:
    """Ask, and return the record; with `stream` the reply is printed as it comes."""
    import json

    from .. import topics
    from ..events import TurnRecord

    tokens = topics.reply_topic(asked.id)
    await bus.subscribe(topics.TURN, tokens)
    await bus.publish(topics.ASK, asked.payload())
    async for message in bus.messages:
        if message.topic == tokens and stream:
            _print_token(json.loads(message.payload))
        elif message.topic == topics.TURN:
            record = TurnRecord.from_dict(json.loads(message.payload))
            if record.id == asked.id:
                return record
    raise CommandError("the bus was closed before an answer came")


def _print_token(token: dict[str, object]) -> None:
    if token.get("last") and token.get("index"):
        print(flush=True)
    else:
        print(token.get("token", ""), end="", flush=True)
