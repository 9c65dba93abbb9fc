"""Writing an evaluation: ``report.json``, one line a picture, influences, pictures, the page, and the manifest."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from underpaint.core.artifact import Manifest, seal, staging, storage_errors, verify
from underpaint.core.config import canonical_json
from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.evaluate import record
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.pictures import Drawn
from underpaint.stages.evaluate.drawing.wishes import COMPOSITION, MAIN, prompt_id_of
from underpaint.stages.evaluate.page.page import write_page
from underpaint.stages.evaluate.page.pictures import nearest_file
from underpaint.stages.evaluate.scores.extras import Nearest
from underpaint.stages.evaluate.scores.judging import Judgement
from underpaint.stages.evaluate.scores.ledger import Ledger
from underpaint.stages.evaluate.seeing.sets import DataSet

KIND, STAGE = "evaluation", "evaluate"
REPORT, PER_SAMPLE = "report.json", "per_sample.jsonl"
SAMPLES, REAL = "samples", "real"
KEPT_PARTS = (MAIN, COMPOSITION)
"""Parts whose pictures go into the artifact."""
PACKAGES = ("numpy", "torch", "pillow")
"""Packages whose versions are recorded."""
SHOWN_NEAREST = 24
"""Training pictures that are kept beside the drawn pictures nearest to them."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Everything that goes into an artifact.

    Args:
        report: The report.
        ledger: Its numbers with their influences.
        pictures: The pictures.
        judgement: What was found about each.
        nearest: Their nearest training pictures.
    """

    report: record.Report
    ledger: Ledger
    pictures: Sequence[Drawn]
    judgement: Judgement
    nearest: Nearest = field(default_factory=Nearest)


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sample_file(image_id: str) -> str:
    """Return where a picture lies in the artifact."""
    return f"{SAMPLES}/{image_id.replace('/', '_').removesuffix('.png')}.png"


def nearest_pictures(nearest: Nearest) -> set[str]:
    """Return the drawn pictures that lie nearest to a training picture, as many as are shown."""
    return set(sorted(nearest.ratios, key=lambda image: nearest.ratios[image])[:SHOWN_NEAREST])


def picture_records(written: Written) -> list[record.PictureRecord]:
    """Return one record a picture."""
    records = []
    for picture in written.pictures:
        wish, image = picture.wish, picture.wish.image_id
        kept = wish.part in KEPT_PARTS
        twin = wish.sample.file if kept and wish.sample else ""
        records.append(
            record.PictureRecord(
                image_id=image,
                prompt_id=wish.prompt_id,
                prompt=wish.prompt,
                style=wish.style,
                seed=wish.seed,
                cluster=wish.cluster,
                part=wish.part,
                sha256=picture.sha256,
                file=sample_file(image) if kept else "",
                scores=written.judgement.by_picture.get(image, {}),
                reason=written.judgement.reasons.get(image, ""),
                nearest_train=prompt_id_of(written.nearest.samples[image]) if image in written.nearest.samples else "",
                nearest_ratio=written.nearest.ratios.get(image),
                reference_file=f"{REAL}/{twin}" if twin else "",
            )
        )
    return records


def copies(written: Written, records: Sequence[record.PictureRecord], data: DataSet) -> dict[str, Path]:
    """Return file in the artifact to file on disk, for every picture that is kept."""
    files: dict[str, Path] = {}
    shown = nearest_pictures(written.nearest)
    for one, picture in zip(records, written.pictures, strict=True):
        if one.file:
            files[one.file] = picture.path
        if one.reference_file:
            files[one.reference_file] = data.folder / one.reference_file.removeprefix(f"{REAL}/")
        if one.image_id in shown and one.file:
            files[nearest_file(one)] = data.folder / written.nearest.samples[one.image_id].file
    return files


def copy_pictures(files: dict[str, Path], folder: Path, report: Report = silent) -> None:
    """Copy pictures into the artifact; what is no PNG becomes one."""
    for number, (name, source) in enumerate(files.items(), 1):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix.lower() == ".png":
            shutil.copyfile(source, target)
        else:
            with Image.open(source) as image:
                image.convert("RGBA").save(target, "PNG")
        report(Progress(task="keep pictures", done=number, total=len(files), unit="pictures"))


def figures_of(report: record.Report) -> dict[str, Any]:
    """Return the numbers over all samples that have a value, for the manifest."""
    return {m.id: round(m.value, 6) for m in report.metrics if m.value is not None and not m.group}


def write_evaluation(
    written: Written, data: DataSet, config: EvaluateConfig, parents: dict[str, str], out: Path, report: Report = silent
) -> Manifest:
    """Write an evaluation artifact.

    Args:
        written: What goes into it.
        data: The data set, whose pictures stand beside the drawn ones.
        config: The settings.
        parents: Role to digest of what it rests on.
        out: The folder; must not exist.
        report: Receives progress.

    Raises:
        StorageError: It exists, or cannot be written.
    """
    records = picture_records(written)
    with staging(out) as folder:
        copy_pictures(copies(written, records, data), folder, report)
        with storage_errors(out):
            lines = (canonical_json(one.model_dump(mode="json")) + "\n" for one in records)
            (folder / PER_SAMPLE).write_text("".join(lines), encoding="utf-8")
            (folder / REPORT).write_text(written.report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        written.ledger.write(folder)
        write_page(folder, written.report, records)
        figures = figures_of(written.report)
        return seal(folder, kind=KIND, stage=STAGE, config=config, parents=parents, figures=figures, packages=PACKAGES)


def read_report(folder: Path) -> record.Report:
    """Read the report of an evaluation.

    Raises:
        ArtifactError: The folder holds none, or it is damaged.
    """
    verify(folder, kind=KIND, only=(REPORT,))
    return record.Report.model_validate_json((folder / REPORT).read_text(encoding="utf-8"))
