"""Audio as arrays and files, the end of speech, the language model of a home's sentences."""

from __future__ import annotations

import contextlib
import io
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.voice.audio import SILENCE_DBFS, SPEECH_DBFS, frames, level_dbfs, levelled, mixed, pink_noise, read, write
from ingle.app.voice.commands import household_sentences
from ingle.app.voice.earcons import NOTES, earcon
from ingle.app.voice.endpoint import Endpointer, Patience, trimmed
from ingle.app.voice.phrases import home_phrases
from ingle.app.voice.sphinx import arpa
from ingle.app.voice.types import FRAME_S, FRAME_SAMPLES, SAMPLE_RATE, Phrases, Samples, VoiceError

from .worlds import family_house


def tone(seconds: float, hz: float = 440.0, rate: int = SAMPLE_RATE) -> Samples:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.int16)


# levels, noise

def test_levels_are_those_of_a_full_scale_square_wave() -> None:
    assert level_dbfs(np.full(512, -32768, np.int16)) == pytest.approx(0.0)
    assert level_dbfs(np.full(512, 328, np.int16)) == pytest.approx(-40.0, abs=0.1)
    assert level_dbfs(np.zeros(512, np.int16)) == level_dbfs(np.zeros(0, np.int16)) == SILENCE_DBFS


@pytest.mark.parametrize("snr_db", [24.0, 6.0, 0.0])
def test_noise_is_mixed_in_by_the_level_of_what_is_spoken_not_of_the_pauses(snr_db: float) -> None:
    speech = np.concatenate((np.zeros(SAMPLE_RATE, np.int16), tone(1.0), np.zeros(2 * SAMPLE_RATE, np.int16)))
    noise = pink_noise(SAMPLE_RATE, np.random.default_rng(0))
    together = mixed(speech, noise, snr_db)
    noisy, spoken = together[:SAMPLE_RATE], together[SAMPLE_RATE : 2 * SAMPLE_RATE]
    power = 10 ** (level_dbfs(spoken) / 10) - 10 ** (level_dbfs(noisy) / 10)
    assert 10 * math.log10(power) - level_dbfs(noisy) == pytest.approx(snr_db, abs=0.6)


def test_frames_fill_the_last_one_with_silence() -> None:
    cut = list(frames(np.ones(FRAME_SAMPLES + 1, np.int16)))
    assert [len(frame) for frame in cut] == [FRAME_SAMPLES] * 2
    assert cut[1].sum() == 1


@pytest.mark.parametrize("which", list(NOTES))
def test_earcons_are_short_and_not_loud(which: str) -> None:
    sound = earcon(which)       # type: ignore[arg-type]
    assert 0.05 < len(sound.samples) / sound.rate <= 0.2
    assert level_dbfs(sound.samples) < -12


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0])
def test_a_levelled_recording_is_as_loud_whatever_the_microphone(gain: float) -> None:
    recording = np.concatenate((np.zeros(SAMPLE_RATE, np.int16), tone(1.0))) * gain + 900
    level = levelled(recording.astype(np.int16))
    assert level_dbfs(level[SAMPLE_RATE:]) == pytest.approx(SPEECH_DBFS, abs=0.5)
    assert abs(int(np.median(level[:SAMPLE_RATE]))) <= 1


@given(st.lists(st.integers(-32768, 32767), max_size=2000))
def test_any_sound_can_be_levelled_and_silence_stays_silence(values: list[int]) -> None:
    levelled_values = levelled(np.array(values, np.int16))
    assert levelled_values.dtype == np.int16
    assert len(levelled_values) == len(values)
    assert not levelled(np.full(len(values), 5000, np.int16)).any()


# files

