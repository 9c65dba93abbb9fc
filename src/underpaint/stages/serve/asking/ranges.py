"""Which values the numbers of a request may have with a model, and what is taken where none is given."""

from __future__ import annotations

from dataclasses import dataclass

from underpaint.core.errors import FieldError
from underpaint.pipelines.limits import LIMITS
from underpaint.stages.serve.asking.edit_planning import check_served
from underpaint.stages.serve.engine.catalog import Served

TORCH = "torch"


@dataclass(frozen=True)
class Range:
    """Values of a number, both ends included.

    Args:
        low: The least.
        high: The most; the least again where there is no choice.
        default: What is taken where none is given; None where the model says so for each picture.
    """

    low: float
    high: float
    default: float | None


def steps_of(served: Served) -> Range | None:
    """Return the steps that a model can be asked for; None if it takes none."""
    if served.model.steps is None:
        return None
    edge = served.edge
    if edge is not None and edge.loop is None:
        return None if edge.steps is None else Range(edge.steps, edge.steps, edge.steps)
    return _range("steps", served.model.index.sampling.get(served.model.steps))


def guidance_of(served: Served) -> Range | None:
    """Return the strengths of guidance that a model can be asked for; None if it knows none."""
    if served.edge is not None and served.edge.guidance is None:
        return None
    default = served.model.index.sampling.get("guidance")
    return None if default is None else _range("guidance", default)


def temperature_of(served: Served) -> Range | None:
    """Return the factors on the temperatures that a model can be asked for; None if it has none."""
    return _range("temperature", 1.0) if "temperatures" in served.model.index.sampling else None


def can_edit(served: Served) -> bool:
    """Tell whether a model can edit pictures, as it is served."""
    try:
        check_served(served)
    except FieldError:
        return False
    return True


def _range(name: str, default: float | None) -> Range:
    limits = LIMITS[name]
    return Range(limits.low, limits.high, default)
