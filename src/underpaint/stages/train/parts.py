"""The parts of a training: the artifacts that a recipe makes in its workspace, in their order, and the one at work.

Each part is made once and is finished when its manifest is there, so the one at work is the first without. A part that
takes long keeps a running state below ``state/``, from which it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from underpaint.core.artifact import MANIFEST
from underpaint.core.config import Config
from underpaint.core.progress import Progress, Report
from underpaint.stages.train.decoder_config import DecoderTraining
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.recipe import HybridRecipe
from underpaint.stages.train.rival_recipe import FewStepRecipe, FlowRecipe, GanRecipe
from underpaint.stages.train.tuning.config import StyleRecipe
from underpaint.stages.train.upscaler_config import UpscalerTraining

TAKEN = ("text-table", "tokenizer")
"""What every model with a tokenizer has first, trained or taken from the model that it starts from."""
SHARED = (*TAKEN, "latents")
STATES = {"finer-tokenizer": "decoder", "tuned": "style"}
"""The folders below ``state/`` of the parts that keep their running state under another name than their own."""
STATE_FILES = ("state*.safetensors", "encoded*.safetensors")
"""What a running state consists of, as ``learning.loop`` and ``latents_state`` name it."""


def parts_of(recipe: Config) -> tuple[str, ...]:
    """Return the folders that a recipe makes in its workspace, in the order of their making.

    Args:
        recipe: The complete settings.
    """
    if isinstance(recipe, HybridRecipe):
        return (*SHARED, "generator", "pipeline")
    if isinstance(recipe, FlowRecipe):
        return (*SHARED, "flow", "flow-pipeline")
    if isinstance(recipe, FewStepRecipe):
        return (*SHARED, "flow", "few-step", "few-step-pipeline")
    if isinstance(recipe, GanRecipe):
        return (*SHARED, "gan", "gan-pipeline")
    if isinstance(recipe, DecoderTraining):
        return (*TAKEN, *(["drawn"] if recipe.drawn else []), "finer-tokenizer", "pipeline")
    if isinstance(recipe, StyleRecipe):
        decoder, adapter = ["decoder"] if recipe.decoder else [], ["adapter"] if recipe.rank is not None else []
        return (*TAKEN, "own", "kept", *decoder, "tuned", *adapter, "pipeline")
    assert isinstance(recipe, EvaluatorRecipe | UpscalerTraining)
    return ("evaluator",) if isinstance(recipe, EvaluatorRecipe) else ("upscaler",)


def finished(workspace: Path, parts: Sequence[str]) -> list[str]:
    """Return the parts that are finished in a workspace.

    Args:
        workspace: The folder that the training writes into; need not exist.
        parts: What ``parts_of`` returned.
    """
    return [part for part in parts if (workspace / part / MANIFEST).is_file()]


def at_work(workspace: Path, parts: Sequence[str]) -> str | None:
    """Return the part that is being made, or is made next; None if all are finished."""
    done = finished(workspace, parts)
    return next((part for part in parts if part not in done), None)


def has_state(workspace: Path, part: str) -> bool:
    """Tell whether a part left something to go on from."""
    folder = workspace / "state" / STATES.get(part, part)
    return any(path for files in STATE_FILES for path in folder.glob(files))


def announcing(report: Report, workspace: Path, parts: Sequence[str], begin: Callable[[], None]) -> Report:
    """Return a function that reports, and says first which part it is about whenever that is another one.

    Args:
        report: Receives what is reported, and ``part 2 of 5: tokenizer`` before the first report of a part.
        workspace: The folder that the training writes into.
        parts: What ``parts_of`` returned; a single one is not announced.
        begin: Called before anything is reported.
    """
    said: set[str] = set()

    def told(progress: Progress) -> None:
        part = at_work(workspace, parts) or parts[-1]
        if not said:
            begin()
        if part not in said and len(parts) > 1:
            report(Progress(task=f"part {parts.index(part) + 1} of {len(parts)}: {part}", done=0))
        said.add(part)
        report(progress)

    return told
