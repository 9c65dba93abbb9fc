"""A process that renders: one JSON job a line in, one JSON answer a line out; it can be killed without harm."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from underpaint.adapters.resvg import render_svg
from underpaint.core.errors import UnderpaintError
from underpaint.stages.data.svg import screen

MAX_MEMORY_BYTES = 2 * 1024**3


def render_to(job: dict) -> dict:
    """Screen and render one job to a file that appears whole or not at all.

    Args:
        job: ``svg``, ``size`` in pixels, and ``out``, the path of the PNG.

    Returns:
        An empty answer, or one with ``error``, and ``errno`` if the disk is to blame.
    """
    out = Path(job["out"])
    temporary = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        screen(job["svg"])
        temporary.write_bytes(render_svg(job["svg"], size=job["size"]))
        temporary.replace(out)
    except UnderpaintError as error:
        return {"error": str(error)}
    except OSError as error:
        temporary.unlink(missing_ok=True)
        return {"error": str(error), "errno": error.errno}
    return {}


def main() -> None:
    """Answer jobs until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(render_to(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
