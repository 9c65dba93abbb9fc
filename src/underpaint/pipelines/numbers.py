"""The numbers that decide a batch besides its words: noise, guidance, temperature, steps.

Drawing reads them as plain numbers. An exporter gives tensors in their place where they shall stay inputs of the graph,
so that one code draws and is exported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What a batch is drawn from besides text and style.

    Args:
        size: Pictures ``B``.
        guidance: Strength of the pull towards the caption.
        temperature: Factor on the pipeline's own temperatures.
        steps: Steps of the diffusion part; None where there is none, or it is left out.
        noise: From a stream's name to its numbers ``[B, ...]`` on the pipeline's device.
    """

    size: int
    guidance: float | Tensor
    temperature: float | Tensor
    steps: int | None
    noise: Callable[[str], Tensor]
