"""The C interpreter (engine/kernels/interpret.c) as tests call it: the code of the board, on this machine."""

from __future__ import annotations

import ctypes
import json
from typing import Any

import numpy as np

from ingle.engine.interpreter import Interpretation, Interpreter
from ingle.engine.model import Model
from ingle.engine.native import Native, NativeError, aligned, check, library

VARIANT = "c"                   # the same sums in the same order on every processor
N_CTX, BATCH = 256, 4           # as engine/firmware/main.c has them


class _Settings(ctypes.Structure):
    """`ingle_settings`."""

    _fields_ = (
        ("pack", ctypes.c_void_p), ("n_bytes", ctypes.c_size_t), ("variant", ctypes.c_char_p),
        ("n_ctx", ctypes.c_int), ("max_batch", ctypes.c_int), ("int8_cache", ctypes.c_int),
    )  # fmt: skip


class Board:
    """An interpreter of a pack. Raises: NativeError: it is refused."""

    def __init__(self, pack: bytes, *, n_ctx: int = N_CTX, int8: bool = False, room: int = 1 << 16) -> None:
        self._pack = aligned(len(pack))
        self._pack[:] = np.frombuffer(pack, np.uint8)
        self._settings = _Settings(self._pack.ctypes.data, len(pack), VARIANT.encode(), n_ctx, BATCH, int8)
        self.n_bytes = library().ingle_interpreter_bytes(ctypes.byref(self._settings))
        self._arena = aligned(self.n_bytes)
        self._interpreter = ctypes.c_void_p()
        self._json = ctypes.create_string_buffer(room)
        about = (ctypes.byref(self._settings), self._arena.ctypes.data, self.n_bytes)
        check(library().ingle_interpreter_open(*about, ctypes.byref(self._interpreter)))

    def interpret(self, text: bytes | str, *, asked: bool = False) -> dict[str, Any]:
        said = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        check(library().ingle_interpret(self._interpreter, said, len(said), asked, self._json, len(self._json)))
        found: dict[str, Any] = json.loads(self._json.value)
        return found


def on_the_pc(model: Model, schema: Any) -> Interpreter:
    """The Python interpreter with the board's room, kernels and batches' tiling, and without the prior."""
    return Interpreter(model, schema, run=lambda model: Native(model, 1, variant=VARIANT), n_ctx=N_CTX)


def plain(found: Interpretation) -> list[tuple[str, dict[str, Any]]]:
    return [(intent.intent, dict(intent.slots)) for intent in found.intents]


def told(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(intent["intent"], intent["slots"]) for intent in answer["intents"]]


__all__ = ["BATCH", "N_CTX", "Board", "NativeError", "on_the_pc", "plain", "told"]
