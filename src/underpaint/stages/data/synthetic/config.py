"""Settings of a synthetic data set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from underpaint.adapters.license_expression import parse
from underpaint.stages.data.publication import Publication

SHA256 = r"^[0-9a-f]{64}$"
MOST_REDRAWS = 20


class SyntheticConfig(Publication):
    """What was drawn, by whom, and under which terms it is handed on.

    Args:
        dataset: Always ``synthetic``; tells these settings from those of real pictures.
        size: Side of the pictures in pixels.
        model: The model's name.
        model_sha256: Digest of the model.
        wishes_sha256: Digest of the settings of every picture that was asked for.
        redraws: How often a wish that came out blank is drawn again, with the next free seed, 0 to 20.
        license: SPDX expression of the pictures.
    """

    dataset: Literal["synthetic"] = "synthetic"
    size: int = Field(ge=1, le=4096)
    model: str
    model_sha256: str = Field(pattern=SHA256)
    wishes_sha256: str = Field(pattern=SHA256)
    redraws: int = Field(default=3, ge=0, le=MOST_REDRAWS)
    license: str = "Apache-2.0"

    @field_validator("license")
    @classmethod
    def _known_license(cls, license_: str) -> str:
        try:
            parse(license_)
        except ValueError as error:
            raise ValueError(f"it is no SPDX expression ({error}); give one such as CC-BY-4.0 with --license") from None
        return license_
