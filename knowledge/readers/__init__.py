"""Documents to sections: one reader a format. They take text out and nothing else: no links are followed, nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from ..errors import Unreadable
from ..passages import Section

MAX_FILE_BYTES: Final = 200 * 2**20
MAX_TEXT_CHARS: Final = 20_000_000

Reader = Callable[[bytes], list[Section]]

_READERS: Final[Mapping[str, str]] = {
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text", ".log": "text", ".html": "html", ".htm": "html",
    ".csv": "table", ".tsv": "table", ".pdf": "pdf", ".docx": "docx",
}
SUFFIXES: Final = frozenset(_READERS)


def read_bytes(path: Path) -> tuple[bytes, float]:
    """A document's bytes, and when it was changed (Unix seconds). Raises: Unreadable."""
    if path.suffix.lower() not in SUFFIXES:
        raise Unreadable(f"{path}: files of the kind {path.suffix or 'without a suffix'!r} are not read; "
                         f"these are: {', '.join(sorted(SUFFIXES))}")
    try:
        status = path.stat()
        if status.st_size > MAX_FILE_BYTES:
            raise Unreadable(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB: split it")
        return path.read_bytes(), status.st_mtime
    except OSError as error:
        raise Unreadable(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def sections_of(path: Path, data: bytes) -> list[Section]:
    """A document's sections. Raises: Unreadable: damaged, of another kind than its name says, or without text."""
    reader: Reader = import_module(f".{_READERS[path.suffix.lower()]}", __package__).read
    try:
        found = [section for section in reader(data) if section.text.strip()]
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from None
    except (RecursionError, MemoryError, ValueError, LookupError, ArithmeticError) as error:
        raise Unreadable(f"{path}: damaged, or not what its name says ({type(error).__name__}: {error})") from None
    if not found:
        raise Unreadable(f"{path}: there is no text in it (a scan? run text recognition over it first)")
    if sum(len(section.text) for section in found) > MAX_TEXT_CHARS:
        raise Unreadable(f"{path}: more than {MAX_TEXT_CHARS:,} characters of text: split it")
    return found


def title_of(path: Path) -> str:
    """What people would call the document: its file's name in words."""
    name = " ".join(path.stem.replace("_", " ").replace("-", " ").split())
    return name[:1].upper() + name[1:] if name else path.name
