"""The record: bound by hashes, kept through kills and full files, read by those who doubt it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.app.audit import ACTIVE, HEAD, Audit, AuditError

KILLED = """
import sys
from pathlib import Path
from ingle.app.audit import Audit
audit = Audit(Path(sys.argv[1]), full_bytes=4000)
print("ready", flush=True)
while True:
    print(audit.write("sent", body="x" * 300), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def filled(folder: Path, n: int = 5, **options: int) -> Audit:
    audit = Audit(folder, **options)
    for number in range(n):
        audit.write("decision", turn=f"t{number}", route="local")
    return audit


def test_entries_come_back_as_they_were_written(folder: Path) -> None:
    audit = Audit(folder)
    audit.write("sent", turn="a", body="word for word: ü 日本 \n\t \"quoted\"", number=1.5)
    audit.write("received", durable=False, turn="a", chars=3)
    first, second = audit.entries()
    assert (first.kind, first.facts) == ("sent", {"turn": "a", "body": "word for word: ü 日本 \n\t \"quoted\"", "number": 1.5})
    assert (second.number, second.facts["chars"]) == (2, 3)
    assert audit.verify() == 2
    assert (folder / ACTIVE).stat().st_mode & 0o077 == 0


def test_the_chain_goes_on_in_a_new_life_and_across_full_files(folder: Path) -> None:
    for _ in range(3):
        filled(folder, 20, full_bytes=1500)
    assert len(list(folder.glob("audit-*.jsonl"))) > 3
    assert Audit(folder).verify() == 60
    assert [each.number for each in Audit(folder).entries()] == list(range(1, 61))


def test_the_oldest_files_go_and_the_rest_still_holds(folder: Path) -> None:
    audit = filled(folder, 100, full_bytes=1000, files_kept=3)
    assert len(list(folder.glob("audit-*.jsonl"))) == 3
    assert 0 < audit.verify() < 100


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_byte_can_be_changed_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("audit")
    filled(folder)
    path = folder / ACTIVE
    before = path.read_bytes()
    place = data.draw(st.integers(0, len(before) - 1))
    changed = bytearray(before)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        Audit(folder).verify()
    except AuditError:
        return
    assert [json.loads(line) for line in changed.splitlines()] == [json.loads(line) for line in before.splitlines()]


@pytest.mark.parametrize("without", range(5))
def test_no_line_can_be_taken_out(folder: Path, without: int) -> None:
    filled(folder)
    lines = (folder / ACTIVE).read_bytes().splitlines(keepends=True)
    (folder / ACTIVE).write_bytes(b"".join(line for place, line in enumerate(lines) if place != without))
    with pytest.raises(AuditError):
        Audit(folder).verify()


def test_lines_cannot_change_places(folder: Path) -> None:
    filled(folder)
    lines = (folder / ACTIVE).read_bytes().splitlines(keepends=True)
    (folder / ACTIVE).write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(AuditError, match="begins with entry 2"):
        Audit(folder).verify()


def test_a_torn_line_is_cut_off_and_told(folder: Path) -> None:
    filled(folder)
    with (folder / ACTIVE).open("ab") as file:
        file.write(b'{"n": 6, "at": "2026')
    audit = Audit(folder)
    assert audit.verify() == 5
    audit.write("decision", route="local")
    assert [entry.kind for entry in audit.entries()][-2:] == ["recovered", "decision"]
    assert audit.verify() == 7


def test_a_head_behind_the_record_is_no_fault(folder: Path) -> None:
    audit = filled(folder)
    head = (folder / HEAD).read_text()
    audit.write("decision", route="none")
    (folder / HEAD).write_text(head)        # killed between the two
    assert audit.verify() == 6


def test_several_writers_make_one_chain(folder: Path) -> None:
    audits = [Audit(folder, full_bytes=3000) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda audit: [audit.write("decision", turn="x") for _ in range(25)], audits))
    assert Audit(folder).verify() == 100


def test_an_entry_that_cannot_be_written_is_told(folder: Path) -> None:
    audit = filled(folder)
    with pytest.raises(AuditError, match="too long"):
        audit.write("sent", body="x" * 200_000)
    assert audit.verify() == 5
    with pytest.raises(AuditError):
        Audit(folder / ACTIVE)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_promised_survives_kill_9(folder: Path, seed: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.05, 0.4))
    process.send_signal(signal.SIGKILL)
    promised = [int(line) for line in process.stdout.read().splitlines() if line.isdigit()]
    process.wait()
    audit = Audit(folder)
    audit.write("decision", route="local")
    assert audit.verify() > 0
    assert list(audit.entries())[-1].number > (promised[-1] if promised else 0)     # older files may have gone
