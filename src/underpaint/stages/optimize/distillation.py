"""A flow's network learns from the guided pipeline before to draw in fewer calls; no data set is needed.

The pipeline before draws pictures of captions, and on states along their paths the student learns either what guidance
predicts (one call for two), or where two of the teacher's steps lead (one step for two). Coarser steps are learned from
the student's own of half the length, so one network takes 8, 4, 2 or 1 of them.

Shapes: ``B`` batch, ``C`` latent channels, ``h`` side of the latent.

Source: guidance, arXiv 2210.03142; progressive distillation, arXiv 2202.00512; one network for all lengths, shortcut
models, arXiv 2410.12557.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.core.config import digest_of
from underpaint.core.progress import Report, silent
from underpaint.diffusion.guidance import GuidanceInterval, acts, guided
from underpaint.diffusion.halving import BatchDenoiser, draw_halvings, halving_target
from underpaint.diffusion.path import interpolate, logit_normal, velocity_loss
from underpaint.diffusion.solvers import time_grid
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run, step_generator
from underpaint.learning.seeding import initialized_by
from underpaint.models.flow_transformer import FlowCondition, FlowTransformer
from underpaint.models.text_encoder import TextStates
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.optimizing.distilled import Distilled, DistilledSteps
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import randint, randn
from underpaint.stages.optimize.recovery import checked, run_to_the_end

REUSED = 4
"""Training steps that see the same pictures at other times: drawing one takes as long as several steps."""
HELD_OUT = 4
"""Batches of held-out pictures."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Pictures that the teacher drew, with what they were asked for.

    Args:
        z: Latents ``[B, C, h, h]``.
        text: The encoded captions.
        style: ``[B]`` rows of the style embedding.
    """

    z: Tensor
    text: TextStates
    style: Tensor

    def first(self, size: int) -> Drawn:
        """Return the first ``size`` pictures."""
        text = TextStates(self.text.tokens[:size], self.text.mask[:size], self.text.pooled[:size])
        return Drawn(z=self.z[:size], text=text, style=self.style[:size])


def guided_teacher(pipeline: FlowPipeline, asked: Drawn, strength: float) -> BatchDenoiser:
    """Return what a pipeline's network predicts for pictures, guided within the pipeline's interval.

    Args:
        pipeline: The teacher.
        asked: What is asked for; its latents do not matter.
        strength: Of the guidance; 0 runs no unconditional half.
    """
    network, size = pipeline.flow_transformer, len(asked.style)
    if not acts(strength):
        alone = network.condition(asked.text, asked.style)
        return lambda x, t: network(x, t, alone)
    condition = network.condition(*asked.text.with_and_without(asked.style, network.any_style))
    cache, span = network.read_text(condition), pipeline.config.interval

    def denoise(x: Tensor, t: Tensor) -> Tensor:
        data = network(torch.cat([x, x]), torch.cat([t, t]), condition, cache)
        inside = ((t >= span.low) & (t < span.high))[:, None, None, None]
        return torch.where(inside, guided(data[:size], data[size:], strength), data[:size])

    return denoise


class Distillation:
    """What the loop trains.

    Args:
        teacher: The pipeline before.
        student: The network that learns, with gradients.
        prompts: Canonical captions; the last eighth is held out.
        params: What is taken in.
        batch_size: Pictures of a batch.
    """

    def __init__(
        self,
        teacher: FlowPipeline,
        student: FlowTransformer,
        prompts: Sequence[str],
        params: Distilled,
        batch_size: int,
    ) -> None:
        self.teacher, self.student, self.batch_size = teacher, student, batch_size
        self.strength = strength_of(teacher, params)
        held_out = max(len(prompts) // 8, 1)
        self._prompts, self._held_out = prompts[:-held_out], prompts[-held_out:]
        self._latest: tuple[int, Drawn] | None = None

    @property
    def module(self) -> nn.Module:
        """The network that learns."""
        return self.student

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the error of a batch, and no figures besides."""
        return self.error(self._pictures(step // REUSED), generator), {}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: the teacher stays as it is."""

    def validate(self) -> dict[str, float]:
        """Return the error on held-out captions, with the same random numbers every time."""
        generator = torch.Generator().manual_seed(0)
        drawn = self.draw(self._held_out, HELD_OUT * self.batch_size, generator)
        with torch.no_grad():
            return {"distance": float(self.error(drawn, generator))}

    def draw_samples(self, path: Path) -> None:
        """Draw nothing: the pictures are those of the pipeline, which is judged elsewhere."""

    def _pictures(self, block: int) -> Drawn:
        """Return the pictures of some steps in a row; they depend on the block's number alone, so runs can go on."""
        if self._latest is None or self._latest[0] != block:
            generator = step_generator(0, block, "pictures of the teacher")
            self._latest = block, self.draw(self._prompts, self.batch_size, generator)
        return self._latest[1]

    @torch.no_grad()
    def draw(self, prompts: Sequence[str], count: int, generator: torch.Generator) -> Drawn:
        """Let the teacher draw captions in any style, as it draws by default.

        Args:
            prompts: Captions, drawn from.
            count: Pictures.
            generator: Chooses captions, styles and seeds.
        """
        rows: list[int] = randint(len(prompts), (count,), generator, CPU).tolist()
        seeds: list[int] = randint(2**31, (count,), generator, CPU).tolist()
        styles = [None, *self.teacher.styles]
        which: list[int] = randint(len(styles), (count,), generator, CPU).tolist()
        requests = [
            DrawRequest(caption=prompts[row], seed=seed, style=styles[style], guidance=self.strength)
            for row, seed, style in zip(rows, seeds, which, strict=True)
        ]
        return Drawn(
            z=self.teacher.draw_latents(requests),
            text=self.teacher.encode_text([request.caption for request in requests]),
            style=self.teacher.style_index([request.style for request in requests]),
        )

    @abstractmethod
    def error(self, drawn: Drawn, generator: torch.Generator) -> Tensor:
        """Return how far the student's velocities are from what they should be, on states of some pictures."""


class GuidanceDistillation(Distillation):
    """Learns what guidance predicts, at any time."""

    def error(self, drawn: Drawn, generator: torch.Generator) -> Tensor:
        """Return the squared velocity error against guided predictions."""
        t = logit_normal(len(drawn.z), generator, drawn.z.device)
        x_t = interpolate(drawn.z, randn(drawn.z.shape, generator, drawn.z.device), t)
        with torch.no_grad():
            wanted = guided_teacher(self.teacher, drawn, self.strength)(x_t, t)
        found = self.student(x_t, t, self.student.condition(drawn.text, drawn.style))
        return velocity_loss(found, wanted, t)


class StepDistillation(Distillation):
    """Learns steps of all lengths: the finest from the guided teacher, the others from its own of half the length."""

    def __init__(
        self,
        teacher: FlowPipeline,
        student: FlowTransformer,
        prompts: Sequence[str],
        params: DistilledSteps,
        batch_size: int,
    ) -> None:
        super().__init__(teacher, student, prompts, params, batch_size)
        self.params = params

    def error(self, drawn: Drawn, generator: torch.Generator) -> Tensor:
        """Return the squared velocity error of taught and of own steps together."""
        size = len(drawn.z)
        taught = max(1, round(size * self.params.teacher_share)) if self.params.finest > 1 else size
        times = [self._times(index < taught, generator, drawn.z.device) for index in range(size)]
        start, middle, end = (torch.stack(column) for column in zip(*times, strict=True))  # each [B]
        x_t = interpolate(drawn.z, randn(drawn.z.shape, generator, drawn.z.device), start)
        condition = self.student.condition(drawn.text, drawn.style)
        with torch.no_grad():
            denoise = guided_teacher(self.teacher, drawn.first(taught), self.strength)
            wanted = halving_target(denoise, x_t[:taught], start[:taught], middle[:taught], end[:taught])
            rest = self._own(x_t[taught:], start[taught:], middle[taught:], end[taught:], condition, taught)
        found = self.student(x_t, start, condition, step=end - start)
        return velocity_loss(found, torch.cat([wanted, rest]), start)

    def _times(self, taught: bool, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Draw where one step begins, its middle and its end, of the finest length or of a coarser one."""
        levels = self.params.finest.bit_length() - 1
        coarser = 0 if taught else 1 + int(randint(levels, (1,), generator, CPU))
        grid = time_grid(2 * (self.params.finest >> coarser), self.teacher.config.shift)
        start, middle, end = draw_halvings(grid, 1, generator, device)
        return start[0], middle[0], end[0]

    def _own(
        self, x_t: Tensor, start: Tensor, middle: Tensor, end: Tensor, condition: FlowCondition, first: int
    ) -> Tensor:
        """Return where two of the student's own steps lead, for the rows from ``first`` on."""
        if not len(x_t):
            return x_t
        network = self.student
        given = FlowCondition(condition.prefix[first:], condition.mask[first:], condition.whole[first:])
        cache = network.read_text(given)

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            is_first = t == start
            return network(x, t, given, cache, torch.where(is_first, middle - start, end - middle))

        return halving_target(denoise, x_t, start, middle, end)


def strength_of(pipeline: FlowPipeline, params: Distilled) -> float:
    """Return the strength of the guidance that is taken in."""
    return pipeline.config.guidance if params.guidance is None else params.guidance


def with_step_lengths(network: FlowTransformer) -> FlowTransformer:
    """Return a network that is told how long its steps are, and draws as the one before until it has learned more."""
    with initialized_by(0):
        told = FlowTransformer(network.config.model_copy(update={"step_length": True}))
    told.load_state_dict(told.state_dict() | network.state_dict())
    return told.to(next(network.parameters()).device)


def distilled(
    trainee: Distillation,
    prompts: Sequence[str],
    folder: Path | None,
    loop: LoopConfig,
    *,
    identity: str,
    report: Report = silent,
) -> FlowTransformer:
    """Train a student to the last step, and return it ready to draw.

    Args:
        trainee: The student with its teacher.
        prompts: Canonical captions.
        folder: Where the run keeps its state; one found there goes on, bit for bit.
        loop: The loop.
        identity: Names the pipeline before and what is taken in; with all else it identifies the run.
        report: Receives progress.

    Raises:
        InputError: There are too few captions, or no folder.
        TrainingError: The loss diverged.
    """
    folder, student = checked(prompts, folder), trainee.student
    settings = trainee.teacher.config.model_dump(mode="json")
    whole = digest_of([identity, list(prompts), loop.digest(), student.config.model_dump(mode="json"), settings])
    run = Run(trainee, loop, folder / whole[:16], whole, trainee.teacher.device, report)
    run_to_the_end(run, student)
    return student


EVERYWHERE = GuidanceInterval()
"""The interval of a pipeline that is guided no more."""
