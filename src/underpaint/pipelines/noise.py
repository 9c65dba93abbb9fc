"""The random numbers that a picture is drawn from, as a pipeline declares them; without torch.

A pipeline lists the streams that it reads. Every request fills them from its own seed, so that all engines and all
batches meet the same numbers (``runtime/rng.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from underpaint.core.config import Config
from underpaint.runtime.rng import gumbel, normal

DISTRIBUTIONS = {"gumbel": gumbel, "normal": normal}


class NoiseStream(Config):
    """One stream of numbers that a picture needs.

    Args:
        name: The stream's name, as ``runtime/rng.py`` keys it.
        kind: Standard Gumbel or standard normal numbers.
        shape: Shape of the numbers of one picture.
    """

    name: str
    kind: Literal["gumbel", "normal"]
    shape: tuple[int, ...]

    def draw(self, seeds: Sequence[int]) -> NDArray[np.float32]:
        """Return the numbers of several pictures, ``[B, *shape]``.

        Args:
            seeds: One a picture.

        Raises:
            InputError: A seed is out of range.
        """
        return np.stack([DISTRIBUTIONS[self.kind](seed, self.name, self.shape) for seed in seeds])
