"""Damages model files for as long as one likes: `python -m tests.fuzz_gguf [--seconds N] [--seed N] [--folder F]`.

From the files of tests/corpus/gguf each round takes one, spoils it, and opens it as far as it goes: header, model,
vocabulary, kernels, a few tokens. All but `ModelFileError` is a find: it is written to the folder (where it becomes a part
of the corpus) and told. With the package `atheris` installed, `--atheris` lets coverage guide it.
`python -m tests.fuzz_gguf --corpus` writes the corpus's own seeds anew.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ingle.engine import gguf, native
from ingle.engine.encoder import Encoder
from ingle.engine.gguf import ModelFileError
from ingle.engine.model import Model
from ingle.engine.native import Native
from ingle.engine.quant import DType, dequantize, quantize
from ingle.engine.tokenizer import Tokenizer

CORPUS: Final = Path(__file__).parent / "corpus" / "gguf"
MAX_BYTES: Final = 1 << 20
_ODD: Final = (0, 1, 2, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, (1 << 64) - 1)


def open_all(path: Path) -> str:
    """Open a file as far as it goes. Returns: how far. Raises: what is no `ModelFileError` is a find."""
    reached = "nothing"
    try:
        with gguf.read(path) as file:
            reached = "header"
            for tensor in file.tensors.values():
                dequantize(tensor.data, tensor.dtype, tensor.shape)
            if file.metadata.get("general.architecture") == "bert":
                Encoder.open(path).embed(["a light"])
                return "encoder"
        model = Model.open(path)
        reached = "model"
        tokens = Tokenizer.from_metadata(model.metadata).encode("a light")
        reached = "vocabulary"
        engine = Native(model, 1)
    except (ModelFileError, native.NoLibrary, native.NativeError):
        return reached
    try:
        engine.logits(engine.prefill([*tokens, 0][: model.config.n_ctx], engine.state(min(model.config.n_ctx, 64))))
    finally:
        engine.close()
    return "tokens"


def spoil(data: bytes, rng: random.Random) -> bytes:
    """One to four changes: a byte, a number of an odd size, a part that is cut out, doubled or swapped, an early end."""
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not spoilt:
            break
        rng.choice(_CHANGES)(spoilt, rng)
    return bytes(spoilt[:MAX_BYTES])


def _byte(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _number(data: bytearray, rng: random.Random) -> None:
    at, size = rng.randrange(len(data)), rng.choice((4, 8))
    data[at : at + size] = (rng.choice(_ODD) + rng.randint(-1, 1)).to_bytes(9, "little", signed=True)[:size]


def _cut(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 64)]


def _double(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randint(1, 64)]


def _end(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


_Change = Callable[[bytearray, random.Random], None]
_CHANGES: Final[Sequence[_Change]] = (_byte, _byte, _number, _number, _number, _cut, _double, _end)


def attempt(data: bytes, folder: Path) -> str | None:
    """Open spoilt bytes. Returns: the find's traceback, None where all went as it should."""
    path = folder / "spoilt.gguf"
    path.write_bytes(data)
    try:
        open_all(path)
    except Exception:
        return traceback.format_exc()
    return None


def run(seconds: float, seed: int, finds: Path) -> int:
    """Returns: the number of finds."""
    rng, seeds = random.Random(seed), [path.read_bytes() for path in sorted(CORPUS.glob("*.gguf"))]
    ends, n, found = time.monotonic() + seconds, 0, set[str]()
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            n += 1
            data = spoil(rng.choice(seeds), rng)
            find = attempt(data, Path(folder))
            if find is not None and find not in found:
                found.add(find)
                (finds / f"find-{hashlib.sha256(data).hexdigest()[:12]}.gguf").write_bytes(data)
                print(find)
    print(f"{n} files, {len(found)} finds (seed {seed})")
    return len(found)


def run_atheris(finds: Path) -> None:
    """Guided by coverage, until it is stopped or something is found."""
    import atheris

    with tempfile.TemporaryDirectory() as folder:
        def one(data: bytes) -> None:
            path = Path(folder) / "spoilt.gguf"
            path.write_bytes(data)
            open_all(path)

        atheris.instrument_all()
        atheris.Setup([sys.argv[0], str(CORPUS), f"-artifact_prefix={finds}/"], one)
        atheris.Fuzz()


# ---- the seeds ----


def write_corpus(folder: Path = CORPUS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    gguf.write(folder / "model.gguf", *_model())
    for dtype in DType:
        data = quantize(np.linspace(-1, 1, 96).reshape(3, 32), dtype)
        gguf.write(folder / f"tensor_{dtype.name.lower()}.gguf", {}, [("t", dtype, (3, 32), data)])
    gguf.write(folder / "values.gguf", {
        "text": "é", "yes": True, "small": -7, "large": 1 << 40, "real": 1.5, "texts": ["", "a"], "numbers": [1, 2],
        "bytes": np.arange(3, dtype=np.uint8), "bools": np.asarray([True, False]), "general.alignment": 64,
    }, [])  # fmt: skip
    old = bytearray((folder / "values.gguf").read_bytes())
    old[4:8] = struct.pack("<I", 2)
    (folder / "version_2.gguf").write_bytes(old)
    (folder / "counts.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 63, 1 << 63))
    (folder / "length.gguf").write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, (1 << 64) - 1) + bytes(32))


def _model() -> tuple[dict[str, Any], list[tuple[str, str, tuple[int, ...], bytes]]]:
    """The smallest model that runs: one layer, 32 wide, a vocabulary of twelve pieces."""
    pieces = ["<unk>", "<s>", "</s>", "▁", "a", "l", "i", "g", "h", "t", "▁a", "li"]
    rng = np.random.default_rng(1)
    metadata = {
        "general.architecture": "llama", "llama.context_length": 16, "llama.embedding_length": 32, "llama.block_count": 1,
        "llama.feed_forward_length": 32, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.scores": np.asarray([-float(i) for i in range(len(pieces))], np.float32),
        "tokenizer.ggml.token_type": np.asarray([2, 3, 3, *[1] * (len(pieces) - 3)], np.int32),
    }  # fmt: skip
    shapes = {
        "token_embd": (len(pieces), 32), "output_norm": (32,), "blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,),
        "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32), "blk.0.attn_v": (16, 32), "blk.0.attn_output": (32, 32),
        "blk.0.ffn_gate": (32, 32), "blk.0.ffn_up": (32, 32), "blk.0.ffn_down": (32, 32),
    }  # fmt: skip
    tensors = []
    for name, shape in shapes.items():
        dtype = "F32" if len(shape) == 1 else "Q4_0"
        tensors.append((f"{name}.weight", dtype, shape, quantize(rng.normal(size=shape), dtype)))
    return metadata, tensors


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns: the exit status, 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_gguf", description="Damage model files and open them.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=CORPUS, help="where finds go (default: the corpus)")
    parser.add_argument("--atheris", action="store_true", help="let coverage guide it")
    parser.add_argument("--corpus", action="store_true", help="write the corpus's own seeds anew, and no more")
    args = parser.parse_args(arguments)
    if args.corpus:
        write_corpus()
        return 0
    if args.atheris:
        run_atheris(args.folder)
        return 0
    return int(run(args.seconds, args.seed, args.folder) > 0)


if __name__ == "__main__":
    sys.exit(main())
