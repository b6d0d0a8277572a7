"""A release of the model: what its maker signs about it, as custom metadata of its TUF target, and what fits this Ingle."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ...engine import gguf
from ...skills.schema import load_schema
from ..typed import Mismatch, build, plain
from . import hashtree
from .errors import Incompatible, UpdateError

MAX_BLOCKS: Final = 1 << 16
MAX_MODEL_BYTES: Final = 1 << 32
_VERSION = re.compile(r"[0-9]{1,8}(\.[0-9]{1,8}){0,3}")
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Who gets a release: a share of the devices, by a stable hash; none more while it is held. Withdrawn, it is left."""

    percent: int = 100          # of all devices, 0..100: TUF's canonical JSON knows no fractions
    hold: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """An encrypted payload: whom its key is wrapped for, by the id of their public key."""

    keys: Mapping[str, str]     # key id → wrapped key, base64 (sealed.wrap)


@dataclass(frozen=True, kw_only=True)
class DeltaInfo:
    """A target that makes this release from another file."""

    target: str                 # its path in the repository
    sealing: Sealing | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """One model with all that it must be used with."""

    version: str                # numbers with dots, "2026.11.1"; later is larger
    size: int                   # bytes of the model's file, not encrypted
    blocks: tuple[str, ...]     # its hash tree's leaves
    block_size: int = hashtree.BLOCK
    tokenizer: str              # hash of the vocabulary in the file
    grammar: str                # hash of the catalogue of intents it was trained on
    min_engine: str             # the lowest version of Ingle that runs it
    rollout: Rollout = field(default_factory=Rollout)
    sealing: Sealing | None = None
    deltas: Mapping[str, DeltaInfo] = field(default_factory=dict)   # root of the file it starts from → how
    notes: str = ""

    @property
    def root(self) -> str:
        return hashtree.root(self.blocks)

    @classmethod
    def of_file(cls, path: Path, version: str, *, min_engine: str | None = None, block_size: int = hashtree.BLOCK) -> Self:
        """Describe a model file. Raises: ModelFileError; UpdateError: not a version."""
        release = cls(
            version=version, size=path.stat().st_size, blocks=hashtree.leaves(path, block_size), block_size=block_size,
            tokenizer=tokenizer_hash(path), grammar=grammar_hash(), min_engine=min_engine or installed_version("ingle"),
        )
        release._check()
        return release

    @classmethod
    def from_plain(cls, data: Any) -> Self:
        """Raises: UpdateError: not the description of a release."""
        try:
            release = build(cls, data, ignore_unknown=True)
        except Mismatch as mismatch:
            raise UpdateError(f"the release's description is not valid: {mismatch}") from None
        release._check()
        return release

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises: UpdateError, OSError."""
        try:
            return cls.from_plain(json.loads(path.read_bytes()))
        except (ValueError, RecursionError):
            raise UpdateError(f"{path}: not the description of a release") from None

    def payload(self) -> bytes:
        return json.dumps(plain(self), sort_keys=True).encode()

    def check_fits(self) -> None:
        """Raises: Incompatible: another grammar than our skills', or a newer engine is needed."""
        engine = _engine_version()
        if number(self.min_engine) > number(engine):
            raise Incompatible(f"model {self.version} needs Ingle {self.min_engine}, this is {engine}: upgrade Ingle first")
        if self.grammar != grammar_hash():
            raise Incompatible(f"model {self.version} is for another catalogue of intents than this Ingle's: upgrade Ingle first")

    def check_whole(self, path: Path) -> None:
        """Raises: Damaged: it is not byte for byte this release's file."""
        hashtree.verify(path, self.blocks, size=self.size, block_size=self.block_size)

    def check_file(self, path: Path) -> None:
        """Raises: Damaged; Incompatible: another vocabulary than the description says; ModelFileError."""
        self.check_whole(path)
        if tokenizer_hash(path) != self.tokenizer:
            raise Incompatible(f"model {self.version} has another vocabulary in it than its description says")

    def _check(self) -> None:
        """What types cannot say."""
        n_blocks = -(-self.size // self.block_size) if self.block_size > 0 else -1
        good = (
            _VERSION.fullmatch(self.version) and _VERSION.fullmatch(self.min_engine)
            and 0 < self.size <= MAX_MODEL_BYTES and len(self.blocks) == n_blocks <= MAX_BLOCKS
            and all(_HASH.fullmatch(each) for each in (*self.blocks, *self.deltas, self.tokenizer, self.grammar))
            and 0 <= self.rollout.percent <= 100
        )
        if not good:
            name = self.version[:40]
            raise UpdateError(f"the description of release {name!r} is not valid: make it anew with `ingle model repo add`")


def number(version: str) -> tuple[int, ...]:
    """A version to compare by: "2026.11" → (2026, 11)."""
    return tuple(int(part) for part in re.findall("[0-9]+", version))


@cache
def _engine_version() -> str:
    return installed_version("ingle")


@cache
def grammar_hash() -> str:
    """The hash of the skills' catalogue, which the decoding grammar is compiled from."""
    return hashlib.sha256(json.dumps(load_schema(), sort_keys=True, default=str).encode()).hexdigest()


def tokenizer_hash(path: Path) -> str:
    """The hash of the vocabulary in a model file. Raises: ModelFileError."""
    digest = hashlib.sha256()
    with gguf.read(path) as file:
        for key in sorted(key for key in file.metadata if key.startswith("tokenizer.")):
            value = file.metadata[key]
            data = value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode()
            digest.update(f"{key}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()
