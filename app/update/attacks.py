"""The attacks of the TUF specification (1.5.2), played against a device: each must be refused by name, or come to nothing.

Beside them what python-tuf's own simulator tries: every role unsigned, signed by another, older, expired, of another version;
and what only our packages have: deltas, encryption, releases that do not fit.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata

from .errors import ClockNotTrusted, Incompatible, Refused, Unreachable, UpdateError
from .fetch import Fetcher, base_url
from .repository import SERIALIZER, Repository
from .trust import MODEL_KEY
from .world import FIRST, SECOND, THIRD, World

LATER: Final = timedelta(days=400)


@dataclass(frozen=True)
class Attack:
    """`play` does it to a world whose device has version 1.0 and could get 2.0; `names` is what the device may call it."""

    name: str
    play: Callable[[World], Fetcher | None]
    names: frozenset[str]
    how: str = ""


@dataclass(frozen=True)
class Verdict:
    attack: str
    how: str
    installed: bool         # something that the maker did not mean for this device
    named: bool             # refused by its name, or it came to nothing as it should
    told: str               # what the device says


def play_all(scratch: Path) -> list[Verdict]:
    base = World.made(scratch / "base")
    base.installer().update()
    base.slots().confirm()
    base.add(SECOND, olds=(FIRST,))
    return [_played(attack, base.copy(scratch / "world")) for attack in attacks()]


def _played(attack: Attack, world: World) -> Verdict:
    fetcher = attack.play(world)
    now = CLOCKS.get(attack.how, time.time)
    try:
        outcome = world.installer(fetcher=fetcher, now=now).update()
        told, name = outcome.decision.why, ""
    except Refused as refused:
        told, name = str(refused), refused.attack
    except (ClockNotTrusted, Incompatible, Unreachable) as error:
        told, name = str(error), type(error).__name__
    except UpdateError as error:
        told, name = str(error), "UpdateError"
    return Verdict(attack.name, attack.how, installed=world.started(world.device) != FIRST, named=name in attack.names, told=told)


CLOCKS: Final = {
    "the clock was never set": lambda: 0.0,
    "the clock was put back": lambda: time.time() - 3 * 86400,
}


def attacks() -> Iterator[Attack]:
    yield from _of("arbitrary software", {
        "the model's bytes are others": _damage_payloads,
        "targets signed by a stranger": lambda world: _forge(world, "targets"),
        "snapshot signed by a stranger": lambda world: _forge(world, "snapshot"),
        "timestamp signed by a stranger": lambda world: _forge(world, "timestamp"),
        "timestamp signed by nobody": _unsigned_timestamp,
        "metadata that is no JSON": lambda world: _text(world, "timestamp", "<html>"),
        "metadata of another role": lambda world: _text(world, "timestamp", world.file("snapshot").read_text()),
        "a new root that only strangers signed": lambda world: _new_root(world, n_signers=0),
    })
    yield from _of("endless data", {
        "a timestamp without end": lambda world: _text(world, "timestamp", " " * 100_000),
        "a model without end": lambda world: _longer_payloads(world),
        "a server that never stops": lambda world: _Endless(),
    })
    yield from _of("extraneous dependencies", {
        "one more target is put into targets": lambda world: _extra_target(world),
    }, "mix-and-match", "endless data")     # it differs from what the snapshot says, or is longer
    yield from _of("fast-forward", {
        "with stolen online keys the versions are driven up; then the maker rotates": _fast_forward,
    }, "")
    yield from _of("indefinite freeze", {
        "an old timestamp for ever": lambda world: _expired(world, "timestamp"),
        "an expired snapshot": lambda world: _expired(world, "snapshot"),
        "expired targets": lambda world: _expired(world, "targets"),
        "an expired root": _expired_root,
    })
    yield from _of("no trusted clock", {how: lambda world: None for how in CLOCKS}, "ClockNotTrusted")
    yield from _of("malicious mirror", {
        "nothing but 404": lambda world: _Missing(world, ""),
        "the snapshot is withheld": lambda world: _Missing(world, "snapshot"),
        "the targets are withheld": lambda world: _Missing(world, "targets.json"),
        "the model is withheld": lambda world: _Missing(world, "/targets/"),
        "every answer is cut off": lambda world: _CutOff(),
    }, "Unreachable", "arbitrary software", "mix-and-match")
    yield from _of("mix-and-match", {
        "new timestamp, old snapshot": lambda world: _copy(world, "1.snapshot.json", world.file("snapshot").name),
        "new snapshot, old targets": lambda world: _copy(world, "2.targets.json", world.file("targets").name),
        "a snapshot that names other targets than there are": _other_targets_named,
        "a timestamp that names another snapshot": _other_snapshot_named,
    })
    yield from _of("rollback", {
        "an older timestamp": _older_timestamp,
        "a timestamp with a smaller version": lambda world: _alter(world, "timestamp", lambda one: setattr(one, "version", 1)),
        "a timestamp that names an older snapshot": _older_snapshot_named,
        "a snapshot that names older targets": _older_targets_named,
        "a snapshot that leaves targets out": _targets_left_out,
        "an older model as if it were new": _older_model,
        "a root with the version of the present one": _same_root,
    }, "UpdateError", "mix-and-match", "arbitrary software", "")
    yield from _of("slow retrieval", {"a few bytes an hour": lambda world: _Slow()})
    yield from _of("key compromise", {
        "one of two root keys": lambda world: _new_root(world, n_signers=1),
        "the timestamp key signs targets": lambda world: _alter(world, "targets", _give_all, key="timestamp"),
        "the snapshot key signs a timestamp": lambda world: _alter(world, "timestamp", _nothing, key="snapshot"),
        "a key that was revoked goes on signing": _revoked_key,
    }, "arbitrary software", "mix-and-match")
    yield from _of("wrong software", {
        "another genuine file under this name": _swapped_payloads,
        "a genuine model for other skills": lambda world: _add(world, _other_grammar),
        "a genuine model for a newer engine": lambda world: _add(world, _newer_engine),
        "a genuine model with another vocabulary than it says": lambda world: _add(world, _other_tokenizer),
        "a file that is no model": _no_model,
        "a package encrypted for others": _other_recipient,
        "a package whose key belongs to another": _other_key,
    }, "arbitrary software", "Incompatible", "UpdateError", "")


def _of(name: str, plays: dict[str, Callable[[World], Fetcher | None]], *also: str) -> Iterator[Attack]:
    for how, play in plays.items():
        yield Attack(name, play, frozenset({name, *also}), how)


# tampering

def _damage_payloads(world: World) -> None:
    for path in (world.repo / "targets" / SECOND).iterdir():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def _longer_payloads(world: World) -> None:
    for path in (world.repo / "targets" / SECOND).iterdir():
        path.write_bytes(path.read_bytes() + bytes(1000))


def _swapped_payloads(world: World) -> None:
    for path in (world.repo / "targets" / SECOND).iterdir():
        shutil.copyfile(world.payload(FIRST), path)


def _forge(world: World, role: str) -> None:
    world.alter(role, _give_all if role == "targets" else _nothing, forged=True)
    _resign_after(world, role)


def _alter(world: World, role: str, change: Callable[[Any], None], *, key: str | None = None) -> None:
    world.alter(role, change, key=key)
    _resign_after(world, role)


def _resign_after(world: World, role: str) -> None:
    """Hashes are optional in TUF; without them it is the signature that must refuse."""
    def without_hashes(signed: Any) -> None:
        metas = signed.meta.values() if hasattr(signed, "meta") else [signed.snapshot_meta]
        for meta in metas:
            meta.hashes, meta.length = None, None

    if role == "targets":
        world.alter("snapshot", without_hashes)
    if role in ("targets", "snapshot"):
        world.alter("timestamp", without_hashes)


def _nothing(signed: Any) -> None:
    signed.unrecognized_fields["touched"] = True


def _give_all(targets: Any) -> None:
    targets.targets[f"{THIRD}/model"] = targets.targets[f"{SECOND}/model"]


def _text(world: World, role: str, text: str) -> None:
    world.file(role).write_text(text)


def _copy(world: World, name: str, to: str) -> None:
    folder = world.repo / "metadata"
    shutil.copyfile(folder / name, folder / to)


def _unsigned_timestamp(world: World) -> None:
    path = world.file("timestamp")
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    metadata.signatures.clear()
    path.write_bytes(metadata.to_bytes(SERIALIZER))


def _extra_target(world: World) -> None:
    path = world.file("targets")
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    _give_all(metadata.signed)
    path.write_bytes(metadata.to_bytes(SERIALIZER))


def _expired(world: World, role: str) -> None:
    def expire(signed: Any) -> None:
        signed.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

    _alter(world, role, expire)


def _expired_root(world: World) -> None:
    Repository(world.repo, world.keys, clock=lambda: datetime.now(UTC).replace(microsecond=0) - LATER).sign_root(world.root_keys)


def _new_root(world: World, *, n_signers: int) -> None:
    """A root that gives the targets role to an attacker, signed by too few."""
    from securesystemslib.signer import CryptoSigner

    from .repository import signer_of

    metadata: Metadata[Any] = Metadata.from_file(str(world.file("root")))
    root = metadata.signed
    root.version += 1
    root.add_key(CryptoSigner.generate_ed25519().public_key, "targets")
    metadata.signatures.clear()
    for index in range(n_signers):
        metadata.sign(signer_of(world.root_keys / f"root{index + 1}.pem"), append=True)
    if not n_signers:
        metadata.sign(CryptoSigner.generate_ed25519())
    (world.repo / "metadata" / f"{root.version}.root.json").write_bytes(metadata.to_bytes(SERIALIZER))


def _same_root(world: World) -> None:
    shutil.copyfile(world.file("root"), world.repo / "metadata" / "2.root.json")


def _older_timestamp(world: World) -> None:
    old = world.file("timestamp").read_bytes()
    world.repository.publish()
    world.installer().check()
    world.file("timestamp").write_bytes(old)


def _older_snapshot_named(world: World) -> None:
    world.installer().check()

    def older(timestamp: Any) -> None:
        timestamp.version += 1
        timestamp.snapshot_meta.version = 1

    world.alter("timestamp", older)


def _other_snapshot_named(world: World) -> None:
    def other(timestamp: Any) -> None:
        timestamp.snapshot_meta.hashes = {"sha256": "0" * 64}

    world.alter("timestamp", other)


def _changed_snapshot(world: World, change: Callable[[Any], None]) -> None:
    """A newer snapshot, rightly signed with stolen online keys."""
    world.installer().check()
    world.repository.publish()
    _alter(world, "snapshot", change)


def _older_targets_named(world: World) -> None:
    _changed_snapshot(world, lambda snapshot: setattr(snapshot.meta["targets.json"], "version", 1))


def _targets_left_out(world: World) -> None:
    _changed_snapshot(world, lambda snapshot: snapshot.meta.pop("targets.json"))


def _other_targets_named(world: World) -> None:
    def other(snapshot: Any) -> None:
        snapshot.meta["targets.json"].hashes = {"sha256": "0" * 64}

    _alter(world, "snapshot", other)


def _older_model(world: World) -> None:
    world.repository.roll_out(SECOND, hold=True)
    world.add("0.5")


def _fast_forward(world: World) -> None:
    """The device believes versions that no maker reaches; it must come back after the rotation."""
    def far(signed: Any) -> None:
        signed.version = 2**31

    world.repository.roll_out(SECOND, hold=True)
    world.repository.publish()
    world.alter("timestamp", far)
    world.installer().check()
    world.file("timestamp").unlink()
    world.repository.sign_root(world.root_keys, rotate=["timestamp", "snapshot"])


def _revoked_key(world: World) -> None:
    old = (world.keys / "timestamp.pem").read_bytes()
    world.repository.sign_root(world.root_keys, rotate=["timestamp"])
    world.installer()
    (world.keys / "timestamp.pem").write_bytes(old)
    world.alter("timestamp", _nothing)


# releases that are genuine and do not fit

def _add(world: World, change: Callable[[dict[str, Any]], None]) -> None:
    world.repository.roll_out(SECOND, hold=True)
    world.add(THIRD)

    def changed(targets: Any) -> None:
        change(targets.targets[f"{THIRD}/model"].custom[MODEL_KEY])

    world.alter("targets", changed)
    world.repository.publish()


def _other_grammar(release: dict[str, Any]) -> None:
    release["grammar"] = "0" * 64


def _newer_engine(release: dict[str, Any]) -> None:
    release["min_engine"] = "999.0"


def _other_tokenizer(release: dict[str, Any]) -> None:
    release["tokenizer"] = "0" * 64


def _no_model(world: World) -> None:
    """The maker signed what no engine can read: its vocabulary cannot even be looked up."""
    garbage = world.folder / "models" / f"{THIRD}.gguf"
    world.repository.roll_out(SECOND, hold=True)
    data = bytearray(world.model(SECOND).read_bytes())
    world.add(THIRD)
    data[:4] = b"NOPE"
    garbage.write_bytes(data)
    _claim(world, garbage)


def _claim(world: World, file: Path) -> None:
    """Have 3.0's metadata describe another file."""
    from tuf.api.metadata import TargetFile

    from . import hashtree
    from .world import BLOCK

    def claimed(targets: Any) -> None:
        name = f"{THIRD}/model"
        custom = targets.targets[name].custom[MODEL_KEY]
        custom |= {"blocks": list(hashtree.leaves(file, BLOCK)), "size": file.stat().st_size, "sealing": None}
        target = TargetFile.from_file(name, str(file), ["sha256"])
        target.unrecognized_fields["custom"] = {MODEL_KEY: custom}
        targets.targets[name] = target
        shutil.copyfile(file, world.repo / "targets" / THIRD / f"{target.hashes['sha256']}.model")

    world.alter("targets", claimed)
    world.repository.publish()


