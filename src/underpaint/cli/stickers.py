"""``underpaint stickers``: pictures as files that messengers, shops and social networks take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from underpaint.cli.alone import insist_alone
from underpaint.cli.output import Output, plural
from underpaint.cli.signing import Signing, add_signing_options, check_signing, signing_for
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from underpaint.pipelines.stickers.folder import Written
    from underpaint.pipelines.stickers.look import Look
    from underpaint.pipelines.stickers.picture import Picture

EXAMPLES = """examples:
  underpaint stickers cat.png dog.png heart.png --for whatsapp,telegram
  underpaint stickers cat.png --for discord,slack --contour none
  underpaint stickers cat.png --for instagram --contour white:12 --shadow --background own
  underpaint stickers --places

Sizes, formats and limits of every place, and who says so: docs/stickers.md. The files of a pack that its place does
not take, such as two stickers for WhatsApp, are made all the same, and the exit code is 4.
"""
SHOWN = 3
"""Most sheets that a message names."""
CONTOUR, BACKGROUND = "white:8", "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("picture", nargs="*", metavar="PICTURE", help="PNG, JPEG or WebP files, in the pack's order")
    parser.add_argument("--places", action="store_true", help="list the places, and do nothing else")
    add_place_options(parser)
    add_signing_options(parser)
    parser.add_argument(
        "--out", default="stickers", metavar="DIR", help="the new folder; must not exist yet (default: stickers)"
    )


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where stickers go, and what they look like."""
    group = parser.add_argument_group("where they go, and what they look like")
    group.add_argument(
        "--for",
        dest="places_for",
        metavar="PLACES",
        help="whatsapp,telegram,...; 'underpaint stickers --places' lists them",
    )
    group.add_argument(
        "--contour",
        default=CONTOUR,
        metavar="COLOR[:WIDTH]",
        help=f"line around the drawing, in pixels of a sticker of 512, or none (default: {CONTOUR})",
    )
    group.add_argument("--shadow", action="store_true", help="a soft shadow below it")
    group.add_argument(
        "--background",
        default=BACKGROUND,
        metavar="WHAT",
        help="none (default), a color, two as white,#ff8800, own (the drawing's own colors), or a picture's file",
    )
    group.add_argument("--keep-specks", action="store_true", help="keep small detached bits around the drawing")
    group.add_argument("--title", default="Stickers", metavar="TEXT", help="title of a pack (default: Stickers)")
    group.add_argument("--author", default="underpaint", metavar="TEXT", help="author of a pack (default: underpaint)")
    group.add_argument("--bare", action="store_true", help="write neither settings nor XMP into the files")


def run(args: argparse.Namespace, output: Output) -> int:
    """Read the pictures, make their files, and say what was written."""
    if args.places:
        insist_alone(args.typed, "--places", "nothing else", ("places",), add_arguments)
        output.result(*listed())
        return 0
    from pathlib import Path

    from underpaint.core.artifact import require_new
    from underpaint.pipelines.stickers.picture import is_sheet, read_pictures

    found = Mistakes()
    check_signing(args, found)
    places, look = places_of(args, found), look_of(args, found)
    sheets = [name for name in args.picture if is_sheet(name)]
    files = [name for name in args.picture if name not in sheets]
    if not files:
        found.add(InputError(why_none(sheets)))
    found.tell()
    folder = Path(args.out)
    require_new(folder)
    if sheets:
        output.note(f"note: left out as a sheet of several pictures: {in_short(sheets)}")
    pictures = read_pictures(files)
    signing = signing_for(args, output.note)
    written = write(folder, pictures, places, look, signing, args, output)
    missing = incomplete(places, len(pictures), output)
    data = as_data(folder, pictures, look, written) | {"incomplete": missing}
    output.result(describe(folder, written), {**data, "signing": None if signing is None else signing.as_data()})
    return ArtifactError.exit_code if missing else 0


def why_none(sheets: Sequence[str]) -> str:
    """Return what is said where there is no picture to make stickers of.

    Args:
        sheets: The sheets of several pictures that were named.
    """
    if not sheets:
        return "no picture was named; name one or more PNG, JPEG or WebP files"
    return (
        f"there is no picture but {in_short(sheets)}, which is skipped as a sheet of several pictures; name the files "
        "of the pictures that are on it"
    )


