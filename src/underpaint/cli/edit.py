"""``underpaint edit``: draw a picture anew, as a whole or within a mask."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from underpaint.cli.generate import as_data, describe, load, note_what_is_read
from underpaint.cli.output import Output
from underpaint.cli.signing import add_signing_options, check_signing, signing_for
from underpaint.cli.wishes import check_counts, going_on, option
from underpaint.core.errors import InputError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from underpaint.pipelines.editing.editor import Editor
    from underpaint.pipelines.editing.mask import Mask
    from underpaint.pipelines.editing.reading import Original
    from underpaint.pipelines.model_folder import Model
    from underpaint.pipelines.settings import Settings

EXAMPLES = """examples:
  underpaint edit cat.png "a cat with sunglasses" --mask eyes.png
  underpaint edit cat.png "a dog" --strength 0.7 -n 4 --seed 7
  underpaint edit cat.png -n 8
  underpaint edit cat.png --style line-art

The last two are variations, and the picture in another style: without a prompt its own words are used, if underpaint
drew it. Editing needs a hybrid model; other models than the shipped one need PyTorch, or an export made with --edit.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    what = parser.add_argument_group("what to draw")
    what.add_argument("picture", metavar="PICTURE", help="a PNG, JPEG or WebP file of any size")
    what.add_argument("prompt", nargs="?", metavar="PROMPT", help="what to draw, in English")
    what.add_argument("--strength", type=float, metavar="S", help="how much is drawn anew: 0 nothing, 1 all of it")
    what.add_argument("--style", metavar="STYLE", help="one of the model's styles; a wrong one lists them")
    what.add_argument("--negative", metavar="TEXT", help="what to draw away from")
    what.add_argument("--mix", metavar="TEXT", help="a second prompt, mixed with the first one")
    what.add_argument("--mix-share", type=float, metavar="S", help="share of the second prompt (default: 0.5)")
    what.add_argument("-n", type=int, metavar="N", help="pictures (default: 1)")
    what.add_argument("--seed", type=int, metavar="SEED", help="seed of the first picture; the next ones count up")
    _add_mask_options(parser)
    _add_drawing_options(parser)
    where = parser.add_argument_group("where to put it")
    where.add_argument("--out", default=".", metavar="DIR", help="folder for the pictures (default: the present one)")
    where.add_argument("--no-sheet", action="store_true", help="write no contact sheet beside several pictures")
    add_signing_options(parser)


def _add_mask_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it may change")
    group.add_argument("--mask", metavar="FILE", help="a PNG as large as the picture, transparent where it may change")
    group.add_argument(
        "--mask-edits",
        choices=("transparent", "white"),
        help="which part of the mask may change (default: transparent)",
    )
    group.add_argument(
        "--seam", type=int, metavar="PIXELS", help="width over which the drawing fades in, inside the mask (default: 2)"
    )


