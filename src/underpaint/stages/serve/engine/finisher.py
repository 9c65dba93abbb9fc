"""A thread that finishes pictures, with their marks, files and signatures, while the device draws the next ones."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Callable

Work = Callable[[], None]


class Finisher:
    """Does work in the order that it is given, in a thread of its own and at most one batch behind.

    A mistake of ours ends the process, as it would in the thread that draws.
    """

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._behind = threading.Semaphore(1)
        threading.Thread(target=self._run, name="finisher", daemon=True).start()

    def give(self, work: Work) -> None:
        """Give work on a picture."""
        self._given.put(work)

    def catch_up(self, *, wait: bool = True) -> bool:
        """Wait until the work of the batch before this one is done; once for each batch.

        What is drawn thus never waits for more than one other batch, however much longer finishing takes.

        Args:
            wait: Whether to wait; if not and it is not done, this call does not count.

        Returns:
            Whether it is done.
        """
        return self._behind.acquire(blocking=wait)

    def end_batch(self, work: Work) -> None:
        """Give the last work of a batch, for which ``catch_up`` was called before."""

        def last() -> None:
            work()
            self._behind.release()

        self._given.put(last)

    def _run(self) -> None:
        try:
            while True:
                self._given.get()()
        except BaseException:
            traceback.print_exc()
            os._exit(os.EX_SOFTWARE)
