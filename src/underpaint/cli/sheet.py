"""``underpaint sheet``: one subject in many moods, as pictures, on paper, and ready for messengers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from underpaint.cli.generate import as_data, describe, load, note_what_is_read
from underpaint.cli.output import Output
from underpaint.cli.signing import Signing, add_signing_options, check_signing, signing_for
from underpaint.cli.stickers import add_place_options, incomplete, look_of, places_of, write
from underpaint.cli.stickers import describe as describe_stickers
from underpaint.cli.wishes import check_counts, going_on
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from underpaint.pipelines.generator import Generator
    from underpaint.pipelines.model_folder import Model
    from underpaint.pipelines.picture_folder import Placed
    from underpaint.pipelines.settings import Settings
    from underpaint.pipelines.stickers.folder import Written
    from underpaint.pipelines.stickers.look import Look
    from underpaint.pipelines.stickers.series import Series

EXAMPLES = """examples:
  underpaint sheet "a cat" --seed 7 --out cats
  underpaint sheet "a smiling face" --moods happy,in-love,sad,angry --style gradient --for whatsapp --out faces
  underpaint sheet "a cat" --moods happy,sad --mood "with its tongue out" --mood "a cat in the rain"
  underpaint sheet --prompts pictures.txt --same 0.5 --paper letter --cut-line --out mine

