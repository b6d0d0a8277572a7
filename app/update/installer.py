"""An update from the repository into the idle slot: fetched, verified, patched or decrypted, tried, and only then made
active.

Every step can be interrupted and goes on where it was: a download by its length, a slot by those blocks that are right
already. All changes of the disk are `Disk` operations (but for python-tuf's scratch folder, which nothing is read from
again).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from tuf.api.exceptions import DownloadError
from tuf.api.metadata import TargetFile

from ...engine.gguf import ModelFileError
from . import at_rest, hashtree, sealed
from .delta import Delta, Reads
from .errors import Damaged, Refused, UpdateError
from .release import Release, Sealing
from .rollout import Decision, decide
from .slots import MODEL, RELEASE, SEALED, Choice, Slots
from .trust import Catalogue, Trust, named

log = logging.getLogger(__name__)

DEVICE: Final = "device"            # a random name, for the rollout's stable hash
PART: Final = "part"
SYNC_BLOCKS: Final = 8

Judge = Callable[[Path, Release], None]     # tries a model file; raises UpdateError when it is not good enough


@dataclass(frozen=True)
class Outcome:
    """What an update did. `way`: how the bytes came."""

    decision: Decision
    version: str                                # active now
    way: Literal["", "full", "delta"] = ""
    fetched_bytes: int = 0


class Installer:
    """Updates one household's slots. Raises, on use: UpdateError and its kinds, OSError.

    Args:
        judge: the self-test of a new model.
        device_key: gives this device's X25519 private key; asked for only when something is encrypted.
        encrypt: keep models encrypted in their slots.
    """

    def __init__(
        self, slots: Slots, trust: Trust, *, judge: Judge, device_key: Callable[[], bytes], encrypt: bool = False,
    ) -> None:
        self.slots = slots
        self.trust = trust
        self._judge = judge
        self._device_key = device_key
        self._encrypt = encrypt
        self._disk = slots.disk
        self._fetched = 0

    def check(self) -> Decision:
        """What `update` would do now."""
        self.slots.prepare()
        return self._decide(self.trust.refresh())

    def update(self) -> Outcome:
        """Do what the repository and the rollout want. Once it returns with a new version, that is not lost by a power cut."""
        self.slots.prepare()
        with self.slots.locked():
            catalogue = self.trust.refresh()
            decision = self._decide(catalogue)
            if decision.act == "leave":
                self.slots.roll_back(decision.why, refuse=False)
            if decision.act != "install" or decision.release is None:
                return Outcome(decision, self.slots.active().version)
            if self.slots.state().trial:
                here = self.slots.active().version
                raise UpdateError(f"model {here} is still on trial: update again after it, or roll it back first")
            return self._install(catalogue, decision, decision.release)

    def _decide(self, catalogue: Catalogue) -> Decision:
        releases = [offer.release for offer in catalogue.offers]
        return decide(releases, self.slots.active(), self.slots.state(), self._device())

    def _device(self) -> str:
        path = self.slots.folder / DEVICE
        if not path.exists():
            self._disk.write_whole(path, secrets.token_hex(16).encode())
        return path.read_text(encoding="ascii", errors="replace")

    # one installation

    def _install(self, catalogue: Catalogue, decision: Decision, release: Release) -> Outcome:
        slot = self.slots.idle()
        folder = self.slots.folder / slot
        self._fetched = 0
        way = self._fill(catalogue, release, folder)
        with self._plain(release, folder) as plain:
            self._try(plain, release)
        self._disk.write_whole(folder / RELEASE, release.payload())
        self.slots.activate(slot, decision.why)
        self._remove(self._download)
        return Outcome(decision, release.version, way, self._fetched)

    def _fill(self, catalogue: Catalogue, release: Release, folder: Path) -> Literal["full", "delta"]:
        """The release's file into a slot's folder, under its final name, verified."""
        name = SEALED if self._encrypt else MODEL
        self._empty(folder, keep=name)
        way: Literal["full", "delta"] = "full"
        if not self._is_whole(release, folder):
            if self._by_delta(catalogue, release, folder):
                way = "delta"
            else:
                offer = next(offer for offer in catalogue.offers if offer.release.version == release.version)
                self._pour(release, folder, offer.target, release.sealing, None)
            self._finish(release, folder, name)
        return way

    def _by_delta(self, catalogue: Catalogue, release: Release, folder: Path) -> bool:
        """Whether a delta from a model that is here made the file; if not, nothing is lost by it."""
        for slot in ("a", "b", "recovery"):
            old = self.slots.choice(slot)
            info = release.deltas.get(self._root_of(old, release)) if old and old.path.parent != folder else None
            if old is None or info is None or info.target not in catalogue.targets:
                continue
            try:
                with self._reading(old) as read_old:
                    self._pour(release, folder, catalogue.targets[info.target], info.sealing, read_old)
                return True
            except (Damaged, Refused) as error:
                log.warning("the delta from model %s is not used: %s", old.version, error)
        return False

    def _root_of(self, choice: Choice | None, release: Release) -> str:
        if choice is None:
            return ""
        if choice.release is not None:
            return choice.release.root if choice.release.block_size == release.block_size else ""
        return hashtree.root(hashtree.leaves(choice.path, release.block_size)) if choice.path.exists() else ""

    def _pour(
        self, release: Release, folder: Path, target: TargetFile, sealing: Sealing | None, read_old: Reads | None,
    ) -> None:
        """A payload's blocks into the slot, each verified before it is written, after those that are there already."""
        payload = self._fetch(target)
        part = folder / PART
        writer = self._writer(release, part)
        done = self._n_done(release, part)
        try:
            with payload.open("rb") as file:
                read, size = self._opened(file, payload, release, sealing)
                if read_old is None:
                    blocks = _blocks(read, size, release.block_size, done)
                else:
                    blocks = Delta(_Seekable(read)).blocks(read_old, release.block_size, done)
                for index, block in enumerate(blocks, done):
                    if index >= len(release.blocks) or hashtree.leaf(block) != release.blocks[index]:
                        raise Damaged(f"model {release.version}: block {index} is not the one its maker signed")
                    writer(index, block)
                    done = index + 1
                    if done % SYNC_BLOCKS == 0:
                        self._disk.sync(part)
        except Damaged:
            self._remove(payload)
            raise
        if done < len(release.blocks):
            self._remove(payload)
            raise Damaged(f"model {release.version}: the package ends before the model does")

    def _finish(self, release: Release, folder: Path, name: str) -> None:
        """The filled part becomes the slot's file."""
        part = folder / PART
        self._disk.truncate(part, self._stored_size(release))
        self._disk.sync(part)
        if not self._is_whole(release, folder, PART):
            raise Damaged(f"{part}: does not read back as it was written: the disk may be failing")
        self._disk.rename(part, folder / name)
        self._disk.sync_folder(folder)

    def _try(self, plain: Path, release: Release) -> None:
        try:
            release.check_file(plain)
            self._judge(plain, release)
        except ModelFileError as error:
            raise Refused("wrong software", f"model {release.version} cannot be read ({error})") from None

    def _empty(self, folder: Path, *, keep: str) -> None:
        """What was in the slot is none any more; files that may be this release's stay, to go on with."""
        for name in (RELEASE, SEALED if keep == MODEL else MODEL):
            self._remove(folder / name)
        self._disk.sync_folder(folder)

    def _remove(self, path: Path) -> None:
        if path.exists():
            self._disk.remove(path)

    # payloads

    @property
    def _download(self) -> Path:
        return self.slots.folder / "download"

    def _fetch(self, target: TargetFile) -> Path:
        """A target's bytes as a file, verified against the signed metadata. Goes on where a download stopped."""
        path = self._download
        name = self.slots.folder / "download.of"
        wanted = target.hashes["sha256"].encode()
        if not (path.exists() and name.exists() and name.read_bytes() == wanted):
            self._remove(path)
            self._disk.write_whole(name, wanted)
        for attempt in range(2):
            self._fetch_rest(target, path)
            if _sha256(path) == target.hashes["sha256"] and path.stat().st_size == target.length:
                self._disk.sync(path)
                return path
            self._remove(path)                  # what was there before may have been torn: once more from the beginning
            log.warning("the download of %s is damaged (attempt %d)", target.path, attempt + 1)
        raise Refused("arbitrary software", f"{target.path} is not the file its maker signed")

    def _fetch_rest(self, target: TargetFile, path: Path) -> None:
        at = path.stat().st_size if path.exists() else 0
        if at > target.length:
            self._disk.truncate(path, 0)
            at = 0
        if not path.exists():
            self._disk.write(path, b"")
        if at == target.length:
            return
        try:
            for chunk in self.trust.fetcher.from_offset(self.trust.url_of(target), at):
                if at + len(chunk) > target.length:
                    raise Refused("endless data", f"{target.path} goes on after its {target.length} bytes")
                self._disk.write(path, chunk, at=at)
                at += len(chunk)
                self._fetched += len(chunk)
        except DownloadError as error:
            raise named(error, self.trust.url_of(target)) from None

    def _opened(self, file: BinaryIO, payload: Path, release: Release, sealing: Sealing | None) -> tuple[Reads, int]:
        """How to read a payload's plain text, and its size."""
        if sealing is None:
            return _reads(file), payload.stat().st_size
        private = self._device_key()
        wrapped = sealing.keys.get(sealed.key_id(sealed.public_of(private)))
        if wrapped is None:
            raise UpdateError("the package is not encrypted for this device: its maker needs the key `ingle model status` prints")
        reader = sealed.Reader(file, sealed.unwrap(wrapped, private, context=release.root), context=release.root)
        return reader.read, reader.size

    # slots, plain or encrypted

    def _writer(self, release: Release, part: Path) -> Callable[[int, bytes], None]:
        """Writes a block to its place in the part."""
        if not self._encrypt:
            return lambda index, block: self._disk.write(part, block, at=index * release.block_size)
        writer = self._sealing_writer(release, part)
        return lambda index, block: self._disk.write(part, writer.chunk(index, block), at=writer.offset(index))

    def _sealing_writer(self, release: Release, part: Path) -> sealed.Writer:
        writer = sealed.Writer(self._key_at_rest(), size=release.size, context=release.root, chunk=release.block_size)
        self._remove(part)
        self._disk.write(part, writer.header)
        return writer

    def _n_done(self, release: Release, part: Path) -> int:
        """Blocks of the part that are right. An encrypted part begins anew: a nonce is never used for two texts."""
        return 0 if self._encrypt else hashtree.n_good(part, release.blocks, release.block_size)

    def _stored_size(self, release: Release) -> int:
        if not self._encrypt:
            return release.size
        return sealed.stored_size(release.size, release.block_size)

    def _is_whole(self, release: Release, folder: Path, name: str | None = None) -> bool:
        """Whether the slot's file (or part) reads as this release."""
        path = folder / (name or (SEALED if self._encrypt else MODEL))
        try:
            with self._reading(Choice(slot="a", path=path, release=release), encrypted=self._encrypt) as read:
                blocks = _blocks(read, release.size, release.block_size, 0)
                return all(hashtree.leaf(block) == wanted for block, wanted in zip(blocks, release.blocks, strict=True))
        except (Damaged, FileNotFoundError, ValueError):
            return False

    @contextmanager
    def _reading(self, choice: Choice, *, encrypted: bool | None = None) -> Iterator[Reads]:
        with choice.path.open("rb") as file:
            if encrypted if encrypted is not None else choice.sealed:
                assert choice.release is not None
                yield sealed.Reader(file, self._key_at_rest(), context=choice.release.root).read
            else:
                yield _reads(file)

    @contextmanager
    def _plain(self, release: Release, folder: Path) -> Iterator[Path]:
        """The slot's model as a file to map; in memory where the slot is encrypted."""
        if not self._encrypt:
            yield folder / MODEL
            return
        with at_rest.opened(Choice(slot="a", path=folder / SEALED, release=release), self._device_key) as path:
            yield path

    def _key_at_rest(self) -> bytes:
        return sealed.derived(self._device_key(), at_rest.PURPOSE)


class _Seekable:
    """Reads at offsets as a file that is read on, which `Delta` wants."""

    def __init__(self, read: Reads) -> None:
        self._read = read
        self._at = 0

    def seek(self, offset: int) -> None:
        self._at = offset

    def tell(self) -> int:
        return self._at

    def read(self, n_bytes: int) -> bytes:
        data = self._read(self._at, n_bytes)
        self._at += len(data)
        return data


def _reads(file: BinaryIO) -> Reads:
    def read(offset: int, n_bytes: int) -> bytes:
        file.seek(offset)
        return file.read(n_bytes)

    return read


def _blocks(read: Reads, size: int, block_size: int, first: int) -> Iterator[bytes]:
    for at in range(first * block_size, size, block_size):
        yield read(at, min(block_size, size - at))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

