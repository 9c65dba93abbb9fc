"""``underpaint generate``: draw pictures from words."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from underpaint.cli.engine_option import ENGINE
from underpaint.cli.model_options import add_model_options, model_of
from underpaint.cli.output import Output
from underpaint.cli.signing import Signing, add_signing_options, check_signing, signing_for
from underpaint.cli.wishes import check_arguments, going_on_with, plan_like, plan_new
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from pathlib import Path

    from underpaint.pipelines.generator import Generator
    from underpaint.pipelines.model_folder import Model
    from underpaint.pipelines.picture_folder import Placed
    from underpaint.pipelines.settings import Settings

EXAMPLES = """examples:
  underpaint generate "a smiling cat with sunglasses"
  underpaint generate "a red apple" "a green apple" -n 4 --seed 7 --out apples
  underpaint generate --prompts wishes.csv --out batch
  underpaint generate --like underpaint-a-red-apple-7.png

The same command with a seed draws the same pictures; those that lie in the folder already are not drawn again.
"""
LISTED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    what = parser.add_argument_group("what to draw")
    what.add_argument("prompt", nargs="*", metavar="PROMPT", help="what to draw, in English")
    what.add_argument("--prompts", metavar="FILE", help="a file of prompts: .txt (one a line), .csv or .jsonl")
    what.add_argument("--like", metavar="PICTURE", help="draw a picture again from the settings in its PNG file")
    what.add_argument("--style", metavar="STYLE", help="one of the model's styles; a wrong one lists them")
    what.add_argument("-n", type=int, metavar="N", help="pictures per prompt (default: 1)")
    what.add_argument("--seed", type=int, metavar="SEED", help="seed of the first picture; the next ones count up")
    what.add_argument("--background", metavar="COLOR", help="transparent (default), white, black or #rrggbb")
    how = parser.add_argument_group("how to draw it")
    how.add_argument(
        "-m", "--model", metavar="MODEL", help="a shipped model, a folder or hub id (default: stickers-64)"
    )
    how.add_argument("--guidance", type=float, metavar="G", help="pull towards the prompt, 0 to 20")
    how.add_argument("--steps", type=int, metavar="STEPS", help="steps of the model's diffusion part, if it has one")
    how.add_argument("--engine", **ENGINE)
    how.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    how.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="T",
        help="CPU threads (default: 1); another number may round pixels differently",
    )
    how.add_argument("--batch-size", type=int, default=8, metavar="B", help="pictures drawn at once (default: 8)")
    how.add_argument(
        "--watermark",
        choices=("public", "own", "none"),
        help="whose key marks the pixels, invisibly (default: public; with --like: as in the picture)",
    )
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", default=".", metavar="DIR", help="folder for the pictures (default: the present one)")
    where.add_argument("--no-sheet", action="store_true", help="write no contact sheet beside several pictures")
    where.add_argument("--force", action="store_true", help="with --like: draw even if another model drew the picture")
    add_signing_options(parser)
    add_model_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Plan, draw what is not there yet, write it, and say what was written."""
    from pathlib import Path

    found = Mistakes()
    check_arguments(args, found)
    check_signing(args, found)
    args.model = found.take(model_of, args, args.model, otherwise=args.model)
    if args.like:
        model, planned, original = plan_like(args, found)
    else:
        (model, planned), original = plan_new(args, found), None

    from underpaint.core.progress import silent
    from underpaint.pipelines.engine_choice import engine_again
    from underpaint.pipelines.picture_folder import add_sheet, draw_into

    if original is not None and args.engine == "auto":
        args.engine = engine_again(model, original)

    signing = signing_for(args, output.note)
    output.resume_hint = going_on_with(args, planned)
    folder = Path(args.out)
    pictures = draw_into(
        folder,
        planned,
        lambda: load(model, planned, args, output),
        reuse=original is None,
        batch_size=args.batch_size,
        report=output.report if len(planned) > 1 else silent,
        seal=signing,
    )
    several = len({placed.path for placed in pictures}) > 1
    wanted = several and any(placed.drawn for placed in pictures) and not args.no_sheet
    sheet = add_sheet(folder, pictures) if wanted else None
    same = None if original is None else pictures[0].settings.pixel_sha256 == original.pixel_sha256
    output.result(describe(pictures, sheet, same), as_data(pictures, sheet, same, model, signing))
    return 0


def load(model: Model, planned: Sequence[Settings], args: argparse.Namespace, output: Output) -> Generator:
    """Load the networks, and say which prompts they will not read as they stand."""
    from underpaint.pipelines.generator import load_opened

    generator = load_opened(
        model, engine=args.engine, settings=planned, device=args.device, threads=args.threads, report=output.report
    )
    note_what_is_read(generator, {settings.caption: settings.prompt for settings in planned}, output)
    return generator


def note_what_is_read(generator: Generator, read: Mapping[str, str], output: Output) -> None:
    """Say which prompts the model will not read as they stand.

    Args:
        generator: Reads them.
        read: Canonical captions to the prompts they were written as.
        output: Takes the notes.
    """
    for caption, prompt in read.items():
        if not prompt.isascii():
            output.note(f"note: {prompt!r:.80} is read as {caption!r:.80}")
        if unread := generator.unread(caption):
            output.note(f"note: the model does not read the end of a long prompt: {unread!r:.80}")
        if unknown := generator.unknown_words(caption.removesuffix(unread)):
            words = ", ".join(f"{word!r:.40}" for word in unknown)
            output.note(f"note: the model reads as unknown, whatever it means: {words:.200}")


def describe(pictures: Sequence[Placed], sheet: Path | None, same: bool | None) -> str:
    """Return what was written, for people."""
    files = list({placed.path: placed for placed in pictures}.values())
    kept = sum(not placed.drawn for placed in files)
    if len(files) > LISTED:
        lines = [f"{len(files) - kept} pictures drawn into {files[0].path.parent}"]
        lines += [f"{kept} were there already"] if kept else []
    else:
        lines = [f"{placed.path}{'' if placed.drawn else '  (was there already)'}" for placed in files]
    lines += [f"{sheet}  (all on one sheet)"] if sheet else []
    if same is not None:
        lines.append(
            "the pixels are the same"
            if same
            else "the pixels differ: another engine, processor or version rounds differently"
        )
    return "\n".join(lines)


def as_data(
    pictures: Sequence[Placed], sheet: Path | None, same: bool | None, model: Model, signing: Signing | None
) -> dict[str, Any]:
    """Return what was written, for machines."""
    return {
        "pictures": [
            {"path": placed.path, "drawn": placed.drawn, "settings": placed.settings.model_dump(mode="json")}
            for placed in pictures
        ],
        "sheet": sheet,
        "same_pixels": same,
        "signing": None if signing is None else signing.as_data(),
        "model": {"name": model.name, "folder": model.folder, "sha256": model.digest},
    }
