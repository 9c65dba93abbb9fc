"""Latents that a saved model draws: what its decoder really has to paint.

Whatever is done to true latents (other labels, noise) only resembles them. A generator errs in ways of its own, most of
all where its tokens do not belong together, and no picture says what should have been painted instead: such latents can
be judged for looking real, and not be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from underpaint.core.artifact import Manifest, seal, staging, verify
from underpaint.core.config import Config
from underpaint.core.progress import Progress, Report, silent
from underpaint.core.samples import Sample
from underpaint.learning.loop import step_generator
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.weights import read_weights, write_weights

KIND = "drawn-latents"
FILE = "latents.safetensors"


class DrawnLatents(Config):
    """Settings of latents that a model draws.

    Args:
        count: How many.
        seed: Chooses the captions; picture ``i`` has the seed ``seed + i``.
    """

    count: int
    seed: int


def requests_for(
    samples: Sequence[Sample], weights: Tensor, settings: DrawnLatents, styles: Sequence[str]
) -> list[DrawRequest]:
    """Return what to ask for: captions and styles of samples, drawn by weight with replacement.

    Args:
        samples: What there is to ask for.
        weights: ``[N]`` drawing weights.
        settings: Number and seed.
        styles: Those the model knows; samples of another are asked for in no particular style.
    """
    generator = step_generator(settings.seed, 0, "drawn-latents")
    rows = torch.multinomial(weights, settings.count, replacement=True, generator=generator).tolist()
    chosen = [samples[row] for row in rows]
    return [
        DrawRequest(caption=s.caption, style=s.style if s.style in styles else None, seed=settings.seed + number)
        for number, s in enumerate(chosen)
    ]


@torch.inference_mode()
def draw(pipeline: HybridPipeline, requests: Sequence[DrawRequest], report: Report = silent) -> Tensor:
    """Draw latents ``[N, C, h, h]`` in float16, as the pipeline's own settings say.

    Args:
        pipeline: The model.
        requests: What to draw.
        report: Receives progress.
    """
    rows, done = [], 0
    for some in pipeline.batches(requests):
        numbers = pipeline.numbers(some)
        text = pipeline.encode_text([request.caption for request in some])
        drawing = pipeline.draw_tokens(text, pipeline.style_index([request.style for request in some]), numbers)
        rows.append(pipeline.refine(drawing, numbers).to(torch.float16).cpu())
        done += len(some)
        report(Progress(task="draw latents", done=done, total=len(requests), unit="pictures"))
    return torch.cat(rows)


def run(
    settings: DrawnLatents,
    pipeline: HybridPipeline,
    samples: Sequence[Sample],
    weights: Tensor,
    out: Path,
    report: Report = silent,
    *,
    parents: dict[str, str],
) -> Manifest:
    """Draw latents for captions of a data set and write them as an artifact.

    Args:
        settings: Number and seed.
        pipeline: The model.
        samples: What there is to ask for.
        weights: ``[N]`` drawing weights.
        out: The new artifact.
        report: Receives progress.
        parents: Role to digest of model and data set.
    """
    values = draw(pipeline, requests_for(samples, weights, settings, pipeline.styles), report)
    with staging(out) as folder:
        write_weights(folder / FILE, {"drawn": values})
        return seal(folder, kind=KIND, stage="train", config=settings, parents=parents, packages=("torch",))


def load_drawn(folder: Path) -> Tensor:
    """Read the latents ``[N, C, h, h]`` of such an artifact.

    Raises:
        ArtifactError: The folder is none, or damaged.
    """
    verify(folder, kind=KIND)
    return read_weights(folder / FILE)["drawn"]
