"""Damaged packages by the thousand: metadata, ciphertexts, deltas and model files, as a server may hand them out.

Each is offered to a device as its only way to the update, and its parsers are fed it directly, without the signature before them.
"""

from __future__ import annotations

import io
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ...engine import gguf
from . import sealed
from .delta import Delta
from .errors import UpdateError
from .fetch import Fetcher
from .slots import Choice
from .world import BLOCK, FIRST, SECOND, World

Kind = Literal["metadata", "ciphertext", "delta", "model"]
KINDS: Final[tuple[Kind, ...]] = ("metadata", "ciphertext", "delta", "model")

OWN: Final = "own.sealed"               # a file whose key is known here
CONTEXT: Final = "0" * 64


@dataclass
class Tally:
    mutated: int = 0
    installed: int = 0          # with other bytes than the maker signed
    crashed: int = 0            # an error that is not one of ours
    harmless: int = 0           # the genuine update was installed: what was altered carries no meaning, such as a blank
    by_kind: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class _Mutating(Fetcher):
    """Serves files altered by `alter`, where `wanted` says so; `missing` ones not at all."""

    def __init__(self, wanted: str, missing: str, alter: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._wanted, self._missing, self._alter = wanted, missing, alter

    def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
        if self._missing and self._missing in url:
            url += ".missing"
        data = b"".join(super().from_offset(url, 0))
        if self._wanted in url:
            data = self._alter(data)
        return iter([data[offset:]])


def mutate(count: int, scratch: Path, *, seed: int = 0) -> Tally:
    """Try `count` damaged packages."""
    tally, rng = Tally(), random.Random(seed)
    sealed_world, plain_world = World.made(scratch / "sealed"), World.made(scratch / "plain", encrypted=False)
    for world, encrypted in ((sealed_world, True), (plain_world, False)):
        world.installer().update()
        world.slots().confirm()
        world.repository.sign_root(world.root_keys)
        sealed.seal(world.model(SECOND), world.folder / OWN, bytes(sealed.KEY), context=CONTEXT)
        world.add(SECOND, olds=(FIRST,), encrypted=encrypted)
        world.installer().check()
        shutil.copytree(world.device, world.folder / "device before")
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        tally.by_kind[kind] += 1
        _try(kind, sealed_world if kind == "ciphertext" else plain_world, rng, tally)
    return tally


def _try(kind: Kind, world: World, rng: random.Random, tally: Tally) -> None:
    seed = rng.getrandbits(64)

    def alter(data: bytes) -> bytes:
        return altered(data, random.Random(seed))

    wanted, missing = {
        "metadata": (rng.choice(("timestamp.json", ".snapshot.json", ".targets.json", "root.json")), ""),
        "ciphertext": (f"/{SECOND}/", ""), "delta": (".from-", ".model"), "model": (".model", ".from-"),
    }[kind]
    if kind == "metadata":      # as to a device that has seen none of it, or it would not be asked for
        (world.device / "models" / "trust.json").unlink(missing_ok=True)
    tally.mutated += 1
    try:
        world.installer(fetcher=_Mutating(wanted, missing, alter)).update()
    except UpdateError:
        pass
    except Exception as error:
        tally.crashed += 1
        tally.problems.append(f"{kind}, seed {seed}: {error!r}")
    _look(kind, world, seed, tally)
    _parse(kind, world, alter, seed, tally)


def _look(kind: Kind, world: World, seed: int, tally: Tally) -> None:
    """What the device has now; it is put back where that is the update."""
    choice = world.slots().active()
    if choice.version == FIRST:
        return
    try:
        genuine = choice.path.read_bytes() == world.model(choice.version).read_bytes()
    except OSError:
        genuine = False
    tally.harmless += genuine
    if not genuine:
        tally.installed += 1
        tally.problems.append(f"{kind}, seed {seed}: {choice.version} is installed")
    shutil.rmtree(world.device)
    shutil.copytree(world.folder / "device before", world.device)


def _parse(kind: Kind, world: World, alter: Callable[[bytes], bytes], seed: int, tally: Tally) -> None:
    """The parsers behind the signature: typed errors or a result, nothing else."""
    try:
        match kind:
            case "ciphertext":
                data = io.BytesIO(alter((world.folder / OWN).read_bytes()))
                for _ in sealed.Reader(data, bytes(sealed.KEY), context=CONTEXT).chunks():
                    pass
            case "delta":
                old = world.model(FIRST).read_bytes()
                data = io.BytesIO(alter(world.payload(SECOND, "from-").read_bytes()))
                for _ in Delta(data).blocks(lambda offset, n_bytes: old[offset : offset + n_bytes], BLOCK):
                    pass
            case "model":
                path = world.folder / "mutated.gguf"
                path.write_bytes(alter(world.model(SECOND).read_bytes()))
                world.check(Choice(slot="recovery", path=path))
            case "metadata":
                pass            # python-tuf reads it unsigned already: signatures are in it
    except (UpdateError, gguf.ModelFileError):
        pass
    except Exception as error:
        tally.crashed += 1
        tally.problems.append(f"{kind} parsed, seed {seed}: {error!r}")


def altered(data: bytes, rng: random.Random) -> bytes:
    """Other bytes than `data`, by one to three of: a bit, a byte, a number, a run moved, doubled, dropped, put in, cut off."""
    original = data
    while data == original:
        for _ in range(rng.randint(1, 3)):
            data = rng.choice(_WAYS)(bytearray(data or b"\0"), rng)
    return data


def _bit(data: bytearray, rng: random.Random) -> bytes:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _early_byte(data: bytearray, rng: random.Random) -> bytes:
    data[rng.randrange(min(len(data), 256))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(data)


def _number(data: bytearray, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.choice((2, 4, 8))
    data[at : at + size] = rng.choice((0, 1, 2**15, 2**31, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")[:size]
    return bytes(data)


def _moved(data: bytearray, rng: random.Random) -> bytes:
    begin, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    run, rest = data[begin:end], data[:begin] + data[end:]
    at = rng.randrange(len(rest) + 1)
    return bytes(rest[:at] + run + rest[at:])


def _doubled(data: bytearray, rng: random.Random) -> bytes:
    begin, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return bytes(data[:end] + data[begin:end] + data[end:])


def _dropped(data: bytearray, rng: random.Random) -> bytes:
    begin = rng.randrange(len(data))
    return bytes(data[:begin] + data[begin + rng.randint(1, 64):])


def _put_in(data: bytearray, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return bytes(data[:at] + rng.randbytes(rng.randint(1, 64)) + data[at:])


def _cut_off(data: bytearray, rng: random.Random) -> bytes:
    return bytes(data[: rng.randrange(len(data))])


_WAYS: Final = (_bit, _early_byte, _number, _moved, _doubled, _dropped, _put_in, _cut_off)