def _other_recipient(world: World) -> None:
    from . import sealed

    world.repository.roll_out(SECOND, hold=True)
    world.repository.add(world.model(THIRD), THIRD, recipients=[sealed.public_of(bytes(reversed(range(32))))], block_size=4096)
    world.repository.publish()


def _other_key(world: World) -> None:
    """3.0 carries 2.0's wrapped key: genuine, for this device, but of another file."""
    def other(release: dict[str, Any]) -> None:
        targets: Any = Metadata.from_file(str(world.file("targets"))).signed
        release["sealing"] = targets.targets[f"{SECOND}/model"].custom[MODEL_KEY]["sealing"]

    _add(world, other)


# servers

class _Endless(Fetcher):
    def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
        yield from super().from_offset(url, offset)
        while True:
            yield bytes(1 << 16)


class _Slow(Fetcher):
    """Its clock goes an hour forward with every few bytes."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(clock=lambda: self._now)

    def _file(self, url: str, offset: int) -> Iterator[bytes]:
        for chunk in super()._file(url, offset):
            for at in range(0, len(chunk), 16):
                self._now += 3600
                yield chunk[at : at + 16]


class _Missing(Fetcher):
    def __init__(self, world: World, part: str) -> None:
        super().__init__()
        self._part, self._base = part, base_url(str(world.repo))

    def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
        if self._part in url.removeprefix(self._base) and not url.endswith(".root.json"):
            raise DownloadHTTPError(f"{url}: HTTP status 404", 404)
        return super().from_offset(url, offset)


class _CutOff(Fetcher):
    def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
        for chunk in super().from_offset(url, offset):
            yield chunk[: len(chunk) // 2]
