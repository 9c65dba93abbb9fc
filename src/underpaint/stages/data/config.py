"""Settings of the data stage."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from underpaint.core.config import Config


class DataConfig(Config):
    """What to build.

    Args:
        dataset: Name of the data set; ``stickers`` is the only one so far.
        source: ``npm``: four styles from pinned npm packages. ``debian``: one style from Debian's emoji font.
        size: Side of the pictures in pixels.
        weights_license: License that weights trained on this data shall have; sources must allow it.
    """

    dataset: Literal["stickers"] = "stickers"
    source: Literal["npm", "debian"] = "npm"
    size: Literal[32, 64, 128, 256] = 64
    weights_license: str = "Apache-2.0"

    @model_validator(mode="after")
    def _no_enlargement(self) -> Self:
        if self.source == "debian" and self.size > 128:
            raise ValueError("Debian's font holds drawings of 128 pixels; choose a size up to 128, or source npm")
        return self
