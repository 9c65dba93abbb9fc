"""Volumes at which one machine becomes cheaper than another.

Of two machines whose number does not change, ``(standing_A - standing_B) / (drawing_B - drawing_A)``. Whole machines
are added as volumes grow, though, so the cost is a staircase on a slope, and the change of order is looked for on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from underpaint.stages.optimize.advise.advice import BreakEven, Curve
from underpaint.stages.optimize.advise.asked import LARGEST
from underpaint.stages.optimize.advise.figure import Figure
from underpaint.stages.optimize.advise.month import Costing

FEWEST = 100.0
"""Pictures of a month below which nothing is asked."""
REACH = 1000.0
"""Volumes up to this many times the one that is asked for are looked at."""
POINTS = 400
STEPS = 40


def volumes_around(volume: float) -> np.ndarray:
    """Return ``[400]`` volumes in equal ratios, from few pictures to many times those that are asked for."""
    return np.geomspace(min(FEWEST, volume / 10), min(max(volume * REACH, 1e4), LARGEST), POINTS)


def curve_of(costing: Costing, volumes: np.ndarray) -> Curve:
    """Return a machine's cost over the volume."""
    value, low, high = costing.curve(volumes)
    return Curve(
        machine=costing.machine.name,
        volumes=tuple(volumes.tolist()),
        value=tuple(value.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
    )


def break_even(one: Costing, other: Costing, volumes: np.ndarray) -> BreakEven | None:
    """Return where the order of two machines changes first; None if it never does in these volumes.

    Args:
        one: A machine.
        other: Another.
        volumes: ``[n]`` rising.
    """
    ahead = np.sign(one.curve(volumes)[0] - other.curve(volumes)[0])
    settled = ahead[np.flatnonzero(ahead)]
    if not len(settled) or (settled == settled[0]).all():
        return None
    below, above = (one, other) if settled[0] < 0 else (other, one)
    crossing = _crossing(lambda v: _gap(below, above, v, 0, 0), volumes)
    assert crossing is not None, "the order changes"
    possible = _crossing(lambda v: _gap(below, above, v, 2, 1), volumes)
    surely = _crossing(lambda v: _gap(below, above, v, 1, 2), volumes)
    sources = tuple(dict.fromkeys(source for one in (below, above) for source in one.sources("money")))
    volume = Figure(
        value=crossing,
        low=min(crossing, float(volumes[0]) if possible is None else possible),
        high=None if surely is None else max(crossing, surely),
        unit="pictures/month",
        sources=sources,
    )
    changes = int((np.diff(settled) != 0).sum())
    return BreakEven(below=below.machine.name, above=above.machine.name, volume=volume, again=changes > 1)


def _gap(below: Costing, above: Costing, volumes: np.ndarray, end: int, other_end: int) -> np.ndarray:
    """Return how much dearer ``below`` is: values (0), or a lower (1) or upper (2) end of each."""
    return below.curve(volumes)[end] - above.curve(volumes)[other_end]


def _crossing(gap: Callable[[np.ndarray], np.ndarray], volumes: np.ndarray) -> float | None:
    """Return where a gap becomes positive first; None if it never does, the first volume if it is from the start."""
    found = np.flatnonzero(gap(volumes) > 0.0)
    if not len(found):
        return None
    if found[0] == 0:
        return float(volumes[0])
    low, high = float(volumes[found[0] - 1]), float(volumes[found[0]])
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if gap(np.array([middle]))[0] > 0.0 else (middle, high)
    return high


def break_evens(costings: Sequence[Costing], volumes: np.ndarray) -> list[BreakEven]:
    """Return where the order of each two machines changes, by volume."""
    found = [break_even(one, other, volumes) for one, other in combinations(costings, 2)]
    return sorted((one for one in found if one is not None), key=lambda one: one.volume.value)
