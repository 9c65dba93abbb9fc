"""Evaluation from Python in one call: ``underpaint.evaluate(draw, data="artifacts/stickers-64", out="report")``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from underpaint.core.errors import InputError
from underpaint.core.progress import Report as Show
from underpaint.core.progress import silent
from underpaint.pipelines.generator import Generator
from underpaint.stages.evaluate.config import EvaluateConfig, suite_named
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, Draw, loaded_subject
from underpaint.stages.evaluate.efficiency.prices import read_prices
from underpaint.stages.evaluate.opening import open_data, open_source
from underpaint.stages.evaluate.record import Report
from underpaint.stages.evaluate.run import Source, run
from underpaint.stages.evaluate.seeing.sets import DataSet
from underpaint.stages.evaluate.writing import read_report


def evaluate(
    subject: str | Path | Generator | Draw | None = None,
    *,
    data: str | Path,
    out: str | Path,
    suite: str | EvaluateConfig = "quick",
    extractors: Sequence[str] | None = None,
    name: str = "",
    digest: str = "",
    seed: int = 0,
    efficiency: bool = True,
    controls: bool = True,
    prices: str | Path | None = None,
    report: Show = silent,
) -> Report:
    """Evaluate a model, a folder of pictures, or a function that draws.

    Args:
        subject: A model's folder or name; a loaded model; a folder of pictures; a function from a list of wishes (each
            with ``prompt``, ``style`` and ``seed``) to as many pictures; None for the shipped model.
        data: The data set: prompts and real pictures.
        out: Folder of the report; must not exist, or hold this very evaluation.
        suite: ``quick``, ``standard``, ``full``, or settings of your own.
        extractors: What looks at the pictures; None for the suite's own.
        name: What to call a function in the report.
        digest: Names the weights and settings behind a function, so that its pictures are kept; empty draws anew.
        seed: Seed of everything random.
        efficiency: Whether to measure time, memory, energy and money.
        controls: Whether to draw the null and known-bad controls.
        prices: A file of prices and carbon intensities; None for the example.
        report: Receives progress.

    Returns:
        The report; it lies in ``out`` too, with a page for people.

    Raises:
        InputError: An argument cannot be used.
        DataError: Pictures or the data set cannot be used.
        ArtifactError: The model or the data set is damaged.
    """
    config = _config(suite, extractors, seed, efficiency=efficiency, controls=controls)
    opened = open_data(Path(data), config)
    source = _source(subject, opened, config, name, digest, report)
    options: dict[str, Any] = {"prices": read_prices(Path(prices) if prices else None)}
    if isinstance(source, CallableSubject) and not digest:
        with tempfile.TemporaryDirectory(prefix="underpaint-") as fresh:
            run(config, source, opened, Path(out), report, cache=Path(fresh), **options)
    else:
        run(config, source, opened, Path(out), report, **options)
    return read_report(Path(out))


def _config(
    suite: str | EvaluateConfig, extractors: Sequence[str] | None, seed: int, *, efficiency: bool, controls: bool
) -> EvaluateConfig:
    config = suite_named(suite) if isinstance(suite, str) else suite
    changes: dict[str, Any] = {"seed": seed}
    if extractors is not None:
        changes["extractors"] = tuple(extractors)
    if not efficiency:
        changes["efficiency"] = ""
    if not controls:
        changes |= {"known_bad": (), "null_sets": 0}
    return EvaluateConfig.parse({**config.model_dump(), **changes}, source="arguments")


def _source(
    subject: str | Path | Generator | Draw | None,
    data: DataSet,
    config: EvaluateConfig,
    name: str,
    digest: str,
    report: Show,
) -> Source:
    if subject is None or isinstance(subject, str | Path):
        return open_source(subject, data, config, report)
    if isinstance(subject, Generator):
        return loaded_subject(subject)
    if not callable(subject):
        raise InputError(
            f"cannot evaluate a {type(subject).__name__}; give a model, a folder, or a function that draws"
        )
    return CallableSubject(function=subject, name=name or getattr(subject, "__name__", "callable"), digest=digest)
