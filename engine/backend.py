"""What computes a model: the C core where it was built, numpy where not.

The environment's INGLE_ENGINE=numpy, native or opencl settles it: then no other is taken.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .model import Model
from .native import Native, NativeError, NoLibrary
from .quant import F32
from .reference import Reference

ENVIRONMENT = "INGLE_ENGINE"

_log = logging.getLogger(__name__)


class BackendError(Exception):
    """The engine that the environment asks for is none, or cannot be had: says why and what to do."""


class State(Protocol):
    """One running text."""

    n_ctx: int                  # tokens there is room for
    n_past: int                 # tokens held

    def rewind(self, n_past: int = 0) -> None:
        """Forget all but the first `n_past` tokens."""


class Engine(Protocol):
    """Runs one model; `Reference` says what each method does. A state goes back to the engine that made it."""

    model: Model

    def state(self, n_ctx: int | None = None, *, int8: bool = False) -> Any: ...

    def prefill(self, tokens: Sequence[int], state: Any) -> F32: ...

    def step(self, token: int, state: Any) -> F32: ...

    def logits(self, output: F32, ids: npt.NDArray[np.integer[Any]] | None = None) -> F32: ...


def choose(model: Model) -> Engine:
    """The best engine for a model. Raises: BackendError: INGLE_ENGINE names one that does not exist or does not work."""
    wanted = os.environ.get(ENVIRONMENT, "")
    if wanted not in ("", "native", "numpy", "opencl"):
        raise BackendError(f"{ENVIRONMENT}={wanted} is no engine; set it to native or numpy or opencl")
    if wanted == "numpy":
        return Reference(model)
    if wanted == "opencl":
        return _opencl(model)
    try:
        return Native(model)
    except (NoLibrary, NativeError) as error:
        if wanted == "native":
            raise BackendError(f"{ENVIRONMENT}=native cannot be had: {error}") from None
        _log.warning("the C core is not used (%s); numpy computes, several times slower", error)
        return Reference(model)


def _opencl(model: Model) -> Engine:
    from .opencl import NoDevice, OpenCL  # an extra: its package may be missing

    try:
        return OpenCL(model)
    except NoDevice as error:
        raise BackendError(f"{ENVIRONMENT}=opencl cannot be had: {error}") from None
