"""The client against a server that behaves, and one that does not."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.cloud import Breaker, KeyFault, find_key, sentences, spoken
from ingle.app.config import Config, Price
from ingle.app.outside import BROKE_OFF, USED_UP
from tests import outages

from .clouds import GOOD, IMPATIENT, PATIENT, House, Server, house, left, lowered

WHOLE = ["The capital of France is Paris.", "It lies on the Seine."]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as server:
        yield server


@pytest.fixture
async def at(server: Server, tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, server) as at:
        yield at


@pytest.mark.parametrize("how", GOOD)
async def test_an_answer_comes_sentence_by_sentence(at: House, server: Server, how: str) -> None:
    server.plan = [how]
    assert await at.sentences("what is the capital of france") == WHOLE
    assert list(map(lowered, server.heard)) == left(at.audit)
    assert [entry.kind for entry in at.audit.entries()] == ["sent", "received"]


@pytest.mark.parametrize(("how", "said"), [
    ("silent", ["The cloud took too long."]), ("401", ["The cloud doesn't accept my key."]),
    ("500", ["The cloud couldn't answer that."]), ("garbage", ["The cloud couldn't answer that."]),
    ("binary", ["The cloud couldn't answer that."]), ("long_line", ["The cloud couldn't answer that."]),
    ("wrong_json", ["The cloud couldn't answer that."]), ("error_event", ["The cloud couldn't answer that."]),
    ("redirect", ["The cloud couldn't answer that."]), ("no_http", ["The cloud couldn't answer that."]),
    ("drop", ["The cloud couldn't answer that."]), ("cut_first", ["The cloud couldn't answer that."]),
    ("cut", [WHOLE[0], BROKE_OFF]), ("slow", ["The cloud took too long."]),
])  # fmt: skip
async def test_a_failure_is_told_and_nothing_is_asked_twice(server: Server, tmp_path: Path, how: str, said: list[str]) -> None:
    server.plan = [how]
    async with house(tmp_path, server, cloud=IMPATIENT if how in ("silent", "slow") else PATIENT) as at:
        assert await at.sentences("what is the capital of france") == said
        assert len(server.heard) <= 1
        assert [entry.kind for entry in at.audit.entries()] == ["sent", "failed"]


@pytest.mark.parametrize("how", ["429", "503"])
async def test_where_nothing_was_done_it_is_tried_once_more(at: House, server: Server, how: str) -> None:
    server.plan = [how]
    assert await at.sentences("what is the capital of france") == WHOLE
    assert len(server.heard) == 2
    assert list(map(lowered, server.heard)) == left(at.audit)
    server.plan = [how, how, how]
    assert await at.sentences("and again") == ["The cloud is too busy just now."]
    assert len(server.heard) == 4


async def test_an_endless_answer_ends(at: House, server: Server) -> None:
    server.plan = ["endless"]
    said = await at.sentences("tell me everything")
    assert said[0] == WHOLE[0]
    assert sum(map(len, said)) < 2_500


async def test_nobody_there(tmp_path: Path) -> None:
    async with house(tmp_path, Server(port=9)) as at:
        assert await at.sentences("hello") == ["I couldn't get through to the cloud."]
        assert [entry.kind for entry in at.audit.entries()] == ["sent", "sent", "failed"]


async def test_the_key_goes_to_the_server_and_nowhere_else(at: House, server: Server, tmp_path: Path) -> None:
    await at.sentences("what is the capital of france")
    assert b"authorization: Bearer sk-secret" in lowered(server.heard[0])
    written = [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert written
    assert not [path for path in written if b"sk-secret" in path.read_bytes()]


async def test_what_leaves_is_stripped_and_comes_back_whole(server: Server, tmp_path: Path) -> None:
    server.answer = ("Happy birthday, [name 1]!", " Your pin [code 1] is safe.")

    def config(config: Config) -> Config:
        return replace(config, sensitive=replace(config.sensitive, pin="4711"))

    async with house(tmp_path, server, config=config) as at:
        assert await at.sentences("write a card for Anna, pin 4711", speaker="Anna") == [
            "Happy birthday, Anna!", "Your pin 4711 is safe."]
    body = json.loads(server.heard[0].split(b"\r\n\r\n", 1)[1])
    assert body["messages"][-1] == {"role": "user", "content": "write a card for [name 1], pin [code 1]"}
    assert set(body) == {"model", "stream", "max_tokens", "messages"}


async def test_without_a_record_nothing_leaves(at: House, server: Server) -> None:
    at.audit._folder = Path("/proc/nowhere")        # the disk is gone
    assert await at.sentences("what is the capital of france") == [
        "I couldn't keep a record of it, so I didn't ask outside the house."]
    assert server.heard == []


async def test_the_day_s_allowance(server: Server, tmp_path: Path) -> None:
    cloud = replace(PATIENT, requests_per_day=2)
    async with house(tmp_path, server, cloud=cloud) as at:
        for _ in range(2):
            assert await at.sentences("hello") == WHOLE
        assert await at.sentences("hello") == [USED_UP]
        at.clock.tick(days=1)
        assert await at.sentences("hello") == WHOLE


async def test_money_is_kept_back_before_and_settled_after(server: Server, tmp_path: Path) -> None:
    cloud = replace(PATIENT, price=Price(input=1.0, output=10.0), money_per_day=0.0063, max_tokens=600)
    async with house(tmp_path, server, cloud=cloud) as at:
        assert await at.sentences("hello") == WHOLE
        assert 0 < at.outside.budget.spent().money < 0.001
        assert await at.sentences("hello") == [USED_UP]         # at worst it would cost more than what is left


def test_the_breaker_opens_tries_and_closes() -> None:
    now = [0.0]
    breaker = Breaker(after=2, open_s=10, clock=lambda: now[0])
    breaker.failed()
    assert not breaker.is_open
    breaker.failed()
    assert breaker.is_open
    now[0] = 10.0
    assert not breaker.is_open
    breaker.failed()
    now[0] = 25.0
    assert breaker.is_open                  # twice as long
    now[0] = 31.0
    breaker.succeeded()
    breaker.failed()
    assert not breaker.is_open


async def test_random_outages() -> None:
    """A short `python -m tests.outages`."""
    assert await outages.run(200, 7) > 0


# the answer as it is spoken


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(1, 200))
def test_what_is_spoken_is_bounded_and_clean(pieces: list[str], most: int) -> None:
    async def stream() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    async def collect() -> list[str]:
        return [said async for said in sentences(stream(), most)]

    said = asyncio.run(collect())
    assert sum(map(len, said)) <= most + 1
    assert all(each.isprintable() and each == " ".join(each.split()) for each in said)


@pytest.mark.parametrize(("written", "told"), [
    ("## A heading\n- **bold** and _thin_", "A heading bold and thin"),
    ("see [this](http://x.y) or https://a.b/c", "see this or"),
    ("```python\nprint(1)\n```", "print(1)"), ("<b>loud</b>\x07\x1b[31m", "loud [31m"), ("snake_case stays", "snake_case stays"),
])  # fmt: skip
def test_markup_is_not_spoken(written: str, told: str) -> None:
    assert spoken(written) == told


# the key


def test_the_key_is_the_environment_s_or_a_file_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    file.chmod(0o600)
    assert find_key("https://x.y/v1", file) == "sk-file"
    monkeypatch.setenv("INGLE_CLOUD_KEY", "sk-environment")
    assert find_key("https://x.y/v1", file) == "sk-environment"


@pytest.mark.skipif(os.name != "posix", reason="files have no such modes")
@pytest.mark.parametrize(("content", "mode", "message"), [
    ("sk", 0o644, "chmod 600"), ("", 0o600, "nothing else"), ("a b", 0o600, "nothing else"), (None, 0o600, "No such file"),
])
def test_a_key_s_file_that_will_not_do(tmp_path: Path, content: str | None, mode: int, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(KeyFault, match=message):
        find_key("https://x.y/v1", file)
