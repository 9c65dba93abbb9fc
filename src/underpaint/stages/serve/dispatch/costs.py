"""What drawing takes: the measured profile of a model, corrected by what its batches took since."""

from __future__ import annotations

from underpaint.stages.serve.batching.filling import Plan, alone
from underpaint.stages.serve.batching.profile import corrected
from underpaint.stages.serve.dispatch.engines import Engines

FIRST_COST_S = 1.0
"""Device-seconds that a picture is taken for before its model was ever loaded."""
KEYS_KEPT = 256
"""Keys whose observed times are remembered."""


class Costs:
    """Knows what pictures take. The key of a picture is that of the pictures it may be drawn with; empty for none.

    Args:
        engines: What draws.
        max_batch_s: Longest batch.
    """

    def __init__(self, engines: Engines, max_batch_s: float) -> None:
        self._engines, self._max_batch_s = engines, max_batch_s
        self._corrections: dict[str, float] = {}

    def picture_s(self, model: str, key: str) -> float:
        """Return the device-seconds that one picture will probably take."""
        known = self._engines.known(model)
        return FIRST_COST_S if known is None else known.profile.seconds(1) * self._corrections.get(key, 1.0)

    def plan(self, model: str, key: str, picture_s: float) -> Plan:
        """Return how many pictures go together, and how long they take.

        Args:
            model: Draws them.
            key: Theirs.
            picture_s: Device-seconds of one that is drawn alone.
        """
        known = self._engines.known(model)
        if known is None or not key:
            return alone(picture_s)
        return known.profile.plan(max_batch_s=self._max_batch_s, correction=self._corrections.get(key, 1.0))

    def learn(self, model: str, key: str, pictures: int, seconds: float) -> None:
        """Note that a batch of so many pictures took so many device-seconds."""
        known = self._engines.known(model)
        if known is None:
            return
        before = self._corrections.pop(key, 1.0)
        self._corrections[key] = corrected(before, observed_s=seconds, profile_s=known.profile.seconds(pictures))
        while len(self._corrections) > KEYS_KEPT:
            self._corrections.pop(next(iter(self._corrections)))
