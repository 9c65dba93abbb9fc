"""What a model drew before and draws now, for the same words and seeds, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from underpaint.models.autoencoder import Autoencoder
from underpaint.models.pixels import from_straight
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.train.grid import save_grid
from underpaint.stages.train.latents import Latents
from underpaint.stages.train.tuning.kept import EVERYDAY

COLUMNS = 8


def requests_for(part: Latents) -> list[DrawRequest]:
    """Return requests for eight captions of pictures, then for eight everyday words, all in the pictures' styles.

    Args:
        part: The pictures.
    """
    chosen = [part.samples[place % len(part)] for place in range(COLUMNS)]
    words = [sample.caption for sample in chosen] + list(EVERYDAY[:COLUMNS])
    styles = [sample.style for sample in chosen] * 2
    return [DrawRequest(caption=w, style=s, seed=i) for i, (w, s) in enumerate(zip(words, styles, strict=True))]


def draw_preview(pipelines: Sequence[HybridPipeline], part: Latents, autoencoder: Autoencoder, path: Path) -> None:
    """Write a sheet: the pictures of captions, what each model draws for them, then what each draws for other words.

    Args:
        pipelines: The models; one that does not know a style draws in none in particular.
        part: Pictures with captions.
        autoencoder: Turns latents into pictures.
        path: A PNG file; its folder is created.
    """
    places = [place % len(part) for place in range(COLUMNS)]
    requests = requests_for(part)
    rows = [autoencoder.decode(part.values[places, 0].to(torch.float32))]
    for asked in (requests[:COLUMNS], requests[COLUMNS:]):
        rows += [_drawn(pipeline, asked).to(rows[0].device) for pipeline in pipelines]
    save_grid(path, torch.cat(rows), columns=COLUMNS)


def _drawn(pipeline: HybridPipeline, requests: Sequence[DrawRequest]) -> Tensor:
    known = [
        DrawRequest(caption=r.caption, style=r.style if r.style in pipeline.styles else None, seed=r.seed)
        for r in requests
    ]
    return from_straight(torch.from_numpy(np.stack(pipeline.draw(known))))  # [8, 4, H, H]
