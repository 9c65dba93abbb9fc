"""An evaluation artifact, read back: its report, its pictures and the influences behind each number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from underpaint.core.artifact import verify
from underpaint.core.config import parse_json, problems_of
from underpaint.core.errors import ArtifactError
from underpaint.metrics.estimate import Estimate
from underpaint.stages.evaluate.record import Measurement, PictureRecord, Report
from underpaint.stages.evaluate.scores.ledger import INFLUENCE, ORDER, REFERENCE_ROWS

REPORT, PICTURES = "report.json", "per_sample.jsonl"
FILES = (REPORT, PICTURES, INFLUENCE, ORDER)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """An evaluation, read back.

    Args:
        folder: Where it lies.
        digest: The artifact's identity.
        report: Its numbers.
        pictures: ``image_id`` to record.
        orders: ``id|group`` to the ``image_id`` of each row of its influences; ``reference|id|group`` to the cluster
            of each reference picture, where known.
        influences: ``id|group`` to ``[n]``, and ``reference|id|group`` to ``[m]``.
    """

    folder: Path
    digest: str
    report: Report
    pictures: dict[str, PictureRecord]
    orders: dict[str, list[str]]
    influences: dict[str, NDArray[np.float64]]

    def rows(self, measurement: Measurement) -> Sequence[PictureRecord] | None:
        """Return the picture behind each row of a number's influences; None if it has none."""
        order = self.orders.get(f"{measurement.id}|{measurement.group}")
        return None if order is None else [self.pictures[name] for name in order]

    def reference_clusters(self, measurement: Measurement) -> NDArray[np.int64] | None:
        """Return the number of each reference picture's cluster, if the artifact knows it: ``[m]``."""
        names = self.orders.get(f"{REFERENCE_ROWS}{measurement.id}|{measurement.group}")
        return None if names is None else np.unique(names, return_inverse=True)[1].astype(np.int64)

    def estimate(self, measurement: Measurement) -> Estimate:
        """Return a number with its influences."""
        assert measurement.value is not None
        key = f"{measurement.id}|{measurement.group}"
        return Estimate(
            value=measurement.value,
            value_debiased=measurement.value_debiased,
            n=measurement.n,
            m=measurement.m,
            se=measurement.se,
            influence=self.influences.get(key),
            reference_influence=self.influences.get(f"{REFERENCE_ROWS}{key}"),
        )


def _read_report(path: Path) -> Report:
    try:
        return Report.model_validate(parse_json(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        problem = problems_of(error) if isinstance(error, ValidationError) else error
        raise ArtifactError(
            f"{path} is no report that this version reads ({str(problem)[:300]}); evaluate again with this version"
        ) from None


def _read_pictures(path: Path) -> dict[str, PictureRecord]:
    records: dict[str, PictureRecord] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = PictureRecord.model_validate(parse_json(line))
        except ValueError as error:
            raise ArtifactError(f"{path}, line {number} is damaged ({str(error)[:200]}); evaluate again") from None
        records[record.image_id] = record
    return records


def _check(evaluated: Evaluated) -> None:
    """Refuse influences that do not belong to the pictures.

    Raises:
        ArtifactError: A row has no picture, or the rows do not fit the number that they belong to.
    """
    for measurement in evaluated.report.metrics:
        key = f"{measurement.id}|{measurement.group}"
        rows, order = evaluated.influences.get(key), evaluated.orders.get(key)
        if rows is None and order is None:
            continue
        unknown = set(order or ()) - evaluated.pictures.keys()
        if rows is None or order is None or len(rows) != len(order) or unknown:
            raise ArtifactError(
                f"{evaluated.folder}: the influences of {key!r} do not fit its pictures; evaluate it again"
            )
        if not np.isfinite(rows).all():
            raise ArtifactError(f"{evaluated.folder}: the influences of {key!r} are not finite; evaluate again")


def read_evaluation(folder: Path) -> Evaluated:
    """Read and verify an evaluation artifact; pages and pictures in it are not looked at.

    Raises:
        ArtifactError: It is no finished evaluation, or was changed since.
    """
    from safetensors.numpy import load_file

    manifest = verify(folder, kind="evaluation", only=FILES)
    evaluated = Evaluated(
        folder=folder,
        digest=manifest.digest,
        report=_read_report(folder / REPORT),
        pictures=_read_pictures(folder / PICTURES),
        orders=parse_json((folder / ORDER).read_text(encoding="utf-8")),
        influences=load_file(folder / INFLUENCE),
    )
    _check(evaluated)
    return evaluated
