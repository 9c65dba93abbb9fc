"""Calls of a denoiser that are skipped: their answers are extrapolated from those before.

Along a path from noise to picture a network's answers change little from step to step. Of ``every`` calls one is
computed, and the others continue the polynomial through the last ``order + 1`` answers ``y_i`` at times ``t_i``, in
Newton's form, which is exact for answers that are polynomials of this degree, whatever the distances of the times::

    y(t) = [y_0] + [y_0, y_1] (t - t_0) + [y_0, y_1, y_2] (t - t_0) (t - t_1)

Order 0 repeats the last answer. The first calls, which decide what is drawn, and the last are always computed.

Source: Taylor series of features, TaylorSeer, arXiv 2503.06923; that outputs are extrapolated, over divided differences
of uneven times, is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count, pairwise

from pydantic import Field
from torch import Tensor

from underpaint.core.config import Config
from underpaint.diffusion.solvers import Denoiser

Point = tuple[float, Tensor]
"""A time and the answer at it."""


class OutputCache(Config):
    """Which calls are skipped, and how their answers are found.

    Args:
        every: One call of so many is computed; 1 skips none.
        order: Degree of the polynomial; 0 repeats the last answer.
        warm_up: First calls that are all computed.
        last: Last calls that are all computed.
    """

    every: int = Field(default=2, ge=1, le=16)
    order: int = Field(default=1, ge=0, le=3)
    warm_up: int = Field(default=3, ge=1, le=1000)
    last: int = Field(default=1, ge=1, le=1000)

    def computes(self, call: int, calls: int) -> bool:
        """Tell whether a call is computed.

        Args:
            call: Its number, from 0.
            calls: Calls in all.
        """
        return call < self.warm_up or call >= calls - self.last or (call - self.warm_up + 1) % self.every == 0

    def computed(self, calls: int) -> int:
        """Return how many calls are computed."""
        return sum(self.computes(call, calls) for call in range(calls))


class History:
    """The latest answers of one kind.

    Args:
        order: Degree of the polynomial through them.
    """

    def __init__(self, order: int) -> None:
        self._order = order
        self._points: list[Point] = []

    def __len__(self) -> int:
        return len(self._points)

    def add(self, t: float, answer: Tensor) -> None:
        """Take an answer down; one at the time of the latest replaces it."""
        kept = [point for point in self._points if point[0] != t]
        self._points = [*kept, (t, answer)][-self._order - 1 :]

    def at(self, t: float, like: Sequence[int]) -> Tensor | None:
        """Return the answer at a time, continued from those before.

        Args:
            t: The time.
            like: Shape that it must have.

        Returns:
            The answer; None where there is none of this shape to continue from.
        """
        points = [point for point in self._points if tuple(point[1].shape) == tuple(like)]
        return extrapolated(points, t) if points else None


def extrapolated(points: Sequence[Point], t: float) -> Tensor:
    """Return the value at a time of the polynomial through some points.

    Args:
        points: At least one; their times differ.
        t: The time.
    """
    newest = points[::-1]
    times, column = [time for time, _ in newest], [value for _, value in newest]
    result, factor = column[0], 1.0
    for degree in range(1, len(times)):
        column = [(b - a) / (times[i + degree] - times[i]) for i, (a, b) in enumerate(pairwise(column))]
        factor *= t - times[degree - 1]
        result = result + factor * column[0]
    return result


def cached_denoiser(
    denoise: Denoiser, calls: int, cache: OutputCache, regime: Callable[[float], Hashable] = lambda _: None
) -> Denoiser:
    """Return a denoiser that skips some calls; it serves for one drawing.

    Args:
        denoise: The denoiser.
        calls: How often the solver will call it.
        cache: Which calls are skipped.
        regime: From a time to whatever makes answers of another kind, such as whether guidance acts; what is computed
            in one regime is not continued in another.
    """
    histories: dict[Hashable, History] = {}
    numbers = count()

    def answer(x: Tensor, t: float) -> Tensor:
        history = histories.setdefault(regime(t), History(cache.order))
        skipped = None if cache.computes(next(numbers), calls) else history.at(t, x.shape)
        if skipped is not None:
            return skipped
        found = denoise(x, t)
        history.add(t, found)
        return found

    return answer
