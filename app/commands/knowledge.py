"""The household's documents and notes: take them in, ask them, list, forget, export, and measure how well they are found."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from . import CommandError, add_action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ...knowledge.household import Knowledge
    from ...knowledge.passages import DocumentInfo, Passage

HELP = "take in, ask and look after the household's documents and notes"
BAR_CHARS = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    add = add_action(commands, "add", _add, "take in files and folders; what has not changed is left alone")
    add.add_argument("path", nargs="+", metavar="PATH", help="a file or a folder: Markdown, text, HTML, CSV, PDF, .docx")
    add.add_argument("--private", action=argparse.BooleanOptionalAction, default=None,
                     help="told only where the configuration allows it (default: as it was, at first not)")
    add.add_argument("--area", help="the room it is about")
    remember = add_action(commands, "remember", _remember, "keep a note")
    remember.add_argument("text", nargs="+", metavar="TEXT")
    remember.add_argument("--private", action="store_true", help="told only where the configuration allows it")
    remember.add_argument("--speaker", help="who says it")
    for name, run, about in (("ask", _ask, "answer a question, or say that nothing is known"),
                             ("search", _search, "show the passages that fit best")):
        each = add_action(commands, name, run, about)
        each.add_argument("text", nargs="+", metavar="TEXT")
        each.add_argument("--area", help="the room it is asked in")
        each.add_argument("-k", type=int, default=5, metavar="N", help="how many passages (default: 5)")
    add_action(commands, "list", _list, "what is known")
    forget = add_action(commands, "forget", _forget, "delete a document or note for good")
    forget.add_argument("what", nargs="+", metavar="WHAT", help="its number in `list`, its file, or words of a note")
    export = add_action(commands, "export", _export, "write all of it to a file")
    export.add_argument("file", metavar="FILE", help="JSON lines; - for standard output")
    load = add_action(commands, "import", _import, "take in an export")
    load.add_argument("file", metavar="FILE", help="- for standard input")
    add_action(commands, "repair", _repair, "check the store and mend what can be mended")
    add_action(commands, "reindex", _reindex, "embed everything anew, after the encoder has changed")
    evaluate = add_action(commands, "eval", _evaluate, "measure recall, answers, latency and memory on a made-up household")
    evaluate.add_argument("--household", metavar="FOLDER", help="another than the one in tests/knowledge")
    evaluate.add_argument("--half", choices=("train", "test", "all"), default="test", help="of its questions (default: test)")
    evaluate.add_argument("--crowd", type=int, default=0, metavar="N", help="hide it among N generated passages")
    evaluate.add_argument("--peer", metavar="FOLDER", help="measure sentence-transformers and hnswlib beside it: a folder of "
                          "all-MiniLM-L6-v2 (extra `bench`)")
    evaluate.add_argument("--fit", action="store_true", help="print weights of the ranking fitted on the training half instead")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def _add(args: argparse.Namespace) -> int:
    failed = False
    with _opened(args) as knowledge:
        for path in args.path:
            for done in knowledge.add(path, private=args.private, area=args.area, progress=_bar()):
                failed |= bool(done.problem)
                if args.json:
                    _print_json(_plain(done))
                elif done.problem:
                    print(f"ingle: {done.problem}", file=sys.stderr)
                elif done.change != "unchanged":
                    print(f"{done.change:9}  {done.location}  ({done.passages} passages, {done.embedded} new)")
    return int(failed)


def _remember(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        note = knowledge.remember(" ".join(args.text), speaker=args.speaker, private=args.private)
    _print_json(_plain(note)) if args.json else print(f"Noted: {note.text}")
    return 0


def _ask(args: argparse.Namespace) -> int:
    """The command line is the owner's: private passages are told here."""
    with _opened(args) as knowledge:
        answer = knowledge.ask(" ".join(args.text), area=args.area, with_private=True, k=args.k)
    if args.json:
        _print_json({"reply": answer.reply, "found": answer.found, "text": answer.text, "score": round(answer.score, 4),
                     "passages": [_passage(passage) for passage in answer.passages]})
    else:
        print(answer.reply)
    return 0


