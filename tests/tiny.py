"""A tiny random model in a real file: 2 layers, 64 wide, a vocabulary trained on a few sentences."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from ingle.engine import gguf
from ingle.engine.quant import quantize
from ingle.skills.schema import load_schema

N_EMBD, N_FF, N_HEAD, N_HEAD_KV, N_LAYER, N_CTX = 64, 96, 4, 2, 2, 512

ROOMS = ["kitchen", "living room", "bedroom", "hall", "garage", "attic", "study", "nursery"]
DEEDS = [
    "turn on the {} lights", "switch off the lamp in the {}", "is the {} window open ?", "set the {} to 50 %",
    "dim the {} to ten percent", "set a timer for five minutes", "add milk to the shopping list", "thanks",
    "set the {} to 12.5 or -34 or 67 or 89",
]  # fmt: skip
SENTENCES = [deed.format(room) for room in ROOMS for deed in DEEDS]


def control_pieces(schema: dict[str, Any]) -> list[str]:
    """What the model's language needs beside words (ARCHITECTURE.md)."""
    values = [value for slot in schema["slots"].values() for value in (*slot["values"], *slot["also"])]
    return [
        "<parse>", "<end>", "<up>", "<down>", "<asked>",
        *(f"<I:{intent}>" for intent in schema["intents"]),
        *(f"<S:{slot}>" for slot in schema["slots"]),
        *(f"<V:{value}>" for value in dict.fromkeys(values)),
    ]  # fmt: skip


CONTROL = control_pieces(load_schema())


def train_vocabulary(control: Sequence[str] = CONTROL, sentences: Sequence[str] = SENTENCES) -> dict[str, Any]:
    """Metadata under `tokenizer.ggml.*` of a vocabulary trained on `sentences`."""
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter([*sentences] * 5), model_writer=file, vocab_size=380 + len(control), model_type="bpe",
        byte_fallback=True, split_digits=True, normalization_rule_name="identity", num_threads=1, minloglevel=2,
        user_defined_symbols=list(control), hard_vocab_limit=False,
    )  # fmt: skip
    sp = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    ids = range(sp.GetPieceSize())
    known = set(control)
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [sp.IdToPiece(token) for token in ids],
        "tokenizer.ggml.scores": np.asarray([sp.GetScore(token) for token in ids], np.float32),
        "tokenizer.ggml.token_type": np.asarray([_type(sp, token, known) for token in ids], np.int32),
        "tokenizer.ggml.bos_token_id": sp.bos_id(),
    }


def _type(sp: sentencepiece.SentencePieceProcessor, token: int, control: set[str]) -> int:
    if sp.IsUnknown(token):
        return 2
    if sp.IsControl(token):
        return 3
    if sp.IsByte(token):
        return 6
    return 4 if sp.IdToPiece(token) in control else 1


VOCABULARY = train_vocabulary()
METADATA: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.context_length": N_CTX,
    "llama.embedding_length": N_EMBD,
    "llama.block_count": N_LAYER,
    "llama.feed_forward_length": N_FF,
    "llama.attention.head_count": N_HEAD,
    "llama.attention.head_count_kv": N_HEAD_KV,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.rope.freq_base": 10000.0,
    "llama.rope.dimension_count": N_EMBD // N_HEAD,
    **VOCABULARY,
}

Tensor = tuple[str, str, tuple[int, ...], bytes]


def tensors(*, untied: bool = False, n_vocab: int | None = None, seed: int = 3) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    n_vocab = n_vocab or len(VOCABULARY["tokenizer.ggml.tokens"])
    n_kv = N_EMBD // N_HEAD * N_HEAD_KV

    def matrix(name: str, n_rows: int, n_cols: int, dtype: str = "Q4_0") -> Tensor:
        weights = rng.normal(size=(n_rows, n_cols), scale=1.5 / np.sqrt(n_cols))
        return f"{name}.weight", dtype, (n_rows, n_cols), quantize(weights, dtype)

    def norm(name: str) -> Tensor:
        return f"{name}.weight", "F32", (N_EMBD,), quantize(rng.uniform(0.5, 1.5, N_EMBD), "F32")

    found = [matrix("token_embd", n_vocab, N_EMBD, "Q8_0"), norm("output_norm")]
    for index in range(N_LAYER):
        blk = f"blk.{index}"
        found += [norm(f"{blk}.attn_norm"), norm(f"{blk}.ffn_norm")]
        found += [matrix(f"{blk}.attn_q", N_EMBD, N_EMBD)]
        found += [matrix(f"{blk}.attn_{name}", n_kv, N_EMBD) for name in "kv"]
        found += [matrix(f"{blk}.attn_output", N_EMBD, N_EMBD, "F16"), matrix(f"{blk}.ffn_gate", N_FF, N_EMBD, "Q4_1")]
        found += [matrix(f"{blk}.ffn_up", N_FF, N_EMBD, "BF16"), matrix(f"{blk}.ffn_down", N_EMBD, N_FF)]
    return [*found, matrix("output", n_vocab, N_EMBD)] if untied else found


def write_model(path: Path, *, untied: bool = False, seed: int = 3) -> Path:
    gguf.write(path, METADATA, tensors(untied=untied, seed=seed))
    return path
