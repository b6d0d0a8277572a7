"""Make the spoken test set: python -m tests.voice.make DIR [--count 300] [--seed 1]

Commands of `sentences.yaml` over three homes, spoken by espeak-ng's and flite's voices at several speeds, heard in synthetic
rooms. Nothing of it is kept in the repository. DIR/<home>/ gets WAV files, `transcripts.jsonl` ({"file", "text", "voice"}) and
the home itself (`home.yaml`): what `ingle voice eval DIR` reads.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ingle.app.voice.audio import resampled, to_samples, write
from ingle.app.voice.types import SAMPLE_RATE, Samples

ROOT = Path(__file__).parents[2]
LIST_HOMES = ("demo", "farmhouse", "coffee")


@dataclass(frozen=True)
class Speaker:
    """A voice of a synthesiser that stands in for a person."""

    program: str                # "espeak-ng" or "flite"
    voice: str

    def say(self, text: str, speed: float) -> Samples:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            if self.program == "flite":
                stretch = f"duration_stretch={1 / speed:.2f}"
                command = ["flite", "-voice", self.voice, "--setf", stretch, "-t", text, "-o", file.name]
            else:
                command = ["espeak-ng", "-v", self.voice, "-s", str(round(150 * speed)), "-w", file.name, text]
            subprocess.run(command, check=True, capture_output=True)
            return read_wav(Path(file.name))


SPEAKERS = (
    *(Speaker("flite", voice) for voice in ("slt", "rms", "awb", "kal16")),
    *(Speaker("espeak-ng", voice) for voice in ("en-us", "en-us+f3", "en-gb", "en-gb-x-rp+f2", "en-gb-scotland", "en-us+m3")),
)


def available() -> list[Speaker]:
    """The voices that this machine can speak with."""
    return [speaker for speaker in SPEAKERS if shutil.which(speaker.program)]


def read_wav(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return to_samples(resampled((data / 32768).astype(np.float32), file.getframerate()))


def in_room(samples: Samples, rng: np.random.Generator, *, rt60_s: float, direct: float) -> Samples:
    """As a microphone across the room hears it: the sound itself, a few early echoes, a tail that fades by 60 dB in `rt60_s`.

    Args: direct: the direct sound's share of the energy, 0..1.
    """
    n = int(rt60_s * SAMPLE_RATE)
    fade = 10 ** (-3 * np.arange(n) / n)
    tail = rng.standard_normal(n) * fade
    tail[: int(0.004 * SAMPLE_RATE)] = 0
    for at_ms in rng.uniform(3, 25, 6):
        tail[int(at_ms / 1000 * SAMPLE_RATE)] += rng.choice((-1, 1)) * 3
    response = np.concatenate(([1.0], np.zeros(3), tail * np.sqrt((1 - direct) / direct / np.square(tail).sum())))
    size = len(samples) + len(response)
    wet = np.fft.irfft(np.fft.rfft(samples / 32768, size) * np.fft.rfft(response, size), size)
    return to_samples(wet / max(1e-9, np.abs(wet).max()) * rng.uniform(0.25, 0.7))


def sentences(home: str, count: int, rng: np.random.Generator) -> list[str]:
    """Commands over one home, none twice, every pattern about as often."""
    spec = _spec()
    plan = spec["homes"][home]
    fill = {**spec["words"], **_words_of(yaml.safe_load((ROOT / plan["home"]).read_text(encoding="utf-8")))}
    made: dict[str, None] = {}
    for turn in range(50 * count):
        pattern = plan["patterns"][turn % len(plan["patterns"])]
        made.setdefault(_filled(pattern, fill, rng))
        if len(made) == count:
            break
    return list(made)


def _write_home(folder: Path, file: Path) -> None:
    """The home, and a configuration with its own sentences."""
    shutil.copy(file, folder / "home.yaml")
    own = yaml.safe_load(file.read_text(encoding="utf-8")).get("custom_sentences")
    config = {} if own is None else {"custom_sentences": own}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _spec() -> dict[str, Any]:
    return dict(yaml.safe_load((Path(__file__).parent / "sentences.yaml").read_text(encoding="utf-8")))


def _words_of(home: Mapping[str, Any]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {"area": [area["name"].lower() for area in home["home"]["areas"]]}
    for entity in home["entities"]:
        words.setdefault(entity["entity"].partition(".")[0], []).append(entity["name"].lower())
    lists = (home.get("custom_sentences") or {}).get("lists") or {}
    return words | {name: spec["values"] for name, spec in lists.items()}


def _filled(pattern: str, fill: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: str(rng.choice(fill[slot[1]])), pattern)


def make(folder: Path, count: int, seed: int) -> int:
    """Returns: how many recordings were made."""
    rng, speakers = np.random.default_rng(seed), available()
    if not speakers:
        raise SystemExit("please install the Debian packages espeak-ng and flite")
    made = 0
    for home, share in zip(LIST_HOMES, (0.5, 0.2, 0.3), strict=True):
        there = folder / home
        there.mkdir(parents=True, exist_ok=True)
        _write_home(there, ROOT / _spec()["homes"][home]["home"])
        with (there / "transcripts.jsonl").open("w", encoding="utf-8") as lines:
            for number, text in enumerate(sentences(home, round(count * share), rng)):
                speaker, name = speakers[number % len(speakers)], f"{number:03}.wav"
                dry = np.pad(speaker.say(text, rng.uniform(0.85, 1.2)), (int(0.3 * SAMPLE_RATE), int(0.7 * SAMPLE_RATE)))
                write(there / name, in_room(dry, rng, rt60_s=rng.uniform(0.15, 0.6), direct=rng.uniform(0.5, 0.95)))
                lines.write(json.dumps({"file": name, "text": text, "voice": f"{speaker.program} {speaker.voice}"}) + "\n")
                made += 1
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"{make(args.folder, args.count, args.seed)} recordings in {args.folder}")
