"""How well speech is understood: a folder of recordings with what was said in them, clean and under noise.

    DIR/transcripts.jsonl       {"file": "001.wav", "text": "turn off the kitchen lights", "intents"?: [{"intent", "slots"}]}
    DIR/home.yaml               the home it was said in; DIR/config.yaml, if there is one, has its lists and own sentences
    DIR/noise/*.wav             noise to mix in; without: pink noise and the other speakers together, by turns

Where a line has no `intents`, right is what the text itself would have been understood as: so the figures tell what hearing
costs, not what reading costs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import yaml

from ...skills.home.model import Home, load_home
from ...skills.sentences import OwnSentences
from ..assistant import Understands
from ..commands.interpret import interpreted
from ..config import Config, load
from ..custom import household_skills
from .audio import mixed, pink_noise, read
from .endpoint import SileroVad
from .hearing import Hearing
from .readings import words_of
from .types import Hypothesis, Phrases, Samples, SpeechToText, Transcript, VoiceError

TALKERS: Final = 6                  # at once, where other recordings are the noise
SNR_DB: Final = (24.0, 18.0, 12.0, 6.0)


@dataclass(frozen=True)
class Case:
    """One recording of a folder."""

    file: Path
    text: str
    intents: list[dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """One folder: recordings made in one home."""

    folder: Path
    config: Config
    home: Home
    own: OwnSentences
    cases: list[Case]


@dataclass
class Score:
    """Sums over recordings."""

    recordings: int = 0
    words: int = 0
    word_errors: int = 0
    slots: int = 0
    slots_found: int = 0
    intents_right: int = 0
    all_right: int = 0
    repaired: int = 0
    latency_ms: list[float] = field(default_factory=list)   # from the end of speech to the intents
    audio_ms: float = 0.0
    compute_ms: float = 0.0

    def figures(self) -> dict[str, Any]:
        """As told: rates of 0..1, milliseconds."""
        n = max(1, self.recordings)
        latency = sorted(self.latency_ms) or [0.0]
        return {
            "recordings": self.recordings, "wer": round(self.word_errors / max(1, self.words), 4),
            "slot_accuracy": round(self.slots_found / max(1, self.slots), 4), "slots": self.slots,
            "intent_accuracy": round(self.intents_right / n, 4), "exact": round(self.all_right / n, 4), "repaired": self.repaired,
            "latency_ms_p50": round(latency[len(latency) // 2]), "latency_ms_p95": round(latency[int(len(latency) * 0.95)]),
            "real_time_factor": round(self.compute_ms / max(1.0, self.audio_ms), 3),
        }


Told = Callable[[str], None]


async def evaluate(
    folders: Sequence[Path], recognizer: SpeechToText, understands: Understands, *, snr_db: Sequence[float | None],
    plain: bool = False, at_most: int | None = None, seed: int = 0, tell: Told = lambda line: None,
) -> dict[str, Any]:
    """Hear every recording at every signal-to-noise ratio (None: as it is).

    Args:
        plain: the recogniser alone, without this home's words, other readings and repairs: what all that is worth.
        tell: hears of every recording that was misunderstood, a line each.
    Raises: VoiceError: a folder without recordings.
    """
    scores: dict[str, Score] = {}
    vad = SileroVad()
    for place in places(folders, understands):
        hearing = _hearing(place, recognizer, understands, plain)
        cases = place.cases[:at_most]
        sounds = [await asyncio.to_thread(read, case.file) for case in cases]
        noises = _noises(place.folder, sounds, np.random.default_rng(seed))
        for snr in snr_db:
            for case, sound in zip(cases, sounds, strict=True):
                samples = sound if snr is None else mixed(sound, next(noises), snr)
                line = await _heard(hearing, vad, samples, case, place, understands)
                for name in ("all", "clean" if snr is None else f"{snr:g} dB", place.folder.name):
                    _count(scores.setdefault(name, Score()), case, line)
                if line["intents"] != case.intents:
                    tell(f"{case.file} {'clean' if snr is None else f'{snr:g} dB'}: {case.text!r} heard as {line['text']!r}")
    memory_mb = round(psutil.Process().memory_info().rss / 2**20)
    return {"recognizer": recognizer.name, "plain": plain, "memory_mb": memory_mb,
            **{name: score.figures() for name, score in scores.items()}}


def places(folders: Sequence[Path], understands: Understands) -> Iterator[Place]:
    """The folders that hold recordings, those one level below included."""
    for folder in folders:
        there = [each for each in (folder, *sorted(folder.glob("*/"))) if (each / "transcripts.jsonl").is_file()]
        if not there:
            raise VoiceError(f"{folder}: there is no transcripts.jsonl (`python -m tests.voice.make {folder}` makes a set)")
        for each in there:
            yield _place(each, understands)


def _place(folder: Path, understands: Understands) -> Place:
    config = load(folder / "config.yaml") if (folder / "config.yaml").is_file() else Config()
    own = OwnSentences(household_skills(config).sentences)
    try:
        home = load_home(yaml.safe_load((folder / "home.yaml").read_text(encoding="utf-8")))
        lines = [json.loads(line) for line in (folder / "transcripts.jsonl").read_text(encoding="utf-8").splitlines() if line]
        cases = [
            Case(folder / line["file"], line["text"],
                 line["intents"] if "intents" in line else _plain_intents(interpreted(understands, home, line, own)))
            for line in lines
        ]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise VoiceError(f"{folder}: not a set of recordings: {' '.join(str(error).split())}") from None
    return Place(folder, config, home, own, cases)


def _hearing(place: Place, recognizer: SpeechToText, understands: Understands, plain: bool) -> Hearing:
    if not plain:
        return Hearing(recognizer, place.home, understands, place.own, config=place.config)
    recognizer.lean_towards(Phrases())
    return Hearing(_FirstOnly(recognizer), Home(), understands, OwnSentences(()), config=place.config)


class _FirstOnly:
    """A recogniser as it comes: no words of the home, one reading."""

    def __init__(self, inner: SpeechToText) -> None:
        self._inner, self.name = inner, inner.name

    def lean_towards(self, phrases: Phrases) -> None:
        """It does not."""

    async def transcribe(self, speech: Any, *, on_partial: Any = None) -> Transcript:
        text = (await self._inner.transcribe(speech, on_partial=on_partial)).text
        return Transcript((Hypothesis(text),) if text else ())

    async def close(self) -> None:
        await self._inner.close()


async def _heard(
    hearing: Hearing, vad: SileroVad, samples: Samples, case: Case, place: Place, understands: Understands
) -> dict[str, Any]:
    heard = await hearing.understand_recording(samples, vad)
    began = time.perf_counter()
    found = interpreted(understands, place.home, {"text": heard.text}, place.own) if heard.text else {"intents": []}
    answer_ms = (time.perf_counter() - began) * 1000
    return {
        "text": heard.text, "intents": _plain_intents(found), "audio_ms": heard.timing_ms.get("audio", 0.0),
        "latency_ms": heard.timing_ms.get("recognize", 0.0) + heard.timing_ms.get("choose", 0.0) + answer_ms,
        "repaired": bool(heard.readings and heard.readings[0].repairs),
    }


def _plain_intents(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Intents with slots as they are compared: without confidence, texts in lower case."""
    return [{"intent": each["intent"], "slots": {slot: _folded(value) for slot, value in each["slots"].items()}}
            for each in found["intents"]]


