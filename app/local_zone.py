"""The time zone this machine is set to, with its rules: a mere offset would be an hour off after the clocks change."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

LOCALTIME: Final = Path("/etc/localtime")


def local_zone(localtime: Path = LOCALTIME) -> tzinfo:
    """As the C library reads it: `TZ` (a name or a file), else /etc/localtime; where there is neither, today's offset."""
    said = os.environ.get("TZ", "").removeprefix(":")
    found = (_named(said) or _read(Path(said))) if said else None
    return found or _linked(localtime) or _read(localtime) or _offset()


def _named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):      # ZoneInfoNotFoundError is a LookupError
        return None


def _linked(localtime: Path) -> ZoneInfo | None:
    """By the name of the file that it links to: a zone with a name is told better than one without."""
    _, found, name = str(localtime.resolve()).partition("zoneinfo/")
    return _named(name.removeprefix("posix/").removeprefix("right/")) if found else None


def _read(file: Path) -> ZoneInfo | None:
    try:
        with file.open("rb") as content:
            return ZoneInfo.from_file(content)
    except (ValueError, OSError):
        return None


def _offset() -> tzinfo:
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None     # astimezone() has set it
    return zone
