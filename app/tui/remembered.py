"""What the screen remembers of its own from one time to the next: the theme. In `data_dir/screen.json`."""

from __future__ import annotations

import contextlib
import json
from typing import Final

from ..config import Config

FILE: Final = "screen.json"


def remembered_theme(config: Config) -> str | None:
    try:
        data = json.loads((config.data_path / FILE).read_text(encoding="utf-8"))
        return str(data["theme"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_theme(config: Config, theme: str) -> None:
    """A disk that is full costs nothing but the memory of it."""
    with contextlib.suppress(OSError):
        config.data_path.mkdir(parents=True, exist_ok=True)
        (config.data_path / FILE).write_text(json.dumps({"theme": theme}) + "\n", encoding="utf-8")
