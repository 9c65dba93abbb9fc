"""A small decoder that learns to paint what the large one paints, on latents that the pipeline draws.

No pictures are needed: some latents are drawn once, with captions and seeds of their own, and shaken a little in every
step, so that the decoder is right around them too.

Source: decoders distilled for previews, TAESD; that latents are the pipeline's own is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.config import digest_of
from underpaint.core.progress import Progress, Report, silent
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run
from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import Autoencoder
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.draws import randint, randn
from underpaint.stages.optimize.recovery import checked, run_to_the_end

SEEDS = 4
"""Latents a caption."""
SHAKE = 0.05
"""Deviation of what is added to latents, whose own deviation is about 1."""
DECODER = "decoder."


def with_decoder(autoencoder: Autoencoder, widths: tuple[int, int, int]) -> Autoencoder:
    """Return an autoencoder with the same encoder and a fresh decoder of other widths.

    Args:
        autoencoder: The one before.
        widths: Channels at 1/2, 1/4 and 1/8 of the picture's side.
    """
    with initialized_by(0):
        other = Autoencoder(autoencoder.config.model_copy(update={"decoder_widths": widths}))
    kept = {name: value for name, value in autoencoder.state_dict().items() if not name.startswith(DECODER)}
    other.load_state_dict({**other.state_dict(), **kept})
    return other.to(next(autoencoder.parameters()).device).eval().requires_grad_(False)


@torch.no_grad()
def drawn_latents(pipeline: Any, prompts: Sequence[str], report: Report) -> Tensor:
    """Return latents ``[N, C, h, h]`` that a pipeline draws for captions, ``SEEDS`` each."""
    found: list[Tensor] = []
    for number, prompt in enumerate(prompts):
        requests = [DrawRequest(caption=prompt, seed=seed) for seed in range(SEEDS)]
        found.append(_latents(pipeline, requests))
        report(Progress(task="draw latents", done=number + 1, total=len(prompts), unit="captions"))
    return torch.cat(found)


def _latents(pipeline: Any, requests: Sequence[DrawRequest]) -> Tensor:
    if isinstance(pipeline, FlowPipeline):
        return pipeline.draw_latents(requests)
    numbers = pipeline.numbers(requests)
    text = pipeline.encode_text([request.caption for request in requests])
    style = pipeline.style_index([request.style for request in requests])
    return pipeline.refine(pipeline.draw_tokens(text, style, numbers), numbers)


class DecoderTrainee:
    """What the loop trains.

    Args:
        teacher: The autoencoder before.
        student: The one with the small decoder, with gradients in it.
        latents: ``[N, C, h, h]``; the last eighth is held out.
        batch_size: Pictures of a batch.
    """

    def __init__(self, teacher: Autoencoder, student: Autoencoder, latents: Tensor, batch_size: int) -> None:
        self.teacher, self.student, self.module, self.batch_size = teacher, student, student.decoder, batch_size
        held_out = max(len(latents) // 8, 1)
        self.latents, self.held_out = latents[:-held_out], latents[-held_out:]

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the distance of a batch of shaken latents, and no figures besides."""
        device = self.latents.device
        z = self.latents[randint(len(self.latents), (self.batch_size,), generator, device)]
        return self._distance(z + SHAKE * randn(z.shape, generator, device)), {}

    def _distance(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.teacher.decode(z)
        found = self.student.decode(z)
        return F.l1_loss(found, wanted) + F.l1_loss(F.avg_pool2d(found, 4), F.avg_pool2d(wanted, 4))

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: there is nothing but weights."""

    def validate(self) -> dict[str, float]:
        """Return the distance on held-out latents."""
        return {"distance": float(self._distance(self.held_out))}

    def draw_samples(self, path: Path) -> None:
        """Draw nothing: the pictures are those of the pipeline, which is judged elsewhere."""


def distilled(
    pipeline: Any,
    widths: tuple[int, int, int],
    prompts: Sequence[str],
    folder: Path | None,
    loop: LoopConfig,
    *,
    identity: str,
    report: Report = silent,
) -> nn.Module:
    """Return the autoencoder of a pipeline with a small decoder that paints like the large one.

    Args:
        pipeline: The pipeline before.
        widths: Channels of the decoder.
        prompts: Canonical captions.
        folder: Where the run keeps its state; one found there goes on, bit for bit.
        loop: The loop.
        identity: Names the pipeline before; with all else it identifies the run.
        report: Receives progress.

    Raises:
        InputError: There are too few captions, or no folder.
        TrainingError: The loss diverged.
    """
    folder = checked(prompts, folder)
    student = with_decoder(pipeline.autoencoder, widths)
    student.decoder.requires_grad_(True)
    latents = drawn_latents(pipeline, prompts, report)
    trainee = DecoderTrainee(pipeline.autoencoder, student, latents, loop.batch_size)
    whole = digest_of([identity, list(prompts), loop.digest(), list(widths), "decoder"])
    run_to_the_end(Run(trainee, loop, folder / whole[:16], whole, pipeline.device, report), student.decoder)
    return student
