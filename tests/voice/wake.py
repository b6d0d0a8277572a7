"""Wake words heard, and heard by mistake: python -m tests.voice.wake [--hours 2]

False accepts on talk that has no wake word: invented sentences of common words in all voices of `make.py`, in rooms and under
noise; then how often the wake words themselves are heard, and what listening costs.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import numpy as np

from ingle.app.voice.audio import frames, mixed, pink_noise
from ingle.app.voice.types import SAMPLE_RATE, Samples
from ingle.app.voice.wake import MicroWakeWord

from .make import Speaker, available, in_room

WORDS = """
    the a of and to in is you that it he was for on are with as his they be at one have this from or had by hot but some
    what there we can out other were all your when up use word how said an each she which do their time if will way about
    many then them would write like so these her long make thing see him two has look more day could go come did my sound no
    most number who over know water than call first people may down side been now find any new work part take get place made
    live where after back little only round man year came show every good me give our under name very through just form much
    great think say help low line before turn cause same mean differ move right boy old too does tell sentence set three
    want air well also play small end put home read hand port large spell add even land here must big high such follow act
    why ask men change went light kind off need house picture try us again animal point okay maybe java service never mind
    alexander robots lexus nabbed hey there charging
""".split()  # noqa: SIM905
ALL_WORDS = ("okay nabu", "hey jarvis", "hey mycroft", "alexa")


def talk(speaker: Speaker, rng: np.random.Generator) -> Samples:
    """Some sentences of one speaker in one room."""
    lines = [" ".join(rng.choice(WORDS, rng.integers(5, 15))) for _ in range(6)]
    dry = speaker.say(". ".join(lines) + ".", rng.uniform(0.85, 1.2))
    wet = in_room(dry, rng, rt60_s=rng.uniform(0.15, 0.6), direct=rng.uniform(0.5, 0.95))
    return mixed(wet, pink_noise(len(wet), rng), rng.uniform(6, 30)) if rng.random() < 0.5 else wet


async def heard_in(samples: Samples, wake: MicroWakeWord) -> list[str]:
    return [word for frame in frames(samples) if (word := await wake.heard(frame)) is not None]


async def false_accepts(seconds: float, words: tuple[str, ...], seed: int = 1) -> tuple[dict[str, int], float, float]:
    """(mistakes by word, seconds listened to, share of one core that listening took)"""
    wake, rng, speakers = MicroWakeWord(words), np.random.default_rng(seed), available()
    mistakes, listened, computed = dict.fromkeys(wake.words, 0), 0.0, 0.0
    turn = 0
    while listened < seconds:
        samples = talk(speakers[turn % len(speakers)], rng)
        turn += 1
        began = time.process_time()
        for word in await heard_in(samples, wake):
            mistakes[word] += 1
        computed += time.process_time() - began
        listened += len(samples) / SAMPLE_RATE
    return mistakes, listened, computed / listened


async def recall(words: tuple[str, ...], seed: int = 1) -> dict[str, tuple[int, int]]:
    """(heard, said) of each word, by every speaker, in a room."""
    found, rng = {}, np.random.default_rng(seed)
    for word in words:
        wake, said = MicroWakeWord([word]), 0
        heard = 0
        for speaker in available():
            for speed in (0.9, 1.1):
                sound = np.pad(speaker.say(word.capitalize(), speed), (SAMPLE_RATE, SAMPLE_RATE))
                heard += bool(await heard_in(in_room(sound, rng, rt60_s=0.3, direct=0.9), wake))
                said += 1
        found[word] = heard, said
    return found


async def main(hours: float) -> None:
    mistakes, listened, share = await false_accepts(hours * 3600, ALL_WORDS)
    for word, n in mistakes.items():
        print(f"{word:12} {n} false accepts in {listened / 3600:.2f} h: {n / listened * 3600:.2f} an hour")
    print(f"listening for {len(mistakes)} words takes {share:.1%} of one core")
    for word, (heard, said) in (await recall(ALL_WORDS)).items():
        print(f"{word:12} heard {heard} of {said} times")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    asyncio.run(main(parser.parse_args().hours))
