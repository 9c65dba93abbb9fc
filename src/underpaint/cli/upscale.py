"""``underpaint upscale``: make small drawings large, edges and transparency clean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output
from underpaint.cli.signing import Signing, add_signing_options, check_signing, signing_for
from underpaint.cli.wishes import check_counts, going_on
from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.pipelines.upscaling.network import UpscalingNetwork
    from underpaint.pipelines.upscaling.placing import Outcome

EXAMPLES = """examples:
  underpaint upscale cat.png
  underpaint upscale stickers/*.png --size 512 --out large

A picture is a PNG, JPEG or WebP file of up to 40 million pixels; its longer side becomes 256 or 512 pixels, and the
shorter one keeps its share. One that is as large already is left alone. The upscaler was made for drawings of 64
pixels and takes others up to 256 as well; above, edges are sharpened without it. PyTorch is not needed.
"""
LISTED = 12
"""Most files that are listed."""
NAMED = 3
"""Files that a note names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a PNG, JPEG or WebP file")
    parser.add_argument("--size", type=int, choices=(256, 512), default=256, help="longer side (default: 256)")
    how = parser.add_argument_group("how to enlarge")
    how.add_argument("--upscaler", metavar="DIR", help="an upscaler that you trained (default: the shipped one)")
    how.add_argument("--threads", type=int, default=1, metavar="T", help="CPU threads (default: 1)")
    how.add_argument(
        "--watermark",
        choices=("public", "own", "none"),
        help="whose key marks the pixels, invisibly (default: the mark that the picture says it has)",
    )
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", default=".", metavar="DIR", help="folder for the pictures (default: the present one)")
    add_signing_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Check, enlarge what is not there yet, write it, and say what was written."""
    from pathlib import Path

    from underpaint.core.progress import silent
    from underpaint.pipelines.upscaling.placing import upscale_into

    pictures = [Path(name) for name in args.pictures]
    found = Mistakes()
    check_counts(args, ("threads",), found)
    check_signing(args, found)
    check_there(pictures, found)
    found.tell()
    signing = signing_for(args, output.note)
    output.resume_hint = going_on(None)
    outcome = upscale_into(
        Path(args.out),
        pictures,
        args.size,
        lambda: load(args),
        watermark=args.watermark,
        report=output.report if len(pictures) > 1 else silent,
        seal=signing,
    )
    note_what_is_unlike(outcome, args.size, output)
    output.result(describe(outcome, args.size), as_data(outcome, signing))
    return 0


def check_there(pictures: list[Path], found: Mistakes) -> None:
    """Look for files that are not there, before anything is made.

    Args:
        pictures: What was named.
        found: Takes down those that are missing.
    """
    from underpaint.core.absent import nearest_name

    for path in pictures:
        if not path.exists():
            close = nearest_name(path)
            found.add(InputError(f"{path} does not exist; {f'did you mean {close}?' if close else 'check the path'}"))


def load(args: argparse.Namespace) -> UpscalingNetwork:
    """Read the network that was asked for.

    Raises:
        InputError: There is no such folder.
        ArtifactError: It is no upscaler, or a file is missing, changed or damaged.
    """
    from pathlib import Path

    from underpaint.pipelines.upscaling.network import open_network

    return open_network(Path(args.upscaler) if args.upscaler else None, args.threads)


def note_what_is_unlike(outcome: Outcome, size: int, output: Output) -> None:
    """Say which pictures were left alone, and which carry no settings of ours."""
    if outcome.large:
        output.note(f"note: left alone, as large as {size} pixels already: {named(outcome.large)}")
    if outcome.keyless:
        output.note(
            f"note: left alone, as the key of their mark is not here: {named(outcome.keyless)}; copy the key, or "
            "choose with --watermark"
        )
    if outcome.unknown:
        output.note(
            f"note: not drawn by underpaint, or changed since: {named(outcome.unknown)}; there are no words to keep, "
            "and no mark is put in without --watermark"
        )


def named(paths: Sequence[Path]) -> str:
    """Return the first of several files, and how many more there are."""
    more = len(paths) - NAMED
    return ", ".join(map(str, paths[:NAMED])) + (f" and {more} more" if more > 0 else "")


def describe(outcome: Outcome, size: int) -> str:
    """Return what was written, for people."""
    files = list({placed.path: placed for placed in outcome.placed.values()}.values())
    kept = sum(not placed.drawn for placed in files)
    if not files:
        return "nothing was made" if outcome.keyless else f"nothing to do: no picture is smaller than {size} pixels"
    if len(files) <= LISTED:
        return "\n".join(f"{placed.path}{'' if placed.drawn else '  (was there already)'}" for placed in files)
    lines = [f"{len(files) - kept} pictures enlarged into {files[0].path.parent}"]
    return "\n".join(lines + ([f"{kept} were there already"] if kept else []))


def as_data(outcome: Outcome, signing: Signing | None) -> dict[str, Any]:
    """Return what was written, for machines."""
    return {
        "pictures": [
            {
                "source": source,
                "path": placed.path,
                "made": placed.drawn,
                "settings": placed.settings.model_dump(mode="json"),
            }
            for source, placed in outcome.placed.items()
        ],
        "left_alone": [*outcome.large, *outcome.keyless],
        "signing": None if signing is None else signing.as_data(),
    }
