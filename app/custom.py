"""The household's own sentences (`custom_sentences` in config.yaml) and the skills of others, put together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from ..engine.interpreter import Intent, Interpretation
from ..skills.home.model import Home
from ..skills.own import own_skills
from ..skills.registry import Registry, SkillError, load_skills
from ..skills.sentences import OwnSentences, Sentences, read_sentences
from .config import Config

log = logging.getLogger(__name__)


def household_skills(config: Config) -> Registry:
    """Ingle's skills, those of installed packages, and the household's own intents.

    Raises: SentencesError: a file of sentences; SkillError: two skills claim one intent.
    """
    registry = load_skills(on_fault=_left_out)
    sentences = own_sentences(config)
    return registry if sentences is None else registry.with_own(own_skills(sentences), sentences)


def own_sentences(config: Config) -> Sentences | None:
    """What `custom_sentences` holds. Raises: SentencesError."""
    given = config.custom_sentences
    if given is None:
        return None
    source: Path | Mapping[str, object] = given if isinstance(given, Mapping) else config.resolved(given)
    return read_sentences(source, f"{config.file or 'config.yaml'}: custom_sentences")


def own_words(config: Config) -> tuple[str, ...]:
    """Every word of the household's own sentences and of those that skills bring: for speech recognition to listen for.

    Raises: as `household_skills`.
    """
    return OwnSentences(household_skills(config).sentences).words


def understood_as_own(own: OwnSentences, text: str, home: Home, area: str | None) -> Interpretation | None:
    """`text` as one of the household's own sentences, certain; None: it is none."""
    heard = own.hear(text, home, area=area)
    if heard is None:
        return None
    return Interpretation(intents=(Intent(heard.intent, dict(heard.slots), 1.0),), confidence=1.0)


def _left_out(error: SkillError) -> None:
    log.error("a skill is left out: %s", error)
