"""What a picture looks like while it is drawn: the sum of the scales so far, decoded after each of them.

Only the hybrid draws from coarse to fine in a loop that can be watched; a graph runs in one piece.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from underpaint.models.pixels import to_straight
from underpaint.pipelines.drawer import Drawer, unwatched
from underpaint.pipelines.hybrid import HybridPipeline
from underpaint.pipelines.settings import DrawRequest, OnStage
from underpaint.runtime.device import threads

OnPreview = Callable[[int, int, np.ndarray], None]
"""Called with the number of scales drawn, the number of scales, and ``[H, H, 4]`` uint8, straight alpha."""


def can_preview(drawer: Drawer) -> bool:
    """Tell whether a drawer can show unfinished pictures."""
    return isinstance(drawer, HybridPipeline)


def preview_steps(num_steps: int, previews: int) -> list[int]:
    """Return after which steps the previews are shown, evenly spread and before the end.

    Args:
        num_steps: Steps, or scales, of the drawing.
        previews: How many are wanted; more than there are steps before the last are not shown.
    """
    steps = [-(-num_steps * (k + 1) // (previews + 1)) for k in range(previews)]
    return sorted({step for step in steps if step < num_steps})


@torch.inference_mode()
def draw_watched(
    pipeline: HybridPipeline,
    request: DrawRequest,
    steps: list[int],
    on_preview: OnPreview,
    on_stage: OnStage = unwatched,
) -> np.ndarray:
    """Draw one picture and show it after some of its scales; its pixels are those that ``draw`` gives.

    Args:
        pipeline: What draws.
        request: What to draw.
        steps: After which scales to show it, counted from 1.
        on_preview: Shown the unfinished picture.
        on_stage: Called as each stage begins.

    Returns:
        ``[H, H, 4]`` uint8, straight alpha.

    Raises:
        InputError: A style is unknown, or the request asks for what this pipeline cannot do.
    """

    def show(scale: int, f: Tensor) -> None:
        if scale + 1 in steps:
            picture = to_straight(pipeline.autoencoder.decode(f))[0]
            on_preview(scale + 1, pipeline.quantizer.num_scales, picture)

    with threads(pipeline.threads):
        numbers = pipeline.numbers([request])
        on_stage("text")
        text, style = pipeline.encode_text([request.caption]), pipeline.style_index([request.style])
        on_stage("transformer")
        drawing = pipeline.draw_tokens(text, style, numbers, on_scale=show)
        on_stage("residual")
        latent = pipeline.refine(drawing, numbers)
        on_stage("decoder")
        return to_straight(pipeline.autoencoder.decode(latent))[0]
