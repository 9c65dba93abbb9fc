"""What stays of a picture's latent while the rest is drawn: some tokens of each scale, and their residual.

The labels that stay are the picture's own. They are quantized from what the scales so far leave over of its latent,
``z - f``, since drawn neighbors reach into kept cells through the resizing; where nothing was drawn so far, these are
the labels that the picture has by itself. In the same way the residual of a kept cell is ``z - f``. Nothing here looks
at the values of tensors, so it can be traced.

Shapes: ``C`` latent channels, ``h`` side of the latent, ``k`` side of a scale, ``S`` side of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from underpaint.models.quantizer import MultiScaleQuantizer
from underpaint.models.text_encoder import TextStates
from underpaint.pipelines.hybrid import HybridPipeline, Refine
from underpaint.pipelines.numbers import Numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """The part of a picture that is known.

    Args:
        quantizer: Labels and latents.
        z: The picture's latent ``[1, C, h, h]``.
        free: What is drawn anew at each scale, each ``[k * k]`` bool; see ``cells.free_cells``.
    """

    quantizer: MultiScaleQuantizer
    z: Tensor
    free: Sequence[Tensor]

    def labels(self, scale: int, f: Tensor, drawn: Tensor) -> Tensor:
        """Return the labels that stand; see ``hybrid.Settle``."""
        _, own = self.quantizer.codes.quantize(self.quantizer.down(self.z - f, scale), scale)  # [1, k * k, ...]
        return torch.where(self.free[scale].view(1, -1, *(1 for _ in own.shape[2:])), drawn, own)

    @property
    def _finest(self) -> Tensor:
        side = self.quantizer.side
        return self.free[-1].view(1, 1, side, side)

    def refiner(self, refine: Refine) -> Refine:
        """Return a refiner that knows the residual of the kept cells, so that the others see it."""

        def known(x_t: Tensor, t: Tensor, hidden: Tensor, token: Tensor, f: Tensor) -> Tensor:
            own = (self.z - f) / self.quantizer.residual_std[:, None, None]
            return torch.where(self._finest, refine(x_t, t, hidden, token, f), own)

        return known

    def latent(self, drawn: Tensor) -> Tensor:
        """Return a latent ``[1, C, h, h]`` whose kept cells are the picture's own to the bit."""
        return torch.where(self._finest, drawn, self.z)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """The words and the style of an edit, as tensors.

    Args:
        text: What to draw.
        style: ``[1]`` row of the style embedding.
        against: What guidance pulls away from; None for a picture without words.
    """

    text: TextStates
    style: Tensor
    against: TextStates | None = None


def redrawn(
    pipeline: HybridPipeline, picture: Tensor, asked: Asked, numbers: Numbers, free: Sequence[Tensor]
) -> Tensor:
    """Draw a picture anew from tensors alone, which can be traced.

    Args:
        pipeline: What draws.
        picture: Premultiplied ``[1, 4, S, S]`` in [-1, 1].
        asked: Words and style.
        numbers: Everything else that decides the picture.
        free: See ``Kept``.

    Returns:
        ``[1, 4, S, S]``, premultiplied, nominally in [-1, 1].
    """
    kept = Kept(quantizer=pipeline.quantizer, z=pipeline.autoencoder.encode(picture), free=free)
    drawing = pipeline.draw_tokens(asked.text, asked.style, numbers, against=asked.against, settle=kept.labels)
    refiner = None if pipeline.residual is None else kept.refiner(pipeline.residual)
    return pipeline.autoencoder.decode(kept.latent(pipeline.refine(drawing, numbers, refiner)))
