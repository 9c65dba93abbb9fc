"""On what a loaded model runs: networks in torch on a device, or an exported graph by an engine on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from underpaint.pipelines.engine_choice import exported_form
from underpaint.pipelines.exported_folder import ExportedModel
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.graph_drawer import GraphDrawer
from underpaint.pipelines.model_folder import Model

if TYPE_CHECKING:
    import torch

    from underpaint.pipelines.text_to_picture import PicturePipeline

TORCH = "torch"


def networks(generator: Generator) -> PicturePipeline[Any]:
    """Return the networks of a model that torch runs."""
    assert not isinstance(generator.pipeline, GraphDrawer)
    return cast("PicturePipeline[Any]", generator.pipeline)


def device_of(generator: Generator) -> torch.device:
    """Return where a model runs; graphs run on the CPU."""
    if not isinstance(generator.pipeline, GraphDrawer):
        return networks(generator).device
    import torch

    return torch.device("cpu")


def engine_of(generator: Generator) -> str:
    """Return what runs a model: ``torch``, ``onnx`` or ``openvino``."""
    pipeline = generator.pipeline
    return pipeline.edge.engine if isinstance(pipeline, GraphDrawer) else TORCH


def batch_of(generator: Generator) -> int:
    """Return how many pictures are best drawn at once: as many as a graph draws, one on a CPU, many on a GPU."""
    pipeline = generator.pipeline
    if isinstance(pipeline, GraphDrawer):
        return pipeline.edge.batch
    return 1 if device_of(generator).type == "cpu" else 64


def with_its_graph(generator: Generator) -> Generator:
    """Return a loaded model that speaks for its graph where a graph draws, not for the networks of the same name."""
    pipeline, model = generator.pipeline, generator.model
    if isinstance(model, ExportedModel) or not isinstance(pipeline, GraphDrawer):
        return generator
    exported = exported_form(model, pipeline.edge.engine)
    assert exported is not None, f"{model.name} is drawn by a graph, and has none"
    return Generator(exported, pipeline)


def what_draws(model: Model) -> str:
    """Return the digest of what draws: that of the graph's folder, though it may draw the pictures of its model."""
    return model.manifest.digest if isinstance(model, ExportedModel) else model.digest


def name_of(model: Model) -> str:
    """Return a name that tells a graph from the networks that it was made from."""
    if not isinstance(model, ExportedModel):
        return model.name
    batch = "" if model.edge.batch == 1 else f" batch {model.edge.batch}"
    return f"{model.edge.model} {model.edge.engine} {model.edge.precision}{batch}"
