"""The record of what Ingle decided and of what left the house: lists it, tells of one turn (`explain ID`), checks it (`verify`).

Every entry is bound to the one before by a hash; `verify` finds the first that is not as it was written.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import CommandError

if TYPE_CHECKING:
    from ..audit import Audit, Entry

HELP = "show what was decided and what left the house, and check the record"
KINDS = ("decision", "limit", "sent", "received", "failed", "recovered")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", default="list", choices=("list", "explain", "verify"))
    parser.add_argument("id", nargs="?", metavar="ID", help="explain: the turn's id, or its beginning; `last`: the last one's")
    parser.add_argument("--kind", choices=KINDS, help="list: only such entries")
    parser.add_argument("--route", choices=("local", "knowledge", "cloud", "none"), help="list: only decisions for that route")
    parser.add_argument("--since", metavar="DATE", help="list: from then on, as 2026-11-24 or 2026-11-24T18:00 (UTC)")
    parser.add_argument("-n", type=int, default=None, metavar="N", help="list: only the last N")
    parser.add_argument("--json", action="store_true", help="print JSON lines")


def run(args: argparse.Namespace) -> int:
    from ..audit import Audit
    from ..config import load
    from ..outside import audit_folder

    audit = Audit(audit_folder(load(args.config)))
    if args.what == "verify":
        print(f"{audit.verify()} entries, the chain is whole")
    elif args.what == "explain":
        _explain(audit, args)
    else:
        _list(audit, args)
    return 0


def _list(audit: Audit, args: argparse.Namespace) -> None:
    entries = [entry for entry in audit.entries() if _wanted(entry, args)]
    for entry in entries[-args.n :] if args.n else entries:
        print(_as_json(entry) if args.json else _line(entry))


def _wanted(entry: Entry, args: argparse.Namespace) -> bool:
    return (
        (args.kind is None or entry.kind == args.kind)
        and (args.route is None or entry.facts.get("route") == args.route)
        and (args.since is None or entry.at >= args.since)
    )


def _line(entry: Entry) -> str:
    facts = entry.facts
    match entry.kind:
        case "decision":
            told = f"{facts['route']}  {facts.get('rule') or ', '.join(facts['intents'])}"
        case "limit":
            told = f"{facts['limit']}: {facts['detail']}"
        case "sent":
            told = f"{facts['method']} {facts['url']}  {_question(facts)}"
        case _:
            told = ", ".join(f"{key} {value}" for key, value in facts.items() if key != "turn")
    return f"{entry.number:6}  {entry.at}  {entry.kind:9}  {facts.get('turn', ''):16}  {told}"


def _question(facts: dict[str, Any]) -> str:
    """What was asked, of all that was sent."""
    import json

    messages = json.loads(facts["body"]).get("messages") or [{}]
    return json.dumps(messages[-1].get("content", ""), ensure_ascii=False)


def _explain(audit: Audit, args: argparse.Namespace) -> None:
    """All that is on record of one turn. Raises: CommandError: nothing is, or the beginning is that of several."""
    if args.id is None:
        raise CommandError("audit explain needs the turn's ID: `ingle audit` lists them")
    turns: dict[str, list[Entry]] = {}
    for entry in audit.entries():
        turns.setdefault(str(entry.facts.get("turn", "")), []).append(entry)
    found = [turn for turn in turns if turn.startswith(args.id)] if args.id != "last" else [each for each in turns if each][-1:]
    if len(found) != 1:
        problem = "no turn with that id is on record" if not found else f"that is the beginning of {len(found)} turns' ids"
        raise CommandError(f"{args.id}: {problem}; `ingle audit` lists them")
    for entry in turns[found[0]]:
        for line in [_as_json(entry)] if args.json else _explained(entry):
            print(line)


def _explained(entry: Entry) -> Iterator[str]:
    facts = entry.facts
    yield f"{entry.at}  {entry.kind}"
    if entry.kind == "decision":
        yield f"  answered: {facts['route']}"
        if facts["intents"]:
            yield f"  understood: {', '.join(facts['intents'])}"
        if "line" in facts:
            yield f"  policy line {facts['line']} decided ({facts['rule']})"
            for name, value in facts["conditions"].items():
                yield f"    {'yes' if value else 'no ':3}  {name}"
            for name, value in facts["signals"].items():
                yield f"    {name} = {value}"
        return
    for name, value in facts.items():
        if name != "turn":
            yield f"  {name}: {value}"


def _as_json(entry: Entry) -> str:
    import json

    data = {"n": entry.number, "at": entry.at, "kind": entry.kind, **entry.facts, "hash": entry.hash}
    return json.dumps(data, ensure_ascii=False)
