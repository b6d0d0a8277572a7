"""Listen to a board that understands by itself (engine/firmware/) and have Ingle do what it heard."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, BinaryIO

from . import CommandError

if TYPE_CHECKING:
    from ..config import Config

HELP = "have a board's intents done, from its serial line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--serial", required=True, metavar="PATH", help="the board's line, such as /dev/ttyACM0")
    parser.add_argument("--baud", type=int, default=115_200, metavar="N", help="its speed (default: 115200)")
    parser.add_argument("--area", help="the room where the board is")


def run(args: argparse.Namespace) -> int:
    import asyncio

    from ..config import load

    config = load(args.config)
    with _opened(args.serial, args.baud) as line:
        asyncio.run(_bridge(config, line, args.area))
    return 0


def _opened(path: str, baud: int) -> BinaryIO:
    """Raises: CommandError."""
    import termios
    import tty

    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise CommandError(f"--baud {baud}: this system has no such speed; 115200 is usual")
    try:
        line = open(path, "rb", buffering=0)    # noqa: SIM115 (whoever opened it closes it)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; say where the board is with --serial") from None
    if line.isatty():
        tty.setraw(line.fileno())
        settings = termios.tcgetattr(line.fileno())
        settings[4] = settings[5] = speed
        termios.tcsetattr(line.fileno(), termios.TCSANOW, settings)
    return line


async def _bridge(config: Config, line: BinaryIO, area: str | None) -> None:
    """Until the line ends."""
    import asyncio
    import logging

    from .. import topics
    from ..bridge import MAX_LINE_BYTES, asked_of
    from ..events import BadEvent
    from ._client import connected, require_ingle

    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), line)
    async with connected(config) as bus:
        await require_ingle(bus)
        while True:
            try:
                said = await reader.readline()
                asked = asked_of(said, area=area) if said.strip() else None
            except (BadEvent, ValueError) as bad:       # ValueError: a line without an end
                logging.getLogger(__name__).warning("a line of the board is passed over: %s", bad)
                continue
            if asked is not None:
                await bus.publish(topics.ASK, asked.payload())
            if not said:
                return
