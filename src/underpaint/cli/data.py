"""``underpaint data``: build a data set from public drawings or your own pictures, and look after data sets."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from underpaint.cli.data_check import add_check, run_check
from underpaint.cli.data_diff import add_diff, run_diff
from underpaint.cli.data_exclude import add_exclude, run_exclude
from underpaint.cli.data_folder import add_folder, build_folder
from underpaint.cli.output import Output, plural

if TYPE_CHECKING:
    from underpaint.core.artifact import Manifest

EXAMPLES = """examples:
  underpaint data build stickers --out artifacts/stickers-64
  underpaint data build stickers --out artifacts/stickers-128 --size 128 --jobs 4
  underpaint data build stickers --out artifacts/stickers-debian --source debian
  underpaint data build stickers --out artifacts/stickers-64-twemoji --with twemoji
  underpaint data build folder pictures --license CC-BY-4.0 --author "Ann Lee" --out artifacts/pictures-64
  underpaint data check artifacts/stickers-64
  underpaint data check pictures-64 --against artifacts/stickers-64 --out check --write-exclusions doubtful.jsonl
  underpaint data exclude pictures-64 --list doubtful.jsonl --out pictures-64-clean
  underpaint data diff pictures-64 pictures-64-clean
"""
SIZES = (32, 64, 128, 256)
SOURCES = ("npm", "debian")
ATTRIBUTED = ("twemoji",)
ACTIONS: dict[str, Callable[[argparse.Namespace, Output], int]] = {
    "check": run_check,
    "exclude": run_exclude,
    "diff": run_diff,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build", help="build a data set", description="Build a data set of captioned pictures with splits and a card."
    )
    datasets = build.add_subparsers(dest="dataset", metavar="DATASET", required=True)
    add_stickers(datasets)
    add_folder(datasets)
    add_check(actions)
    add_exclude(actions)
    add_diff(actions)


def add_stickers(datasets: argparse._SubParsersAction) -> None:
    """Add ``build stickers``."""
    stickers = datasets.add_parser(
        "stickers", help="openly licensed drawings", description="Build the data set of captioned emoji drawings."
    )
    stickers.add_argument("--out", metavar="DIR", required=True, help="the new folder; must not exist yet")
    stickers.add_argument("--size", type=int, choices=SIZES, default=64, help="side of the pictures in pixels (64)")
    stickers.add_argument(
        "--source", choices=SOURCES, default="npm", help="npm packages (4 styles, default) or Debian's emoji font"
    )
    stickers.add_argument(
        "--with",
        dest="attributed",
        action="append",
        choices=ATTRIBUTED,
        help="add a source whose authors must be credited, also by whoever hands on weights (twemoji: CC-BY-4.0)",
    )
    stickers.add_argument("--jobs", type=int, metavar="N", help="processes that render (one a core)")
    stickers.add_argument(
        "--cache", metavar="DIR", help="folder for downloads and renders (UNDERPAINT_CACHE, else ~/.cache/underpaint)"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Run the action that was asked for."""
    return build(args, output) if args.action == "build" else ACTIONS[args.action](args, output)


def build(args: argparse.Namespace, output: Output) -> int:
    """Build the data set that was asked for."""
    return build_folder(args, output) if args.dataset == "folder" else build_stickers(args, output)


def build_stickers(args: argparse.Namespace, output: Output) -> int:
    """Build the data set of stickers."""
    from pathlib import Path

    from underpaint.core.errors import InputError
    from underpaint.stages.data.config import DataConfig
    from underpaint.stages.data.run import run as build_data

    if args.jobs is not None and not 1 <= args.jobs <= 64:
        raise InputError(f"--jobs is {args.jobs}; give a number from 1 to 64")
    output.resume_hint = "run the same command again; downloads and finished renders are kept"
    config = DataConfig.parse(
        {
            "dataset": args.dataset,
            "source": args.source,
            "size": args.size,
            "attributed": tuple(args.attributed or ()),
        },
        source="underpaint data build",
    )
    out, cache = Path(args.out), Path(args.cache).expanduser() if args.cache else None
    manifest = build_data(config, {}, out, output.report, cache=cache, jobs=args.jobs)
    output.result(describe(out, manifest), {"out": out, "digest": manifest.digest, "figures": manifest.figures})
    return 0


def describe(out: object, manifest: Manifest) -> str:
    """Say in some lines what was built."""
    figures = manifest.figures
    splits = [name for name in figures if name.startswith("samples in split ")]
    dropped = ", ".join(f"{rule} {count}" for rule, count in figures["dropped"].items()) or "nothing"
    lines = [
        f"{out}: {plural(figures['samples'], 'pictures')}, {plural(figures['captions'], 'captions')}, "
        f"license {figures['license']}",
        "  " + ", ".join(f"{name.removeprefix('samples in split ')} {figures[name]:,}" for name in splits),
        f"  left out: {dropped} (audit.json lists each); leaks between splits: {figures['leaks']}",
        *(f"  attribution needed, on weights too: {words}" for words in figures.get("credits", ())),
        f"  digest {manifest.digest}",
        f"  look at {out}/contact_sheet.png; read {out}/DATASHEET.md",
    ]
    return "\n".join(lines)
