"""The catalog: every metric that a report may hold, by name."""

from __future__ import annotations

import difflib
import re

from underpaint.core.errors import InputError
from underpaint.stages.evaluate.catalog.alignment_metrics import ALIGNMENT
from underpaint.stages.evaluate.catalog.efficiency_metrics import EFFICIENCY
from underpaint.stages.evaluate.catalog.metric_info import MetricInfo
from underpaint.stages.evaluate.catalog.quality_metrics import LIKENESS, LOOKS, PAIRED, VARIETY

METRICS: dict[str, MetricInfo] = {**LIKENESS, **ALIGNMENT, **VARIETY, **PAIRED, **LOOKS, **EFFICIENCY}

FAMILIES: dict[str, dict[str, MetricInfo]] = {
    "Likeness to real pictures": LIKENESS,
    "Agreement with the words": ALIGNMENT,
    "Variety and novelty": VARIETY,
    "Likeness to one given picture": PAIRED,
    "Looks": LOOKS,
    "Time, memory, energy and money": EFFICIENCY,
}
"""Heading to its metrics, in the order in which a report shows them."""

PARAMETERS = (
    (re.compile(r"fd_pca[1-9]\d*"), "fd_pca"),
    (re.compile(r"vendi_q(\d+(\.\d+)?|inf)"), "vendi_q1"),
)
"""Names with a parameter in them, and the entry that describes them."""


def info_of(metric: str) -> MetricInfo:
    """Return what the catalog says about a metric.

    Args:
        metric: Its name, with parameters filled in (``fd_pca62``); not an id with ``@``.

    Raises:
        InputError: The catalog does not know it; the message gives the nearest name.
    """
    if metric in METRICS:
        return METRICS[metric]
    for pattern, name in PARAMETERS:
        if pattern.fullmatch(metric):
            return METRICS[name]
    near = difflib.get_close_matches(metric.partition("@")[0], METRICS, n=1, cutoff=0)
    raise InputError(
        f"there is no metric {metric!r}; did you mean {near[0]!r}? The names stand in METRICS of "
        "underpaint/stages/evaluate/catalog/table.py, with parameters filled in, as in 'fd_pca62'"
    )
