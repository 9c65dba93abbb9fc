"""A heap that gives back what is free, for a process that runs for long.

The GNU C library gives threads heaps of their own, up to eight times the number of cores. A pool of threads that each
work now and then comes to hold, in each of them, what its largest piece of work once needed: memory that is free, that
no other thread takes, and that goes on growing for thousands of requests. Python's lock lets one thread of them work at
a time anyhow. And a large piece, once it was freed, makes all up to its size come out of the heap from then on, where
small ones that stay keep it from shrinking.

Source: mallopt(3), ``M_ARENA_MAX``, ``M_MMAP_THRESHOLD``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

ARENA_MAX, MMAP_THRESHOLD = -8, -3
"""``M_ARENA_MAX`` and ``M_MMAP_THRESHOLD`` of ``malloc.h``."""
LARGE_BYTES = 128 * 2**10
"""Pieces that are at least so large are given back to the system when they are freed; the library's own first value."""
VARIABLES = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
"""With these an operator decides about heaps."""


def keep_heap_small(environ: Mapping[str, str] = os.environ) -> bool:
    """Have all threads share one heap, and no large piece in it; call it before there are threads.

    Args:
        environ: The environment; where it decides about heaps, that holds.

    Returns:
        Whether the system's C library was told, and knows what that is.
    """
    if not sys.platform.startswith("linux") or any(name in environ for name in VARIABLES):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return tell(ARENA_MAX, 1) == 1 and tell(MMAP_THRESHOLD, LARGE_BYTES) == 1
