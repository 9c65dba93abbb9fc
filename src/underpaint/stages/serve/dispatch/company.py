"""Whether a device that is free waits for company, so that a batch is larger: if that saves more time than it costs.

With ``k`` units that wait, ``m`` that come within ``w`` seconds, and a batch that takes ``T`` and during which ``l``
others come, all ``k`` and ``l`` are later by ``w`` if the device waits, and the ``m`` are later by ``T - w`` if it does
not, since they miss the batch. It waits if

    m (T - w) > (k + l) w

That is never so where units come at a steady rate, since then ``m / w`` is ``l / T``. It may be while the pictures of
the last batch go out, and a little longer, when their callers come back with what they want next: ``w`` is what is left
of the average span, and ``m`` is, of the pictures of this batch after which nobody came yet, the share of those after
which somebody comes, and whoever else comes meanwhile.

Who comes at any time comes while pictures go out as well, and not because of them. So only those count as coming back
who are more than come in as long a time at the rate of the others, which is that of all but for the share that comes
back: 1 where everybody does, 0 where nobody does. Callers who ask again at once thus meet in full batches, a single one
is not kept waiting, and where requests come when they like, they wait hardly longer than for a device that never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from underpaint.stages.serve.batching.waiting import Upcoming

WEIGHT = 0.1
"""Weight of the newest batch in the averages."""
MEMORY_S = 1.0
"""Time in which what came counts for the rate at which units come."""
WAIT_S = 0.005
"""How long company is waited for after the last picture went out."""
GAIN = 1.0
"""Those who come back count so much more than others: a batch that is saved is time of the device for all, and without
this chance alone splits callers into half batches for long."""
AHEAD_S = 0.001
"""What a batch takes to reach its device. Where it is not full, it is sent so long before the device is free."""
PATIENCE = 1.3
"""Pictures may go out for so many times as long as usual before the device waits no more."""


@dataclass(kw_only=True)
class Window:
    """The time in which pictures of a batch go out, and a little longer.

    Args:
        began_at: When the device is free, in seconds of the company's clock.
        units: Pictures of the batch.
        came: Units that had come until then.
        ends_at: When it ends; infinite while pictures go out.
    """

    began_at: float
    units: int
    came: int
    ends_at: float = math.inf


class Company:
    """Knows who comes, and when. Use it in one event loop.

    Args:
        clock: Returns seconds that are never set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._news = clock, asyncio.Event()
        self._came, self._rate, self._came_at = 0, 0.0, clock()
        self._windows: list[Window] = []
        self._return_share, self._span_s = 0.0, 0.0

    def come(self, units: int) -> None:
        """Note that units came."""
        now = self._clock()
        self._learn(now)
        self._rate = self._rate * math.exp(-max(0.0, now - self._came_at) / MEMORY_S) + units / MEMORY_S
        self._came, self._came_at = self._came + units, now
        self._news.set()

    def begin(self, units: int, in_s: float = 0.0) -> Window:
        """Note that so many pictures are drawn, or will be in so many seconds, and begin to go out."""
        self._windows.append(Window(began_at=self._clock() + in_s, units=units, came=self._came))
        return self._windows[-1]

    def end(self, window: Window) -> None:
        """Note that all pictures of a batch are out."""
        window.ends_at = self._clock() + WAIT_S
        self._news.set()

    def _learn(self, now: float) -> None:
        """Let the windows that ended count for the averages."""
        for window in [window for window in self._windows if window.ends_at < now]:
            self._windows.remove(window)
            span_s = window.ends_at - window.began_at
            coming_back = self._came - window.came - self._others(span_s)
            self._return_share += WEIGHT * (coming_back / window.units - self._return_share)
            self._span_s += WEIGHT * (span_s - self._span_s)

    async def wait(self, upcoming: Callable[[], Upcoming | None]) -> None:
        """Wait as long as it is worth it.

        Args:
            upcoming: Returns what a batch would be that was begun now; None if nothing waits.
        """
        while (wait_s := self.wait_s(upcoming())) > 0:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)

    def wait_s(self, upcoming: Upcoming | None) -> float:
        """Return how long a free device should still wait, if nothing happens until then; 0 to begin.

        Args:
            upcoming: What a batch would be that was begun now; None if nothing waits.
        """
        if upcoming is None or upcoming.units >= upcoming.cap:
            return 0.0
        now = self._clock()
        self._learn(now)
        if not self._windows:
            return 0.0
        window = self._windows[-1]
        if (wait_s := window.began_at - AHEAD_S - now) > 0:
            return wait_s
        return self._for_those_who_come_back(window, upcoming, now)

    def _for_those_who_come_back(self, window: Window, upcoming: Upcoming, now: float) -> float:
        coming_back = self._returning() * max(0, window.units - (self._came - window.came))
        left_s = max(WAIT_S, window.began_at + self._span_s - now)
        coming = (1.0 + GAIN) * coming_back + self._others(left_s)
        if not is_worth(coming, left_s, upcoming, self._others(upcoming.seconds)):
            return 0.0
        return max(0.0, min(window.ends_at, window.began_at + PATIENCE * self._span_s) - now)

    def _returning(self) -> float:
        """Return the share of pictures after which somebody comes back, 0 to 1; the average may stray from that."""
        return min(1.0, max(0.0, self._return_share))

    def _others(self, span_s: float) -> float:
        """Return how many units come in so many seconds that no picture brings back."""
        return (1.0 - self._returning()) * self._rate * span_s


def is_worth(coming: float, wait_s: float, upcoming: Upcoming, later: float) -> bool:
    """Tell whether waiting saves more than it costs.

    Args:
        coming: Units that come meanwhile.
        wait_s: How long the device would wait.
        upcoming: What a batch would be that was begun now.
        later: Units that come while the batch is drawn, and go into the next one at the earliest.
    """
    return coming * (upcoming.seconds - wait_s) > (upcoming.units + later) * wait_s
