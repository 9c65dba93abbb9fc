"""The three networks of the hybrid generator, built to fit a tokenizer and a text table."""

from __future__ import annotations

from torch import Tensor, nn

from underpaint.learning.seeding import initialized_by
from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.stages.train.conditions import MAX_TOKENS, STYLES
from underpaint.stages.train.config import GeneratorTraining


class HybridGenerator(nn.Module):
    """The three trained networks as one module."""

    def __init__(self, text: TextEncoderConfig, transformer: TransformerConfig, residual: ResidualConfig) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(text)
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
    vocabulary, text_width = table["table"].shape
    schedule, channels = quantizer.config.schedule, quantizer.config.latent_channels
    text = TextEncoderConfig(vocab_size=vocabulary, width=text_width, depth=config.text_depth, max_tokens=MAX_TOKENS)
    transformer = TransformerConfig(
        schedule=schedule,
        n_logits=quantizer.codes.n_logits,
        width=config.width,
        depth=config.depth,
        heads=config.heads,
        num_styles=len(STYLES),
        text_width=text_width,
        latent_channels=channels,
        drop_path=config.drop_path,
        early_scales=config.early_scales,
        early_depth=config.early_depth,
    )
    residual = ResidualConfig(
        kind=config.residual_kind,
        width=config.residual_width,
        depth=config.residual_depth,
        hidden_width=config.width,
        latent_channels=channels,
    )
    with initialized_by(config.loop.seed):
        networks = HybridGenerator(text, transformer, residual)
    networks.text_encoder.table.copy_(table["table"])
    networks.text_encoder.weight.copy_(table["weight"])
    networks.transformer.use_checkpointing = config.gradient_checkpointing
    return networks
