"""Evaluations of several subjects on the same wishes, each made once, and the paired differences between them.

The statistics are those of ``underpaint evaluate`` and ``underpaint compare``; this file only arranges them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from underpaint.core.config import digest_of
from underpaint.stages.evaluate.comparing.compare import compare
from underpaint.stages.evaluate.comparing.comparison import Row
from underpaint.stages.evaluate.comparing.text import describe_cell
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, ModelSubject
from underpaint.stages.evaluate.record import Measurement
from underpaint.stages.evaluate.run import run
from underpaint.stages.evaluate.seeing.sets import DataSet
from underpaint.stages.evaluate.writing import read_report

Line = dict[str, Any]


def evaluate_once(
    name: str, source: ModelSubject | CallableSubject, config: EvaluateConfig, data: DataSet, work: Path
) -> Path:
    """Evaluate a subject, unless this very evaluation lies in ``work`` already, and return its folder.

    Args:
        name: Begins the folder's name, which also holds a digest of subject, settings and data.
        source: What draws; needs an identity.
        config: What is drawn and measured.
        data: The data set.
        work: Folder of the evaluations.
    """
    digest = digest_of([source.identity, config.digest(), data.digest])
    out = work / f"{name.replace(' ', '-')}-{digest[:12]}"
    run(config, source, data, out)
    return out


def shown_number(number: Measurement) -> Line:
    """Return a number for JSON."""
    interval = number.interval
    return {
        "metric": number.metric,
        "extractor": number.extractor,
        "group": number.group,
        "value": number.value if number.value_debiased is None else number.value_debiased,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "n": number.n,
        "clusters": number.num_clusters,
        "ceiling": number.ceiling,
        "status": number.status,
        "message": number.message,
    }


def wanted(metric: str, group: str, metrics: Collection[str], groups: str) -> bool:
    """Tell whether a number is asked for: one of ``metrics``, on everything or on a slice that ``groups`` begins."""
    return metric in metrics and (not group or group.startswith(groups))


def numbers(folder: Path, metrics: Collection[str], groups: str) -> list[Line]:
    """Return the numbers of an evaluation that are asked for.

    Args:
        folder: The evaluation.
        metrics: Names of metrics.
        groups: What slices begin with, for example ``level=``.
    """
    every = read_report(folder).metrics
    return [shown_number(number) for number in every if wanted(number.metric, number.group, metrics, groups)]


def differences(candidate: Path, baseline: Path, metrics: Collection[str], groups: str) -> list[Line]:
    """Return candidate minus baseline, paired on prompt and seed.

    Args:
        candidate: An evaluation.
        baseline: Another, of the same wishes.
        metrics: Names of metrics.
        groups: What slices begin with.
    """
    rows = compare([baseline, candidate]).rows
    return [_line(row) for row in rows if wanted(row.metric, row.group, metrics, groups)]


def _line(row: Row) -> Line:
    first, second = row.cells
    return {
        "metric": row.metric,
        "extractor": row.extractor,
        "group": row.group,
        "direction": row.direction,
        "baseline": first.value,
        "candidate": second.value,
        "delta": second.delta,
        "delta_low": second.delta_low,
        "delta_high": second.delta_high,
        "n": second.n,
        "refused": second.refused,
        "text": describe_cell(second),
    }


def interval_text(line: Line, digits: int = 3) -> str:
    """Return a number with its interval, or its status."""
    if line["value"] is None:
        return f"({line['status']})"
    if line["low"] is None or line["high"] is None:
        return f"{line['value']:.{digits}f}"
    return f"{line['value']:.{digits}f} ({line['low']:.{digits}f}-{line['high']:.{digits}f})"


def delta_text(line: Line, digits: int = 3) -> str:
    """Return a difference with its interval, or a dash."""
    if line["delta"] is None:
        return "-"
    return f"{line['delta']:+.{digits}f} ({line['delta_low']:+.{digits}f} to {line['delta_high']:+.{digits}f})"
