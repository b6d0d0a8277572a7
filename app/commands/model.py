"""New language models: fetch, verify and try them, go back, and, for who makes them, keep a signed repository."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from . import CommandError, add_action

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Config
    from ..update.installer import Installer
    from ..update.repository import Repository

HELP = "update the language model, go back, or publish one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    update = add_action(commands, "update", _update, "fetch the newest model for this device, try it, and use it")
    update.add_argument(
        "--from", dest="source", metavar="PLACE", help="the repository: https://… or a folder (default: updates.url)"
    )
    update.add_argument("--root", metavar="FILE", help="the maker's root.json (default: updates.root)")
    update.add_argument("--check", action="store_true", help="only say what would be done")
    add_action(commands, "status", _status, "which models are here, and which is used")
    rollback = add_action(commands, "rollback", _rollback, "go back to the model before")
    rollback.add_argument("--keep", action="store_true", help="the model that is left may be installed again")
    pin = add_action(commands, "pin", _pin, "stay with one version, or follow the maker again")
    pin.add_argument("version", nargs="?", metavar="VERSION", help="default: follow the maker")
    packed = add_action(commands, "pack", _pack, "write a model as a board without a file system keeps it in flash")
    packed.add_argument("model", metavar="MODEL.gguf")
    packed.add_argument("pack", metavar="OUT.pack")
    check = add_action(commands, "selfcheck", _selfcheck, "prove the update machinery: power cuts, attacks, damaged packages")
    check.add_argument("--faults", choices=("all", "none"), default="none", help="cut the power at every operation of the disk")
    check.add_argument("--attacks", choices=("all", "none"), default="none", help="play the attacks of the TUF specification")
    check.add_argument("--mutations", type=int, default=0, metavar="N", help="offer N damaged packages")
    bench = add_action(
        commands, "bench", _bench, "measure verification, encryption and switching; with OLD and NEW, a delta between them"
    )
    bench.add_argument("models", nargs="*", metavar="FILE.gguf", help="none, one, or an old and a new one")
    _add_repo(commands.add_parser("repo", help="for makers: a signed repository of models", description=_add_repo.__doc__))


def _add_repo(parser: argparse.ArgumentParser) -> None:
    """A repository is a folder of static files. Keep the root keys offline; the other keys sign what is added and published."""
    commands = parser.add_subparsers(metavar="ACTION", required=True)
    init = _repo_action(commands, "init", _repo_init, "make a repository and its keys")
    init.add_argument(
        "--root-keys", required=True, metavar="FOLDER", help="where the root keys go: a stick that is put away afterwards"
    )
    init.add_argument("--root-count", type=int, default=1, metavar="N", help="how many root keys (default: 1)")
    init.add_argument("--root-threshold", type=int, default=1, metavar="N", help="how many of them must sign (default: 1)")
    add = _repo_action(commands, "add", _repo_add, "add a model, which nobody sees before `publish`")
    add.add_argument("model", metavar="MODEL.gguf")
    add.add_argument("--version", required=True, metavar="VERSION", help="numbers with dots, such as 2026.11")
    add.add_argument(
        "--delta-from", action="append", default=[], metavar="OLD.gguf", help="make a delta from this model too; repeatable"
    )
    add.add_argument(
        "--encrypt-for",
        action="append",
        default=[],
        metavar="KEY",
        help="a device's or fleet's public key, as `ingle model status` prints it; repeatable",
    )
    add.add_argument(
        "--cipher", choices=("aes", "chacha"), default="aes", help="AES-256-GCM, or ChaCha20-Poly1305 for small boards"
    )
    add.add_argument("--min-engine", metavar="VERSION", help="the lowest version of Ingle that runs it (default: this one)")
    add.add_argument("--percent", type=int, default=100, metavar="N", help="the share of the devices that get it (default: 100)")
    sign = _repo_action(commands, "sign", _repo_sign, "sign the root anew: before it expires, or to rotate keys")
    sign.add_argument("--root-keys", required=True, metavar="FOLDER")
    sign.add_argument(
        "--rotate",
        action="append",
        default=[],
        choices=("root", "targets", "snapshot", "timestamp"),
        metavar="ROLE",
        help="make a new key for a role, such as one that was stolen; repeatable",
    )
    sign.add_argument("--new-root-keys", metavar="FOLDER", help="with --rotate root: where the new root keys go")
    publish = _repo_action(commands, "publish", _repo_publish, "sign what was added, for all to see; renews signatures")
    publish.add_argument("--version", metavar="VERSION", help="with one of the following: whose rollout is changed")
    publish.add_argument("--percent", type=int, metavar="N", help="give it to so many of the devices")
    publish.add_argument("--hold", action=argparse.BooleanOptionalAction, help="give it to no more devices for now")
    publish.add_argument("--withdraw", action="store_true", help="devices that have it go back")


def _repo_action(commands: Any, name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
    each = add_action(commands, name, run, about)
    each.add_argument("repo", metavar="REPO", help="the repository's folder")
    each.add_argument("--keys", required=True, metavar="FOLDER", help="where the keys of targets, snapshot and timestamp are")
    return each


def run(args: argparse.Namespace) -> int:
    try:
        return int(args.action(args))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("tuf", "securesystemslib", "cryptography", "urllib3"):
            raise
        raise CommandError(f"{error.name} is missing: pip install 'ingle[update]'") from None


# the household's side


def _update(args: argparse.Namespace) -> int:
    installer = _installer(_config(args), args.source, args.root)
    if args.check:
        decision = installer.check()
        _tell(
            args,
            {"act": decision.act, "why": decision.why, "version": decision.release.version if decision.release else None},
            f"{decision.act}: {decision.why}",
        )
        return 0
    outcome = installer.update()
    told = outcome.decision.why
    if outcome.way:
        told = f"model {outcome.version} is installed ({outcome.fetched_bytes / 1e6:.1f} MB fetched, {outcome.way}) and on trial"
    _tell(
        args,
        {
            "act": outcome.decision.act,
            "why": outcome.decision.why,
            "version": outcome.version,
            "way": outcome.way,
            "fetched_bytes": outcome.fetched_bytes,
        },
        told,
    )
    return 0


def _pack(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ...engine.firmware.pack import pack
    from ...engine.model import Model
    from ...skills.schema import load_schema

    if not Path(args.model).is_file():
        raise CommandError(f"{args.model}: there is no such model file")
    packed = pack(Model.open(args.model), load_schema())
    try:
        Path(args.pack).write_bytes(packed)
    except OSError as error:
        raise CommandError(f"{args.pack}: {error.strerror}") from None
    _tell(args, {"bytes": len(packed)}, f"{args.pack}: {len(packed)} bytes")
    return 0


def _installer(config: Config, source: str | None, root: str | None) -> Installer:
    from ..model_link import FOLDER, slots_of
    from ..update.golden import GoldenJudge
    from ..update.installer import Installer
    from ..update.keys import device_key
    from ..update.trust import Trust

    updates = config.updates
    source = source or (updates.url if updates.url is None or "://" in updates.url else str(config.resolved(updates.url)))
    anchor = root or (str(config.resolved(updates.root)) if updates.root else None)
    if source is None or anchor is None:
        raise CommandError("no repository is known: set updates.url and updates.root, or give --from PLACE and --root FILE")
    slots, folder = slots_of(config), config.data_path / FOLDER
    active = slots.active()
    try:
        trust = Trust(folder, source, _read(anchor))
    except OSError as error:
        raise CommandError(f"{anchor}: {error.strerror}: give the maker's root.json with --root") from None
    return Installer(
        slots,
        trust,
        judge=GoldenJudge(slots.shipped if active.sealed else active.path),
        device_key=lambda: device_key(folder, updates.key_stores),
        encrypt=updates.encrypt,
    )


def _read(path: str) -> bytes:
    from pathlib import Path

    return Path(path).read_bytes()


def _status(args: argparse.Namespace) -> int:
    from ..model_link import slots_of

    config = _config(args)
    slots = slots_of(config)
    state, active = slots.state(), slots.active()
    found = {slot: choice.version for slot in ("a", "b", "recovery") if (choice := slots.choice(slot))}
    status = {
        "active": active.slot,
        "version": active.version,
        "trial": active.trial,
        "starts": state.starts,
        "slots": found,
        "pinned": state.pinned,
        "refused": list(state.refused),
        "note": state.note,
        "device_key": _public_key(config),
    }
    lines = [
        f"{'*' if slot == active.slot else ' '} {slot:8}  {version}{' (trial)' if slot == active.slot and active.trial else ''}"
        for slot, version in found.items()
    ]
    lines += [
        f"{name}: {value}"
        for name, value in (
            ("pinned", state.pinned),
            ("failed here", ", ".join(state.refused)),
            ("last change", state.note),
            ("this device's key", status["device_key"]),
        )
        if value
    ]
    _tell(args, status, "\n".join(lines))
    return 0


def _public_key(config: Config) -> str | None:
    """This device's public key; None before anything was installed, or without the extra."""
    from ..model_link import FOLDER
    from ..update.errors import UpdateError
    from ..update.keys import device_key

    folder = config.data_path / FOLDER
    if not folder.exists():
        return None
    try:
        from ..update import sealed

        return sealed.public_of(device_key(folder, config.updates.key_stores)).hex()
    except (ImportError, UpdateError):
        return None


