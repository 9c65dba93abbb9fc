"""``underpaint data diff``: what two data sets do not have in common."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from underpaint.cli.output import Output, plural

if TYPE_CHECKING:
    from underpaint.stages.data.difference import Change, DataDiff, Moved, Named

SHOWN = 10
PICTURES = "images/"


def add_diff(actions: argparse._SubParsersAction) -> None:
    """Add the sub-command ``diff``."""
    diff = actions.add_parser(
        "diff",
        help="compare two data sets",
        description="List the pictures that were added, removed or changed from one data set to another.",
    )
    diff.add_argument("first", metavar="A", help="a data set that underpaint wrote")
    diff.add_argument("second", metavar="B", help="another one, such as a later build")


def run_diff(args: argparse.Namespace, output: Output) -> int:
    """Compare two data sets; a difference is no error."""
    from underpaint.stages.data.difference import difference

    found = difference(Path(args.first), Path(args.second))
    output.result("\n".join(lines_of(args, found)), found.model_dump(mode="json"))
    return 0


def lines_of(args: argparse.Namespace, found: DataDiff) -> Iterator[str]:
    """Say in lines what differs."""
    if found.first == found.second:
        yield f"{args.first} and {args.second} are the same data set: {plural(found.same, 'pictures')}"
        return
    yield (
        f"{args.first} -> {args.second}: {len(found.added):,} added, {len(found.removed):,} removed, "
        f"{len(found.changed):,} changed, {found.same:,} the same"
    )
    if found.source_name:
        yield "  name of the source: {} -> {}; apart from that, sources are compared".format(*found.source_name)
    for name, (old, new) in found.settings.items():
        if name != "name" or not found.source_name:
            yield f"  setting {name}: {old or '-'} -> {new or '-'}"
    yield from identity_lines(found)
    for title, counts in (("split", found.by_split), ("style", found.by_style), ("license", found.by_license)):
        yield from moved_lines(title, counts)
    if found.changed_fields:
        yield "  changed: " + ", ".join(f"{name} of {count:,}" for name, count in found.changed_fields.items())
    for sign, pictures in (("+", found.added), ("-", found.removed)):
        yield from (f"  {sign} {name_of(p)} ({p.split})" for p in pictures[:SHOWN])
        yield from rest(len(pictures))
    for change in found.changed[:SHOWN]:
        told = "; ".join(f"{name}: {old[:40]!r} -> {new[:40]!r}" for name, (old, new) in change.fields.items())
        yield f"  ~ {name_of(change)}: {told}"
    yield from rest(len(found.changed))


def name_of(picture: Named | Change) -> str:
    """Name a picture by its style, if it has one, its id and its caption."""
    return f"{picture.style} {picture.id} {picture.caption!r}".lstrip()


def identity_lines(found: DataDiff) -> Iterator[str]:
    """Say that the digests differ, and by which parents and files; those among the pictures are counted."""
    yield f"  digest {found.first} -> {found.second}"
    for name, (old, new) in found.parents.items():
        yield f"  made from {name}: {old[:16] or '-'} -> {new[:16] or '-'}"
    papers = [f"{name} ({how})" for name, how in found.files.items() if not name.startswith(PICTURES)]
    pictures = len(found.files) - len(papers)
    named = [*papers, *([f"{pictures:,} in {PICTURES}"] if pictures else [])]
    yield f"  files that differ: {', '.join(named) or 'none, the manifest alone'}"


def moved_lines(title: str, counts: Mapping[str, Moved]) -> Iterator[str]:
    """Say which counts moved."""
    for name, count in counts.items():
        if count.before != count.after:
            yield f"  {title} {name or 'none'}: {count.before:,} -> {count.after:,} ({count.after - count.before:+,})"


def rest(count: int) -> Iterator[str]:
    """Say how many are not shown."""
    if count > SHOWN:
        yield f"    and {count - SHOWN:,} more (--json lists all)"
