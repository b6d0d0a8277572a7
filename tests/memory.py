"""Where tests put what they write by the thousand: synced to a real disk, each step would be waited for."""

from pathlib import Path
from typing import Final

MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
