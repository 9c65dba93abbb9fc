"""Settings of a synthetic data set."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from pydantic import Field, field_validator

from underpaint.adapters.license_expression import parse
from underpaint.core.config import Config

UNKNOWN_DATE = "1970-01-01"
SHA256 = r"^[0-9a-f]{64}$"
MOST_REDRAWS = 20


class SyntheticConfig(Config):
    """What was drawn, by whom, and under which terms it is handed on.

    Args:
        dataset: Always ``synthetic``; tells these settings from those of real pictures.
        name: Name of the data set: lower-case letters, digits, ``-``, ``_`` and ``.``.
        size: Side of the pictures in pixels.
        model: The model's name.
        model_sha256: Digest of the model.
        wishes_sha256: Digest of the settings of every picture that was asked for.
        redraws: How often a wish that came out blank is drawn again, with the next free seed, 0 to 20.
        license: SPDX expression of the pictures.
        weights_license: License that weights trained on this data shall have; the pictures' license must allow it.
        date: When the pictures were published, as YYYY-MM-DD; ``1970-01-01`` if unknown.
    """

    dataset: Literal["synthetic"] = "synthetic"
    name: str
    size: int = Field(ge=1, le=4096)
    model: str
    model_sha256: str = Field(pattern=SHA256)
    wishes_sha256: str = Field(pattern=SHA256)
    redraws: int = Field(default=3, ge=0, le=MOST_REDRAWS)
    license: str = "Apache-2.0"
    weights_license: str = "Apache-2.0"
    date: str = UNKNOWN_DATE

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name):
            raise ValueError("a name has lower-case letters, digits, '-', '_' and '.'; give one with --name")
        return name

    @field_validator("license")
    @classmethod
    def _known_license(cls, license_: str) -> str:
        parse(license_)
        return license_

    @field_validator("date")
    @classmethod
    def _whole_date(cls, date: str) -> str:
        return dt.date.fromisoformat(date).isoformat()


def plain_name(text: str) -> str:
    """Return a text as a name of a data set: what is not allowed becomes ``-``."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:100] or "synthetic"
