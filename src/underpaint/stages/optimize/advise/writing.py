"""Writing an advice as an artifact, whole or not at all: ``advice.json`` for machines, ``advice.html`` for people."""

from __future__ import annotations

from pathlib import Path

from underpaint.core.artifact import seal, staging
from underpaint.stages.optimize.advise.advice import Advice
from underpaint.stages.optimize.advise.page import page_of

KIND, RECORD, PAGE = "advice", "advice.json", "advice.html"


def write_advice(advice: Advice, out: Path, *, command: str) -> None:
    """Write an advice.

    Args:
        advice: The advice.
        out: The new folder.
        command: What gives it again.

    Raises:
        StorageError: The folder exists, or cannot be written.
    """
    measured = {f"measured-{row.measured_digest[:12]}": row.measured_digest for row in advice.rows if row.measured}
    parents = {"model": advice.model_digest, **measured}
    with staging(out) as folder:
        (folder / RECORD).write_text(advice.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (folder / PAGE).write_text(page_of(advice, command), encoding="utf-8")
        seal(folder, kind=KIND, stage="optimize", config=advice.asked, parents=parents)
