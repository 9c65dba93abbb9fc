"""From the arguments of ``underpaint generate`` to the settings of every picture, or all that is wrong with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from underpaint.pipelines.model_folder import Model
    from underpaint.pipelines.settings import Settings

MOST = 256
"""Most threads and most pictures at once that may be asked for."""
FILE_SEED = 0
"""First seed of the prompts of a file, so that the same command can go on with an interrupted batch."""


def check_arguments(args: argparse.Namespace, found: Mistakes) -> None:
    """Refuse what cannot be meant, before anything is imported or read.

    Args:
        args: The parsed arguments.
        found: Takes down what does not keep other mistakes from being found.

    Raises:
        InputError: Nothing or too much to draw is given.
    """
    check_counts(args, ("threads", "batch_size"), found)
    if args.force and not args.like:
        found.add(InputError("--force only means something with --like; leave it out"))
    sources = [name for name, value in (("PROMPT", args.prompt), ("--prompts", args.prompts)) if value]
    before = len(found)
    if not sources and not args.like:
        found.add(InputError('there is nothing to draw; write what, for example: underpaint generate "a smiling cat"'))
    if len(sources) > 1:
        found.add(InputError("give prompts either as words or with --prompts FILE, not both"))
    if args.like and (args.prompts or len(args.prompt) > 1):
        found.add(InputError("--like draws one picture again; at most one other prompt can go with it"))
    if len(found) > before:
        found.tell()


def check_counts(args: argparse.Namespace, names: Sequence[str], found: Mistakes) -> None:
    """Look for numbers of threads and of pictures at once that cannot be meant.

    Args:
        args: The parsed arguments.
        names: Which of them are such numbers.
        found: Takes down what cannot be meant.
    """
    for name in names:
        if not 1 <= getattr(args, name) <= MOST:
            found.add(InputError(f"{option(name)} must be at least 1 and at most {MOST}, got {getattr(args, name)}"))


def option(name: str) -> str:
    """Return the option that sets something: ``-n``, ``--batch-size``."""
    return f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"


def going_on(drawn_seed: int | None) -> str:
    """Return how to go on after an interruption.

    Args:
        drawn_seed: The seed that was drawn at random, since the command has none; None if it has.
    """
    seed = "" if drawn_seed is None else f" with --seed {drawn_seed}"
    return f"the finished pictures are kept; run the same command again{seed} to go on with the others"


def going_on_with(args: argparse.Namespace, planned: Sequence[Settings]) -> str:
    """Return how ``underpaint generate`` goes on after an interruption; each of several prompts has a seed of its own.

    Args:
        args: The parsed arguments.
        planned: What is drawn.
    """
    if args.seed is not None or args.prompts or args.like:
        return going_on(None)
    if len(args.prompt) > 1:
        return "the finished pictures are kept; run the same command again with the prompts that are missing"
    return going_on(planned[0].seed)


def plan_new(args: argparse.Namespace, found: Mistakes) -> tuple[Model, list[Settings]]:
    """Return the model and the settings of all pictures that the words or the file ask for.

    Args:
        args: The parsed arguments.
        found: What was found wrong so far.

    Raises:
        InputError: Something is wrong with the arguments or the file; the message lists all of it.
    """
    from pathlib import Path

    from underpaint.pipelines.marks import mark_for
    from underpaint.pipelines.opening import open_model
    from underpaint.pipelines.planning import Options, plan_usable, read_prompt, usable
    from underpaint.pipelines.prompts import PromptRow, read_usable, row_of

    if args.prompts:
        rows = found.take(read_usable, Path(args.prompts), found, otherwise=[])
    else:
        rows = [PromptRow(prompt=prompt) for prompt in args.prompt]
    options = Options(
        style=args.style,
        seed=args.seed,
        n=1 if args.n is None else args.n,
        guidance=args.guidance,
        steps=args.steps,
        background=args.background or "transparent",
    )
    options = usable(options, found, option)
    model = found.take(open_model, args.model, otherwise=None)
    if model is None:
        for row in rows:
            found.take(read_prompt, row.prompt, otherwise="", source=row.source)
        planned = []
    else:
        planned = plan_usable(model, rows, options, found, first_seed=FILE_SEED if args.prompts else None)
    if args.prompts:
        found.sort(lambda error: row_of(error, Path(args.prompts)))
    found.tell()
    assert model is not None
    mark = mark_for(args.watermark or "public")
    return model, [settings.model_copy(update={"watermark": mark}) for settings in planned]


def plan_like(args: argparse.Namespace, found: Mistakes) -> tuple[Model, list[Settings], Settings | None]:
    """Return the model and settings that draw a picture again, with whatever else was asked for changed.

    Args:
        args: The parsed arguments.
        found: What was found wrong so far.

    Returns:
        Model, settings, and the picture's own settings if nothing is changed and the pixels must be the same.

    Raises:
        InputError: Something is wrong with the arguments; the message lists all of it.
    """
    from pathlib import Path

    from underpaint.pipelines.marks import mark_for
    from underpaint.pipelines.picture_file import read_settings
    from underpaint.pipelines.planning import Options, plan_usable, usable
    from underpaint.pipelines.prompts import PromptRow

    old = found.take(read_settings, Path(args.like), otherwise=None)
    if old is None:
        found.tell()
    assert old is not None
    if old.edit is not None:
        raise InputError(
            f"{args.like} is an edit, which needs the picture that it was made from; use: underpaint edit PICTURE ..., "
            f"with what 'underpaint show {args.like}' says"
        )
    if not old.caption:
        raise InputError(f"{args.like} was not drawn from words but only enlarged; use: underpaint upscale PICTURE")
    model = model_for(old, args)
    same_model = model.digest == old.model_sha256
    prompt = args.prompt[0] if args.prompt else old.caption
    options = Options(
        style=args.style or old.style,
        seed=old.seed if args.seed is None else args.seed,
        n=1 if args.n is None else args.n,
        guidance=old.guidance if args.guidance is None and same_model else args.guidance,
        temperature=old.temperature if same_model else None,
        steps=old.steps if args.steps is None and same_model else args.steps,
        background=args.background or old.background,
    )
    mark = mark_for(args.watermark) if args.watermark else old.watermark
    planned = plan_usable(model, [PromptRow(prompt=prompt)], usable(options, found, option), found)
    found.tell()
    planned = [settings.model_copy(update={"watermark": mark}) for settings in planned]
    if not args.prompt:
        planned = [settings.model_copy(update={"prompt": old.prompt}) for settings in planned]
    return model, planned, old if [one.identity for one in planned] == [old.identity] else None


def model_for(old: Settings, args: argparse.Namespace) -> Model:
    """Return the model that drew a picture; with ``--force`` another one if need be.

    Args:
        old: The picture's settings.
        args: The parsed arguments.

    Raises:
        ArtifactError: The model is not at hand.
    """
    from underpaint.cli.show import find_model
    from underpaint.pipelines.finishing import other_model
    from underpaint.pipelines.opening import open_model

    if (model := find_model(old, args.model)) is not None:
        return model
    model = open_model(args.model)
    if not args.force:
        raise ArtifactError(
            f"{args.like}: {other_model(old, model)}; name the folder of the model that drew it with -m FOLDER, or add "
            "--force to draw the same words and seed with this one"
        )
    return model