def _folded(value: Any) -> Any:
    if isinstance(value, list):
        return [_folded(each) for each in value]
    return " ".join(words_of(value)) if isinstance(value, str) else value


def _count(score: Score, case: Case, line: dict[str, Any]) -> None:
    from rapidfuzz.distance import Levenshtein

    said, heard = spoken_words(case.text), spoken_words(line["text"])
    right, got = _slots(case.intents), _slots(line["intents"])
    score.recordings += 1
    score.words += len(said)
    score.word_errors += Levenshtein.distance(said, heard)
    score.slots += len(right)
    score.slots_found += sum(slot in got for slot in right)
    score.intents_right += [each["intent"] for each in case.intents] == [each["intent"] for each in line["intents"]]
    score.all_right += case.intents == line["intents"]
    score.repaired += line["repaired"]
    score.latency_ms.append(line["latency_ms"])
    score.audio_ms += line["audio_ms"]
    score.compute_ms += line["latency_ms"]


def _slots(intents: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(slot, json.dumps(value, sort_keys=True)) for each in intents for slot, value in each["slots"].items()]


def spoken_words(text: str) -> list[str]:
    """Words as they are spoken: "Set it to 40%." -> set it to forty percent."""
    from unicode_rbnf import RbnfEngine

    engine = RbnfEngine.for_language("en")
    words: list[str] = []
    for word in words_of(text):
        if word.isdigit() and len(word) < 9:
            words += str(engine.format_number(int(word)).text).replace("-", " ").split()
        else:
            words.append("percent" if word == "%" else word)
    return words


def _noises(folder: Path, sounds: Sequence[Samples], rng: np.random.Generator) -> Iterator[Samples]:
    """Noise without end: the folder's own, or pink noise and people talking by turns."""
    own = [read(file) for file in sorted((folder / "noise").glob("*.wav"))]
    while True:
        if own:
            yield np.roll(noise := own[int(rng.integers(len(own)))], int(rng.integers(len(noise))))
            continue
        yield pink_noise(len(sounds[0]), rng)
        talkers = [sounds[int(index)] for index in rng.integers(len(sounds), size=TALKERS)]
        longest = max(map(len, talkers))
        together = sum(np.roll(np.resize(one, longest), int(rng.integers(longest))).astype(np.float64) for one in talkers)
        yield (np.asarray(together) / TALKERS).astype(np.int16)

