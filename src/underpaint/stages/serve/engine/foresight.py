"""Saying that the device will be free a little before it is, so that the next batch is there when it is.

Between the last call of a device and the next one lie two messages and the forming of a batch, some milliseconds in
which nothing is drawn. How long batches of a size take, and how long an answer does, is learned; the word is given so
much before the expected end; at the end where nothing is known yet, where it came sooner, or where a batch is short.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WEIGHT = 0.2
"""Weight of the newest batch in the averages."""
SHORT_S = 0.01
"""A batch that takes less is not foreseen."""
MOST = 0.15
"""The word is given before the end by such a share of the batch at most."""
MARGIN = 2.5
"""It is given before the end by so many times what an answer takes."""
FIRST_ANSWER_S = 0.002
LATE_S = 0.02
"""What takes longer than this to come is no answer, but somebody new."""


class Foresight:
    """Gives the word once for each batch, from a thread of its own or at the end.

    Args:
        say: Gives the word for a batch, and the seconds until the device will be free, if it may be given now; returns
            whether it was.
        clock: Returns seconds that only grow.
    """

    def __init__(self, say: Callable[[int, float], bool], clock: Callable[[], float] = time.perf_counter) -> None:
        self._say, self._clock = say, clock
        self._news = threading.Condition()
        self._batch: int | None = None
        self._due_at, self._free_at = 0.0, 0.0
        self._said_at: float | None = None
        self._seconds: dict[int, float] = {}
        self._answer_s = FIRST_ANSWER_S
        threading.Thread(target=self._run, name="foresight", daemon=True).start()

    def lead_s(self, seconds: float) -> float:
        """Return how long before the end of a batch of so many seconds the word is given."""
        return min(MARGIN * self._answer_s, MOST * seconds)

    def begin(self, batch: int, units: int) -> None:
        """Note that a batch of so many units begins."""
        with self._news:
            expected_s = self._seconds.get(units, 0.0)
            self._said_at = None
            if expected_s >= SHORT_S:
                self._batch, self._free_at = batch, self._clock() + expected_s
                self._due_at = self._free_at - self.lead_s(expected_s)
                self._news.notify()

    def end(self, units: int, seconds: float) -> bool:
        """Note that a batch of so many units is drawn; returns whether the word was given."""
        with self._news:
            self._batch = None
            before = self._seconds.get(units, seconds)
            self._seconds[units] = before + WEIGHT * (seconds - before)
            return self._said_at is not None

    def answered(self) -> None:
        """Note that the next batch came."""
        with self._news:
            if self._said_at is not None and (took_s := self._clock() - self._said_at) < LATE_S:
                self._answer_s += WEIGHT * (took_s - self._answer_s)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._batch is not None)
                while self._batch is not None and (left_s := self._due_at - self._clock()) > 0:
                    self._news.wait(left_s)
                if self._batch is not None and self._say(self._batch, max(0.0, self._free_at - self._clock())):
                    self._said_at = self._clock()
                self._batch = None
