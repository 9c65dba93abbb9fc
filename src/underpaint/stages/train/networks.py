"""The three networks of the hybrid generator, built to fit a tokenizer and a text table."""

from __future__ import annotations

from torch import Tensor, nn

from underpaint.learning.seeding import initialized_by
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.stages.train.conditions import STYLES, encoder_above
from underpaint.stages.train.config import GeneratorTraining


class HybridGenerator(nn.Module):
    """The three trained networks as one module."""

    def __init__(self, text_encoder: TextEncoder, transformer: TransformerConfig, residual: ResidualConfig) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = ScaleTransformer(transformer)
        self.residual = ResidualRefiner(residual)


def build_networks(
    config: GeneratorTraining, quantizer: MultiScaleQuantizer, table: dict[str, Tensor]
) -> HybridGenerator:
    """Build fresh networks from the settings and the seed.

    Args:
        config: The settings.
        quantizer: The tokenizer's quantizer.
        table: The text table's tensors: ``table`` ``[vocabulary, width]`` and ``weight`` ``[vocabulary]``.
    """
    schedule, channels = quantizer.config.schedule, quantizer.config.latent_channels
    transformer = TransformerConfig(
        schedule=schedule,
        n_logits=quantizer.codes.n_logits,
        width=config.width,
        depth=config.depth,
        heads=config.heads,
        num_styles=len(STYLES),
        text_width=table["table"].shape[1],
        latent_channels=channels,
        drop_path=config.drop_path,
        early_scales=config.early_scales,
        early_depth=config.early_depth,
        plane=config.plane,
    )
    residual = ResidualConfig(
        kind=config.residual_kind,
        width=config.residual_width,
        depth=config.residual_depth,
        hidden_width=config.width,
        latent_channels=channels,
    )
    with initialized_by(config.loop.seed):
        networks = HybridGenerator(encoder_above(table, config.text_depth), transformer, residual)
    networks.transformer.use_checkpointing = config.gradient_checkpointing
    return networks
