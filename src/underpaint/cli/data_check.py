"""``underpaint data check``: look for what is wrong with a data set, and say so on a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from underpaint.cli.output import Output, plural
from underpaint.core.errors import DataError, InputError

if TYPE_CHECKING:
    from underpaint.stages.data.checking.record import CheckReport, Finding
    from underpaint.stages.data.checking.run import Checked

MAX_JOBS = 64


def add_check(actions: argparse._SubParsersAction) -> None:
    """Add the sub-command ``check``."""
    check = actions.add_parser(
        "check",
        help="check a data set",
        description=(
            "Look for unreadable and blank pictures, duplicates, leaks between splits, contamination, license "
            "problems, hidden characters, captions that do not fit, imbalance and poisoning. Nothing is changed. Exit "
            "code 3: an error was found."
        ),
    )
    check.add_argument("folder", metavar="DATA", help="a data set that underpaint wrote")
    check.add_argument(
        "--against",
        metavar="DATA",
        action="append",
        default=[],
        help="another data set that must not share its pictures (may be given several times)",
    )
    check.add_argument("--out", metavar="DIR", help="new folder for report.html, report.json and suspects.jsonl")
    check.add_argument(
        "--write-exclusions",
        metavar="FILE",
        help="new file for the pictures that errors and warnings name, with reasons; for 'data exclude'",
    )
    check.add_argument("--jobs", type=int, metavar="N", help="processes that look at pictures (one a core)")


def run_check(args: argparse.Namespace, output: Output) -> int:
    """Check a data set."""
    from underpaint.stages.data.checking.run import check_data, write_check
    from underpaint.stages.data.exclusions import write_exclusions

    if args.jobs is not None and not 1 <= args.jobs <= MAX_JOBS:
        raise InputError(f"--jobs is {args.jobs}; give a number from 1 to {MAX_JOBS}")
    for path in (args.out, args.write_exclusions):
        refuse_existing(path)
    output.resume_hint = "run the same command again; pictures that were looked at are kept"
    against = [Path(folder) for folder in args.against]
    checked = check_data(Path(args.folder), against, jobs=args.jobs, report=output.report)
    if args.out:
        write_check(checked, Path(args.out))
    listed = [suspect for suspect in checked.suspects if suspect.severity != "note"]
    if args.write_exclusions and listed:
        write_exclusions(Path(args.write_exclusions), listed)
    for warning in checked.report.warnings:
        output.note(f"mlcroissant: {warning}")
    output.result(describe(args, checked, len(listed)), values_of(args, checked, len(listed)))
    return 0 if checked.report.sound else DataError.exit_code


def refuse_existing(path: str | None) -> None:
    """Refuse to overwrite, before any work is done.

    Raises:
        StorageError: The path exists.
    """
    from underpaint.core.errors import StorageError

    if path and Path(path).exists():
        raise StorageError(f"{path} exists already and nothing is overwritten in place; choose another name")


def describe(args: argparse.Namespace, checked: Checked, num_listed: int) -> str:
    """Say in some lines what was found.

    Args:
        args: The arguments.
        checked: What was found.
        num_listed: Lines of the list of pictures that may be left out.
    """
    report = checked.report
    verdict = "sound" if report.sound else "NOT sound"
    lines = [
        f"{args.folder}: {verdict}; {plural(report.files, 'files')}, {plural(report.pictures, 'pictures')} looked at",
        *(line_of(finding) for finding in report.findings if finding.status == "found"),
        f"  nothing found: {'; '.join(titles(report, 'clean')) or '-'}",
        *(f"  not applicable: {'; '.join(found)}" for found in [titles(report, "not_applicable")] if found),
        f"  digest {report.dataset}",
        f"  look at {args.out}/report.html" if args.out else "  --out DIR writes a page with pictures",
    ]
    if args.write_exclusions:
        lines.append(f"  {listed_line(args.write_exclusions, num_listed)}")
    return "\n".join(lines)


def listed_line(path: str, num_listed: int) -> str:
    """Say what became of the list of pictures that may be left out."""
    if not num_listed:
        return f"nothing to list: no error or warning names a picture, so {path} was not written"
    return f"{path} lists what may be left out ({plural(num_listed, 'lines')}); nothing is deleted"


def line_of(finding: Finding) -> str:
    """Return a finding's line."""
    return f"  {finding.severity + ':':<9}{finding.title.lower()}: {plural(finding.count, finding.unit)}"


def titles(report: CheckReport, status: str) -> list[str]:
    """Return the titles of the findings of a status."""
    return [finding.title.lower() for finding in report.findings if finding.status == status]


def values_of(args: argparse.Namespace, checked: Checked, num_listed: int) -> dict[str, object]:
    """Return the same for machines."""
    report = checked.report
    return {
        "folder": args.folder,
        "digest": report.dataset,
        "against": report.against,
        "files": report.files,
        "pictures": report.pictures,
        "sound": report.sound,
        "findings": [f.model_dump(mode="json", exclude={"examples", "counts"}) for f in report.findings],
        "out": args.out,
        "exclusions": args.write_exclusions if num_listed else None,
    }
