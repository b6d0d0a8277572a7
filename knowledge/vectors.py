"""The vector index: exact where all vectors fit into a little memory, else by their signs, and exact again for the best.

A vector of 384 numbers is kept as 384 signs, 48 bytes. How many signs of two vectors differ tells the angle between them
well enough to pick some thousand candidates out of any number (arXiv:1509.02897 measures how well); weighed by the question's
own numbers, their signs tell the best hundred, and those are compared exactly, with the int8 vectors read from the store.
Scanning 100,000 passages' signs takes about a millisecond, so there is no graph to build, to keep, to repair, or to delete from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from .store import I8, I64, U64, Codes

F32 = npt.NDArray[np.float32]

EXACT_BELOW: Final = 10_000     # passages: 384 bytes each are held in memory
NEAR: Final = 2_000             # of those whose signs agree most, weighed by the question's numbers
CANDIDATES: Final = 160         # of them compared exactly, by their vectors in the file

_SIGNS_OF_BYTE: Final = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1).astype(np.float32) * 2 - 1
_BITS_OF_BYTE: Final = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def to_int8(vector: F32) -> I8:
    """The same direction in int8; rows of a matrix each for itself."""
    largest = np.abs(vector).max(axis=-1, keepdims=True)
    scaled = np.divide(vector * np.float32(127), largest, out=np.zeros_like(vector), where=largest > 0)
    return np.asarray(np.rint(scaled), np.int8)


def to_bits(vector: F32) -> U64:
    """Which numbers are above zero, 64 in a word; rows of a matrix each for itself."""
    return np.packbits(vector > 0, axis=-1).view(np.uint64)


def cosines(vectors: I8, query: F32) -> F32:
    """Of each row to a query of length 1."""
    floats = vectors.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", floats, floats))
    found: F32 = np.divide(floats @ query, lengths, out=np.zeros(len(floats), np.float32), where=lengths > 0)
    return found


class VectorIndex:
    """Finds the passages whose vectors are nearest to a question's."""

    def __init__(self, codes: Codes, vectors: Callable[[Sequence[int]], I8], *, exact_below: int = EXACT_BELOW) -> None:
        """`vectors` fetches the int8 vectors of some passages."""
        self._ids, self._private = codes.ids, codes.private
        self._bits = np.ascontiguousarray(codes.bits.T)     # (n_embd / 64, n): a word of all passages lies together
        self._vectors = vectors
        self._exact: I8 | None = vectors(codes.ids.tolist()) if len(codes.ids) < exact_below else None

    @property
    def n_passages(self) -> int:
        return len(self._ids)

    @property
    def n_bytes(self) -> int:
        """Held in memory."""
        arrays = (self._ids, self._bits, self._private, self._exact)
        return sum(array.nbytes for array in arrays if array is not None)

    def nearest(self, query: F32, k: int, *, with_private: bool) -> list[tuple[int, float]]:
        """At most `k` of (passage id, cosine), best first. `query` has length 1."""
        ids, found = self._compared(query, k, with_private=with_private)
        best = np.argsort(-found, kind="stable")[:k]
        return [(int(ids[place]), float(found[place])) for place in best]

    def _compared(self, query: F32, k: int, *, with_private: bool) -> tuple[I64, F32]:
        allowed = np.flatnonzero(~self._private) if not with_private and self._private.any() else None
        if self._exact is not None:
            rows = self._exact if allowed is None else self._exact[allowed]
            return (self._ids if allowed is None else self._ids[allowed]), cosines(rows, query)
        bits = self._bits if allowed is None else self._bits[:, allowed]
        near = fewest_differing(bits, to_bits(query), max(NEAR, k))
        near = near[np.argsort(-agreement(bits[:, near], query))[: max(CANDIDATES, k)]]
        ids = self._ids[near if allowed is None else allowed[near]]
        return ids, cosines(self._vectors(ids.tolist()), query)


def fewest_differing(bits: U64, query: U64, k: int) -> I64:
    """The `k` columns of (n_words, n) whose bits differ least from the query's, in no order."""
    n = bits.shape[1]
    if n <= k:
        return np.arange(n)
    differing = np.zeros(n, np.uint16)
    for words, word in zip(bits, query, strict=True):
        differing += _ones(words ^ word)
    most = int(np.searchsorted(np.cumsum(np.bincount(differing)), k))      # up to so many differences there are k, or more
    nearer = np.flatnonzero(differing < most)
    return np.concatenate([nearer, np.flatnonzero(differing == most)[: k - len(nearer)]])


def agreement(bits: U64, query: F32) -> F32:
    """Of each column of (n_words, n) the product of its signs, -1 and 1, with the query: (n,)."""
    codes = np.ascontiguousarray(bits.T).view(np.uint8)                     # (n, n_embd / 8)
    of_byte = _SIGNS_OF_BYTE @ query.reshape(-1, 8).T                       # (256, n_embd / 8)
    found: F32 = of_byte[codes, np.arange(codes.shape[1])].sum(axis=1)
    return found


def _ones(words: U64) -> npt.NDArray[np.uint8]:
    """How many bits of each word are set."""
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words))
    return np.asarray(_BITS_OF_BYTE[words.view(np.uint8).reshape(-1, 8)].sum(axis=1, dtype=np.uint8))     # numpy below 2
