"""Keeping a native library's hands off the stack on which signals are handled.

OpenVINO's CPU plugin gives the thread an alternate stack for signals while it compiles or reads a graph, leaves it
there, and puts back the one before when the graph is freed, even if that is gone by then. Python handles signals on
that stack, so the next Ctrl-C would crash the process.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Iterator
from typing import Any

DISABLED = 2
"""``SS_DISABLE``: signals are handled on the thread's own stack."""


class _Stack(ctypes.Structure):
    """``stack_t`` of Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@functools.cache
def _exchange() -> Any:
    """Return the system's ``sigaltstack``; the C library is opened once."""
    return ctypes.CDLL(None).sigaltstack


@contextlib.contextmanager
def own_signal_stack() -> Iterator[None]:
    """Take the alternate stack away for the duration of a ``with`` block and put it back afterwards; Linux alone.

    What is made inside finds none, so it can put back none later, which is safe at any time.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    exchange = _exchange()
    before = _Stack()
    exchange(ctypes.byref(_Stack(None, DISABLED, 0)), ctypes.byref(before))
    try:
        yield
    finally:
        exchange(ctypes.byref(before), None)
