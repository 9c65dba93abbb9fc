"""Token buckets, one a key, each kept as a single number: the time at which it will be full again.

A bucket holds ``burst`` tokens and gets ``rate`` of them a second. With ``t`` the time at which it will be full, it
holds ``burst - (t - now) * rate`` now, and taking ``c`` moves ``t`` to ``max(t, now) + c / rate``. A full bucket is no
entry at all, so only keys that asked for something lately take memory, and of those at most ``capacity``.

Source: ITU-T I.371, generic cell rate algorithm.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice

CAPACITY = 65_536
LOOKED_AT = 2
"""Old entries that are looked at for each new one, so that full buckets go before memory is short."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast a bucket fills, and how much it holds.

    Args:
        per_second: Tokens that it gets a second, above 0.
        burst: Tokens that it holds, at least 1.
    """

    per_second: float
    burst: float


def per_minute(tokens: float, *, burst_s: float) -> Rate:
    """Return a rate whose bucket holds what comes in ``burst_s`` seconds, at least one token."""
    return Rate(per_second=tokens / 60, burst=max(1.0, tokens / 60 * burst_s))


class Buckets:
    """The buckets of all keys.

    Args:
        capacity: Most keys that are remembered; beyond, the one that asked longest ago gets a full bucket.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait_s(self, key: str, rate: Rate, tokens: float, now: float) -> float:
        """Return after how many seconds so many tokens can be taken; 0 for now.

        Args:
            key: Whose bucket.
            rate: How it fills.
            tokens: How many; more than the bucket holds can be taken when it is full, and is then owed.
            now: Seconds of a monotonic clock.
        """
        missing_s = max(0.0, self._full_at.get(key, now) - now)
        return max(0.0, missing_s - (rate.burst - min(tokens, rate.burst)) / rate.per_second)

    def take(self, key: str, rate: Rate, tokens: float, now: float) -> None:
        """Take tokens, whether they are there or not.

        Args:
            key: Whose bucket.
            rate: How it fills.
            tokens: How many.
            now: Seconds of a monotonic clock.
        """
        before = self._full_at.pop(key, now)
        self._full_at[key] = max(before, now) + tokens / rate.per_second
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of full buckets among the oldest, and of the oldest where there are too many."""
        for key in list(islice(self._full_at, LOOKED_AT)):
            if self._full_at[key] <= now:
                del self._full_at[key]
        while len(self._full_at) > self._capacity:
            self._full_at.popitem(last=False)
