"""A pipeline with its graph in 32 bits, which graphs of fewer bits are measured beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from underpaint.adapters import onnx_nodes
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.stages.optimize.export.calibration import Calibration
from underpaint.stages.optimize.export.config import Limits
from underpaint.stages.optimize.export.deviation import Yardstick
from underpaint.stages.optimize.export.tracing import Unrolled, example
from underpaint.stages.optimize.export.workshops import Feed

if TYPE_CHECKING:
    from underpaint.runtime.engine import Graph

MEASURED = 64
"""Pictures that a graph of fewer bits is measured with, none of which it was calibrated with.

Between sets of 16, the share of tokens that fall otherwise differs by a fourth.
"""
LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A pipeline with its graph in 32 bits.

    Args:
        pipeline: The model in torch.
        unrolled: The pipeline as the module that was traced.
        path: The graph as an ONNX file, in a folder for scratch.
        size: Pictures that it draws at once.
    """

    pipeline: TextToPicture[Any]
    unrolled: Unrolled
    path: Path
    size: int

    @property
    def scored(self) -> Path:
        """Where the graph lies that gives the scores of its choices too, as soon as ``watch`` wrote it."""
        return self.path.with_name("scored.onnx")

    def watch(self) -> tuple[str, ...]:
        """Write the graph that gives its scores too; returns their names."""
        return onnx_nodes.watch_inputs(self.path, self.scored, "ArgMax")

    def yardstick(self, exact: Graph, watched: Sequence[str], calibration: Calibration) -> Yardstick:
        """Return what graphs of fewer bits are measured with.

        Args:
            exact: The graph that gives its scores, in 32 bits.
            watched: Their names.
            calibration: Whose prompts are drawn, with other seeds.
        """
        feeds = self.feeds(calibration.others(MEASURED * self.size))
        return Yardstick(exact, feeds, watched, self.unrolled.streams)

    @torch.inference_mode()
    def feeds(self, requests: Sequence[DrawRequest]) -> list[Feed]:
        """Return the graph's inputs for some pictures; the last is repeated to fill the graph up."""
        batches = [requests[start : start + self.size] for start in range(0, len(requests), self.size)]
        filled = [[*batch, *[batch[-1]] * (self.size - len(batch))] for batch in batches]
        tensors = [example(self.pipeline, self.unrolled, batch) for batch in filled]
        return [dict(zip(self.unrolled.names, (each.numpy() for each in given), strict=True)) for given in tensors]