def in_short(names: Sequence[str]) -> str:
    """Return some names in a line; what is beyond ``SHOWN`` of them is counted."""
    more = [f"and {len(names) - SHOWN:,} more"] if len(names) > SHOWN else []
    return ", ".join([*names[:SHOWN], *more])


def places_of(args: argparse.Namespace, found: Mistakes) -> list[str]:
    """Return the names of the places that were asked for.

    Args:
        args: The parsed arguments.
        found: Takes down places that there are not.
    """
    from underpaint.pipelines.stickers.making import check_places

    names = [name.strip() for name in (args.places_for or "").split(",") if name.strip()]
    found.take(check_places, names, otherwise={}, source="--for")
    return names


def look_of(args: argparse.Namespace, found: Mistakes) -> Look:
    """Return what stickers shall look like.

    Args:
        args: The parsed arguments.
        found: Takes down what cannot be used.
    """
    from underpaint.pipelines.stickers.look import Background, Look, read_background, read_contour

    return Look(
        contour=found.take(read_contour, args.contour, otherwise=None, source="--contour"),
        shadow=args.shadow,
        background=found.take(read_background, args.background, otherwise=Background(), source="--background"),
        specks=args.keep_specks,
    )


def write(
    folder: Path,
    pictures: Sequence[Picture],
    places: Sequence[str],
    look: Look,
    signing: Signing | None,
    args: argparse.Namespace,
    output: Output,
) -> list[Written]:
    """Make the files of pictures in a new folder.

    Args:
        folder: Must not exist yet.
        pictures: In the order of the pack.
        places: Names of places.
        look: What stickers look like.
        signing: Signs files; None signs nothing.
        args: The parsed arguments, for titles.
        output: Shows progress.

    Raises:
        InputError: A picture shows nothing, or a file cannot be made as short as it must be.
        StorageError: The folder cannot be written.
    """
    from underpaint.pipelines.stickers.folder import write_stickers
    from underpaint.pipelines.stickers.making import Labels, make_stickers

    labels = Labels(title=args.title, author=args.author, bare=args.bare)
    files = make_stickers(pictures, places, look, labels=labels, seal=signing, report=output.report)
    return write_stickers(folder, pictures, look, files)


def incomplete(places: Sequence[str], num_pictures: int, output: Output) -> list[str]:
    """Say which packs are of a size that their place does not take, and return the sentences.

    Args:
        places: Names of places.
        num_pictures: Stickers of each pack.
        output: Takes the sentences as notes.
    """
    from underpaint.pipelines.stickers.making import unmet

    sentences = list(unmet(places, num_pictures))
    for sentence in sentences:
        output.note(f"incomplete: {sentence}")
    return sentences


def listed() -> tuple[str, dict[str, Any]]:
    """Return the places, for people and for machines."""
    from underpaint.pipelines.stickers.places import PLACES

    lines = [
        f"{name:<19} {place.title:<34} {', '.join(f'{item.size} {item.format}' for item in place.items)}"
        for name, place in PLACES.items()
    ]
    return "\n".join(lines), {"places": {name: place.model_dump(mode="json") for name, place in PLACES.items()}}


def describe(folder: Path, written: Sequence[Written]) -> str:
    """Return what was written, for people: a line a place."""
    from underpaint.pipelines.stickers.places import PLACES

    lines = []
    for name in dict.fromkeys(file.place for file in written):
        files = [file for file in written if file.place == name]
        longest = max(file.bytes for file in files if file.item != "pack")
        lines.append(f"{folder / name}: {plural(len(files), 'files')}, {longest / 1000:.0f} KB at most")
        lines += [f"  {PLACES[name].how}"] if PLACES[name].how else []
    return "\n".join(lines)


def as_data(folder: Path, pictures: Sequence[Picture], look: Look, written: Sequence[Written]) -> dict[str, Any]:
    """Return what was written, for machines."""
    from underpaint.pipelines.stickers.folder import described

    return {"out": folder, **described(folder, pictures, look, written)}
