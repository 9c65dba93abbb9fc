"""``underpaint train``: a model, a style for one, or what judges models, from a data set, after a recipe.

Under ``torchrun`` every process runs this command; the first alone reports and says what came of it.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from underpaint.core.artifact import Manifest
    from underpaint.core.progress import Report
    from underpaint.recipes.table import Recipe
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe
    from underpaint.stages.train.tuning.config import StyleRecipe
    from underpaint.stages.train.upscaler_config import UpscalerTraining


STYLE = "style"
"""The recipe for a model to start from and pictures without more words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``underpaint train``."""
    parser.add_argument(
        "recipe", help="name of a recipe; see --list. With --from alone, 'style': learn the pictures' style", nargs="?"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a data set made by 'underpaint data build'")
    parser.add_argument("--out", type=Path, metavar="DIR", help="workspace; what is there already is resumed")
    parser.add_argument(
        "--from", dest="start", metavar="MODEL", help="start from this model's parts and weights (a folder or a name)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="a data set of what a model must not forget while it learns a style"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="train with these random numbers in place of the recipe's own"
    )
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="threads (default: all usable cores)")
    parser.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    parser.add_argument("--list", action="store_true", help="list the recipes and leave")


def run(args: argparse.Namespace, output: Output) -> int:
    """Train, or list the recipes."""
    from underpaint.learning.config import SEED_BOUND
    from underpaint.recipes.seeds import with_seed
    from underpaint.recipes.table import RECIPES

    if args.list:
        lines = {name: (make.__doc__ or "").strip().splitlines()[0] for name, make in RECIPES.items()}
        width = max(map(len, lines))
        plain = "\n".join(f"{name:<{width}}  {line.replace('``', '')}" for name, line in lines.items())
        output.result(plain, {"recipes": lines})
        return 0
    if args.recipe is None and args.start is not None:
        args.recipe = STYLE
    if args.recipe not in RECIPES:
        close = difflib.get_close_matches(str(args.recipe), RECIPES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(RECIPES)}"
        got = "no recipe given" if args.recipe is None else f"there is no recipe {args.recipe!r:.60}"
        style = "; for your own style: --from stickers-64" if args.recipe is None else ""
        raise InputError(f"{got}; {hint}{style}")
    if args.data is None or args.out is None:
        raise InputError("training needs --data DIR (a data set) and --out DIR (a workspace)")
    if not 0 <= args.threads <= 256:
        raise InputError(f"--threads must lie between 0 and 256, not {args.threads}")
    if args.seed is not None and not 0 <= args.seed < SEED_BOUND:
        raise InputError(f"--seed must lie between 0 and {SEED_BOUND - 1}, not {args.seed}")
    recipe = RECIPES[args.recipe]()
    if args.seed is not None:
        recipe = with_seed(recipe, args.seed)
    _check_options(recipe, args)
    _check_places(args)
    return _train(recipe, args, output)


def _check_options(recipe: Recipe, args: argparse.Namespace) -> None:
    """Check that the options mean something for the recipe.

    Raises:
        InputError: One does not.
    """
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe
    from underpaint.stages.train.recipe import HybridRecipe
    from underpaint.stages.train.tuning.config import StyleRecipe

    if isinstance(recipe, EvaluatorRecipe) and args.start is not None:
        raise InputError(f"an evaluator starts from no model; leave out --from {args.start!r:.60}")
    if isinstance(recipe, HybridRecipe):
        recipe.check_start(args.start)
    if args.keep is not None and not isinstance(recipe, StyleRecipe):
        raise InputError(f"--keep is for learning a style; leave it out, or choose the recipe {STYLE!r}")


def _check_places(args: argparse.Namespace) -> None:
    """Check folders and names before seconds go into loading torch; the training checks all of them again.

    Raises:
        ArtifactError: A data set is not there, or the model to start from is damaged.
        InputError: The workspace is not a training's own, or there is no model of that name, or it is no networks.
    """
    from underpaint.core.artifact import read_manifest
    from underpaint.stages.train.starting import open_starting
    from underpaint.stages.train.workspace import require_apart

    sets = [folder for folder in (args.data, args.keep) if folder is not None]
    require_apart(args.out, *sets)
    if args.start is not None:
        open_starting(args.start)
    for folder in sets:
        if not folder.exists():
            read_manifest(folder, kind="dataset")


def _train(recipe: Recipe, args: argparse.Namespace, output: Output) -> int:
    """Train what the recipe is for, and say what to do with it."""
    from underpaint.core.progress import Progress, silent

    if os.environ.get("RANK", "0") == "0":
        output.report(Progress(task="load torch", done=0))
    from underpaint.runtime import processes
    from underpaint.runtime.device import choose_device, choose_threads
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe
    from underpaint.stages.train.parts import parts_of
    from underpaint.stages.train.resumption import afterword, outlook, resumption
    from underpaint.stages.train.tuning.config import StyleRecipe

    if isinstance(recipe, EvaluatorRecipe) and (several := processes.launched()) > 1:
        raise InputError(f"an evaluator is trained by one process, not by {several}; start it without torchrun")
    if isinstance(recipe, StyleRecipe):
        _warn_of_few(recipe, args.data, output)
    device = choose_device(processes.local_name(args.device or "cpu"))
    num_threads = args.threads or max(1, choose_threads() // processes.neighbors())
    parts = parts_of(recipe)
    with processes.joined(device) as shared:
        said = outlook(args.out, parts)
        report = _report(said, parts, args.out, output) if shared.first else silent
        try:
            folder, manifest, advice = _make(recipe, args, report, {"num_threads": num_threads, "device": device})
        except KeyboardInterrupt:
            output.resume_hint = resumption(args.out)
            raise
    if shared.first:
        if said is None:
            output.note(f"note: {afterword(args.out, parts)}")
        data = {manifest.kind: str(folder), "digest": manifest.digest, "figures": manifest.figures}
        output.result(f"{folder}: done. {advice}", data)
    return 0


def _report(said: str | None, parts: Sequence[str], workspace: Path, output: Output) -> Report:
    """Return what shows progress: before the first, what is kept and resumed; before the first of a part, which."""
    from underpaint.stages.train.parts import announcing

    def begin() -> None:
        if said is not None:
            output.note(f"note: {said}")

    return announcing(output.report, workspace, parts, begin)


def _warn_of_few(recipe: StyleRecipe, data: Path, output: Output) -> None:
    """Say before a style is learned what is to be expected of few pictures."""
    from underpaint.core.artifact import read_manifest
    from underpaint.stages.train.tuning.own import caution

    read_manifest(data, kind="dataset")
    if said := caution(recipe, data):
        output.note(f"note: {said}")


def _make(
    recipe: Recipe, args: argparse.Namespace, report: Report, where: dict[str, Any]
) -> tuple[Path, Manifest, str]:
    """Train; return the folder of what was made, its manifest, and what to do next."""
    from underpaint.stages.train.decoder_config import DecoderTraining
    from underpaint.stages.train.evaluator_config import EvaluatorRecipe
    from underpaint.stages.train.recipe import HybridRecipe
    from underpaint.stages.train.tuning.config import StyleRecipe
    from underpaint.stages.train.upscaler_config import UpscalerTraining

    if isinstance(recipe, UpscalerTraining):
        return _make_upscaler(recipe, args, report, where)
    if isinstance(recipe, EvaluatorRecipe):
        return _make_evaluator(recipe, args, report, where)
    if isinstance(recipe, StyleRecipe):
        return _make_style(recipe, args, report, where)
    if isinstance(recipe, DecoderTraining):
        from underpaint.stages.train import decoder_run

        manifest = decoder_run.run(recipe, args.data, args.out, report, start=args.start, **where)
    elif isinstance(recipe, HybridRecipe):
        from underpaint.stages.train import run

        manifest = run.run(recipe, args.data, args.out, report, start=args.start, **where)
    else:
        from underpaint.stages.train import rivals

        manifest = rivals.run(recipe, args.data, args.out, report, start=args.start, **where)
    folder = _folder_of(manifest, args.out)
    advice = shlex.join(["underpaint", "generate", "a smiling cat", "-m", str(folder)])
    return folder, manifest, f"Try: {advice}"


def _make_evaluator(
    recipe: EvaluatorRecipe, args: argparse.Namespace, report: Report, where: dict[str, Any]
) -> tuple[Path, Manifest, str]:
    """Train an evaluator; as ``_make``."""
    from underpaint.core.extractor_card import CARD
    from underpaint.stages.train import evaluator_run

    manifest = evaluator_run.run(recipe, args.data, args.out, report, **where)
    folder = args.out / evaluator_run.FOLDER
    return folder, manifest, f"What it sees and what it does not stands in {folder / CARD}"


def _make_upscaler(
    recipe: UpscalerTraining, args: argparse.Namespace, report: Report, where: dict[str, Any]
) -> tuple[Path, Manifest, str]:
    """Train an upscaler; as ``_make``."""
    from underpaint.stages.train import upscaler_run

    manifest = upscaler_run.run(recipe, args.data, args.out, report, start=args.start, **where)
    folder = args.out / upscaler_run.FOLDER
    advice = shlex.join(["underpaint", "upscale", "PICTURE", "--size", "256", "--upscaler", str(folder)])
    return folder, manifest, f"Try: {advice}"


def _make_style(
    recipe: StyleRecipe, args: argparse.Namespace, report: Report, where: dict[str, Any]
) -> tuple[Path, Manifest, str]:
    """Teach a model a style; as ``_make``."""
    from underpaint.stages.train.tuning import run

    manifest = run.run(recipe, args.data, args.out, report, start=args.start, keep=args.keep, **where)
    folder, figures = _folder_of(manifest, args.out), manifest.figures["style"]
    named = [part for name in [*figures["started_from"]][:1] for part in ("--style", name)]
    advice = shlex.join(["underpaint", "generate", "a smiling cat", *named, "-m", str(folder)])
    alone = "" if recipe.rank is None else f"\nThe style by itself, for -m: {args.out / 'adapter'}"
    said = f"{figures['verdict']}\nBefore and after: {args.out / run.PREVIEW_AT}{alone}"
    return folder, manifest, f"{said}\nTry: {advice}"


def _folder_of(manifest: Manifest, workspace: Path) -> Path:
    """Return the folder of a workspace that holds an artifact."""
    from underpaint.core.artifact import MANIFEST, read_manifest

    folders = (path.parent for path in sorted(workspace.glob(f"*/{MANIFEST}")))
    return next(folder for folder in folders if read_manifest(folder).digest == manifest.digest)
