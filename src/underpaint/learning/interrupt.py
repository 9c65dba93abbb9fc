"""Ctrl-C, or the system's request to leave, that waits for a safe point."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

HELD_BACK = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Callable[[], int]]:
    """Hold back the first Ctrl-C or SIGTERM for the duration of a ``with`` block; the second one comes at once.

    In another thread than the main one, where no signal arrives, nothing is held back; nor is a signal that is ignored,
    as Ctrl-C is in a process that a shell started in the background.

    Yields:
        A function that returns the number of the signal that came, 0 if none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    arrived = 0
    previous = {n: h for n in HELD_BACK if (h := signal.getsignal(n)) not in (signal.SIG_IGN, None)}

    def hold_back(number: int, _frame: FrameType | None) -> None:
        nonlocal arrived
        arrived = number
        restore()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    for number in previous:
        signal.signal(number, hold_back)
    try:
        yield lambda: arrived
    finally:
        restore()


def leave(number: int) -> None:
    """Leave as the program would have when the signal came.

    Args:
        number: What ``deferred_interrupt`` told, not 0.

    Raises:
        KeyboardInterrupt: It was Ctrl-C.
        SystemExit: It was another signal; with the exit code that shells give it.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
