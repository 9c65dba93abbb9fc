"""The load half of a transform: to a changed pipeline, without data and without training.

Parameters are enough for most transforms; graphs lie in the folder of the saved model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from underpaint.core.config import Config
from underpaint.core.optimization import Stage
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.slots import WHOLE, part_of, with_part
from underpaint.pipelines.text_to_picture import PicturePipeline

Pipeline = PicturePipeline[Any]
Put = Callable[[Pipeline, str, Any], Pipeline]
"""From a pipeline, a slot and parameters to another pipeline that shares whatever was not changed."""
Open = Callable[[Pipeline, str, Model], Pipeline]
"""From a pipeline, a slot and a saved model to a pipeline with what lies in the model's folder."""


@dataclass(frozen=True, kw_only=True)
class Half:
    """What is done again when a saved model is opened.

    Before weights are read, networks get their form (``STRUCTURE``, ``WEIGHTS``); the rest comes after.

    Args:
        stage: When.
        params: The transform's parameters.
        put: Does it.
        open: Does it where the saved model's folder holds what was made; None where parameters are all.
    """

    stage: Stage
    params: type[Config]
    put: Put
    open: Open | None = None

    def stage_in(self, slot: str) -> Stage:
        """Return when it is applied to a slot: a whole drawing takes its sampling in, so it comes last."""
        return Stage.SAMPLER if slot == WHOLE else self.stage


def of_network(change: Callable[[nn.Module, Any], nn.Module]) -> Put:
    """Return what changes the network in a slot.

    Args:
        change: From the network and parameters to another network, which shares what was not changed.
    """

    def put(pipeline: Pipeline, slot: str, params: Any) -> Pipeline:
        return with_part(pipeline, slot, change(part_of(pipeline, slot), params))

    return put


def as_it_is(pipeline: Pipeline, slot: str, params: Any) -> Pipeline:  # noqa: ARG001
    """Change nothing: the network's own settings, which were saved with it, say all."""
    return pipeline