def _rollback(args: argparse.Namespace) -> int:
    from ..model_link import slots_of

    slots = slots_of(_config(args))
    if not slots.folder.exists():
        raise CommandError("the model that Ingle ships is in use: there is nothing to go back to")
    with slots.locked():
        choice = slots.roll_back("asked for", refuse=not args.keep)
    _tell(args, {"active": choice.slot, "version": choice.version}, f"model {choice.version} is used again")
    return 0


def _pin(args: argparse.Namespace) -> int:
    from ..model_link import slots_of

    slots = slots_of(_config(args))
    slots.prepare()
    with slots.locked():
        slots.pin(args.version)
    _tell(
        args,
        {"pinned": args.version},
        f"model {args.version} is pinned: `ingle model update` installs it where it is not used"
        if args.version
        else "follows the maker again",
    )
    return 0


def _selfcheck(args: argparse.Namespace) -> int:
    from ..update.selfcheck import check

    if args.faults == args.attacks == "none" and not args.mutations:
        args.faults = args.attacks = "all"
    tell = (lambda line: print(line, file=sys.stderr)) if args.json else print
    found = check(with_faults=args.faults == "all", with_attacks=args.attacks == "all", n_mutated=args.mutations, tell=tell)
    _tell(
        args,
        found,
        "all is well"
        if found["ok"]
        else "\n".join(problem for each in found.values() if isinstance(each, dict) for problem in each["problems"]),
    )
    return 0 if found["ok"] else 1


