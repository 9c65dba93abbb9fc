"""How long a race may take: all that is left besides one decision, which takes longer where pictures do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RaceTime:
    """What a race may take of what is left.

    Args:
        left_s: Left of the budget, for race and decision together.
        decision_s: What one decision takes as it was planned.
        least_s: What the race may take however little is left.
        picture_ms: A picture of the model before, as it was planned.
    """

    left_s: float
    decision_s: float
    least_s: float
    picture_ms: float

    def seconds(self, picture_ms: float | None = None) -> float:
        """Return the longest time that the race may take: the decision takes as much longer as pictures do.

        Args:
            picture_ms: A picture of the model before, as the race measured it; None before it did.
        """
        slower = 1.0 if picture_ms is None else max(1.0, picture_ms / self.picture_ms)
        return max(self.least_s, self.left_s - slower * self.decision_s)
