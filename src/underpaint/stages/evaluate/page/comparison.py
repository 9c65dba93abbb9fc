"""The sections of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpaint.stages.evaluate.page.layout import Section


def comparison_sections(comparison: Mapping[str, Any]) -> list[Section]:
    """Return the sections of a comparison."""
    return []
