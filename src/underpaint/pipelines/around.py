"""Networks that surround the one of a sampling loop: they decide, call by call, how much of it is computed.

A loop of diffusers calls its network once a step, with pictures that are guided as one batch: first the half without
words, then the half with them. What surrounds the network sees every call and knows, once it was told that a drawing
begins, which step it belongs to.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from underpaint.diffusion.guidance import in_interval

TIME = ("timestep", "t")
"""Names under which loops hand over the time."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """A drawing that begins.

    Args:
        pictures: Pictures that are drawn together.
        steps: Steps that will be taken.
    """

    pictures: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A call's place in the drawing.

    Args:
        step: Number of the step, from 0.
        branch: Number of the call within its step, from 0.
        steps: Steps that will be taken; 0 where nobody said so.
        time: What the loop calls the time.
    """

    step: int
    branch: int
    steps: int
    time: float


class Surrounding(nn.Module):
    """Stands in a loop where its network was, and looks like it in everything that a loop asks for.

    Args:
        network: The network.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.begin(Beginning(pictures=0, steps=0))

    def __getattr__(self, name: str) -> Any:
        """Return what the network has under this name."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)

    def begin(self, beginning: Beginning) -> None:
        """Forget the drawing before."""
        self._beginning, self._time, self._step, self._branch = beginning, None, -1, 0

    def _moment(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Moment:
        """Return the place of a call: a step goes on as long as the time stays the same."""
        given = next((kwargs[name] for name in TIME if name in kwargs), args[1] if len(args) > 1 else 0.0)
        time = float(given.flatten()[0]) if isinstance(given, Tensor) else float(given)
        if self._time != time:
            self._time, self._step, self._branch = time, self._step + 1, 0
        else:
            self._branch += 1
        return Moment(step=self._step, branch=self._branch, steps=self._beginning.steps, time=time)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Answer a call of the loop."""
        return self.answer(self._moment(args, kwargs), args, kwargs)

    @abstractmethod
    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a call whose place is known."""


def begin_drawing(network: nn.Module, beginning: Beginning) -> None:
    """Tell everything that surrounds a network, and what lies in it, that a drawing begins."""
    for module in network.modules():
        if isinstance(module, Surrounding):
            module.begin(beginning)


class HalfGuided(Surrounding):
    """Computes the half without words in a part of the drawing alone.

    Elsewhere both halves of the answer are the one with words, which guidance of any strength leaves as it is.

    Args:
        network: The network.
        low: Share of the steps at which guidance begins.
        high: Share at which it ends.
    """

    def __init__(self, network: nn.Module, low: float, high: float) -> None:
        super().__init__(network)
        self.low, self.high = low, high

    def answer(self, moment: Moment, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer with both halves, or with one of them twice."""
        size = self._beginning.pictures
        guided = in_interval(moment.step / max(moment.steps, 1), self.low, self.high)
        if guided or not size or batch_of(args, kwargs) != 2 * size:
            return self.network(*args, **kwargs)
        halved = [mapped(value, lambda tensor: _second_half(tensor, size)) for value in (args, kwargs)]
        answer = self.network(*halved[0], **halved[1])
        return mapped(answer, lambda tensor: torch.cat([tensor, tensor]) if len(tensor) == size else tensor)


def batch_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """Return the size of the batch in a call: that of its first tensor."""
    first = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor) and value.ndim > 1), None)
    return 0 if first is None else len(first)


def _second_half(tensor: Tensor, size: int) -> Tensor:
    return tensor[size:] if tensor.ndim and len(tensor) == 2 * size else tensor


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return a value with all tensors in it changed; what is neither a tensor nor a container stays as it is."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        changed = {key: mapped(child, change) for key, child in value.items()}
        return changed if type(value) is dict else type(value)(**changed)
    if isinstance(value, list | tuple):
        return type(value)(mapped(child, change) for child in value)
    return value
