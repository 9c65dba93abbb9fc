"""A person's own pictures: rows in; out comes a data set like that of the stickers, or a list of what is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from underpaint.core.artifact import Manifest, seal, staging, storage_errors, versions_of
from underpaint.core.config import canonical_json
from underpaint.core.errors import DataError, InputError, StorageError, UnderpaintError
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample, write_samples
from underpaint.stages.data.audit import samples_digest
from underpaint.stages.data.contact import num_shown
from underpaint.stages.data.folder.audit import PASSED_OVER, Read, audit
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entries import Entry, Rows, read_entries
from underpaint.stages.data.folder.facts import FolderFacts
from underpaint.stages.data.folder.finished import Finished, finished_pictures
from underpaint.stages.data.folder.opening import PICTURES, open_input
from underpaint.stages.data.folder.papers import write_papers
from underpaint.stages.data.folder.paths import readable_name
from underpaint.stages.data.folder.pictures import decode_all
from underpaint.stages.data.folder.problems import LeftOut, Problems
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
    problems = Problems(keep_going)
    source = open_input(path, config.columns)
    rows = read_entries(source, config, problems, report)
    passed_over = passed_over_in(source, rows.entries, path)
    with finished_pictures(out, config) as finished, telling_what_is_kept(finished, useful=bool(rows.sound)):
        placed = prepare(source, rows, finished, config, problems, jobs=jobs, report=report, name=str(path))
        read = Read(kind=source.kind, rows=rows.count, left_out=problems.left_out, passed_over=passed_over)
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
def telling_what_is_kept(finished: Finished, *, useful: bool) -> Iterator[None]:
    """Say with an error that finished pictures are kept, and where; without use they are removed.

    Args:
        finished: The finished pictures.
        useful: Whether the same command may need them.
    """
    try:
        yield
    except UnderpaintError as error:
        count = len(finished.rows)
        if not (useful and count):
            shutil.rmtree(finished.folder, ignore_errors=True)
        else:
            error.add_note(
                f"{count:,} finished picture{'s are' if count > 1 else ' is'} kept in {finished.folder}: the same "
                "command goes on from there; remove that folder if it is not wanted"
            )
        raise


def prepare(
    source: Source,
    rows: Rows,
    finished: Finished,
    config: FolderConfig,
    problems: Problems,
    *,
    jobs: int,
    report: Report,
    name: str,
) -> Placed:
    """Decode all pictures and decide what becomes of them.

    What is wrong with rows, pictures and splits is told together, so the pictures of bad rows are looked at too.

    Raises:
        DataError: A row or a picture cannot be used, or none is left.
    """
    entries = looked_at(rows, keep_going=problems.keep_going)
    keys = decode_all(source, entries, finished, config, problems, jobs=jobs, report=report)
    sound = [key if entry.sound else None for entry, key in zip(entries, keys, strict=True)]
    kept = drop_equal(entries, sound, finished, problems)
    report(Progress(task="compare", done=0, total=len(kept.entries), unit="pictures"))
    placed = place(kept, finished, config, problems) if kept.entries else None
    report(Progress(task="compare", done=len(kept.entries), total=len(kept.entries), unit="pictures"))
    problems.refuse(name, rows.count)
    if placed is None:
        raise DataError(f"no picture of {name} is left; {summary(problems) or 'it has no rows'}")
    return placed


def looked_at(rows: Rows, *, keep_going: bool) -> list[Entry]:
    """Return the entries whose pictures are decoded: all, the sound ones if others may go, some if none is sound."""
    if keep_going:
        return rows.sound
    return rows.entries if rows.sound else rows.entries[:MOST_IN_VAIN]


def passed_over_in(source: Source, entries: Sequence[Entry], path: Path) -> list[LeftOut]:
    """List the pictures that lie in the input and that no row names, and why that is.

    Args:
        source: The input.
        entries: All rows with a picture.
        path: Where the input lies.
    """
    named = {os.path.realpath(entry.place) for entry in entries if isinstance(entry.place, Path)}
    lying = (file for file in source.lying() if os.path.realpath(file) not in named)
    return [
        LeftOut(where=readable_name(file.relative_to(path)), rule=rule, detail=PASSED_OVER[rule])
        for file in lying
        for rule in ["NoRow" if file.suffix.lower() in PICTURES else "OtherKind"]
    ]


def summary(problems: Problems) -> str:
    """Say in a line what the first problem was and how many there are."""
    found = problems.left_out
    return f"{len(found):,} row(s) were left out, the first: {found[0].where}: {found[0].detail}" if found else ""


def fill(
    folder: Path, placed: Placed, finished: Finished, config: FolderConfig, read: Read, report: Report
) -> Manifest:
    """Make the data set in an empty folder.

    Args:
        folder: The folder, normally the one that ``staging`` gave.
        placed: The samples.
        finished: Their pictures.
        config: The settings.
        read: What was read and what became of the rest.
        report: Receives progress.
    """
    order = sorted(range(len(placed.samples)), key=lambda i: placed.samples[i].id)
    samples = [placed.samples[i] for i in order]
    write_pictures(samples, [placed.kept.keys[i] for i in order], finished, folder, report)
    write_samples(folder, samples)
    write_metadata(samples, folder)
    digest = content_digest(samples, [placed.kept.keys[i] for i in order])
    sources = sources_of([placed.kept.entries[i] for i in order], config, digest)
    facts = FolderFacts(
        config=config,
        samples=samples,
        sources=sources,
        duties=obligations(sources),
        audit=audit(samples, placed.kept.records, finished, read),
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
        "passed_over": audited.passed_over_by_rule,
        "clusters": audited.clusters,
        "leaks": len(audited.leakage.leaks),
        "license": facts.duties.license,
        **({"credits": facts.credits} if facts.credits else {}),
    }