def _bench(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ...engine.interpreter import MODEL
    from ..update.bench import measure

    models = [Path(name) for name in args.models] or [MODEL]
    if len(models) > 2:
        raise CommandError("give one model, or an old and a new one")
    found = measure(models[-1], models[0] if len(models) == 2 else None)
    _tell(args, found, "\n".join(f"{name:32} {value}" for name, value in found.items()))
    return 0


# the maker's side


def _repository(args: argparse.Namespace) -> Repository:
    from pathlib import Path

    from ..update.repository import Repository

    return Repository(Path(args.repo), Path(args.keys))


def _repo_init(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ..update.repository import Repository

    repo, root_keys = Path(args.repo), Path(args.root_keys)
    Repository.init(repo, Path(args.keys), root_keys, n_root_keys=args.root_count, threshold=args.root_threshold)
    root = repo / "metadata" / "1.root.json"
    _tell(
        args,
        {"repo": str(repo), "root": str(root)},
        f"{repo} is made. Give {root} to the devices by a way they trust, and put {root_keys} away, offline.",
    )
    return 0


def _repo_add(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ..update.release import Rollout
    from ..update.sealed import Cipher

    try:
        recipients = [bytes.fromhex(key) for key in args.encrypt_for]
    except ValueError:
        raise CommandError("--encrypt-for wants 64 hex digits, as `ingle model status` prints them") from None
    if any(len(key) != 32 for key in recipients):
        raise CommandError("--encrypt-for wants 64 hex digits, as `ingle model status` prints them")
    added = _repository(args).add(
        Path(args.model),
        args.version,
        olds=[Path(old) for old in args.delta_from],
        recipients=recipients,
        min_engine=args.min_engine,
        rollout=Rollout(percent=args.percent),
        cipher=Cipher.AES_256_GCM if args.cipher == "aes" else Cipher.CHACHA20_POLY1305,
    )
    deltas = [f"a delta of {size / 1e6:.2f} MB ({size / added.full_bytes:.1%})" for size in added.delta_bytes.values()]
    _tell(
        args,
        {"version": args.version, "full_bytes": added.full_bytes, "delta_bytes": dict(added.delta_bytes)},
        f"model {args.version} is added: {', '.join([f'{added.full_bytes / 1e6:.2f} MB', *deltas])}. It is seen after `publish`.",
    )
    return 0


def _repo_sign(args: argparse.Namespace) -> int:
    from pathlib import Path

    version = _repository(args).sign_root(
        Path(args.root_keys), rotate=args.rotate, new_root_keys=Path(args.new_root_keys) if args.new_root_keys else None
    )
    _tell(args, {"root_version": version}, f"root version {version} is signed")
    return 0


def _repo_publish(args: argparse.Namespace) -> int:
    repository = _repository(args)
    changes = {
        name: value
        for name, value in (("percent", args.percent), ("hold", args.hold), ("withdrawn", args.withdraw or None))
        if value is not None
    }
    if bool(changes) != bool(args.version):
        raise CommandError("--percent, --hold and --withdraw go with --version, and it with one of them")
    if changes:
        repository.roll_out(args.version, **changes)
    repository.publish()
    _tell(args, {"versions": repository.versions()}, f"published: {', '.join(repository.versions()) or 'no model yet'}")
    return 0


def _config(args: argparse.Namespace) -> Config:
    from ..config import load

    return load(args.config)


def _tell(args: argparse.Namespace, data: Any, text: str) -> None:
    import json

    print(json.dumps(data, ensure_ascii=False) if args.json else text)
