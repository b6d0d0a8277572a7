"""Audio as plain arrays: files in, levels, frames, noise and its mixing. Files need soundfile and soxr (`ingle[voice]`)."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .types import FRAME_SAMPLES, SAMPLE_RATE, Samples, VoiceError

MAX_FILE_S: Final = 600.0           # of a recording that is read whole
MAX_CHANNELS: Final = 32
MAX_VALUES: Final = 100_000_000     # of all channels together: ten minutes of stereo at 48 kHz are 58 million
SPEECH_DBFS: Final = -23.0          # of the active part of a levelled recording, as broadcasts have it
MAX_GAIN_DB: Final = 40.0           # beyond it, noise would be made speech
MAX_FLOAT: Final = 8.0              # of a sample in a file of floats, where 1 is full scale
SILENCE_DBFS: Final = -120.0
FULL_SCALE: Final = 32768.0

F64 = NDArray[np.float64]


def read(path: Path) -> Samples:
    """A recording of any rate, width and number of channels (WAV, FLAC, OGG, …) as one channel at SAMPLE_RATE.

    Raises: VoiceError: not audio, empty, longer than MAX_FILE_S.
    """
    soundfile = needed("soundfile")
    try:
        with soundfile.SoundFile(path) as file:
            if not 0 < file.channels <= MAX_CHANNELS or not 1000 <= file.samplerate <= 400_000:
                raise VoiceError(f"{path}: {file.channels} channels at {file.samplerate} Hz: not a recording of speech")
            rate = int(file.samplerate)
            most = min(int(MAX_FILE_S * rate), MAX_VALUES // file.channels)
            samples = file.read(min(most + 1, max(0, file.frames)), dtype="float32", always_2d=True)
    except OSError as error:
        raise VoiceError(f"{path}: {error.strerror or error}") from None
    except soundfile.SoundFileError as error:
        problem = "there is no such file" if not path.exists() else "not a readable recording"
        raise VoiceError(f"{path}: {problem} ({str(error).split(': ')[-1].rstrip('.')})") from None
    if len(samples) == 0:
        raise VoiceError(f"{path}: there is no sound in it")
    if len(samples) > most:
        raise VoiceError(f"{path}: longer than {most / rate / 60:.0f} minutes: cut it into pieces")
    floats = np.clip(np.nan_to_num(samples), -MAX_FLOAT, MAX_FLOAT)
    return to_samples(resampled(_loudest(floats), rate))


def _loudest(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The channels' mean; where one is (nearly) mute or they cancel out, the loudest one."""
    mean = samples.mean(axis=1)
    powers = np.square(samples, dtype=np.float64).mean(axis=0)
    return mean if np.square(mean, dtype=np.float64).mean() > 0.4 * powers.max() else samples[:, int(powers.argmax())]


def resampled(samples: NDArray[np.float32], rate: int, to: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """(n,) at `rate` Hz as (m,) at `to` Hz."""
    return samples if rate == to else np.asarray(needed("soxr").resample(samples, rate, to), np.float32)


def to_samples(floats: NDArray[Any]) -> Samples:
    """Floats -1..1 as 16-bit, clipped."""
    return np.clip(np.rint(floats * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def to_floats(samples: Samples) -> NDArray[np.float32]:
    return (samples / FULL_SCALE).astype(np.float32)


def write(path: Path, samples: Samples) -> None:
    """As a WAV file, one channel at SAMPLE_RATE. Raises: OSError."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def frames(samples: Samples) -> Iterator[Samples]:
    """Cut into frames; the last one is filled up with silence."""
    for start in range(0, len(samples), FRAME_SAMPLES):
        frame = samples[start : start + FRAME_SAMPLES]
        yield frame if len(frame) == FRAME_SAMPLES else np.pad(frame, (0, FRAME_SAMPLES - len(frame)))


def level_dbfs(samples: Samples) -> float:
    """The mean level, 0 for a full-scale square wave; SILENCE_DBFS at least."""
    power = float(np.mean(np.square(samples / FULL_SCALE))) if len(samples) else 0.0
    return max(SILENCE_DBFS, 10 * np.log10(power)) if power > 0 else SILENCE_DBFS


def mixed(speech: Samples, noise: Samples, snr_db: float) -> Samples:
    """`speech` with `noise` (repeated as needed) so much quieter than its active part.

    The level of speech is that of its loudest frames (above a tenth of the power of the loudest), not of its pauses.
    """
    loudness, hum = speech / FULL_SCALE, np.resize(noise, len(speech)) / FULL_SCALE
    powers = np.array([np.mean(np.square(frame / FULL_SCALE)) for frame in frames(speech)])
    active = powers[powers > 0.1 * np.percentile(powers, 95)]
    quiet, loud = float(np.mean(np.square(hum))), float(active.mean()) if len(active) else 0.0
    if quiet == 0.0 or loud == 0.0:
        return speech
    together = loudness + hum * np.sqrt(loud / quiet / 10 ** (snr_db / 10))
    return to_samples(together / max(1.0, float(np.abs(together).max())))


def levelled(samples: Samples) -> Samples:
    """Without its constant part, its active part at SPEECH_DBFS: detectors and recognisers are trained on such levels."""
    if len(samples) == 0:
        return samples
    floats = samples.astype(np.float64) / FULL_SCALE
    floats -= np.median(floats)         # the mean of a short recording is that of its sound
    powers = np.array([np.mean(np.square(floats[at : at + FRAME_SAMPLES])) for at in range(0, len(floats), FRAME_SAMPLES)])
    active = float(np.percentile(powers, 95))
    if active == 0.0:
        return to_samples(floats)
    gain_db = min(MAX_GAIN_DB, SPEECH_DBFS - 10 * np.log10(active))
    return to_samples(floats * 10 ** (gain_db / 20))


def pink_noise(n: int, rng: np.random.Generator) -> Samples:
    """`n` samples of noise whose power falls by 3 dB an octave, like that of rooms, fans and traffic."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 8))
    noise = np.fft.irfft(spectrum, n)
    return to_samples(0.2 * noise / max(1e-9, float(np.abs(noise).max())))


def needed(module: str) -> Any:
    """A package of the voice extra. Raises: VoiceError: it is not installed."""
    from importlib import import_module

    try:
        return import_module(module)
    except (ImportError, OSError) as error:     # OSError: a library that the package needs, such as PortAudio
        raise VoiceError(f"speech needs {module}, which is not there ({error}): pip install 'ingle[voice]'") from None
