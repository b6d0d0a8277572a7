"""GGUF files: what is written is read, by us and by the gguf package; what is broken is refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingle.engine import gguf
from ingle.engine.gguf import ModelFileError
from ingle.engine.quant import dequantize, quantize

METADATA: dict[str, gguf.Value] = {
    "general.architecture": "llama",
    "llama.context_length": 128,
    "llama.rope.freq_base": 10000.0,
    "tokenizer.ggml.tokens": ["<unk>", "▁light", "é"],
    "tokenizer.ggml.scores": [0.0, -1.0, -2.5],
    "tokenizer.ggml.token_type": [2, 1, 1],
    "tokenizer.ggml.add_bos_token": True,
    "some.negative": -7,
    "some.large": 1 << 40,
    "some.array": np.arange(5, dtype=np.uint16),
}


def tensors() -> list[tuple[str, str, tuple[int, ...], bytes]]:
    weights = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    return [
        ("blk.0.attn_norm.weight", "F32", (5,), quantize(np.arange(5), "F32")),
        ("blk.0.attn_q.weight", "Q4_0", (3, 64), quantize(weights, "Q4_0")),
        ("token_embd.weight", "Q8_0", (3, 64), quantize(weights, "Q8_0")),
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.gguf"
    gguf.write(file, METADATA, tensors())
    return file


def test_what_is_written_is_read(path: Path) -> None:
    with gguf.read(path) as file:
        assert list(file.tensors) == [name for name, *_ in tensors()]
        for name, dtype, shape, data in tensors():
            info = file.tensors[name]
            assert (info.dtype.name, info.shape, info.data.tobytes()) == (dtype, shape, data)
            assert (info.data.ctypes.data % gguf.ALIGNMENT) == 0
        for key, value in METADATA.items():
            found = file.metadata[key]
            assert np.asarray(found).tolist() == np.asarray(value).tolist() or found == pytest.approx(value)


def test_the_gguf_package_reads_it_too(path: Path) -> None:
    oracle = pytest.importorskip("gguf")
    theirs = oracle.GGUFReader(path)
    assert theirs.fields["llama.context_length"].types == [oracle.GGUFValueType.UINT32]
    assert theirs.fields["tokenizer.ggml.token_type"].types[1] == oracle.GGUFValueType.INT32
    assert theirs.fields["tokenizer.ggml.tokens"].contents() == METADATA["tokenizer.ggml.tokens"]
    for tensor, (name, dtype, shape, data) in zip(theirs.tensors, tensors(), strict=True):
        assert (tensor.name, tensor.tensor_type.name, tuple(tensor.shape)) == (name, dtype, shape[::-1])
        assert tensor.data.tobytes() == data


def test_views_outlive_the_file(path: Path) -> None:
    with gguf.read(path) as file:
        info = file.tensors["blk.0.attn_norm.weight"]
    assert dequantize(info.data, info.dtype, info.shape).tolist() == [0, 1, 2, 3, 4]


def test_a_failed_write_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="no type"):
        gguf.write(path, {"bad": np.zeros((2, 2))}, [])
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "data"),
    [("a", "F32", (2,), bytes(4)), ("a", "Q4_0", (31,), bytes(18)), ("a", "F32", (1, 1, 1, 1, 1), bytes(4))],
)
def test_a_tensor_that_does_not_match_its_shape_is_not_written(
    tmp_path: Path, name: str, dtype: str, shape: tuple[int, ...], data: bytes
) -> None:
    with pytest.raises(ValueError, match=r"^a: "):
        gguf.write(tmp_path / "x.gguf", {}, [(name, dtype, shape, data)])
    with pytest.raises(ValueError, match="same name"):
        gguf.write(tmp_path / "x.gguf", {}, [("a", "F32", (1,), bytes(4))] * 2)


def header(n_tensors: int = 0, n_metadata: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_metadata)


def string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def tensor(dims: list[int], dtype: int = 0, offset: int = 0) -> bytes:
    return string(b"t") + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, dtype, offset)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a zip", "not a GGUF file"),
        (b"GGUF\x03", "version"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
        (header(version=9), "version"),
        (header(n_tensors=1 << 60), "tensor count"),
        (header(n_metadata=1 << 60), "metadata count"),
        (header(n_metadata=1) + struct.pack("<Q", 1 << 62) + bytes(99), "metadata key 0"),
        (header(n_metadata=1) + string(b"k") + struct.pack("<IQ", 8, 1 << 62), "k: needs"),
        (header(n_metadata=1) + string(b"k") + struct.pack("<IIQ", 9, 8, 1 << 62), "k: 4611686018427387904 do not fit"),
        (header(n_metadata=1) + string(b"k") + struct.pack("<IIQ", 9, 6, 1 << 62), "k: needs"),
        (header(n_metadata=1) + string(b"k") + struct.pack("<IIQ", 9, 9, 1) + bytes(20), "value type 9"),
        (header(n_metadata=1) + string(b"\xff\xfe") + bytes(20), "not UTF-8"),
        (header(n_metadata=2) + (string(b"k") + struct.pack("<IB", 0, 1)) * 2, "k: occurs twice"),
        (header(n_metadata=1) + string(b"general.alignment") + struct.pack("<II", 4, 0), "general.alignment"),
        (header(n_tensors=1) + tensor([1 << 62, 1 << 62]) + bytes(64), "t: its data ends"),
        (header(n_tensors=1) + tensor([4, 0]) + bytes(64), "empty dimension"),
        (header(n_tensors=1) + tensor([1, 1, 1, 1, 1]) + bytes(64), "5 dimensions"),
        (header(n_tensors=1) + tensor([4], dtype=14) + bytes(64), "data type 14"),
        (header(n_tensors=1) + tensor([33], dtype=2) + bytes(64), "Q4_0 blocks"),
        (header(n_tensors=1) + tensor([4], offset=3) + bytes(64), "multiple of 32"),
        (header(n_tensors=1) + tensor([4], offset=1 << 62) + bytes(64), "t: its data ends"),
        (header(n_tensors=2) + tensor([4]) * 2 + bytes(64), "twice"),
    ],
)
def test_a_broken_file_is_refused_by_field(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=says) as caught:
        gguf.read(file)
    assert str(file) in str(caught.value)


def test_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        gguf.read(tmp_path / "absent.gguf")
    with pytest.raises(ModelFileError):
        gguf.read(tmp_path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([0, 1, 7, 127, 128, 255])), max_size=6),
    cut=st.none() | st.integers(0, 2000),
)
def test_damage_costs_an_error_and_no_memory(path: Path, edits: list[tuple[int, int]], cut: int | None) -> None:
    content = bytearray(path.read_bytes()[:cut])
    for at, value in edits:
        if content:
            content[at % len(content)] = value
    damaged = path.with_name("damaged.gguf")
    damaged.write_bytes(content)
    try:
        file = gguf.read(damaged)
    except ModelFileError:
        return
    for info in file.tensors.values():
        assert info.data.size <= len(content)
        dequantize(info.data, info.dtype, info.shape)
