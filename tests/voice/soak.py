"""A day of listening, faster than real time: python -m tests.voice.soak [--hours 24]

Frames go through the pipeline with a scripted wake word, detector, recogniser and voice: commands, wake words by mistake, talk
that is not for us, and a microphone that is unplugged. Fails when memory grows, a frame is lost, a command is not answered or the
pipeline is stuck.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator

import numpy as np
import psutil

from ingle.app.voice import pipeline as module
from ingle.app.voice.types import FRAME_S, Samples, VoiceError

from .scripted import SILENCE, SPEECH, WAKE, World, command, frames, settle

MIB = 2**20
GROWTH_MB = 20.0


class Day:
    """A microphone over a day; it breaks now and then. `commands`: those that must have been answered."""

    def __init__(self, seconds: float, seed: int = 1) -> None:
        self.left = int(seconds / FRAME_S)
        self.given = self.commands = self.unplugged = 0
        self._chance = np.random.default_rng(seed)

    async def frames(self) -> AsyncIterator[Samples]:
        while self.left > 0:
            for frame in self._scene():
                self.left -= 1
                self.given += 1
                yield frame
                await settle()
            if self._chance.random() < 0.002:
                self.unplugged += 1
                raise VoiceError("the microphone is gone")

    def _scene(self) -> list[Samples]:
        kind = self._chance.random()
        if kind < 0.15:
            self.commands += 1
            return command(self._chance.uniform(0.3, 3.0))
        if kind < 0.2:
            return [*frames(WAKE), *frames(SILENCE, 7.0)]
        if kind < 0.5:
            return frames(SPEECH, self._chance.uniform(0.5, 20.0))
        return frames(SILENCE, self._chance.uniform(1.0, 90.0))


async def soak(hours: float) -> int:
    """Returns: the exit status."""
    module.REOPEN_S = (0.0,)    # type: ignore[misc]
    day, world = Day(hours * 3600), World(["turn on the light"] * int(hours * 3600))
    process, began, at_first = psutil.Process(), time.perf_counter(), 0.0
    running = asyncio.create_task(world.pipeline.run(day))
    while not running.done():
        await asyncio.wait({running}, timeout=2.0)
        memory = process.memory_info().rss / MIB
        at_first = at_first or memory
        for grows in (world.turns, world.states, world.voice.said, world.speaker.played, world.ears.got):
            grows.clear()
    running.result()
    lost = day.given - world.pipeline.frames_taken
    unanswered, grown = day.commands - len(world.asked), process.memory_info().rss / MIB - at_first
    heard_h = day.given * FRAME_S / 3600
    took_s = time.perf_counter() - began
    print(f"{heard_h:.1f} h in {took_s:.0f} s: {day.commands} commands, {unanswered} unanswered, {lost} frames lost, "
          f"unplugged {day.unplugged} times, memory {grown:+.1f} MB, {len(asyncio.all_tasks()) - 1} tasks left")
    return int(lost != 0 or unanswered != 0 or grown > GROWTH_MB or len(asyncio.all_tasks()) > 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    sys.exit(asyncio.run(soak(parser.parse_args().hours)))
