"""Grids of pictures that training writes as it goes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from torch import Tensor

from underpaint.core.artifact import storage_errors
from underpaint.models.pixels import to_straight


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
