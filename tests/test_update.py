"""Updates of the model in small worlds: a maker's repository, devices with tiny models, power cuts, attacks, damage."""

from __future__ import annotations

import contextlib
import functools
import http.server
import io
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("tuf")

from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.app.cli import main
from ingle.app.update import acts, attacks, delta, faults, golden, hashtree, keys, mutations, sealed
from ingle.app.update.disk import Disk
from ingle.app.update.errors import ClockNotTrusted, Damaged, Refused, UpdateError
from ingle.app.update.fetch import Fetcher
from ingle.app.update.installer import Installer
from ingle.app.update.release import Release, Rollout
from ingle.app.update.rollout import share
from ingle.app.update.slots import MAX_STARTS, Slots
from ingle.app.update.trust import Trust
from ingle.app.update.world import BLOCK, DEVICE_KEY, FIRST, SECOND, THIRD, World, readable, tiny_model

from .memory import MEMORY


@pytest.fixture(autouse=True)
def tmp_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In memory: what a power cut leaves of a disk is simulated, and thousands of times the real one would be waited for."""
    monkeypatch.setattr(tempfile, "tempdir", MEMORY)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A maker with 1.0 published, and a device that has nothing yet."""
    return World.made(tmp_path / "world")


@pytest.fixture
def updated(world: World) -> World:
    """The device has 1.0, confirmed, and 2.0 is published with a delta."""
    world.installer().update()
    world.slots().confirm()
    world.add(SECOND, olds=(FIRST,))
    return world


# the way of an update


def test_a_first_update_is_on_trial_and_then_stays(world: World) -> None:
    outcome = world.installer().update()
    assert (outcome.version, outcome.way) == (FIRST, "full")
    assert world.slots().begin().trial
    world.slots().confirm()
    assert world.started(world.device) == FIRST
    assert world.installer().update().way == ""


def test_a_delta_is_used_where_there_is_one_and_is_exact(updated: World) -> None:
    outcome = updated.installer().update()
    assert (outcome.version, outcome.way) == (SECOND, "delta")
    assert updated.slots().active().path.read_bytes() == updated.model(SECOND).read_bytes()
    assert outcome.fetched_bytes < updated.model(SECOND).stat().st_size / 2


def test_without_its_delta_the_whole_model_is_fetched(updated: World) -> None:
    updated.payload(SECOND, "from-").write_bytes(b"not a delta")
    outcome = updated.installer().update()
    assert (outcome.version, outcome.way) == (SECOND, "full")


def test_a_model_kept_encrypted_is_nowhere_in_the_clear(updated: World) -> None:
    updated.installer(encrypt=True).update()
    choice = updated.slots().begin()
    assert choice.sealed
    updated.check(choice)
    plain = updated.model(SECOND).read_bytes()[:64]
    assert not [path for path in (updated.device / "models" / choice.slot).iterdir() if plain in path.read_bytes()]
    data = bytearray(choice.path.read_bytes())
    data[-1] ^= 1
    choice.path.write_bytes(data)
    with pytest.raises(Damaged):
        updated.check(choice)


def test_a_download_goes_on_where_it_stopped(world: World) -> None:
    class Stops(Fetcher):
        def __init__(self, after: int | None) -> None:
            super().__init__()
            self.after, self.offsets = after, []  # type: ignore[var-annotated]

        def from_offset(self, url: str, offset: int) -> Iterator[bytes]:
            if "/targets/" not in url:
                yield from super().from_offset(url, offset)
                return
            self.offsets.append(offset)
            data = b"".join(super().from_offset(url, offset))
            yield data[: self.after]
            if self.after is not None:
                raise ConnectionError

    with pytest.raises(ConnectionError):
        world.installer(fetcher=Stops(5000)).update()
    rest = Stops(None)
    assert world.installer(fetcher=rest).update().version == FIRST
    assert rest.offsets == [5000]


def test_over_http(updated: World) -> None:
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *args: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(updated.repo)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        slots = updated.slots()
        trust = Trust(slots.folder, f"http://127.0.0.1:{server.server_port}", updated.anchor())
        assert Installer(slots, trust, judge=readable, device_key=lambda: DEVICE_KEY).update().version == SECOND
    finally:
        server.shutdown()


