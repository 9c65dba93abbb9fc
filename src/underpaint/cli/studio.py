"""``underpaint studio``: a page in the browser that draws stickers, and the server behind it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from underpaint.stages.serve.config import ServeConfig

EXAMPLES = """examples:
  underpaint studio
  underpaint studio -m stickers-64 -m mine=artifacts/my-style

It listens on this machine alone, on port 8080 or another that is free, and ends with Ctrl-C; what was drawn is there
again the next time. If a server has the state folder already, its page is opened. Further settings are those of
'underpaint serve'.
"""
NAMES = ("engine", "state")
UNHEARD = ("port", "settings", "model", "engine")
"""Options that a server which runs already cannot take; of its settings, only the state folder was looked at."""
LOOPBACK = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments; none has a default here, since files and the environment may set it."""
    parser.epilog = EXAMPLES
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    parser.add_argument(
        "--port", type=int, metavar="PORT", help="port to listen on (default: 8080, or any that is free)"
    )
    parser.add_argument(
        "--state", metavar="DIR", help="folder for jobs and pictures (default: in the user's state folder)"
    )
    parser.add_argument("--settings", metavar="FILE", help="a TOML file of settings (docs/serve.md)")
    parser.add_argument(
        "-m",
        "--model",
        action="append",
        metavar="[NAME=]MODEL",
        help="a model to draw with; may be repeated, first is default",
    )
    parser.add_argument("--engine", choices=("auto", "torch", "onnx", "openvino"), help="what computes (default: auto)")


def run(args: argparse.Namespace, output: Output) -> int:
    """Open the page of the server that runs, or start one; what is slow is imported once the state folder is free."""
    import os
    from pathlib import Path

    from underpaint.adapters.require import require
    from underpaint.stages.serve.announcement import running_at
    from underpaint.stages.serve.sources import read_config
    from underpaint.stages.serve.state_lock import check_state

    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        require(module, extra="serve")
    config, _ = read_config(options_of(args), os.environ, Path(args.settings) if args.settings else None)
    found = running_at(config.state)
    if found is not None:
        show(found, output, is_opened=not args.no_browser, said=of_running(args))
        output.result("", {"address": found, "is_started": False})
        return 0
    check_state(config.state)
    address = serve(config, output, wants_port=args.port is not None, is_opened=not args.no_browser)
    output.result("stopped", {"address": address, "is_started": True})
    return 0


def of_running(args: argparse.Namespace) -> str:
    """Return what is said of a server that ran already: which of the options it did not hear."""
    given = [f"--{name}" for name in UNHEARD if getattr(args, name) is not None]
    unheard = f", so {', '.join(given)} changed nothing" if given else ""
    return f"a server that runs already{unheard}"


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says of the settings of the server."""
    port = {"port": args.port} if args.port is not None else {}
    return {name: getattr(args, name) for name in NAMES} | {"host": LOOPBACK, "models": args.model} | port


def serve(config: ServeConfig, output: Output, *, wants_port: bool, is_opened: bool) -> str:
    """Serve until stopped, and return the address.

    Args:
        config: The settings.
        output: Where the address is shown.
        wants_port: Whether it must be the port of the settings; else any will do that is free.
        is_opened: Whether a browser is opened.
    """
    from underpaint.runtime.heap import keep_heap_small
    from underpaint.stages.serve.announcement import announced
    from underpaint.stages.serve.http import running
    from underpaint.stages.serve.http.app import Application
    from underpaint.stages.serve.http.logs import set_up_log

    set_up_log(config.log, quiet=True, secrets=[config.api_key] if config.api_key else [])
    keep_heap_small()
    application = Application(config)
    with running.listening(config, or_any=not wants_port) as listener:
        address = running.address_of(listener)
        with announced(config.state, address):
            running.serve(application, listener, on_ready=lambda: show(address, output, is_opened=is_opened))
    return address


def show(address: str, output: Output, *, is_opened: bool, said: str = "Ctrl-C ends it") -> None:
    """Say where the page is, and open it where there is a screen.

    Args:
        address: Of the server.
        output: Where it is said.
        is_opened: Whether a browser is opened.
        said: What is said of the server.
    """
    import sys
    import threading
    import webbrowser

    page = f"{address}/studio/"
    output.note(f"the studio is at {page} ({said})")
    if is_opened and has_screen(sys.platform):
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()


def has_screen(platform: str) -> bool:
    """Tell whether a browser can be shown; those that would be drawn into the terminal are none.

    Args:
        platform: ``sys.platform``.
    """
    import os

    if platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
