"""The curve of a training on a few pictures, the weights of its best step, and when it ends.

Curve and weights lie in buffers, so that the saved state of a run holds them and a resumed run ends like one that was
not cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from underpaint.core.progress import Progress
from underpaint.learning.loop import Run, Trainee
from underpaint.stages.train.tuning.verdict import Point, best_of, overfits


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


def curve_of(points: Sequence[Point]) -> list[dict[str, float]]:
    """Return validations as a manifest tells them."""
    return [{name: round(value, 4) for name, value in point._asdict().items()} for point in points]


class WatchedTrainee(Trainee, Protocol):
    """What a run that ends early needs of the thing that is trained."""

    @property
    def task(self) -> str:
        """What is done, in a few words."""
        ...

    @property
    def watch(self) -> Watch:
        """Its curve and best weights."""
        ...

    @property
    def patience(self) -> int:
        """Validations without a better one after which it ends."""
        ...


class WatchedRun(Run):
    """A run that ends early once it has not become better on held-out pictures for a while."""

    trainee: WatchedTrainee

    @property
    def over(self) -> bool:
        """Whether the last step is done, or patience is at its end."""
        return super().over or self.trainee.watch.waited >= self.trainee.patience

    def _progress(self) -> Progress:
        """Say where the training stands, in words where it over-fits."""
        points = self.trainee.watch.points
        best, last = best_of(points), points[-1]
        note = f"learned {last.learned:.3g}  held-out {last.held_out:.3g} (best {best.held_out:.3g} at {best.step})"
        note += "  over-fitting: the held-out loss rises" if overfits(points) else ""
        done = self.config.steps if self.over else self.step
        return Progress(task=self.trainee.task, done=done, total=self.config.steps, unit="steps", note=note)
