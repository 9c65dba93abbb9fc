"""Novelty: how near drawn pictures come to training pictures, beside how near real held-out pictures come.

A picture is flagged as near a training picture when its distance to the nearest one, over the mean distance to its
fifty nearest, falls below the 1 % quantile of the same ratio among held-out pictures: the false positive rate is
known. This finds near-exact copies, not borrowed ideas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from underpaint.stages.evaluate.ledger import Score


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What was found.

    Args:
        scores: The numbers.
        ratios: ``[N]`` nearest ratio of each picture.
        nearest: Index of the nearest training picture of each.
    """

    scores: list[Score]
    ratios: NDArray[np.float64]
    nearest: NDArray[np.int64]