def test_a_model_that_fails_its_self_test_is_not_used(updated: World) -> None:
    def fails(model: Path, release: Release) -> None:
        raise Refused("wrong software", "it understands nothing")

    installer = updated.installer()
    installer._judge = fails
    with pytest.raises(Refused, match="understands nothing"):
        installer.update()
    assert updated.started(updated.device) == FIRST


# slots


def test_a_trial_that_crashes_goes_back_and_is_not_tried_again(updated: World) -> None:
    updated.installer().update()
    assert [updated.started(updated.device) for _ in range(MAX_STARTS + 1)] == [SECOND] * MAX_STARTS + [FIRST]
    decision = updated.installer().check()
    assert decision.act == "keep"
    assert "failed here before" in decision.why


def test_recovery_is_there_when_both_slots_are_bad(updated: World) -> None:
    updated.installer().update()
    for slot in "ab":
        path = updated.device / "models" / slot / "model.gguf"
        path.write_bytes(path.read_bytes()[:-1])
    choice = updated.slots().begin()
    assert (choice.slot, choice.path) == ("recovery", updated.shipped)


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_whatever_the_state_holds_a_model_starts(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slots = Slots(folder / "models", tiny_model(folder / "shipped.gguf", 0))
        slots.prepare()
        (folder / "models" / "state.json").write_bytes(data)
        assert slots.begin().slot == "recovery"


def test_a_second_update_waits_for_the_trial(updated: World) -> None:
    updated.installer().update()
    updated.add(THIRD)
    with pytest.raises(UpdateError, match="still on trial"):
        updated.installer().update()


# who gets it


def test_a_rollout_grows_and_keeps_its_devices() -> None:
    devices = [f"device {index}" for index in range(1000)]
    few, many = ({device for device in devices if share(device, "2.0") * 100 < percent} for percent in (10, 50))
    assert few < many
    assert 60 < len(few) < 140
    assert few != {device for device in devices if share(device, "3.0") * 100 < 10}


@pytest.mark.parametrize(
    ("change", "why"), [({"hold": True}, "held back"), ({"percent": 0}, "not yet"), ({"withdrawn": True}, "withdrawn")]
)
def test_what_is_not_for_this_device_is_left_with_the_reason(updated: World, change: dict[str, object], why: str) -> None:
    updated.repository.roll_out(SECOND, **change)
    updated.repository.publish()
    decision = updated.installer().check()
    assert decision.act == "keep"
    assert why in decision.why


def test_a_withdrawn_model_is_left(updated: World) -> None:
    updated.installer().update()
    updated.repository.roll_out(SECOND, withdrawn=True)
    updated.repository.publish()
    updated.installer().update()
    assert updated.started(updated.device) == FIRST


def test_pinned_stays_and_unpinned_follows(updated: World) -> None:
    updated.slots().pin(FIRST)
    assert "pinned" in updated.installer().check().why
    updated.slots().pin(None)
    assert updated.installer().check().act == "install"


def test_root_keys_rotate_and_the_device_follows(updated: World) -> None:
    updated.repository.sign_root(updated.root_keys, rotate=["root", "targets"], new_root_keys=updated.folder / "new root")
    updated.repository.sign_root(updated.folder / "new root")
    assert updated.installer().update().version == SECOND
    with pytest.raises(UpdateError, match="not signed by enough"):
        updated.repository.sign_root(updated.root_keys)


def test_without_a_clock_the_model_is_kept_and_it_is_said(updated: World) -> None:
    with pytest.raises(ClockNotTrusted, match="present model is kept"):
        updated.installer(now=lambda: 0.0).update()
    assert updated.started(updated.device) == FIRST


# proofs


def test_power_may_go_at_every_operation(tmp_path: Path) -> None:
    """Three kinds of an update, which take longest, are left to `ingle model selfcheck --faults all`."""
    left_out = ("encrypted update", "update kept encrypted", "delta update of an update")
    chosen = (act for act in acts.acts(tmp_path / "worlds") if act.name not in left_out)
    report = faults.cut_everywhere(chosen, tmp_path)
    assert report.points > 120
    assert not report.problems


def test_the_power_cuts_would_find_a_missing_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults.FaultyDisk, "sync", lambda self, path: None)
    acts_of_one = [act for act in acts.acts(tmp_path / "worlds") if act.name == "full update"]
    report = faults.cut_everywhere(acts_of_one, tmp_path)
    assert report.lost + report.without_working_model + report.stuck > 0


