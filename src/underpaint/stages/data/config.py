"""Settings of the data stage."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from underpaint.core.config import Config


class DataConfig(Config):
    """What to build.

    Args:
        dataset: Name of the data set; ``stickers`` is the only one so far.
        source: ``npm``: four styles from pinned npm packages. ``debian``: one style from Debian's emoji font.
        size: Side of the pictures in pixels.
        attributed: Sources that are added on request, since weights trained on them owe their authors a credit.
        weights_license: License that weights trained on this data shall have; sources must allow it.
    """

    dataset: Literal["stickers"] = "stickers"
    source: Literal["npm", "debian"] = "npm"
    size: Literal[32, 64, 128, 256] = 64
    attributed: tuple[Literal["twemoji"], ...] = ()
    weights_license: str = "Apache-2.0"

    @model_validator(mode="after")
    def _no_enlargement(self) -> Self:
        if self.source == "debian" and self.size > 128:
            raise ValueError("Debian's font holds drawings of 128 pixels; choose a size up to 128, or source npm")
        return self

    @model_validator(mode="after")
    def _attributed_once_and_from_npm(self) -> Self:
        if self.attributed and self.source != "npm":
            raise ValueError(f"{', '.join(self.attributed)} comes from npm; choose source npm, or leave it out")
        if len(set(self.attributed)) < len(self.attributed):
            raise ValueError(f"attributed names a source twice: {', '.join(self.attributed)}; name it once")
        return self

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave ``attributed`` out where it is empty: the default settings keep the digest they had without it."""
        return {name: value for name, value in handler(self).items() if name != "attributed" or value}
