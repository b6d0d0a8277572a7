"""A conversation as lines of text. No textual in it: every line is said once and stays."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Final

from ..events import Announced, ReplyToken, TurnRecord
from .client import Client, Link, Notice, StoresChanged, Unanswered
from .safe_text import fit

WAITING: Final = {"starting": "Ingle is starting.", "away": "Ingle is not running on this broker.",
                  "lost": "The broker is gone; trying again.", "online": "Ingle is ready."}
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"


class Talk:
    """Reads lines, says what comes back.

    Args:
        plain: no escape sequences, and a reply only when it is whole.
        read: returns the next line, or "" at the end; called in a thread.
        write: says a piece of text as it stands.
    """

    def __init__(
        self, client: Client, *, plain: bool, area: str | None = None, read: Callable[[], str] = sys.stdin.readline,
        write: Callable[[str], None] | None = None,
    ) -> None:
        self._client, self._plain, self._area, self._read = client, plain, area, read
        self._write = write or _write
        self._open: set[str] = set()
        self._answered = asyncio.Event()
        self._streamed = ""             # the id of the reply that is being said
        self._rang: set[str] = set()

    async def run(self) -> None:
        """Until the lines end, or Ingle cannot run."""
        listening = asyncio.create_task(self._listen())
        asking = asyncio.create_task(self._ask())
        done, waiting = await asyncio.wait({listening, asking}, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        for task in done:
            task.result()

    async def _ask(self) -> None:
        while line := await _in_thread(self._read):
            if text := line.strip():
                self._open.add(self._client.ask(text, area=self._area))
                self._answered.clear()
                await self._answered.wait()     # questions back are answered in order

    async def _listen(self) -> None:
        state = ""
        async for news in self._client.news():
            match news:
                case Link(state="failed"):
                    self._line("Ingle", f"I do not run: {news.detail}")
                    return
                case Link():
                    if news.state != state and (words := WAITING.get(news.state)):
                        self._line("Note", words)
                    state = news.state
                case Notice():
                    self._line("Note", news.text)
                case ReplyToken() if not self._plain and news.id in self._open and not news.last:
                    self._write(("" if self._streamed == news.id else f"{BOLD}Ingle:{RESET} ") + fit_piece(news.token))
                    self._streamed = news.id
                case TurnRecord() if news.id in self._open:
                    self._end(news)
                case Announced():
                    self._line("Ingle", news.text)
                case Unanswered() if news.id in self._open:
                    self._line("Note", news.why)
                    self._close(news.id)
                case StoresChanged():
                    self._ring()

    def _end(self, record: TurnRecord) -> None:
        if self._streamed == record.id:
            self._write("\n")
        else:
            self._line("Ingle", record.reply or "(nothing to say)")
        for source in record.sources:
            self._line("From", source)
        if record.route == "cloud":
            self._line("Note", "this was asked outside the house")
        self._close(record.id)

    def _close(self, turn_id: str) -> None:
        self._open.discard(turn_id)
        if not self._open:
            self._answered.set()

    def _ring(self) -> None:
        ringing = {key for key, each in self._client.stores.timers.items() if each.rings}
        for key in sorted(ringing - self._rang):
            self._line("Timer", f"{self._client.stores.timers[key].name} is ringing")
        self._rang = ringing

    def _line(self, who: str, text: str) -> None:
        mark = f"{who}:" if self._plain else f"{BOLD if who == 'Ingle' else DIM}{who}:{RESET}"
        self._write(f"{mark} {fit(text)}\n")


def fit_piece(token: str) -> str:
    """A piece of a reply keeps the space it begins with."""
    return (" " if token.startswith(" ") else "") + fit(token)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def _in_thread(read: Callable[[], str]) -> str:
    """The next line, from a thread that does not keep the program from ending."""
    import threading

    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def tell(got: str) -> None:
        if not line.done():
            line.set_result(got)

    def work() -> None:
        got = read()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, got)

    threading.Thread(target=work, daemon=True).start()
    return await line
