"""``underpaint data build folder``: a data set of a person's own pictures."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING

from underpaint.cli.output import Output, plural
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.core.streamed_seal import Sealed

DESCRIPTION = """Build a data set of your own pictures: a folder with metadata.jsonl, .csv or .parquet or with captions
beside the pictures (cat.png, cat.txt), a table of paths, parquet files, WebDataset shards, or a folder that the library
datasets saved. Nothing of yours is changed."""
SIZES = (32, 64, 128, 256)
MAX_JOBS = 64


def add_folder(datasets: argparse._SubParsersAction) -> None:
    """Add ``build folder``."""
    parser = datasets.add_parser("folder", help="your own pictures", description=DESCRIPTION)
    parser.add_argument("folder", metavar="DIR", help="the pictures: a folder, a table, a parquet or a tar file")
    parser.add_argument("--out", metavar="DIR", required=True, help="the new folder; must not exist yet")
    parser.add_argument(
        "--license", metavar="SPDX", default="", help="license of the pictures whose row states none, such as CC-BY-4.0"
    )
    parser.add_argument(
        "--author",
        metavar="NAME",
        default="",
        help="whom to name for the pictures whose row names nobody; licenses such as CC-BY-4.0 ask for it",
    )
    parser.add_argument("--size", type=int, choices=SIZES, default=64, help="side of the pictures in pixels (64)")
    parser.add_argument(
        "--background", metavar="COLOR", default="transparent", help="what lies under the pictures, such as #ffffff"
    )
    parser.add_argument(
        "--column",
        metavar="ROLE=NAME",
        action="append",
        default=[],
        help="the column that holds picture, caption, id, split, license, author, source, group, style or weight",
    )
    parser.add_argument("--name", metavar="NAME", help="name of the data set (that of DIR)")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="when the pictures were published; stands in the card")
    parser.add_argument(
        "--keep-going", action="store_true", help="leave out rows that have a problem; audit.json lists each"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="processes that decode (one a core)")


def columns_of(options: list[str]) -> dict[str, str]:
    """Return role to column.

    Raises:
        InputError: An option is not like ``caption=title``, or names no role.
    """
    from underpaint.stages.data.folder.config import ROLES

    pairs = [option.partition("=") for option in options]
    for option, (role, _, name) in zip(options, pairs, strict=True):
        if not (role and name):
            raise InputError(f"--column is {option!r}; give a role and a column, such as caption=title")
        if role not in ROLES:
            close = difflib.get_close_matches(role, ROLES, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(f"--column is {option!r}: there is no {role!r}; {hint}choose among {', '.join(ROLES)}")
        if [other for other, _, _ in pairs].count(role) > 1:
            raise InputError(f"--column names several columns for the {role}; choose one of them")
    return {role: name for role, _, name in pairs}


def build_folder(args: argparse.Namespace, output: Output) -> int:
    """Build the data set."""
    from pathlib import Path

    from underpaint.stages.data.folder.config import FolderConfig
    from underpaint.stages.data.folder.finished import folder_for
    from underpaint.stages.data.folder.run import run as build_data
    from underpaint.stages.data.publication import dataset_name

    if args.jobs is not None and not 1 <= args.jobs <= MAX_JOBS:
        raise InputError(f"--jobs is {args.jobs}; give a number from 1 to {MAX_JOBS}")
    folder, out = Path(args.folder), Path(args.out)
    own_name = folder.stem if folder.is_file() else folder.resolve().name
    config = FolderConfig.parse(
        {
            "name": args.name or dataset_name(own_name, otherwise="pictures"),
            "size": args.size,
            "background": args.background.lower(),
            "license": args.license,
            "author": args.author,
            "columns": columns_of(args.column),
            **({"date": args.date} if args.date else {}),
        },
        source="underpaint data build folder",
    )
    kept = folder_for(out, config)
    output.resume_hint = f"run the same command again; pictures that are finished are kept in {kept}"
    manifest = build_data(config, folder, out, output.report, keep_going=args.keep_going, jobs=args.jobs)
    output.result(describe(out, manifest), {"out": out, "digest": manifest.digest, "figures": manifest.figures})
    return 0


def describe(out: object, manifest: Sealed) -> str:
    """Say in some lines what was built."""
    from underpaint.stages.data.folder.audit import PASSED_OVER
    from underpaint.stages.data.folder.run import OTHER_CAPTIONS

    figures = manifest.figures
    splits = [name for name in figures if name.startswith("samples in split ")]
    dropped = ", ".join(f"{rule} {count:,}" for rule, count in figures["dropped"].items()) or "nothing"
    passed_over = [f"{plural(n, 'pictures')} {PASSED_OVER[rule]}" for rule, n in figures["passed_over"].items()]
    lines = [
        f"{out}: {plural(figures['samples'], 'pictures')} of {plural(figures['rows'], 'rows')}, "
        f"{plural(figures['captions'], 'captions')}, license {figures['license']}",
        *(f"  {n:,} other captions, which training draws from too" for n in [figures.get(OTHER_CAPTIONS)] if n),
        "  " + ", ".join(f"{name.removeprefix('samples in split ')} {figures[name]:,}" for name in splits),
        f"  left out: {dropped}" + (" (audit.json lists each)" if figures["dropped"] else ""),
        *([f"  passed over: {', '.join(passed_over)}; audit.json lists each"] if passed_over else []),
        *(f"  attribution needed, on weights too: {words}" for words in figures.get("credits", ())),
        f"  digest {manifest.digest}",
        f"  look at {out}/contact_sheet.png, which shows {figures['on_contact_sheet']:,} of the "
        f"{plural(figures['samples'], 'pictures')}; read {out}/DATASHEET.md",
    ]
    return "\n".join(lines)
