"""The subject of a check: a data set opened once, and the data sets it is held against."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import Manifest, verify
from underpaint.core.errors import DataError
from underpaint.core.progress import Report, silent
from underpaint.core.samples import Sample, read_samples
from underpaint.stages.data.checking.fingerprints import Fingerprints, fingerprint
from underpaint.stages.data.checking.record import MAX_EXAMPLES, Example, Finding, Found, Severity, Suspect, status_of

MAX_JOBS = 8


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A data set that lies open.

    Args:
        name: What it is called in the report.
        folder: Where it lies.
        manifest: What it says of itself; without its files, which are verified.
        num_files: How many files there are.
        samples: Its samples.
        prints: Their fingerprints, in the same order.
    """

    name: str
    folder: Path
    manifest: Manifest
    num_files: int
    samples: list[Sample]
    prints: Fingerprints

    def suspect(self, position: int, check: str, severity: Severity, reason: str) -> Suspect:
        """Name a picture and what is wrong with it."""
        sample = self.samples[position]
        return Suspect(
            id=sample.id, style=sample.style, file=sample.file, check=check, severity=severity, reason=reason
        )

    def faulty(
        self,
        check: str,
        reasons: Mapping[int, str],
        *,
        title: str,
        unit: str,
        says: str,
        error_rate: str,
        examples: Sequence[Example] | None = None,
        counts: Mapping[str, dict[str, int]] | None = None,
    ) -> Found:
        """Say which samples must not be used so: an error each.

        Args:
            check: Name of the check.
            reasons: Position to what is wrong there; named in this order.
            title: Its name, for people.
            unit: What is counted.
            says: What was looked for, what that means, what to do.
            error_rate: What is known about how often the search is wrong.
            examples: What to show; the first samples if None.
            counts: Tables of numbers: name to row to number.
        """
        suspects = tuple(self.suspect(i, check, "error", why) for i, why in reasons.items())
        if examples is None:
            examples = [Example(files=(s.file,), text=s.reason) for s in suspects[:MAX_EXAMPLES]]
        finding = Finding(
            check=check,
            title=title,
            severity="error",
            status=status_of(len(suspects)),
            count=len(suspects),
            unit=unit,
            looked_at=len(self.samples),
            says=says,
            error_rate=error_rate,
            examples=tuple(examples[:MAX_EXAMPLES]),
            counts=dict(counts or {}),
        )
        return Found(finding=finding, suspects=suspects)


def open_subject(folder: Path, *, name: str, cache: Path, jobs: int | None = None, report: Report = silent) -> Subject:
    """Verify a data set's files and take its fingerprints.

    Args:
        folder: The artifact.
        name: What to call it.
        cache: The cache folder.
        jobs: Number of processes; one a core if None, at most 8.
        report: Receives progress.

    Raises:
        InputError: There is no such folder.
        ArtifactError: A file is missing or changed, or the folder holds something else.
        DataError: ``samples.jsonl`` cannot be read, or is empty.
    """
    manifest = verify(folder, kind="dataset", report=report)
    num_files, manifest = len(manifest.files), manifest.model_copy(update={"files": {}})
    samples = read_samples(folder)
    if not samples:
        raise DataError(f"{folder} holds no pictures, so there is nothing to check; build the data set again")
    size = manifest.config.get("size")
    prints = fingerprint(
        folder,
        samples,
        digest=manifest.digest,
        size=size if isinstance(size, int) else None,
        cache=cache,
        jobs=jobs or min(MAX_JOBS, len(os.sched_getaffinity(0))),
        report=report,
    )
    return Subject(name=name, folder=folder, manifest=manifest, num_files=num_files, samples=samples, prints=prints)


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return short, different names for folders: their last part, numbered where it stands twice."""
    names: list[str] = []
    for folder in folders:
        name = folder.resolve().name
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names
