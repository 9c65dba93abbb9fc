"""A pipeline as one function of tensors, and the graph that tracing it gives.

Scales, guidance and steps are unrolled, and the cache of keys and values is a chain of concatenations of constant
length: no state, no loop. Noise, guidance and temperature stay inputs, where the drawing reads them.

Shapes: ``B`` batch, ``T`` text tokens, ``D`` width of the text table, ``H`` side of the picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from underpaint.adapters import onnx_nodes
from underpaint.diffusion.guidance import acts
from underpaint.models.pixels import to_straight_levels
from underpaint.models.text_encoder import TextStates, Words
from underpaint.pipelines.drawer import unwatched
from underpaint.pipelines.exported_folder import GUIDANCE, MASK, PICTURE, STYLE, TEMPERATURE, WEIGHT, WORDS
from underpaint.pipelines.numbers import Numbers
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture

OPSET = 17
"""Version of the ONNX operators: the first with layer normalization as one operator, known to all engines in use."""


class Unrolled(nn.Module):
    """A pipeline between words and pixels as a module of tensors alone.

    Args:
        pipeline: What draws.
        requests: ``B`` requests of equal numbers; their steps are unrolled.
    """

    def __init__(self, pipeline: TextToPicture[Any], requests: Sequence[DrawRequest]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(pipeline.modules)
        self._pipeline, self._numbers = pipeline, pipeline.numbers(requests)
        guidance = (GUIDANCE,) if acts(self._numbers.guidance) else ()
        self.streams = pipeline.streams
        self.names = (WORDS, WEIGHT, MASK, STYLE, TEMPERATURE, *guidance, *(stream.name for stream in self.streams))

    def narrow(self, read: Collection[str]) -> None:
        """Forget the names and streams that are not among those that the graph reads."""
        self.names = tuple(name for name in self.names if name in read)
        self.streams = tuple(stream for stream in self.streams if stream.name in read)

    @property
    def steps(self) -> int | None:
        """Steps of the diffusion part that are unrolled."""
        return self._numbers.steps

    @property
    def guidance(self) -> float | None:
        """Strength of guidance by default; None where the graph has no such input."""
        return float(self._numbers.guidance) if GUIDANCE in self.names else None

    def forward(self, *given: Tensor) -> Tensor:
        """Draw ``[B, H, H, 4]`` uint8, straight alpha, from tensors in the order of ``names``."""
        named = dict(zip(self.names, given, strict=True))
        text: TextStates = self._pipeline.text_encoder.read(Words(named[WORDS], named[WEIGHT], named[MASK]))
        numbers = Numbers(
            size=self._numbers.size,
            guidance=named.get(GUIDANCE, 0.0),
            temperature=named[TEMPERATURE],
            steps=self._numbers.steps,
            noise=named.__getitem__,
        )
        return to_straight_levels(self._pipeline.pictures(text, named[STYLE], numbers, unwatched))


def example(pipeline: TextToPicture[Any], unrolled: Unrolled, requests: Sequence[DrawRequest]) -> tuple[Tensor, ...]:
    """Return inputs of the right shapes, in the order of ``unrolled.names``."""
    encoder = pipeline.text_encoder
    ids, mask = pipeline.text_tokenizer.encode_batch([r.caption for r in requests], encoder.config.max_tokens)
    words = encoder.look_up(torch.from_numpy(ids), torch.from_numpy(mask))
    named: dict[str, Tensor] = {
        WORDS: words.vectors,
        WEIGHT: words.weight,
        MASK: words.mask,
        STYLE: pipeline.style_index([request.style for request in requests]),
        TEMPERATURE: torch.tensor(1.0),
        GUIDANCE: torch.tensor(unrolled.guidance or 0.0),
    }
    seeds = [request.seed for request in requests]
    named |= {stream.name: torch.from_numpy(stream.draw(seeds)) for stream in unrolled.streams}
    return tuple(named[name] for name in unrolled.names)


@torch.inference_mode()
def trace_module(module: nn.Module, given: tuple[Tensor, ...], names: Sequence[str], target: Path) -> tuple[str, ...]:
    """Write a module of tensors as an ONNX file that gives a picture; returns the names of the inputs that it reads.

    The graph has no others: the tracer drops an input from which nothing of the picture follows.

    Args:
        module: From tensors to the picture.
        given: Inputs of the right shapes.
        names: Theirs.
        target: The file.
    """
    module.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every shape that becomes a constant, as it shall here
        torch.onnx.export(
            module,
            given,
            str(target),
            input_names=list(names),
            output_names=[PICTURE],
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx_nodes.inputs(target)


def trace(pipeline: TextToPicture[Any], requests: Sequence[DrawRequest], target: Path) -> Unrolled:
    """Write the graph of a pipeline as an ONNX file.

    Args:
        pipeline: On the CPU.
        requests: ``B`` requests of equal numbers.
        target: The file.

    Returns:
        What was traced, with the inputs that the graph has.
    """
    unrolled = Unrolled(pipeline, requests)
    unrolled.narrow(trace_module(unrolled, example(pipeline, unrolled, requests), unrolled.names, target))
    return unrolled


def component_arrays(pipeline: TextToPicture[Any]) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Return the float32 tensors of every component by component and name; the text table is in half precision."""
    return {
        component: {
            name: tensor.numpy() for name, tensor in module.state_dict().items() if tensor.dtype == torch.float32
        }
        for component, module in pipeline.modules.items()
    }


def are_halves(pipeline: TextToPicture[Any]) -> bool:
    """Tell whether half precision holds every parameter without rounding it, as it does where they were saved in it."""
    parameters = (each.detach() for network in pipeline.modules.values() for each in network.parameters())
    return all(torch.equal(each, each.half().float()) for each in parameters)
