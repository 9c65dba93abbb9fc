"""Grids of pictures that training writes as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from underpaint.core.artifact import storage_errors
from underpaint.models.autoencoder import Autoencoder
from underpaint.models.pixels import to_straight
from underpaint.pipelines.settings import DrawRequest
from underpaint.stages.train.conditions import style_to_ask
from underpaint.stages.train.latents import Latents

NUM_SAMPLES = 16


def save_grid(path: Path, pictures: Tensor, columns: int) -> None:
    """Write pictures row by row on white.

    Args:
        path: A PNG file; its folder is created.
        pictures: ``[N, 4, H, H]`` premultiplied, in [-1, 1].
        columns: Pictures in a row.
    """
    pixels = to_straight(pictures)
    size = pixels.shape[1]
    rows = -(-len(pixels) // columns)
    sheet = Image.new("RGB", (columns * (size + 2), rows * (size + 2)), "white")
    for number, picture in enumerate(pixels):
        tile = Image.fromarray(picture, "RGBA")
        position = (number % columns * (size + 2) + 1, number // columns * (size + 2) + 1)
        sheet.paste(tile, position, tile)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)


def draw_grid(
    draw: Callable[[Sequence[DrawRequest]], Tensor], autoencoder: Autoencoder, parts: Sequence[Latents], path: Path
) -> None:
    """Write originals and drawings of 16 captions of each part, row by row.

    Args:
        draw: Draws latents ``[B, C, h, h]``; called with one request at a time.
        autoencoder: Turns latents into pictures.
        parts: Where the captions come from.
        path: A PNG file; its folder is created.
    """
    rows = []
    for part in parts:
        index = torch.arange(0, len(part), max(len(part) // NUM_SAMPLES, 1))[:NUM_SAMPLES]
        samples = [part.samples[i] for i in index.tolist()]
        requests = [DrawRequest(caption=s.caption, style=style_to_ask(s), seed=i) for i, s in enumerate(samples)]
        rows.append(autoencoder.decode(part.values[index, 0].to(torch.float32)))
        rows.append(torch.cat([autoencoder.decode(draw([request])) for request in requests]))
    save_grid(path, torch.cat(rows), columns=NUM_SAMPLES)
