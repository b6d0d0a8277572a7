"""pocketsphinx for small boards (MIT; its English model is in its wheel): a language model made of this home's sentences.

It decodes while somebody speaks, so that the text is there a moment after the last word. The language model is a mixture of word
pairs counted over sentences written from patterns and this home's names; words that its dictionary lacks get sounds by rule.
"""

from __future__ import annotations

import asyncio
import math
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from .audio import needed
from .commands import household_sentences
from .types import Hypothesis, OnPartial, Phrases, Samples, Transcript

N_BEST: Final = 5
PARTIAL_EVERY: Final = 16           # frames: about twice a second
SCALE: Final = 1024 / 16             # its scores lost 10 bits; frames are not as independent as they count them
WORST: Final = -20.0                # relative to the likeliest, where it gives no score
DISCOUNT: Final = 0.5               # of counts, for pairs that were never seen
LETTER_SOUNDS: Final = {            # for words that the dictionary lacks: a rough English reading in ARPAbet
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S",
    "y": "IY", "z": "Z", "sh": "SH", "ch": "CH", "th": "TH", "ph": "F", "ng": "NG", "ee": "IY", "oo": "UW", "ai": "EY",
    "ay": "EY", "ou": "AW", "ow": "OW", "oa": "OW", "ck": "K", "qu": "K W",
}  # fmt: skip


class Sphinx:
    """A recogniser whose only words are those that are said in this home."""

    name = "pocketsphinx en-us"

    def __init__(self) -> None:
        """Raises: VoiceError: it is not installed."""
        self._package = needed("pocketsphinx")
        self._dictionary = Path(self._package.get_model_path("en-us/cmudict-en-us.dict"))
        self._decoder: Any = None
        self._phrases = Phrases()
        self._changed = True

    def lean_towards(self, phrases: Phrases) -> None:
        self._phrases, self._changed = phrases, True

    async def transcribe(self, speech: AsyncIterable[Samples], *, on_partial: OnPartial | None = None) -> Transcript:
        if self._changed:
            self._decoder = await asyncio.to_thread(self._built)
            self._changed = False
        decoder = self._decoder
        decoder.start_utt()
        n = 0
        async for frame in speech:
            await asyncio.to_thread(decoder.process_raw, frame.tobytes(), no_search=False, full_utt=False)
            n += 1
            if on_partial is not None and n % PARTIAL_EVERY == 0 and (partial := decoder.hyp()) is not None:
                on_partial(Transcript((Hypothesis(partial.hypstr),)))
        await asyncio.to_thread(decoder.end_utt)
        return self._result(decoder) if n else Transcript()

    async def close(self) -> None:
        self._decoder = None

    def _result(self, decoder: Any) -> Transcript:
        best = decoder.hyp()
        if best is None or not best.hypstr:
            return Transcript()
        found: dict[str, float] = {best.hypstr: -math.inf}
        for other, _ in zip(decoder.nbest(), range(4 * N_BEST), strict=False):
            if other is not None and other.hypstr and other.score > 0:
                found[other.hypstr] = max(found.get(other.hypstr, -math.inf), SCALE * math.log(other.score))
        likeliest = max(found.values())
        ranked = sorted(found.items(), key=lambda each: -each[1])[:N_BEST]
        return Transcript(tuple(Hypothesis(text, max(score - likeliest, WORST)) for text, score in ranked))

    def _built(self) -> Any:
        sentences = [re.findall(r"[a-z']+", sentence.lower()) for sentence in household_sentences(self._phrases)]
        words = sorted({word for sentence in sentences for word in sentence})
        with tempfile.TemporaryDirectory() as folder:
            dictionary, model = Path(folder, "words.dict"), Path(folder, "home.lm")
            dictionary.write_text("".join(_pronunciations(words, self._dictionary)), encoding="utf-8")
            model.write_text(arpa(sentences), encoding="utf-8")
            return self._package.Decoder(
                hmm=self._package.get_model_path("en-us/en-us"), dict=str(dictionary), lm=str(model), loglevel="FATAL")


def _pronunciations(words: Sequence[str], dictionary: Path) -> Iterable[str]:
    """Lines of a dictionary for these words, all ways to say each."""
    wanted, found = set(words), set()
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            word = line.split(maxsplit=1)[0].partition("(")[0]
            if word in wanted:
                found.add(word)
                yield line
    for word in sorted(wanted - found):
        sounds = re.findall("|".join(sorted(LETTER_SOUNDS, key=len, reverse=True)), word.rstrip("e") or word)
        yield f"{word} {' '.join(LETTER_SOUNDS[letters] for letters in sounds)}\n"


def arpa(sentences: Sequence[Sequence[str]]) -> str:
    """A bigram model of the sentences in ARPA's text form, with absolute discounting."""
    padded = [["<s>", *sentence, "</s>"] for sentence in sentences if sentence]
    ones = Counter(word for sentence in padded for word in sentence[1:])
    pairs = Counter(pair for sentence in padded for pair in pairwise(sentence))
    total = sum(ones.values())
    firsts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for (first, _), n in pairs.items():
        firsts[first] += n
        kinds[first] += 1
    back_off = {first: math.log10(DISCOUNT * kinds[first] / firsts[first]) for first in firsts}
    lines = ["\\data\\", f"ngram 1={len(ones) + 1}", f"ngram 2={len(pairs)}", "", "\\1-grams:", f"-99 <s> {back_off['<s>']:.4f}"]
    lines += [f"{math.log10(n / total):.4f} {word} {back_off.get(word, 0.0):.4f}" for word, n in sorted(ones.items())]
    lines += ["", "\\2-grams:"]
    for (first, second), n in sorted(pairs.items()):
        lines.append(f"{math.log10((n - DISCOUNT) / firsts[first]):.4f} {first} {second}")
    return "\n".join([*lines, "", "\\end\\", ""])
