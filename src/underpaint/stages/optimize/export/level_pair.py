"""Tracing a UNet as two functions: all levels, which gives what the deep ones say, and the outermost, which takes it.

Shapes: ``B`` pictures in a call, ``C`` channels, ``H W`` at the second level.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from underpaint.adapters.diffusers.calls import Call, answered
from underpaint.pipelines.optimizing.block_cache import Memory, with_deep_blocks
from underpaint.pipelines.optimizing.graph_part import DEEP
from underpaint.stages.optimize.export.network_graph import CalledNetwork, trace_called
from underpaint.stages.optimize.export.ways import Shapes, Way


class PairMember(CalledNetwork):
    """One of the two functions.

    Args:
        network: The UNet with blocks that are told whether they compute.
        memory: By which they are told.
        call: What else the UNet is told.
        shallow: Whether it is the function of the outermost level.
    """

    def __init__(self, network: nn.Module, memory: Memory, call: Call, *, shallow: bool) -> None:
        super().__init__(network, "forward", call)
        self._memory, self._shallow = memory, shallow

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the answer, and of all levels also what the deep ones say ``[B, C, H, W]``."""
        torch._C._jit_set_onnx_log_enabled(False)  # torch switches it on, and then prints whole graphs
        self._memory.shallow = self._shallow
        if self._shallow:
            self._memory.said[self._memory.branch] = tensors[len(self._paths)]
        bound = self._call.with_tensors(dict(zip(self._paths, tensors, strict=False)))
        answer = answered(self.network(*bound.args, **bound.kwargs)).values()
        return (*answer, *([] if self._shallow else [self._memory.said[self._memory.branch]]))


@torch.inference_mode()
def trace_pair(network: nn.Module, way: Way, whole: Path, shallow: Path) -> tuple[Shapes, ...]:
    """Write both functions of a UNet as ONNX files.

    Args:
        network: The UNet, on the CPU, in 32 bits.
        way: How it is called.
        whole: The file of all levels.
        shallow: That of the outermost.

    Returns:
        Shapes of the shallow function's inputs, in the order of the way's own.

    Raises:
        InputError: It has operations that no graph knows.
    """
    memory = Memory()
    twin = with_deep_blocks(network, memory)
    trace_called(PairMember(twin, memory, way.call, shallow=False), way, whole, gives=(DEEP,))
    bound = way.call.bound
    memory.shallow = False
    twin(*bound.args, **bound.kwargs)  # what the tracer left in the memory is no tensor of numbers
    deep = memory.said[memory.branch].clone()
    trace_called(PairMember(twin, memory, way.call, shallow=True), way, shallow, extra={DEEP: deep})
    first = next(iter(way.shapes[0]))
    return tuple({**shapes, DEEP: (shapes[first][0], *deep.shape[1:])} for shapes in way.shapes)
