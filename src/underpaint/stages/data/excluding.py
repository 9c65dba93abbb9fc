"""Excluding: a data set without the pictures of a list, as a new data set; the old one stays as it is."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict

from underpaint.core.artifact import MANIFEST, Manifest, hash_file, seal, staging, verify
from underpaint.core.config import Config, canonical_json
from underpaint.core.errors import DataError, InputError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import SAMPLES, Sample, read_samples, write_samples
from underpaint.stages.data.audit import samples_digest
from underpaint.stages.data.card import CARD
from underpaint.stages.data.card_check import refuse_card
from underpaint.stages.data.card_revision import read_card, revise_card
from underpaint.stages.data.contact import CONTACT_SHEET, num_shown, write_contact_sheet
from underpaint.stages.data.datasheet import DATASHEET
from underpaint.stages.data.exclusions import Exclusion, read_exclusions
from underpaint.stages.data.facts import count_samples
from underpaint.stages.data.notices import ATTRIBUTION
from underpaint.stages.data.weights import reweighted

EXCLUSIONS = "exclusions.jsonl"
"""The pictures that were left out, in the new data set."""
REPORT_EVERY = 1000


class CarriedConfig(Config):
    """The settings of the data set that pictures were taken from, as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")


def link(source: Path, target: Path) -> None:
    """Put a file into another folder without a copy where the file system allows that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def carry(
    folder: Path, manifest: Manifest, kept: Sequence[Sample], before: Sequence[Sample], target: Path, report: Report
) -> None:
    """Carry over every file that is neither a picture left out nor written anew."""
    anew = {MANIFEST, SAMPLES, CARD, CONTACT_SHEET, DATASHEET, ATTRIBUTION, EXCLUSIONS}
    gone = {s.file for s in before} - {s.file for s in kept}
    names = [name for name in manifest.files if name not in anew | gone]
    for number, name in enumerate(names, 1):
        link(folder / name, target / name)
        if number % REPORT_EVERY == 0 or number == len(names):
            report(Progress(task="carry over", done=number, total=len(names), unit="files"))


def reasons_of(exclusions: Sequence[Exclusion]) -> str:
    """Return the most frequent reasons, each shortened to what stands before its first quotation."""
    short = Counter(reason.split("'")[0].strip(" ,:") or "other" for e in exclusions for reason in e.reasons)
    return ", ".join(f"{reason} ({count})" for reason, count in short.most_common(5))


def write_papers(
    folder: Path, target: Path, before: Sequence[Sample], kept: Sequence[Sample], exclusions: Sequence[Exclusion]
) -> None:
    """Write what states counts or hashes anew; ``audit.json`` keeps the figures of the data set it was made for."""
    lines = (canonical_json(exclusion.model_dump(mode="json")) + "\n" for exclusion in exclusions)
    (target / EXCLUSIONS).write_text("".join(lines), encoding="utf-8")
    write_contact_sheet(kept, target)
    remark = (
        f"{len(exclusions)} of {len(before)} pictures were left out by a list ({reasons_of(exclusions)}); {EXCLUSIONS} "
        "names each. audit.json has the figures from before."
    )
    if (folder / DATASHEET).is_file():
        revise_datasheet(folder, target, remark)
    if (folder / ATTRIBUTION).is_file():
        recount_attribution(folder, target, kept)
    if (folder / CARD).is_file():
        revise_card(read_card(folder), before, kept, target, remark)
        refuse_card(target)


def revise_datasheet(folder: Path, target: Path, remark: str) -> None:
    """Write the datasheet with a remark at its end."""
    text = (folder / DATASHEET).read_text(encoding="utf-8")
    (target / DATASHEET).write_text(f"{text.rstrip()}\n\n## Excluded\n\n{remark}\n", encoding="utf-8")


def recount_attribution(folder: Path, target: Path, kept: Sequence[Sample]) -> None:
    """Write the attribution with the number of pictures that each source still has; none is left out."""
    stated = json.loads((folder / ATTRIBUTION).read_text(encoding="utf-8"))
    counts = Counter(sample.source for sample in kept)
    for row in stated["sources"]:
        row["pictures"] = counts[row["source"]]
    document = json.dumps(stated, indent=2, ensure_ascii=False)
    (target / ATTRIBUTION).write_text(document + "\n", encoding="utf-8")


def figures_of(
    manifest: Manifest, before: Sequence[Sample], kept: Sequence[Sample], num_excluded: int
) -> dict[str, object]:
    """Return the figures for the manifest: those of the samples anew, the others as they were.

    Args:
        manifest: That of the data set that pictures were taken from.
        before: All its samples.
        kept: The samples that are left.
        num_excluded: Pictures that were left out.
    """
    counted = count_samples(before)
    return {
        **{name: value for name, value in manifest.figures.items() if name not in counted},
        **count_samples(kept),
        "samples_digest": samples_digest(kept),
        "on_contact_sheet": num_shown(kept),
        "clusters": len({sample.cluster for sample in kept}),
        "excluded": num_excluded,
    }


def exclude(folder: Path, listed: Path, out: Path, report: Report = silent) -> Manifest:
    """Make a data set without the pictures of a list.

    Args:
        folder: The data set.
        listed: The exclusion list.
        out: The new folder; must not exist.
        report: Receives progress.

    Returns:
        The manifest of the new data set; its parents are the old one and the list.

    Raises:
        InputError: There is no such folder, or the list cannot be read or is empty.
        DataError: The list names pictures that are not there, or nothing would be left.
        ArtifactError: A file of the data set is missing or changed.
        StorageError: ``out`` exists or cannot be written.
    """
    manifest = verify(folder, kind="dataset", report=report)
    before = read_samples(folder)
    exclusions = read_exclusions(listed, before)
    if not exclusions:
        raise InputError(f"{listed} names no picture, so there is nothing to leave out; keep {folder} as it is")
    gone = {exclusion.file for exclusion in exclusions}
    kept = reweighted([sample for sample in before if sample.file not in gone])
    if not kept:
        raise DataError(f"{listed} names all {len(before)} pictures, so nothing would be left; shorten the list")
    with staging(out) as target:
        carry(folder, manifest, kept, before, target, report)
        write_samples(target, kept)
        write_papers(folder, target, before, kept, exclusions)
        return seal(
            target,
            kind="dataset",
            stage="data",
            config=CarriedConfig.model_validate(manifest.config),
            parents={"data": manifest.digest, "exclusions": hash_file(listed)},
            figures=figures_of(manifest, before, kept, len(exclusions)),
        )
