"""A short training of a network that was cut, towards the network before, on states that drawing visits.

No data set is needed: the network before draws pictures of some captions, and the cut one learns to predict on them
what it predicts. The flow learns predicted pictures at random times; the hybrid's transformer learns the distributions
of all tokens, given the tokens that were drawn, and the states that its refiner reads.

Source: distillation of pruned networks, Minitron, arXiv 2407.14679.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.core.progress import Report, silent
from underpaint.diffusion.path import SMALLEST_REST, interpolate, logit_normal
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import Run
from underpaint.models.binary_codes import BinaryCodes
from underpaint.models.codes import Codes
from underpaint.models.flow_transformer import FlowTransformer
from underpaint.models.transformer import ScaleTransformer
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.device import CPU
from underpaint.runtime.draws import rand, randint, randn

N = TypeVar("N", FlowTransformer, ScaleTransformer)
FEWEST_PROMPTS = 8
"""Captions below which nothing is trained: an eighth of them is held out."""
NULL_SHARE = 0.1
"""Share of the pictures that are learned without their caption, as guidance needs."""
DEFAULT = LoopConfig(steps=1, batch_size=8, lr=3e-4, warmup=20, average_decay=0.98, validate_every=100)
"""The loop where none is given; its steps are the recipe's."""


class Recovery:
    """What the loop trains.

    Args:
        teacher: The pipeline before.
        student: The network that was cut, with gradients.
        prompts: Canonical captions; the last eighth is held out.
        batch_size: Pictures of a batch.
    """

    def __init__(self, teacher: Any, student: nn.Module, prompts: Sequence[str], batch_size: int) -> None:
        self.teacher, self.module, self.batch_size = teacher, student, batch_size
        held_out = max(len(prompts) // 8, 1)
        self.prompts, self.held_out = prompts[:-held_out], prompts[-held_out:]

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002
        """Return the distance of a batch, and no figures besides."""
        return self._distance(self.prompts, self.batch_size, generator), {}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Do nothing: there is nothing but weights."""

    def validate(self) -> dict[str, float]:
        """Return the distance on held-out captions, with the same random numbers every time."""
        generator = torch.Generator().manual_seed(0)
        return {"distance": float(self._distance(self.held_out, 4 * self.batch_size, generator))}

    def draw_samples(self, path: Path) -> None:
        """Draw nothing: the pictures are those of the pipeline, which is judged elsewhere."""

    def _requests(self, prompts: Sequence[str], count: int, generator: torch.Generator) -> list[DrawRequest]:
        rows: list[int] = randint(len(prompts), (count,), generator, CPU).tolist()
        seeds: list[int] = randint(2**31, (count,), generator, CPU).tolist()
        return [DrawRequest(caption=prompts[row], seed=seed) for row, seed in zip(rows, seeds, strict=True)]

    def _asked(self, requests: Sequence[DrawRequest], generator: torch.Generator) -> tuple[Any, Tensor, Tensor]:
        """Return text, styles and where the text is dropped."""
        device = self.teacher.device
        text = self.teacher.encode_text([request.caption for request in requests])
        drop = rand((len(requests),), generator, device) < NULL_SHARE
        return text, self.teacher.style_index([request.style for request in requests]), drop

    @abstractmethod
    def _distance(self, prompts: Sequence[str], count: int, generator: torch.Generator) -> Tensor:
        """Return how far the student is from the teacher on pictures of some captions."""


class FlowRecovery(Recovery):
    """Learns predicted pictures at random times, weighed as velocities are."""

    def _distance(self, prompts: Sequence[str], count: int, generator: torch.Generator) -> Tensor:
        teacher, student = self.teacher, self.module
        requests = self._requests(prompts, count, generator)
        with torch.no_grad():
            z = teacher.draw_latents(requests)
            asked = self._asked(requests, generator)
            t = logit_normal(count, generator, z.device)
            x_t = interpolate(z, randn(z.shape, generator, z.device), t)
            wanted = teacher.flow_transformer(x_t, t, teacher.flow_transformer.condition(*asked))
        found = student(x_t, t, student.condition(*asked))  # pyright: ignore[reportCallIssue]
        weight = (1.0 - t).clamp_min(SMALLEST_REST) ** -2
        return ((found - wanted).square().flatten(1).mean(dim=1) * weight).mean()


class HybridRecovery(Recovery):
    """Learns the distributions of all tokens, and the last states."""

    def _distance(self, prompts: Sequence[str], count: int, generator: torch.Generator) -> Tensor:
        teacher, student = self.teacher, self.module
        requests = self._requests(prompts, count, generator)
        with torch.no_grad():
            asked = self._asked(requests, generator)
            drawing = teacher.draw_tokens(asked[0], asked[1], teacher.numbers(requests))
            seen, tokens = _seen(teacher, drawing.labels)
            logits, hidden = teacher.transformer(teacher.transformer.condition(*asked), seen, tokens=tokens)
        found, states = student(student.condition(*asked), seen, tokens=tokens)  # pyright: ignore[reportCallIssue]
        return divergence(teacher.quantizer.codes, found, logits) + F.mse_loss(states, hidden)


def divergence(codes: Codes, found: Tensor, wanted: Tensor) -> Tensor:
    """Return how far distributions of tokens are from others, in nats a token.

    Args:
        codes: The alphabet: one of its codes, or each of its bits.
        found: Logits ``[B, P, L]``.
        wanted: Logits ``[B, P, L]``.
    """
    if isinstance(codes, BinaryCodes):
        yes, no = (F.logsigmoid(sign * wanted) for sign in (1, -1))
        each = yes.exp() * (yes - F.logsigmoid(found)) + no.exp() * (no - F.logsigmoid(-found))
        return each.sum(dim=-1).mean()
    wanted = wanted.log_softmax(dim=-1)
    return (wanted.exp() * (wanted - found.log_softmax(dim=-1))).sum(dim=-1).mean()


def _seen(pipeline: HybridPipeline, labels: Sequence[Tensor]) -> tuple[list[Tensor], Tensor | None]:
    """Return what the scales see of those before them, and the vectors of the early tokens."""
    quantizer, early = pipeline.quantizer, pipeline.transformer.config.early_scales
    vectors = [quantizer.codes.embed(label, scale) for scale, label in enumerate(labels)]
    f = torch.zeros_like(quantizer.lift(vectors[0], 0))
    seen: list[Tensor] = []
    for scale, vector in enumerate(vectors[:-1]):
        f = f + quantizer.lift(vector, scale)
        seen.append(quantizer.down(f, scale + 1))
    return seen, torch.cat(vectors[:early], dim=1) if early else None


RECOVERIES: dict[type, type[Recovery]] = {FlowPipeline: FlowRecovery, HybridPipeline: HybridRecovery}
"""Pipeline to what trains its network."""


def recovered(
    pipeline: Any,
    student: N,
    prompts: Sequence[str],
    folder: Path | None,
    loop: LoopConfig,
    *,
    identity: str,
    report: Report = silent,
) -> N:
    """Train a network that was cut towards the one before.

    Args:
        pipeline: The pipeline before.
        student: The network.
        prompts: Canonical captions.
        folder: Where the run keeps its state; one found there goes on, bit for bit.
        loop: The loop.
        identity: Names the pipeline before and the cut; with all else it identifies the run.
        report: Receives progress.

    Raises:
        InputError: There are too few captions, or no folder.
        TrainingError: The loss diverged.
    """
    folder = checked(prompts, folder)
    whole = digest_of([identity, list(prompts), loop.digest(), student.config.model_dump(mode="json")])
    trainee = RECOVERIES[type(pipeline)](pipeline, student.requires_grad_(True), prompts, loop.batch_size)
    run_to_the_end(Run(trainee, loop, folder / whole[:16], whole, pipeline.device, report), student)
    return student


def checked(prompts: Sequence[str], folder: Path | None) -> Path:
    """Return the folder for the state of a training.

    Raises:
        InputError: There is none, or there are too few captions.
    """
    if len(prompts) < FEWEST_PROMPTS or folder is None:
        raise InputError(
            f"to train what was made smaller, {FEWEST_PROMPTS} captions or more (got {len(prompts)}) and a folder for "
            "its state are needed; give both in the context, or take a transform that does not train"
        )
    return folder


def run_to_the_end(run: Run, network: nn.Module) -> None:
    """Train to the last step and leave the averaged weights in the network, ready to draw."""
    run.finish()
    with run.average.applied():
        best = {name: value.detach().clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best)
    network.eval().requires_grad_(False)