def test_every_attack_is_refused_by_its_name(tmp_path: Path) -> None:
    verdicts = attacks.play_all(tmp_path)
    assert len(verdicts) > 40
    assert not [verdict for verdict in verdicts if verdict.installed or not verdict.named]


def test_damaged_packages_are_never_installed(tmp_path: Path) -> None:
    tally = mutations.mutate(120, tmp_path, seed=7)
    assert (tally.installed, tally.crashed, tally.problems) == (0, 0, [])


# parts


@pytest.mark.parametrize("seeds", [(1, 1), (1, 2)])
def test_a_delta_makes_the_new_file_from_any_block_on(tmp_path: Path, seeds: tuple[int, int]) -> None:
    old, new = tiny_model(tmp_path / "old", seeds[0]), tiny_model(tmp_path / "new", seeds[1])
    made, old_bytes, new_bytes = delta.make(old, new, "0" * 64), old.read_bytes(), new.read_bytes()
    for first in range(len(new_bytes) // BLOCK + 1):
        blocks = delta.Delta(io.BytesIO(made)).blocks(lambda at, n: old_bytes[at : at + n], BLOCK, first)
        assert b"".join(blocks) == new_bytes[first * BLOCK :]
    if seeds[0] == seeds[1]:
        assert len(made) < 100  # what has not changed is free


@given(st.lists(st.integers(-128, 127), max_size=3000).map(lambda numbers: [n if n % 3 else 0 for n in numbers]))
@settings(max_examples=60, deadline=None)
def test_corrections_come_back(numbers: list[int]) -> None:
    import numpy as np

    array = np.array(numbers, np.int8)
    assert (delta._unpack_wrong(delta._pack_wrong(array), len(array)) == array).all()
    assert (delta._unpack_sparse(delta._pack_sparse(array), len(array)) == array).all()


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_noise_is_no_delta(data: bytes) -> None:
    for noise in (data, delta.MAGIC + data):
        with contextlib.suppress(Damaged):  # nothing else may come of it; an empty delta of an empty file is one
            assert list(delta.Delta(io.BytesIO(noise)).blocks(lambda at, n: bytes(n), BLOCK)) == []


@pytest.mark.parametrize("cipher", sealed.Cipher)
def test_sealed_chunks_keep_their_places(tmp_path: Path, cipher: sealed.Cipher) -> None:
    plain, file, key = tmp_path / "plain", tmp_path / "sealed", bytes(range(32))
    plain.write_bytes(bytes(range(256)) * 10_000)
    sealed.seal(plain, file, key, context="ab" * 32, cipher=cipher)
    with file.open("rb") as opened:
        reader = sealed.Reader(opened, key, context="ab" * 32)
        assert reader.read(sealed.CHUNK - 10, 20) == plain.read_bytes()[sealed.CHUNK - 10 :][:20]
        assert b"".join(reader.chunks()) == plain.read_bytes()
    data = file.read_bytes()
    size = sealed.CHUNK + sealed.TAG
    head = sealed.stored_size(1) - 1 - sealed.TAG
    swapped = data[:head] + data[head + size : head + 2 * size] + data[head : head + size] + data[head + 2 * size :]
    for wrong in (swapped, data[:-1], data[: head + size]):
        with pytest.raises(Damaged):
            list(sealed.Reader(io.BytesIO(wrong), key, context="ab" * 32).chunks())
    with pytest.raises(Damaged):
        sealed.Reader(io.BytesIO(data), key, context="cd" * 32)


def test_a_key_is_for_one_device_and_one_file() -> None:
    wrapped = sealed.wrap(bytes(32), sealed.public_of(DEVICE_KEY), context="one")
    assert sealed.unwrap(wrapped, DEVICE_KEY, context="one") == bytes(32)
    for private, context in ((DEVICE_KEY, "other"), (bytes(reversed(DEVICE_KEY)), "one")):
        with pytest.raises(UpdateError):
            sealed.unwrap(wrapped, private, context=context)


def test_what_is_in_memory_cannot_be_changed() -> None:
    import os

    descriptor = sealed.unsealed([b"abc", b"def"], "test")
    try:
        assert Path(f"/proc/self/fd/{descriptor}").read_bytes() == b"abcdef"
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"x", 0)
    finally:
        os.close(descriptor)


