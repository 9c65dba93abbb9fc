"""Where the server of a state folder can be called, written down for whoever wants to open its page.

The file outlives a server that is killed, so an address counts only while a server answers under it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

NAME = "address"
ANSWER_S = 2.0
"""How long a server on this machine may take to answer."""


@contextlib.contextmanager
def announced(state: Path, address: str) -> Iterator[None]:
    """Write down where a server can be called, as long as it runs; on a full disk it runs all the same.

    Args:
        state: Its state folder.
        address: Its address, ``http://...``.
    """
    path = state / NAME
    with contextlib.suppress(OSError):
        path.write_text(f"{address}\n", encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if path.read_text(encoding="utf-8").strip() == address:
                path.unlink(missing_ok=True)


def running_at(state: Path) -> str | None:
    """Return the address of the server that has a state folder, or None if none answers.

    Args:
        state: The folder.
    """
    try:
        address = (state / NAME).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return address if address.startswith("http://") and _answers(address) else None


def _answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/health", timeout=ANSWER_S) as answer:
            return json.load(answer) == {"status": "ok"}
    except (OSError, ValueError, http.client.HTTPException):
        return False
