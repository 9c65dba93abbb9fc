"""Decoding in a process of its own, which has limits and none of the server's secrets."""

from __future__ import annotations

import os
import subprocess
import sys

from underpaint.stages.serve.security.bare import Bare, Broken
from underpaint.stages.serve.security.decoder import LONGEST_REASON, SECONDS

MODULE = "underpaint.stages.serve.security.decoder"
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
"""Environment variables that the process gets; keys of the server are in others."""
WALL_S = 4.0 * SECONDS
FAILED = "it takes too much memory or time to decode; send a smaller one"


def apart(bare: Bare) -> bytes:
    """Return the pixels of a picture as ``decoder.rgba_of``, decoded by another process.

    Args:
        bare: The picture.

    Raises:
        Broken: It cannot be decoded, or not within the process's limits.
    """
    command = [sys.executable, "-m", MODULE, bare.kind, bare.width, bare.height, bare.orientation]
    environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            list(map(str, command)), input=bare.data, capture_output=True, env=environ, timeout=WALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Broken(FAILED) from None
    if done.returncode == 1:
        raise Broken(done.stderr.decode("utf-8", "replace")[-LONGEST_REASON:].strip() or FAILED)
    if done.returncode != 0 or len(done.stdout) != 4 * bare.width * bare.height:
        raise Broken(FAILED)
    return done.stdout
