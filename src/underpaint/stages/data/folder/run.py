"""A person's own pictures: rows in; out comes a data set like that of the stickers, or a list of what is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging, storage_errors, versions_of
from underpaint.core.config import canonical_json
from underpaint.core.errors import DataError, StorageError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, write_samples
from underpaint.stages.data.audit import samples_digest
from underpaint.stages.data.contact import num_shown
from underpaint.stages.data.folder.audit import audit, with_dropped
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entries import Entry, read_entries
from underpaint.stages.data.folder.finished import Finished, finished_pictures
from underpaint.stages.data.folder.opening import open_input
from underpaint.stages.data.folder.papers import FolderFacts, write_papers
from underpaint.stages.data.folder.pictures import decode_all
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import Source
from underpaint.stages.data.folder.samples import Placed, drop_equal, place
from underpaint.stages.data.folder.terms import check_terms, evidence_of, source_key
from underpaint.stages.data.license import obligations
from underpaint.stages.data.sources import Evidence

METADATA = "metadata.jsonl"
"""What makes ``images`` a folder that the library ``datasets`` reads as it is."""
LIBRARIES = ("numpy", "pillow", "mlcroissant", "license-expression", "pyarrow")
DRAWING_LIBRARIES = ("pillow",)
MAX_JOBS = 8
REPORT_EVERY = 500


def run(
    config: FolderConfig,
    path: Path,
    out: Path,
    report: Report = silent,
    *,
    keep_going: bool = False,
    jobs: int | None = None,
) -> Manifest:
    """Build a data set of a person's own pictures; nothing of theirs is changed.

    Interrupted, it goes on where it was: finished pictures lie beside ``out`` until the data set is whole. The same
    files and settings give the same digest.

    Args:
        config: What to make of the pictures.
        path: A folder, a table or an archive.
        out: Folder of the new artifact; must not exist.
        report: Receives progress.
        keep_going: Leave out rows that have a problem, and list each, instead of refusing all.
        jobs: Number of processes that decode; one a core if None, at most 8.

    Returns:
        The manifest of the new artifact.

    Raises:
        DataError: The input, or a row of it, cannot be used; of the class that says what.
        MissingDependency: The input needs pyarrow.
        StorageError: ``out`` exists or cannot be written.
    """
    check_terms(config.license, config.weights_license)
    if out.exists():
        raise StorageError(f"{out} exists already and nothing is overwritten in place; choose another --out")
    jobs = jobs or min(MAX_JOBS, len(os.sched_getaffinity(0)))
    problems = Problems(keep_going)
    source = open_input(path, config.columns)
    entries = read_entries(source, config, problems, report)
    problems.refuse(str(path), len(entries) + len(problems.left_out))
    with finished_pictures(out, config) as finished:
        placed, rows = prepare(source, entries, finished, config, problems, jobs=jobs, report=report, name=str(path))
        with staging(out) as folder:
            return fill(folder, placed, finished, config, source.kind, problems, rows, report)


def prepare(
    source: Source,
    entries: Sequence[Entry],
    finished: Finished,
    config: FolderConfig,
    problems: Problems,
    *,
    jobs: int,
    report: Report,
    name: str,
) -> tuple[Placed, int]:
    """Decode all pictures and decide what becomes of them.

    Returns:
        The samples, and the number of rows that were read.

    Raises:
        DataError: A picture cannot be used, or none is left.
    """
    rows = len(entries) + len(problems.left_out)
    keys = decode_all(source, entries, finished, config, problems, jobs=jobs, report=report)
    kept = drop_equal(entries, keys, finished, problems)
    problems.refuse(name, rows)
    if not kept.entries:
        raise DataError(f"no picture of {name} is left; {summary(problems) or 'it has no rows'}")
    report(Progress(task="compare", done=0, total=len(kept.entries), unit="pictures"))
    placed = place(kept, finished, config, problems)
    report(Progress(task="compare", done=len(kept.entries), total=len(kept.entries), unit="pictures"))
    problems.refuse(name, rows)
    return placed, rows


def summary(problems: Problems) -> str:
    """Say in a line what the first problem was and how many there are."""
    found = problems.left_out
    return f"{len(found):,} row(s) were left out, the first: {found[0].where}: {found[0].detail}" if found else ""


def fill(
    folder: Path,
    placed: Placed,
    finished: Finished,
    config: FolderConfig,
    kind: str,
    problems: Problems,
    rows: int,
    report: Report,
) -> Manifest:
    """Make the data set in an empty folder.

    Args:
        folder: The folder, normally the one that ``staging`` gave.
        placed: The samples.
        finished: Their pictures.
        config: The settings.
        kind: What the input was.
        problems: What was left out.
        rows: Rows that were read.
        report: Receives progress.
    """
    order = sorted(range(len(placed.samples)), key=lambda i: placed.samples[i].id)
    samples = [placed.samples[i] for i in order]
    write_pictures(samples, [placed.kept.keys[i] for i in order], finished, folder, report)
    write_samples(folder, samples)
    write_metadata(samples, folder)
    digest = content_digest(samples, [placed.kept.keys[i] for i in order])
    sources = sources_of([placed.kept.entries[i] for i in order], config, digest)
    audited = audit(samples, placed.kept.records, finished, kind, rows)
    facts = FolderFacts(
        config=config,
        samples=samples,
        sources=sources,
        duties=obligations(sources),
        audit=with_dropped(audited, problems.left_out),
        made_with={name: version for name, version in versions_of(*LIBRARIES).items() if name in DRAWING_LIBRARIES},
    )
    write_papers(facts, folder)
    return seal(
        folder,
        kind="dataset",
        stage="data",
        config=config,
        parents={config.name: digest},
        figures=figures_of(facts),
        packages=LIBRARIES,
    )


def write_pictures(
    samples: Sequence[Sample], keys: Sequence[bytes], finished: Finished, folder: Path, report: Report
) -> None:
    """Put every finished picture into the data set, without a copy where the file system can."""
    for split in {sample.split for sample in samples}:
        (folder / "images" / split).mkdir(parents=True)
    for number, (sample, key) in enumerate(zip(samples, keys, strict=True), 1):
        link_or_copy(finished.picture(key), folder / sample.file)
        if number % REPORT_EVERY == 0 or number == len(samples):
            report(Progress(task="write", done=number, total=len(samples), unit="pictures"))


def link_or_copy(source: Path, target: Path) -> None:
    """Give a finished file a second name, or copy it."""
    with contextlib.suppress(OSError):
        target.hardlink_to(source)
        return
    with storage_errors(target):
        shutil.copyfile(source, target)


def write_metadata(samples: Sequence[Sample], folder: Path) -> None:
    """Write a table that other libraries read beside the pictures of each split."""
    tables: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        row = {
            "file_name": Path(sample.file).name,
            "text": sample.caption,
            "id": sample.id,
            "group": sample.group,
            "style": sample.style,
            "author": sample.family,
            "license": sample.license,
        }
        tables[sample.split].append(canonical_json(row) + "\n")
    for split, lines in tables.items():
        (folder / "images" / split / METADATA).write_text("".join(lines), encoding="utf-8")


def content_digest(samples: Sequence[Sample], keys: Sequence[bytes]) -> str:
    """Return the SHA-256 over captions and the bytes of the picture files, in the order of the ids."""
    lines = (f"{s.id} {key.hex()} {s.name}\n" for s, key in zip(samples, keys, strict=True))
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
    return digest.hexdigest()


def sources_of(entries: Sequence[Entry], config: FolderConfig, digest: str) -> tuple[Evidence, ...]:
    """Return what is on record about each origin of the pictures, each key once."""
    origins = {
        source_key(config.name, entry.source, entry.author, entry.license): (entry.source, entry.author, entry.license)
        for entry in entries
    }
    return evidence_of(config.name, origins.values(), digest)


def figures_of(facts: FolderFacts) -> dict[str, object]:
    """Return the figures for the manifest."""
    audited = facts.audit
    return {
        **facts.counts,
        "samples_digest": samples_digest(facts.samples),
        "on_contact_sheet": num_shown(facts.samples),
        "rows": audited.rows,
        "dropped": audited.dropped_by_rule,
        "clusters": audited.clusters,
        "leaks": len(audited.leakage.leaks),
        "license": facts.duties.license,
        **({"credits": facts.credits} if facts.credits else {}),
    }