def test_the_devices_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    key = keys.device_key(tmp_path, ("file",))
    file = tmp_path / keys.FILE
    assert (len(key), file.stat().st_mode & 0o777) == (32, 0o600)
    assert keys.device_key(tmp_path, ("tpm", "file")) == key
    file.chmod(0o644)
    with pytest.raises(UpdateError, match="chmod 600"):
        keys.device_key(tmp_path, ("file",))


def test_a_damaged_block_is_named(tmp_path: Path) -> None:
    path = tiny_model(tmp_path / "model", 1)
    leaves, data = hashtree.leaves(path, BLOCK), bytearray(path.read_bytes())
    hashtree.verify(path, leaves, size=len(data), block_size=BLOCK)
    data[BLOCK + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match=f"byte {BLOCK}"):
        hashtree.verify(path, leaves, size=len(data), block_size=BLOCK)
    assert hashtree.n_good(path, leaves, BLOCK) == 1


def test_a_long_file_has_the_same_hashes(tmp_path: Path) -> None:
    data = bytes(range(256)) * (hashtree.SHORT // 128) + b"more"
    (tmp_path / "model").write_bytes(data)
    size = hashtree.SHORT // 4
    assert list(hashtree.leaves(tmp_path / "model", size)) == [
        hashtree.leaf(data[at : at + size]) for at in range(0, len(data), size)]


def test_the_self_test_has_floors() -> None:
    before = golden.Result(right=280, total=286, median_ms=10.0, memory_mib=70.0)
    assert golden.problems(before, before) == []
    for worse, word in (
        (golden.Result(200, 286, 10.0, 70.0), "understands"),
        (golden.Result(286, 286, 26.0, 70.0), "ms"),
        (golden.Result(286, 286, 10.0, 300.0), "MiB"),
    ):
        assert word in " ".join(golden.problems(worse, before))
    assert len(golden.sentences()) > 250


def test_a_model_that_crashes_costs_an_error(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="self-test"):
        golden.tried(tiny_model(tmp_path / "no language model", 1))


# the command line


def test_the_command_line_from_the_maker_to_the_device(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(golden, "tried", lambda model: golden.Result(1, 1, 1.0, 1.0))
    repo, old, model = tmp_path / "repo", tiny_model(tmp_path / "old.gguf", 1), tiny_model(tmp_path / "new.gguf", 2)

    def ingle(*arguments: object) -> dict[str, object]:
        assert main(["model", *map(str, arguments), "--json"]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    maker = (repo, "--keys", tmp_path / "keys")
    ingle("repo", "init", *maker, "--root-keys", tmp_path / "stick")
    ingle("repo", "add", *maker, old, "--version", "1.0")
    ingle("repo", "publish", *maker)
    source = ("--from", repo, "--root", repo / "metadata" / "1.root.json")
    assert ingle("update", *source, "--check")["act"] == "install"
    assert ingle("update", *source)["version"] == "1.0"
    assert ingle("status")["trial"] is True
    Slots(tmp_path / "data" / "models", old).confirm()
    ingle("repo", "add", *maker, model, "--version", "2.0", "--delta-from", old)
    ingle("repo", "sign", *maker, "--root-keys", tmp_path / "stick")
    ingle("repo", "publish", *maker, "--version", "2.0", "--percent", 100)
    assert ingle("update", *source)["way"] == "delta"
    assert ingle("rollback")["version"] == "1.0"
    assert ingle("pin", "1.0")["pinned"] == "1.0"
    assert ingle("status")["refused"] == ["2.0"]
    assert main(["model", "update"]) == 1
    assert "updates.url" in capsys.readouterr().err


def test_a_rollout_of_what_is_not_there(world: World) -> None:
    with pytest.raises(UpdateError, match="not in the repository"):
        world.repository.roll_out("9.9", hold=True)
    with pytest.raises(UpdateError, match="another version"):
        world.repository.add(world.model(FIRST), FIRST, rollout=Rollout(), block_size=BLOCK)


def test_disk_writes_whole_files(tmp_path: Path) -> None:
    Disk().write_whole(tmp_path / "x", b"one")
    Disk().write_whole(tmp_path / "x", b"2")
    assert (tmp_path / "x").read_bytes() == b"2"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
