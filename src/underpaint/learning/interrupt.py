"""Ctrl-C that waits for a safe point."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Hold back the first Ctrl-C for the duration of a ``with`` block; the second one interrupts at once.

    In another thread than the main one, where no signal arrives, nothing is held back; nor where the signal is ignored,
    as in a process that a shell started in the background.

    Yields:
        A function that tells whether Ctrl-C was pressed.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = False
    previous = signal.getsignal(signal.SIGINT) or signal.default_int_handler

    def hold_back(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, hold_back)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)
