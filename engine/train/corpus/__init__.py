"""The training corpus: hand-written patterns, lexicons, people's own sentences, and the noise of real life."""


class DoesNotFit(ValueError):
    """A pattern that cannot become an example: no words for a placeholder, or a value that is no span of its sentence."""