def _search(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        found = knowledge.search(" ".join(args.text), k=args.k, area=args.area, with_private=True)
    if args.json:
        _print_json([_passage(passage) for passage in found])
        return 0
    for passage in found:
        heading = f", {passage.source.heading}" if passage.source.heading else ""
        print(f"{passage.score:.2f}  {passage.source.brief}{heading}\n      {' '.join(passage.text.split())}")
    if not found:
        print("Nothing is known yet: `ingle knowledge add` takes documents in.")
    return 0


def _list(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        documents = knowledge.documents()
    if args.json:
        _print_json([_plain(document) for document in documents])
    for document in [] if args.json else documents:
        private = "  private" if document.private else ""
        said = f"{document.speaker or 'somebody'}: {document.text}" if document.kind == "note" else document.location
        print(f"{document.id:5}  {document.kind}  {document.passages:5}  {said}{private}")
    return 0


def _forget(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        meant = _meant(knowledge, " ".join(args.what))
        knowledge.forget(document.id for document in meant)
    if args.json:
        _print_json([_plain(document) for document in meant])
    else:
        for document in meant:
            print(f"Forgotten: {document.text or document.location}")
    return 0


def _meant(knowledge: Knowledge, said: str) -> list[DocumentInfo]:
    """Raises: CommandError: nothing, or more than one."""
    from pathlib import Path

    documents = knowledge.documents()
    place = str(Path(said).absolute())
    found = [each for each in documents if said in (str(each.id), each.location) or each.location == place]
    found = found or knowledge.notes_about(said)
    if not found:
        raise CommandError(f"{said!r}: no such document or note; `ingle knowledge list` shows what there is")
    if len(found) > 1:
        numbers = ", ".join(str(each.id) for each in found)
        raise CommandError(f"{said!r} may mean several notes: give the number of one of {numbers}")
    return found


def _export(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        if args.file == "-":
            for line in knowledge.export():
                print(line)
            return 0
        _write_whole(args.file, knowledge.export())
        n = len(knowledge.documents())
    _print_json({"file": args.file, "documents": n}) if args.json else print(f"Wrote {n} documents to {args.file}.")
    return 0


def _write_whole(name: str, lines: Iterator[str]) -> None:
    """Whole or not at all, readable by its owner only: what is private is in it too. Raises: CommandError."""
    import os
    from pathlib import Path

    path = Path(name)
    temporary = path.with_name(path.name + ".part")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _import(args: argparse.Namespace) -> int:
    from pathlib import Path

    n = 0
    try:
        with _opened(args) as knowledge, (sys.stdin if args.file == "-" else Path(args.file).open(encoding="utf-8")) as file:
            for done in knowledge.import_(file, progress=_bar()):
                n += 1
                if args.json:
                    _print_json(_plain(done))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{args.file}: cannot be read: {error}") from None
    if not args.json:
        print(f"Took in {n} documents.")
    return 0


def _repair(args: argparse.Namespace) -> int:
    with _opened(args) as knowledge:
        mended = knowledge.repair(progress=_bar())
    _print_json(mended) if args.json else print("\n".join(mended) or "Nothing was wrong.")
    return 0


def _reindex(args: argparse.Namespace) -> int:
    from ...knowledge.household import reindex

    n = reindex(_path(args), progress=_bar())
    _print_json({"passages": n}) if args.json else print(f"Embedded {n} passages.")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ...knowledge import evaluate

    folder = Path(args.household) if args.household else evaluate.HOUSEHOLD
    if args.fit:
        _print_json({name: {"bias": weights.bias, **weights.of} for name, weights in evaluate.fit(folder).items()}
                    | {"THRESHOLD": evaluate.threshold(folder)})
        return 0
    report = evaluate.evaluate(folder, half=args.half, crowd=args.crowd,
                               peer=Path(args.peer) if args.peer else None)
    if args.json:
        _print_json(report)
    else:
        _print_tree(report)
    return 0


def _print_tree(tree: dict[str, Any], indent: str = "") -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            _print_tree(value, indent + "  ")
        else:
            print(f"{indent}{name:24} {value:.4g}" if isinstance(value, float) else f"{indent}{name:24} {value}")


def _path(args: argparse.Namespace) -> Path:
    from ..config import load
    from ..knowledge_link import DATABASE

    return load(args.config).data_path / DATABASE


def _opened(args: argparse.Namespace) -> Knowledge:
    from ...knowledge.household import Knowledge

    return Knowledge.open(_path(args))


def _bar() -> Callable[[int, int], None]:
    """A progress bar on the terminal, for work of more than a moment."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        if total > 100 and (done % 20 == 0 or done == total):
            filled = BAR_CHARS * done // total
            end = "\r\033[K" if done == total else ""
            print(f"\r[{'#' * filled}{' ' * (BAR_CHARS - filled)}] {done} of {total} passages{end}", end="", file=sys.stderr)
    return show


def _passage(passage: Passage) -> dict[str, Any]:
    from dataclasses import asdict

    return {"text": passage.text, "score": round(passage.score, 4), "cosine": round(passage.cosine, 4),
            "source": asdict(passage.source) | {"brief": passage.source.brief}}


def _plain(data: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(data)


def _print_json(data: Any) -> None:
    import json

    print(json.dumps(data, ensure_ascii=False))
