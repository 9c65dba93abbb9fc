"""Whether something grows with the number of requests: its growth with an interval, and a word for it.

The growth of one minute after another is taken as drawn from one distribution, so the interval is that of a mean of
increments. A straight line through the readings would promise more than they hold: the memory of a process goes up in
steps that stay. A cache that fills, or a table that is doubled once, is such a step: it widens the interval, which then
holds zero, and what was added in all stays under a bound: so much once, and what every request may add. A leak goes on
with every request and passes the bound, the smaller it is the later: one of twice the allowance, after 10,000 requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

PER = 1000
"""Requests that growth is told for."""
ALLOWED_BYTES = 100_000
"""Growth per 1,000 requests that is called none: 100 MB in a million."""
ONCE_BYTES = 1_000_000
"""Growth between two moments at rest that steps which stay may come to, beside what is allowed for the requests: a
table of Python's is doubled once after some thousand requests (.94 MB), a connection to a database keeps
pages (.26 MB)."""
MIN_WINDOWS = 3


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Growth per 1,000 requests.

    Args:
        bytes: The estimate.
        low: Lower end of its interval.
        high: Upper end.
        in_all: Bytes that were added between two moments at rest.
        word: ``flat`` where no growth above the bound fits, ``level`` where the interval holds zero and what was added
            in all is no more than the allowance and one step, ``grows`` where only growth above the bound fits, else
            ``undecided``.
    """

    bytes: float
    low: float
    high: float
    in_all: float
    word: Literal["flat", "level", "grows", "undecided"]


def windows(times: Sequence[float], values: Sequence[float], width_s: float) -> list[float]:
    """Return the mean of values in each window of time, empty windows left out.

    Args:
        times: Of the values, in seconds, in order.
        values: The values.
        width_s: Width of a window in seconds.
    """
    numbers = ((np.asarray(times) - times[0]) // width_s).astype(int)
    return [float(np.mean(np.asarray(values)[numbers == number])) for number in np.unique(numbers)]


def growth(
    times: Sequence[float],
    requests: Sequence[float],
    values: Sequence[float],
    *,
    in_all: float,
    width_s: float = 60.0,
    confidence: float = 0.95,
    allowed: float = ALLOWED_BYTES,
) -> Growth:
    """Return how something grows.

    Args:
        times: Of the readings, in seconds, in order.
        requests: Requests that were sent until then.
        values: The readings, in bytes.
        in_all: Bytes that were added between two moments at rest, before and after.
        width_s: Width of a window in seconds; growth from one to the next is one observation.
        confidence: Of the interval.
        allowed: Growth per 1,000 requests that is called none.

    Raises:
        ValueError: There are too few readings.
    """
    means, counts = windows(times, values, width_s), windows(times, requests, width_s)
    if len(means) < MIN_WINDOWS:
        raise ValueError(f"{len(means)} windows of {width_s:g} s tell nothing of growth; at least {MIN_WINDOWS} do")
    steps, per_step = np.diff(means), (counts[-1] - counts[0]) / (len(counts) - 1)
    scale = PER / per_step
    half = float(stats.t.ppf((1 + confidence) / 2, len(steps) - 1) * steps.std(ddof=1) / np.sqrt(len(steps)))
    mean = float(steps.mean())
    low, high = scale * (mean - half), scale * (mean + half)
    most = ONCE_BYTES + allowed * (requests[-1] - requests[0]) / PER
    word = word_for(low, high, allowed, is_little=in_all <= most)
    return Growth(bytes=scale * mean, low=low, high=high, in_all=in_all, word=word)


def word_for(
    low: float, high: float, allowed: float, *, is_little: bool
) -> Literal["flat", "level", "grows", "undecided"]:
    """Return the word for growth.

    Args:
        low: Lower end of its interval, in bytes per 1,000 requests.
        high: Upper end.
        allowed: Growth that is called none.
        is_little: Whether what was added in all is no more than the allowance and one step.
    """
    if high <= allowed:
        return "flat"
    if low > allowed:
        return "grows"
    return "level" if low <= 0.0 and is_little else "undecided"
