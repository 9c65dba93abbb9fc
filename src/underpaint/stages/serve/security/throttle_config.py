"""How much a key may ask for where it says nothing of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from underpaint.core.config import Config
from underpaint.stages.serve.security.keys import KeyLimits

KEYS_KEPT = 65_536


class ThrottleConfig(Config):
    """What holds for keys that say nothing of their own; null for no bound.

    Args:
        defaults: How much such a key may ask for.
        burst_s: What comes in so many seconds may be asked for at once.
        keys_kept: Most keys whose rates are remembered.
    """

    defaults: KeyLimits = KeyLimits()
    burst_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    keys_kept: Annotated[int, Field(ge=1)] = KEYS_KEPT

    def of(self, limits: KeyLimits) -> KeyLimits:
        """Return what holds for a key."""
        own = {name: value for name, value in limits.model_dump().items() if value is not None}
        return self.defaults.model_copy(update=own)