def _add_drawing_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to draw it")
    group.add_argument(
        "-m", "--model", metavar="MODEL", help="a shipped hybrid model or a folder (default: stickers-64)"
    )
    group.add_argument("--guidance", type=float, metavar="G", help="pull towards the prompt, 0 to 20")
    group.add_argument("--steps", type=int, metavar="STEPS", help="steps of the residual refiner")
    group.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    group.add_argument("--threads", type=int, default=1, metavar="T", help="CPU threads (default: 1)")
    group.add_argument(
        "--watermark",
        choices=("public", "own", "none"),
        help="whose key marks the pixels, invisibly (default: public); within a mask, what the picture carries stays",
    )


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Everything that decides the pictures.

    Args:
        model: Draws them.
        original: The picture that is edited.
        mask: Where it may change; None for everywhere.
        settings: Of each picture.
    """

    model: Model
    original: Original
    mask: Mask | None
    settings: list[Settings]


def run(args: argparse.Namespace, output: Output) -> int:
    """Read picture and mask, plan, draw what is not there yet, write it, and say what was written."""
    from pathlib import Path

    from underpaint.core.progress import silent
    from underpaint.pipelines.picture_folder import add_sheet, draw_into

    found = Mistakes()
    check_counts(args, ("threads",), found)
    check_signing(args, found)
    check_mask(args, found)
    found.tell()
    planned = plan(args, output)
    signing = signing_for(args, output.note)
    output.resume_hint = going_on(planned.settings[0].seed if args.seed is None else None)
    folder = Path(args.out)
    pictures = draw_into(
        folder,
        planned.settings,
        lambda: load_editor(planned, args, output),
        report=output.report if len(planned.settings) > 1 else silent,
        seal=signing,
    )
    several = len({placed.path for placed in pictures}) > 1
    wanted = several and any(placed.drawn for placed in pictures) and not args.no_sheet
    sheet = add_sheet(folder, pictures) if wanted else None
    output.result(describe(pictures, sheet, None), as_data(pictures, sheet, None, planned.model, signing))
    return 0


def check_mask(args: argparse.Namespace, found: Mistakes) -> None:
    """Look for options that mean nothing without others.

    Args:
        args: The parsed arguments.
        found: Takes them down.
    """
    if args.mask_edits and not args.mask:
        found.add(InputError("--mask-edits means nothing without --mask; leave it out, or name a mask"))
    if args.mix_share is not None and args.mix is None:
        found.add(InputError("--mix-share means nothing without --mix; leave it out, or write what to mix in"))


def plan(args: argparse.Namespace, output: Output) -> Planned:
    """Read model, picture and mask, and plan what to draw.

    Args:
        args: The parsed arguments, checked.
        output: Told what is not as it was typed.

    Raises:
        InputError: Something cannot be used.
        UnreadableImage: Picture or mask is damaged.
        MissingDependency: torch is not installed.
    """
    from underpaint.pipelines.editing.asking import check_engine
    from underpaint.pipelines.editing.mask import read_mask
    from underpaint.pipelines.editing.planning import check_editable, plan_edits
    from underpaint.pipelines.editing.reading import read_original
    from underpaint.pipelines.editing.request import EditRequest
    from underpaint.pipelines.marks import mark_for
    from underpaint.pipelines.opening import open_model

    model = open_model(args.model)
    check_editable(model)
    check_engine(model)
    original = read_original(args.picture, model.index.image_size)
    mask = read_mask(args.mask, original, edits=args.mask_edits or "transparent") if args.mask else None
    given = {name: value for name in EditRequest.model_fields if (value := getattr(args, name, None)) is not None}
    settings = plan_edits(model, original, EditRequest(**given), mask, called=option)
    _note_what_is_read(args, original, settings[0], output)
    mark = mark_for(args.watermark or "public")
    marked = [one.model_copy(update={"watermark": one.watermark or mark}) for one in settings]
    return Planned(model=model, original=original, mask=mask, settings=marked)


def _note_what_is_read(args: argparse.Namespace, original: Original, first: Settings, output: Output) -> None:
    from underpaint.pipelines.editing.paper import is_on_paper
    from underpaint.pipelines.settings import as_size

    own = as_size(*original.size)
    if own != first.size:
        output.note(f"note: the picture is scaled from {own} to the model's {first.size}")
    if args.mask is None and first.edit is not None and 0 < first.edit.strength < 1 and is_on_paper(original):
        output.note("note: what is along the rim counts as drawn; if it is paper, make it transparent first")
    if args.prompt is None and first.caption:
        output.note(f"note: the picture's own words are used: {first.caption!r:.80}")


def load_editor(planned: Planned, args: argparse.Namespace, output: Output) -> Editor:
    """Load the networks, and say which words they will not read as they stand.

    Args:
        planned: What is drawn.
        args: The parsed arguments; the engine that was chosen is put into them.
        output: Takes the notes.

    Raises:
        InputError: No engine that is here can edit this with the model.
        MissingDependency: torch would be needed, and is not installed.
        ArtifactError: The model is incomplete, damaged, or differs from its manifest.
    """
    from underpaint.pipelines.editing.asking import choose_editing, editor_of

    args.engine = choose_editing(planned.model, settings=planned.settings, device=args.device)
    generator = load(planned.model, planned.settings, args, output)
    record = planned.settings[0].edit
    beside = () if record is None else filter(None, (record.mix, record.negative))
    note_what_is_read(generator, {caption: caption for caption in beside}, output)
    return editor_of(planned.model, generator.pipeline, planned.original, planned.mask)
