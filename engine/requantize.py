"""A model file in another data type: `python -m ingle.engine.requantize IN.gguf OUT.gguf Q8_0`.

Matrices are decoded and rounded anew; what is small (norms, biases) stays as it is. Rounding what was rounded before adds
its own error: best is to come from F16 or F32.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from . import gguf
from .gguf import GGUFFile, ModelFileError, TensorData
from .quant import DType, dequantize, quantize

_FILE_TYPES = {DType.F32: 0, DType.F16: 1, DType.Q4_0: 2, DType.Q4_1: 3, DType.Q8_0: 7, DType.BF16: 32}   # llama.cpp's numbers

Item = tuple[str, DType, Sequence[int], TensorData]


def requantize(source: str | os.PathLike[str], target: str | os.PathLike[str], dtype: DType | str) -> None:
    """Write `target` with every matrix of `source` in `dtype` where its rows are whole blocks.

    Raises: ModelFileError; ValueError: no such type, or a weight that it cannot hold.
    """
    dtype = DType.of(dtype)
    with gguf.read(source) as file:
        metadata = {**file.metadata, "general.file_type": _FILE_TYPES[dtype]}
        gguf.write(target, metadata, _items(file, dtype))


def _items(file: GGUFFile, dtype: DType) -> Iterator[Item]:
    for tensor in file.tensors.values():
        if len(tensor.shape) < 2 or tensor.shape[-1] % dtype.block_weights:
            yield tensor.name, tensor.dtype, tensor.shape, tensor.data
        else:
            weights = dequantize(tensor.data, tensor.dtype, tensor.shape)
            yield tensor.name, dtype, tensor.shape, quantize(weights, dtype)


def main(arguments: Sequence[str]) -> int:
    """Returns: the exit status."""
    if len(arguments) != 3:
        print(f"usage: python -m ingle.engine.requantize IN.gguf OUT.gguf {'|'.join(DType.__members__)}", file=sys.stderr)
        return 2
    try:
        requantize(*arguments)
    except (ModelFileError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