@pytest.mark.parametrize(("rate", "channels", "subtype"), [
    (8000, 1, "PCM_U8"), (16000, 1, "PCM_16"), (22050, 2, "PCM_16"), (44100, 1, "PCM_24"),
    (48000, 6, "FLOAT"), (96000, 2, "PCM_32"),
])
def test_recordings_of_any_kind_become_one_channel_at_our_rate(tmp_path: Path, rate: int, channels: int, subtype: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    wave = tone(1.0, rate=rate).astype(np.float64) / 32768
    soundfile.write(tmp_path / "a.wav", np.stack([wave] * channels, axis=1), rate, subtype=subtype)
    samples = read(tmp_path / "a.wav")
    assert len(samples) == pytest.approx(SAMPLE_RATE, abs=50)
    spectrum = np.abs(np.fft.rfft(samples / 32768))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(samples) == pytest.approx(440, abs=2)
    assert level_dbfs(samples) == pytest.approx(level_dbfs(tone(1.0)), abs=0.5)


def test_one_mute_channel_or_one_turned_round_does_not_silence_a_recording(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    wave = tone(0.5).astype(np.float64) / 32768
    for name, other in (("mute", 0 * wave), ("round", -wave)):
        soundfile.write(tmp_path / f"{name}.wav", np.stack([wave, other], axis=1), SAMPLE_RATE)
        assert level_dbfs(read(tmp_path / f"{name}.wav")) == pytest.approx(level_dbfs(tone(0.5)), abs=0.5)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    write(tmp_path / "a.wav", tone(0.3))
    assert np.array_equal(read(tmp_path / "a.wav"), tone(0.3))


def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    good = tmp_path / "good.wav"
    soundfile.write(good, tone(0.2), SAMPLE_RATE)
    data = good.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", b"RIFF", data[:44], b"not a recording at all", bytes(rng.integers(0, 256, 200, dtype=np.uint8))]
    for number, content in enumerate(damaged):
        file = tmp_path / f"{number}.wav"
        file.write_bytes(content)
        with pytest.raises(VoiceError) as error:
            read(file)
        assert "\n" not in str(error.value)
        assert str(file) in str(error.value)
    with pytest.raises(VoiceError, match="no such file"):
        read(tmp_path / "absent.wav")


@given(st.integers(0, 200), st.binary(min_size=1, max_size=20))
def test_damaged_recordings_are_read_or_refused(at: int, junk: bytes) -> None:
    soundfile = pytest.importorskip("soundfile")
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(0.05), SAMPLE_RATE, format="WAV")
    data = buffer.getvalue()
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(data[:at] + junk + data[at + len(junk) :])
        file.flush()
        with contextlib.suppress(VoiceError):
            assert read(Path(file.name)).dtype == np.int16


# the end of speech

def run(endpointer: Endpointer, *probabilities: float) -> list[str]:
    return [endpointer.take(probability) for probability in probabilities]


def test_an_utterance_ends_after_its_pause_and_not_between_words() -> None:
    short, long = int(0.4 / FRAME_S), int(0.6 / FRAME_S) + 1
    states = run(Endpointer(Patience(pause=0.6)), *[0.9] * 20, *[0.1] * short, *[0.9] * 10, *[0.1] * long)
    assert states.index("ended") >= 20 + short + 10 + int(0.6 / FRAME_S) - 1
    assert "nothing" not in states


def test_a_click_is_no_word() -> None:
    states = run(Endpointer(Patience(to_begin=1.0)), 0.9, *[0.1] * 60)
    assert "speaking" not in states
    assert "nothing" in states


@given(st.lists(st.floats(0, 1), min_size=1, max_size=800))
def test_whatever_is_heard_it_comes_to_an_end(probabilities: list[float]) -> None:
    endpointer, most = Endpointer(Patience(to_begin=2.0, longest=5.0)), int(7.0 / FRAME_S) + 2
    states = run(endpointer, *(probabilities * (most // len(probabilities) + 1))[:most])
    assert {"ended", "nothing"} & set(states)


def test_a_recording_is_cut_to_its_speech_with_a_margin() -> None:
    samples = np.arange(100 * FRAME_SAMPLES) % 100
    cut = trimmed(samples.astype(np.int16), [0.0] * 40 + [0.9] * 20 + [0.0] * 40)
    assert cut is not None
    assert len(cut) / SAMPLE_RATE == pytest.approx(20 * FRAME_S + 1.0, abs=0.05)
    assert trimmed(samples.astype(np.int16), [0.1] * 100) is None
    assert trimmed(np.zeros(0, np.int16), []) is None


def test_long_pauses_are_left_out_and_nothing_of_what_is_spoken() -> None:
    samples = np.repeat(np.arange(300, dtype=np.int16), FRAME_SAMPLES)
    probabilities = [0.9 if frame in range(20, 30) or frame in range(200, 230) else 0.0 for frame in range(300)]
    cut = trimmed(samples[:-7], probabilities)
    assert cut is not None
    assert {*range(20, 30), *range(200, 230)} <= set(cut.tolist())
    assert len(cut) / SAMPLE_RATE < 40 * FRAME_S + 2.2


@given(st.lists(st.floats(0, 1), min_size=1, max_size=120), st.integers(0, FRAME_SAMPLES - 1))
def test_whatever_a_detector_says_a_recording_is_cut_in_order(probabilities: list[float], missing: int) -> None:
    samples = (np.arange(len(probabilities) * FRAME_SAMPLES - missing) // 64).astype(np.int16)
    cut = trimmed(samples, probabilities)
    if cut is None:
        assert max(probabilities) < 0.25
    else:
        assert (np.diff(cut) >= 0).all()
        assert 0 < len(cut) <= len(samples)


# this home's words

def test_a_homes_phrases_are_its_names_rooms_lists_and_options() -> None:
    phrases = home_phrases(family_house(), ["Shopping", "To-do list"])
    assert {"Kitchen Ceiling", "cooker lamp", "Shopping list", "To-do list"} <= set(phrases.names)
    assert {"Kitchen", "our room", "top floor"} <= set(phrases.areas)
    assert "Secret Light" not in phrases.words()
    assert len(set(phrases.words())) == len(phrases.words())


def test_the_language_model_sums_to_one_and_knows_every_word() -> None:
    sentences = [sentence.lower().split() for sentence in household_sentences(Phrases(names=("Desk Lamp",), areas=("Attic",)))]
    text = arpa(sentences)
    ones, pairs = (dict[str, float](), dict[tuple[str, str], float]())
    backs: dict[str, float] = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) in (2, 3) and parts[0].lstrip("-").replace(".", "").isdigit():
            value = 10 ** float(parts[0])
            if len(parts) == 3 and parts[2].lstrip("-").replace(".", "").isdigit():
                ones[parts[1]], backs[parts[1]] = value, 10 ** float(parts[2])
            elif len(parts) == 3:
                pairs[parts[1], parts[2]] = value
    assert {"desk", "lamp", "attic", "<s>", "</s>"} <= set(ones)
    assert sum(value for word, value in ones.items() if word != "<s>") == pytest.approx(1.0, abs=0.02)
    seen = sum(value for (first, _), value in pairs.items() if first == "turn")
    assert seen + backs["turn"] == pytest.approx(1.0, abs=0.02)      # what is discounted is what backing off gives


# the machine

def test_a_small_machine_with_profile_auto_does_not_load_the_large_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    from ingle.app.config import Config
    from ingle.app.voice import whisper
    from ingle.app.voice.hearing import open_recognizer

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)      # one core
    monkeypatch.setattr(whisper, "packaged_weights", lambda: pytest.fail("its weights were looked at"))
    assert open_recognizer(Config()).name.startswith("pocketsphinx")
