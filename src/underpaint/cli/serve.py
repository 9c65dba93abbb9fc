"""``underpaint serve``: draw pictures for others, over HTTP."""

from __future__ import annotations

import argparse
from typing import Any

from underpaint.cli.output import Output

EXAMPLES = """examples:
  underpaint serve
  underpaint serve --port 9000 -m stickers-64 -m mine=artifacts/my-style --memory 2000
  underpaint serve --settings serve.toml

Settings come from the options here, else from the environment (UNDERPAINT_SERVE_PORT, ...), else from the file.
"""
NAMES = ("host", "port", "keys", "policy", "engine", "device", "threads", "state", "watermark", "log")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments; none has a default here, since files and the environment may set it."""
    parser.epilog = EXAMPLES
    where = parser.add_argument_group("where")
    where.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1; others need a key)")
    where.add_argument("--port", type=int, metavar="PORT", help="port to listen on (default: 8080; 0 for any)")
    where.add_argument(
        "--allow-host", action="append", metavar="NAME", help="another name of this server; may be repeated"
    )
    where.add_argument(
        "--state", metavar="DIR", help="folder for jobs and pictures (default: in the user's state folder)"
    )
    where.add_argument("--keys", metavar="FILE", help="keys of callers, as 'underpaint keys' makes them")
    where.add_argument("--policy", metavar="FILE", help="decides about prompts: default, none, or a file")
    where.add_argument("--settings", metavar="FILE", help="a TOML file of settings (docs/serve.md)")
    where.add_argument("--log", choices=("text", "json"), help="form of the log on stderr (default: text)")
    what = parser.add_argument_group("what draws")
    what.add_argument(
        "-m",
        "--model",
        action="append",
        metavar="[NAME=]MODEL",
        help="a model to serve; may be repeated, first is default",
    )
    what.add_argument("--engine", choices=("auto", "torch", "onnx", "openvino"), help="what computes (default: auto)")
    what.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    what.add_argument("--threads", type=int, metavar="T", help="CPU threads of each model (default: 1)")
    what.add_argument("--memory", type=int, metavar="MB", help="memory that loaded models may hold (default: any)")
    what.add_argument("--watermark", choices=("public", "own", "none"), help="whose key marks pixels (default: public)")


def run(args: argparse.Namespace, output: Output) -> int:
    """Read the settings, show them, serve until stopped; what is slow is imported once the state folder is free."""
    import os
    from pathlib import Path

    from underpaint.adapters.require import require
    from underpaint.stages.serve.sources import read_config
    from underpaint.stages.serve.state_lock import check_state

    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        require(module, extra="serve")
    config, sources = read_config(options_of(args), os.environ, Path(args.settings) if args.settings else None)
    check_state(config.state)

    from underpaint.runtime.heap import keep_heap_small
    from underpaint.stages.serve.announcement import announced
    from underpaint.stages.serve.http.app import Application
    from underpaint.stages.serve.http.logs import set_up_log
    from underpaint.stages.serve.http.running import address_of, listening, serve

    set_up_log(config.log, quiet=args.quiet, secrets=[config.api_key] if config.api_key else [])
    keep_heap_small()
    application = Application(config)
    with listening(config) as listener:
        shown = config.shown()
        for name in config.__class__.model_fields:
            if sources[name] != "default":
                output.note(f"{name} = {in_words(shown[name])}  ({sources[name]})")
        address = address_of(listener)
        said = f"serving {', '.join(config.models)} on {address}"
        with announced(config.state, address):
            serve(application, listener, on_ready=lambda: output.note(said))
    output.result("stopped", {"address": address, "settings": shown})
    return 0


def in_words(value: object) -> str:
    """Return a setting as it is written on the command line or in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = (name if held in (None, name) else f"{name}={in_words(held)}" for name, held in value.items())
        return ", ".join(pairs) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, value)) or "none"
    return "none" if value is None else str(value)


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says of the settings."""
    others = {"models": args.model, "memory_mb": args.memory, "allowed_hosts": args.allow_host}
    return {name: getattr(args, name) for name in NAMES} | others
