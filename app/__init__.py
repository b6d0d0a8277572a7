"""The application: what happens when something is heard. `from ingle.app import Assistant` is the whole of Ingle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assistant import Assistant

__all__ = ["Assistant"]


def __getattr__(name: str) -> Any:
    """Import `Assistant` when it is first asked for: `ingle --help` needs neither the model nor MQTT."""
    if name == "Assistant":
        from .assistant import Assistant

        return Assistant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
