"""The curve of a training on a few pictures, and the weights of its best step.

Both lie in buffers, so that the saved state of a run holds them and a resumed run ends like one that was not cut off.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from underpaint.stages.train.tuning.verdict import Point, best_of


class Watch(nn.Module):
    """Remembers every validation, and the trained weights at the best of them.

    Args:
        module: What is trained; the watch is no part of it yet.
        validations: Most validations that will come, the one before training included.
    """

    curve: Tensor

    def __init__(self, module: nn.Module, validations: int) -> None:
        super().__init__()
        self.names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
        parameters = dict(module.named_parameters())
        for number, name in enumerate(self.names):
            self.register_buffer(f"best_{number}", parameters[name].detach().clone())
        self.register_buffer("curve", torch.full((validations, len(Point._fields)), torch.nan, dtype=torch.float64))

    @property
    def points(self) -> list[Point]:
        """The validations so far."""
        return [Point(int(row[0]), *row[1:]) for row in self.curve.tolist() if row[0] == row[0]]

    @property
    def num_weights(self) -> int:
        """Number of trained weights, those of parameters that are trained in part counted whole."""
        return sum(self.get_buffer(f"best_{number}").numel() for number in range(len(self.names)))

    @property
    def waited(self) -> int:
        """Validations since the best one."""
        points = self.points
        return len(points) - 1 - points.index(best_of(points)) if points else 0

    @torch.no_grad()
    def note(self, module: nn.Module, point: Point) -> None:
        """Write a validation down, and the weights if it is the best so far.

        Args:
            module: What is trained, with the weights that were validated.
            point: The validation.
        """
        self.curve[len(self.points)] = torch.tensor(point, dtype=torch.float64)
        if best_of(self.points) == point:
            for buffer, parameter in self._pairs(module):
                buffer.copy_(parameter)

    @torch.no_grad()
    def restore(self, module: nn.Module) -> None:
        """Put the best weights into place."""
        for buffer, parameter in self._pairs(module):
            parameter.copy_(buffer)

    def _pairs(self, module: nn.Module) -> list[tuple[Tensor, Tensor]]:
        parameters: Mapping[str, Tensor] = dict(module.named_parameters())
        return [(self.get_buffer(f"best_{number}"), parameters[name]) for number, name in enumerate(self.names)]
