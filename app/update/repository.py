"""The maker's side: a TUF repository as a folder of static files, which any file server or a USB stick can carry.

    metadata/N.root.json, N.targets.json, N.snapshot.json, timestamp.json      targets/<hash>.<name>

Keys are Ed25519, one PEM file each: `root*.pem` in a folder that stays offline, `targets.pem`, `snapshot.pem`,
`timestamp.pem` in another. What is added is signed by the targets key at once, but seen by nobody before `publish` has signed
snapshot and timestamp.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from ..typed import plain
from . import delta, sealed
from .disk import Disk
from .errors import UpdateError
from .release import DeltaInfo, Release, Rollout, Sealing, number
from .trust import MODEL_KEY

LIFETIME: Final = {
    "root": timedelta(days=365), "targets": timedelta(days=180), "snapshot": timedelta(days=30), "timestamp": timedelta(days=7),
}
ONLINE: Final = ("targets", "snapshot", "timestamp")
SERIALIZER: Final = JSONSerializer(compact=False)

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Added:
    """What `add` has put into the repository."""

    release: Release
    full_bytes: int
    delta_bytes: Mapping[str, int]      # target → size


class Repository:
    """A repository to write. Raises: UpdateError (one line), OSError."""

    def __init__(self, folder: Path, keys: Path, *, clock: Clock = now) -> None:
        self.folder = folder
        self.keys = keys
        self._clock = clock

    # its beginning

    @classmethod
    def init(
        cls, folder: Path, keys: Path, root_keys: Path, *, n_root_keys: int = 1, threshold: int = 1, clock: Clock = now,
    ) -> Repository:
        """A new repository with new keys. `threshold`: how many of the root keys must sign a root."""
        repository = cls(folder, keys, clock=clock)
        if (folder / "metadata").exists():
            raise UpdateError(f"{folder}: is a repository already")
        if not 1 <= threshold <= n_root_keys:
            raise UpdateError("the threshold must be at least 1 and at most the number of root keys")
        for place in (folder / "metadata", folder / "targets", keys, root_keys):
            place.mkdir(parents=True, exist_ok=True)
        root = Root(consistent_snapshot=True, expires=repository._expiry("root"))
        for index in range(n_root_keys):
            signer = _new_key(root_keys / f"root{index + 1}.pem")
            root.add_key(signer.public_key, "root")
        root.roles["root"].threshold = threshold
        for role in ONLINE:
            root.add_key(_new_key(keys / f"{role}.pem").public_key, role)
        repository._write_root(root, _signers(root_keys))
        repository._write("targets", Targets(expires=repository._expiry("targets")))
        repository.publish()
        return repository

    # adding

    def add(
        self, model: Path, version: str, *, olds: Iterable[Path] = (), recipients: Iterable[bytes] = (),
        min_engine: str | None = None, rollout: Rollout | None = None, block_size: int | None = None, notes: str = "",
        cipher: sealed.Cipher = sealed.Cipher.AES_256_GCM,
    ) -> Added:
        """Add a model, and deltas to it from `olds`; encrypted for `recipients` (X25519 public keys) where there are any."""
        more = {} if block_size is None else {"block_size": block_size}
        release = Release.of_file(model, version, min_engine=min_engine, **more)
        release.check_file(model)
        targets = self._targets()
        name = f"{version}/model"
        if name in targets.targets:
            raise UpdateError(f"{version}: is in the repository already; releases do not change, give it another version")
        recipients, found, sizes = tuple(recipients), {}, {}
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            for old in olds:
                old_root = Release.of_file(old, "0", block_size=release.block_size).root
                made = Path(scratch, "delta")
                made.write_bytes(delta.make(old, model, old_root))
                target = f"{version}/from-{old_root[:16]}"
                payload, sealing = self._payload(made, recipients, release.root, cipher)
                sizes[target] = self._put(targets, target, payload, {})
                found[old_root] = DeltaInfo(target=target, sealing=sealing)
            payload, sealing = self._payload(_copied(model, Path(scratch, "model")), recipients, release.root, cipher)
            release = replace(release, deltas=found, sealing=sealing, rollout=rollout or Rollout(), notes=notes)
            full_bytes = self._put(targets, name, payload, {MODEL_KEY: plain(release)})
        self._write("targets", targets)
        return Added(release, full_bytes, sizes)

    def roll_out(self, version: str, **changes: Any) -> Release:
        """Change who gets a release: `percent`, `hold`, `withdrawn`."""
        targets = self._targets()
        target = targets.targets.get(f"{version}/model")
        if target is None:
            raise UpdateError(f"{version}: is not in the repository (there are {', '.join(sorted(self.versions())) or 'none'})")
        release = Release.from_plain((target.custom or {}).get(MODEL_KEY))
        release = Release.from_plain(plain(replace(release, rollout=replace(release.rollout, **changes))))
        target.unrecognized_fields["custom"] = {MODEL_KEY: plain(release)}
        self._write("targets", targets)
        return release

    def publish(self) -> None:
        """Sign snapshot and timestamp, so that devices see what was added; also renews what would expire."""
        targets = self._newest("targets")
        snapshot = Snapshot(meta={"targets.json": self._meta("targets", targets)}, expires=self._expiry("snapshot"))
        self._write("snapshot", snapshot)
        timestamp = Timestamp(snapshot_meta=self._meta("snapshot", self._newest("snapshot")), expires=self._expiry("timestamp"))
        self._write("timestamp", timestamp)

    def sign_root(self, root_keys: Path, *, rotate: Iterable[str] = (), new_root_keys: Path | None = None) -> int:
        """Sign a new root, which renews it. Returns: its version.

        Args:
            rotate: roles whose key is made anew, such as one that was stolen; "root" needs `new_root_keys`.
            new_root_keys: the folder of the root keys from now on; those in `root_keys` sign for the last time.
        """
        root = self._root()
        signers = _signers(root_keys)
        for role in rotate:
            self._rotate(root, role, new_root_keys)
        if new_root_keys is not None:
            signers += _signers(new_root_keys)
        root.version += 1
        root.expires = self._expiry("root")
        self._write_root(root, signers)
        rotated = set(rotate) & set(ONLINE)
        if "targets" in rotated:
            self._write("targets", self._targets())
        if rotated:
            self.publish()
        return root.version

    def versions(self) -> list[str]:
        """Of the models in it, oldest first."""
        names = (name.partition("/")[0] for name in self._targets().targets if name.endswith("/model"))
        return sorted(names, key=number)

    # parts

    def _rotate(self, root: Root, role: str, new_root_keys: Path | None) -> None:
        if role not in root.roles:
            raise UpdateError(f"{role}: is no role; there are root, targets, snapshot and timestamp")
        if role == "root" and new_root_keys is None:
            raise UpdateError("new root keys need a folder of their own: --new-root-keys FOLDER")
        n_keys = len(root.roles[role].keyids)
        for keyid in list(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        for index in range(n_keys):
            file = new_root_keys / f"root{index + 1}.pem" if role == "root" and new_root_keys else self.keys / f"{role}.pem"
            file.parent.mkdir(parents=True, exist_ok=True)
            if role != "root":
                file.unlink(missing_ok=True)
            root.add_key(_new_key(file).public_key, role)

    def _payload(
        self, file: Path, recipients: tuple[bytes, ...], context: str, cipher: sealed.Cipher,
    ) -> tuple[Path, Sealing | None]:
        """The file as devices fetch it, and whom it is sealed for."""
        if not recipients:
            return file, None
        key = os.urandom(sealed.KEY)
        target = file.with_suffix(".sealed")
        sealed.seal(file, target, key, context=context, cipher=cipher)
        return target, Sealing(keys={sealed.key_id(each): sealed.wrap(key, each, context=context) for each in recipients})

    def _put(self, targets: Targets, name: str, file: Path, custom: Mapping[str, Any]) -> int:
        """Returns: the target's size in bytes."""
        target = TargetFile.from_file(name, str(file), ["sha256"])
        if custom:
            target.unrecognized_fields["custom"] = dict(custom)
        folder, _, base = name.rpartition("/")
        place = self.folder / "targets" / folder
        place.mkdir(parents=True, exist_ok=True)
        file.chmod(0o644)
        shutil.move(file, place / f"{target.hashes['sha256']}.{base}")
        targets.targets[name] = target
        return target.length

    def _targets(self) -> Targets:
        return self._newest("targets").signed  # type: ignore[no-any-return]  # Metadata[Any]

    def _root(self) -> Root:
        return self._newest("root").signed  # type: ignore[no-any-return]

    def _newest(self, role: str) -> Metadata[Any]:
        """The metadata of the highest version."""
        folder = self.folder / "metadata"
        files = sorted(folder.glob(f"*.{role}.json"), key=lambda file: int(file.name.split(".")[0]))
        if not files:
            raise UpdateError(f"{self.folder}: is no repository; make one with `ingle model repo init`")
        try:
            return Metadata.from_file(str(files[-1]))
        except (DeserializationError, RepositoryError) as error:
            raise UpdateError(f"{files[-1]}: cannot be read ({error})") from None

    def _meta(self, role: str, metadata: Metadata[Any]) -> MetaFile:
        version = metadata.signed.version
        return MetaFile.from_data(version, (self.folder / "metadata" / f"{version}.{role}.json").read_bytes(), ["sha256"])

    def _write(self, role: str, signed: Targets | Snapshot | Timestamp) -> None:
        """Sign with the role's key, as the version after the newest."""
        signer = signer_of(self.keys / f"{role}.pem")
        if signer.public_key.keyid not in self._root().roles[role].keyids:
            raise UpdateError(f"{self.keys / role}.pem: is not the {role} key of this repository's root")
        folder = self.folder / "metadata"
        if role == "timestamp":
            present = folder / "timestamp.json"
            signed.version = Metadata.from_file(str(present)).signed.version + 1 if present.exists() else 1
        else:
            signed.version = self._next(role)
        signed.expires = self._expiry(role)
        metadata: Metadata[Any] = Metadata(signed)
        metadata.sign(signer)
        name = "timestamp.json" if role == "timestamp" else f"{signed.version}.{role}.json"
        _write(folder / name, metadata)

    def _next(self, role: str) -> int:
        numbers = (int(file.name.split(".")[0]) for file in (self.folder / "metadata").glob(f"*.{role}.json"))
        return max(numbers, default=0) + 1

    def _write_root(self, root: Root, signers: list[CryptoSigner]) -> None:
        metadata = Metadata(root)
        for signer in signers:
            metadata.sign(signer, append=True)
        try:
            if root.version > 1:
                self._root().verify_delegate("root", metadata.signed_bytes, metadata.signatures)
            root.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
        except RepositoryError as error:
            problem = f"the root is not signed by enough of its keys ({error})"
            raise UpdateError(f"{problem}: give the folder of the root keys") from None
        _write(self.folder / "metadata" / f"{root.version}.root.json", metadata)

    def _expiry(self, role: str) -> datetime:
        return self._clock() + LIFETIME[role]


def _write(path: Path, metadata: Metadata[Any]) -> None:
    Disk().write_whole(path, metadata.to_bytes(SERIALIZER))
    path.chmod(0o644)


def _copied(file: Path, target: Path) -> Path:
    shutil.copyfile(file, target)
    return target


def _new_key(file: Path) -> CryptoSigner:
    if file.exists():
        raise UpdateError(f"{file}: a key is there already, which is not overwritten")
    signer = CryptoSigner.generate_ed25519()
    Disk().write_whole(file, signer.private_bytes)      # mode 0600
    return signer


def signer_of(file: Path) -> CryptoSigner:
    try:
        return CryptoSigner(load_pem_private_key(file.read_bytes(), None))
    except FileNotFoundError:
        raise UpdateError(f"{file}: there is no such key; give its folder with --keys") from None
    except (ValueError, TypeError) as error:
        raise UpdateError(f"{file}: not an Ed25519 key in PEM ({error})") from None


def _signers(folder: Path) -> list[CryptoSigner]:
    files = sorted(folder.glob("root*.pem"))
    if not files:
        raise UpdateError(f"{folder}: has no root*.pem; give the folder of the root keys with --root-keys")
    return [signer_of(file) for file in files]
