"""A small world to prove updates in: a maker with keys and a repository, tiny models, devices."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from ...engine import gguf
from ...engine.quant import quantize
from . import sealed
from .at_rest import opened
from .disk import Disk
from .errors import Refused
from .fetch import Fetcher
from .installer import Installer
from .release import Release
from .repository import SERIALIZER, Repository, signer_of
from .slots import Choice, Slots
from .trust import Trust

BLOCK: Final = 4096
DEVICE_KEY: Final = bytes(range(32))
FIRST, SECOND, THIRD = "1.0", "2.0", "3.0"


def tiny_model(path: Path, seed: int) -> Path:
    """A model file of some 20 kB; seeds give files that are alike but for some weights of one tensor."""
    common, own = np.random.default_rng(0), np.random.default_rng(seed)
    changed = common.normal(size=(64, 96)).astype(np.float32)
    changed[:, :32] += own.normal(size=(64, 32), scale=0.05)
    tensors = [
        ("token_embd.weight", "Q8_0", (64, 64), quantize(common.normal(size=(64, 64)), "Q8_0")),
        ("blk.0.ffn_up.weight", "Q4_0", (96, 64), quantize(common.normal(size=(96, 64)), "Q4_0")),
        ("blk.1.ffn_up.weight", "Q4_0", (64, 96), quantize(changed, "Q4_0")),
        ("output_norm.weight", "F32", (64,), quantize(own.uniform(0.5, 1.5, 64), "F32")),
    ]
    metadata = {"general.architecture": "llama", "tokenizer.ggml.model": "llama",
                "tokenizer.ggml.tokens": [f"piece {index}" for index in range(64)]}
    gguf.write(path, metadata, tensors)
    return path


def readable(path: Path, release: Release) -> None:
    """A self-test for models that compute nothing: all tensors can be read. Raises: Refused."""
    try:
        with gguf.read(path) as file:
            for tensor in file.tensors.values():
                tensor.data.sum()
    except gguf.ModelFileError as error:
        raise Refused("wrong software", f"model {release.version} cannot be read ({error})") from None


@dataclass
class World:
    """Folders: `repo`, `keys`, `root` (offline keys), `models` (model files by version), `device`."""

    folder: Path

    def __post_init__(self) -> None:
        self.repo, self.keys, self.root_keys = self.folder / "repo", self.folder / "keys", self.folder / "root"
        self.device, self.shipped = self.folder / "device", self.folder / "shipped.gguf"

    @classmethod
    def made(cls, folder: Path, *, encrypted: bool = True, n_root_keys: int = 2) -> World:
        """With version 1.0 published, and devices that have nothing yet."""
        world = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)
        Repository.init(world.repo, world.keys, world.root_keys, n_root_keys=n_root_keys, threshold=n_root_keys)
        (folder / "models").mkdir()
        tiny_model(world.shipped, 0)
        world.add(FIRST, encrypted=encrypted)
        return world

    @property
    def repository(self) -> Repository:
        return Repository(self.repo, self.keys)

    def model(self, version: str) -> Path:
        path = self.folder / "models" / f"{version}.gguf"
        return path if path.exists() else tiny_model(path, int(version.partition(".")[0]))

    def add(self, version: str, *, olds: tuple[str, ...] = (), encrypted: bool = True, **more: Any) -> None:
        """Add a release and publish it."""
        recipients = [sealed.public_of(DEVICE_KEY)] if encrypted else []
        self.repository.add(self.model(version), version, olds=[self.model(old) for old in olds], recipients=recipients,
                            block_size=BLOCK, **more)
        self.repository.publish()

    def anchor(self) -> bytes:
        return (self.repo / "metadata" / "1.root.json").read_bytes()

    def slots(self, device: Path | None = None, disk: Disk | None = None) -> Slots:
        return Slots((device or self.device) / "models", self.shipped, disk)

    def installer(
        self, device: Path | None = None, disk: Disk | None = None, *, fetcher: Fetcher | None = None, encrypt: bool = False,
        now: Callable[[], float] | None = None,
    ) -> Installer:
        """The updater of a device, with its folder made."""
        slots = self.slots(device, disk)
        slots.folder.parent.mkdir(parents=True, exist_ok=True)
        more = {} if now is None else {"now": now}
        trust = Trust(slots.folder, str(self.repo), self.anchor(), disk=disk, fetcher=fetcher, **more)
        return Installer(slots, trust, judge=readable, device_key=lambda: DEVICE_KEY, encrypt=encrypt)

    def copy(self, folder: Path) -> World:
        """The same world elsewhere, to do something to."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return World(folder)

    def started(self, device: Path, disk: Disk | None = None) -> str:
        """Start a device as `ingle run` does. Returns: the version, after reading all of its model. Raises: whatever is wrong."""
        choice = self.slots(device, disk).begin()
        self.check(choice)
        return choice.version

    def check(self, choice: Choice) -> None:
        """Raises: UpdateError: a choice's model is not whole."""
        with opened(choice, lambda: DEVICE_KEY) as path:
            if choice.release is not None:
                choice.release.check_file(path)
            readable(path, choice.release or Release.of_file(path, "0"))

    # what an attacker can do to the repository

    def file(self, role: str, version: int | None = None) -> Path:
        """A role's metadata: the newest, or that version."""
        folder = self.repo / "metadata"
        if role == "timestamp":
            return folder / "timestamp.json"
        files = sorted(folder.glob(f"*.{role}.json"), key=lambda file: int(file.name.split(".")[0]))
        return files[-1] if version is None else folder / f"{version}.{role}.json"

    def payload(self, version: str, kind: str = "model") -> Path:
        """The file of a release's target: "model", or "from-" for its delta."""
        (found,) = (self.repo / "targets" / version).glob(f"*.{kind}*")
        return found

    def alter(self, role: str, change: Callable[[Any], None], *, key: str | None = None, forged: bool = False) -> None:
        """Change the newest metadata of a role and sign it: with another role's key, or with none that is known."""
        path = self.file(role)
        metadata: Metadata[Any] = Metadata.from_file(str(path))
        change(metadata.signed)
        metadata.signatures.clear()
        metadata.sign(CryptoSigner.generate_ed25519() if forged else signer_of(self.keys / f"{key or role}.pem"))
        path.write_bytes(metadata.to_bytes(SERIALIZER))
