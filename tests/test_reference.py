"""The forward pass: equal to a plain loop over the papers' formulas in float64, whole or token by token."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingle.engine import gguf
from ingle.engine.gguf import ModelFileError
from ingle.engine.model import Model
from ingle.engine.quant import dequantize, quantize
from ingle.engine.reference import ContextFull, Reference
from ingle.engine.tokenizer import Tokenizer
from tests.tiny import METADATA, N_EMBD, tensors, write_model

F64 = npt.NDArray[np.float64]
TOKENS = [1, 300, 12, 270, 5, 299, 12]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def reference(path: Path) -> Reference:
    return Reference(Model.open(path))


class Oracle:
    """The same network, written as one would by hand: a token, a head, a number at a time."""

    def __init__(self, path: Path) -> None:
        file = gguf.read(path)
        self.w = {name: dequantize(t.data, t.dtype, t.shape).astype(np.float64) for name, t in file.tensors.items()}
        self.m = file.metadata
        self.cache: list[list[tuple[F64, F64]]] = [[] for _ in range(self.m["llama.block_count"])]

    def norm(self, x: F64, name: str) -> F64:
        eps = self.m["llama.attention.layer_norm_rms_epsilon"]
        return np.asarray([value / math.sqrt(sum(v * v for v in x) / len(x) + eps) for value in x]) * self.w[name]

    def turn(self, head: F64, position: int) -> F64:
        out = head.copy()
        n_rot = self.m["llama.rope.dimension_count"]
        for pair in range(n_rot // 2):
            angle = position * self.m["llama.rope.freq_base"] ** (-2 * pair / n_rot)
            a, b = head[2 * pair], head[2 * pair + 1]
            out[2 * pair] = a * math.cos(angle) - b * math.sin(angle)
            out[2 * pair + 1] = a * math.sin(angle) + b * math.cos(angle)
        return out

    def attention(self, h: F64, layer: int) -> F64:
        n_head, n_kv = self.m["llama.attention.head_count"], self.m["llama.attention.head_count_kv"]
        q, k, v = (self.w[f"blk.{layer}.attn_{name}.weight"] @ h for name in "qkv")
        cache = self.cache[layer]
        position = len(cache)
        cache.append((np.stack([self.turn(head, position) for head in k.reshape(n_kv, -1)]), v.reshape(n_kv, -1)))
        mixed = []
        for index, head in enumerate(q.reshape(n_head, -1)):
            shared = index // (n_head // n_kv)
            scores = [float(self.turn(head, position) @ keys[shared]) / math.sqrt(len(head)) for keys, _ in cache]
            weights = [math.exp(score - max(scores)) for score in scores]
            values = zip(weights, cache, strict=True)
            mixed.append(sum(w * row[shared] for w, (_, row) in values) / sum(weights))
        return np.asarray(self.w[f"blk.{layer}.attn_output.weight"] @ np.concatenate(mixed))

    def logits(self, token: int) -> F64:
        x = self.w["token_embd.weight"][token]
        for layer in range(len(self.cache)):
            x = x + self.attention(self.norm(x, f"blk.{layer}.attn_norm.weight"), layer)
            h = self.norm(x, f"blk.{layer}.ffn_norm.weight")
            gate, up = (self.w[f"blk.{layer}.ffn_{name}.weight"] @ h for name in ("gate", "up"))
            x = x + self.w[f"blk.{layer}.ffn_down.weight"] @ (gate / (1 + np.exp(-gate)) * up)
        output = self.w.get("output.weight", self.w["token_embd.weight"])
        return np.asarray(output @ self.norm(x, "output_norm.weight"))


def test_it_computes_what_the_formulas_say(path: Path, reference: Reference) -> None:
    oracle, state = Oracle(path), reference.state()
    for token in TOKENS:
        np.testing.assert_allclose(
            reference.logits(reference.step(token, state)), oracle.logits(token), rtol=1e-4, atol=1e-4
        )


def test_an_output_matrix_of_its_own_is_used(tmp_path: Path) -> None:
    path = write_model(tmp_path / "untied.gguf", untied=True)
    reference, oracle = Reference(Model.open(path)), Oracle(path)
    found = reference.logits(reference.step(7, reference.state()))
    np.testing.assert_allclose(found, oracle.logits(7), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cut", [0, 1, 3, len(TOKENS) - 1])
def test_in_one_go_or_in_parts_is_the_same(reference: Reference, cut: int) -> None:
    whole = reference.prefill(TOKENS, reference.state())
    state = reference.state()
    if cut:
        reference.prefill(TOKENS[:cut], state)
    np.testing.assert_allclose(reference.prefill(TOKENS[cut:], state), whole, rtol=1e-4, atol=1e-5)


def test_rewinding_forgets(reference: Reference) -> None:
    state = reference.state()
    reference.prefill(TOKENS[:3], state)
    expected = reference.step(4, state)
    reference.prefill([9, 9, 9], state)
    state.rewind(3)
    np.testing.assert_array_equal(reference.step(4, state), expected)


def test_some_logits_are_those_of_all(reference: Reference) -> None:
    output = reference.prefill(TOKENS, reference.state())
    ids = np.asarray([5, 0, 301])
    np.testing.assert_allclose(reference.logits(output, ids), reference.logits(output)[ids], rtol=1e-4, atol=1e-5)


def test_a_full_state_says_so_and_stays_as_it_was(reference: Reference) -> None:
    state = reference.state(4)
    reference.prefill([1, 2, 3], state)
    with pytest.raises(ContextFull, match="of 4"):
        reference.prefill([4, 5], state)
    assert state.n_past == 3
    reference.step(4, state)


@pytest.mark.parametrize("tokens", [[], [-1], [10**6]])
def test_tokens_outside_of_the_vocabulary_are_refused(reference: Reference, tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        reference.prefill(tokens, reference.state())


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("general.architecture", "gpt2", "general.architecture"),
        ("llama.block_count", 3, r"blk.2.attn_norm.weight is missing|blk.2.attn_norm.weight: is missing"),
        ("llama.block_count", 1, r"blk.1.attn_k.weight: has no place"),
        ("llama.block_count", 0, "llama.block_count"),
        ("llama.block_count", 1 << 31, "llama.block_count"),
        ("llama.embedding_length", N_EMBD * 2, "token_embd.weight: has the shape"),
        ("llama.attention.head_count", 3, "llama.attention.head_count"),
        ("llama.attention.head_count_kv", 3, "llama.attention.head_count_kv"),
        ("llama.attention.head_count_kv", True, "llama.attention.head_count_kv"),
        ("llama.rope.dimension_count", 99, "llama.rope.dimension_count"),
        ("llama.rope.freq_base", -1.0, "llama.rope.freq_base"),
        ("llama.rope.scaling.type", "yarn", "llama.rope.scaling.type"),
        ("llama.attention.layer_norm_rms_epsilon", float("nan"), "rms_epsilon"),
        ("llama.context_length", "long", "llama.context_length"),
    ],
)
def test_a_size_that_cannot_be_is_refused_by_key(tmp_path: Path, key: str, value: Any, says: str) -> None:
    path = tmp_path / "bad.gguf"
    gguf.write(path, {**METADATA, key: value}, tensors())
    with pytest.raises(ModelFileError, match=says) as caught:
        Model.open(path)
    assert str(path) in str(caught.value)


def test_a_tensor_too_many_is_refused(tmp_path: Path) -> None:
    bias = ("blk.0.attn_q.bias", "F32", (N_EMBD,), quantize(np.zeros(N_EMBD), "F32"))
    gguf.write(tmp_path / "bias.gguf", METADATA, [*tensors(), bias])
    with pytest.raises(ModelFileError, match=r"blk.0.attn_q.bias: has no place"):
        Model.open(tmp_path / "bias.gguf")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_costs_an_error(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    header = len(content) // 8  # names, sizes and the vocabulary lie here
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, header))] = data.draw(st.sampled_from([0, 1, 7, 127, 128, 255]))
    (tmp_path / "damaged.gguf").write_bytes(content)
    with contextlib.suppress(ModelFileError):
        Tokenizer.from_metadata(Model.open(tmp_path / "damaged.gguf").metadata)
