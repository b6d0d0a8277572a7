"""Whether Ingle must not listen: kept over restarts, so that a power cut does not open a microphone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ON: Final = "ON"                    # as the switch says it on the bus: microphones are closed
OFF: Final = "OFF"


class Mute:
    """A file in `folder` says that it is on; no file, that it is not."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "muted"
        self.on = self._file.exists()

    @property
    def payload(self) -> str:
        return ON if self.on else OFF

    def take(self, payload: bytes) -> bool:
        """Obey what came on the switch's command topic. Returns: whether it was ON or OFF. Raises: OSError: it is not kept."""
        if payload not in (ON.encode(), OFF.encode()):
            return False
        self.on = payload == ON.encode()
        if self.on:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            os.fsync(file)
            os.close(file)
        else:
            self._file.unlink(missing_ok=True)
        return True
