"""The time zone this machine is set to, with its rules: a mere offset would be an hour off after the clocks change."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

LOCALTIME: Final = Path("/etc/localtime")


def local_zone(localtime: Path = LOCALTIME) -> tzinfo:
    """As the C library reads it: `TZ` (a name or a file), else /etc/localtime; where there is neither, today's offset.

    Read again only when one of these has changed, so it may be asked at every look at the clock.
    """
    return _zone_of(os.environ.get("TZ", ""), localtime, _version(localtime))


def _version(localtime: Path) -> tuple[int, int]:
    try:
        link = localtime.lstat()
    except OSError:
        return 0, 0
    return link.st_mtime_ns, link.st_ino


@lru_cache(maxsize=4)
def _zone_of(tz: str, localtime: Path, version: tuple[int, int]) -> tzinfo:
    said = tz.removeprefix(":")
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
