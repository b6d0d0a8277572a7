"""Jinja templates as they come in discovery messages, rendered by minijinja under limits.

Everything on the bus is untrusted, so a template gets a fuel limit (steps *and* bytes it builds), a source limit, an output
limit, and regular expressions are refused when their cost on a long text could not be bounded. Filters and functions are those
of Home Assistant that make sense for a message; what reaches into a home (`states`, `is_state`, …) does not exist here.
"""

from __future__ import annotations

import json
import logging
import re
import weakref
from collections.abc import Mapping
from typing import Any

import minijinja

from . import template_functions

log = logging.getLogger(__name__)

MAX_SOURCE_CHARS = 8_192
MAX_OUTPUT_CHARS = 65_536
FUEL = 200_000                      # minijinja's units: about one per instruction or byte built

_ENTITY_WORDS = re.compile(r"\b(?:this|entity_id|name)\b")


class TemplateError(Exception):
    """A template that cannot be compiled or did not render; one line that says why."""


class Template:
    """One compiled template. Made by `Templates.compile`; shared by all who use the same source."""

    __slots__ = ("__weakref__", "_engine", "_wants_json", "source", "wants_entity")

    def __init__(self, source: str, engine: minijinja.Environment) -> None:
        self.source = source
        self._engine = engine
        self._wants_json = "value_json" in source
        self.wants_entity = _ENTITY_WORDS.search(source) is not None

    def render(self, value: Any, variables: Mapping[str, Any] | None = None) -> str:
        """Render with `value`, and `value_json` where the value is a text that holds JSON.

        `value_json` is parsed anew each time: a template may change the object it gets, and it must not reach another's.
        Raises: TemplateError.
        """
        context = dict(variables) if variables else {}
        context["value"] = value
        if self._wants_json and isinstance(value, str):
            parsed = _parse(value)
            if parsed is not None:
                context["value_json"] = parsed
        return self.render_with(context)

    def render_with(self, context: Mapping[str, Any]) -> str:
        """Render with exactly these variables. Raises: TemplateError."""
        try:
            text = self._engine.render_template(self.source, **context)
        except Exception as error:  # minijinja's own, and whatever a filter raised beneath it
            raise TemplateError(_one_line(error)) from None
        if len(text) > MAX_OUTPUT_CHARS:
            raise TemplateError(f"the result has more than {MAX_OUTPUT_CHARS} characters")
        return str(text).strip()


class Templates:
    """Compiles templates once per source, and forgets a source when its last user goes."""

    def __init__(self) -> None:
        self._engine = _engine()
        self._known: weakref.WeakValueDictionary[str, Template] = weakref.WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._known)

    def compile(self, source: str) -> Template:
        """Raises: TemplateError: too long, or not a template."""
        known = self._known.get(source)
        if known is not None:
            return known
        if len(source) > MAX_SOURCE_CHARS:
            raise TemplateError(f"a template of {len(source)} characters, {MAX_SOURCE_CHARS} are allowed")
        try:
            self._engine.add_template(source, source)
        except Exception as error:
            raise TemplateError(_one_line(error)) from None
        template = Template(source, self._engine)
        self._known[source] = template
        weakref.finalize(template, self._forget, source)
        return template

    def _forget(self, source: str) -> None:
        if source not in self._known:  # it may have been compiled again meanwhile
            self._engine.remove_template(source)


def _engine() -> minijinja.Environment:
    engine = minijinja.Environment()
    engine.fuel = FUEL
    engine.pycompat = True
    engine.keep_trailing_newline = False
    for name, function in template_functions.FILTERS.items():
        engine.add_filter(name, function)
    for name, function in template_functions.FUNCTIONS.items():
        engine.add_global(name, function)
    for name, value in template_functions.CONSTANTS.items():
        engine.add_global(name, value)
    for name, test in template_functions.TESTS.items():
        engine.add_test(name, test)
    return engine


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _one_line(error: Exception) -> str:
    message = str(getattr(error, "message", "") or error)
    cause = error.__cause__
    line = f"{message} ({cause})" if cause is not None and str(cause) not in message else message
    return line.splitlines()[0][:200] if line else type(error).__name__
