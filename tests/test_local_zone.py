"""The machine's zone: by its name or its file, with its rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH

import pytest

from ingle.app.local_zone import local_zone

BERLIN = next((file for path in TZPATH if (file := Path(path, "Europe/Berlin")).is_file()), None)
needs_zones = pytest.mark.skipif(BERLIN is None, reason="this machine has no zone files")


def hours(month: int, localtime: Path = Path("/nowhere")) -> float:
    offset = datetime(2026, month, 1, 12, tzinfo=local_zone(localtime)).utcoffset() or timedelta()
    return offset.total_seconds() / 3600


def test_tz_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":Europe/London")
    assert (hours(1), hours(7)) == (0, 1)


@needs_zones
def test_a_link_or_a_copy_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BERLIN is not None
    monkeypatch.delenv("TZ", raising=False)
    link, copy = tmp_path / "link", tmp_path / "copy"
    link.symlink_to(BERLIN)
    copy.write_bytes(BERLIN.read_bytes())
    assert [(hours(1, file), hours(7, file)) for file in (link, copy)] == [(1, 2), (1, 2)]
    monkeypatch.setenv("TZ", str(BERLIN))
    assert (hours(1), hours(7)) == (1, 2)


def test_without_anything_it_is_todays_offset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "no/such zone")
    (tmp_path / "bad").write_text("not a zone")
    assert hours(1, tmp_path / "bad") == hours(7, tmp_path / "bad")
