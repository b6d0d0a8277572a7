"""Skills: what can be asked for and which package answers it; the beginnings of one of your own."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from . import CommandError

if TYPE_CHECKING:
    from ...skills.registry import Entry, Registry

HELP = "list and describe the skills, or begin one of your own"

# Files of the template: where they come from, where they go.
FILES: Final = {
    "pyproject.toml": "pyproject.toml", "README.md": "README.md", "src/__init__.py.txt": "src/$package/__init__.py",
    "src/sentences.yaml": "src/$package/sentences.yaml", "tests/test_skill.py.txt": "tests/test_$package.py",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    does = parser.add_subparsers(metavar="DO", required=True)
    new = does.add_parser("new", help="write a complete, tested package to begin with",
                          description="Write a complete, tested package that Ingle finds once it is installed.")
    new.add_argument("name", metavar="NAME", help="lower-case words joined by hyphens: good-night")
    new.add_argument("--folder", type=Path, help="where to (default: ./ingle-skill-NAME)")
    new.set_defaults(do=_new)
    each = does.add_parser("list", help="what can be asked for, and which package answers it")
    each.add_argument("--json", action="store_true", help="as JSON")
    each.set_defaults(do=_list)
    docs = does.add_parser("docs", help="the same in full, as Markdown, made from the code")
    docs.set_defaults(do=_docs)


def run(args: argparse.Namespace) -> int:
    args.do(args)
    return 0


# --- new

def _new(args: argparse.Namespace) -> None:
    name: str = args.name
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise CommandError(f"{name!r} is no name of a skill: use lower-case words joined by hyphens, like good-night")
    folder: Path = args.folder or Path(f"ingle-skill-{name}")
    if folder.exists() and any(folder.iterdir()):
        raise CommandError(f"{folder} is not empty: give another --folder")
    written = write_skill(name, folder)
    print(f"{folder}: {len(written)} files. Next: cd {folder} && python -m pytest && pip install .")


def write_skill(name: str, folder: Path) -> list[Path]:
    """Write the package of a new skill into a folder; return its files."""
    words = {
        "name": name, "package": f"ingle_skill_{name.replace('-', '_')}", "phrase": name.replace("-", " "),
        "intent": "".join(word.capitalize() for word in name.split("-")),
    }
    written = []
    for source, target in FILES.items():
        path = folder / Template(target).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (Path(__file__).parent.parent / "skill_template" / source).read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(words), encoding="utf-8")
        written.append(path)
    return written


# --- list and docs

def _list(args: argparse.Namespace) -> None:
    import json

    rows = [_row(entry) for entry in _registry(args).entries]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    width = max(len(row["intent"]) for row in rows)
    print("\n".join(f"{row['intent']:{width}}  {row['origin']}" for row in sorted(rows, key=lambda row: row["intent"])))


def _row(entry: Entry) -> dict[str, Any]:
    return {"intent": entry.intent, "origin": entry.origin, "slots": list(_slots(entry)), "doc": _doc(entry)}


def _docs(args: argparse.Namespace) -> None:
    print("\n".join(markdown(_registry(args))))


def markdown(registry: Registry) -> Iterator[str]:
    """Every intent with what it does, its slots and what can be said, as Markdown, by the package it comes from."""
    by_package: dict[str, list[Entry]] = {}
    for entry in registry.entries:
        by_package.setdefault(entry.origin.rpartition(".")[0] or entry.origin, []).append(entry)
    yield "# Skills"
    for package, entries in sorted(by_package.items()):
        yield f"\n## {package}"
        for entry in sorted(entries, key=lambda entry: entry.intent):
            yield f"\n### {entry.intent}\n"
            yield _doc(entry)
            slots = ", ".join(f"`{slot}`" for slot in _slots(entry))
            yield f"\nSlots: {slots or 'none'}"
            yield from (f"- {sentence}" for sentence in _said(registry, entry))


def _said(registry: Registry, entry: Entry) -> Iterator[str]:
    """The templates that lead to it, of the household's or a skill's own sentences."""
    for source in registry.sentences:
        for block in (source.data["intents"].get(entry.intent) or {"data": []})["data"]:
            yield from (f"`{template}`" for template in block["sentences"])


def _slots(entry: Entry) -> Iterator[str]:
    from dataclasses import fields

    from ...skills.registry import REST, slot_name

    yield from (slot_name(field) for field in fields(entry.slots) if field.name != REST)


def _doc(entry: Entry) -> str:
    skill = getattr(entry.skill, "skill", entry.skill)      # of a stranger's, the one behind its thread
    return " ".join((type(skill).__doc__ or "").split())


def _registry(args: argparse.Namespace) -> Registry:
    from ..config import load
    from ..custom import household_skills

    return household_skills(load(args.config))
