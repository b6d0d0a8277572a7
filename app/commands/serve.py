"""Serve a chat model (a GGUF of the Llama architecture in ChatML form, such as SmolLM2) over OpenAI-compatible HTTP.

On this machine only, unless --host says otherwise; then clients must show the key in the environment's INGLE_SERVE_KEY.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
from pathlib import Path

from . import CommandError

HELP = "serve a chat model over OpenAI-compatible HTTP"
KEY_VARIABLE = "INGLE_SERVE_KEY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--openai", metavar="MODEL.gguf", type=Path, required=True, help="the model to serve")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="default: 8080; 0: any free one")
    parser.add_argument("--context", type=int, default=2048, metavar="TOKENS", help="room for question and answer (2048)")


def run(args: argparse.Namespace) -> int:
    try:
        import uvicorn

        from ..openai_server import application
    except ImportError:
        raise CommandError("this needs starlette and uvicorn: pip install 'ingle[serve]'") from None
    from ...engine.chat import Completions
    from ..config import load

    key = os.environ.get(KEY_VARIABLE) or None
    if key is None and not _is_loopback(args.host):
        raise CommandError(f"others could use the model at {args.host}: set {KEY_VARIABLE} to a key that they must show")
    limits = load(args.config).limits
    model = Completions.open(args.openai, n_ctx=args.context)
    app = application(model, args.openai.stem, key=key, max_tokens=limits.tokens)
    server = uvicorn.Server(uvicorn.Config(app, host=args.host, port=args.port, log_level="warning", access_log=False, ws="none"))
    _listen(server, args)
    return 0


def _listen(server: object, args: argparse.Namespace) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises: CommandError: the address is taken or not ours."""
    import socket

    family = socket.AF_INET6 if ":" in args.host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((args.host, args.port))
        except (OSError, OverflowError) as error:
            raise CommandError(f"cannot listen on {args.host}:{args.port}: {getattr(error, 'strerror', None) or error}") from None
        host = f"[{args.host}]" if ":" in args.host else args.host
        print(f"http://{host}:{listening.getsockname()[1]}/v1 serves {args.openai.stem}", flush=True)
        server.run(sockets=[listening])  # type: ignore[attr-defined]  # uvicorn's, which comes with an extra


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
