"""Which release this device should have: decided from what is offered and what is here, with no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .errors import Incompatible
from .release import Release, number
from .slots import Choice, State


@dataclass(frozen=True)
class Decision:
    """What to do, and why: `install` has a release."""

    act: Literal["keep", "install", "leave"]
    why: str
    release: Release | None = None


def share(device: str, version: str) -> float:
    """Where a device stands in a version's queue, 0..1: the same every time, another for another version."""
    digest = hashlib.sha256(f"{version}\0{device}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def decide(releases: Iterable[Release], active: Choice, state: State, device: str) -> Decision:
    """`device`: a random name of this device, which never leaves it."""
    releases = tuple(releases)
    here = active.release
    if here and any(each.version == here.version and each.rollout.withdrawn for each in releases):
        return Decision("leave", f"model {here.version} was withdrawn by its maker")
    if state.pinned is not None:
        return _pinned(releases, active, state.pinned)
    kept = [f"model {active.version} is the newest for this device"]
    for release in sorted(releases, key=lambda each: number(each.version), reverse=True):
        if here and number(release.version) <= number(here.version):
            break
        problem = _why_not(release, state, device)
        if problem is None:
            return Decision("install", f"model {release.version} is newer than {active.version}", release)
        kept.append(problem)
    return Decision("keep", "; ".join(kept))


def _pinned(releases: tuple[Release, ...], active: Choice, pinned: str) -> Decision:
    if active.version == pinned:
        return Decision("keep", f"model {pinned} is pinned")
    found = next((each for each in releases if each.version == pinned and not each.rollout.withdrawn), None)
    if found is None:
        return Decision("keep", f"model {pinned} is pinned, but the repository has it no more; {active.version} is kept")
    try:
        found.check_fits()
    except Incompatible as problem:
        return Decision("keep", str(problem))
    return Decision("install", f"model {pinned} is pinned", found)


def _why_not(release: Release, state: State, device: str) -> str | None:
    """Why a newer release is not for this device now."""
    if release.rollout.withdrawn:
        return f"{release.version} was withdrawn"
    if release.version in state.refused:
        return f"{release.version} failed here before"
    if release.rollout.hold:
        return f"{release.version} is held back by its maker"
    if share(device, release.version) * 100 >= release.rollout.percent:
        return f"{release.version} is for {release.rollout.percent} % of the devices so far, not yet for this one"
    try:
        release.check_fits()
    except Incompatible as problem:
        return str(problem)
    return None
