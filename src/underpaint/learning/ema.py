"""Exponential moving average of a module's weights, used for validation and sampling."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class WeightAverage:
    """Averages the trainable parameters; buffers stay the module's own.

    The decay ramps up as ``min(decay, (1 + step) / (10 + step))`` so that early weights are soon forgotten.

    Args:
        module: The module that is trained.
        decay: Weight of the past in each update, in [0, 1).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay = module, decay
        self.average: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in module.named_parameters() if parameter.requires_grad
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the present weights.

        Args:
            step: Optimizer steps done so far.
        """
        weight = 1.0 - min(self.decay, (1.0 + step) / (10.0 + step))
        present = dict(self.module.named_parameters())
        for name, average in self.average.items():
            average.lerp_(present[name], weight)

    @contextlib.contextmanager
    def applied(self) -> Iterator[nn.Module]:
        """Swap the average into the module for the duration of a ``with`` block."""
        present = {name: p for name, p in self.module.named_parameters() if name in self.average}
        kept = {name: p.detach().clone() for name, p in present.items()}
        with torch.no_grad():
            for name, parameter in present.items():
                parameter.copy_(self.average[name])
        try:
            yield self.module
        finally:
            with torch.no_grad():
                for name, parameter in present.items():
                    parameter.copy_(kept[name])
