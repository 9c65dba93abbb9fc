"""Settings for distilling the text table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpaint.core.config import Config


class TextTableConfig(Config):
    """Settings for distilling the static table of token vectors from all-MiniLM-L6-v2.

    Args:
        width: Numbers a row after the principal component analysis.
        order: How a piece stands between the specials: ``cls-first`` is ``[CLS] piece [SEP]``, ``sep-first`` the
            reverse; ``best`` tries both and keeps the one whose caption similarities agree better with MiniLM's.
        smoothing: ``a`` of the frequency weight ``a / (a + p)``.
        max_rows: Distill the first rows of the vocabulary alone, for tests; None for all.
        max_captions: Captions in the check against MiniLM's sentence vectors; all pairs of them are compared.
        floor: The lowest rank correlation accepted in that check.
        batch: Pieces a pass through MiniLM.
    """

    width: int = Field(default=256, ge=8, le=384)
    order: Literal["best", "cls-first", "sep-first"] = "best"
    smoothing: float = Field(default=1e-4, gt=0)
    max_rows: int | None = Field(default=None, ge=100)
    max_captions: int = Field(default=1200, ge=50)
    floor: float = Field(default=0.5, ge=-1, le=1)
    batch: int = Field(default=1024, ge=1)
