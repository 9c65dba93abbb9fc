"""One heap for all threads of a process that runs for long.

The GNU C library gives threads heaps of their own, up to eight times the number of cores. A pool of threads that each
work now and then comes to hold, in each of them, what its largest piece of work once needed: memory that is free, that
no other thread takes, and that goes on growing for thousands of requests. Python's lock lets one thread of them work at
a time anyhow.

Source: mallopt(3), ``M_ARENA_MAX``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

ARENA_MAX = -8
"""``M_ARENA_MAX`` of ``malloc.h``."""
VARIABLES = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")
"""With these an operator decides about heaps."""


def share_one_heap(environ: Mapping[str, str] = os.environ) -> bool:
    """Have threads that begin from now on share heaps that are there; call it before there are any.

    Args:
        environ: The environment; where it says how many heaps there are, that holds.

    Returns:
        Whether the system's C library was told, and knows what that is.
    """
    if not sys.platform.startswith("linux") or any(name in environ for name in VARIABLES):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return tell(ARENA_MAX, 1) == 1
