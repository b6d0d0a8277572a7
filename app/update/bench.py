"""What care for a model costs: verification at the start, encryption at rest, changing over, and how small deltas are."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from . import delta, hashtree, sealed

RUNS = 7


def measure(model: Path, old: Path | None = None) -> dict[str, Any]:
    """Figures by name. `old`: measure a delta from it, beside what is obvious. Raises: ModelFileError, OSError."""
    found = {"model_mb": round(model.stat().st_size / 1e6, 2), **_start_up(model)}
    return found | (_delta(old, model) if old else {})


def _start_up(model: Path) -> dict[str, Any]:
    leaves, size = hashtree.leaves(model), model.stat().st_size
    found: dict[str, Any] = {"verify_ms": _best_ms(lambda: hashtree.verify(model, leaves, size=size)),
                             "verify_cpu_ms": _best_ms(lambda: hashtree.verify(model, leaves, size=size), time.process_time)}
    key, context = bytes(sealed.KEY), hashtree.root(leaves)
    with tempfile.TemporaryDirectory() as folder:
        for cipher in sealed.Cipher:
            file = Path(folder, cipher.name)
            sealed.seal(model, file, key, context=context, cipher=cipher)
            found[f"unseal_{cipher.name.lower()}_ms"] = _best_ms(lambda file=file: _unsealed(file, key, context))  # type: ignore[misc]
        before = psutil.Process().memory_info().rss
        descriptor = _descriptor(Path(folder, sealed.Cipher.AES_256_GCM.name), key, context)
        try:
            mapped = np.memmap(f"/proc/self/fd/{descriptor}", np.uint8, "r")
            mapped.sum()
            found["unsealed_memory_mb"] = round((psutil.Process().memory_info().rss - before) / 1e6, 1)
        finally:
            os.close(descriptor)
    return found


def _descriptor(file: Path, key: bytes, context: str) -> int:
    with file.open("rb") as opened:
        return sealed.unsealed(sealed.Reader(opened, key, context=context).chunks(), "bench")


def _unsealed(file: Path, key: bytes, context: str) -> None:
    os.close(_descriptor(file, key, context))


def _best_ms(act: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    times = []
    for _ in range(RUNS):
        began = clock()
        act()
        times.append((clock() - began) * 1000)
    return round(min(times), 1)


def _delta(old: Path, new: Path) -> dict[str, Any]:
    size = new.stat().st_size
    began = time.perf_counter()
    made = delta.make(old, new, hashtree.root(hashtree.leaves(old)))
    made_s = time.perf_counter() - began
    old_bytes = old.read_bytes()
    began = time.perf_counter()
    restored = b"".join(_apply(made, old_bytes))
    found = {
        "delta_bytes": len(made), "delta_share": round(len(made) / size, 4), "delta_make_s": round(made_s, 1),
        "delta_apply_s": round(time.perf_counter() - began, 2), "delta_exact": restored == new.read_bytes(),
        "delta_apply_peak_mb": _peak_mb(lambda: [None for _ in _apply(made, old_bytes)]),
    }
    others = {"zstd_19": _zstd(new, None), "zstd_patch_from": _zstd(new, old), "bsdiff": _bsdiff(old, new)}
    return found | {f"{name}_share": round(n_bytes / size, 4) if n_bytes else "not installed" for name, n_bytes in others.items()}


def _apply(made: bytes, old: bytes) -> Any:
    return delta.Delta(io.BytesIO(made)).blocks(lambda offset, n_bytes: old[offset : offset + n_bytes], hashtree.BLOCK)


def _peak_mb(act: Callable[[], Any]) -> float:
    tracemalloc.start()
    act()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(peak / 1e6, 1)


def _zstd(new: Path, old: Path | None) -> int | None:
    if shutil.which("zstd") is None:
        return None
    patch = ["--long=27", f"--patch-from={old}"] if old else []
    done = subprocess.run(["zstd", "-19", "-c", *patch, str(new)], capture_output=True, check=True)
    return len(done.stdout)


def _bsdiff(old: Path, new: Path) -> int | None:
    try:
        import bsdiff4
    except ImportError:
        return None
    return len(bsdiff4.diff(old.read_bytes(), new.read_bytes()))
