"""A file's hash tree: SHA-256 of each block, and of these hashes; with domains as in RFC 6962 (2.1), two levels deep.

Blocks are checked apart from one another: on two threads at start-up, and one by one where a download or a delta goes on.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from .errors import Damaged

BLOCK: Final = 1 << 20
N_THREADS: Final = 2
SHORT: Final = 1 << 20      # bytes that are hashed in less time than threads take to start


def leaf(block: bytes | memoryview) -> str:
    """The hash of one block, in hex."""
    digest = hashlib.sha256(b"\0")
    digest.update(block)
    return digest.hexdigest()


def root(leaves: Sequence[str]) -> str:
    """The hash that stands for the whole file, in hex."""
    return hashlib.sha256(b"\1" + b"".join(map(bytes.fromhex, leaves))).hexdigest()


def leaves(path: Path, block_size: int = BLOCK) -> tuple[str, ...]:
    """The hashes of a file's blocks. Raises: OSError."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return ()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping, memoryview(mapping) as view:
            blocks = [view[at : at + block_size] for at in range(0, len(view), block_size)]
            try:
                if len(view) <= SHORT:
                    return tuple(map(leaf, blocks))
                with ThreadPoolExecutor(N_THREADS) as pool:     # hashlib lets go of the GIL
                    return tuple(pool.map(leaf, blocks))
            finally:
                for block in blocks:
                    block.release()


def verify(path: Path, expected: Sequence[str], *, size: int, block_size: int = BLOCK) -> None:
    """Raises: Damaged: the file is missing, or not the one with these blocks; says which of them."""
    try:
        found_size = path.stat().st_size
        found = leaves(path, block_size) if found_size == size else ()
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from None
    if found_size != size:
        raise Damaged(f"{path}: has {found_size} bytes, not {size}")
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise Damaged(f"{path}: the block at byte {index * block_size} is damaged")


def n_good(path: Path, expected: Sequence[str], block_size: int = BLOCK) -> int:
    """How many blocks from the beginning of a file, which may be missing or torn, are as expected."""
    try:
        with path.open("rb") as file:
            for index, hashed in enumerate(expected):
                if leaf(file.read(block_size)) != hashed:
                    return index
    except OSError:
        return 0
    return len(expected)
