"""`ingle serve --openai`: the interface over real HTTP, with a scripted model, and our own client on the other side."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingle.app.cli import main
from ingle.app.scenario import cloud
from ingle.engine.chat import Completions

from .clouds import PATIENT, Server, house

MODEL = os.environ.get("INGLE_CHAT_MODEL")      # a GGUF for chat, such as SmolLM2-135M-Instruct


class Says:
    """A model with one answer."""

    def __init__(self, *pieces: str) -> None:
        self.pieces, self.asked = pieces, list[Sequence[tuple[str, str]]]()

    def write(self, messages: Sequence[tuple[str, str]], **options: Any) -> Iterator[str]:
        self.asked.append(messages)
        if messages[-1][1] == "too long":
            raise ValueError("there is no room")
        yield from self.pieces[: options["max_tokens"]]

    def count(self, messages: Sequence[tuple[str, str]]) -> int:
        return 7


def serving(model: Any, **options: Any) -> AbstractAsyncContextManager[str]:
    return cloud.serving(model, "test", **options)


ASK = {"messages": [{"role": "user", "content": "hello"}]}


async def test_whole_and_streamed_answers() -> None:
    model = Says("It is", " Paris.")
    async with serving(model) as url, httpx.AsyncClient() as client:
        whole = (await client.post(f"{url}/chat/completions", json=ASK)).json()
        assert whole["choices"][0] == {"index": 0, "message": {"role": "assistant", "content": "It is Paris."},
                                       "finish_reason": "stop"}
        assert whole["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        streamed = await client.post(f"{url}/chat/completions", json={**ASK, "stream": True, "max_tokens": 1})
        events = [line[6:] for line in streamed.text.splitlines() if line.startswith("data: ")]
        assert events[-1] == "[DONE]"
        assert [json.loads(each)["choices"][0]["delta"].get("content") for each in events[:-1]] == ["", "It is", None]
        assert json.loads(events[-2])["choices"][0]["finish_reason"] == "length"
        assert (await client.get(f"{url}/models")).json()["data"][0]["id"] == "test"


@pytest.mark.parametrize(("body", "problem"), [
    (b"{", "not valid JSON"), (b"[]", "not a JSON object"), (b"{}", "`messages` must be a list"),
    (b'{"messages": [{"role": "tool", "content": "x"}]}', "`messages[0]` must have a role"),
    (b'{"messages": [{"role": "user", "content": 5}]}', "`messages[0]` must have a role"),
    (json.dumps({**ASK, "max_tokens": 10**9}).encode(), "`max_tokens` must be"),
    (json.dumps({**ASK, "temperature": "hot"}).encode(), "`temperature` must be"),
    (json.dumps({**ASK, "stop": [1]}).encode(), "`stop` must be"), (b"x" * (1 << 21), "larger than"),
    (json.dumps({"messages": [{"role": "user", "content": "too long"}]}).encode(), "there is no room"),
])  # fmt: skip
async def test_what_is_not_valid_is_told(body: bytes, problem: str) -> None:
    async with serving(Says("x")) as url, httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/chat/completions", content=body)
        assert answer.status_code == 400
        assert problem in answer.json()["error"]["message"]


async def test_a_key_is_asked_for() -> None:
    async with serving(Says("x"), key="sesame") as url, httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/chat/completions", json=ASK)).status_code == 401
        shown = {"Authorization": "Bearer sesame"}
        assert (await client.post(f"{url}/chat/completions", json=ASK, headers=shown)).status_code == 200


async def test_an_answer_ends_at_the_households_limit() -> None:
    async with serving(Says("It is", " Paris."), max_tokens=1) as url, httpx.AsyncClient() as client:
        answer = (await client.post(f"{url}/chat/completions", json={**ASK, "max_tokens": 100})).json()["choices"][0]
        assert (answer["message"]["content"], answer["finish_reason"]) == ("It is", "length")


async def test_our_client_asks_our_server(tmp_path: Path) -> None:
    async with serving(Says("It is", " Paris. So", " there.")) as url, house(tmp_path, Server(), cloud=PATIENT,
                                                                            config=_at(url)) as at:
        assert await at.sentences("what is the capital of france") == ["It is Paris.", "So there."]


def _at(url: str) -> Any:
    return lambda config: replace(config, cloud=replace(config.cloud, url=url))


def test_beyond_this_machine_it_wants_a_key(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INGLE_SERVE_KEY", raising=False)
    assert main(["serve", "--openai", "x.gguf", "--host", "0.0.0.0"]) == 1
    assert "INGLE_SERVE_KEY" in capsys.readouterr().err


@pytest.mark.skipif(MODEL is None, reason="INGLE_CHAT_MODEL names no chat model")
async def test_a_real_model_over_http(tmp_path: Path) -> None:
    async with serving(Completions.open(str(MODEL))) as url, house(tmp_path, Server(), config=_at(url)) as at:
        assert "Paris" in " ".join(await at.sentences("What is the capital of France?"))
