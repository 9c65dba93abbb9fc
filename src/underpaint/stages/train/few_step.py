"""Distilling a flow transformer to few steps: one network that takes 8, 4, 2 or 1 steps, told how long each is.

The finest steps learn from the guided teacher, which takes two for each of the student's; the coarser ones learn from
the student's own steps of half the length. Guidance is taken in: a step is one evaluation, without unconditional half.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent.

Source: progressive distillation, arXiv 2202.00512; one network for all lengths, shortcut models, arXiv 2410.12557;
guided teachers, arXiv 2210.03142.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from underpaint.core.artifact import Manifest, read_manifest
from underpaint.core.progress import Report, silent
from underpaint.diffusion.guidance import guided
from underpaint.diffusion.halving import draw_halvings, halving_target
from underpaint.diffusion.path import interpolate, velocity_loss
from underpaint.diffusion.solvers import time_grid
from underpaint.models.autoencoder import Autoencoder, AutoencoderConfig
from underpaint.models.component import load_component
from underpaint.models.flow_transformer import FlowCondition, FlowTransformer, FlowTransformerConfig
from underpaint.models.text_encoder import TextEncoder, TextEncoderConfig, TextStates
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.flow import FlowConfig, FlowPipeline
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randint, randn
from underpaint.stages.train.conditions import (
    STYLES,
    Conditions,
    draw_conditions,
    encode_captions,
    plain_conditions,
)
from underpaint.stages.train.finish import effort, trained
from underpaint.stages.train.flow import FlowGenerator, write_flow
from underpaint.stages.train.flow_config import FewStepTraining, FlowTraining
from underpaint.stages.train.grid import draw_grid
from underpaint.stages.train.latents import Latents, load_latents, parents_of

TEXT = "text_encoder"
TRANSFORMER = "flow_transformer"


class Teacher:
    """A trained flow transformer, guided.

    Args:
        folder: A ``flow`` artifact.
        config: For guidance.
        device: Where it computes.
    """

    def __init__(self, folder: Path, config: FewStepTraining, device: torch.device = CPU) -> None:
        self.text_encoder = load_component(folder / TEXT, TextEncoder, TextEncoderConfig, device)
        self.network = load_component(folder / TRANSFORMER, FlowTransformer, FlowTransformerConfig, device)
        self.config = config

    def target(self, x_t: Tensor, times: tuple[Tensor, Tensor, Tensor], text: TextStates, style: Tensor) -> Tensor:
        """Return what the student should predict, ``[B, C, h, h]``.

        Args:
            x_t: Where its steps begin ``[B, C, h, h]``.
            times: Where they begin, their middles and their ends, ``[B]`` each.
            text: The encoded captions.
            style: ``[B]`` rows of the style embedding.
        """
        size, network = len(x_t), self.network
        condition = network.condition(*text.with_and_without(style, network.any_style))
        cache = network.read_text(condition)
        low, high = self.config.interval

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            data = network(torch.cat([x, x]), torch.cat([t, t]), condition, cache)
            acts = ((t >= low) & (t < high))[:, None, None, None]
            return torch.where(acts, guided(data[:size], data[size:], self.config.guidance), data[:size])

        return halving_target(denoise, x_t, *times)


class FewStepTrainee:
    """The student as the training loop sees it.

    Args:
        config: The settings.
        teacher_folder: A ``flow`` artifact.
        train: Encoded training pictures.
        held_out: Encoded validation pictures.
        tokenizer: A ``tokenizer`` artifact.
        text_table: A ``text-table`` artifact.
        device: Where to train.
    """

    def __init__(
        self,
        config: FewStepTraining,
        teacher_folder: Path,
        train: Latents,
        held_out: Latents,
        tokenizer: Path,
        text_table: Path,
        device: torch.device = CPU,
    ) -> None:
        self.config, self.train, self.held_out = config, train.to(device), held_out.to(device)
        self.shares = FlowTraining.model_validate(read_manifest(teacher_folder, kind="flow").config)
        self.autoencoder = load_component(tokenizer / "autoencoder", Autoencoder, AutoencoderConfig, device)
        self.text_tokenizer = TextTokenizer.from_folder(text_table)
        self.teacher = Teacher(teacher_folder, config, device)
        settings = self.teacher.network.config.model_copy(update={"step_length": True})
        self.module: FlowGenerator = FlowGenerator(self.teacher.text_encoder, settings)
        self.module.text_encoder.requires_grad_(False)
        fresh = self.module.transformer.state_dict()
        self.module.transformer.load_state_dict(fresh | self.teacher.network.state_dict())
        self.module.to(device)

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the loss of one batch; see the module's docstring."""
        index, z = self.train.choose(self.config.loop.batch_size, generator)
        samples = [self.train.samples[i] for i in index.tolist()]
        asked = draw_conditions(samples, self.shares, self.teacher.network.any_style, generator, z.device)
        taught, own = self.errors(z, asked, generator)
        loss = (taught.sum() + own.sum()) / len(z)
        return loss, {"taught": float(taught.detach().mean()), "own": float(own.detach().sum() / max(len(own), 1))}

    def errors(self, z: Tensor, asked: Conditions, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the velocity errors of the rows that the teacher teaches and of those that the student itself does.

        Args:
            z: Clean latents ``[B, C, h, h]``.
            asked: How they are asked for; captions are never dropped here, since guidance is taken in.
            generator: Draws times, levels and noise.
        """
        taught = max(1, round(len(z) * self.config.teacher_share)) if self.config.finest > 1 else len(z)
        with torch.no_grad():
            text = encode_captions(self.text_tokenizer, self.module.text_encoder, asked.captions, z.device)
        times = [self._times(index < taught, generator, z.device) for index in range(len(z))]
        start, middle, end = (torch.stack(column) for column in zip(*times, strict=True))  # each [B]
        x_t = interpolate(z, randn(z.shape, generator, z.device), start)
        condition = self.module.transformer.condition(text, asked.style)
        with torch.no_grad():
            target = torch.cat(
                [
                    self.teacher.target(
                        x_t[:taught],
                        (start[:taught], middle[:taught], end[:taught]),
                        _rows(text, slice(None, taught)),
                        asked.style[:taught],
                    ),
                    self._own_target(x_t, start, middle, end, condition, taught),
                ]
            )
        prediction = self.module.transformer(x_t, start, condition, step=end - start)
        rows = zip(prediction.split(1), target.split(1), start.split(1), strict=True)
        error = torch.stack([velocity_loss(*row) for row in rows])
        return error[:taught], error[taught:]

    def _times(self, taught: bool, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Draw where one step begins, its middle and its end, of the finest length or of a coarser one."""
        levels = self.config.finest.bit_length() - 1
        coarser = 0 if taught else 1 + int(randint(levels, (1,), generator, CPU))
        grid = time_grid(2 * (self.config.finest >> coarser))
        start, middle, end = draw_halvings(grid, 1, generator, device)
        return start[0], middle[0], end[0]

    def _own_target(
        self, x_t: Tensor, start: Tensor, middle: Tensor, end: Tensor, condition: FlowCondition, taught: int
    ) -> Tensor:
        """Return the targets of the rows after ``taught``, made from the student's own steps of half the length."""
        if taught == len(x_t):
            return x_t[taught:]
        given = FlowCondition(condition.prefix[taught:], condition.mask[taught:], condition.whole[taught:])
        network, half = self.module.transformer, (middle - start)[taught:]
        cache = network.read_text(given)
        times = start[taught:], middle[taught:], end[taught:]
        return halving_target(lambda x, t: network(x, t, given, cache, half), x_t[taught:], *times)

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: the teacher stays as it is."""

    def validate(self) -> dict[str, float]:
        """Return the held-out errors against the teacher's and the student's own steps."""
        return measure(self, self.held_out)

    def pipeline(self, steps: int) -> FlowPipeline:
        """Return the student as a pipeline that takes so many steps."""
        return FlowPipeline(
            text_tokenizer=self.text_tokenizer,
            text_encoder=self.module.text_encoder,
            autoencoder=self.autoencoder,
            flow_transformer=self.module.transformer,
            config=FlowConfig(
                styles=STYLES, steps=steps, step_counts=self.config.step_counts, solver="euler", guidance=0.0
            ),
        )

    def draw_samples(self, path: Path) -> None:
        """Draw held-out captions in the finest and in a single step, one grid each."""
        for steps in (self.config.finest, 1):
            draw_grid(
                self.pipeline(steps).draw_latents,
                self.autoencoder,
                (self.held_out,),
                path.with_stem(f"{path.stem}-{steps}"),
            )


def _rows(text: TextStates, rows: slice) -> TextStates:
    return TextStates(text.tokens[rows], text.mask[rows], text.pooled[rows])


@torch.no_grad()
def measure(trainee: FewStepTrainee, part: Latents) -> dict[str, float]:
    """Return held-out errors: ``taught`` against the teacher's steps, ``own`` against the student's own."""
    sums = {"taught": 0.0, "own": 0.0}
    for samples, z, generator in part.in_order():
        taught, own = trainee.errors(z, plain_conditions(samples, z.device), generator)
        share = len(samples) / len(part)
        sums["taught"] += float(taught.mean()) * share
        sums["own"] += float(own.mean()) * share if len(own) else 0.0
    return sums


def run(
    config: FewStepTraining,
    teacher: Path,
    latents: Path,
    tokenizer: Path,
    text_table: Path,
    out: Path,
    report: Report = silent,
    *,
    work: Path,
    device: torch.device = CPU,
) -> Manifest:
    """Distill a flow transformer and write the student as a ``flow`` artifact.

    Args:
        config: The settings.
        teacher: A ``flow`` artifact.
        latents: A ``latents`` artifact.
        tokenizer: The ``tokenizer`` artifact that made them.
        text_table: A ``text-table`` artifact.
        out: The new artifact.
        report: Receives progress.
        work: Folder of the running state; a run found there is resumed.
        device: Where to train.

    Raises:
        DataError: The latents come from another tokenizer, or of pictures of a style that is not known.
        TrainingError: The loss diverged.
    """
    parents = {**parents_of(latents, tokenizer, text_table), "teacher": read_manifest(teacher, kind="flow").digest}
    train, held_out = load_latents(latents, STYLES)
    trainee = FewStepTrainee(config, teacher, train, held_out["validation"], tokenizer, text_table, device)
    with trained(trainee, config, parents, work, device=device, report=report) as training:
        figures = {split: measure(trainee, part.to(device)) for split, part in held_out.items()}
        return write_flow(trainee.module, config, parents, {**figures, **effort(training, trainee.module)}, out)