The first picture is drawn from the subject, the others keep a part of it (--same) and follow the words of their mood.
The same command goes on where an earlier run was interrupted, if it has a seed. The exit code is 4 if a pack for --for
has a number of stickers that its place does not take; its files are made all the same.
"""
STICKERS = "stickers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    what = parser.add_argument_group("what to draw")
    what.add_argument("subject", nargs="?", metavar="SUBJECT", help='one thing or person, such as "a cat"')
    what.add_argument("--moods", metavar="MOODS", help="happy,sad,angry,...; a wrong one lists them (default: eight)")
    what.add_argument(
        "--mood",
        action="append",
        default=[],
        metavar="WORDS",
        help="a mood in words of your own, beside or instead of --moods; can be repeated",
    )
    what.add_argument("--prompts", metavar="FILE", help="whole prompts instead: the first picture's, then the others'")
    what.add_argument("--same", type=float, metavar="S", help="how much of the first picture stays, 0 to 1 (0.33)")
    what.add_argument("--style", metavar="STYLE", help="one of the model's styles; a wrong one lists them")
    what.add_argument("--seed", type=int, metavar="SEED", help="of all pictures; without it one is drawn at random")
    how = parser.add_argument_group("how to draw it")
    how.add_argument("-m", "--model", metavar="MODEL", help="a shipped hybrid model or a folder (default: stickers-64)")
    how.add_argument("--guidance", type=float, metavar="G", help="pull towards the words, 0 to 20")
    how.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    how.add_argument("--threads", type=int, default=1, metavar="T", help="CPU threads (default: 1)")
    how.add_argument(
        "--watermark",
        choices=("public", "own", "none"),
        default="public",
        help="whose key marks the pixels, invisibly (default: public)",
    )
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", default=".", metavar="DIR", help="folder for the pictures (default: the present one)")
    where.add_argument(
        "--paper", choices=("a4", "letter", "none"), default="a4", help="the printed sheet (default: a4)"
    )
    where.add_argument("--cut-line", action="store_true", help="print a magenta line to cut along around each sticker")
    add_place_options(parser)
    add_signing_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Plan, draw what is not there yet, lay it out, and say what was written."""
    from pathlib import Path

    from underpaint.core.artifact import require_new

    found = Mistakes()
    check_counts(args, ("threads",), found)
    check_signing(args, found)
    look, places = look_of(args, found), places_of(args, found) if args.places_for else []
    planned = plan(args, found)
    note_what_is_drawn_once(args, planned.series, output)
    folder = Path(args.out)
    if places:
        require_new(folder / STICKERS)
    signing = signing_for(args, output.note)
    output.resume_hint = going_on(planned.first.seed if args.seed is None else None)
    pictures = draw(planned, folder, signing, args, output)
    sheets = lay_out(folder, pictures, look, args)
    labels = planned.series.labels
    written = make_files(folder, pictures, labels, places, look, signing, args, output) if places else []
    missing = incomplete(places, len({placed.path for placed in pictures}), output) if places else []
    human = [describe(pictures, None, None), *map(str, sheets)]
    human += [describe_stickers(folder / STICKERS, written)] if written else []
    data = as_data(pictures, None, None, planned.model, signing)
    stickers = [file.as_data(folder) for file in written]
    output.result("\n".join(human), {**data, "sheets": sheets, "stickers": stickers, "incomplete": missing})
    return ArtifactError.exit_code if missing else 0


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Everything that decides the pictures.

    Args:
        model: Draws them.
        series: Their words.
        first: Settings of the first one.
        same: How much of it the others keep.
    """

    model: Model
    series: Series
    first: Settings
    same: float


def plan(args: argparse.Namespace, found: Mistakes) -> Planned:
    """Return what shall be drawn, or tell all that is wrong with it.

    Raises:
        InputError: Something cannot be used.
        MissingDependency: The model needs torch to edit, which is not installed.
    """
    from underpaint.pipelines.editing.asking import check_engine
    from underpaint.pipelines.editing.planning import check_editable
    from underpaint.pipelines.marks import mark_for
    from underpaint.pipelines.opening import open_model
    from underpaint.pipelines.planning import Options
    from underpaint.pipelines.stickers.series import SAME, check_same, plan_first

    series = found.take(series_asked_for, args, otherwise=None)
    same = SAME if args.same is None else found.take(check_same, args.same, otherwise=SAME, source="--same")
    model = open_model(args.model)
    check_editable(model)
    check_engine(model)
    options = Options(style=args.style, seed=args.seed, guidance=args.guidance)
    first = None if series is None else found.take(plan_first, model, series, options, otherwise=None)
    found.tell()
    assert series is not None and first is not None
    marked = first.model_copy(update={"watermark": mark_for(args.watermark)})
    return Planned(model=model, series=series, first=marked, same=same)


def series_asked_for(args: argparse.Namespace) -> Series:
    """Return the words of the pictures.

    Raises:
        InputError: Neither a subject nor a file is given, or both, or something in them cannot be used.
    """
    from pathlib import Path

    from underpaint.pipelines.prompts import read_prompts
    from underpaint.pipelines.stickers.series import series_from, series_of

    if (args.subject is None) == (args.prompts is None):
        raise InputError('write a subject, such as "a cat", or name a file of words with --prompts, one of the two')
    if args.prompts is None:
        return series_of(args.subject, named_moods(args), args.mood)
    if args.moods is not None or args.mood:
        named = "--moods" if args.moods is not None else "--mood"
        raise InputError(f"{named} means nothing with --prompts, whose words are taken as they are; leave it out")
    return series_from(read_prompts(Path(args.prompts)), args.prompts)


def named_moods(args: argparse.Namespace) -> list[str]:
    """Return the moods that are meant by name: those of --moods, or the usual ones where nothing is said of moods."""
    from underpaint.pipelines.stickers.moods import USUAL

    if args.moods is not None:
        return [mood.strip() for mood in args.moods.split(",") if mood.strip()]
    return [] if args.mood else [*USUAL]


def note_what_is_drawn_once(args: argparse.Namespace, series: Series, output: Output) -> None:
    """Say which moods stand twice, and which mean the picture of another."""
    if args.prompts is not None:
        return
    said = [*named_moods(args), *(mood.strip() for mood in args.mood)]
    for mood in dict.fromkeys(said):
        if said.count(mood) > 1:
            output.note(f"note: the mood {mood!r:.40} stands twice; it is drawn once")
        elif mood not in series.moods:
            output.note(f"note: the mood {mood!r:.40} means the same picture as another; it is drawn once")


def draw(
    planned: Planned, folder: Path, signing: Signing | None, args: argparse.Namespace, output: Output
) -> list[Placed]:
    """Draw what is not there yet."""
    from underpaint.pipelines.editing.asking import choose_editing
    from underpaint.pipelines.stickers.series_folder import draw_series_into

    def loaded() -> Generator:
        args.engine = choose_editing(planned.model, settings=[planned.first], device=args.device)
        generator = load(planned.model, [planned.first], args, output)
        note_what_is_read(generator, {words: words for words in planned.series.others}, output)
        return generator

    return draw_series_into(
        folder,
        planned.model,
        planned.first,
        planned.series,
        planned.same,
        loaded,
        report=output.report,
        seal=signing,
    )


def lay_out(folder: Path, pictures: Sequence[Placed], look: Look, args: argparse.Namespace) -> list[Path]:
    """Write a contact sheet of pictures and the printed one, unless there are some since the last of them was drawn."""
    from underpaint.pipelines.picture_folder import PREFIX, add_sheet
    from underpaint.pipelines.stickers.printed_files import add_printed, is_printed

    drawn_ns = max(placed.path.stat().st_mtime_ns for placed in pictures)
    new = not any(file.stat().st_mtime_ns >= drawn_ns for file in folder.glob(f"{PREFIX}-sheet*.png"))
    sheets = [add_sheet(folder, pictures)] if new else []
    if args.paper != "none" and (new or not is_printed(folder, args.paper)):
        sheets += add_printed(folder, pictures, look, args.paper, cut_line=args.cut_line, title=args.title)
    return sheets


def make_files(
    folder: Path,
    pictures: Sequence[Placed],
    labels: Sequence[str],
    places: Sequence[str],
    look: Look,
    signing: Signing | None,
    args: argparse.Namespace,
    output: Output,
) -> list[Written]:
    """Make the files of places, in a new folder beside the pictures, each called by its mood."""
    from underpaint.pipelines.stickers.picture import read_picture

    called = {placed.path: label for placed, label in reversed([*zip(pictures, labels, strict=True)])}
    read = [read_picture(path).called(called[path]) for path in dict.fromkeys(placed.path for placed in pictures)]
    return write(folder / STICKERS, read, places, look, signing, args, output)
