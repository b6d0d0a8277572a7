"""A slot's model as a file to map, whether it lies there plain or encrypted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .errors import UpdateError
from .slots import Choice

PURPOSE: Final = "model at rest"


@contextmanager
def opened(choice: Choice, device_key: Callable[[], bytes]) -> Iterator[Path]:
    """A file to map; what is mapped stays when this ends. An encrypted model is in memory then, where nothing can change it.

    Raises: Damaged; UpdateError: it is encrypted, and the extra is missing.
    """
    if not choice.sealed:
        yield choice.path
        return
    try:
        from . import sealed
    except ImportError:
        raise UpdateError("the model is encrypted, which needs cryptography: pip install 'ingle[update]'") from None
    assert choice.release is not None
    with choice.path.open("rb") as file:
        reader = sealed.Reader(file, sealed.derived(device_key(), PURPOSE), context=choice.release.root)
        descriptor = sealed.unsealed(reader.chunks(), "ingle-model")
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
