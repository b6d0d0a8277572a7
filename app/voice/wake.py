"""Wake words on the device, through pymicro-wakeword (Apache-2.0), whose wheel carries its models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .audio import needed
from .types import Samples, VoiceError

DEAF_FRAMES: Final = 30             # after it was heard, so that one saying is heard once (about a second)


class MicroWakeWord:
    """One or several words: the built-in ones by what is said ("okay nabu"), others by their model's JSON file."""

    def __init__(self, words: Sequence[str]) -> None:
        """Raises: VoiceError: there is no such word."""
        package = needed("pymicro_wakeword")
        self._features = package.MicroWakeWordFeatures()
        self._models = [_model(package, word) for word in words]
        self.words = tuple(str(model.wake_word).lower() for model in self._models)
        self._deaf = 0

    async def heard(self, frame: Samples) -> str | None:
        found = None
        for features in self._features.process_streaming(frame.tobytes()):
            for model, word in zip(self._models, self.words, strict=True):
                if model.process_streaming(features):
                    found = found or word
        self._deaf = max(0, self._deaf - 1)
        if found is None or self._deaf:
            return None
        self._deaf = DEAF_FRAMES
        return found

    def reset(self) -> None:
        self._features.reset()
        for model in self._models:
            model.reset()

    async def close(self) -> None:
        for model in self._models:
            model.close()


def _model(package: Any, word: str) -> Any:
    if word.endswith(".json"):
        try:
            return package.MicroWakeWord.from_config(Path(word))
        except (OSError, ValueError, KeyError) as error:
            raise VoiceError(f"{word}: not the description of a wake word model ({error}): correct voice.wake_words") from None
    builtin = {model.value.replace("_", " "): model for model in package.Model}
    if word.lower() not in builtin:
        raise VoiceError(f"there is no wake word {word!r}: use {', '.join(sorted(builtin))}, or a model's .json file")
    return package.MicroWakeWord.from_builtin(builtin[word.lower()])
