"""What a search does with recipes: it measures the model before, looks at candidates, and lets the best race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import Report
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.record import Base, Cost, Quality, Raced, Reason, State, Trial
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.unchanged import Made


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found about a recipe.

    Args:
        rung: The last that it reached.
        state: How it ended.
        reason: Why; None for a candidate that may be judged.
        cost: If it was timed.
        quality: Metric to change.
        loss: See ``Trial``.
        candidate: Digest of the model that was looked at.
    """

    rung: int
    state: State
    reason: Reason | None = None
    cost: Cost | None = None
    quality: dict[str, Quality] = field(default_factory=dict)
    loss: float | None = None
    candidate: str | None = None


class Bench(Protocol):
    """What a search does with recipes."""

    @property
    def space(self) -> Space:
        """What may be varied."""
        ...

    @property
    def host_class(self) -> str:
        """Class of the machine that shall draw."""
        ...

    def picture_s(self, report: Report) -> float:
        """Return about how long a picture of the model before takes, in seconds, from a few."""
        ...

    def base(self, report: Report) -> Base:
        """Measure the model before; ``seconds`` is filled in by the search."""
        ...

    def examine(self, recipe: OptimizationRecipe, base: Base, seconds_left: float, report: Report) -> Examined:
        """Look at a recipe, with pictures of the search's prompts alone."""
        ...

    def candidate(self, recipe: OptimizationRecipe, report: Report) -> Made:
        """Return a candidate whose files were all compared with its manifest, made again if it is not there."""
        ...

    def race(self, runners: Sequence[Trial], base: Base, allowed: RaceTime, report: Report) -> Raced:
        """Time some candidates, all rivals and the model before in turn; ``seconds`` is filled in by the search."""
        ...
