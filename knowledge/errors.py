"""What can go wrong with the household's knowledge, each with one line that says what to do."""

from __future__ import annotations


class KnowledgeError(Exception):
    """The person or the household's owner can mend it: the message says how."""


class Unreadable(KnowledgeError):
    """A document that cannot be taken in; nothing of it was."""


class StoreError(KnowledgeError):
    """The store's file cannot be used."""


class WrongModel(StoreError):
    """The store was embedded by another encoder; the message names both."""
