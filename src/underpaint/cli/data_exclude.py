"""``underpaint data exclude``: a data set without the pictures of a list, as a new data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from underpaint.cli.output import Output, plural


def add_exclude(actions: argparse._SubParsersAction) -> None:
    """Add the sub-command ``exclude``."""
    exclude = actions.add_parser(
        "exclude",
        help="leave out the pictures of a list",
        description="Make a new data set without the pictures of a list; the old one stays as it is.",
    )
    exclude.add_argument("folder", metavar="DATA", help="a data set that underpaint wrote")
    exclude.add_argument(
        "--list",
        dest="listed",
        metavar="FILE",
        required=True,
        help="JSON Lines with 'file' (or 'id' and 'style') and 'reason', as 'data check --write-exclusions' writes it",
    )
    exclude.add_argument("--out", metavar="DIR", required=True, help="the new folder; must not exist yet")


def run_exclude(args: argparse.Namespace, output: Output) -> int:
    """Leave pictures out."""
    from underpaint.stages.data.excluding import exclude

    manifest = exclude(Path(args.folder), Path(args.listed), Path(args.out), output.report)
    figures = manifest.figures
    text = (
        f"{args.out}: {plural(figures['samples'], 'pictures')}, {figures['excluded']:,} left out "
        f"(exclusions.jsonl names each)\n  digest {manifest.digest}"
    )
    output.result(text, {"out": args.out, "digest": manifest.digest, "figures": figures})
    return 0
