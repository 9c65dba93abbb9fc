"""The rivals are as large as the hybrid model that they are held against, and see the same data in the same way."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.gan_generator import GanGenerator, GanGeneratorConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.recipes import rivals_64, sticker_64
from underpaint.stages.train.flow_config import FlowTraining
from underpaint.stages.train.recipe import HybridRecipe


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def hybrid_parameters(recipe: HybridRecipe) -> int:
    settings = recipe.generator
    with torch.device("meta"):
        transformer = ScaleTransformer(
            TransformerConfig(
                schedule=recipe.tokenizer.schedule,
                n_logits=recipe.tokenizer.codebook_size,
                width=settings.width,
                depth=settings.depth,
                heads=settings.heads,
                early_scales=settings.early_scales,
                early_depth=settings.early_depth,
            )
        )
        refiner = ResidualRefiner(
            ResidualConfig(width=settings.residual_width, depth=settings.residual_depth, hidden_width=settings.width)
        )
    return count(transformer) + count(refiner)


def flow_parameters(settings: FlowTraining) -> int:
    with torch.device("meta"):
        return count(FlowTransformer(FlowTransformerConfig(**settings.model_dump(include={"width", "depth", "heads"}))))


@pytest.mark.parametrize(
    ("hybrid", "flow"),
    [(sticker_64.nano, rivals_64.flow_nano), (sticker_64.tiny, rivals_64.flow_tiny)],
    ids=["nano", "tiny"],
)
def test_hybrid_and_flow_have_equally_many_parameters_within_two_percent(hybrid, flow):
    assert flow_parameters(flow().flow) == pytest.approx(hybrid_parameters(hybrid()), rel=0.02)


def test_the_gan_has_equally_many_within_twenty_percent():
    settings = rivals_64.gan_nano().gan
    with torch.device("meta"):
        generator = GanGenerator(
            GanGeneratorConfig(num_styles=4, **settings.model_dump(include={"widths", "blocks", "condition_width"}))
        )
    assert count(generator) == pytest.approx(hybrid_parameters(sticker_64.nano()), rel=0.2)


@pytest.mark.parametrize("name", ["drop_both", "drop_caption", "drop_style", "text_depth"])
def test_words_are_read_and_dropped_alike(name: str):
    assert getattr(sticker_64.nano().generator, name) == getattr(rivals_64.flow_nano().flow, name)


def test_batches_and_weight_average_are_alike():
    hybrid, flow = sticker_64.nano().generator.loop, rivals_64.flow_nano().flow.loop
    assert (hybrid.batch_size, hybrid.average_decay) == (flow.batch_size, flow.average_decay)


def test_the_rivals_share_the_hybrid_models_own_parts():
    shared = rivals_64.flow_nano().shared
    assert shared == sticker_64.nano() == rivals_64.few_step_nano().teacher.shared == rivals_64.gan_nano().shared
