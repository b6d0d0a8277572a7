"""Matrices multiplied by an OpenCL device: a board's GPU, or, through PoCL, any processor.

`OpenCL` is `reference.Reference` with its matmuls carried over to the device, where they are computed from the blocks as
they lie in the file (opencl.cl); the rest stays in numpy. Weights are handed over once and not copied where the device
shares the machine's memory. Chosen by INGLE_ENGINE=opencl; wants the extra `opencl` and a driver.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .gguf import TensorInfo
from .model import Layer, Model, Weight
from .quant import F32, DType, dequantize, row_bytes
from .reference import Reference

EXTRA: Final = "ingle[opencl]"
TOKENS: Final = 4               # of a work-item, as in opencl.cl


class NoDevice(Exception):
    """OpenCL cannot be used: says why and what to do."""


class Device:
    """The first GPU that there is, else the first device of any kind. Safe to use from several threads."""

    def __init__(self) -> None:
        """Raises: NoDevice."""
        try:
            import pyopencl
        except ImportError:
            raise NoDevice(f"the package pyopencl is not installed: pip install '{EXTRA}'") from None
        self.cl: Any = pyopencl
        found = self._devices()
        if not found:
            raise NoDevice("there is no OpenCL device: install its driver, or the Debian package pocl-opencl-icd")
        device = min(found, key=lambda each: not each.type & pyopencl.device_type.GPU)
        self.name = str(device.name)
        self.context: Any = pyopencl.Context([device])
        self._queue: Any = pyopencl.CommandQueue(self.context)
        self._kernels: dict[DType, Any] = {}
        self._rooms: dict[str, Any] = {}
        self._lock = threading.Lock()

    def _devices(self) -> list[Any]:
        try:
            return [device for platform in self.cl.get_platforms() for device in platform.get_devices()]
        except self.cl.Error:                   # what the loader says where no driver is installed
            return []

    def hand_over(self, data: npt.NDArray[np.uint8]) -> Any:
        """A buffer of the device over bytes that stay where they are as long as it lives."""
        flags = self.cl.mem_flags
        return self.cl.Buffer(self.context, flags.READ_ONLY | flags.USE_HOST_PTR, hostbuf=data)

    def multiply(self, dtype: DType, weights: Any, shape: tuple[int, ...], x: F32) -> F32:
        """y = W x for each row of x."""
        n_rows, n_cols = shape
        y = np.empty((len(x), n_rows), np.float32)
        with self._lock:
            kernel = self._kernel(dtype)
            x_room, y_room = self._room("x", x.nbytes), self._room("y", y.nbytes)
            self.cl.enqueue_copy(self._queue, x_room, x)
            sizes = np.uint64(row_bytes(dtype, n_cols)), np.int32(n_rows), np.int32(n_cols)
            kernel.set_args(weights, *sizes, x_room, np.int32(len(x)), y_room)
            self.cl.enqueue_nd_range_kernel(self._queue, kernel, (n_rows, -(-len(x) // TOKENS)), None)
            self.cl.enqueue_copy(self._queue, y, y_room)
        return y

    def _kernel(self, dtype: DType) -> Any:
        if dtype not in self._kernels:
            source = (files(__package__) / "opencl.cl").read_text(encoding="utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", self.cl.CompilerWarning)     # drivers tell of themselves
                program = self.cl.Program(self.context, source).build([f"-DDTYPE={int(dtype)}"])
            self._kernels[dtype] = program.matmul
        return self._kernels[dtype]

    def _room(self, name: str, n_bytes: int) -> Any:
        """A buffer of at least so many bytes that the calls share."""
        room = self._rooms.get(name)
        if room is None or room.size < n_bytes:
            room = self._rooms[name] = self.cl.Buffer(self.context, self.cl.mem_flags.READ_WRITE, n_bytes)
        return room


class DeviceWeight:
    """A matrix on a device."""

    def __init__(self, device: Device, tensor: TensorInfo) -> None:
        self.tensor, self.shape = tensor, tensor.shape
        self._device, self._weights = device, device.hand_over(tensor.data)

    def __call__(self, x: F32) -> F32:
        return self._device.multiply(self.tensor.dtype, self._weights, self.shape, np.ascontiguousarray(x, np.float32))

    def rows(self, ids: npt.NDArray[np.integer[Any]]) -> F32:
        wanted = self.tensor.data.reshape(self.shape[0], -1)[ids]
        return dequantize(wanted, self.tensor.dtype, (len(ids), self.shape[1]))


class OpenCL(Reference):
    """Runs a model with its matmuls on a device."""

    def __init__(self, model: Model, device: Device | None = None) -> None:
        """Raises: NoDevice."""
        self.device = Device() if device is None else device
        super().__init__(_carried_over(model, lambda weight: DeviceWeight(self.device, weight.tensor)))


def _carried_over(model: Model, carry: Callable[[Weight], Weight]) -> Model:
    def carried(layer: Layer) -> Layer:
        parts: dict[str, Any] = {name: carry(getattr(layer, name)) for name in _MATRICES}
        return replace(layer, **parts)

    embd = carry(model.token_embd)
    output = embd if model.output is model.token_embd else carry(model.output)
    return replace(model, layers=[carried(layer) for layer in model.layers], token_embd=embd, output=output)


_MATRICES: Final = [each.name for each in fields(Layer) if each.type == "Weight"]
