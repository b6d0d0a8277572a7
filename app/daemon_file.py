"""Where the running daemon can be reached: `run.json` in data_dir, as an embedded broker's port may be any."""

from __future__ import annotations

import json
import os
from typing import Final

from .config import Config

RUN_FILE: Final = "run.json"


def write_run_file(config: Config, url: str) -> None:
    """Say that this process serves at `url`; a reader sees the old file or the new one."""
    file = config.data_path / RUN_FILE
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"pid": os.getpid(), "url": url}), encoding="utf-8")
    part.replace(file)


def remove_run_file(config: Config) -> None:
    (config.data_path / RUN_FILE).unlink(missing_ok=True)
