"""Settings of a search; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpaint.core.config import Config

Target = Literal["this-machine", "cpu", "cuda"]
ATTEMPTS = 3
"""Most candidates that are judged on the same held-out prompts, one after the other in an order fixed beforehand."""
USUAL_LOADING_S = 2.3
"""Starting a process that draws, until it was measured."""
LEAST_CALIBRATION = 16
LEAST_SEARCH = 64
LEAST_STARTS = 2
"""Fewest starts of a planned race: with fewer there is no interval."""
LEAST_RACED = 4
"""Fewest starts that count of a race that no time was left for: with fewer, all seem to be as fast as each other."""


class SearchConfig(Config):
    """How a search goes.

    Args:
        target: Which machine the result is for: this one with all it has, or its processor or GPU alone.
        budget_s: Seconds in all.
        seed: Of everything random.
        calibration: Captions that calibrate and train.
        prompts: Captions that candidates are compared on before the last decision.
        glance: How many of them are drawn first, so that hopeless candidates cost little.
        pairs: Pairs of pictures that time a candidate beside the model before.
        starts: How often everyone in the race of the best is started.
        rounds: Pictures of each start that are timed.
        gain: Largest ratio of times that counts as faster.
        most_trials: Recipes that are looked at before the search ends even if time is left.
        threads: CPU threads to draw with.
    """

    target: Target = "this-machine"
    budget_s: float = Field(default=1800.0, gt=0, le=1e7)
    seed: int = Field(default=0, ge=0)
    calibration: int = Field(default=32, ge=LEAST_CALIBRATION)
    prompts: int = Field(default=96, ge=LEAST_SEARCH)
    glance: int = Field(default=24, ge=8)
    pairs: int = Field(default=20, ge=10)
    starts: int = Field(default=12, ge=LEAST_STARTS)
    rounds: int = Field(default=10, ge=5)
    gain: float = Field(default=0.98, gt=0, le=1)
    most_trials: int = Field(default=200, ge=1)
    threads: int = Field(default=1, ge=1)
