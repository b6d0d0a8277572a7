"""Writes a student as a GGUF file that llama.cpp and our engine read: matmuls Q4_0, embedding Q8_0, norms F32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import gguf, quant
from .student import Student
from .vocabulary import Vocabulary


def export(student: Student, vocabulary: Vocabulary, path: Path, *, about: dict[str, Any], matmul: str = "Q4_0") -> None:
    """Write `student` to `path`, whole or not at all. `about`: further metadata (name, licence, data hash)."""
    shape = student.shape
    metadata: dict[str, Any] = {
        "general.architecture": "llama",
        "general.file_type": 2,
        "llama.context_length": shape.n_ctx,
        "llama.embedding_length": shape.n_embd,
        "llama.block_count": shape.n_layer,
        "llama.feed_forward_length": shape.n_ff,
        "llama.attention.head_count": shape.n_head,
        "llama.attention.head_count_kv": shape.n_head_kv,
        "llama.attention.layer_norm_rms_epsilon": shape.norm_eps,
        "llama.rope.freq_base": shape.rope_base,
        "llama.rope.dimension_count": shape.head_dim,
        "llama.vocab_size": shape.n_vocab,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": list(vocabulary.pieces),
        "tokenizer.ggml.scores": [float(score) for score in vocabulary.scores],
        "tokenizer.ggml.token_type": list(vocabulary.types),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": True,
        **about,
    }
    tensors = []
    for name, tensor in student.state_dict().items():
        values = tensor.detach().float().numpy()
        dtype = "F32" if values.ndim == 1 else "Q8_0" if name == "token_embd.weight" else matmul
        tensors.append((name, dtype, values.shape, quant.quantize(values, dtype)))
    gguf.write(path, metadata, tensors)
