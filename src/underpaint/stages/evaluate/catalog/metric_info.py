"""What a metric is, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass

from underpaint.stages.evaluate.record import Direction


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """One entry of the catalog.

    Args:
        title: Its name in the words of the field.
        unit: ``ms``, ``MB``, ``J``, ...; empty for pure numbers.
        direction: Which way is better; ``none`` if neither is.
        version: Version of the definition; raised when the same samples would give another number.
        minimum: Fewest samples (pictures, calls or prompts, whatever the metric counts) that support the number; the
            Fréchet distance wants four (its projection eight) a dimension besides.
        explanation: What it says, in words for people without technical knowledge.
        source: Where its definition comes from.
    """

    title: str
    unit: str = ""
    direction: Direction
    version: int = 1
    minimum: int
    explanation: str
    source: str
