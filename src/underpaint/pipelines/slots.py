"""The slots of a pipeline: the parts that a transform may exchange, and what they can do.

A slot has one name in all pipelines (``denoiser``, ``decoder``), a component another in each. Exchanging gives a new
pipeline that shares every other part; the old one stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from underpaint.adapters.diffusers.stand_in import StandIn
from underpaint.core.config import Config
from underpaint.models.attention import Block
from underpaint.models.inner_layers import inner_convs, inner_linears
from underpaint.pipelines.around import Surrounding
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.drawer import Drawer
from underpaint.pipelines.sampling import Sampler, sampler_of
from underpaint.pipelines.text_to_picture import PicturePipeline, TextToPicture

SAMPLER = "sampler"
"""The slot of the settings and whatever surrounds the network that draws; it is no component."""
WHOLE = "pipeline"
"""The slot of everything between words and pixels, sampling included, in our own pipelines; it is no component."""

NATIVE: dict[str, str] = {
    "text_encoder": "text_encoder",
    "transformer": "transformer",
    "residual": "residual",
    "flow_transformer": "denoiser",
    "generator": "generator",
    "autoencoder": "decoder",
}
"""Component of a native pipeline to slot; the quantizer is none, since tokens mean nothing without it."""
DIFFUSERS: dict[str, str] = {"vae": "decoder", "unet": "denoiser", "transformer": "denoiser"}
"""Component of a pipeline of diffusers to slot; text encoders keep their names."""
UNET = "UNet2DConditionModel"
MERGED_BLOCKS = ("BasicTransformerBlock",)
"""Classes of blocks whose ``attn1`` attends from a picture to itself."""
MAIN = ("denoiser", "transformer", "generator")
"""Slots of the network that draws."""

P = TypeVar("P", bound=PicturePipeline[Any])


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What is in a slot.

    Args:
        component: Its name in the pipeline.
        class_name: Class of the network; empty where it is a graph.
        graph: Whether a graph stands there, into which nobody can look.
        linears: Names of the linear maps inside blocks.
        convs: Names of the convolutions inside blocks.
        blocks: Equal blocks in a row; 0 where there are none that could be counted.
        heads: Attention heads of such a block.
        hidden: Channels between the two maps of its feed-forward.
        merging: Names of the self-attentions whose tokens could be merged.
        tokens: Tokens that the largest of them attends to.
        levels: Levels of a UNet; 0 for other networks.
    """

    component: str
    class_name: str = ""
    graph: bool = False
    linears: tuple[str, ...] = ()
    convs: tuple[str, ...] = ()
    blocks: int = 0
    heads: int = 0
    hidden: int = 0
    merging: tuple[str, ...] = ()
    tokens: int = 0
    levels: int = 0


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a pipeline can do, as far as transforms must know.

    Args:
        pipeline: Its class.
        device: Kind of device that it runs on.
        size: Side of the pictures in pixels.
        slots: What is in its slots.
        sampler: How it samples; None where a graph does.
    """

    pipeline: str
    device: str
    size: int
    slots: Mapping[str, Slot]
    sampler: Sampler | None


def components_of(pipeline: PicturePipeline[Any]) -> dict[str, str]:
    """Return slot to component name of a pipeline of networks; the sampler is no component."""
    if not isinstance(pipeline, DiffusersPipeline):
        return {NATIVE[name]: name for name in pipeline.modules if name in NATIVE}
    names = [name for name in pipeline.modules if name in DIFFUSERS or name.startswith("text_encoder")]
    return {DIFFUSERS.get(name, name): name for name in names}


def part_of(pipeline: PicturePipeline[Any], slot: str) -> nn.Module:
    """Return the network in a slot."""
    return pipeline.modules[components_of(pipeline)[slot]]


def main_slot(pipeline: PicturePipeline[Any]) -> str:
    """Return the slot of the network that draws."""
    return next(slot for slot in MAIN if slot in components_of(pipeline))


def with_part(pipeline: P, slot: str, part: nn.Module) -> P:
    """Return a pipeline with another network in a slot, which shares everything else."""
    other, component = copy.copy(pipeline), components_of(pipeline)[slot]
    if isinstance(other, DiffusersPipeline):
        inner = copy.copy(other.pipeline)
        vars(inner)[component] = part  # past __setattr__, which would look for the class among diffusers' own
        other.pipeline = inner
    else:
        setattr(other, component, part)
    return other


def with_settings(pipeline: P, **changes: Any) -> P:
    """Return a pipeline with other sampling settings, which shares everything else.

    Args:
        pipeline: The pipeline.
        changes: Setting to value; they are validated together.
    """
    other, config = copy.copy(pipeline), pipeline.config
    values = {name: getattr(config, name) for name in type(config).model_fields}
    other.config = type(config).model_validate(values | changes)
    return other


def capabilities_of(drawer: Drawer) -> Capabilities:
    """Say what a loaded pipeline can do, or an exported graph."""
    if not isinstance(drawer, PicturePipeline):
        whole = {slot: Slot(component="graph", graph=True) for slot in (WHOLE, *MAIN, "decoder", "text_encoder")}
        return Capabilities(
            pipeline=type(drawer).__name__, device="cpu", size=drawer.image_size, slots=whole, sampler=None
        )
    parts, name = drawer.modules, type(drawer).__name__
    whole = {WHOLE: Slot(component=WHOLE, class_name=name)} if isinstance(drawer, TextToPicture) else {}
    return Capabilities(
        pipeline=drawer.facts.class_name if isinstance(drawer, DiffusersPipeline) else name,
        device=drawer.device.type,
        size=drawer.image_size,
        slots={slot: _slot(name, parts[name]) for slot, name in components_of(drawer).items()} | whole,
        sampler=sampler_of(drawer),
    )


def _slot(component: str, part: nn.Module) -> Slot:
    while isinstance(part, Surrounding):
        part = part.network
    if isinstance(part, StandIn):
        return Slot(component=component, class_name=part.__class__.__name__, graph=True, levels=_levels(part))
    config = getattr(part, "config", None)
    blocks = getattr(part, "blocks", None) if isinstance(config, Config) else None
    equal = [one for one in blocks if isinstance(one, Block)] if isinstance(blocks, nn.ModuleList) else []
    return Slot(
        component=component,
        class_name=type(part).__name__,
        linears=tuple(inner_linears(part)),
        convs=tuple(inner_convs(part)),
        blocks=len(equal) or _blocks_of_diffusers(part),
        heads=equal[0].attention.heads if equal else 0,
        hidden=equal[0].feed_forward.up.out_features if equal else 0,
        merging=mergeable(part),
        tokens=_tokens(config),
        levels=_levels(part),
    )


def _levels(part: nn.Module) -> int:
    return len(getattr(part, "up_blocks", ())) if part.__class__.__name__ == UNET else 0


def mergeable(part: nn.Module) -> tuple[str, ...]:
    """Return the names of the self-attentions of a network of diffusers whose tokens are a grid of the picture."""
    blocks = {name: one for name, one in part.named_modules() if type(one).__name__ in MERGED_BLOCKS}
    return tuple(f"{name}.attn1" for name, one in blocks.items() if not getattr(one, "only_cross_attention", False))


def _tokens(config: Any) -> int:
    """Return the tokens of a picture at a network's full resolution; 0 where its settings do not tell."""
    side = getattr(config, "sample_size", None)
    return (side // (getattr(config, "patch_size", None) or 1)) ** 2 if isinstance(side, int) else 0


def _blocks_of_diffusers(part: nn.Module) -> int:
    """Return the number of a transformer's blocks; other networks of diffusers have none in a plain row."""
    blocks = getattr(part, "transformer_blocks", None)
    return len(blocks) if isinstance(blocks, nn.ModuleList) else 0
