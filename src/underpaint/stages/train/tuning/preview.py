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
EMPTY = -1.0
"""Transparent, as values of premultiplied pictures."""


def requests_for(part: Latents) -> tuple[list[DrawRequest], list[DrawRequest]]:
    """Return requests for the captions of up to eight pictures, and for eight everyday words in the pictures' styles.

    Args:
        part: The pictures; each is asked for once.
    """
    chosen = part.samples[:COLUMNS]
    captions = [DrawRequest(caption=sample.caption, style=sample.style, seed=i) for i, sample in enumerate(chosen)]
    everyday = [
        DrawRequest(caption=word, style=chosen[i % len(chosen)].style, seed=COLUMNS + i)
        for i, word in enumerate(EVERYDAY[:COLUMNS])
    ]
    return captions, everyday


def draw_preview(pipelines: Sequence[HybridPipeline], part: Latents, autoencoder: Autoencoder, path: Path) -> None:
    """Write a sheet: the pictures of captions, what each model draws for them, then what each draws for other words.

    Args:
        pipelines: The models; one that does not know a style draws in none in particular.
        part: Pictures with captions; fewer than eight leave the ends of their rows empty.
        autoencoder: Turns latents into pictures.
        path: A PNG file; its folder is created.
    """
    captions, everyday = requests_for(part)
    rows = [_filled(autoencoder.decode(part.values[: len(captions), 0].to(torch.float32)))]
    for asked in (captions, everyday):
        rows += [_filled(_drawn(pipeline, asked)).to(rows[0].device) for pipeline in pipelines]
    save_grid(path, torch.cat(rows), columns=COLUMNS)


def _filled(row: Tensor) -> Tensor:
    """Fill a row up with empty pictures."""
    empty = row.new_full((COLUMNS - len(row), *row.shape[1:]), EMPTY)
    return torch.cat([row, empty])  # [8, 4, H, H]


def _drawn(pipeline: HybridPipeline, requests: Sequence[DrawRequest]) -> Tensor:
    known = [
        DrawRequest(caption=r.caption, style=r.style if r.style in pipeline.styles else None, seed=r.seed)
        for r in requests
    ]
    return from_straight(torch.from_numpy(np.stack(pipeline.draw(known))))  # [N, 4, H, H]
