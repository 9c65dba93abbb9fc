"""A person's own pictures: rows in; out comes a data set like that of the stickers, or a list of what is wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from underpaint.core.artifact import staging, versions_of
from underpaint.core.errors import DataError, InputError, StorageError, UnderpaintError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.streamed_seal import Sealed, seal_streamed
from underpaint.stages.data.audit import samples_digest
from underpaint.stages.data.contact import num_cells
from underpaint.stages.data.folder.audit import Read, audit
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entries import read_entries
from underpaint.stages.data.folder.facts import FolderFacts
from underpaint.stages.data.folder.finished import Finished, finished_pictures
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.opening import open_input
from underpaint.stages.data.folder.papers import write_papers
from underpaint.stages.data.folder.pictures import Scope, decode_all
from underpaint.stages.data.folder.problems import DROPPED, Problems
from underpaint.stages.data.folder.rows import Source
from underpaint.stages.data.folder.samples import Placed, drop_equal, place
from underpaint.stages.data.folder.terms import check_terms, evidence_of
from underpaint.stages.data.folder.unnamed import UNNAMED, passed_over_in
from underpaint.stages.data.folder.writing import write_all
from underpaint.stages.data.license import obligations

LIBRARIES = ("numpy", "pillow", "mlcroissant", "license-expression", "pyarrow")
DRAWING_LIBRARIES = ("pillow",)
OTHER_CAPTIONS = "other captions"
"""The figure of captions besides the first of each picture."""
MAX_JOBS = 8
MOST_IN_VAIN = 1000
"""Where no row can be used, so many pictures are looked at all the same, to tell what is wrong with them too."""


def run(
    config: FolderConfig,
    path: Path,
    out: Path,
    report: Report = silent,
    *,
    keep_going: bool = False,
    jobs: int | None = None,
) -> Sealed:
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
        What the manifest of the new artifact says.

    Raises:
        InputError: There is no such input, or ``out`` lies in it.
        DataError: The input, or a row of it, cannot be used; of the class that says what.
        MissingDependency: The input needs pyarrow.
        StorageError: ``out`` exists or cannot be written.
    """
    check_terms(config.license, config.weights_license)
    if out.exists():
        raise StorageError(f"{out} exists already and nothing is overwritten in place; choose another --out")
    refuse_inside(out, path)
    jobs = jobs or min(MAX_JOBS, len(os.sched_getaffinity(0)))
    source = open_input(path, config.columns)
    with finished_pictures(out, config) as finished, telling_what_is_kept(finished):
        problems = Problems(finished.ledger, keep_going=keep_going)
        rows = read_entries(source, config, finished.ledger, problems, report)
        passed_over = passed_over_in(source, finished.ledger, path)
        placed = prepare(source, rows, finished, problems, config=config, jobs=jobs, report=report, name=str(path))
        read = Read(kind=source.kind, rows=rows, left_out=problems.left_out, passed_over=passed_over)
        with staging(out) as folder:
            return fill(folder, placed, finished, config, read, report)


def refuse_inside(out: Path, path: Path) -> None:
    """Refuse to write into the folder that is read, where the next build would take the result for an input.

    Raises:
        InputError: ``out`` lies in it.
    """
    if path.is_dir() and path.resolve() in out.resolve().parents:
        raise InputError(f"{out} lies in {path}, where the next build would read it; choose another --out")


@contextlib.contextmanager
def telling_what_is_kept(finished: Finished) -> Iterator[None]:
    """Say with an error that finished pictures are kept, and where; where no row could be used they are removed.

    Args:
        finished: The finished pictures, and the ledger.
    """
    try:
        yield
    except UnderpaintError as error:
        count, ledger = finished.ledger.num_records(), finished.ledger
        if not count or (ledger.num_entries and not ledger.num_sound):
            shutil.rmtree(finished.folder, ignore_errors=True)
        else:
            error.add_note(
                f"{count:,} finished picture{'s are' if count > 1 else ' is'} kept in {finished.folder}: the same "
                "command goes on from there; remove that folder if it is not wanted"
            )
        raise


def prepare(
    source: Source,
    rows: int,
    finished: Finished,
    problems: Problems,
    *,
    config: FolderConfig,
    jobs: int,
    report: Report,
    name: str,
) -> Placed:
    """Decode all pictures and decide what becomes of them.

    What is wrong with rows, pictures and splits is told together, so the pictures of bad rows are looked at too.

    Raises:
        DataError: A row or a picture cannot be used, or none is left.
    """
    scope = scope_of(finished.ledger, keep_going=problems.keep_going)
    decode_all(source, scope, finished, config, problems, jobs=jobs, report=report)
    records = drop_equal(finished, problems)
    report(Progress(task="compare", done=0, total=len(records), unit="pictures"))
    placed = place(records, finished, problems) if len(records) else None
    report(Progress(task="compare", done=len(records), total=len(records), unit="pictures"))
    problems.refuse(name, rows)
    if placed is None:
        raise DataError(
            f"no picture of {name} is left; {summary(problems) or 'it has no rows; give every picture one'}"
        )
    return placed


def scope_of(ledger: Ledger, *, keep_going: bool) -> Scope:
    """Return which pictures are decoded: all, those of sound rows if others may go, some if no row is sound."""
    if keep_going:
        return Scope(chosen="sound", most=None, total=ledger.num_sound)
    most = None if ledger.num_sound else MOST_IN_VAIN
    return Scope(chosen="all", most=most, total=min(ledger.num_entries, most or ledger.num_entries))


def summary(problems: Problems) -> str:
    """Say in a line what the first problem was and how many there are."""
    first = next(iter(problems.left_out), None)
    count = len(problems.left_out)
    return f"{count:,} row(s) were left out, the first: {first.where}: {first.detail}" if first else ""


def fill(folder: Path, placed: Placed, finished: Finished, config: FolderConfig, read: Read, report: Report) -> Sealed:
    """Make the data set in an empty folder.

    Args:
        folder: The folder, normally the one that ``staging`` gave.
        placed: The samples.
        finished: Their pictures.
        config: The settings.
        read: What was read and what became of the rest.
        report: Receives progress.
    """
    written = write_all(placed, finished, config, folder, report)
    sources = evidence_of(config.name, written.origins, written.digest)
    facts = FolderFacts(
        config=config,
        samples=written.samples,
        sources=sources,
        duties=obligations(sources),
        audit=audit(written.samples, placed.records[placed.staying], finished, read),
        made_with={name: version for name, version in versions_of(*LIBRARIES).items() if name in DRAWING_LIBRARIES},
        alternatives=written.alternatives,
    )
    write_papers(facts, {DROPPED: read.left_out, UNNAMED: read.passed_over}, folder)
    return seal_streamed(
        folder,
        kind="dataset",
        stage="data",
        config=config,
        parents={config.name: written.digest},
        figures=figures_of(facts) | ({OTHER_CAPTIONS: written.alternatives} if written.alternatives else {}),
        packages=LIBRARIES,
        report=report,
    )


def figures_of(facts: FolderFacts) -> dict[str, object]:
    """Return the figures for the manifest."""
    audited = facts.audit
    return {
        **facts.counts,
        "samples_digest": samples_digest(facts.samples),
        "on_contact_sheet": num_cells(facts.shown),
        "rows": audited.rows,
        "dropped": audited.dropped_by_rule,
        "passed_over": audited.passed_over_by_rule,
        "clusters": audited.clusters,
        "leaks": len(audited.leakage.leaks),
        "license": facts.duties.license,
        **({"credits": facts.credits} if facts.credits else {}),
    }
