"""Random numbers of an evaluation: a generator for each purpose, which depends on its name and the seed alone."""

from __future__ import annotations

import numpy as np


def rng_for(purpose: str, seed: int) -> np.random.Generator:
    """Return a generator that depends on nothing but its arguments."""
    return np.random.default_rng([seed, *purpose.encode()])
