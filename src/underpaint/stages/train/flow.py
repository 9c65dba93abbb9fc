"""Training the flow transformer: from a latent at a random time between noise and data, predict the data.

It learns on the same latents, captions and drops as the hybrid generator, in the same order.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent.

Source: flow matching, arXiv 2210.02747; data prediction with the velocity's loss, JiT, arXiv 2511.13720.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.core.artifact import Manifest
from underpaint.core.config import Config
from underpaint.core.progress import Report, silent
from underpaint.diffusion.path import interpolate, logit_normal, velocity_loss
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.flow_transformer import FlowTransformer, FlowTransformerConfig
from underpaint.models.text_encoder import TextEncoder
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.flow import FlowConfig, FlowPipeline
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randn
from underpaint.stages.train.conditions import (
    STYLES,
    Conditions,
    draw_conditions,
    encode_captions,
    make_text_encoder,
    plain_conditions,
)
from underpaint.stages.train.finish import effort, trained, write_networks
from underpaint.stages.train.flow_config import FlowTraining
from underpaint.stages.train.grid import draw_grid
from underpaint.stages.train.growth import grow_flow
from underpaint.stages.train.initial import initial_parent
from underpaint.stages.train.latents import Latents, load_latents, parents_of

KIND = "flow"


class FlowGenerator(nn.Module):
    """The two trained networks as one module."""

    def __init__(self, text_encoder: TextEncoder, config: FlowTransformerConfig) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = FlowTransformer(config)


class FlowTrainee:
    """The flow transformer as the training loop sees it.

    Args:
        config: The settings.
        train: Encoded training pictures.
        held_out: Encoded validation pictures.
        tokenizer: A ``tokenizer`` artifact.
        text_table: A ``text-table`` artifact.
        device: Where to train.
    """

    def __init__(
        self,
        config: FlowTraining,
        train: Latents,
        held_out: Latents,
        tokenizer: Path,
        text_table: Path,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
        self.text_tokenizer = TextTokenizer.from_folder(text_table)
        channels, side = train.values.shape[2], train.values.shape[-1]
        with initialized_by(config.loop.seed):
            encoder = make_text_encoder(text_table, config.text_depth)
            self.module: FlowGenerator = FlowGenerator(
                encoder,
                FlowTransformerConfig(
                    side=side,
                    width=config.width,
                    depth=config.depth,
                    heads=config.heads,
                    num_styles=len(STYLES),
                    text_width=encoder.config.width,
                    latent_channels=channels,
                    drop_path=config.drop_path,
                ),
            )
        self.module.transformer.use_checkpointing = config.gradient_checkpointing
        self.module.to(device)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the loss of one batch; see the module's docstring."""
        index, z = self.train.choose(self.config.loop.batch_size, generator)
        samples = [self.train.samples[i] for i in index.tolist()]
        asked = draw_conditions(samples, self.config, self.module.transformer.any_style, generator, z.device)
        t = logit_normal(len(z), generator, z.device, mean=self.config.time_mean)
        loss = self.velocity_error(z, asked, t, generator, drop=True)
        return loss, {"velocity": float(loss.detach())}

    def velocity_error(
        self,
        z: Tensor,
        asked: Conditions,
        t: Tensor,
        generator: torch.Generator,
        drop: bool = False,
    ) -> Tensor:
        """Return the mean squared velocity error of a batch.

        Args:
            z: Clean latents ``[B, C, h, h]``.
            asked: How they are asked for.
            t: Times ``[B]``.
            generator: Draws the noise and the paths to drop.
            drop: Whether paths are dropped, as in training.
        """
        network = self.module.transformer
        text = encode_captions(self.text_tokenizer, self.module.text_encoder, asked.captions, z.device)
        x_t = interpolate(z, randn(z.shape, generator, z.device), t)
        condition = network.condition(text, asked.style, asked.drop)
        return velocity_loss(network(x_t, t, condition, generator=generator if drop else None), z, t)

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: there is nothing but weights."""

    def validate(self) -> dict[str, float]:
        """Return the held-out velocity error at times spread evenly in the logit's quantiles."""
        return measure_velocity(self, self.held_out)

    def pipeline(self) -> FlowPipeline:
        """Return the networks as a pipeline with default sampling."""
        return FlowPipeline(
            text_tokenizer=self.text_tokenizer,
            text_encoder=self.module.text_encoder,
            autoencoder=self.autoencoder,
            flow_transformer=self.module.transformer,
            config=FlowConfig(styles=STYLES),
        )

    def draw_samples(self, path: Path) -> None:
        """Draw 16 held-out captions, originals above, and 16 captions of the training set below."""
        draw_grid(self.pipeline().draw_latents, self.autoencoder, (self.held_out, self.train), path)


@torch.no_grad()
def measure_velocity(trainee: FlowTrainee, part: Latents) -> dict[str, float]:
    """Return the mean squared velocity error ``velocity`` of held-out latents at fixed times and noise.

    Args:
        trainee: What is measured.
        part: Held-out latents on its device.
    """
    total = 0.0
    for samples, z, generator in part.in_order():
        t = logit_normal(len(z), generator, z.device, mean=trainee.config.time_mean)
        error = trainee.velocity_error(z, plain_conditions(samples, z.device), t, generator)
        total += float(error) * len(samples) / len(part)
    return {"velocity": total}


def run(
    config: FlowTraining,
    latents: Path,
    tokenizer: Path,
    text_table: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    initial: Path | None = None,
    device: torch.device = CPU,
) -> Manifest:
    """Train a flow transformer and write it as a ``flow`` artifact.

    Args:
        config: The settings.
        latents: A ``latents`` artifact.
        tokenizer: The ``tokenizer`` artifact that made them.
        text_table: A ``text-table`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        initial: A saved hybrid pipeline whose text encoder and blocks the training starts from; None starts afresh.
        device: Where to train.

    Raises:
        DataError: The latents come from another tokenizer, or of pictures of a style that is not known.
        TrainingError: The loss diverged, or the initial weights do not fit.
    """
    parents = parents_of(latents, tokenizer, text_table) | initial_parent(initial)
    train, held_out = load_latents(latents, STYLES)
    trainee = FlowTrainee(config, train, held_out["validation"], tokenizer, text_table, device)
    if initial is not None:
        grow_flow(trainee.module.text_encoder, trainee.module.transformer, initial)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        figures = {split: measure_velocity(trainee, part.to(device)) for split, part in held_out.items()}
        return write_flow(trainee.module, config, parents, {**figures, **effort(training, trainee.module)}, out)


def write_flow(
    module: FlowGenerator, config: Config, parents: dict[str, str], figures: dict[str, Any], out: Path
) -> Manifest:
    """Write text encoder and transformer as a ``flow`` artifact.

    Args:
        module: The trained networks.
        config: The settings of the training.
        parents: Role to digest of what it was trained from.
        figures: What was measured.
        out: The new artifact.
    """
    networks = {"text_encoder": module.text_encoder, "flow_transformer": module.transformer}
    return write_networks(networks, out, kind=KIND, config=config, parents=parents, figures=figures)
