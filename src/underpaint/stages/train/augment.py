"""Small changes to pictures that keep what they show."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.runtime.draws import rand


def shift(pictures: Tensor, offsets: Tensor) -> Tensor:
    """Move each picture by whole pixels; what comes in from outside is transparent.

    Args:
        pictures: ``[B, 4, H, H]`` premultiplied, in [-1, 1].
        offsets: ``[B, 2]`` int64, down and right, in pixels.
    """
    margin = int(offsets.abs().max())
    size = pictures.shape[-1]
    padded = F.pad(pictures, (margin, margin, margin, margin), value=-1.0)
    moved = [
        picture[:, margin - dy : margin - dy + size, margin - dx : margin - dx + size]
        for picture, (dy, dx) in zip(padded, offsets.tolist(), strict=True)
    ]
    return torch.stack(moved)


def flip_and_shift(pictures: Tensor, generator: torch.Generator, reach: int = 3) -> Tensor:
    """Mirror half of the pictures and move each.

    For reconstruction only: a mirrored arrow, clock or hand no longer fits its caption.

    Args:
        pictures: ``[B, 4, H, H]`` premultiplied, in [-1, 1].
        generator: On the CPU.
        reach: Largest move down, up, left or right, in pixels.
    """
    mirrored = rand((len(pictures), 1, 1, 1), generator, pictures.device) < 0.5
    pictures = torch.where(mirrored, pictures.flip(3), pictures)
    return shift(pictures, torch.randint(-reach, reach + 1, (len(pictures), 2), generator=generator))
