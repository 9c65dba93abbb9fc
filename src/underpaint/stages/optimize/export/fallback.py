"""Giving layer groups back to 32 bits until a graph is as exact as it shall be, the worst first.

The error of a group is that of a graph in which it alone has 8 bits. The smallest number of groups that keeps the limit
is found by halving, which takes for granted that giving back another group never harms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from underpaint.core.errors import ArtifactError

Error = Callable[[frozenset[str]], float]
"""Error of a graph in which these groups have 8 bits; up to 1 is allowed."""


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """Which groups have 8 bits.

    Args:
        quantized: Those that have.
        given_back: Those that went back to 32 bits, from the worst on.
        alone: Error of each group alone; empty where none had to go back.
    """

    quantized: frozenset[str]
    given_back: tuple[str, ...]
    alone: dict[str, float]


def fall_back(groups: Sequence[str], error: Error) -> Fallback:
    """Return the groups that can have 8 bits.

    Args:
        groups: All groups.
        error: Measures a choice of them.

    Raises:
        ArtifactError: Not even the best group alone keeps the limit, or there is no group.
    """
    if groups and error(frozenset(groups)) <= 1.0:
        return Fallback(quantized=frozenset(groups), given_back=(), alone={})
    alone = {group: error(frozenset([group])) for group in groups}
    worst = sorted(groups, key=lambda group: -alone[group])
    if not groups or alone[worst[-1]] > 1.0:
        raise ArtifactError(
            f"none of the {len(groups)} groups of layers can have 8 bits and keep the limit; leave --int8 out"
        )
    given_back = worst[: _fewest(worst, error)]
    return Fallback(quantized=frozenset(groups) - frozenset(given_back), given_back=tuple(given_back), alone=alone)


def _fewest(worst: Sequence[str], error: Error) -> int:
    """Return how many of the groups must go back; all of them too many, all but one are known to be enough."""
    low, high = 0, len(worst) - 1  # low is too few
    while high - low > 1:
        middle = (low + high) // 2
        if error(frozenset(worst[middle:])) <= 1.0:
            high = middle
        else:
            low = middle
    return high
