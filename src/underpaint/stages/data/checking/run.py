"""The check as a whole: open, look, report; the report is an artifact of its own, nothing of the data is changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging
from underpaint.core.cache import cache_folder
from underpaint.core.config import canonical_json
from underpaint.core.progress import Progress, Report, silent
from underpaint.stages.data.checking.balance import check_balance
from underpaint.stages.data.checking.duplicates import (
    check_contamination,
    check_equal,
    check_near,
    check_near_leaks,
)
from underpaint.stages.data.checking.licenses import check_licenses
from underpaint.stages.data.checking.page import page
from underpaint.stages.data.checking.pairs import find_alike
from underpaint.stages.data.checking.papers import check_card, check_splits
from underpaint.stages.data.checking.pictures import check_blank, check_unreadable
from underpaint.stages.data.checking.record import CheckConfig, CheckReport, Finding, Found, Suspect, worst_first
from underpaint.stages.data.checking.subject import Subject, names_of, open_subject
from underpaint.stages.data.checking.suspicion import check_dirty, check_poisoning
from underpaint.stages.data.checking.words import check_conflicts, check_hidden

REPORT, PAGE, SUSPECTS = "report.json", "report.html", "suspects.jsonl"
NOT_CHECKED = (
    "what was wrong or meant ill before the pictures came into this set: hashes only show what came later",
    "small trigger patches: a census of repeated blocks does not find them",
    "whether a picture shows a real person, a brand, or what somebody else has rights in",
    "whether captions are right where only one hand drew them",
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A check that was made.

    Args:
        subject: The data set.
        others: Those it was held against.
        config: How it was looked.
        report: What was found.
        suspects: All pictures that a finding is about.
    """

    subject: Subject
    others: list[Subject]
    config: CheckConfig
    report: CheckReport
    suspects: tuple[Suspect, ...]


def look_for_all(subject: Subject, others: Sequence[Subject], config: CheckConfig, report: Report) -> list[Found]:
    """Make every check of the pictures and their words."""
    alike = find_alike(subject, others, config, report)
    report(Progress(task="judge captions", done=0, total=1))
    found = [
        check_unreadable(subject),
        check_blank(subject),
        *check_equal(subject, alike),
        check_splits(subject),
        check_near_leaks(subject, alike, config),
        *check_contamination(subject, others, alike),
        check_licenses(subject, config.weights_license),
        check_hidden(subject),
        check_conflicts(subject),
        check_poisoning(subject, alike),
        check_dirty(subject, config),
        check_near(subject, alike),
        check_balance(subject),
    ]
    report(Progress(task="judge captions", done=1, total=1))
    return found


def check_data(
    folder: Path,
    against: Sequence[Path] = (),
    *,
    config: CheckConfig | None = None,
    cache: Path | None = None,
    jobs: int | None = None,
    report: Report = silent,
) -> Checked:
    """Check a finished data set; interrupted, it goes on where it was.

    Args:
        folder: The artifact.
        against: Data sets that must not share its pictures.
        config: How to look.
        cache: Folder for fingerprints; ``cache_folder()`` if None.
        jobs: Number of processes; one a core if None.
        report: Receives progress.

    Raises:
        InputError: There is no such folder.
        ArtifactError: A file is missing or changed.
        DataError: ``samples.jsonl`` or the card cannot be read.
    """
    config, cache = config or CheckConfig(), cache or cache_folder()
    names = names_of([folder, *against])
    subject, *others = (
        open_subject(path, name=name, cache=cache, jobs=jobs, report=report)
        for path, name in zip((folder, *against), names, strict=True)
    )
    card, warnings = check_card(subject)
    found = [card, *look_for_all(subject, others, config, report)]
    return Checked(
        subject=subject,
        others=others,
        config=config,
        report=report_of(subject, others, [one.finding for one in found], warnings),
        suspects=tuple(suspect for one in found for suspect in one.suspects),
    )


def report_of(
    subject: Subject, others: Sequence[Subject], findings: Sequence[Finding], warnings: tuple[str, ...]
) -> CheckReport:
    """Put together what a check says.

    Args:
        subject: The data set.
        others: Those it was held against.
        findings: Of every check.
        warnings: What mlcroissant warns of.
    """
    return CheckReport(
        dataset=subject.manifest.digest,
        against={other.name: other.manifest.digest for other in others},
        files=subject.num_files,
        pictures=len(subject.samples),
        sound=not any(f.status == "found" and f.severity == "error" for f in findings),
        findings=worst_first(findings),
        warnings=warnings,
        not_checked=NOT_CHECKED,
    )


def write_check(checked: Checked, out: Path) -> Manifest:
    """Write a check as an artifact: ``report.json``, ``report.html`` and ``suspects.jsonl``.

    Args:
        checked: The check.
        out: The new folder; must not exist.

    Raises:
        StorageError: ``out`` exists or cannot be written.
    """
    subjects = (checked.subject, *checked.others)
    with staging(out) as folder:
        document = json.dumps(checked.report.model_dump(mode="json"), indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(document + "\n", encoding="utf-8")
        (folder / PAGE).write_text(page(checked.report, subjects), encoding="utf-8")
        lines = (canonical_json(suspect.model_dump()) + "\n" for suspect in checked.suspects)
        (folder / SUSPECTS).write_text("".join(lines), encoding="utf-8")
        return seal(
            folder,
            kind="data-check",
            stage="data",
            config=checked.config,
            parents={
                "data": subjects[0].manifest.digest,
                **{f"against {s.name}": s.manifest.digest for s in subjects[1:]},
            },
            figures={f.check: f.count for f in checked.report.findings},
        )
