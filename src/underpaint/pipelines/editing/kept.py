"""What stays of a picture's latent while the rest is drawn: whole scales, and the cells outside a mask.

At a scale that is kept, and in the cells outside the mask at every scale, the labels are the picture's own. They are
quantized from what the scales so far leave over of its latent, ``z - f``, since drawn neighbors reach into kept cells
through the resizing; where nothing was drawn so far, these are the labels that the picture has by itself. A cell
belongs to the mask as soon as one of its pixels does. In the same way the residual of a kept cell is ``z - f``.

Shapes: ``C`` latent channels, ``h`` side of the latent, ``k`` side of a scale, ``S`` side of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.pipelines.hybrid import Refine


def free_cells(inside: Tensor, side: int) -> Tensor:
    """Return the cells of a scale that belong to a mask: ``[k * k]`` bool.

    Args:
        inside: ``[S, S]`` bool.
        side: Side ``k`` of the scale.
    """
    covered = F.adaptive_max_pool2d(inside[None, None].to(torch.float32), side)  # [1, 1, k, k]
    return covered.flatten() > 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """The part of a picture that is known.

    Args:
        quantizer: Labels and latents.
        z: The picture's latent ``[1, C, h, h]``.
        num_scales: The coarsest scales that are kept whole.
        inside: Where the rest is drawn anew, ``[S, S]`` bool; None for everywhere.
    """

    quantizer: MultiScaleQuantizer
    z: Tensor
    num_scales: int
    inside: Tensor | None = None

    def labels(self, scale: int, f: Tensor, drawn: Tensor) -> Tensor:
        """Return the labels that stand; see ``hybrid.Settle``."""
        if scale >= self.num_scales and self.inside is None:
            return drawn
        _, own = self.quantizer.codes.quantize(self.quantizer.down(self.z - f, scale), scale)  # [1, k * k, ...]
        if scale < self.num_scales or self.inside is None:
            return own
        free = free_cells(self.inside, self.quantizer.config.schedule[scale])
        return torch.where(free.view(1, -1, *(1 for _ in own.shape[2:])), drawn, own)

    @property
    def free(self) -> Tensor | None:
        """Cells of the latent that are drawn anew, ``[1, 1, h, h]`` bool; None for all."""
        side = self.quantizer.side
        return None if self.inside is None else free_cells(self.inside, side).view(1, 1, side, side)

    def refiner(self, refine: Refine) -> Refine:
        """Return a refiner that knows the residual of the kept cells, so that the others see it."""
        free = self.free
        if free is None:
            return refine

        def known(x_t: Tensor, t: Tensor, hidden: Tensor, token: Tensor, f: Tensor) -> Tensor:
            own = (self.z - f) / self.quantizer.residual_std[:, None, None]
            return torch.where(free, refine(x_t, t, hidden, token, f), own)

        return known

    def latent(self, drawn: Tensor) -> Tensor:
        """Return a latent ``[1, C, h, h]`` whose kept cells are the picture's own to the bit."""
        return drawn if self.free is None else torch.where(self.free, drawn, self.z)
