"""From a recipe to a whole model in a folder, as it ships; and copies that are known to be bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.errors import InputError
from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import Report
from underpaint.models.rounded_weights import per_row, rounded_rows
from underpaint.models.twin import twin
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.optimized_folder import OptimizedModel
from underpaint.pipelines.slots import main_slot, part_of, with_part
from underpaint.pipelines.text_to_picture import PicturePipeline
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import apply
from underpaint.stages.optimize.transforms.transform import Context

BAD_BITS = 3
Pipeline = PicturePipeline[Any]


def check_optimizable(model: Model) -> None:
    """Refuse models of which no recipe can be searched.

    Raises:
        InputError: It is a graph, or optimized already.
    """
    if isinstance(model, ExportedModel):
        raise InputError(
            f"{model.name} is an exported graph, which is as it is [graph.opaque]; name the model that it was made "
            f"from, {model.edge.model}"
        )
    if isinstance(model, OptimizedModel):
        raise InputError(
            f"{model.name} is optimized already; search from the model before it, {model.settings.base}, which "
            f"'underpaint optimize --undo {model.folder}' finds"
        )


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Makes candidates.

    Args:
        model: The model before.
        pipeline: Its networks.
        prompts: Captions to calibrate and to train with.
        folder: Where candidates and trainings lie.
    """

    model: Model
    pipeline: Pipeline
    prompts: tuple[str, ...]
    folder: Path

    def candidate(self, recipe: OptimizationRecipe, report: Report) -> Path:
        """Return the folder of a candidate; it is made unless it is there.

        Raises:
            UnderpaintError: A step is refused, or cannot be made.
        """
        out = self.folder / "candidates" / recipe.name
        if out.exists():
            return out
        context = Context(
            prompts=self.prompts, folder=self.folder / "training" / recipe.name, base=self.model.digest, report=report
        )
        applied = apply(self.pipeline, recipe, context)
        save_optimized(applied, self.model, out, report=report)
        return out

    def bad(self) -> Pipeline:
        """Return the pipeline with the weights of the network that draws rounded to 3 bits, uncalibrated."""
        slot = main_slot(self.pipeline)
        return with_part(self.pipeline, slot, coarse(part_of(self.pipeline, slot)))


def coarse(network: nn.Module, bits: int = BAD_BITS) -> nn.Module:
    """Return a network whose linear maps and convolutions have weights of few bits; all else is shared."""
    layers = (layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d))
    rounded = {id(layer.weight) for layer in layers}
    return twin(network, lambda tensor: _rounded(tensor, bits) if id(tensor) in rounded else tensor)


def _rounded(weight: Tensor, bits: int) -> Tensor:
    whole, scale = rounded_rows(weight, bits)
    with torch.no_grad():
        return nn.Parameter((whole.to(weight.dtype) * per_row(scale.to(weight.dtype), weight)), requires_grad=False)
