"""The ways in which a pipeline of diffusers calls its networks, learned by listening while it draws.

Calls that say the same, with tensors of the same kinds, are one way and become one graph; dimensions in which such
calls differ (a pair of guidance, texts of two lengths) are left open in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from torch import nn

from underpaint.adapters.diffusers.calls import Call, Scalar
from underpaint.adapters.diffusers.recording import recording
from underpaint.core.errors import InputError
from underpaint.pipelines.diffusers_pipeline import DiffusersPipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.flops import Flops, count_flops

REQUEST = DrawRequest(caption="a smiling cat", seed=0, steps=2)
COUNTED = (2, 3)
"""Steps of the pictures whose arithmetic is counted; some schedulers take a step more than they are asked for."""
UNGUIDED = 1.0
"""The guidance of diffusers that pulls nowhere."""
CHECKER = "safety_checker"
"""Component that looks at finished pictures; it stays a network of torch."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(kw_only=True)
class Way:
    """A way in which a network is called.

    Args:
        network: The component's name.
        call: The first such call.
        shapes: Shapes of the inputs by path, of every such call; the first is that of a picture by default.
    """

    network: str
    call: Call
    shapes: list[Shapes] = field(default_factory=list)

    @property
    def constants(self) -> dict[str, Scalar]:
        """What else the network is told."""
        return self.call.constants

    @property
    def open(self) -> dict[str, tuple[int, ...]]:
        """Axes of each input in which the calls differ; inputs without any are left out."""
        axes = {
            path: tuple(axis for axis in range(len(shape)) if len({one[path][axis] for one in self.shapes}) > 1)
            for path, shape in self.shapes[0].items()
        }
        return {path: found for path, found in axes.items() if found}


def ways_of(network: str, calls: Sequence[Call]) -> list[Way]:
    """Return the ways in which a network was called, in order."""
    ways: dict[Any, Way] = {}
    for call in calls:
        tensors = call.tensors
        kinds = tuple((path, tensor.dtype, tensor.ndim) for path, tensor in tensors.items())
        key = (tuple(sorted(call.constants.items())), kinds, call.answers)
        way = ways.setdefault(key, Way(network=network, call=call))
        shapes = {path: tuple(tensor.shape) for path, tensor in tensors.items()}
        if shapes not in way.shapes:
            way.shapes.append(shapes)
    return list(ways.values())


@contextmanager
def unchecked(pipeline: DiffusersPipeline) -> Iterator[None]:
    """Let pictures through that a safety checker would refuse: those of a few steps look like anything."""
    inner = pipeline.pipeline
    checker = getattr(inner, CHECKER, None)
    if checker is None:
        yield
        return
    setattr(inner, CHECKER, None)
    try:
        yield
    finally:
        setattr(inner, CHECKER, checker)


def networks_to_export(pipeline: DiffusersPipeline) -> dict[str, nn.Module]:
    """Return the networks of a pipeline that can become graphs."""
    return {name: network for name, network in pipeline.modules.items() if name != CHECKER}


def listen(pipeline: DiffusersPipeline) -> tuple[dict[str, list[Way]], tuple[Flops, Flops]]:
    """Draw a few steps, guided and not, and return how the networks were called, and the arithmetic.

    Args:
        pipeline: In torch.

    Returns:
        Ways by network, without networks that are not called; arithmetic of a picture in each number of ``COUNTED``.

    Raises:
        InputError: It cannot draw, or calls a network with what no graph can hold.
    """
    with unchecked(pipeline), recording(networks_to_export(pipeline)) as calls:
        counted = [count_flops(partial(pipeline.draw, [replace(REQUEST, steps=steps)])) for steps in COUNTED]
        if "guidance_scale" in pipeline.facts.parameters:
            with suppress(InputError):  # what cannot be drawn in torch need not be exported
                pipeline.draw([replace(REQUEST, guidance=UNGUIDED)])
    ways = {name: ways_of(name, made) for name, made in calls.items() if made}
    if pipeline.facts.network not in ways:
        raise InputError(
            f"{pipeline.facts.class_name} does not call its {pipeline.facts.network} as other pipelines do, so it "
            "cannot be exported; draw with it as it is"
        )
    return ways, (counted[0], counted[1])
