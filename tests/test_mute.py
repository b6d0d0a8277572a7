"""Muted means that the device is closed: at once, at the start, after a power cut; and the house is told what is so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ingle.app.voice.mute import Mute, MuteSwitch, Watched

from .voice.scripted import SILENCE, Source, World, frames, settle


async def test_the_switch_closes_the_device_and_tells_so() -> None:
    told: list[bool] = []
    world, source, switch = World([]), Source([], forever=True), MuteSwitch(told.append)
    listening = asyncio.create_task(world.pipeline.run(Watched(source, switch.tell)))
    work = [listening, asyncio.create_task(switch.follow(world.pipeline))]
    try:
        await settle()
        assert (source.is_open, told) == (True, [True])
        switch.take(b"ON")
        await settle()
        assert (source.is_open, told, world.pipeline.state) == (False, [True, False], "muted")
        switch.take(b"ON")
        switch.take(b"OFF")
        await settle()
        assert (source.is_open, told, source.opened) == (True, [True, False, True], 2)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    assert (source.is_open, told[-1]) == (False, False)


async def test_what_was_muted_before_is_never_opened() -> None:
    world, source, switch = World([]), Source([], forever=True), MuteSwitch(lambda is_open: None)
    switch.set(True)
    await switch.obey(world.pipeline)
    listening = asyncio.create_task(world.pipeline.run(source))
    await settle()
    assert source.opened == 0
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_recording_opens_once_and_closes_at_its_end() -> None:
    told: list[bool] = []
    heard = [frame async for frame in Watched(Source(frames(SILENCE, 0.2)), told.append).frames()]
    assert (len(heard), told) == (len(frames(SILENCE, 0.2)), [True, False])


def test_it_outlasts_a_restart(tmp_path: Path) -> None:
    mute = Mute(tmp_path / "new")
    assert not mute.on
    assert mute.take(b"ON")
    assert not mute.take(b"maybe")
    assert Mute(tmp_path / "new").on
    assert mute.take(b"OFF")
    assert not Mute(tmp_path / "new").on


def test_one_that_cannot_be_kept_is_on_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    mute = Mute(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        mute.take(b"ON")
    assert mute.on
