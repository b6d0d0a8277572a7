"""What this device believes of a repository: The Update Framework's client workflow, with what it has seen kept in one file.

python-tuf's `Updater` judges and fetches; it works in a folder made for each refresh. What it trusts afterwards replaces
`models/trust.json` in one write, so a power cut leaves the old trust or the new one. Nothing older than that is taken again.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, TargetFile, Targets
from tuf.ngclient import Updater
from tuf.ngclient.config import UpdaterConfig

from .disk import Disk
from .errors import ClockNotTrusted, Refused, Unreachable, UpdateError
from .fetch import Fetcher, base_url
from .release import Release

TRUST: Final = "trust.json"
BUILT: Final = datetime(2026, 1, 1, tzinfo=UTC).timestamp()   # this code is not older: a clock that says so is not set
ROLES: Final = ("root", "timestamp", "snapshot", "targets")
LIMITS: Final = UpdaterConfig(
    max_root_rotations=64, root_max_length=256_000, timestamp_max_length=16_384, snapshot_max_length=256_000,
    targets_max_length=5_000_000,
)
MODEL_KEY: Final = "ingle_model"    # in a target's custom metadata


@dataclass(frozen=True)
class Offer:
    """A model in the repository: what is said of it, and the target that carries it."""

    release: Release
    target: TargetFile


@dataclass(frozen=True)
class Catalogue:
    """All targets of a repository, verified."""

    offers: tuple[Offer, ...]
    targets: Mapping[str, TargetFile]
    expires: datetime                   # of the timestamp: until then this is known to be the newest


class Trust:
    """The trust in one repository. `anchor`: the bytes of a root.json that came by a trusted way, such as with Ingle itself."""

    def __init__(
        self, folder: Path, source: str, anchor: bytes, *, disk: Disk | None = None, fetcher: Fetcher | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file = folder / TRUST
        self._source = base_url(source)
        self._anchor = anchor
        self._disk = disk or Disk()
        self.fetcher = fetcher or Fetcher()
        self._now = now

    def refresh(self) -> Catalogue:
        """Fetch the newest metadata and verify it. Raises: Refused, ClockNotTrusted, Unreachable, UpdateError, OSError."""
        kept = self._kept()
        self._check_clock(float(kept.get("seen", 0)))
        with tempfile.TemporaryDirectory(prefix="ingle-tuf-") as name:
            folder = Path(name)
            for role in ROLES:
                if role in kept:
                    (folder / f"{role}.json").write_text(kept[role], encoding="utf-8")
            try:
                catalogue = self._judged(folder, kept)
            finally:
                self._keep(folder, kept)    # a root that was rotated stays known, whatever came after it
        return catalogue

    def _judged(self, folder: Path, kept: Mapping[str, Any]) -> Catalogue:
        try:
            # Updater makes its own root.json from what it is given: the newest root that was trusted, or the anchor
            (folder / "root.json").unlink(missing_ok=True)
            bootstrap = kept["root"].encode() if "root" in kept else self._anchor
            updater = Updater(str(folder), f"{self._source}/metadata", fetcher=self.fetcher, config=LIMITS, bootstrap=bootstrap)
            updater.refresh()
            targets = Metadata[Targets].from_file(str(folder / "targets.json")).signed.targets
            expires = Metadata.from_file(str(folder / "timestamp.json")).signed.expires
        except (tuf_errors.RepositoryError, tuf_errors.DownloadError) as error:
            raise named(error, self._source) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Refused("arbitrary software", f"the metadata cannot be read ({error})") from None
        return Catalogue(tuple(_offers(targets)), targets, expires)

    def url_of(self, target: TargetFile) -> str:
        """Where a target's bytes are: named by their hash, as all targets of a consistent snapshot."""
        folder, slash, name = target.path.rpartition("/")
        return f"{self._source}/targets/{folder}{slash}{target.hashes['sha256']}.{name}"

    def _check_clock(self, seen: float) -> None:
        now = self._now()
        if now < max(BUILT, seen):
            raise ClockNotTrusted(
                f"this device's clock says {datetime.fromtimestamp(now, UTC):%Y-%m-%d}, which is in the past, so it cannot be "
                "told whether an update is still valid; the present model is kept; set the clock (NTP) and try again")

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            raise UpdateError(f"{self._file}: is damaged; delete it to begin again from the trusted root") from None
        return kept if isinstance(kept, dict) else {}

    def _keep(self, folder: Path, kept: dict[str, Any]) -> None:
        files = {role: folder / f"{role}.json" for role in ROLES}
        found = {role: file.read_text(encoding="utf-8") for role, file in files.items() if file.exists()}
        if any(found.get(role) != kept.get(role) for role in ROLES):
            self._disk.write_whole(self._file, json.dumps({**found, "seen": self._now()}).encode())


def _offers(targets: Mapping[str, TargetFile]) -> list[Offer]:
    """Models among the targets; one that is described in a way this version does not read is passed over."""
    offers = []
    for target in targets.values():
        custom = (target.custom or {}).get(MODEL_KEY)
        if custom is not None:
            try:
                offers.append(Offer(Release.from_plain(custom), target))
            except UpdateError:
                continue
    return offers


def named(error: Exception, source: str) -> UpdateError:
    """python-tuf's error as the attack that it may be (TUF specification 1.5.2)."""
    text = " ".join(str(error).split())[:300]
    match error:
        case tuf_errors.SlowRetrievalError():
            return Refused("slow retrieval", text)
        case tuf_errors.DownloadLengthMismatchError():
            return Refused("endless data", text)
        case tuf_errors.DownloadError():
            return Unreachable(f"{source}: the repository cannot be read ({text}); the present model is kept")
        case tuf_errors.ExpiredMetadataError():
            return Refused("indefinite freeze", f"{text}: the repository shows an old state, or its maker has let it expire")
        case tuf_errors.BadVersionNumberError():
            return Refused("mix-and-match" if _OF_ANOTHER.search(text) else "rollback", text)
        case tuf_errors.LengthOrHashMismatchError():
            return Refused("mix-and-match", text)
        case tuf_errors.UnsignedMetadataError():
            return Refused("key compromise" if _SOME_KEYS.search(text) else "arbitrary software", text)
    return Refused("rollback" if "is missing info" in text else "arbitrary software", text)


# a role of another version than the one signed for, though not older than what was seen
_OF_ANOTHER = re.compile(r"^Expected snapshot version| v[0-9]+, got v")
_SOME_KEYS = re.compile(r"signed by [1-9][0-9]*/")                          # genuine keys, but fewer than the threshold
