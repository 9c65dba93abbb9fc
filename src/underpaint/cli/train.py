"""``underpaint train``: a model, or what judges models, from a data set, after a recipe."""

from __future__ import annotations

import argparse
import difflib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe
    from underpaint.stages.train.recipe import HybridRecipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``underpaint train``."""
    parser.add_argument("recipe", help="name of a recipe; see --list", nargs="?")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a data set made by 'underpaint data build'")
    parser.add_argument("--out", type=Path, metavar="DIR", help="workspace; what is there already is resumed")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads (default: all usable cores)")
    parser.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    parser.add_argument("--list", action="store_true", help="list the recipes and leave")


def run(args: argparse.Namespace, output: Output) -> int:
    """Train, or list the recipes."""
    from underpaint.recipes.table import RECIPES

    if args.list:
        lines = {name: (make.__doc__ or "").strip().splitlines()[0] for name, make in RECIPES.items()}
        output.result("\n".join(f"{name:<20} {line}" for name, line in lines.items()), {"recipes": lines})
        return 0
    if args.recipe not in RECIPES:
        close = difflib.get_close_matches(str(args.recipe), RECIPES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(RECIPES)}"
        got = "no recipe given" if args.recipe is None else f"there is no recipe {args.recipe!r:.60}"
        raise InputError(f"{got}; {hint}")
    if args.data is None or args.out is None:
        raise InputError("training needs --data DIR (a data set) and --out DIR (a workspace)")
    if not 0 <= args.threads <= 256:
        raise InputError(f"--threads must lie between 0 and 256, not {args.threads}")
    return _train(RECIPES[args.recipe](), args, output)


def _train(recipe: HybridRecipe | EvaluatorRecipe, args: argparse.Namespace, output: Output) -> int:
    """Train what the recipe is for, and say what to do with it."""
    from underpaint.core.extractor_card import CARD
    from underpaint.runtime.device import choose_device, choose_threads
    from underpaint.stages.train import evaluator_run, run
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe

    output.resume_hint = "run the same command again to go on from the last saved step"
    where = {"num_threads": args.threads or choose_threads(), "device": choose_device(args.device or "cpu")}
    if isinstance(recipe, EvaluatorRecipe):
        manifest = evaluator_run.run(recipe, args.data, args.out, output.report, **where)
        folder = args.out / evaluator_run.FOLDER
        text = f"{folder}: done. What it sees and what it does not stands in {folder / CARD}"
    else:
        manifest = run.run(recipe, args.data, args.out, output.report, **where)
        folder = args.out / "pipeline"
        text = f"{folder}: done. Try: {shlex.join(['underpaint', 'generate', 'a smiling cat', '-m', str(folder)])}"
    output.result(text, {manifest.kind: str(folder), "digest": manifest.digest, "figures": manifest.figures})
    return 0
